/* SPDX-License-Identifier: MIT */
/**
 * The subcommands of gait-sim. argv[0] is the subcommand's name.
 */
#ifndef COMMAND_MAINS_H
#define COMMAND_MAINS_H

int check_main(int argc, char **argv);
int replay_main(int argc, char **argv);
int run_main(int argc, char **argv);
int sweep_main(int argc, char **argv);
int merge_main(int argc, char **argv);
int fit_main(int argc, char **argv);
int predict_main(int argc, char **argv);
int life_main(int argc, char **argv);
int keys_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * The subcommands of gait-heap. argv[0] is the subcommand's name.
 */
#ifndef HEAP_MAINS_H
#define HEAP_MAINS_H

int kinds_main(int argc, char **argv);
int dominators_main(int argc, char **argv);
int path_main(int argc, char **argv);
int diff_main(int argc, char **argv);
int suspects_main(int argc, char **argv);
int picture_main(int argc, char **argv);

#endif

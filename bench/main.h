/* SPDX-License-Identifier: MIT */
/* What main.c hands to bench.c. */
#ifndef BENCH_MAIN_H
#define BENCH_MAIN_H

/** Set the `name=value` arguments, NULL-terminated, that bench_parameter looks in. */
void bench_set_parameters(char **arguments);

#endif

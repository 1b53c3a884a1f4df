/* SPDX-License-Identifier: MIT */
/*
 * Functions of libraries that stand on this one's public functions, such as libgait-pprof: called
 * by a program that does not know of them, since its options ask for it. A library is loaded at the
 * first need, and stays. It calls the public functions that the program has, so those have to be
 * found by name: in the shared library, or in a program with the static one that exports them.
 */
#ifndef GAIT_COMPANION_H
#define GAIT_COMPANION_H

/** NULL: there is none; *why says so. */
void (*companion_find(const char *library, const char *function, const char **why))(void);

#endif

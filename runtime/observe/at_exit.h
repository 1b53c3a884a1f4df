/* SPDX-License-Identifier: MIT */
/*
 * What is to be written when the program exits: a table of calls, each made once, by the thread
 * that exits or by whoever takes it out before.
 *
 * The table is bounded. What has no place in it is not called at exit: then what is written lacks
 * its last moments.
 */
#ifndef GAIT_AT_EXIT_H
#define GAIT_AT_EXIT_H

#include <stdbool.h>
#include <stddef.h>

#define AT_EXIT_PLACES 64

/** Have end(argument) called at exit. @return the place, for at_exit_take; AT_EXIT_PLACES: there is
 * none left. */
size_t at_exit_add(void (*end)(void *argument), void *argument);

/**
 * Take it out again.
 * @return true: it was not called and will not be. False: it was called, and has returned, or had
 * no place.
 */
bool at_exit_take(size_t place, const void *argument);

/** In the child of a fork: forget all of the parent's. */
void at_exit_forget(void);

#endif

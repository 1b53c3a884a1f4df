/* SPDX-License-Identifier: MIT */
/*
 * Calls that are wrong: each made in a process of its own, which must end by abort() after one line
 * on stderr that names the call.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include <gait/gait.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct misuse {
    const char *name; /* what the line must name */
    void (*call)(void);
};

/* What the calls work with, made anew in each process. */
extern gait_mutator *mutator;
extern gait_kind kind;
extern gait_word *object, slot;
extern gait_handle *handle;
extern gait_coroutine *coroutine;
extern struct gait_frame frame;

/** The states in which the calls are wrong. */
void state_detached(void);
void state_native(void);
void state_taken_along(void); /* in native code, by the region of another heap's mutator */
void state_of_another(void);  /* it is another thread's, and runs */
void state_running(void);

/** Make each call in a state. @return how many did not end as they should: a line names each. */
unsigned misuse_run(const struct misuse *calls, size_t count, const char *title,
                    void (*prepare)(void));

/** The inline functions without the checks of GAIT_CHECKED. @return likewise. */
unsigned unchecked_run(void);

/** Those that work with arenas. @return likewise. */
unsigned arenas_run(void);

/** Copies, pairs and figures of arenas. @return likewise. */
unsigned arena_use_run(void);

#endif

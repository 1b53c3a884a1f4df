/* SPDX-License-Identifier: MIT */
/*
 * Roots that belong to no mutator: static slots, handles, and coroutines that do not run.
 *
 * Static slots and handles may come and go while roots_push runs; the barrier of the mutator that
 * adds or removes one shades what it holds, so one that is missed or met twice does no harm.
 *
 * A coroutine's saved state is guarded by its own lock, so that nobody waits for the scan of
 * another one's stack. While it runs, it is part of its mutator, and not looked at here. It must be
 * scanned once per cycle: with its mutator, by roots_push_coroutines after all mutators were
 * scanned, or by the mutator that resumes it before that.
 */
#ifndef GAIT_ROOTS_H
#define GAIT_ROOTS_H

#include <gait/inline.h>
#include <stdbool.h>

#include "../platform/lock.h"
#include "../platform/registers.h"
#include "address_map.h"
#include "marker.h"

struct gait_handle {
    gait_word value; /* atomic. Free: the next free handle */
};

struct gait_coroutine {
    struct lock lock;            /* rank COROUTINE: what it saved, scanned and running */
    struct gait_coroutine *next; /* the list; lock ROOTS */
    struct gait_coroutine *previous;
    gait_roots_fn visit; /* constant; NULL: none */
    void *data;          /* constant */
    char *stack_low;     /* constant; both NULL: no C stack is scanned */
    char *stack_high;
    struct gait_frame *frames;            /* the youngest frame of its shadow stack */
    char *saved_low;                      /* where its C stack stood; NULL: it never ran */
    gait_word registers[REGISTERS_SAVED]; /* then; meant if saved_low is not NULL */
    unsigned scanned;                     /* the cycle in which it was scanned; 0: never */
    bool running;
};

struct roots {
    struct lock lock; /* rank ROOTS */
    struct address_map ranges;
    struct handle_slab *slabs; /* atomic: read without the lock; only added to */
    struct gait_handle *free_handles;
    struct gait_coroutine *coroutines;
    struct gait_coroutine *cursor; /* of roots_push_coroutines: the next to look at */
    AO_t bytes;                    /* of static slots and handles; read unordered: a figure */
};

/** @return negative: no memory. */
int roots_init(struct roots *roots);

/** Frees handles and coroutines too. */
void roots_destroy(struct roots *roots);

/** Add static slots. The caller shades what they hold. @return 0, GAIT_E_INVALID, GAIT_E_MEMORY. */
int roots_add(struct roots *roots, gait_word *slots, size_t count);

/** Take back the last roots_add of this first slot. The caller has shaded what the slots hold: see
 * roots_count. @return 0, GAIT_E_MISSING. */
int roots_remove(struct roots *roots, gait_word *slots);

/** How many slots the last roots_add of this first slot added; 0: it was never added. */
size_t roots_count(struct roots *roots, gait_word *slots);

/** Bytes of static slots and handles in use: a figure. */
size_t roots_bytes(const struct roots *roots);

/** A handle that holds 0, or NULL: no memory. */
struct gait_handle *roots_handle_new(struct roots *roots);

/** Free a handle; the caller has shaded what it held. @return false: it is free already. */
bool roots_handle_free(struct roots *roots, struct gait_handle *handle);

/** Push what static slots and handles hold; nobody waits long for the lock meanwhile. */
void roots_push(struct roots *roots, struct marker *marker);

/** A coroutine that is not running. Its constant fields are set. NULL: no memory. */
struct gait_coroutine *roots_coroutine_new(struct roots *roots, gait_roots_fn visit, void *data,
                                           char *stack_low, char *stack_high);
void roots_coroutine_free(struct roots *roots, struct gait_coroutine *coroutine);

/**
 * A mutator suspends a coroutine, whose registers it has saved already (saved_low NULL: no C stack
 * is scanned). cycle: the one in which the mutator's roots, and so the coroutine's, were scanned;
 * 0: not in this one: then the coroutine is scanned once more, whoever scanned it before, since
 * this mutator may have put new white objects on its stack.
 */
void coroutine_suspend(struct gait_coroutine *coroutine, struct gait_frame *frames, char *saved_low,
                       unsigned cycle);

/**
 * A mutator resumes a coroutine. marker: not NULL if the mutator's own roots were scanned in this
 * cycle; then a coroutine that was not is scanned with it now. @return false: it is running.
 */
bool coroutine_resume(struct gait_coroutine *coroutine, struct marker *marker, unsigned cycle);

/** Push the roots of all suspended coroutines that were not scanned in this cycle. The collector,
 * after all mutators were scanned in it. @return bytes scanned. */
size_t roots_push_coroutines(struct roots *roots, struct marker *marker, unsigned cycle);

/** Visit a shadow stack, or a C stack conservatively: its words from low on. @return bytes. */
size_t roots_visit_frames(struct gait_visitor *visitor, const struct gait_frame *frame);
size_t roots_visit_stack(struct gait_visitor *visitor, const char *low, const char *high);

/** Visit all of it with any visitor. Nothing runs beside: the world is stopped. */
void roots_visit(struct roots *roots, struct gait_visitor *visitor);

#endif

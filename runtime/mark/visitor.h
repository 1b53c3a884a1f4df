/* SPDX-License-Identifier: MIT */
/*
 * What looks at words that may hold references: a marker, the search of search.c, what shades a
 * coroutine's roots, what notes them.
 *
 *   .inv.nowhere: a word that lies among the heap's addresses neither as it is nor without its tags
 *   leads to no object and no arena, now or later: the addresses are reserved once. So whoever
 *   walks words may leave it out.
 *
 * Most words of a data segment or of a C stack are of that sort, and a library can have tens of
 * megabytes of them.
 */
#ifndef GAIT_VISITOR_H
#define GAIT_VISITOR_H

#include <gait/inline.h>
#include <stdbool.h>
#include <stddef.h>

#include "../heap/space.h"
#include "root_cards.h"

/* Which roots are being visited. The numbers stand in files of heap snapshots. */
enum visitor_roots {
    ROOTS_NONE,      /* none: words of an object, or of an arena */
    ROOTS_STATIC,    /* static slots; of: the first */
    ROOTS_HANDLE,    /* of: the handle */
    ROOTS_RANGE,     /* of: the first word of the range */
    ROOTS_FRAMES,    /* a thread's or a coroutine's shadow stack; of: its frame */
    ROOTS_CALLBACK,  /* what its callback visits; of: the callback's data */
    ROOTS_C_STACK,   /* its C stack and registers */
    ROOTS_COROUTINE, /* the object that it is tied to */
    ROOTS_SEGMENT,   /* a data segment; of: its first word */
    ROOTS_FINALIZER, /* what a finalizer keeps; of: the object that has it */
    ROOTS_ARENA,     /* a pinned arena; of: it */
    ROOTS_STOPPED,   /* what threads hold that the program's means have stopped */
    ROOTS_HOOK,      /* what a liveness hook keeps */
    ROOTS_LINK,      /* what links in the program's memory lead to, and do not keep; of no visit */
    ROOTS_SORTS
};

struct gait_visitor {
    void (*visit)(struct gait_visitor *visitor, gait_word word, bool conservative);
    /* an object leads to a coroutine that is tied to it; NULL: nobody wants to know */
    void (*reach)(struct gait_visitor *visitor, gait_coroutine *coroutine);
    /* for reports of roots; marking does not look at them. roots, root_of: of what is visited;
     * the latter may be NULL. owner: the mutator or coroutine that has them, NULL: none. at: where
     * the word lies, NULL: a callback has handed it in */
    enum visitor_roots roots;
    bool of_coroutine; /* owner is one */
    const volatile void *root_of;
    const void *owner;
    const volatile gait_word *at;
    size_t words; /* that callbacks have visited by the API: the work that they made */
    /* constant: .inv.nowhere */
    uintptr_t base;
    size_t bytes; /* SIZE_MAX: every word is wanted */
    gait_word value_mask;
    bool counts; /* words that are not scanned but visited are all wanted: it counts them */
    /* not NULL: wanted are words that may have changed since the last cycle; root_cards.h */
    struct space *changed;
    uint64_t places; /* a number made of where ranges lie that callbacks have visited by the API */
};

static inline struct gait_visitor visitor_of(const struct space *space, gait_word value_mask,
                                             void (*visit)(struct gait_visitor *visitor,
                                                           gait_word word, bool conservative)) {
    return (struct gait_visitor){.visit = visit,
                                 .base = (uintptr_t)space->base,
                                 .bytes = space->reserved_bytes,
                                 .value_mask = value_mask};
}

/** Roots of this sort are visited from here on; ROOTS_NONE: no more. */
static inline void visitor_enter(struct gait_visitor *visitor, enum visitor_roots roots,
                                 const volatile void *of) {
    visitor->roots = roots;
    visitor->root_of = of;
    visitor->at = NULL;
}

/** They are those of a mutator, or of a coroutine. NULL: of nobody. */
static inline void visitor_own(struct gait_visitor *visitor, const void *owner, bool coroutine) {
    visitor->owner = owner;
    visitor->of_coroutine = coroutine;
}

/** A word that mutators may store to: what it leads to is read after it. */
static inline gait_word word_read(const gait_word *word) {
    return AO_load_dd_acquire_read((const volatile AO_t *)word); /* pairs with gait_store */
}

/** Of count words, count in *some how many are wanted, or not, alike. */
static inline bool visitor_wants(const struct gait_visitor *visitor,
                                 const volatile gait_word *words, size_t count, size_t *some) {
    *some = count;
    if (!visitor->changed)
        return true;
    *some = card_words(words, count);
    return root_card_is_dirty(visitor->changed, words);
}

/** Visit words that may be anything, and that the program writes by plain stores: those of a C
 * stack, padding and all, or of a data segment. */
void visitor_scan(struct gait_visitor *visitor, const volatile gait_word *words, size_t count);

/** Visit words that the program stores to by gait_store. */
void visitor_visit(struct gait_visitor *visitor, const gait_word *words, size_t count,
                   bool conservative);

#endif

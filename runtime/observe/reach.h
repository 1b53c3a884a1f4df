/* SPDX-License-Identifier: MIT */
/*
 * What is reachable, and by what: a walk from the roots by allocation bits, for pictures of a heap.
 *
 * It shares with marking what says where references are and what roots there are (visitor.h); marks
 * and the queue are not touched. First all is found (reach_find); then each object has a number, in
 * the order of addresses, and its edges can be asked for (reach_edges).
 *
 *   .inv.still: from reach_begin to reach_end no object changes: the world is stopped and no cycle
 *   runs, all of the last one being swept; or this is a process that was forked meanwhile.
 *   .inv.closed: what an object that was found leads to, but by weak words, was found. Roots are
 *   noted as they are found, and not read again: what lies on the C stack of a thread in native
 *   code changes as it likes.
 *   .inv.inside: an arena is found as a whole, as of marking, and so are all objects in it that it
 *   tells of: the arena holds each of them, and each holds the arena. A word of an arena is an edge
 *   of the object that it lies in, else of the arena.
 *
 * Nothing here calls malloc or takes a lock that is not the library's.
 */
#ifndef GAIT_REACH_H
#define GAIT_REACH_H

#include "../instance.h"
#include "../mark/ephemerons.h"
#include "../mark/target.h"
#include "address_list.h"
#include "pile.h"

/* The numbers stand in files of heap snapshots. */
enum reach_edge_type {
    EDGE_WORD = 1,    /* a word that leads to an object's start, or to a displacement in it */
    EDGE_INSIDE = 2,  /* one that may point to its inside, or be no reference at all */
    EDGE_WEAK = 3,    /* a weak word */
    EDGE_KEY = 4,     /* the key of a pair: weak */
    EDGE_VALUE = 5,   /* its value, kept while holder and key are */
    EDGE_VISITED = 6, /* a scan function has handed it in */
    EDGE_PART = 7,    /* from an arena to an object in it, and back */
    EDGE_LINK = 8,    /* a link's slot (mark/links.h): weak, whatever the word holds */
};

struct reach_edge {
    enum reach_edge_type type;
    size_t place;         /* in words, from the holder's start; VISITED: how many it visited before;
                             PART: 0 */
    struct target target; /* was found */
    size_t number;        /* of the target */
    const gait_word *pair; /* VALUE: where it lies, its key first */
};

/* A sort of roots with one owner: a thread's frames. */
struct reach_group {
    enum visitor_roots roots;
    bool of_coroutine;
    unsigned owner; /* 0: none; else the owner's number, from 1 */
    int thread;     /* of a mutator, as the system numbers threads; 0: not known */
    const volatile void *range;
};

enum reach_root_type { ROOT_EXACT = 1, ROOT_GUESS = 2, ROOT_LINK = 3 /* weak */ };

struct reach_root {
    uint32_t group; /* from 0 */
    enum reach_root_type type;
    const volatile void *place; /* where the word lies; NULL: not known */
    struct target target;
};

struct reach {
    struct gait_visitor visitor; /* first: visits cast */
    gait_heap *heap;
    const struct space *space;
    unsigned epoch;

    size_t pages;    /* of the heap, as it was */
    uint64_t *found; /* a bit for each cell: one word for each pair of the space's; in an arena's
                        pages, for each 16 bytes that an object begins in */
    size_t found_bytes;
    uint64_t *halves; /* likewise: it begins in the second 8 of these */
    size_t halves_bytes;
    uint64_t *found_arenas; /* a bit for each record */
    size_t found_arenas_bytes;
    size_t *before; /* for each page, objects that were found below it, and for the end of all;
                       reach_find's end */
    size_t before_bytes;
    size_t objects;            /* that were found */
    struct pile grey;          /* char *: what was found and not looked at */
    struct pile groups;        /* struct reach_group */
    struct pile roots;         /* struct reach_root */
    struct ephemerons keys;    /* that were not found, with their pairs */
    struct address_list links; /* targets by slots */

    unsigned mutators, coroutines; /* that were met, as owners of roots */
    const void *owner;             /* the last */

    /* whose words are visited */
    char *object; /* NULL: roots */
    size_t object_bytes;
    size_t visits;            /* of it so far */
    const struct arena *only; /* words that lead elsewhere are none; NULL: all count */

    void (*edge)(const struct reach_edge *edge, void *data); /* while reach_edges runs */
    void *edge_data;
    bool failed; /* there was no memory */
};

/** Take memory for a walk. @return false: there is none. To be ended in any case. */
bool reach_begin(struct reach *reach, gait_heap *heap);
void reach_end(struct reach *reach);

/** Find all, and number it. @return false: there was no memory. */
bool reach_find(struct reach *reach);

/** What was found, in the order of numbers, from 1: objects by address, also those in arenas, then
 * arenas. */
void reach_each(const struct reach *reach, void (*act)(const struct target *target, void *data),
                void *data);

/** How much memory a target takes, bytes: of an arena, beside its objects. */
size_t reach_bytes(const struct reach *reach, const struct target *target);

/** The object in an arena that a target means, where the arena tells of it. @return false: an
 * object of the heap, or the arena itself. */
bool reach_inside(const struct reach *reach, const struct target *target,
                  struct arena_object *object);

/** The edges of an object or arena to what was found. */
void reach_edges(struct reach *reach, const struct target *target,
                 void (*edge)(const struct reach_edge *edge, void *data), void *data);

/** Was it found? */
bool reach_has(const struct reach *reach, const struct target *target);

/** The number of something that was found. */
size_t reach_number(const struct reach *reach, const struct target *target);

#endif

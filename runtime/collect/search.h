/* SPDX-License-Identifier: MIT */
/*
 * A search of all that is reachable, breadth first, with marks of its own: by what is marked only,
 * with the world stopped, between the end of marking and sweeping.
 *
 * It shares with marking what says where references are (marker_visit_object, the visits of roots)
 * and the table of keys that pairs wait for; not the queue, the marks or the order.
 *
 *   .inv.shortest: what is found is found by a shortest way from the roots; only what nothing else
 *   leads to is found from a finalizer, or from a hook.
 *   .inv.old: a conservative root that leads to what has no mark leads nowhere: what lay on a C
 *   stack as marking began is there no more, and what lies there now may be old and dead. A word
 *   that was not scanned proves nothing. Not where all are scanned in the last stop (changes.c).
 *
 * Needs a bit per 16 bytes of heap, and 24 bytes for each object that waits to be looked at; with
 * search_use.keep, for each that was found.
 */
#ifndef GAIT_SEARCH_H
#define GAIT_SEARCH_H

#include <gait/gait.h>

#include "../heap/kinds.h"
#include "../mark/arenas.h"
#include "../mark/ephemerons.h"
#include "../mark/marker.h"

struct line;

/* An object that was found, and what led to it. */
struct search_entry {
    char *object; /* an arena's handle for an arena. NULL: it is a root, struct search_root */
    struct search_entry *parent;
    const volatile gait_word *at; /* the word that led to it; NULL: not known */
};

/* Roots of one sort and owner that something new was found from. */
struct search_root {
    struct search_entry entry; /* first: a path's end is cast to it */
    enum visitor_roots roots;
    bool of_coroutine;
    bool conservative;
    const volatile void *of;
    const void *owner; /* perhaps no more, when the world runs again */
    int thread;        /* the owner's number, if it is a mutator; -1: not known */
};

struct search_chunk;

/* First in, first out. */
struct search_queue {
    struct search_chunk *first;
    struct search_chunk *last;
    size_t taken; /* of the first chunk */
};

struct search;

/* What a search is for. */
struct search_use {
    unsigned epoch; /* that marks were made in */
    bool keep;      /* entries stay, with what led to them, until search_end */
    bool hooks;     /* liveness hooks are asked what they keep */
    /* something marked is found, which is looked at only now. entry: its parent and the place; the
     * object itself is cell or arena, of which one is NULL. @return false: the search may end */
    bool (*found)(struct search *search, const struct search_entry *entry, const struct cell *cell,
                  const struct arena *arena);
    /* something reachable has no mark, and is not looked at; NULL: no matter */
    void (*unmarked)(struct search *search, struct search_entry *entry);
    void *data;
    int64_t most_ns; /* give up when it has taken so long; 0: never */
};

struct search {
    struct gait_visitor visitor; /* first: visit casts */
    gait_heap *heap;
    struct space *space;
    const struct search_use *use;
    uint64_t *visited; /* a bit per cell: one word for each pair of the space's */
    size_t visited_bytes;
    uint64_t *visited_arenas; /* a bit per record */
    size_t visited_arenas_bytes;
    struct search_queue grey;
    struct search_queue kept;       /* chunks that were taken from grey, if keep */
    struct search_queue ephemerons; /* found ones; parent: their own entry. Only if keep */
    struct ephemerons keys;         /* keys that are not found yet, with their pairs */
    struct search_queue pairs;      /* pairs whose keys were found since; object: the pair */
    struct search_queue roots;      /* of struct search_root. Only if keep */
    struct search_root root;        /* the last one; what all found from roots has if not keep */
    struct search_entry paired;     /* the parent of values of pairs, until somebody asks */
    struct search_entry *source;    /* whose references are visited now; NULL: roots' */
    int64_t end_ns;                 /* when to give up; 0: never */
    size_t looked;                  /* objects that were looked at */
    bool over;                      /* by found's wish, or given up */
    bool late;                      /* given up: time */
    bool failed;                    /* given up: memory */
};

/** Search the heap; search_end follows. @return false: given up, and what was found is not all. */
bool search_run(struct search *search, gait_heap *heap, const struct search_use *use);

/** Give its memory back: no entry is valid any more. */
void search_end(struct search *search);

/** The cell of an object, if there is one at this address in the search's epoch. */
bool search_cell(const struct search *search, const char *object, struct cell *cell);

/** The cell of the object that a word refers to, as marking takes it. @return false: none. */
bool search_word(const struct search *search, gait_word word, bool conservative, struct cell *cell);

/** The arena of a handle, or of any address in it. NULL: none. */
struct arena *search_arena(const struct search *search, const char *address);

static inline size_t search_cell_bytes(const struct search *search, const struct cell *cell) {
    return entry_cell_bytes(search->space, cell->entry, cell->head);
}

/** The root that a path begins at: it is not NULL. *length: objects on the path, entry's own
 * included. Only if entries are kept. */
const struct search_root *search_path(struct search *search, struct search_entry *entry,
                                      size_t *length);

/** The n-th entry of a path of so many, 0: the root's end. After search_path. */
const struct search_entry *search_step(const struct search_entry *entry, size_t length, size_t n);

/* ---- Its text ---- */

/** Add an object's address, kind and size, or an arena's name. */
void search_add_object(const struct search *search, struct line *line, const char *object);

/** Add which roots these are, such as "static slot 0x…" or "shadow stack of thread 4711". Does not
 * look at the roots, so it may be called when they have gone. at: the word, NULL: not known. */
void search_add_root(struct line *line, const struct search_root *root,
                     const volatile gait_word *at);

/** @return the byte of an object at which this word of it lies; -1: the word is not known, or lies
 * elsewhere. */
ptrdiff_t search_place(const struct search *search, const char *object,
                       const volatile gait_word *at);

#endif

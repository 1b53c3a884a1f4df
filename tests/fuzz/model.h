/* SPDX-License-Identifier: MIT */
/*
 * The model: what an owner's objects and roots hold, what must be alive, and what may be.
 *
 *   strong   reached from a usable root by strong words, and by values of pairs whose table and key
 *            are strong: it must be alive, and be what the model says
 *   lent     not strong, but reached from an object whose finalizer has not run: it may be alive,
 *            or, if that is an unordered one, come back
 *   doomed   neither, but a weak word may still lead to it: it is gone after a collection; until
 *            then a read of the weak word may bring it back, as it was
 *   dead     seen to be gone: nobody may meet it again
 *
 * A node is kept in the model as long as some word of a kept node leads to it, weak ones too.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "fuzz.h"

struct job;
struct cleanup;

struct word {
    gait_word value;
    struct node *target; /* what value refers to; NULL: nothing */
    unsigned char stale; /* what value referred to in an arena is gone */
    bool loose;          /* a weak word, which may have been cleared before its target came back */
};

enum { STALE_RESET = 1, STALE_ENDED };

struct node {
    struct node *next; /* of its owner's */
    gait_word address;
    struct word *words; /* that the model fills: word_count */
    size_t word_count, cell_words;
    unsigned kind;
    unsigned strong, lent, kept; /* the walk in which it was found to be */
    bool dead;
    bool back; /* has come back with another's: its finalizer may be queued, though it is strong */
    struct arena *arena;  /* that it lies in; NULL: the heap */
    struct node *sibling; /* the next in the same arena */
    struct job *job;
    struct generator *generator; /* whose coroutine is tied to it; NULL: none */
};

enum root_class {
    ROOT_STACK,    /* words on a C stack that is scanned              */
    ROOT_CALLBACK, /* words that a root callback visits               */
    ROOT_STATIC,   /* groups of slots that gait_roots_add adds        */
    ROOT_RANGE,    /* words spread over what gait_roots_add_range adds */
    ROOT_BLOCK,    /* words of an off-heap block                  */
    ROOT_SEGMENT,  /* variables of this program                       */
    ROOT_HANDLE,
    ROOT_FRAME
};

#define CALLBACK_WORDS 12
#define STATIC_GROUPS 3
#define STATIC_WORDS 40
#define RANGE_WORDS 12
#define BLOCK_WORDS 20
#define RANGE_STRIDE 331 /* words between two of them: several pieces of a scan */
#define HANDLES_MAX 10
#define FRAMES_MAX 8
#define FRAME_WORDS 6
#define ROOTS_MAX                                                                                  \
    (STACK_WORDS + CALLBACK_WORDS + STATIC_GROUPS * STATIC_WORDS + RANGE_WORDS + BLOCK_WORDS +     \
     SEGMENT_WORDS + HANDLES_MAX + FRAMES_MAX * FRAME_WORDS)

struct root {
    enum root_class class;
    bool usable;
    gait_word *slot;     /* all but handles */
    gait_handle *handle; /* handles */
    struct word word;
};

/* A finalizer of a node. */
enum job_state { JOB_NONE, JOB_SET, JOB_RUNS, JOB_RAN, JOB_TAKEN };

struct job {
    unsigned
        state; /* atomic; SET -> RUNS -> RAN by whichever thread runs it, others by the owner */
    struct node *node;
    struct owner *owner;
    gait_word *inbox; /* a static root: the object, once the finalizer has run */
    bool second;      /* the second function is set */
    uint32_t flags;   /* GAIT_FINALIZER_… */
};

/* What its object leads to is not kept for it, but comes back. */
static inline bool job_comes_back(const struct job *job) {
    return job->flags & (GAIT_FINALIZER_UNORDERED | GAIT_FINALIZER_RESURRECT);
}

/* Its object comes back without having died: a weak word may lead there though it is queued. */
static inline bool job_resurrects(const struct job *job) {
    return job->flags & GAIT_FINALIZER_RESURRECT;
}

struct cleanup {
    struct node *node; /* NULL: not in use */
    unsigned ran;      /* atomic */
    unsigned expected; /* how many were added with this data */
};

#define GENERATOR_WORDS 3

/* A coroutine that is tied to a node: ops_generators.c. */
struct generator {
    struct generator *next; /* of its owner's */
    struct node *node;      /* NULL: it is gone */
    gait_coroutine *gait;
    unsigned freed; /* atomic: its cleanup has run */
    struct gait_frame frame;
    gait_word slots[GENERATOR_WORDS];
    struct word words[GENERATOR_WORDS]; /* what the slots hold */
};

/* An arena: ops_arenas.c. */
struct arena {
    struct arena *next; /* of its owner's */
    struct gait_arena *handle;
    struct node *nodes; /* by sibling; the first is the handle's */
    bool traced, pinned, described;
    bool placed;  /* in blocks, for what is to lie near something */
    bool bounded; /* no larger than its range */
    bool flat;    /* without references */
    const char *name;
    uint64_t resets;
};

/* An off-heap block. */
struct block {
    void *memory; /* NULL: none */
    size_t bytes;
    uint64_t seed;     /* of what it holds */
    struct node *node; /* that owns it; NULL: the owner frees it */
    int tag;
};

/* A word of the owner's memory that the library clears when the target dies. */
struct link {
    struct node *target; /* NULL: not in use */
    gait_word slot, value;
    uint32_t flags; /* GAIT_LINK_… */
    bool loose;     /* as of a word */
};

/* An entry of a table that a liveness hook keeps and clears. */
enum watch_mode {
    WATCH_NONE,
    WATCH_WEAK,  /* keeps nothing                     */
    WATCH_PAIR,  /* keeps its value while its key is  */
    WATCH_STRONG /* keeps both: a root                */
};

struct watch {
    struct node *target, *value; /* NULL: not in use; no value */
    gait_word words[2];          /* key, value; atomic: the hook clears them */
    unsigned mode;               /* atomic, enum watch_mode; the owner's */
    bool loose;                  /* as of a word */
};

#define WATCHES_MAX 8
#define LINKS_MAX 10
#define BLOCKS_MAX 12
#define FOREIGN_NAMED 3
#define JOBS_MAX 24
#define CLEANUPS_MAX 32

struct owner {
    struct owner *next; /* of the round's */
    struct heap *heap;
    struct node *nodes;
    size_t node_count;
    unsigned walk;    /* the number of the last one */
    bool with_frames; /* its roots include frames and a callback: something runs as it */
    bool callback_conservative, range_conservative;
    char *range;           /* memory of its own; NULL: none is added */
    gait_word *root_block; /* off-heap, all of it roots; NULL: none is there */
    struct root roots[ROOTS_MAX];
    gait_word callback_words[CALLBACK_WORDS];
    gait_word static_words[STATIC_GROUPS][STATIC_WORDS];
    struct gait_frame frames[FRAMES_MAX];
    gait_word frame_words[FRAMES_MAX][FRAME_WORDS];
    unsigned frames_pushed, frames_kept; /* of these are not popped now */
    struct job jobs[JOBS_MAX];
    gait_word inbox[JOBS_MAX]; /* static roots */
    struct cleanup cleanups[CLEANUPS_MAX];
    struct link links[LINKS_MAX];
    struct watch watches[WATCHES_MAX];
    struct generator *generators;
    struct arena *arenas;
    size_t foreign_bytes; /* that it has added, except those of owned blocks and these: */
    size_t named_bytes[FOREIGN_NAMED]; /* of each, by its own address as a name's; 0: none */
    struct block blocks[BLOCKS_MAX];
    struct gait_offheap_allocator *pieces;
    /* a walk's stack */
    struct node **grey;
    size_t grey_count, grey_room;
};

/* ---- Owners: owner.c ---- */

struct owner *owner_new(struct heap *heap, bool with_frames);

/** Make its inbox static roots; take them back. */
void owner_open(struct context *context);
void owner_close(struct context *context);

/** Have no root lead anywhere; frames and callback as well if they are there. */
void owner_drop_roots(struct context *context);

/** Its mutator is detached, or its coroutine freed: frames, callback and C stack are no roots. */
void owner_end(struct owner *owner);
void owner_free(struct owner *owner);

/** Visits the callback words of an owner. */
void owner_visit(gait_visitor *visitor, void *owner);

/** The class's roots: the first, and how many. */
struct root *owner_roots(struct owner *owner, enum root_class class, size_t *count);

/** Whether a root may hold a pointer to the inside of an object. */
bool root_takes_interior(const struct owner *owner, const struct root *root);

/** Give it variables of this program as roots: in a heap that scans them. */
void owner_add_segment(struct owner *owner);

/** Pop frames of the model, without popping them. */
void owner_forget_frames(struct owner *owner, unsigned kept);

/** Store to a root. */
void root_set(struct context *context, struct root *root, gait_word value, struct node *target);

/** A usable root at random; NULL: there is none. */
struct root *root_pick(struct context *context);

/* ---- Nodes: node.c ---- */

/** Allocate an object, with words set where it is allowed, and have it held by a root or another
 * object. @return false: no memory, where that may be. */
bool node_new(struct context *context, unsigned kind, size_t bytes);

/** A node by a walk from a root; NULL: there was none. weak: weak words may be gone along: the node
 * is held by nothing then, until the next safepoint. */
struct node *node_pick(struct context *context, bool weak);

/** The same for places in arenas. */
struct node *node_pick_object(struct context *context, bool weak);

/** Whether words that lead to what an arena held before a reset are left as they are. */
bool round_leaves_stale_words(void);

/** Whether a word of a node may refer to a target. */
bool node_takes(const struct node *node, const struct node *target);

/** The same of a word as it is, stale ones too. */
bool node_takes_word(const struct node *node, const struct word *word);

/** Whether the library takes a word of an arena's object for a reference into that arena: also a
 * stale one, if the arena has the memory now that it led to before another's reset. */
bool word_leads_into(const struct context *context, const struct word *word,
                     const struct arena *arena);

/** A word that refers to a node, with tags; interior: perhaps to its inside. */
gait_word node_reference(struct context *context, const struct node *node, bool interior);

/** A word that is no reference. */
gait_word word_without_reference(struct context *context);

/** Store a word to a strong, interior or data word of a node. */
void node_store(struct context *context, struct node *node, size_t i, gait_word value,
                struct node *target);

enum word_class node_class(const struct context *context, const struct node *node, size_t i);
gait_word *node_slot(const struct node *node, size_t i);

/** May the finalizer of an object that is reachable be queued? */
static inline bool job_may_be_queued(const struct job *job) {
    return job->node->back || job_resurrects(job);
}

/** A weak word or a short link to it reads as nothing. What has a finalizer may come back by that,
 * and by nothing else. */
void node_is_gone(struct node *node);

/** A weak word or a key as a program reads it: 0 for what its kind says of cleared ones. */
gait_word node_weak_get(const struct context *context, const struct node *node, size_t i);

/** Read a weak word, a key or a value as a program does, and compare. @return the node, or NULL. */
struct node *node_read_weak(struct context *context, struct node *node, size_t i);

/* ---- Walks: model.c ---- */

/** Number as strong what is so without the hook's help, and no more. */
void model_walk_rooted(struct context *context);

/** Number what is strong, kept and lent anew; forget what is not kept. */
void model_walk(struct context *context);

/** The same for a look alone: what objects with unordered finalizers lead to is not lent. */
void model_walk_ordered(struct context *context);

/** Whether the last walk met it, strong or lent. */
bool model_may_live(const struct owner *owner, const struct node *node);

/** A walk, and a comparison of every strong node with memory. collected: a collection has just
 * ended, so what is doomed is gone. */
void model_verify(struct context *context, bool collected);

/** Forget what memory outside the heap belongs to nodes that are not strong any more:
 * ops_offheap.c. */
void owner_blocks_forget(struct owner *owner);

/** Note finalizers and cleanups that have run since. */
void model_settle(struct context *context);

/** In the child of a fork, first of all: finalizers that other threads had begun have ended there,
 * without bringing their objects back to the owner. Nobody runs them again. */
void model_lose(struct context *context);

/** Whether all that is not reachable is collected: no C stack or variable is scanned in which an
 * old word may lie. */
bool heap_is_exact(const struct heap *heap);

/** Bytes of nodes that are strong or lent. */
size_t model_bytes(const struct owner *owner);

#endif

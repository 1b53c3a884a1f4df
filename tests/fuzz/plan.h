/* SPDX-License-Identifier: MIT */
/*
 * The plan of one round: all that is chosen once, from the round's seed, before any thread runs.
 *
 * Each round enables only some operations and layouts, with weights of its own ("swarm testing",
 * Groce et al. 2012): what no round does at the same time as something else can't hide it.
 */
#ifndef FUZZ_PLAN_H
#define FUZZ_PLAN_H

#define GAIT_CHECKED /* this program, too, keeps the rules */
#include <gait/gait.h>
#include <gait/stats.h>

#include "../random.h"

#define HEAPS_MAX 3
#define ACTORS_MAX 4
#define KINDS_PLANNED 12
#define OPS_MAX 80
#define COROUTINES_MAX 6

/* What the model knows of a word of an object. */
enum word_class {
    WORD_DATA,     /* never looked at by the collector          */
    WORD_STRONG,   /* may hold a reference                      */
    WORD_INTERIOR, /* may, also to the inside of an object      */
    WORD_TAG,      /* has the tag of the word before it         */
    WORD_COUNT,    /* of a callback's object: how many follow   */
    WORD_FIXED,    /* of a generator's: its coroutine           */
    WORD_WEAK,     /*                                           */
    WORD_KEY,      /* of a pair                                 */
    WORD_VALUE     /* after its key                             */
};

/* Kinds that every round has, by their index. */
enum { KIND_REFS, KIND_LEAF, KIND_GENERATOR, KINDS_FIXED };

struct kind_plan {
    gait_kind_info info;
    char name[16];
    uint64_t bitmap[3];   /* info.bitmap */
    uint64_t interior[3]; /* info.interior */
    gait_tag_rule rule;   /* info.tag_rules */
};

struct heap_plan {
    uint32_t flags;
    gait_word value_mask;
    gait_word tags;      /* bits that a reference may bear */
    size_t displacement; /* of some references; 0: none */
    size_t reserve_bytes;
    const char *gogc, *limit, *procs;
    char debug[192];
    unsigned stress;    /* of debug: a cycle with so many allocations; 0: none        */
    size_t list_length; /* of a list that takes marking a while */
    bool minor;         /* cycles may be minor ones */
    bool small;         /* allocations may fail */
    bool plain_stores;  /* stores need no barrier */
    bool by_pages;      /* gcdirty=1: where the kernel can do it, no traced arenas */
    bool hooked;        /* there are watches */
    bool dirty;         /* GAIT_OBJECT_BARRIER: stores into objects may be told of afterwards */
    bool quiet;         /* what is traced goes to /dev/null */
};

struct plan {
    uint64_t seed;
    unsigned heaps, actors, coroutines; /* coroutines: per heap */
    unsigned ops;                       /* per actor */
    size_t nodes_max;                   /* of each owner */
    size_t large_bytes;                 /* of the largest objects */
    bool fibers;                        /* coroutines have C stacks of their own */
    bool cycles;                        /* one after the other, asked for by a thread */
    unsigned kinds;
    struct kind_plan kind[KINDS_PLANNED];
    struct heap_plan heap[HEAPS_MAX];
    unsigned weights[OPS_MAX]; /* by the number of an operation; 0: not in this round */
    unsigned weight_sum;
};

/* What the command line says in place of the seed; 0 or NULL: nothing. */
struct plan_limits {
    unsigned ops, actors, heaps;
    const char *only; /* the operations to do, by commas */
};

/** Choose all of it. */
void plan_make(struct plan *plan, uint64_t seed, const struct plan_limits *limits);

/** Write it to stderr. */
void plan_print(const struct plan *plan);

/** What word i of an object of cell_words words is. */
enum word_class plan_word_class(const struct kind_plan *kind, size_t cell_words, size_t i);

/** The scan function of a GAIT_CALLBACK kind: word 0 says how many words after it may refer. */
void plan_scan_counted(gait_visitor *visitor, void *object, size_t object_bytes, void *data);

/** That of KIND_GENERATOR: ops_generators.c. */
void generator_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data);

#endif

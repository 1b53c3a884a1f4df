/* SPDX-License-Identifier: MIT */
/*
 * What the collector knows of arenas: a record for each, whether marking has met a reference to it
 * in this cycle, and what was left of arenas that were reset or freed while marking was on.
 *
 * An arena is marked as a whole: a reference to any place in its pages is one to the arena. For
 * marking it is an object whose fields are all words in its part that may hold references.
 * docs/design/arenas.md argues for what follows; tests/model/arenas.pml checks it.
 *
 *   .inv.claim: arena->scan says in which cycle the arena was claimed last, and how much of what it
 *   held then is still to be scanned. Nobody claims before all mutators' roots were scanned (from
 *   then on what is made in an arena is black) and only one claims it in a cycle: grey is a claimed
 *   arena with something left to scan, black one with nothing.
 *   .inv.walk: an arena's pieces are walked only between a claim and the moment when scan says that
 *   nothing is left, or with the world stopped. So an owner whose barrier is off, or that finds
 *   nothing left, may change whatever it likes; else it only adds, or sets apart.
 *   .inv.apart: what an owner takes out of a traced arena while it may be walked, or before it was
 *   scanned, is put on a list as it is: it is scanned in this cycle and neither written, given to
 *   anybody else nor made inaccessible before all markers rest.
 *   .inv.record: a record is used again for another arena only between marking and marking, when
 *   weak reads that began before have ended. Its memory stays as long as the heap: one that finds a
 *   page of CLASS_ARENA by a word that is no reference reads some record, whatever happens
 * meanwhile. .inv.held: whoever works on an arena over a safepoint holds its handle in a root
 * meanwhile: else it may be found to be leaked.
 */
#ifndef GAIT_ARENAS_H
#define GAIT_ARENAS_H

#include <gait/gait.h>

#include "../heap/chunks.h"
#include "../heap/space.h"
#include "../platform/lock.h"

struct gait_visitor;
struct marker;

/* The collector's part of an arena's flags. */
#define ARENA_TRACED (1u << 0)    /* as GAIT_ARENA_TRACED */
#define ARENA_PINNED (1u << 1)    /* as GAIT_ARENA_PINNED */
#define ARENA_DESCRIBED (1u << 3) /* as GAIT_ARENA_DESCRIBED */

enum arena_state {
    ARENA_NONE, /* no arena's record                                       */
    ARENA_NEW,  /* being made: nothing refers to it                        */
    ARENA_LIVE,
    ARENA_FREED /* ended; its addresses wait until nothing refers to them  */
};

/* Words of arena->scan: the cycle's number above, what is left to scan below. */
#define ARENA_CYCLE(scan) ((unsigned)((scan) >> 32))
#define ARENA_LEFT(scan) ((scan)&0xffffffffu)
#define ARENA_UNSCANNED ((AO_t)1 << 31) /* in LEFT: claimed without a walk; see marker_rescan */
#define ARENA_WALKED ((AO_t)1 << 30)    /* in LEFT: it is being walked, so there may be more */

enum arena_access {
    ARENA_OPEN, /* accessible */
    ARENA_SHUT, /* not; what it held is in memory */
    ARENA_BARE  /* not, and the OS has its memory: it will read as zero, and is not counted */
};

/* A record. Its owner's structure begins with one. */
struct arena {
    uint32_t index; /* constant: place in the table, from 1 */
    /* constant from arenas_publish to the end of the record's use */
    uint32_t flags;      /* as gait_arena_config; of these, marking looks at ARENA_… */
    uint64_t id;         /* of this heap's arenas, from 1 */
    char name[32];       /* ends with 0 */
    const char *created; /* where: "file:line" or "" */
    char *handle;        /* an address in its first chunk */
    /* set before the state becomes FREED */
    const char *freed;    /* where; "": the collector */
    unsigned freed_cycle; /* the last cycle that had begun */
    AO_t state;           /* enum arena_state; release, acquire */
    AO_t scan;            /* see .inv.claim */
    AO_t conservative;    /* not 0: words may point into objects; set by allocation, unordered */
    unsigned apart_cycle; /* the cycle in which it was set apart last; the owner's */
    bool apart_black;     /* and what has come since is black */
    bool apart_alone;     /* and nothing is left to scan of that: no walk has met it, or will */
    struct arena_chunk first_apart; /* stands for the first chunk while that is set apart */
    /* lock ARENAS */
    struct arena_chunk *chunks; /* FREED: its chunks in quarantine */
    size_t open_bytes;          /* of these, those that are OPEN */
    bool busy;                  /* some thread changes their access: it stays in quarantine */
    struct arena *next;         /* FREED or NONE: list */
};

/* An object in an arena that says of each what it is: GAIT_ARENA_DESCRIBED. */
struct arena_object {
    char *start;
    unsigned kind;
    size_t bytes;       /* as they were asked for */
    size_t taken_bytes; /* rounded up */
};

/* Figures of arenas, added up. */
struct arena_sums {
    uint64_t used_bytes, waste_bytes, chunks, resets;
};

/* What arenas are made of; installed once, before use. */
struct arena_hooks {
    void *data;
    /* Visit each piece that may hold references. Any thread, see .inv.walk. */
    void (*each_low)(struct arena *arena, void (*visit)(void *data, char *low, char *low_end),
                     void *data);
    /* The same, and where each ended the last time: bump_each_part. The marker that claimed it; in
     * a heap with an object barrier only arenas_note. */
    void (*each_part)(struct arena *arena,
                      void (*visit)(void *data, char *low, char *seen, char *low_end), void *data);
    /* Of a LIVE arena that says of each object what it is: visit them; of another one, none. The
     * world is stopped. */
    void (*each_object)(struct arena *arena,
                        void (*visit)(void *data, const struct arena_object *object), void *data);
    /* What is said of the object that begins here, which each_object has visited. Likewise. */
    struct arena_object (*object_at)(const struct arena *arena, char *start);
    /* Take all chunks of an arena that nothing refers to, as one list by next, with arena, start
     * and bytes set. The collector. */
    struct arena_chunk *(*close)(struct arena *arena);
    /* A chunk of no arena any more, accessible, of any content: for the pool or the page heap; if
     * its access was BARE, it reads as zero, and is counted nowhere. The collector, between marking
     * and marking. */
    void (*give)(void *data, struct arena_chunk *chunk);
    /* A record's use ends: what its owner has of the arena. Likewise. */
    void (*forget)(void *data, struct arena *arena);
    /* Add the figures of a LIVE arena, as its thread said them last. Any thread. */
    void (*add_figures)(const struct arena *arena, struct arena_sums *sums);
};

#define ARENA_BLOCKS 24 /* block i has ARENA_BLOCK_LEAST << i records */
#define ARENA_BLOCK_LEAST 64u

struct arenas {
    struct space *space;       /* constant */
    struct arena_hooks hooks;  /* constant after arenas_use */
    size_t node_bytes;         /* likewise: of a record with what its owner keeps beside it */
    AO_t scanned;              /* number of the cycle whose roots were all scanned last */
    AO_t apart;                /* struct arena_chunk *: to be scanned; .inv.apart */
    AO_t resting;              /* likewise, that need no scan, or had it */
    AO_t blocks[ARENA_BLOCKS]; /* of records; released, stay as they are */
    AO_t count;                /* records that there are, used or not; grows */

    /* rank NOTED. In a heap with an object barrier, of traced arenas: .inv.noted. At a fork nobody
     * has it: mutators rest, and no cycle runs. */
    struct lock noted;

    struct lock lock; /* rank ARENAS: the lists below, and the end of each arena */
    struct arena *unused;
    struct arena *freed;
    unsigned busy;   /* arenas whose chunks some thread works on */
    uint64_t ids;    /* given so far */
    AO_t open_bytes; /* in quarantine, and not inaccessible; written with the lock held */
    /* figures, read unordered */
    AO_t live;          /* arenas that are LIVE */
    AO_t leaked;        /* that the collector freed */
    AO_t settled;       /* arenas that were LIVE as the last cycle had settled; the collector's */
    AO_t settled_bytes; /* and their memory */
    AO_t quarantined;   /* arenas that are FREED */
    AO_t quarantined_bytes; /* their memory that the OS has not back */
};

void arenas_init(struct arenas *arenas, struct space *space);
void arenas_destroy(struct arenas *arenas);

/** Before the first arena: what they are made of. node_bytes: of the owner's structure. */
void arenas_use(struct arenas *arenas, const struct arena_hooks *hooks, size_t node_bytes);

/* ---- An arena's owner ---- */

/** A record of zeros in state NEW, with index and id. NULL: no memory. Any thread. */
struct arena *arenas_new(struct arenas *arenas);

/** Drop a record that was not published; its chunks are given back before. */
void arenas_drop(struct arenas *arenas, struct arena *arena);

/**
 * It is LIVE: the last thing before its handle is handed out, with no safepoint between. marking:
 * the mutator's barrier is on. Then the caller shades the handle: what lies on its stack was
 * scanned before the arena was there, perhaps.
 */
void arenas_publish(struct arenas *arenas, struct arena *arena, bool marking);

/* May what is in an arena be forgotten? */
enum arena_leave {
    /* yes: memory may be used anew, given away and made inaccessible */
    ARENA_LEAVE_NOW,
    /* it was set apart in this cycle: its first chunk is not to be written; others are as above */
    ARENA_LEAVE_FIRST,
    /* all of it is set apart, and need not be scanned (arenas_set_apart, scan: false) */
    ARENA_LEAVE_REST,
    /* all of it is set apart, and scanned (arenas_set_apart, scan: true) */
    ARENA_LEAVE_SCAN
};

/**
 * Before a reset, a trim or the end of an arena, by its owner, without a safepoint between: what is
 * to become of its memory with references. marking: the mutator's barrier is on.
 */
enum arena_leave arenas_leave(struct arenas *arenas, struct arena *arena, bool marking);

/**
 * Around arenas_leave, or arenas_are_walked, and what follows from what it said. Waits for the
 * collector while it walks one arena's chunks, if it does.
 *
 *   .inv.noted: in a heap with an object barrier the collector walks traced arenas while nothing
 *   says that it does (arenas_note, arenas_push_changed). So who marks or walks there, and who
 *   takes memory out of such an arena with its barrier on, exclude each other.
 *
 * @return for arenas_left.
 */
bool arenas_begin_leave(struct arenas *arenas, const struct arena *arena, bool marking);
void arenas_left(struct arenas *arenas, bool begun);

/** May a marker be walking an arena's lists now, or is one to come in this cycle? Its owner,
 * without a safepoint between. */
bool arenas_are_walked(struct arenas *arenas, struct arena *arena, bool marking);

/**
 * Set chunks apart that their arena has lost, a list by next that ends with NULL, each with arena,
 * start, bytes, low and low_end set. As marking has ended, those of a LIVE arena are given by
 * hooks.give; those of a FREED one go to its quarantine.
 */
void arenas_set_apart(struct arenas *arenas, struct arena_chunk *chunks, bool scan);

/** Set what is in the first chunk apart, to be scanned. The arena keeps the chunk, and writes
 * nothing there until arenas_leave says ARENA_LEAVE_NOW. Not a second time before that. */
void arenas_set_first_apart(struct arenas *arenas, struct arena *arena, char *low, char *low_end);

/* ---- Marking: arena_mark.c ---- */

/** All mutators' roots were scanned in this cycle: arenas may be claimed. The collector, before
 * anybody marks. */
void arenas_open(struct arenas *arenas);

/** Were they, in this cycle? A late yes does no harm. */
static inline bool arenas_are_open(const struct arenas *arenas, unsigned cycle) {
    return AO_load_acquire(&arenas->scanned) == (AO_t)cycle; /* pairs with arenas_open */
}

/** Claim the arenas that are roots themselves. The collector. */
void arenas_push_pinned(struct arenas *arenas, struct marker *marker);

/** In a minor cycle: claim all. What old objects refer to is not looked at, so no arena is found to
 * be dead. Of what was there in the last cycle only that is scanned which was stored to since. The
 * collector, before cards are pushed. */
void arenas_push_all(struct arenas *arenas, struct marker *marker);

/**
 * In a heap with an object barrier: what has come into traced arenas since this was called last has
 * dirty cards, so that it is looked at when it has been initialised: before a handshake, after
 * which cards are taken. Without `dirties` it is only seen, before a full cycle claims any. The
 * collector, when all barriers are on.
 */
void arenas_note(struct arenas *arenas, bool dirties);

/** Likewise: take the cards of claimed arenas, and push what lies on dirty ones. */
void arenas_push_changed(struct arenas *arenas, struct marker *marker);

/** Is anything set apart that was not pushed yet? Then marking is not over. */
static inline bool arenas_have_apart(const struct arenas *arenas) {
    return AO_load_acquire(&arenas->apart) != 0;
}

/** Push what was set apart. The collector. */
void arenas_push_apart(struct arenas *arenas, struct marker *marker);

/** Take the list of what was set apart to be scanned, or of what was, and is to rest. */
struct arena_chunk *arenas_take_apart(struct arenas *arenas);
struct arena_chunk *arenas_take_resting(struct arenas *arenas);

/** After an overflow: scan the arenas that were claimed without. The collector. */
void arenas_rescan(struct arenas *arenas, struct marker *marker);

/* ---- The end of an arena: quarantine.c ----
 *
 *   .inv.quarantine: chunks of a FREED arena go back to their source when a cycle that began after
 *   its end has marked no reference to it, and weak reads from before have ended; not earlier.
 */

/** A LIVE arena ends: its state becomes FREED. marking: the mutator's barrier is on. freed: where,
 * for messages. Its chunks follow before the next safepoint, or have been set apart. @return false:
 * it was LIVE no more. */
bool arenas_end(struct arenas *arenas, struct arena *arena, bool marking, const char *freed);

/**
 * Chunks of a FREED arena, a list by next, that nobody reads any more: they become inaccessible,
 * the first of them at once, and all up to 32 MiB, and wait in quarantine.
 * @return whether some are left for arenas_tend: wake the scavenger.
 */
bool arenas_retire(struct arenas *arenas, struct arena *arena, struct arena_chunk *chunks);

/** Make more of what was retired inaccessible, some 4 MiB. The scavenger. @return whether there may
 * be more. */
bool arenas_tend(struct arenas *arenas);

/** Give memory in quarantine back to the OS, the addresses stay: up to bytes and a chunk more.
 * Any thread. @return how many. */
size_t arenas_release(struct arenas *arenas, size_t bytes);

/** Take the lock at a moment when nobody works on chunks: for a fork. */
void arenas_lock_whole(struct arenas *arenas);

/** As marking has ended and all markers rest: sort what was set apart, and end what was leaked.
 * leaked: is told of each of these; may be NULL. The collector. */
void arenas_settle(struct arenas *arenas, void (*leaked)(void *data, const struct arena *arena),
                   void *data);

/** A cycle that looked at all has settled: what arenas_may_leak compares with. The collector. */
void arenas_note_settled(struct arenas *arenas);

/** Memory of arenas that are LIVE, and of the pool. */
size_t arenas_live_bytes(const struct arenas *arenas);

/** Since a cycle settled, has a half more arenas come, with more than so many bytes? Then some may
 * be leaked. One that grows, however large, is none. Any thread. */
bool arenas_may_leak(const struct arenas *arenas, size_t bytes);

/** When weak reads have ended that began before marking did: end quarantines. Likewise. */
void arenas_reuse(struct arenas *arenas);

/* ---- A look while nothing changes: arena_visit.c. The world is stopped ---- */

/** Visit the handle of each arena that is a root. */
void arenas_visit_roots(const struct arenas *arenas, struct gait_visitor *visitor);

/** Visit all words of an arena that marking scans: of an untraced one none. */
void arena_visit(const struct arenas *arenas, struct arena *arena, struct gait_visitor *visitor);

/** Visit some of them, which lie in one piece. */
void arena_visit_piece(const struct arena *arena, struct gait_visitor *visitor, char *low,
                       char *low_end);

/* ---- Option arenacheck: arena_check.c ---- */

/** End the process with a line if an untraced arena refers to an object of the heap. Its owner, or
 * with the world stopped. */
void arenas_check(struct arenas *arenas, struct arena *arena, gait_word value_mask);

/** The same for all. With the world stopped. */
void arenas_check_all(struct arenas *arenas, gait_word value_mask);

/* ---- Looking ---- */

/** The sums of live arenas' figures. Any thread; takes time with the number of records. */
struct arena_sums arenas_sum(struct arenas *arenas);

/** A record by its index, from 1 on. */
static inline struct arena *arenas_at(const struct arenas *arenas, uint32_t index) {
    uint32_t place = index - 1 + ARENA_BLOCK_LEAST;
    unsigned block = 31u - (unsigned)__builtin_clz(place / ARENA_BLOCK_LEAST);
    char *records = (char *)AO_load_acquire(&arenas->blocks[block]);
    return (struct arena *)(records +
                            (size_t)(place - (ARENA_BLOCK_LEAST << block)) * arenas->node_bytes);
}

/** The record of a committed address; NULL: no arena's, or a chunk's of the pool. Whether it is
 * that of a live arena, or of any, follows from its state. Any thread; takes no lock. */
static inline struct arena *arenas_of(const struct space *space, uintptr_t address) {
    size_t page = space_page(space, address);
    page_entry entry = space_entry(space, page);
    if (ENTRY_CLASS(entry) != CLASS_ARENA)
        return NULL;
    PERTURB(ARENA_OF); /* nothing holds the page: .inv.index of chunks.h */
    const struct span *span = &space->spans[page - ENTRY_BACK(entry)];
    uint32_t index = AO_int_load_acquire(&span->arena); /* pairs with arenas_own */
    return index ? arenas_at(space->arenas, index) : NULL;
}

/** Say whose chunk a span of CLASS_ARENA is; NULL: nobody's. Before its entries are released, or
 * while it is nobody's. */
static inline void arenas_own(struct span *span, const struct arena *arena) {
    AO_int_store_release(&span->arena, arena ? arena->index : 0);
}

static inline enum arena_state arena_state(const struct arena *arena) {
    return (enum arena_state)AO_load_acquire(&arena->state);
}

/** Does it live whatever leads to it? The state first: it may be being made. */
static inline bool arena_is_root(const struct arena *arena) {
    return arena_state(arena) == ARENA_LIVE && (arena->flags & ARENA_PINNED);
}

/** Does marking scan its words? */
static inline bool arena_is_scanned(const struct arena *arena) {
    return arena_state(arena) == ARENA_LIVE && (arena->flags & ARENA_TRACED);
}

/** Is it dead to weak words: freed, or found by the last cycle to be leaked? */
static inline bool arena_is_dead(const struct arena *arena, unsigned epoch) {
    enum arena_state state = arena_state(arena);
    if (state != ARENA_LIVE || (arena->flags & ARENA_PINNED))
        return state == ARENA_FREED;
    unsigned cycle = ARENA_CYCLE(AO_load_acquire(&arena->scan));
    return cycle != epoch && cycle != epoch + 1;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Arenas: memory that the collector does not trace object by object, and that goes back at once.
 *
 *   arena     a unit of memory with one life: objects are allocated by moving a cursor, and end all
 *             together, by gait_arena_reset or gait_arena_free
 *   handle    gait_arena *: an address inside the arena; like that of any object in it, a reference
 *             to the arena as a whole. So is every address in it that, without the bits that
 *             value_mask leaves out, is a multiple of 8; another may be looked at as no reference
 *   untraced  holds no references into the heap, nor to other arenas: nothing of it is looked at
 *   traced    may hold them (GAIT_ARENA_TRACED): the part with references is scanned, as one piece
 *             of memory
 *
 * Life. References to an arena, or to anything in it, are held and stored as those to objects: in
 * roots and in reachable objects, by gait_store where the slot is an object's, of the heap or of an
 * arena. An arena lives until it is freed, or until a collection finds that nothing leads to it: it
 * was leaked, and is freed by the collector. One with GAIT_ARENA_PINNED lives until it is freed,
 * whatever leads to it: for handles in plain C memory. What an untraced arena holds keeps nothing
 * alive, no other arena either.
 *
 * Use after free stops the process with one line that names the arena, where it was created and
 * where it was freed. Its addresses are not used anew before a later collection has found no
 * reference to them. After gait_arena_reset the memory is used anew at once: what still refers to
 * the old objects sees new ones.
 *
 * Threads. An arena is used by one thread at a time: the one that created it, or adopted it last.
 * Only that one calls the functions here with it, except those whose comment says more. Any thread
 * may read, and store to, objects in it, as to objects of the heap. A thread that is detached gives
 * its arenas up: a thread that goes on with one adopts it.
 *
 * Memory. Chunks of pages of the heap, counted as arena_bytes under the limit; allocation in an
 * arena makes no cycle due; many new arenas do, and many that have ended: a collection finds those
 * that were leaked, and lets addresses be used anew. While an arena takes a chunk it does what
 * gait_alloc does: lets the collector in, makes room under the limit, and when there is no memory,
 * collects and asks the out-of-memory handler. All memory is handed out zeroed.
 *
 * A caller's bug (another thread's arena, one that was freed, a kind that can't be) stops the
 * process with one line that names the call. The fast paths of the inline functions see it in files
 * that define GAIT_CHECKED before they include this header.
 */
#ifndef GAIT_ARENA_H
#define GAIT_ARENA_H

#include <gait/arena_head.h>
#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gait_arena gait_arena;

/* ------------------------------------------------------------------------------------------ */
/* Life                                                                                       */

/** Flags of an arena. */
enum {
    GAIT_ARENA_TRACED = 1 << 0, /* may hold references into the heap and to arenas             */
    GAIT_ARENA_PINNED = 1 << 1, /* only gait_arena_free ends it                                */
    GAIT_ARENA_CONCURRENT = 1 << 2, /* any attached thread allocates from it, several at once */
    GAIT_ARENA_DESCRIBED = 1 << 3,  /* each object has 8 more bytes (16 in heaps whose sizes are
                                       rounded up to 16) for its kind and size                     */
    GAIT_ARENA_CONTIGUOUS = 1 << 4, /* one range of reserve_bytes, and no memory beyond it; not
                                       traced, placed or concurrent */
    GAIT_ARENA_PLACED = 1 << 5 /* in blocks of 64 KiB, for gait_arena_new_near; not concurrent */
};

/** What an arena is created with. gait_arena_config_init fills in the defaults. */
typedef struct gait_arena_config {
    size_t struct_bytes; /* sizeof(gait_arena_config), set by gait_arena_config_init             */
    const char *name;    /* for messages and listings; up to 31 bytes are copied; NULL: none     */
    uint32_t flags;     /* GAIT_ARENA_…                                                         */
    int32_t node;       /* NUMA node that its memory is taken from; -1: any                     */
    size_t chunk_bytes; /* of the first chunk, from 8 KiB to 4 MiB, rounded up to pages; each next
                           one is twice as large, up to 4 MiB. 0: 64 KiB                        */
    size_t reserve_bytes; /* CONTIGUOUS: its range, rounded up to pages of 8 KiB: addresses. Memory,
                             that counts, is what is used of it                                   */
    size_t cluster_bytes; /* PLACED: what a block of 64 KiB promises each cluster that begins in it,
                             at most 64 KiB; 0: 48 KiB, so each has a block of its own            */
} gait_arena_config;

/** Fill *config with the defaults. Thread rule: any thread. */
GAIT_INLINE void gait_arena_config_init(gait_arena_config *config) {
    gait_arena_config whole = {sizeof(gait_arena_config), NULL, 0, -1, 0, 0, 0};
    *config = whole;
}

/** The place of a call in the program, for messages: "file:line". */
#define GAIT_HERE_LINE(line) #line
#define GAIT_HERE_AT(file, line) file ":" GAIT_HERE_LINE(line)
#define GAIT_HERE GAIT_HERE_AT(__FILE__, __LINE__)

/**
 * Create an arena; where: the place in the program for messages, copied (its last 63 bytes); NULL:
 * none.
 *
 * @param config       NULL for the defaults. Read during the call only.
 * @param error        where one line is written when there is none; may be NULL.
 * @param error_bytes  room at error, bytes.
 * @return the handle, or NULL: a field of *config that is out of its range, or newer than the
 *         library and not 0 (the line says which); a traced one under GAIT_DEBUG=gcdirty=1; no
 *         memory.
 *
 * Thread rule: an attached thread, whose arena it is then. A safepoint.
 */
GAIT_API gait_arena *gait_arena_create_at(gait_mutator *mutator, const gait_arena_config *config,
                                          const char *where, char *error, size_t error_bytes);

/** Create an arena, as gait_arena_create_at says, here. */
#define gait_arena_create(mutator, config)                                                         \
    gait_arena_create_at((mutator), (config), GAIT_HERE, NULL, 0)

/** The same, with a line that says why when it returns NULL. */
#define gait_arena_create_explained(mutator, config, error, error_bytes)                           \
    gait_arena_create_at((mutator), (config), GAIT_HERE, (error), (error_bytes))

/**
 * Forget all objects of the arena, and keep its memory for the next ones. Takes the same time
 * however much there is, except for a traced arena while a collection marks: then memory that is
 * still to be scanned is put aside, piece by piece. What refers to an old object afterwards, weak
 * words included, sees new ones, or what else the memory was given to.
 *
 * Thread rule: its thread; in a concurrent arena nobody allocates meanwhile. Not a safepoint.
 */
GAIT_API void gait_arena_reset(gait_mutator *mutator, gait_arena *arena);

/**
 * Give up the memory that was not used since the last reset (or creation). Nothing is given up
 * from a traced arena while a collection has yet to scan it, nor ever from a contiguous one.
 * @return bytes given up.
 * Thread rule: as gait_arena_reset. Not a safepoint.
 */
GAIT_API size_t gait_arena_trim(gait_mutator *mutator, gait_arena *arena);

/**
 * The end of an arena: no address in it may be used any more; a use stops the process. The
 * first 32 MiB are inaccessible on return, more of it soon after; a traced arena that is freed
 * while a collection marks, when marking has ended. References to it may stay where they are; its
 * addresses are used anew when a collection finds none.
 *
 * Thread rule: as gait_arena_reset. Not a safepoint.
 */
GAIT_API void gait_arena_free_at(gait_mutator *mutator, gait_arena *arena, const char *where);
#define gait_arena_free(mutator, arena) gait_arena_free_at((mutator), (arena), GAIT_HERE)

/**
 * The calling thread goes on with the arena. The one that had it before uses it no more, from
 * before the call on: programs hand arenas over by a queue or a lock of their own, whose order this
 * relies on. The handle may come from anywhere: a C variable, a queue in plain memory; but as those
 * keep nothing alive, the giver holds it in a root until it was adopted, unless the arena is
 * pinned. Thread rule: an attached thread. Not a safepoint.
 */
GAIT_API void gait_arena_adopt(gait_mutator *mutator, gait_arena *arena);

/**
 * For a program with a handler of its own for SIGSEGV and SIGBUS, which it installs after the first
 * arena was created: if an address is in an arena that has ended, write the line that says so to
 * stderr. As the first arena of the process is created the library installs a handler that does
 * this and aborts; all other faults go on to the handler that was there before. A heap with
 * GAIT_NO_FAULT_HANDLER has it install none.
 * @return whether it is such an address. The program then ends itself.
 * Thread rule: any thread; async-signal-safe.
 */
GAIT_API bool gait_explain_fault(const void *address);

/**
 * The live arena that an address lies in: its handle; NULL: none.
 * Thread rule: any thread that holds a reference to the arena, so that it stays alive.
 */
GAIT_API gait_arena *gait_arena_of(gait_heap *heap, const void *address);

/* ------------------------------------------------------------------------------------------ */
/* Allocation                                                                                 */

/** The parts of the inline functions below that are not inline. */
GAIT_API void *gait_arena_alloc_slow(gait_mutator *mutator, gait_arena *arena, size_t bytes,
                                     size_t alignment);
GAIT_API void *gait_arena_new_slow(gait_mutator *mutator, gait_arena *arena, gait_kind kind,
                                   size_t bytes);

/** Check of a mutator and an arena of its own: one line that names the call, and the end. */
GAIT_API void gait_arena_check(gait_mutator *mutator, gait_arena *arena, const char *call);
#ifdef GAIT_CHECKED
#define GAIT_ARENA_CHECK(mutator, arena) gait_arena_check(mutator, arena, __func__)
#else
#define GAIT_ARENA_CHECK(mutator, arena) ((void)0)
#endif

/**
 * Allocate zeroed plain bytes: they hold no references.
 *
 * @param bytes      0 counts as 1.
 * @param alignment  a power of two up to 64 KiB; 0, and what is less than 8, count as 8 (as 16 in a
 *                   heap whose sizes are rounded up to 16).
 * @return the bytes, or NULL when a full collection and the out-of-memory handler did not help, or
 *         when a contiguous arena is full.
 *
 * Thread rule: the arena's; of a concurrent arena, any attached thread. A safepoint when it takes a
 * chunk: the handle is kept alive by the call.
 */
GAIT_INLINE void *gait_arena_alloc(gait_mutator *mutator, gait_arena *arena, size_t bytes,
                                   size_t alignment) {
    GAIT_ARENA_CHECK(mutator, arena);
    void *start = gait_arena_take_high((struct gait_arena_head *)(void *)arena, bytes, alignment);
    if (GAIT_UNLIKELY(!start))
        return gait_arena_alloc_slow(mutator, arena, bytes, alignment);
    return start;
}

/**
 * Allocate a zeroed object of a kind. Its references are stored by gait_store, or gait_init as
 * gait_init says; in an untraced arena they lead to objects of the same arena, or nowhere.
 * Kinds of layout GAIT_CALLBACK, GAIT_WEAK and GAIT_EPHEMERON stop the process: nothing runs or is
 * settled in an arena. Of a traced arena with an object of layout GAIT_CONSERVATIVE all words that
 * are scanned may point inside an object.
 *
 * Aligned to 8 bytes (to 16 in a heap whose sizes are rounded up to 16). Else as gait_arena_alloc.
 */
GAIT_INLINE void *gait_arena_new(gait_mutator *mutator, gait_arena *arena, gait_kind kind,
                                 size_t bytes) {
    GAIT_ARENA_CHECK(mutator, arena);
    struct gait_arena_head *head = (struct gait_arena_head *)(void *)arena;
    void *start = NULL;
    uint8_t goes = head->kinds[kind];
    if (goes == GAIT_ARENA_KIND_REFS)
        start = gait_arena_take_low(head, bytes);
    else if (goes == GAIT_ARENA_KIND_LEAF)
        start = gait_arena_take_high(head, bytes, 1);
    if (GAIT_UNLIKELY(!start))
        return gait_arena_new_slow(mutator, arena, kind, bytes);
    return start;
}

/** Allocate one object of a kind with room for count elements of so many bytes, zeroed. NULL also
 * when count * bytes is more than a size_t holds. Else as gait_arena_new. */
GAIT_INLINE void *gait_arena_array(gait_mutator *mutator, gait_arena *arena, gait_kind kind,
                                   size_t count, size_t bytes) {
    if (bytes != 0 && GAIT_UNLIKELY(count > SIZE_MAX / bytes))
        return NULL;
    return gait_arena_new(mutator, arena, kind, count * bytes);
}

/**
 * Allocate in an arena, or on the heap if arena is NULL: code that is written once, and directed by
 * its caller where to. In files that define GAIT_NO_ARENAS it is the heap always. A safepoint, as
 * gait_alloc; what it stores references to holds for both.
 */
GAIT_INLINE void *gait_alloc_or_arena(gait_mutator *mutator, gait_arena *arena, gait_kind kind,
                                      size_t bytes) {
#ifdef GAIT_NO_ARENAS
    (void)arena;
#else
    if (arena)
        return gait_arena_new(mutator, arena, kind, bytes);
#endif
    return gait_alloc(mutator, kind, bytes);
}

/* ------------------------------------------------------------------------------------------ */
/* Struct of arrays                                                                           */

/** What each array of gait_arena_fields is aligned to, bytes: a line of the cache, and as much as
 * the widest vector registers. */
#define GAIT_ARENA_FIELD_ALIGNMENT 64

/**
 * Allocate arrays side by side: of count structures' fields each one's array, so that a pass over
 * one field reads that one only. Plain bytes, zeroed; each array is aligned to
 * GAIT_ARENA_FIELD_ALIGNMENT and may be read up to its next multiple. One piece of memory: all or
 * none of them are there.
 *
 * @param field_bytes  of each field's elements: fields of them, 1 or more.
 * @param starts       where the arrays begin: fields of them are written; not if NULL is returned.
 * @return the first array; NULL as gait_arena_alloc, or when the sum is more than a size_t holds.
 *
 * Thread rule: as gait_arena_alloc. A safepoint as that.
 */
GAIT_API void *gait_arena_fields(gait_mutator *mutator, gait_arena *arena, size_t count,
                                 const size_t *field_bytes, size_t fields, void **starts);

/* ------------------------------------------------------------------------------------------ */
/* Placement: what refers to one another in the same 64 KiB. Of arenas with GAIT_ARENA_PLACED; in
 * all others these allocate as gait_arena_alloc and gait_arena_new do.                           */

/**
 * Allocate zeroed plain bytes in the block of another object, while that has room; else where those
 * of that block go on together. What is larger than 16 KiB has a block of its own.
 *
 * @param near  an object that was allocated in this arena since its last reset; NULL: begin a
 *              cluster, in a block that promises it config.cluster_bytes.
 *
 * Else as gait_arena_alloc, except the thread rule: the arena's. What is allocated there by
 * gait_arena_alloc and gait_arena_new lies in blocks of its own, in the order of allocation.
 */
GAIT_API void *gait_arena_alloc_near(gait_mutator *mutator, gait_arena *arena, const void *near,
                                     size_t bytes, size_t alignment);

/** The same with an object of a kind: as gait_arena_new. */
GAIT_API void *gait_arena_new_near(gait_mutator *mutator, gait_arena *arena, const void *near,
                                   gait_kind kind, size_t bytes);

/**
 * Count the references inside an arena, of any flags: what of it may hold references is read, and
 * each word that is an address in the arena counts.
 *
 * @param crossing  how many of them lead from one block of 64 KiB to another: blocks are counted
 *                  from the start of each chunk. May be NULL.
 * @return how many there are.
 *
 * Takes as long as reading that part does. Thread rule: the arena's. Not a safepoint.
 */
GAIT_API uint64_t gait_arena_count_edges(gait_mutator *mutator, gait_arena *arena,
                                         uint64_t *crossing);

/* ------------------------------------------------------------------------------------------ */
/* Copies on the heap                                                                         */

/**
 * Copy an object to the heap: bytes of it, to a new object of a kind. Its words stay as they are: a
 * reference to another object of an arena refers to that one, in the arena.
 *
 * @param object  where the copy is made from: an object of this or another arena, which is kept
 *                alive meanwhile, or any memory. Nobody writes to it meanwhile.
 * @param kind    of the copy. GAIT_WEAK and GAIT_EPHEMERON stop the process: weak words are set one
 *                by one.
 * @return the copy, or NULL: no memory, as gait_alloc.
 *
 * Thread rule: an attached thread, the arena's or another one. A safepoint.
 */
GAIT_API void *gait_arena_clone(gait_mutator *mutator, const void *object, gait_kind kind,
                                size_t bytes);

/**
 * Copy an object of an arena with GAIT_ARENA_DESCRIBED to the heap, and all objects of this arena
 * that can be reached from it: each once, so that what was shared is shared, and circles are
 * circles of copies. Depth costs no stack.
 *
 * Copied are objects of gait_arena_new and its kin, by their kinds. Tags stay: the bits of a word
 * that value_mask leaves out. Words that refer to anything else stay as they are: to the heap, to
 * another arena, to plain bytes of gait_arena_alloc, into the middle of an object. So does each
 * word of an object of layout GAIT_CONSERVATIVE: whether it is a reference is a guess.
 *
 * @return the copy of object, or NULL: no memory. Then nothing refers to what was copied by then,
 *         and the arena is as it was.
 *
 * What stops the process: an arena that is not described, an address that is none of its objects'.
 *
 * Takes 24 to 48 bytes of C memory for each object meanwhile, counted as metadata.
 * Thread rule: an attached thread, the arena's or another one; nobody writes to what is copied, and
 * nobody resets the arena. A safepoint.
 */
GAIT_API void *gait_arena_clone_deep(gait_mutator *mutator, gait_arena *arena, const void *object);

/* ------------------------------------------------------------------------------------------ */
/* Pairs: one arena is filled while the last one is read                                       */

typedef struct gait_arena_pair gait_arena_pair;

/** What a reader sees of a pair. */
typedef struct gait_arena_view {
    gait_arena *arena; /* the one that was published last                        */
    void *root;        /* as the swap had it; NULL: there was none yet           */
    size_t side;       /* the library's                                          */
} gait_arena_view;

/** gait_arena_pair_create, with the place in the program and a line that says why there is none: as
 * gait_arena_create_at. */
GAIT_API gait_arena_pair *gait_arena_pair_create_at(gait_mutator *mutator,
                                                    const gait_arena_config *config,
                                                    const char *where, char *error,
                                                    size_t error_bytes);

/**
 * Create two arenas for frames: a writer fills one, publishes it, and fills the other one while
 * readers look at the first.
 *
 * @param config  of each; NULL for the defaults. Both are GAIT_ARENA_PINNED, whatever it says: they
 *                live until gait_arena_pair_free.
 * @return the pair, which lies in the library's memory, or NULL: as gait_arena_create.
 *
 * Thread rule: an attached thread, which is the writer then. A safepoint.
 */
#define gait_arena_pair_create(mutator, config)                                                    \
    gait_arena_pair_create_at((mutator), (config), GAIT_HERE, NULL, 0)

/**
 * The arena that the writer fills: allocated from as any other one of its own, but not reset and
 * not freed by it. It was reset when this returned it for the first time since the last swap.
 * @return NULL: a reader is still in it. Readers that come now don't keep it so: ask again later.
 * Thread rule: the writer. Not a safepoint. Waits for nobody.
 */
GAIT_API gait_arena *gait_arena_pair_current(gait_mutator *mutator, gait_arena_pair *pair);

/**
 * Publish what the writer has filled: readers that come from now on see it. The other arena is the
 * current one from now on, as soon as those have left that read it.
 *
 * @param root  an address in the current arena, for readers to begin at; or NULL.
 * @return whether the other arena is at hand: what gait_arena_pair_current would return is not
 * NULL.
 *
 * Always publishes; it does not refuse while somebody reads, since readers that overlap could then
 * keep it off for ever. To swap while there is no current arena stops the process, as does a root
 * that lies elsewhere.
 * Thread rule: the writer. Not a safepoint. Waits for nobody; takes no lock.
 */
GAIT_API bool gait_arena_pair_swap(gait_mutator *mutator, gait_arena_pair *pair, void *root);

/**
 * Begin to read what was published last: it stays as it is until gait_arena_pair_done. Before the
 * first swap that is an empty arena, and no root. Each view is given back once; one thread may have
 * several, and give back another one's.
 * Thread rule: any thread, attached or not; but references into the heap that it finds in a traced
 * arena are for attached ones only. Wait-free: one addition.
 */
GAIT_API gait_arena_view gait_arena_pair_read(gait_arena_pair *pair);

/** End reading. Thread rule: any thread. Wait-free: one addition. */
GAIT_API void gait_arena_pair_done(gait_arena_pair *pair, gait_arena_view view);

/** The calling thread is the writer from now on: gait_arena_adopt for both arenas. */
GAIT_API void gait_arena_pair_adopt(gait_mutator *mutator, gait_arena_pair *pair);

/**
 * Free both arenas and the pair. A reader that has not left stops the process.
 * Thread rule: the writer; nobody begins to read any more. Not a safepoint.
 */
GAIT_API void gait_arena_pair_free_at(gait_mutator *mutator, gait_arena_pair *pair,
                                      const char *where);
#define gait_arena_pair_free(mutator, pair) gait_arena_pair_free_at((mutator), (pair), GAIT_HERE)

/* ------------------------------------------------------------------------------------------ */
/* Figures                                                                                    */

/* X(name, what it says). All are uint64_t; bytes or counts as their names say. */
#define GAIT_ARENA_STATS(X)                                                                        \
    X(id, "of this heap's arenas, from 1: no other has it")                                        \
    X(flags, "GAIT_ARENA_…")                                                                       \
    X(used_bytes, "allocated since the last reset, with rounding")                                 \
    X(held_bytes, "memory that it has: its chunks")                                                \
    X(waste_bytes, "of that, lost since the last reset: rests of chunks that were too small")      \
    X(high_water_bytes, "the most that was allocated between two resets")                          \
    X(chunks, "pieces of its memory")                                                              \
    X(resets, "since it was created")

typedef struct gait_arena_stats {
    size_t struct_bytes; /* sizeof(gait_arena_stats), set by the caller */
#define GAIT_ARENA_STATS_FIELD(name, text) uint64_t name;
    GAIT_ARENA_STATS(GAIT_ARENA_STATS_FIELD)
#undef GAIT_ARENA_STATS_FIELD
    char name[32];    /* ends with 0 */
    char created[64]; /* where, "file:line"; likewise */
} gait_arena_stats;

/**
 * Read an arena's figures. Its own thread reads them as they are; another one, and each thread in a
 * concurrent arena, as they were when the arena was last reset, or had its windows moved:
 * used_bytes lags by at most 64 KiB for each thread that allocates.
 * @return 0, GAIT_E_INVALID (struct_bytes is not set).
 * Thread rule: an attached thread that holds a reference to the arena.
 */
GAIT_API int gait_arena_read_stats(gait_mutator *mutator, gait_arena *arena,
                                   gait_arena_stats *stats);

/** Called with an arena's figures; it may have ended by then. stats: during the call only. */
typedef void (*gait_arena_fn)(const gait_arena_stats *stats, void *data);

/**
 * Call visit for each live arena of the heap; visit may be NULL.
 * @return how many there were.
 * Thread rule: any thread, attached or not. visit may call anything.
 */
GAIT_API size_t gait_arena_list(gait_heap *heap, gait_arena_fn visit, void *data);

/** Write a table of all live arenas as text, a line for each and one for their sum. Thread rule: as
 * gait_arena_list. */
GAIT_API void gait_write_arenas(gait_heap *heap, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

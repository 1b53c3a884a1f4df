/* SPDX-License-Identifier: MIT */
/*
 * Off-heap memory: blocks that the program frees itself, beside the collected heap. They are never
 * traced, scanned or moved, they cost no cycle, and they count under the heap's memory limit: when
 * they grow, the goal of the heap shrinks at once. A library of its own, libgait-offheap
 * (pkg-config: gait-offheap). The guide is docs/offheap.md.
 *
 *   tag     what a block is for, by a name: bytes and blocks are counted for each
 *   block   zeroed memory, aligned to 16 bytes, of one heap's off-heap memory
 *   owner   an object of the heap, with which a block is freed
 *
 * Rules:
 *   - a reference in a block keeps nothing alive, unless its word is made a root: gait_roots_add
 *     after the block is there, gait_roots_remove before it is freed or resized, gait_store for all
 *     stores in between;
 *   - a block is used no more when its heap is destroyed: what was not freed by then goes with it;
 *   - what frees a block twice, frees what is no block, or writes past a block's end is a bug.
 *     Where the words before a block show it, the process stops with one line; with
 *     GAIT_DEBUG=offheapcheck=1 it always does.
 *
 * Threads: every function may be called by any thread, attached or not, in native code or not,
 * unless its comment says otherwise. For an attached thread that is not in native code, a function
 * that allocates is a safepoint when there is no memory, and only then.
 */
#ifndef GAIT_OFFHEAP_H
#define GAIT_OFFHEAP_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------ */
/* Where the memory is from                                                                    */

/** Backends. */
enum {
    GAIT_OFFHEAP_DEFAULT = 0,  /* jemalloc where the library has it, else libc                */
    GAIT_OFFHEAP_LIBC = 1,     /* the program's own malloc                                    */
    GAIT_OFFHEAP_JEMALLOC = 2, /* a jemalloc inside the library, in arenas of the heap's own:
                                  the program's malloc is not touched, and what is freed goes
                                  back to the OS at once                                      */
};

/**
 * Choose the backend of a heap before it has off-heap memory or tags. Without this call it is
 * GAIT_OFFHEAP_DEFAULT, and with GAIT_DEBUG=offheaplibc=1 that is libc.
 *
 * @return 0; GAIT_E_INVALID: no such backend, or the library was built without it; GAIT_E_FULL: the
 *         heap has another one already; GAIT_E_MEMORY.
 */
GAIT_API int gait_offheap_use(gait_heap *heap, int backend);

/** The backend of a heap: GAIT_OFFHEAP_LIBC or GAIT_OFFHEAP_JEMALLOC. */
GAIT_API int gait_offheap_backend(gait_heap *heap);

/* ------------------------------------------------------------------------------------------ */
/* Tags                                                                                        */

#define GAIT_OFFHEAP_TAGS_MAX 256
#define GAIT_OFFHEAP_UNTAGGED 0 /* the tag that every heap has: "untagged" */
#define GAIT_OFFHEAP_ALL (-1)   /* for figures: the sum of all tags        */

/**
 * A heap's tag of this name, made when there is none. Tags are never removed.
 *
 * @param name  copied; "" and NULL are refused.
 * @return the tag, 1 .. GAIT_OFFHEAP_TAGS_MAX - 1; GAIT_E_INVALID (name), GAIT_E_FULL,
 *         GAIT_E_MEMORY.
 */
GAIT_API int gait_offheap_tag(gait_heap *heap, const char *name);

/** A tag's name; NULL: the heap has no such tag. Good as long as the heap. */
GAIT_API const char *gait_offheap_tag_name(gait_heap *heap, int tag);

/**
 * Live off-heap memory of a tag or of GAIT_OFFHEAP_ALL: the bytes that were asked for, and the
 * number of blocks. Each is the sum of counters that other threads may be changing: exact when none
 * does. Under the limit a block counts with 16 bytes more: gait_stats has that sum, of blocks with
 * an owner in its foreign_bytes, of all others in its offheap_bytes.
 * @return 0 for a tag that the heap does not have.
 */
GAIT_API size_t gait_offheap_bytes(gait_heap *heap, int tag);
GAIT_API size_t gait_offheap_blocks(gait_heap *heap, int tag);

/* ------------------------------------------------------------------------------------------ */
/* Blocks                                                                                      */

/**
 * Allocate a zeroed block of count × size bytes.
 *
 * When there is no memory, a thread that is attached and not in native code collects (cleanups that
 * others run meanwhile may free blocks), then asks the out-of-memory handler as long as that says
 * so: a handler may well run gait_run_finalizers. That is a safepoint. Other threads get NULL at
 * once.
 *
 * @param tag  one that gait_offheap_tag returned for this heap, or GAIT_OFFHEAP_UNTAGGED; any other
 *             stops the process.
 * @return the block, aligned to 16 bytes; of 0 bytes it is one as well. NULL: no memory; or at
 *         once, if count × size overflows.
 */
GAIT_API void *gait_offheap_calloc(gait_heap *heap, size_t count, size_t size, int tag);

/**
 * Resize a block to count × size bytes. What it held stays, up to the shorter length; what is new
 * is zeroed. From then on it counts for this tag.
 *
 * @param block  NULL: as gait_offheap_calloc.
 * @return the block, perhaps at another address. NULL: as gait_offheap_calloc, and the old block is
 *         whole and still there. A block of 0 bytes is a block: nothing is freed by this function.
 * An owned block is not resized, nor one with root slots: the process stops (root slots: with
 * GAIT_DEBUG=offheapcheck=1).
 */
GAIT_API void *gait_offheap_realloc(gait_heap *heap, void *block, size_t count, size_t size,
                                    int tag);

/** Free a block of this heap. NULL: nothing. An owned block stops the process. */
GAIT_API void gait_offheap_free(gait_heap *heap, void *block);

/** How many bytes of a block were asked for, and its tag. */
GAIT_API size_t gait_offheap_block_bytes(gait_heap *heap, const void *block);
GAIT_API int gait_offheap_block_tag(gait_heap *heap, const void *block);

/* ------------------------------------------------------------------------------------------ */
/* Blocks that an object owns                                                                  */

/**
 * Have a block freed when an object is gone: by a cleanup, so when somebody runs
 * gait_run_finalizers. A block has one owner. As long as it has one it counts as foreign memory
 * (gait/foreign.h): it is part of the live heap, and cycles come as if the object were so large.
 *
 * @return 0, GAIT_E_INVALID (no object, or the block has an owner), GAIT_E_MEMORY.
 * Thread rule: the mutator's thread. A safepoint, at which the object is kept alive; it may wait
 * for a cycle where the limit would be passed, as gait_foreign_add does.
 */
GAIT_API int gait_offheap_own(gait_mutator *mutator, void *object, void *block);

/**
 * Take a block back from its owner: from then on the program frees it.
 * @return 0; GAIT_E_MISSING: the object does not own it, or is gone, and its cleanup frees it.
 * Thread rule: the mutator's thread.
 */
GAIT_API int gait_offheap_disown(gait_mutator *mutator, void *object, void *block);

/* ------------------------------------------------------------------------------------------ */
/* Many small pieces that are freed at once                                                    */

typedef struct gait_offheap_allocator gait_offheap_allocator;

/**
 * An allocator: pieces are cut from blocks of this tag, which grow from 4 KiB to 1 MiB.
 * @return NULL: no memory, as of gait_offheap_calloc.
 * Thread rule: an allocator is used by one thread at a time.
 */
GAIT_API gait_offheap_allocator *gait_offheap_allocator_new(gait_heap *heap, int tag);

/**
 * A zeroed piece of so many bytes, aligned to 16. Pieces are not freed one by one.
 * @return NULL: no memory, as of gait_offheap_calloc.
 */
GAIT_API void *gait_offheap_allocator_take(gait_offheap_allocator *allocator, size_t count,
                                           size_t size);

/** What its pieces take, bytes. */
GAIT_API size_t gait_offheap_allocator_bytes(const gait_offheap_allocator *allocator);

/** Free all pieces; the largest block stays for the next ones. */
GAIT_API void gait_offheap_allocator_reset(gait_offheap_allocator *allocator);

/** Free all pieces and the allocator. NULL: nothing. */
GAIT_API void gait_offheap_allocator_free(gait_offheap_allocator *allocator);

/* ------------------------------------------------------------------------------------------ */
/* Leaks                                                                                       */

/**
 * Write to the heap's log what is live, a line for each tag that has blocks: their number and their
 * bytes; and, in a heap of GAIT_DEBUG=offheapleaks=N, a line for each place that blocks were
 * allocated at, as far as they were sampled. With that setting it is also written when the heap is
 * destroyed, or the process exits, with blocks live.
 * @return how many blocks are live.
 */
GAIT_API size_t gait_offheap_write_leaks(gait_heap *heap);

/**
 * With GAIT_DEBUG=offheapcheck=1: look at all live blocks, and stop the process with one line if
 * one of them was written past its end or before its start. Without it: nothing.
 */
GAIT_API void gait_offheap_check(gait_heap *heap);

#ifdef __cplusplus
}
#endif

#endif

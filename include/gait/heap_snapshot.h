/* SPDX-License-Identifier: MIT */
/*
 * Heap snapshots: a picture of all objects that are reachable, what leads to what, and which roots
 * hold it. To be opened by Chrome's DevTools, by memlab, or by `gait-heap`.
 *
 *   node    an object, with its kind and size; or an arena. Objects in arenas are nodes, too, where
 *           the arena knows them: GAIT_ARENA_DESCRIBED
 *   edge    a word of an object that leads to another one, or a weak one that does not keep it, or
 * a link (gait/links.h), which does not either. An arena holds the objects in it, and each of them
 * the arena root    a word of a stack, a handle, a static slot … : of a group that has a name label
 * a short text for an object, by a function of the program's owned   memory outside the heap that
 * ends with an object: a node of its own below that
 *
 * What is garbage already is not in it. What only a liveness hook keeps (gait/liveness.h) is not
 * either: nobody knows what keeps it.
 *
 * The program stands still while its heap is looked at; for how long, the result says. With
 * GAIT_SNAPSHOT_FORK that is the time of a fork, some 30 ms for each GiB in memory, and a copy of
 * the process looks and writes while the program goes on. It needs memory for what the program
 * changes meanwhile. What a program has taken out of forks (MADV_DONTFORK) is not there: if it has
 * roots or labels there, the copy ends, and the call says so, or finds other memory in their place.
 *
 * A snapshot of an arena's contents, to be loaded again, is something else: gait/snapshot.h.
 */
#ifndef GAIT_HEAP_SNAPSHOT_H
#define GAIT_HEAP_SNAPSHOT_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How a snapshot is written. */
enum gait_snapshot_format {
    GAIT_SNAPSHOT_V8,     /**< `.heapsnapshot`, the JSON of V8: DevTools, memlab, gait-heap      */
    GAIT_SNAPSHOT_COMPACT /**< docs/heap-snapshots.md: a third as long, with addresses and places */
};

enum {
    /* a copy of the process writes it. Not there under ThreadSanitizer, where the program stands
     * still until all is looked at, as without this flag */
    GAIT_SNAPSHOT_FORK = 1 << 0
};

/** What is wanted of a snapshot. gait_snapshot_options_init fills in the defaults. */
typedef struct gait_snapshot_options {
    uint32_t format; /* of enum gait_snapshot_format */
    uint32_t flags;  /* GAIT_SNAPSHOT_FORK */
    /* a reader of a pipe or socket that takes nothing for so long loses the snapshot; default: a
     * minute. ns */
    int64_t idle_ns;
    /* with GAIT_SNAPSHOT_FORK: for how long the call waits for the copy to end, ns; negative: until
     * it does, the default. 0: not at all. When the time is over the call returns 0, with whole
     * false, and the copy goes on by itself */
    int64_t wait_ns;
    char *error; /* where one line is written when it fails; may be NULL */
    size_t error_bytes;
    /* a thread of the program's that comes to no safepoint for so long, ns, is not waited for:
     * there is no snapshot, and those go on that have stopped for it. Negative: it is, as by a
     * cycle, the default */
    int64_t silent_ns;
} gait_snapshot_options;

/** What is known of one that was taken. */
typedef struct gait_snapshot_result {
    int64_t stop_ns; /* for how long the program stood still */
    bool whole;      /* it was written to its end */
    bool forked;     /* by a copy of the process */
} gait_snapshot_result;

/** gait_snapshot_options_init for a structure of so many bytes. Thread rule: any thread. */
GAIT_API void gait_snapshot_options_init_sized(gait_snapshot_options *options,
                                               size_t options_bytes);

/** Fill in the defaults: V8's format, no fork. Thread rule: any thread. */
GAIT_INLINE void gait_snapshot_options_init(gait_snapshot_options *options) {
    gait_snapshot_options_init_sized(options, sizeof *options);
}

/** Bytes of a label, at most. */
#define GAIT_SNAPSHOT_LABEL_BYTES 256

/**
 * Say what an object is, as text in UTF-8. It runs while the program stands still, or in the copy
 * of its process: it reads the object and other memory, and calls nothing that takes a lock or
 * allocates, nor any function of this library. An object may have been allocated a moment ago: its
 * words are then zero, of a kind that is raw anything.
 * @param text  room for GAIT_SNAPSHOT_LABEL_BYTES.
 * @return how many bytes it wrote; 0: no label.
 */
typedef size_t (*gait_snapshot_label_fn)(gait_kind kind, const void *object, size_t object_bytes,
                                         char *text, void *data);

/**
 * Set the function that labels objects in all snapshots of the heap. NULL, as at first: no labels.
 * Thread rule: any thread; a snapshot that is being taken may still call the one before.
 */
GAIT_API void gait_set_snapshot_label(gait_heap *heap, gait_snapshot_label_fn label, void *data);

/**
 * Say how many bytes outside the heap an object owns: memory of another library, such as a buffer
 * that its cleanup frees. The rules of gait_snapshot_label_fn hold; an object may have been
 * allocated a moment ago: its words are then zero.
 * @return bytes; 0: none.
 */
typedef size_t (*gait_snapshot_owned_fn)(gait_kind kind, const void *object, size_t object_bytes,
                                         void *data);

/**
 * Set the function that reports memory outside the heap, for all snapshots of it: what an object
 * owns is a node below the object, so it counts in what the object, and what keeps it, retains.
 * NULL, as at first: none. Of off-heap blocks with an owner (gait_offheap_own) the library
 * knows: they are there in any case, and this function leaves them out. Thread rule: any thread;
 * a snapshot that is being taken may still call the one before.
 */
GAIT_API void gait_set_snapshot_owned(gait_heap *heap, gait_snapshot_owned_fn owned, void *data);

/** gait_write_snapshot for structures of so many bytes. */
GAIT_API int gait_write_snapshot_sized(gait_heap *heap, int descriptor,
                                       const gait_snapshot_options *options, size_t options_bytes,
                                       gait_snapshot_result *result, size_t result_bytes);

/**
 * Write a snapshot of the heap. Waits for a cycle that is under way.
 *
 * Without GAIT_SNAPSHOT_FORK the program stands still while all is looked at, some 0.2 s for a
 * million objects; then it goes on, and the call writes, out of memory of some 5 bytes for each
 * object and edge. Other threads never wait for the descriptor.
 *
 * @param descriptor  a file, pipe or socket, blocking or not. Raises no SIGPIPE.
 * @param options     NULL for the defaults.
 * @param result      may be NULL.
 * @return 0, GAIT_E_INVALID (options), GAIT_E_MEMORY (none for the walk; the system gives no copy
 *         of the process), GAIT_E_FILE (not all was written; errno says why: ETIMEDOUT, a reader
 *         took nothing for idle_ns; ECHILD, the copy ended before it was done; EDEADLK, a thread
 *         came to no safepoint for silent_ns).
 * Thread rule: any thread, attached or not. A safepoint; in native code while it waits and writes.
 * A thread that is cancelled meanwhile ends after it.
 */
GAIT_INLINE int gait_write_snapshot(gait_heap *heap, int descriptor,
                                    const gait_snapshot_options *options,
                                    gait_snapshot_result *result) {
    return gait_write_snapshot_sized(heap, descriptor, options, sizeof *options, result,
                                     sizeof *result);
}

#ifdef __cplusplus
}
#endif

#endif

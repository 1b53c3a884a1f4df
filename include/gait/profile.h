/* SPDX-License-Identifier: MIT */
/*
 * A heap profile: which code allocates, and what of it is live, by samples.
 *
 * A site is a kind, or the name of an arena, of off-heap or foreign memory, and a stack: all
 * allocations of the same are counted together.
 *
 * The rate is the mean distance of samples, in bytes of allocation. Each byte is as likely as each
 * other to be sampled (a Poisson process, as in Go). A sample stands for as much as makes the sums
 * right in the mean; objects that are much larger than the rate are all sampled.
 *
 * Which rate holds: the one that was said last, by GAIT_DEBUG=memprofilerate=N (or GODEBUG, or
 * gait_config.debug), which is read as the heap is created, or by gait_set_profile_rate. 0 is said
 * as well: then nothing is sampled, whoever asks for a profile. Where none was said, it is
 * GAIT_PROFILE_RATE_BYTES from the creation of a heap on, if the program has libgait-pprof, or
 * GAIT_DEBUG=http or heapprofile loads it: as in Go, where a program that can make a profile takes
 * samples from its start. A program without that library takes none, until gait_start_profile.
 *
 * Of small objects one allocation in a run of some KiB is looked at, and stands for the run. Where
 * nobody has said a rate, what taking samples costs is held to a quarter of a percent of the CPU
 * time of a thread that allocates: where samples are dear, or come fast, it takes fewer, which
 * stand for more. A rate that was said holds, whatever it costs.
 *
 * `libgait-pprof` writes a profile in the format of pprof: gait/pprof.h.
 */
#ifndef GAIT_PROFILE_H
#define GAIT_PROFILE_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The rate of profiles that are asked for without one: Go's. */
#define GAIT_PROFILE_RATE_BYTES (512 * 1024)

/** Frames of a site; deeper ones are left out. */
#define GAIT_PROFILE_DEPTH 64

/**
 * Set the mean distance of samples, in place of what the environment says. 1: each allocation is
 * sampled, which is slow.
 * @param bytes  0: nothing more is sampled, though somebody asks for a profile later; what was, is
 *               kept, and dies as its objects do.
 * @return the rate before.
 * Thread rule: any thread.
 */
GAIT_API size_t gait_set_profile_rate(gait_heap *heap, size_t bytes);

/**
 * Have samples taken for a profile that is to be made: at GAIT_PROFILE_RATE_BYTES, if nobody has
 * said a rate. For heaps that were created before anybody could make a profile, as early as
 * possible: a profile has nothing of what was allocated before.
 * @return the rate in force; 0: somebody has turned heap profiles off.
 * Thread rule: any thread.
 */
GAIT_API size_t gait_start_profile(gait_heap *heap);

/**
 * Have each heap that is created from now on begin with gait_start_profile. libgait-pprof calls it
 * as it is loaded, so a program that has that library need not; one that makes profiles by
 * gait_read_profile alone may.
 * Thread rule: any thread.
 */
GAIT_API void gait_profile_by_default(void);

/** The rate in force. Thread rule: any thread. */
GAIT_API size_t gait_profile_rate(gait_heap *heap);

/** A frame of a program in the embedder's language. */
typedef struct gait_profile_frame {
    const char *function; /* copied as the call returns, as is the next */
    const char *file;     /* NULL: not known        */
    uint32_t line;        /* 0: not known           */
} gait_profile_frame;

/**
 * Say where the program is, in its own language. Called within an allocation that is sampled, on
 * the thread that allocates; allocates nothing of the heap, and is no safepoint.
 * @param frames  room for so many, the youngest first.
 * @return how many there are: of more than most, the first are taken. 0: C's stack is taken.
 */
typedef size_t (*gait_profile_frames_fn)(gait_mutator *mutator, gait_profile_frame *frames,
                                         size_t most, void *data);

/**
 * Set the function that says the stacks. Without, and where it returns 0, a stack is that of C
 * functions, found by the unwinder of the compiler's runtime. Thread rule: any thread; a thread
 * that is being sampled may still call the one before.
 */
GAIT_API void gait_set_profile_frames(gait_heap *heap, gait_profile_frames_fn frames, void *data);

/**
 * What sort of memory a site allocates. Foreign memory that has no name (gait/foreign.h) is taken
 * back by bytes, and nobody says which of them go: its sites have what was added, and nothing live.
 * A site without frames, the last that is visited, has what is live of all of it, to the byte.
 */
enum gait_profile_memory {
    GAIT_PROFILE_OBJECTS, /**< objects of the heap                                          */
    GAIT_PROFILE_ARENA,   /**< in an arena: live until that is reset or ends                */
    GAIT_PROFILE_OFFHEAP, /**< blocks of gait/offheap.h: live until they are freed          */
    GAIT_PROFILE_FOREIGN  /**< foreign memory; by a name: live until it is taken back       */
};

/** What is known of a site. Objects are whole ones by chance only. */
typedef struct gait_profile_site {
    gait_kind kind;                   /* if has_kind */
    size_t depth;                     /* frames, the youngest first */
    const gait_profile_frame *frames; /* of the embedder's; NULL: */
    const uintptr_t *addresses;       /* where C functions return to */
    double alloc_objects;             /* since the heap was created */
    double alloc_bytes;
    double live_objects; /* of these, what the last cycle found live; beside objects: what is */
    double live_bytes;
    unsigned memory; /* of enum gait_profile_memory */
    bool has_kind;   /* plain bytes have none */
    const char *tag; /* of the arena, of off-heap or foreign memory: its name; NULL: of objects */
    /* of objects: those that were dead at the end of the first cycle that could see it, and those
     * that were not; what no cycle has looked at is in neither */
    double short_objects, short_bytes;
    double long_objects, long_bytes;
} gait_profile_site;

/** gait_read_profile for a structure of so many bytes. */
GAIT_API size_t gait_read_profile_sized(gait_heap *heap,
                                        void (*visit)(const gait_profile_site *site, void *data),
                                        void *data, size_t site_bytes);

/**
 * Visit all sites. Each is right for some moment of the call. A visit may do whatever the thread
 * may do; pointers are valid within it.
 * @return samples that were lost, since there was no memory for them.
 * Thread rule: any thread, attached or not.
 */
GAIT_INLINE size_t gait_read_profile(gait_heap *heap,
                                     void (*visit)(const gait_profile_site *site, void *data),
                                     void *data) {
    return gait_read_profile_sized(heap, visit, data, sizeof(gait_profile_site));
}

#ifdef __cplusplus
}
#endif

#endif

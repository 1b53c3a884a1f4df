/* SPDX-License-Identifier: MIT */
/*
 * Heap profiles in pprof's format, of a library of its own (`libgait-pprof`): `go tool pprof` and
 * speedscope open them. What is in them: gait/profile.h, which also says how sampling is turned on.
 *
 * A profile has the four views of Go's: alloc_objects, alloc_space (all since the heap was
 * created), inuse_objects, inuse_space (what the last cycle found live; the default). Two more say
 * what died young: shortlived_objects, shortlived_space, of which the first cycle that could see it
 * found nothing live. What memory it is says a label: `kind` of objects, `arena`, `offheap` and
 * `foreign` the name.
 *
 * Functions that make many small objects of which nearly all die young are candidates for arenas:
 * their samples have a second label, `candidate` with the value `arena`, and the profile's comments
 * name them, the largest first.
 */
#ifndef GAIT_PPROF_H
#define GAIT_PPROF_H

#include <gait/profile.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which view a tool shows first. All of them are there. */
enum gait_pprof_view {
    GAIT_PPROF_LIVE,     /**< inuse_space */
    GAIT_PPROF_ALLOCATED /**< alloc_space */
};

/**
 * Write a heap profile: a gzipped message; the first view is of what is live. It has what was
 * allocated since the heap was created. Of a heap that was created before this library was loaded,
 * and of which nobody has asked for a profile before, the first one has nothing but a comment that
 * says so, and the next ones what is allocated from now on. If heap profiles are off, a comment
 * says that.
 * @param descriptor  a file, pipe or socket that blocks. What goes wrong raises signals as write(2)
 *                    does.
 * @return 0, GAIT_E_MEMORY, GAIT_E_FILE (not all was written; errno says why).
 * Thread rule: any thread. One that is attached calls it in native code. Names of C functions are
 * looked up in the program's files, which takes a second for large ones, the first time.
 */
GAIT_API int gait_write_heap_profile(gait_heap *heap, int descriptor);

/**
 * The same, as memory that the caller frees by free().
 * @param view  of enum gait_pprof_view
 * @return *bytes bytes; NULL: no memory.
 */
GAIT_API void *gait_heap_profile(gait_heap *heap, unsigned view, size_t *bytes);

/** A profile that has begun. */
typedef struct gait_profile_delta gait_profile_delta;

/**
 * Begin a profile of a stretch of time: of what is allocated from now on, and of how much more is
 * live at its end than now. What has become less is below 0. Begins with gait_start_profile.
 * @return NULL: no memory.
 * Thread rule: as gait_write_heap_profile. Ended, once, before the heap is destroyed, by any
 * thread.
 */
GAIT_API gait_profile_delta *gait_profile_delta_begin(gait_heap *heap);

/**
 * End it.
 * @param view   of enum gait_pprof_view
 * @param bytes  NULL: it is given up.
 * @return *bytes bytes, which the caller frees by free(); NULL: no memory, or it was given up.
 */
GAIT_API void *gait_profile_delta_end(gait_profile_delta *delta, unsigned view, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A leak finder: a program says of an object that it should be dead by now, and hears what keeps
 * it if it is not.
 *
 *   expected   it is said of the object, which this does not keep. One that dies is forgotten
 *   kept       a full cycle that began later has marked the object, and a way leads to it from the
 *              roots: it is reported, once, by which way
 *
 * That a cycle marks an object does not mean that anything keeps it: what died while the cycle was
 * marking is marked, too. So the cycle ends with a search from the roots as they are then, with the
 * program stopped. What has no way to it is not reported, and looked at again by the next full
 * cycle. Minor cycles don't look at old objects; without GAIT_MINOR=off it may take a while until a
 * full cycle comes by itself, and gait_collect is one.
 *
 * The search takes time with what is reachable: some 0.1 us for each object. It is made only by a
 * full cycle that has marked something expected, and ends when all of that is found. Programs that
 * expect nothing pay nothing.
 */
#ifndef GAIT_EXPECT_H
#define GAIT_EXPECT_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a note that are kept, its end included. */
#define GAIT_NOTE_BYTES 64

/**
 * Say that an object should be dead before the next full cycle that begins after this call. If it
 * is kept, the heap's log, or the function of gait_set_kept, is given the way. A second call for
 * the same object counts anew, with its own note. gait_free of the object ends it, too.
 *
 * What the calling thread itself holds keeps the object, of course: frames and, where C stacks are
 * scanned, what lies there. So the call stands where the program lets go of the object.
 *
 * @param note  a few words that are reported with it, such as a session's name; copied and cut to
 *              GAIT_NOTE_BYTES. NULL: none.
 * @return 0, GAIT_E_INVALID (not an object), GAIT_E_MEMORY. Not a safepoint.
 * Thread rule: an attached thread, that runs.
 */
GAIT_API int gait_expect_dead(gait_mutator *mutator, void *object, const char *note);

/** Take it back: the object is used again. @return 0, GAIT_E_MISSING: nothing was said of it, or it
 * was reported. Not a safepoint. */
GAIT_API int gait_expect_dead_cancel(gait_mutator *mutator, void *object);

/** What keeps an object that should be dead. */
typedef struct gait_kept {
    const void *object;  /* the one that was expected dead */
    const char *note;    /* "": none */
    const char *root;    /* where the way begins: "static slot, word at 0x… (app+0x4010)" */
    const void *root_at; /* the root's word; NULL: not known. It may be no more */
    size_t length;       /* objects on the way, the last of which is the object itself */
    /* Of these, so many are given. If they are fewer, the middle of the way is left out: half of
     * them are its begin, and half its end */
    size_t told;
    const void *const *objects; /* of an arena, which is one object here: any address in it */
    const char *const *names;   /* of their kinds; of arenas, their own */
    const size_t *bytes;        /* of their cells; 0: an arena */
    /* at which byte of each the word lies that leads to the next one; -1: not known, and the last
     * one's */
    const ptrdiff_t *places;
    int64_t stop_ns; /* how long the program was stopped for the search, which was for all that are
                        reported by this cycle */
} gait_kept;

/**
 * Hear what keeps an object. Runs on the collector's thread, beside the program's, before the cycle
 * frees any memory: objects on the way are read, if the program says how they may be read beside
 * it. Calls nothing of this library. Pointers are good within the call; strings of kinds for
 * longer.
 */
typedef void (*gait_kept_fn)(gait_heap *heap, const gait_kept *kept, void *data);

/** gait_set_kept for a structure of so many bytes. */
GAIT_API void gait_set_kept_sized(gait_heap *heap, gait_kept_fn kept, void *data,
                                  int64_t stop_most_ns, size_t kept_bytes);

/**
 * Set what hears of objects that are kept, in place of the heap's log.
 *
 * @param kept          NULL: the log, as at first.
 * @param stop_most_ns  the search is given up after so long, with a line in the log, and the next
 *                      full cycle tries again. 0: never, as at first.
 * Thread rule: any thread, attached or not. A cycle that is ending may still call the one before.
 */
GAIT_INLINE void gait_set_kept(gait_heap *heap, gait_kept_fn kept, void *data,
                               int64_t stop_most_ns) {
    gait_set_kept_sized(heap, kept, data, stop_most_ns, sizeof(gait_kept));
}

#ifdef __cplusplus
}
#endif

#endif

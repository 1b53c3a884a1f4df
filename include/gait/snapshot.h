/* SPDX-License-Identifier: MIT */
/*
 * Relative references: what a structure that is moved as a whole is linked by. Snapshots: an
 * arena's contents as bytes, from which it is made again, anywhere.
 *
 * A gait_rel32 holds how far its target lies from itself, in four bytes. It stays right when the
 * memory that holds both is copied or mapped elsewhere as one piece, in this process or another.
 *
 *   .inv.relative: a gait_rel32 and its target lie in the same arena. The collector doesn't know
 *   it: it keeps nothing alive, and needs no barrier. It lies in plain bytes, in an object of a
 *   leaf kind, or in a word that holds no reference by its kind: two of them may look like one.
 *
 * One that is copied alone (by assignment, or with a structure by memcpy) leads elsewhere: it is
 * read by gait_rel32_get and written by gait_rel32_set anew.
 */
#ifndef GAIT_SNAPSHOT_H
#define GAIT_SNAPSHOT_H

#include <gait/arena.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A relative reference; 0: none, as zeroed memory has it. Else the distance from itself to the
 * target in units of four bytes, plus one if that is not negative: so it may refer to itself.
 */
typedef int32_t gait_rel32;

/** So far from itself a relative reference leads forward, bytes: 8 GiB less 8. Backward: 8 GiB. */
#define GAIT_REL32_MOST_BYTES (((int64_t)INT32_MAX - 1) * 4)

/**
 * What a relative reference leads to; NULL: nothing.
 * Thread rule: any thread; as a plain read of four bytes.
 */
GAIT_INLINE void *gait_rel32_get(const gait_rel32 *slot) {
    int64_t units = *slot;
    if (units == 0)
        return NULL;
    units -= units > 0;
    return (void *)((uintptr_t)slot + (uintptr_t)(units * 4));
}

/**
 * Have a relative reference lead to target, a multiple of four as its own address is; NULL: to
 * nothing.
 * @return false: target is too far away, or not a multiple of four: *slot is as before.
 * Thread rule: as a plain write of four bytes.
 */
GAIT_INLINE bool gait_rel32_set(gait_rel32 *slot, const void *target) {
    if (!target) {
        *slot = 0;
        return true;
    }
    int64_t distance = (int64_t)((uintptr_t)target - (uintptr_t)slot);
    if (distance % 4 != 0 || distance > GAIT_REL32_MOST_BYTES ||
        distance < -GAIT_REL32_MOST_BYTES - 8)
        return false;
    *slot = (gait_rel32)(distance / 4 + (distance >= 0));
    return true;
}

/* ------------------------------------------------------------------------------------------ */
/* Snapshots                                                                                  */

/**
 * Say which object of the arena a reader begins with: the root of what it holds. NULL: none. It is
 * saved with the arena, and forgotten by gait_arena_reset. It keeps nothing alive.
 * Thread rule: the arena's. Not a safepoint.
 */
GAIT_API void gait_arena_set_root(gait_mutator *mutator, gait_arena *arena, void *root);

/** That object; NULL: none. Thread rule: the arena's. */
GAIT_API void *gait_arena_root(gait_mutator *mutator, gait_arena *arena);

/**
 * Write the arena to a descriptor: a file, a pipe, a socket, blocking or not. The bytes are those
 * of docs/snapshots.md, the contents as they are. Its references are relative: an address that it
 * holds leads to this arena's place still, when it was loaded. Nobody stores to the arena
 * meanwhile.
 *
 * Writes until all is written, past signals and short writes; no SIGPIPE ends the process. What was
 * written before an error is no whole snapshot: it will be refused.
 *
 * @return 0; GAIT_E_INVALID: the arena is not GAIT_ARENA_CONTIGUOUS (so traced ones are refused);
 *         GAIT_E_FILE: errno says why.
 * Thread rule: the arena's. A safepoint; in native code while it writes.
 */
GAIT_API int gait_arena_save(gait_mutator *mutator, gait_arena *arena, int descriptor);

/**
 * Write the arena to a buffer.
 * @param buffer  NULL: only say how many bytes it takes.
 * @param bytes   room at buffer; then what was written, or would have been.
 * @return 0; GAIT_E_INVALID as gait_arena_save; GAIT_E_FULL: it takes more, nothing was written.
 * Thread rule: the arena's. Not a safepoint.
 */
GAIT_API int gait_arena_save_bytes(gait_mutator *mutator, gait_arena *arena, void *buffer,
                                   size_t *bytes);

/** The parts of the macros below that are not inline. where: as gait_arena_create_at. */
GAIT_API gait_arena *gait_arena_load_at(gait_mutator *mutator, const gait_arena_config *config,
                                        int descriptor, const char *where, char *error,
                                        size_t error_bytes);
GAIT_API gait_arena *gait_arena_load_bytes_at(gait_mutator *mutator,
                                              const gait_arena_config *config, const void *buffer,
                                              size_t bytes, const char *where, char *error,
                                              size_t error_bytes);

/**
 * Make an arena of a snapshot that is read from a descriptor. It is one as any other, at an address
 * of its own: contiguous, with the range, the root and the description of objects
 * (GAIT_ARENA_DESCRIBED) of the one that was saved; what is allocated goes on where that one ended.
 * Objects are aligned as they were, up to 4 KiB. Kinds are numbers: a described arena is read by a
 * heap that has registered the same ones in the same order.
 *
 * @param config       NULL for the defaults. Of its fields name (NULL: as it was saved), node, and
 *                     of the flags GAIT_ARENA_PINNED are looked at; the others are 0 or as
 *                     gait_arena_config_init has them.
 * @param error        where one line is written when there is none; may be NULL.
 * @param error_bytes  room at error, bytes.
 * @return the handle, or NULL: what is read is cut off, corrupted, no snapshot, of another version
 *         or kind of machine (docs/snapshots.md), of objects at multiples of 8 where this heap's
 *         tags need 16; the range is not available; no memory; the descriptor can't be read. No
 * more is read than the snapshot has.
 *
 * Bytes that are sealed by whoever made them are no proof of what they hold: the structure in it is
 * for the program to check, if it is of others.
 *
 * Thread rule: an attached thread, whose arena it is then. A safepoint; in native code while it
 * reads.
 */
#define gait_arena_load(mutator, config, descriptor, error, error_bytes)                           \
    gait_arena_load_at((mutator), (config), (descriptor), GAIT_HERE, (error), (error_bytes))

/** The same of a buffer that holds one snapshot and nothing else. */
#define gait_arena_load_bytes(mutator, config, buffer, bytes, error, error_bytes)                  \
    gait_arena_load_bytes_at((mutator), (config), (buffer), (bytes), GAIT_HERE, (error),           \
                             (error_bytes))

#ifdef __cplusplus
}
#endif

#endif

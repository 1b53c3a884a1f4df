/* SPDX-License-Identifier: MIT */
/*
 * The word before each object of an arena with GAIT_ARENA_DESCRIBED: what gait_arena_clone_deep and
 * heap snapshots know of it.
 *
 *   bits  0 … 39   bytes, as they were asked for
 *   bits 40 … 47   its kind
 *   bits 48 … 63   DESCRIBED_OBJECT, or DESCRIBED_BYTES: it has no kind
 *
 *   .inv.described: an object's word lies in the eight bytes before it, and is written before the
 *   object is handed out. So an address whose word has neither mark is no object's.
 *
 * It does not say where it lies: an arena that is mapped elsewhere has the same words. As a
 * reference it is none: its lower bits are a size, which is less than any heap's address.
 */
#ifndef GAIT_DESCRIBED_H
#define GAIT_DESCRIBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DESCRIBED_BYTES_MOST (((uint64_t)1 << 40) - 1)

enum { DESCRIBED_OBJECT = 0xd50b, DESCRIBED_BYTES = 0xd5b7 };

/** How many bytes more are taken for an object, with the arena's unit or a larger alignment: the
 * object begins so far behind what was taken. */
static inline size_t described_lead(size_t unit) {
    return unit > sizeof(uint64_t) ? unit : sizeof(uint64_t);
}

static inline void described_set(void *object, unsigned kind, size_t bytes, bool has_kind) {
    uint64_t mark = has_kind ? DESCRIBED_OBJECT : DESCRIBED_BYTES;
    ((uint64_t *)object)[-1] = mark << 48 | (uint64_t)kind << 40 | bytes;
}

/** @return whether an object with a kind begins here; then its kind and bytes. The eight bytes
 * before can be read. */
static inline bool described_get(const void *object, unsigned *kind, size_t *bytes) {
    uint64_t word = ((const uint64_t *)object)[-1];
    *kind = (unsigned)(word >> 40) & 255;
    *bytes = (size_t)(word & DESCRIBED_BYTES_MOST);
    return word >> 48 == DESCRIBED_OBJECT;
}

/** Do plain bytes begin here, which have no kind? Likewise. */
static inline bool described_is_bytes(const void *bytes) {
    return ((const uint64_t *)bytes)[-1] >> 48 == DESCRIBED_BYTES;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A marker: one thread's part in marking. It takes references from its block and prefetches their
 * mark bits; a few references later it marks the object and prefetches that; a few objects later
 * it pushes the references in it.
 *
 * Grey is: a reference in a block or ring of an active marker or in a published block, and a marked
 * object in the second ring of an active marker. Leaf objects are marked and done with.
 *
 *   .inv.holder: a marker is used by one thread at a time; between marker_begin and marker_end it
 *   is counted in the queue's `active`, and outside of them it holds no work.
 */
#ifndef GAIT_MARKER_H
#define GAIT_MARKER_H

#include "../heap/kinds.h"
#include "../heap/space.h"
#include "queue.h"

/* How many references wait for their mark bits, and how many marked objects for their first line,
 * between prefetch and use. Measured on a graph of 2^21 64-byte objects at random (bench/mark). */
#define MARKER_RING 16

/* What a callback visits with. A marker is one; verify.c has another. */
struct gait_visitor {
    void (*visit)(struct gait_visitor *visitor, gait_word word, bool conservative);
};

/* Cells in the order of their prefetches. */
struct marker_ring {
    unsigned first; /* the oldest */
    unsigned count;
    struct marker_slot {
        char *start;
        page_entry entry;
        uint64_t *pair; /* of its bits */
        uint64_t bit;
    } slots[MARKER_RING];
};

struct marker {
    struct gait_visitor visitor; /* first: the API casts */
    struct space *space;
    struct mark_queue *queue;
    gait_word value_mask;
    uintptr_t base;
    size_t extent_bytes; /* as marker_begin saw it, or later */
    unsigned mark_side;  /* which word of a pair has the mark bits in this cycle */
    struct marker_ring cells;   /* referred to, not marked by this marker yet */
    struct marker_ring objects; /* marked by it, not scanned yet */
    struct mark_block *block;      /* work; NULL: none yet */
    struct mark_block *ephemerons; /* ephemerons that met an unmarked key; NULL: none */
    size_t marked_bytes;  /* cells marked since marker_take_counts */
    size_t marked_objects;
    size_t scanned_bytes; /* bytes looked at for references: the unit of work of pacing */
};

void marker_init(struct marker *marker, struct space *space, struct mark_queue *queue,
                 gait_word value_mask);

/** Begin to hold work. */
void marker_begin(struct marker *marker);

/** Publish what is left, and hold none. */
void marker_end(struct marker *marker);

/** Push a word that may hold a reference; in a heap address's lower bits nothing but 0 counts. */
void marker_push(struct marker *marker, gait_word word);

/** Push the object that an address lies in, if any. */
void marker_push_interior(struct marker *marker, gait_word word);

/** Push count words. */
void marker_push_range(struct marker *marker, const gait_word *words, size_t count);

/** Push the object that a word refers to, or points into, unless it is marked already. */
void marker_shade(struct marker *marker, gait_word word);

/** Is word a reference to an object that is not marked yet? */
bool marker_is_white(const struct marker *marker, gait_word word);

/**
 * Mark until there is no work left, or budget_bytes were scanned, or *stop (may be NULL; unordered)
 * is not 0. @return whether it ran out of work.
 */
bool marker_drain(struct marker *marker, size_t budget_bytes, const volatile AO_t *stop);

/** Push the values of all ephemerons whose keys are marked. @return whether any was pushed. */
bool marker_ephemerons(struct marker *marker);

/** Push an object's references as if it had just been marked; its mark stays as it is. */
void marker_scan(struct marker *marker, char *start, page_entry entry, size_t object_bytes);

/** After an overflow: push the unmarked references of all marked objects. */
void marker_rescan(struct marker *marker);

/** Scan an object's references again, whatever its mark. For verify.c: with any visitor. */
void marker_visit_object(struct space *space, struct gait_visitor *visitor, char *start,
                         page_entry entry, size_t object_bytes);

/** Bytes of a cell by its entry. head: the span's first page, for large objects. */
static inline size_t entry_cell_bytes(const struct space *space, page_entry entry, size_t head) {
    unsigned size_class = ENTRY_CLASS(entry);
    return size_class == CLASS_LARGE ? space->spans[head].object_bytes
                                     : class_table[size_class].cell_bytes;
}

/** What a marked cell counts: as much as its allocation counted. */
static inline size_t entry_marked_bytes(const struct space *space, page_entry entry, size_t head) {
    unsigned size_class = ENTRY_CLASS(entry);
    return size_class == CLASS_LARGE ? (size_t)space->spans[head].pages << PAGE_SHIFT
                                     : class_table[size_class].cell_bytes;
}

#endif

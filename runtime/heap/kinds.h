/* SPDX-License-Identifier: MIT */
/*
 * The table of kinds: what an embedder registered, and, per kind and size class, the central list
 * of spans that have free cells.
 *
 * Entries are filled under the lock KINDS and published by count; they never change afterwards.
 */
#ifndef GAIT_KINDS_H
#define GAIT_KINDS_H

#include <gait/arena_head.h>

#include "space.h"

/* Swept spans of one kind and class that have free cells and no owner. */
struct central {
    struct lock lock;   /* rank CENTRAL: guards what follows, and owned of its spans */
    unsigned epoch;     /* the list is of this epoch; of an older one, it is empty   */
    struct span *first; /* first in, first out: sweeping goes up the addresses       */
    struct span *last;
};

struct kind {
    char *name;
    gait_layout layout;
    uint32_t head_words;
    uint64_t *bitmap; /* of the head; NULL: no references there */
    uint32_t element_words;
    uint64_t element_bitmap;
    gait_scan_fn scan;
    void *scan_data;
    uint64_t *interior; /* as bitmap; NULL: none */
    uint64_t element_interior;
    gait_tag_rule *tag_rules;
    uint32_t tag_rule_count;
    uint64_t tag_references[4];
    gait_word cleared;        /* what weak words, keys and links in its objects are set to */
    bool raw;                 /* a leaf whose objects are not zeroed */
    struct central *centrals; /* [GAIT_SIZE_CLASSES] */
    AO_t live_objects;        /* found by the running sweep; figures */
    AO_t live_bytes;
    AO_t span_bytes;
};

struct kind_table {
    struct lock lock;     /* rank KINDS: registration */
    AO_t count;           /* released after the entry is filled */
    AO_t *metadata_bytes; /* constant: where entries' memory is counted */
    /* where objects of each kind go in an arena (arena_head.h), and in one that is scanned
     * conservatively; filled before count is raised */
    uint8_t arena_kinds[GAIT_KINDS_MAX];
    uint8_t arena_kinds_conservative[GAIT_KINDS_MAX];
    /* last: 42 KiB that nobody writes before they are registered, so most of it is no memory */
    struct kind kinds[GAIT_KINDS_MAX];
};

void kinds_init(struct kind_table *table, struct space *space);
void kinds_destroy(struct kind_table *table);

/** @return the kind, or GAIT_E_INVALID, GAIT_E_FULL, GAIT_E_MEMORY. */
int kinds_register(struct kind_table *table, const gait_kind_info *info);

/** How many kinds there are: those below are filled. */
static inline size_t kinds_count(const struct kind_table *table) {
    return AO_load_acquire(&table->count); /* pairs with the store in kinds_register */
}

/** How many of an object's words belong to its kind's head. */
static inline size_t head_words(const struct kind *kind, size_t words) {
    return kind->head_words < words ? kind->head_words : words;
}

/** Does a tag's value say that its word holds a reference? */
static inline bool tag_refers(const struct kind *kind, unsigned char tag) {
    return kind->tag_references[tag >> 6] >> (tag & 63) & 1;
}

/** Which words of an element may hold one, as far as its kind says. */
static inline uint64_t element_words_of(const struct kind *kind) {
    uint64_t words = kind->element_bitmap;
    for (uint32_t i = 0; i < kind->tag_rule_count; i++)
        words |= (uint64_t)1 << kind->tag_rules[i].word;
    return words;
}

/** May word i of an object of so many words hold a reference that keeps its target alive? CALLBACK:
 * any may. TAGGED: its tag says more, kind_refers_now. */
static inline bool kind_refers(const struct kind *kind, size_t words, size_t i) {
    size_t head = head_words(kind, words);
    switch (kind->layout) {
    case GAIT_LEAF:
        return false;
    case GAIT_REFS:
    case GAIT_CONSERVATIVE:
    case GAIT_CALLBACK:
        return true;
    case GAIT_PREFIX:
    case GAIT_WEAK:
    case GAIT_EPHEMERON:
        return i < head;
    case GAIT_BITMAP:
    case GAIT_REPEAT:
    case GAIT_TAGGED:
        break;
    }
    if (i < head)
        return kind->bitmap && kind->bitmap[i >> 6] >> (i & 63) & 1;
    if (kind->layout == GAIT_BITMAP)
        return false;
    size_t in_element = (i - head) % kind->element_words; /* one that is not whole has none */
    return i - in_element + kind->element_words <= words &&
           element_words_of(kind) >> in_element & 1;
}

/** The same of one object as it is. read: how a byte of it is read. */
static inline bool kind_refers_now(const struct kind *kind, const gait_word *object, size_t words,
                                   size_t i, unsigned char (*read)(const unsigned char *byte)) {
    if (!kind_refers(kind, words, i))
        return false;
    size_t head = head_words(kind, words);
    if (kind->layout != GAIT_TAGGED || i < head)
        return true;
    size_t in_element = (i - head) % kind->element_words;
    if (kind->element_bitmap >> in_element & 1)
        return true;
    const unsigned char *element = (const unsigned char *)&object[i - in_element];
    for (uint32_t rule = 0; rule < kind->tag_rule_count; rule++)
        if (kind->tag_rules[rule].word == in_element &&
            tag_refers(kind, read(&element[kind->tag_rules[rule].tag_byte])))
            return true;
    return false;
}

/** May word i of an object of so many words, if it holds a reference, point inside an object? */
static inline bool kind_points_inside(const struct kind *kind, size_t words, size_t i) {
    size_t head = head_words(kind, words);
    if (kind->layout == GAIT_CONSERVATIVE)
        return true;
    if (i < head)
        return kind->interior && kind->interior[i >> 6] >> (i & 63) & 1;
    return kind->element_interior && kind->element_interior >> (i - head) % kind->element_words & 1;
}

/** May some word? */
static inline bool kind_has_interior(const struct kind *kind) {
    return kind->layout == GAIT_CONSERVATIVE || kind->interior || kind->element_interior;
}

#endif

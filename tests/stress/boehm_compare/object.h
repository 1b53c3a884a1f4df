/* SPDX-License-Identifier: MIT */
/*
 * The objects of the random mutator: header, references, data.
 *
 * A reference word holds 0, an odd number, or an object's address (TYPE_INTERIOR: the address of
 * its second word). Data are a function of the object's id, so that memory that was freed and
 * used again shows. A frozen object never changes once it is published; threads share frozen
 * objects only.
 */
#ifndef STRESS_BOEHM_COMPARE_OBJECT_H
#define STRESS_BOEHM_COMPARE_OBJECT_H

#include "shim.h"

struct object {
    word header; /* type in bits 0–7, frozen in bit 8, words behind the header from bit 16 on */
    word id;     /* OBJECT_ID, 1 + thread in bits 40 and up, a number of the thread's below */
    word words[];
};

#define OBJECT_FROZEN ((word)1 << 8)
#define OBJECT_ID ((word)1 << 63) /* in every id: so it looks like no address */

static inline enum type object_type(const struct object *object) {
    return (enum type)(object->header & 0xff);
}

static inline bool object_frozen(const struct object *object) {
    return object->header & OBJECT_FROZEN;
}

static inline size_t object_length(const struct object *object) {
    return header_length(object->header);
}

static inline bool word_refers(word value) { return value && !(value & 1); }

static inline word object_datum(const struct object *object, size_t index) {
    return (object->id * UINT64_C(0x9e3779b97f4a7c15) + index) | 1;
}

/** Words behind the header of an object of this type that is to have about `length` of them. */
static inline size_t type_length(enum type type, size_t length) {
    switch (type) {
    case TYPE_NODE:
        return NODE_REFERENCES + 2;
    case TYPE_WEAK:
        return 2 * WEAK_REFERENCES;
    case TYPE_RECORDS:
        return length / RECORD_WORDS * RECORD_WORDS;
    default:
        return length;
    }
}

/** How many strong references the object has, and which word holds the one of this number. */
static inline size_t object_references(const struct object *object) {
    switch (object_type(object)) {
    case TYPE_NODE:
        return NODE_REFERENCES;
    case TYPE_RECORDS:
        return object_length(object) / RECORD_WORDS * 2;
    case TYPE_LEAF:
    case TYPE_WEAK:
        return 0;
    default:
        return object_length(object);
    }
}

static inline word *object_slot(struct object *object, size_t number) {
    if (object_type(object) == TYPE_RECORDS)
        return &object->words[number / 2 * RECORD_WORDS + (number & 1) * 2];
    return &object->words[number];
}

static inline bool object_word_is_datum(const struct object *object, size_t index) {
    switch (object_type(object)) {
    case TYPE_NODE:
        return index >= NODE_REFERENCES;
    case TYPE_RECORDS:
        return index % RECORD_WORDS == 1;
    case TYPE_LEAF:
        return true;
    default:
        return false;
    }
}

/** The reference as it is stored in this object, and back. */
static inline word object_encode(const struct object *object, word value) {
    bool interior = object_type(object) == TYPE_INTERIOR && word_refers(value);
    return interior ? value + sizeof(word) : value;
}

static inline word object_read(struct object *object, size_t number) {
    word value = *object_slot(object, number);
    bool interior = object_type(object) == TYPE_INTERIOR && word_refers(value);
    return interior ? value - sizeof(word) : value;
}

/** Is all as it was written? */
static inline void object_check(const struct object *object) {
    enum type type = object_type(object);
    size_t length = object_length(object);
    if (type == TYPE_NONE || type >= TYPES || !(object->id & OBJECT_ID) ||
        type_length(type, length) != length)
        fail("a reachable object has a wrong header: it was freed");
    for (size_t i = 0; i < length; i++)
        if (object_word_is_datum(object, i) && object->words[i] != object_datum(object, i))
            fail("a reachable object has wrong data: it was freed");
}

#endif

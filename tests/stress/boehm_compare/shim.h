/* SPDX-License-Identifier: MIT */
/*
 * What the random mutator asks of a memory manager. SHIM_HEADER names the file that gives it:
 *
 *   gait.h    Gait, precise roots and barriers
 *   boehm.h   the Boehm collector
 *   keep.h    the model: nothing is ever freed
 *
 *   shim_start(), shim_cycles()             begin; collections so far
 *   shim_attach(), shim_detach(t)           around what a thread does with objects
 *   shim_block(t), shim_unblock(t)          around waiting
 *   shim_alloc(t, type, words)              a zeroed object of one of the mutator's types
 *   shim_init(slot, word)                   store into the newest object, before it is linked
 *   shim_store, shim_move, shim_fill, shim_exchange    into any object or global
 *   shim_weak_set(t, slot, word), shim_weak_get(t, slot)
 *   shim_poll(t), shim_collect(t), shim_globals(t, slots, count)
 *   SHIM_FRAME(t, name, count) … SHIM_FRAME_END(t, name)    local words that are roots
 *   SHIM_EXACT                              a full collection leaves nothing but what is reachable
 */
#ifndef STRESS_BOEHM_COMPARE_SHIM_H
#define STRESS_BOEHM_COMPARE_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uintptr_t word;

/* The types of objects. Every object begins with two words of data, its header. */
enum type {
    TYPE_NONE,     /* no object has it                                          */
    TYPE_NODE,     /* 4 references, 2 words of data                             */
    TYPE_REFS,     /* references                                                */
    TYPE_CALLBACK, /* references; their number is in the header                 */
    TYPE_ARRAY,    /* references, possibly thousands                            */
    TYPE_RECORDS,  /* elements of reference, data, reference                    */
    TYPE_LEAF,     /* data                                                      */
    TYPE_INTERIOR, /* addresses of second words of objects                      */
    TYPE_WEAK,     /* 4 words of data, 4 weak references                        */
    TYPES
};

enum { HEADER_WORDS = 2, NODE_REFERENCES = 4, WEAK_REFERENCES = 4, RECORD_WORDS = 3 };

/* How many words behind the header of a TYPE_CALLBACK object are references. */
static inline size_t header_length(word header) { return header >> 16; }

_Noreturn static inline void fail(const char *what) {
    fflush(stdout);
    fprintf(stderr, "boehm_compare: %s\n", what);
    abort();
}

#include SHIM_HEADER

#endif

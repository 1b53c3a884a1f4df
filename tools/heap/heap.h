/* SPDX-License-Identifier: MIT */
/**
 * A snapshot with what follows from it, and what the subcommands share.
 */
#ifndef HEAP_HEAP_H
#define HEAP_HEAP_H

#include "dominators.h"
#include "graph.h"

struct heap {
    struct graph graph;
    struct dominators dominators;
};

/** What there is of a kind. */
struct kind_sum {
    uint32_t kind;
    uint64_t count, bytes, retained;
};

/** Read a file, find the dominators. heap: anything; ends the command where it can't be. */
void heap_load(struct heap *heap, const char *path);
void heap_free(struct heap *heap);

/** Sums by kind, of what roots keep; at the place of the kind's number. The caller's to free. */
struct kind_sum *heap_kinds(const struct heap *heap);

/** What nothing keeps, or weak references alone. */
struct kind_sum heap_unreached(const struct heap *heap);

/** Print what the snapshot is, in a line. */
void heap_print_title(const struct heap *heap);

/** Bytes that are at least this share of all that is retained; at least 1. */
uint64_t heap_share(const struct heap *heap, double percent);

/** "12.5" as a percentage from 0 to 100; ends the command if it is none. */
double heap_percent(const char *option, const char *value);

/** What --top says: a number of rows, or all; ends the command if it is neither. */
int64_t heap_top(const char *value);

/** One object that the command line names; ends the command where it is none, or several. */
uint32_t heap_object(const struct heap *heap, const char *wanted);

#endif

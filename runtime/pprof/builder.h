/* SPDX-License-Identifier: MIT */
/*
 * What a message of pprof's names by numbers, while it is made: texts, functions, mappings and
 * locations, each once. A message's ids begin at 1, so where 0 means "not known" a number is that
 * of the table and one more. Lack of memory is noted in `failed`, and the caller goes on.
 */
#ifndef GAIT_PPROF_BUILDER_H
#define GAIT_PPROF_BUILDER_H

#include <gait/profile.h>
#include <gait/stats.h>

#include "names.h"
#include "table.h"

struct text {
    struct numbered numbered;
    const char *text;
};

struct function {
    struct numbered numbered;
    int64_t name, file; /* numbers of texts */
};

struct mapping {
    struct numbered numbered;
    uint64_t start, end;
    int64_t file, build_id;
};

/* Of an address, or, where it is 0, of a function and a line. */
struct location {
    struct numbered numbered;
    uint64_t address;
    size_t function; /* a number, from 1; 0: not known; what it is found by if address is 0 */
    int64_t line;
    size_t mapping; /* likewise */
};

struct builder {
    struct table texts, functions, mappings, locations, samples, places;
    struct names *names;
    const gait_kind_stats *kinds;
    size_t kinds_count;
    double all_bytes, rate_bytes;
    const char *note; /* a comment on the whole; NULL: none */
    double sign;      /* of what is visited: -1, it was there before the profile's time */
    int64_t begin_ns, duration_ns; /* since 1970; 0: it is of no stretch of time */
    bool failed;                   /* no memory */
};

/** Add a copy of a thing to one of its tables. NULL: no memory. */
void *builder_add(struct builder *builder, struct table *table, const void *thing, size_t bytes);

/** The order of two numbers, for a table. */
static inline int builder_order(uint64_t one, uint64_t other) {
    return (one > other) - (one < other);
}

/** Its tables, but those of samples and places; the process's names. */
void builder_open(struct builder *builder);
void builder_close(struct builder *builder);

/** The number of a text; NULL: of "". */
int64_t builder_text(struct builder *builder, const char *text);
const char *builder_text_at(const struct builder *builder, int64_t number);

/** The id of a place in the embedder's language, or of an address to which a function returns. 0:
 * no memory. */
uint64_t builder_location_of_frame(struct builder *builder, const gait_profile_frame *frame);
uint64_t builder_location_of_address(struct builder *builder, uintptr_t address);

/** The id of a location's function; 0: not known. */
size_t builder_function_at(const struct builder *builder, uint64_t location);

/** A function's name. */
const char *builder_function_name(const struct builder *builder, size_t function);

#endif

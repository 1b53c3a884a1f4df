/* SPDX-License-Identifier: MIT */
/*
 * For tests of recordings: heaps that are recorded, and their files as pacer/sim/recording reads
 * them.
 */
#ifndef GAIT_TESTS_RECORDED_H
#define GAIT_TESTS_RECORDED_H

#include "log_folder.h"
#include "recording.h"

#include <string.h>

enum { KIB = 1 << 10, MIB = 1 << 20 };

static inline gait_heap *heap_to(const char *file) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "50";
    config.memory_limit = "1GiB";
    config.max_procs = "2";
    return heap_writing(&config, "pacerlog", file);
}

static inline gait_kind kind_of(gait_heap *heap, enum gait_layout layout) {
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = "kind", .layout = layout});
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static inline void allocate(gait_mutator *mutator, gait_kind kind, size_t bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        cr_assert_not_null(gait_alloc(mutator, kind, bytes));
}

struct file {
    unsigned char *bytes;
    size_t size;
};

static inline struct file file_read(const char *name) {
    struct file file = {malloc(16 * MIB), 0};
    FILE *in = fopen(name, "rb");
    cr_assert_not_null(in, "%s", name);
    file.size = fread(file.bytes, 1, 16 * MIB, in);
    cr_assert_lt(file.size, 16 * MIB);
    fclose(in);
    return file;
}

static inline struct recording recording_of(const char *name) {
    struct file file = file_read(name);
    struct recording recording;
    size_t at;
    cr_assert_eq(recording_check(file.bytes, file.size, &recording, &at), RECORDING_GOOD,
                 "%s: byte %zu", name, at);
    recording.samples = calloc(recording.sample_count + 1, sizeof *recording.samples);
    recording.cycles = calloc(recording.cycle_count + 1, sizeof *recording.cycles);
    recording_read(file.bytes, file.size, &recording);
    free(file.bytes);
    return recording;
}

/* Until the file in path has at least so many cycles and samples: it is written every second. */
static inline void wait_until_recorded(size_t cycles, size_t samples) {
    for (bool there = false; !there; usleep(10000)) {
        if (access(path, R_OK) < 0)
            continue;
        struct file file = file_read(path);
        struct recording recording;
        size_t at;
        there = recording_check(file.bytes, file.size, &recording, &at) == RECORDING_GOOD &&
                recording.cycle_count >= cycles && recording.sample_count >= samples;
        free(file.bytes);
    }
}

static inline void recording_drop(struct recording *recording) {
    free(recording->samples);
    free(recording->cycles);
}

#endif

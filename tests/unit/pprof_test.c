/* SPDX-License-Identifier: MIT */
/*
 * runtime/pprof: a heap profile is a gzipped message of pprof's, in which functions have names.
 */
#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/pprof.h>

#include "mark/samples.h"
#include "profile.pb-c.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind node, text;
static gait_word kept;

static void open_heap_as(const char *debug) {
    kept = 0;
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    const gait_kind_info nodes = {.name = "node", .layout = GAIT_REFS};
    const gait_kind_info texts = {.name = "text", .layout = GAIT_LEAF};
    node = (gait_kind)gait_kind_register(heap, &nodes);
    text = (gait_kind)gait_kind_register(heap, &texts);
}

static void open_heap(void) { open_heap_as("memprofilerate=1"); }

static void close_heap(void) {
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

TestSuite(pprof, .init = open_heap, .fini = close_heap);

__attribute__((noinline)) static void make_list(int count) {
    for (int i = 0; i < count; i++) {
        gait_word *object = gait_alloc(mutator, node, 48);
        cr_assert_not_null(object);
        gait_init(object, kept);
        kept = (gait_word)(uintptr_t)object;
    }
}

__attribute__((noinline)) static void make_garbage(int count) {
    for (int i = 0; i < count; i++)
        cr_assert_not_null(gait_alloc(mutator, text, 1000));
}

static void fill(void) {
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    make_list(1000);
    make_garbage(200);
    gait_collect(mutator);
    gait_pop_frame(mutator);
}

static unsigned char *unzipped(unsigned char *from, size_t count, size_t *bytes) {
    size_t room = 1 << 20;
    unsigned char *to = malloc(room);
    z_stream stream = {
        .next_in = from, .avail_in = (unsigned)count, .next_out = to, .avail_out = (unsigned)room};
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK); /* gzip */
    cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    *bytes = stream.total_out;
    inflateEnd(&stream);
    return to;
}

static Gait__Pprof__Profile *profile_now(void) {
    size_t zipped_bytes, bytes;
    unsigned char *zipped = gait_heap_profile(heap, GAIT_PPROF_ALLOCATED, &zipped_bytes);
    cr_assert_not_null(zipped);
    unsigned char *packed = unzipped(zipped, zipped_bytes, &bytes);
    Gait__Pprof__Profile *profile = gait__pprof__profile__unpack(NULL, bytes, packed);
    cr_assert_not_null(profile);
    free(zipped);
    free(packed);
    return profile;
}

static const char *name_of(const Gait__Pprof__Profile *profile, uint64_t location) {
    const Gait__Pprof__Location *found = profile->location[location - 1];
    if (found->n_line == 0)
        return "";
    return profile->string_table[profile->function[found->line[0]->function_id - 1]->name];
}

/* Sums of the samples with this function on their stack, of this kind. */
static void sum_up_labelled(const Gait__Pprof__Profile *profile, const char *function,
                            const char *key, const char *kind, int64_t sums[4]) {
    memset(sums, 0, 4 * sizeof sums[0]);
    for (size_t i = 0; i < profile->n_sample; i++) {
        const Gait__Pprof__Sample *sample = profile->sample[i];
        cr_assert_eq(sample->n_value, 6u);
        cr_assert_geq(sample->n_label, 1u);
        if (strcmp(profile->string_table[sample->label[0]->key], key) != 0 ||
            strcmp(profile->string_table[sample->label[0]->str], kind) != 0)
            continue;
        for (size_t at = 0; at < sample->n_location_id; at++)
            if (strncmp(name_of(profile, sample->location_id[at]), function, strlen(function)) ==
                0) {
                for (int value = 0; value < 4; value++)
                    sums[value] += sample->value[value];
                break;
            }
    }
}

static void sum_up(const Gait__Pprof__Profile *profile, const char *function, const char *kind,
                   int64_t sums[4]) {
    sum_up_labelled(profile, function, "kind", kind, sums);
}

static void expect_type(const Gait__Pprof__Profile *profile, const Gait__Pprof__ValueType *type,
                        const char *name, const char *unit) {
    cr_expect_eq(strcmp(profile->string_table[type->type], name), 0);
    cr_expect_eq(strcmp(profile->string_table[type->unit], unit), 0);
}

Test(pprof, samples_lie_under_the_names_of_functions) {
    fill();
    Gait__Pprof__Profile *profile = profile_now();
    cr_expect_eq(strcmp(profile->string_table[0], ""), 0);
    cr_assert_eq(profile->n_sample_type, 6u);
    expect_type(profile, profile->sample_type[0], "alloc_objects", "count");
    expect_type(profile, profile->sample_type[1], "alloc_space", "bytes");
    expect_type(profile, profile->sample_type[2], "inuse_objects", "count");
    expect_type(profile, profile->sample_type[3], "inuse_space", "bytes");
    expect_type(profile, profile->sample_type[4], "shortlived_objects", "count");
    expect_type(profile, profile->sample_type[5], "shortlived_space", "bytes");
    expect_type(profile, profile->period_type, "space", "bytes");
    cr_expect_eq(profile->period, 1);
    cr_expect_eq(strcmp(profile->string_table[profile->default_sample_type], "alloc_space"), 0);
    int64_t sums[4];
    sum_up(profile, "make_list", "node", sums);
    cr_expect_eq(sums[0], 1000);
    cr_expect_eq(sums[1], 48000);
    cr_expect_eq(sums[2], 1000);
    cr_expect_eq(sums[3], 48000);
    sum_up(profile, "make_garbage", "text", sums);
    cr_expect_eq(sums[0], 200);
    cr_expect_eq(sums[1], 200 * 1024);
    cr_expect_eq(sums[2], 0);
    for (size_t i = 0; i < profile->n_location; i++) {
        uint64_t mapping = profile->location[i]->mapping_id, at = profile->location[i]->address;
        if (mapping)
            cr_expect(at >= profile->mapping[mapping - 1]->memory_start &&
                      at < profile->mapping[mapping - 1]->memory_limit);
    }
    gait__pprof__profile__free_unpacked(profile, NULL);
}

static size_t tell(gait_mutator *asked, gait_profile_frame *frames, size_t most, void *data) {
    (void)asked, (void)most, (void)data;
    frames[0] = (gait_profile_frame){"(lambda (x))", "program.scm", 12};
    frames[1] = (gait_profile_frame){"main", "program.scm", 99};
    return 2;
}

Test(pprof, frames_of_the_embedder_have_functions_and_lines) {
    gait_set_profile_frames(heap, tell, NULL);
    fill();
    Gait__Pprof__Profile *profile = profile_now();
    int64_t sums[4];
    sum_up(profile, "(lambda (x))", "node", sums);
    cr_expect_eq(sums[0], 1000);
    sum_up(profile, "main", "text", sums);
    cr_expect_eq(sums[0], 200);
    cr_assert_eq(profile->n_location, 2u);
    cr_expect_eq(profile->location[0]->line[0]->line, 12);
    gait__pprof__profile__free_unpacked(profile, NULL);
}

__attribute__((noinline)) static void fill_arena(gait_arena *arena) {
    for (int i = 0; i < 100; i++)
        cr_assert_not_null(gait_arena_alloc(mutator, arena, 80, 8));
    __asm__ volatile("");
}

Test(pprof, memory_of_arenas_is_labelled_by_their_names) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "request";
    gait_arena *arena = gait_arena_create(mutator, &config);
    fill_arena(arena);
    Gait__Pprof__Profile *profile = profile_now();
    int64_t sums[4];
    sum_up_labelled(profile, "fill_arena", "arena", "request", sums);
    cr_expect_eq(sums[0], 100);
    cr_expect_eq(sums[1], 8000);
    cr_expect_eq(sums[3], 8000);
    gait__pprof__profile__free_unpacked(profile, NULL);
    gait_arena_free(mutator, arena);
}

__attribute__((noinline)) static void add_foreign(void *memory) {
    gait_foreign_add_named(mutator, memory, 3000, "pixels");
    gait_foreign_add(mutator, 2000);
    __asm__ volatile("");
}

Test(pprof, foreign_memory_is_labelled_by_its_name) {
    char memory;
    add_foreign(&memory);
    gait_foreign_sub(mutator, 500);
    Gait__Pprof__Profile *profile = profile_now();
    int64_t sums[4];
    sum_up_labelled(profile, "add_foreign", "foreign", "pixels", sums);
    cr_expect_eq(sums[0], 1);
    cr_expect_eq(sums[1], 3000);
    cr_expect_eq(sums[3], 3000);
    sum_up_labelled(profile, "add_foreign", "foreign", "(no name)", sums);
    cr_expect_eq(sums[1], 2000);
    cr_expect_eq(sums[3], 0);
    sum_up_labelled(profile, "foreign memory without a name", "foreign", "(no name)", sums);
    cr_expect_eq(sums[1], 0);
    cr_expect_eq(sums[3], 1500);
    gait__pprof__profile__free_unpacked(profile, NULL);
    gait_foreign_sub_named(mutator, &memory, 3000);
    gait_foreign_sub(mutator, 1500);
}

/* Samples with the label of candidates, of this kind. */
static size_t candidates_of(const Gait__Pprof__Profile *profile, const char *kind) {
    size_t count = 0;
    for (size_t i = 0; i < profile->n_sample; i++) {
        const Gait__Pprof__Sample *sample = profile->sample[i];
        if (strcmp(profile->string_table[sample->label[0]->str], kind) != 0)
            continue;
        count += sample->n_label == 2;
        if (sample->n_label == 2) {
            cr_expect_eq(strcmp(profile->string_table[sample->label[1]->key], "candidate"), 0);
            cr_expect_eq(strcmp(profile->string_table[sample->label[1]->str], "arena"), 0);
        }
    }
    return count;
}

Test(pprof, what_dies_young_is_named_as_a_candidate_for_an_arena) {
    fill(); /* 1000 nodes that live, 200 texts of 1024 bytes that don't */
    Gait__Pprof__Profile *profile = profile_now();
    cr_expect_gt(candidates_of(profile, "text"), 0u);
    cr_expect_eq(candidates_of(profile, "node"), 0u);
    cr_assert_eq(profile->n_comment, 1u);
    const char *comment = profile->string_table[profile->comment[0]];
    cr_expect_not_null(strstr(comment, "make_garbage"), "%s", comment);
    cr_expect_not_null(strstr(comment, "200 objects of 1024 bytes (text)"), "%s", comment);
    gait__pprof__profile__free_unpacked(profile, NULL);
}

Test(pprof, an_empty_one_is_whole) {
    Gait__Pprof__Profile *profile = profile_now();
    cr_expect_eq(profile->n_sample, 0u);
    cr_expect_eq(profile->n_sample_type, 6u);
    cr_expect_eq(profile->n_comment, 0u);
    gait__pprof__profile__free_unpacked(profile, NULL);
}

Test(pprof, what_can_not_be_written_is_told) {
    fill();
    int full = open("/dev/full", O_WRONLY);
    cr_expect_eq(gait_write_heap_profile(heap, full), GAIT_E_FILE);
    cr_expect_eq(errno, ENOSPC);
    close(full);
    int null = open("/dev/null", O_WRONLY);
    cr_expect_eq(gait_write_heap_profile(heap, null), 0);
    close(null);
}

/* ---- Which rate holds, of a profile that a call asks for ---- */

/* A profile's period, how many samples it has at least (at a period of 0: in all), and what its
 * comment on the whole begins with; "": it has none, at most candidates. */
static void expect_rate(int64_t period, size_t samples_least, const char *comment) {
    Gait__Pprof__Profile *profile = profile_now();
    cr_expect_eq(profile->period, period);
    cr_expect(profile->n_sample >= samples_least);
    cr_expect(period > 0 || profile->n_sample == samples_least);
    const char *first = profile->n_comment ? profile->string_table[profile->comment[0]] : "";
    cr_expect_eq(strncmp(first, comment, strlen(comment)), 0, "%s", first);
    cr_expect(comment[0] || !first[0] || strncmp(first, "candidate", 9) == 0, "%s", first);
    gait__pprof__profile__free_unpacked(profile, NULL);
}

Test(pprof_rate, each_that_the_environment_says) {
    static const struct {
        const char *debug;
        int garbage; /* of 1024 bytes */
        int64_t period;
        size_t samples_least;
        const char *comment;
    } cases[] = {
        {"", 20000, 524288, 1, ""}, /* samples are taken from the heap's beginning */
        {"memprofilerate=0", 20000, 0, 0, "heap profiles are off: memprofilerate=0"},
        {"memprofilerate=1", 10, 1, 1, ""},
        {"memprofilerate=524288", 20000, 524288, 1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_heap_as(cases[i].debug);
        for (int twice = 0; twice < 2; twice++) {
            make_garbage(cases[i].garbage);
            expect_rate(cases[i].period, cases[i].samples_least, cases[i].comment);
        }
        close_heap();
    }
}

Test(pprof_rate, a_heap_from_before_the_library_has_samples_from_the_first_call,
     .fini = close_heap) {
    AO_store(&samples_by_default, 0); /* as if it were loaded later */
    open_heap_as("");
    AO_store(&samples_by_default, 1);
    fill();
    expect_rate(524288, 0, "samples are taken from now on");
    make_garbage(20000);
    expect_rate(524288, 1, "");
}

Test(pprof_rate, the_programs_call_comes_after_the_environment, .fini = close_heap) {
    open_heap_as("memprofilerate=0");
    gait_set_profile_rate(heap, 1);
    make_garbage(10);
    gait_set_profile_rate(heap, 0);
    expect_rate(0, 1, "heap profiles are off");
}

/* ---- Of a stretch of time ---- */

Test(pprof, a_delta_has_what_happened_between) {
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    make_list(1000);
    make_garbage(70);
    gait_collect(mutator);
    gait_profile_delta *delta = gait_profile_delta_begin(heap);
    cr_assert_not_null(delta);
    kept = 0;
    make_list(300);
    gait_collect(mutator);
    gait_pop_frame(mutator);
    size_t bytes, zipped_bytes;
    unsigned char *zipped = gait_profile_delta_end(delta, GAIT_PPROF_LIVE, &zipped_bytes);
    unsigned char *packed = unzipped(zipped, zipped_bytes, &bytes);
    Gait__Pprof__Profile *profile = gait__pprof__profile__unpack(NULL, bytes, packed);
    cr_assert_not_null(profile);
    free(zipped);
    free(packed);
    int64_t sums[4];
    sum_up(profile, "make_list", "node", sums);
    cr_expect_eq(sums[0], 300);
    cr_expect_eq(sums[1], 300 * 48);
    cr_expect_eq(sums[2], 300 - 1000);
    cr_expect_eq(sums[3], (300 - 1000) * 48);
    sum_up(profile, "make_garbage", "text", sums);
    cr_expect_eq(sums[0], 0);
    for (size_t i = 0; i < profile->n_sample; i++) /* where nothing happened there is no sample */
        cr_expect_neq(strcmp(profile->string_table[profile->sample[i]->label[0]->str], "text"), 0);
    cr_expect_gt(profile->duration_nanos, 0);
    gait__pprof__profile__free_unpacked(profile, NULL);
}

Test(pprof, a_delta_may_be_given_up) {
    fill();
    cr_expect_null(gait_profile_delta_end(gait_profile_delta_begin(heap), GAIT_PPROF_LIVE, NULL));
}

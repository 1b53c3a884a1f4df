/* SPDX-License-Identifier: MIT */
/* runtime/observe/pacerlog: what is recorded, as pacer/sim/recording reads it, and what it says to
 * files that are not whole. What becomes of the file: pacerlog_file_test.c. */
#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/library.h>
#include <gait/stats.h>

#include "platform/platform.h"
#include "recorded.h"

#include <pthread.h>
#include <stdatomic.h>

TestSuite(pacerlog, .init = make_folder, .fini = remove_folder);

/* ---- What is recorded ---- */

/* Bytes of a record of this type. */
#define ONE_MORE(name, what) +1
#define RECORD_BYTES(type) (GAIT_PACERLOG_HEAD_BYTES + 8u * (0 GAIT_PACERLOG_##type(ONE_MORE)))

static int64_t memory_of(const struct gait_pacerlog_sample *sample) {
    return sample->span_bytes + sample->free_bytes + sample->metadata_bytes + sample->arena_bytes +
           sample->offheap_bytes + sample->foreign_bytes;
}

Test(pacerlog, the_last_sample_has_the_heaps_figures) {
    enum { REFS = 20000, LEAVES = 30 };
    gait_heap *heap = heap_to(path);
    gait_mutator *mutator = gait_attach(heap);
    allocate(mutator, kind_of(heap, GAIT_REFS), 64, REFS);
    allocate(mutator, kind_of(heap, GAIT_LEAF), 100 * KIB, LEAVES);
    gait_foreign_add(mutator, 3 * MIB);
    gait_library_count(heap, 5 * MIB);
    gait_collect(mutator);
    gait_foreign_sub(mutator, MIB);
    gait_library_count(heap, -MIB);
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    gait_heap_destroy(heap);

    struct recording recording = recording_of(path);
    cr_expect(recording.ended);
    cr_expect_eq(recording.lost, 0);
    cr_expect_eq(recording.settings_count, 0);
    cr_expect_eq(strcmp(recording.gait_version, GAIT_VERSION), 0);
    cr_expect_eq(recording.header.heap_number, 1);
    cr_expect_eq(recording.header.gogc_percent, 50);
    cr_expect_eq(recording.header.limit_bytes, 1024 * (int64_t)MIB);
    cr_expect_eq(recording.header.procs, 2);
    cr_expect_eq(recording.header.minimum_heap_bytes, 4 * MIB);
    cr_expect_eq(recording.header.page_bytes, sysconf(_SC_PAGESIZE));
    cr_expect_eq(recording.cycle_count, stats.cycles);
    cr_assert_geq(recording.sample_count, 2 * stats.cycles + 1);
    cr_expect_eq(2 * RECORD_BYTES(SAMPLE) + RECORD_BYTES(CYCLE), 824u, "docs/pacerlog.md says so");

    const struct gait_pacerlog_sample *last = &recording.samples[recording.sample_count - 1];
    cr_expect_geq(last->allocated_scannable_bytes, REFS * 64);
    cr_expect_lt(last->allocated_scannable_bytes, REFS * 64 + 64 * KIB);
    cr_expect_geq(last->allocated_leaf_bytes, LEAVES * 100 * KIB);
    /* what is read never falls, not even when the rest of a run, 8 KiB at most, is given back */
    cr_expect_leq(recording_allocated(last), (int64_t)stats.allocated_bytes + 3 * MIB + 8 * KIB,
                  "%lld + %lld + %lld of foreign memory for %llu",
                  (long long)last->allocated_leaf_bytes, (long long)last->allocated_scannable_bytes,
                  (long long)last->allocated_foreign_bytes,
                  (unsigned long long)stats.allocated_bytes);
    cr_expect_eq(last->allocated_foreign_bytes, 3 * MIB);
    cr_expect_eq(last->foreign_bytes, 2 * MIB);
    cr_expect_eq(last->foreign_marked_bytes, 2 * MIB);
    cr_expect_eq(last->allocated_offheap_bytes, 5 * MIB);
    cr_expect_eq(last->offheap_bytes, 4 * MIB);
    cr_expect_eq(recording.cycles[recording.cycle_count - 1].foreign_bytes, 3 * MIB);
    cr_expect_geq(recording_gc_cpu_ns(last),
                  (int64_t)(stats.cpu_assist_ns + stats.cpu_dedicated_ns + stats.cpu_sweep_ns));
    cr_expect_leq(last->cpu_rest_ns, last->cpu_dedicated_ns);
    cr_expect_gt(last->process_cpu_ns, recording_gc_cpu_ns(last));
    cr_expect_eq(last->total_bytes, memory_of(last));
    cr_expect_geq(last->peak_total_bytes, last->total_bytes);
    cr_expect_gt(last->resident_bytes, 0);
    cr_expect_eq(last->pauses, (int64_t)stats.pauses);
    recording_drop(&recording);
}

/* A run that nothing was allocated from since the last cycle is given back. */
Test(pacerlog, what_was_not_used_is_not_allocated) {
    enum { ROUNDS = 30, BYTES = 64 };
    gait_heap *heap = heap_to(path);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kinds[] = {kind_of(heap, GAIT_REFS), kind_of(heap, GAIT_LEAF)};
    for (unsigned i = 0; i < ROUNDS; i++) {
        allocate(mutator, kinds[0], BYTES, 1);
        allocate(mutator, kinds[1], BYTES, 1);
        gait_collect(mutator);
        gait_collect(mutator);
    }
    gait_heap_destroy(heap);

    struct recording recording = recording_of(path);
    const struct gait_pacerlog_sample *last = &recording.samples[recording.sample_count - 1];
    cr_expect_leq(last->allocated_scannable_bytes, ROUNDS * BYTES + 8 * KIB);
    cr_expect_leq(last->allocated_leaf_bytes, ROUNDS * BYTES + 8 * KIB);
    recording_drop(&recording);
}

/* They are scanned, though nothing was allocated on the heap. */
Test(pacerlog, live_bytes_with_references_have_those_of_arenas) {
    enum { OBJECTS = 1000, BYTES = 1000 };
    gait_heap *heap = heap_to(path);
    gait_mutator *mutator = gait_attach(heap);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED | GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    gait_kind refs = kind_of(heap, GAIT_REFS);
    for (unsigned i = 0; i < OBJECTS; i++)
        cr_assert_not_null(gait_arena_new(mutator, arena, refs, BYTES));
    gait_collect(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);

    struct recording recording = recording_of(path);
    cr_expect_geq(recording.samples[recording.sample_count - 1].scannable_bytes, OBJECTS * BYTES);
    recording_drop(&recording);
}

struct toggling {
    gait_heap *heap;
    atomic_bool over;
};

static void *toggle(void *argument) {
    struct toggling *toggling = argument;
    while (!atomic_load(&toggling->over)) {
        gait_library_count(toggling->heap, MIB);
        gait_library_count(toggling->heap, -MIB);
    }
    return NULL;
}

/* Memory comes and goes while a sample is taken: what a sample says is of one moment. */
Test(pacerlog, the_figures_of_a_sample_add_up) {
    enum { CYCLES = 250 };
    struct toggling toggling = {.heap = heap_to(path)};
    gait_mutator *mutator = gait_attach(toggling.heap);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, toggle, &toggling), 0);
    for (unsigned i = 0; i < CYCLES; i++)
        gait_collect(mutator);
    atomic_store(&toggling.over, true);
    pthread_join(thread, NULL);
    gait_heap_destroy(toggling.heap);

    struct recording recording = recording_of(path);
    cr_assert_geq(recording.sample_count, 2 * CYCLES);
    for (size_t i = 0; i < recording.sample_count; i++) {
        const struct gait_pacerlog_sample *sample = &recording.samples[i];
        cr_expect_eq(sample->total_bytes, memory_of(sample), "sample %zu of %zu", i,
                     recording.sample_count);
        cr_expect_geq(sample->peak_total_bytes, sample->total_bytes);
    }
    recording_drop(&recording);
}

Test(pacerlog, a_cycle_tells_what_it_did) {
    enum { LIVE = 5000 };
    gait_heap *heap = heap_to(path);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind pair = kind_of(heap, GAIT_REFS);
    gait_handle *list = gait_handle_new(mutator, 0);
    for (int i = 0; i < LIVE; i++) {
        gait_word *object = gait_alloc(mutator, pair, 64);
        cr_assert_not_null(object);
        gait_init(object, gait_handle_get(list));
        gait_handle_set(mutator, list, (gait_word)object);
    }
    gait_collect(mutator);
    gait_heap_destroy(heap);

    struct recording recording = recording_of(path);
    cr_assert_eq(recording.cycle_count, 1);
    const struct gait_pacerlog_cycle *cycle = &recording.cycles[0];
    cr_expect_eq(cycle->number, 1);
    cr_expect_eq(cycle->flags, GAIT_PACERLOG_FORCED);
    cr_expect_leq(cycle->start_ns, cycle->mark_ns);
    cr_expect_leq(cycle->mark_ns, cycle->end_ns);
    cr_expect_gt(cycle->pause_ns, 0);
    cr_expect_geq(cycle->marked_bytes - cycle->black_bytes, LIVE * 64);
    cr_expect_lt(cycle->marked_bytes - cycle->black_bytes, LIVE * 64 + 16 * KIB);
    cr_expect_geq(cycle->scanned_bytes, LIVE * 64);
    cr_expect_geq(cycle->start_bytes, LIVE * 64);
    cr_expect_eq(cycle->globals_bytes, (int64_t)sizeof(gait_word));
    cr_expect_gt(cycle->cpu_dedicated_ns + cycle->cpu_fractional_ns, 0);
    /* one as it started, one as it ended */
    cr_assert_geq(recording.sample_count, 3);
    bool marking = false;
    for (size_t i = 0; i < recording.sample_count; i++)
        marking |= (recording.samples[i].flags & GAIT_PACERLOG_MARKING) != 0;
    cr_expect(marking);
    cr_expect_eq(recording.samples[recording.sample_count - 1].flags, 0);
    recording_drop(&recording);
}

Test(pacerlog, changed_settings_are_recorded) {
    gait_heap *heap = heap_to(path);
    gait_set_gogc(heap, GAIT_GOGC_OFF);
    gait_set_memory_limit(heap, GAIT_NO_LIMIT);
    gait_heap_destroy(heap);
    struct recording recording = recording_of(path);
    cr_expect_eq(recording.settings_count, 1);
    cr_expect_eq(recording.header.gogc_percent, 50);
    recording_drop(&recording);
}

Test(pacerlog, samples_come_while_nothing_happens, .timeout = 60) {
    int64_t begin_ns = platform_now_ns();
    gait_heap *heap = heap_to(path);
    wait_until_recorded(0, 10);
    gait_heap_destroy(heap);
    struct recording recording = recording_of(path);
    cr_expect_geq(recording.sample_count, 10);
    cr_expect_leq((int64_t)recording.sample_count,
                  (platform_now_ns() - begin_ns) / recording.header.sample_ns + 1);
    recording_drop(&recording);
}

/* ---- Reading ---- */

Test(pacerlog, a_cut_file_is_told_from_a_whole_one) {
    gait_heap *heap = heap_to(path);
    gait_collect(gait_attach(heap));
    gait_heap_destroy(heap);
    struct file file = file_read(path);
    struct recording recording;
    size_t at, whole = 0, header = 0;
    for (size_t size = 0; size <= file.size; size++) {
        /* of its exact size, so that a read beyond it is found */
        unsigned char *cut = malloc(size + 1);
        cut = realloc(cut, size ? size : 1);
        memcpy(cut, file.bytes, size);
        enum recording_fault fault = recording_check(cut, size, &recording, &at);
        free(cut);
        if (fault == RECORDING_GOOD) {
            header = header ? header : size;
            whole = size;
            continue;
        }
        cr_expect_eq(fault, size == 0 ? RECORDING_FOREIGN : RECORDING_CUT, "%zu bytes", size);
        cr_expect_eq(at, whole, "%zu bytes: %zu", size, at);
    }
    cr_expect_eq(whole, file.size);
    cr_expect_gt(header, GAIT_PACERLOG_PREFIX_BYTES);
    free(file.bytes);
}

Test(pacerlog, unknown_records_and_fields_are_skipped) {
    static const unsigned char unknown[] = {99, 0, 16, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    static const unsigned char longer[] = {
        GAIT_PACERLOG_IS_END, 0, 24, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9};
    static const unsigned char shorter[] = {
        GAIT_PACERLOG_IS_SAMPLE, 0, 16, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
    gait_heap *heap = heap_to(path);
    gait_heap_destroy(heap);
    struct file file = file_read(path);
    size_t header = file.bytes[12] | (size_t)file.bytes[13] << 8;
    unsigned char *at = file.bytes + header;
    memcpy(at, unknown, sizeof unknown);
    memcpy(at += sizeof unknown, shorter, sizeof shorter);
    memcpy(at += sizeof shorter, longer, sizeof longer);
    file.size = (size_t)(at + sizeof longer - file.bytes);
    struct recording recording;
    size_t fault_at;
    cr_assert_eq(recording_check(file.bytes, file.size, &recording, &fault_at), RECORDING_GOOD);
    cr_expect_eq(recording.lost, 3);
    cr_expect_eq(recording.sample_count, 1);
    cr_expect(recording.ended);
    struct gait_pacerlog_sample sample;
    recording.samples = &sample;
    recording_read(file.bytes, file.size, &recording);
    cr_expect_eq(sample.time_ns, 7);
    cr_expect_eq(sample.mutators, 0);
    free(file.bytes);
}

Test(pacerlog, what_cant_be_true_is_refused) {
    gait_heap *heap = heap_to(path);
    gait_heap_destroy(heap);
    struct file file = file_read(path);
    struct recording recording;
    size_t fault_at, header = file.bytes[12] | (size_t)file.bytes[13] << 8;
    file.bytes[header + GAIT_PACERLOG_HEAD_BYTES + 7] = 0x80; /* a negative time */
    cr_expect_eq(recording_check(file.bytes, file.size, &recording, &fault_at), RECORDING_BROKEN);
    cr_expect_eq(fault_at, header);
    file.bytes[8] = GAIT_PACERLOG_VERSION + 1;
    cr_expect_eq(recording_check(file.bytes, file.size, &recording, &fault_at), RECORDING_VERSION);
    file.bytes[0] = 'g';
    cr_expect_eq(recording_check(file.bytes, file.size, &recording, &fault_at), RECORDING_FOREIGN);
    free(file.bytes);
}

/* Of minor cycles the flag says so; they come where the young die. */
Test(pacerlog, a_minor_cycle_is_flagged) {
    gait_config config;
    gait_config_init(&config);
    config.minor = "on";
    gait_heap *heap = heap_writing(&config, "gcminor=1,pacerlog", path);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind refs = kind_of(heap, GAIT_REFS);
    for (int i = 0; i < 64; i++)
        allocate(mutator, refs, 64, 16 * KIB);
    gait_heap_destroy(heap);

    struct recording recording = recording_of(path);
    size_t minors = 0;
    for (size_t i = 0; i < recording.cycle_count; i++)
        minors += (recording.cycles[i].flags & GAIT_PACERLOG_MINOR) != 0;
    cr_expect(minors > 0 && minors < recording.cycle_count, "%zu of %zu", minors,
              recording.cycle_count);
}

/* What gave a cycle's goal: the flags say it, and statistics count the same. */
struct given {
    uint64_t by_floor, by_limit;
};

static struct given given_at(int32_t gogc, int64_t limit_bytes) {
    enum { LIVE = 128 };
    gait_config config;
    gait_config_init(&config);
    gait_heap *heap = heap_writing(&config, "pacerlog", path);
    gait_set_gogc(heap, gogc);
    gait_set_memory_limit(heap, limit_bytes);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind leaf = kind_of(heap, GAIT_LEAF);
    for (int i = 0; i < LIVE; i++)
        gait_handle_new(mutator, (gait_word)gait_alloc(mutator, leaf, 64 * KIB));
    gait_collect(mutator); /* from here on what is live is known */
    for (int i = 0; i < 20; i++)
        allocate(mutator, leaf, 64 * KIB, LIVE);
    gait_collect(mutator); /* no cycle runs as they are read */
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    gait_heap_destroy(heap);

    struct recording recording = recording_of(path);
    struct given given = {0};
    for (size_t i = 0; i < recording.cycle_count; i++) {
        bool by_floor = recording.cycles[i].flags & GAIT_PACERLOG_BY_FLOOR;
        given.by_floor += by_floor;
        given.by_limit += !by_floor && (recording.cycles[i].flags & GAIT_PACERLOG_BY_LIMIT);
    }
    cr_expect_eq(stats.floor_cycles, given.by_floor);
    cr_expect_eq(stats.limit_cycles, given.by_limit);
    return given;
}

Test(pacerlog, a_goal_that_the_cpu_gave_is_flagged) {
    struct given given = given_at(1, GAIT_NO_LIMIT); /* no cycle follows another at once */
    cr_expect(given.by_floor > 2 && given.by_limit == 0);
}

Test(pacerlog, a_goal_that_the_limit_gave_is_flagged) {
    struct given given = given_at(-1, 32 * MIB);
    cr_expect_gt(given.by_limit, 2, "%llu, and %llu by the CPU", (unsigned long long)given.by_limit,
                 (unsigned long long)given.by_floor);
}

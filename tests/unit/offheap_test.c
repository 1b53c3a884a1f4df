/* SPDX-License-Identifier: MIT */
/* gait/offheap.h with each backend: blocks, figures, owners, allocators, the limit, misuse. */
#include <atomic_ops.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <gait/foreign.h>
#include <gait/heap_snapshot.h>
#include <gait/library.h>
#include <gait/offheap.h>
#include <gait/profile.h>
#include <gait/stats.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../heap_snapshot_reader.h"
#include "../random.h"
#include "backend.h"
#include "instance.h"

#define MIB ((size_t)1 << 20)

static int each_backend(void (*test)(int backend)) {
    int tests = 1;
    test(GAIT_OFFHEAP_LIBC);
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    test(GAIT_OFFHEAP_JEMALLOC);
    tests++;
#endif
    return tests;
}

static gait_heap *heap_with(int backend, const char *limit, const char *debug, FILE *log) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "100";
    config.memory_limit = limit;
    config.debug = debug;
    config.log = log;
    char error[256];
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    cr_assert_eq(gait_offheap_use(heap, backend), 0);
    cr_assert_eq(gait_offheap_backend(heap), backend);
    return heap;
}

static gait_heap *heap_of(int backend) { return heap_with(backend, "off", "", NULL); }

static bool is_all(const unsigned char *bytes, size_t count, unsigned char value) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* ---- Blocks ---- */

static void blocks_are_zeroed(int backend) {
    gait_heap *heap = heap_of(backend);
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4095, 4096, 70000, 3 << 20};
    for (size_t round = 0; round < 3; round++) {
        unsigned char *blocks[10];
        for (size_t i = 0; i < 10; i++) {
            blocks[i] = gait_offheap_calloc(heap, 1, sizes[i], 0);
            cr_assert_not_null(blocks[i]);
            cr_assert_eq((uintptr_t)blocks[i] % 16, 0);
            cr_assert(is_all(blocks[i], sizes[i], 0));
            cr_assert_eq(gait_offheap_block_bytes(heap, blocks[i]), sizes[i]);
            memset(blocks[i], 0xee, sizes[i]);
        }
        cr_assert_eq(gait_offheap_blocks(heap, GAIT_OFFHEAP_ALL), 10);
        for (size_t i = 0; i < 10; i++)
            gait_offheap_free(heap, blocks[i]);
    }
    gait_offheap_free(heap, NULL);
    cr_assert_eq(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL), 0);
    cr_assert_eq(gait_library_counted(heap), 0);
    gait_heap_destroy(heap);
}
Test(offheap, a_block_is_zeroed_and_aligned) { each_backend(blocks_are_zeroed); }

static void resizing_keeps_and_zeroes(int backend) {
    gait_heap *heap = heap_of(backend);
    int a = gait_offheap_tag(heap, "a"), b = gait_offheap_tag(heap, "b");
    static const size_t sizes[] = {10,   1000, 20,     40,    4096,    1 << 20, 100, 5000,
                                   5001, 4000, 100000, 99999, 2 << 20, 0,       64};
    size_t old = 0;
    unsigned char *block = gait_offheap_realloc(heap, NULL, 0, 0, a);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        block = gait_offheap_realloc(heap, block, sizes[i], 1, i % 2 ? a : b);
        cr_assert_not_null(block);
        cr_assert_eq((uintptr_t)block % 16, 0);
        size_t kept = old < sizes[i] ? old : sizes[i];
        cr_assert(is_all(block, kept, 0xcd), "%zu to %zu", old, sizes[i]);
        cr_assert(is_all(block + kept, sizes[i] - kept, 0), "%zu to %zu", old, sizes[i]);
        memset(block, 0xcd, sizes[i]);
        old = sizes[i];
        cr_assert_eq(gait_offheap_bytes(heap, i % 2 ? a : b), old);
        cr_assert_eq(gait_offheap_bytes(heap, i % 2 ? b : a), 0);
        cr_assert_eq(gait_offheap_block_tag(heap, block), i % 2 ? a : b);
        cr_assert_eq(gait_offheap_blocks(heap, GAIT_OFFHEAP_ALL), 1);
    }
    gait_offheap_free(heap, block);
    cr_assert_eq(gait_library_counted(heap), 0);
    gait_heap_destroy(heap);
}
Test(offheap, resizing_keeps_what_was_there_and_zeroes_the_rest) {
    each_backend(resizing_keeps_and_zeroes);
}

static void too_much_is_refused(int backend) {
    gait_heap *heap = heap_of(backend);
    cr_assert_null(gait_offheap_calloc(heap, SIZE_MAX / 2, 3, 0));
    cr_assert_null(gait_offheap_calloc(heap, SIZE_MAX, 1, 0));
    cr_assert_null(gait_offheap_calloc(heap, (size_t)1 << 33, (size_t)1 << 33, 0));
    char *block = gait_offheap_calloc(heap, 3, 5, 0);
    strcpy(block, "as it was");
    cr_assert_null(gait_offheap_realloc(heap, block, SIZE_MAX, SIZE_MAX, 0));
    cr_assert_null(gait_offheap_realloc(heap, block, SIZE_MAX / 2 - 8, 1, 0));
    if (!UNDER_ASAN && !UNDER_TSAN) /* which stop a program that asks for so much */
        cr_assert_null(gait_offheap_realloc(heap, block, (size_t)1 << 60, 1, 0));
    cr_assert_str_eq(block, "as it was");
    cr_assert_eq(gait_offheap_block_bytes(heap, block), 15);
    cr_assert_eq(gait_offheap_bytes(heap, 0), 15);
    gait_heap_destroy(heap);
}
Test(offheap, too_much_is_refused_and_a_block_stays_whole) { each_backend(too_much_is_refused); }

/* ---- Heap profiles ---- */

struct of_tag {
    const char *tag;
    double alloc_bytes, live_bytes;
};

static void add_site(const gait_profile_site *site, void *data) {
    struct of_tag *sum = data;
    if (site->memory != GAIT_PROFILE_OFFHEAP || strcmp(site->tag, sum->tag) != 0)
        return;
    sum->alloc_bytes += site->alloc_bytes;
    sum->live_bytes += site->live_bytes;
}

/* Of a tag, with the 16 bytes that each block has more. */
static void expect_profile(gait_heap *heap, const char *tag, double alloc_bytes,
                           double live_bytes) {
    struct of_tag sum = {.tag = tag};
    cr_assert_eq(gait_read_profile(heap, add_site, &sum), 0);
    cr_assert_float_eq(sum.alloc_bytes, alloc_bytes, 1e-6, "%s: %f", tag, sum.alloc_bytes);
    cr_assert_float_eq(sum.live_bytes, live_bytes, 1e-6, "%s: %f", tag, sum.live_bytes);
}

static void blocks_are_profiled(int backend, const char *debug) {
    gait_heap *heap = heap_with(backend, "off", debug, NULL);
    int a = gait_offheap_tag(heap, "a"), b = gait_offheap_tag(heap, "b");
    char *old = gait_offheap_calloc(heap, 1, 100, a); /* from before */
    gait_set_profile_rate(heap, 1);
    char *one = gait_offheap_calloc(heap, 10, 10, a), *two = gait_offheap_calloc(heap, 1, 0, a);
    expect_profile(heap, "a", 116 + 16, 116 + 16);
    one = gait_offheap_realloc(heap, one, 1, 500, b); /* made anew, for its new tag */
    expect_profile(heap, "a", 116 + 16, 16);
    expect_profile(heap, "b", 516, 516);
    old = gait_offheap_realloc(heap, old, 1, 200, a);
    expect_profile(heap, "a", 116 + 16 + 216, 16 + 216);
    gait_offheap_free(heap, old);
    gait_offheap_free(heap, two);
    expect_profile(heap, "a", 116 + 16 + 216, 0);
    gait_set_profile_rate(heap, 0);
    gait_offheap_free(heap, one);
    expect_profile(heap, "b", 516, 0);
    gait_heap_destroy(heap);
}

static void count_foreign(const gait_profile_site *site, void *data) {
    size_t *sites = data;
    *sites += site->memory == GAIT_PROFILE_FOREIGN;
}

static void sum_foreign(const gait_profile_site *site, void *data) {
    double *bytes = data;
    *bytes += site->memory == GAIT_PROFILE_FOREIGN ? site->live_bytes : 0;
}

/* It counts as foreign memory, and is in the profile as what it was allocated as. */
static void owned_ones_are_profiled_once(int backend) {
    gait_heap *heap = heap_of(backend);
    gait_mutator *mutator = gait_attach(heap);
    const gait_kind_info info = {.name = "owner", .layout = GAIT_LEAF};
    gait_kind kind = (gait_kind)gait_kind_register(heap, &info);
    gait_set_profile_rate(heap, 1);
    void *block = gait_offheap_calloc(heap, 1, 100, gait_offheap_tag(heap, "a"));
    cr_assert_eq(gait_offheap_own(mutator, gait_alloc(mutator, kind, 16), block), 0);
    expect_profile(heap, "a", 116, 116);
    size_t sites = 0;
    gait_read_profile(heap, count_foreign, &sites);
    cr_expect_eq(sites, 0);
    gait_collect(mutator);
    gait_collect(mutator);
    cr_expect_eq(gait_run_finalizers(mutator, SIZE_MAX), 1);
    expect_profile(heap, "a", 116, 0);
    gait_foreign_add(mutator, 100); /* the rest is as if there had been no block */
    double live_bytes = 0;
    gait_read_profile(heap, sum_foreign, &live_bytes);
    cr_expect_eq(live_bytes, 100.0, "%f", live_bytes);
    gait_heap_destroy(heap);
}
Test(offheap, owned_blocks_are_in_the_heap_profile_once) {
    each_backend(owned_ones_are_profiled_once);
}

static void all_blocks_are_profiled(int backend) {
    blocks_are_profiled(backend, "");
    blocks_are_profiled(backend, "offheapcheck=1");
    blocks_are_profiled(backend, "offheapleaks=2");
}
Test(offheap, the_heap_profile_has_blocks_until_they_are_freed) {
    each_backend(all_blocks_are_profiled);
}

/* ---- Tags ---- */

static void tags_are_found(int backend) {
    gait_heap *heap = heap_of(backend), *other = heap_of(backend);
    int page = gait_offheap_tag(heap, "page"), index = gait_offheap_tag(heap, "index");
    cr_assert(page > 0 && index > page);
    cr_assert_eq(gait_offheap_tag(heap, "page"), page);
    cr_assert_eq(gait_offheap_tag(other, "index"), 1);
    cr_assert_str_eq(gait_offheap_tag_name(heap, index), "index");
    cr_assert_str_eq(gait_offheap_tag_name(heap, GAIT_OFFHEAP_UNTAGGED), "untagged");
    cr_assert_null(gait_offheap_tag_name(heap, index + 1));
    cr_assert_null(gait_offheap_tag_name(heap, -1));
    cr_assert_eq(gait_offheap_tag(heap, ""), GAIT_E_INVALID);
    cr_assert_eq(gait_offheap_tag(heap, NULL), GAIT_E_INVALID);
    void *block = gait_offheap_calloc(heap, 10, 100, page);
    cr_assert_eq(gait_offheap_bytes(heap, page), 1000);
    cr_assert_eq(gait_offheap_bytes(heap, index), 0);
    cr_assert_eq(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL), 1000);
    cr_assert_eq(gait_offheap_bytes(heap, 77), 0);
    cr_assert_eq(gait_offheap_bytes(other, page), 0);
    gait_offheap_free(heap, block);
    gait_heap_destroy(other);
    gait_heap_destroy(heap);
}
Test(offheap, tags_are_found_by_name) { each_backend(tags_are_found); }

Test(offheap, tags_run_out) {
    gait_heap *heap = heap_of(GAIT_OFFHEAP_LIBC);
    char name[16];
    for (int i = 1; i < GAIT_OFFHEAP_TAGS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        cr_assert_eq(gait_offheap_tag(heap, name), i);
    }
    cr_assert_eq(gait_offheap_tag(heap, "one more"), GAIT_E_FULL);
    cr_assert_eq(gait_offheap_tag(heap, "tag 200"), 200);
    void *block = gait_offheap_calloc(heap, 7, 1, GAIT_OFFHEAP_TAGS_MAX - 1);
    cr_assert_eq(gait_offheap_bytes(heap, GAIT_OFFHEAP_TAGS_MAX - 1), 7);
    gait_offheap_free(heap, block);
    gait_heap_destroy(heap);
}

/* ---- Backends ---- */

Test(offheap, a_backend_is_chosen_before_the_first_block) {
    gait_heap *heap = heap_of(GAIT_OFFHEAP_LIBC);
    cr_assert_eq(gait_offheap_use(heap, GAIT_OFFHEAP_LIBC), 0);
    cr_assert_eq(gait_offheap_use(heap, GAIT_OFFHEAP_DEFAULT), 0);
    cr_assert_eq(gait_offheap_use(heap, 3), GAIT_E_INVALID);
    cr_assert_eq(gait_offheap_use(heap, -1), GAIT_E_INVALID);
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    cr_assert_eq(gait_offheap_use(heap, GAIT_OFFHEAP_JEMALLOC), GAIT_E_FULL);
#else
    cr_assert_eq(gait_offheap_use(heap, GAIT_OFFHEAP_JEMALLOC), GAIT_E_INVALID);
#endif
    gait_heap_destroy(heap);
}

static int default_backend(const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    int backend = gait_offheap_backend(heap);
    gait_heap_destroy(heap);
    return backend;
}

Test(offheap, the_default_is_jemalloc_unless_a_setting_says_libc) {
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    cr_assert_eq(default_backend(""), GAIT_OFFHEAP_JEMALLOC);
#endif
    cr_assert_eq(default_backend("offheaplibc=1"), GAIT_OFFHEAP_LIBC);
}

static void heaps_are_apart(int backend) {
    for (int round = 0; round < 40; round++) {
        gait_heap *heap = heap_of(backend), *other = heap_of(backend);
        char *mine[100];
        for (int i = 0; i < 100; i++) {
            mine[i] = gait_offheap_calloc(heap, 1, 1000, 0);
            cr_assert_not_null(gait_offheap_calloc(other, 1, 1000, 0));
            mine[i][999] = (char)i;
        }
        gait_heap_destroy(other); /* with its live blocks */
        for (int i = 0; i < 100; i++)
            cr_assert_eq(mine[i][999], i);
        cr_assert_eq(gait_offheap_bytes(heap, 0), 100000);
        gait_heap_destroy(heap);
    }
}
Test(offheap, heaps_go_with_their_blocks) { each_backend(heaps_are_apart); }

/* ---- Out of memory ---- */

static int asked;

static bool free_it(gait_mutator *mutator, size_t bytes, void *data) {
    (void)mutator;
    cr_assert_eq(bytes, 100);
    if (++asked == 1)
        return true;
    backend_fail(SIZE_MAX, 0);
    *(bool *)data = true;
    return true;
}

static void memory_runs_out(int backend) {
    gait_heap *heap = heap_of(backend);
    backend_fail(0, 1);
    cr_assert_null(gait_offheap_calloc(heap, 1, 100, 0)); /* not attached: at once */
    gait_mutator *mutator = gait_attach(heap);
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_null(gait_offheap_calloc(heap, 1, 100, 0));
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.forced_cycles, 1);
    gait_enter_native(mutator);
    cr_assert_null(gait_offheap_calloc(heap, 1, 100, 0));
    gait_leave_native(mutator);
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.forced_cycles, 1);
    bool freed = false;
    asked = 0;
    gait_set_oom_handler(heap, free_it, &freed);
    char *block = gait_offheap_calloc(heap, 1, 100, 0);
    cr_assert(block && freed && asked == 2);
    gait_set_oom_handler(heap, NULL, NULL);
    strcpy(block, "whole");
    backend_fail(0, 1);
    cr_assert_null(gait_offheap_realloc(heap, block, 1, 1000, 0));
    cr_assert_str_eq(block, "whole");
    cr_assert_eq(gait_offheap_bytes(heap, 0), 100);
    cr_assert_null(gait_offheap_allocator_new(heap, 0));
    backend_fail(1, 0); /* the first time; not after the collection */
    cr_assert_not_null(gait_offheap_calloc(heap, 1, 1, 0));
    cr_assert_not_null(gait_offheap_calloc(heap, 1, 1, 0));
    backend_fail(SIZE_MAX, 0);
    gait_heap_destroy(heap);
}
Test(offheap, out_of_memory_collects_then_asks_then_gives_up) { each_backend(memory_runs_out); }

/* ---- Owners ---- */

static void objects_own(int backend) {
    gait_heap *heap = heap_of(backend);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_handle *handle = gait_handle_new(mutator, 0);
    void *object = gait_alloc(mutator, (gait_kind)leaf, 32);
    gait_handle_set(mutator, handle, (gait_word)object);
    void *block = gait_offheap_calloc(heap, 1, 1000, 0);
    void *other = gait_offheap_calloc(heap, 1, 10, 0);
    cr_assert_eq(gait_offheap_own(mutator, object, block), 0);
    cr_assert_eq(gait_offheap_own(mutator, object, block), GAIT_E_INVALID);
    cr_assert_eq(gait_offheap_own(mutator, (void *)8, other), GAIT_E_INVALID);
    cr_assert_eq(gait_offheap_disown(mutator, object, other), GAIT_E_MISSING);
    cr_assert_eq(gait_offheap_disown(mutator, object, block), 0);
    cr_assert_eq(gait_offheap_own(mutator, object, block), 0);
    cr_assert_eq(gait_offheap_own(mutator, object, other), 0);
    cr_assert_eq(gait_offheap_disown(mutator, object, other), 0);
    gait_offheap_free(heap, other);
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    cr_assert_eq(gait_offheap_bytes(heap, 0), 1000);
    gait_handle_set(mutator, handle, 0);
    gait_collect(mutator);
    cr_assert_eq(gait_run_finalizers(mutator, SIZE_MAX), 1);
    cr_assert_eq(gait_offheap_bytes(heap, 0), 0);
    cr_assert_eq(gait_library_counted(heap), 0);
    gait_heap_destroy(heap);
}
Test(offheap, a_block_goes_with_the_object_that_owns_it) { each_backend(objects_own); }

/* A recording tells how much was taken, ever: a block that goes with its object was taken once. */
static void owned_blocks_are_taken_once(int backend) {
    gait_heap *heap = heap_of(backend);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    void *object = gait_alloc(mutator, (gait_kind)leaf, 32);
    cr_assert_eq(gait_offheap_own(mutator, object, gait_offheap_calloc(heap, 1, MIB, 0)), 0);
    gait_collect(mutator);
    cr_assert_eq(gait_run_finalizers(mutator, SIZE_MAX), 1);
    cr_assert_eq(offheap_added(&heap->space.offheap), MIB + 16);
    cr_assert_eq(foreign_added(&heap->space.foreign), MIB + 16);
    cr_assert(gait_library_counted(heap) == 0 && foreign_read(&heap->space.foreign) == 0);
    gait_heap_destroy(heap);
}
Test(offheap, an_owned_block_is_taken_once) { each_backend(owned_blocks_are_taken_once); }

static void do_nothing(gait_mutator *mutator, void *data) { (void)mutator, (void)data; }

/* What an object owns by a heap snapshot. */
static uint64_t owned_in_snapshot(gait_heap *heap, const void *object) {
    struct seen seen;
    struct stat about;
    gait_snapshot_options options;
    gait_snapshot_options_init(&options);
    options.format = GAIT_SNAPSHOT_COMPACT;
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    cr_assert_eq(gait_write_snapshot(heap, file, &options, NULL), 0);
    cr_assert_eq(fstat(file, &about), 0);
    char *bytes = malloc((size_t)about.st_size);
    cr_assert_eq(pread(file, bytes, (size_t)about.st_size, 0), about.st_size);
    seen_read(&seen, bytes, (size_t)about.st_size);
    cr_assert_null(seen.complaint, "%s", seen.complaint);
    size_t number = seen_find(&seen, object);
    cr_assert_neq(number, 0u);
    uint64_t owned = seen.nodes[number - 1].owned_bytes;
    seen_free(&seen);
    free(bytes);
    close(file);
    return owned;
}

static void owners_are_told_of_in_snapshots(int backend) {
    gait_heap *heap = heap_of(backend);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_handle *handle = gait_handle_new(mutator, 0);
    void *object = gait_alloc(mutator, (gait_kind)leaf, 32);
    gait_handle_set(mutator, handle, (gait_word)object);
    void *first = gait_offheap_calloc(heap, 1, 1000, 0);
    void *second = gait_offheap_calloc(heap, 1, 500, 0);
    cr_assert_eq(gait_cleanup_add(mutator, object, do_nothing, first), 0); /* another one */
    cr_assert_eq(owned_in_snapshot(heap, object), 0);
    cr_assert_eq(gait_offheap_own(mutator, object, first), 0);
    cr_assert_eq(gait_offheap_own(mutator, object, second), 0);
    cr_assert_eq(owned_in_snapshot(heap, object), 1500 + 2 * 16);
    cr_assert_eq(gait_offheap_disown(mutator, object, first), 0);
    cr_assert_eq(owned_in_snapshot(heap, object), 500 + 16);
    gait_offheap_free(heap, first);
    gait_handle_free(mutator, handle);
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    gait_heap_destroy(heap);
}

Test(offheap, owners_are_told_of_in_snapshots) { each_backend(owners_are_told_of_in_snapshots); }

static void roots_lie_in_blocks(int backend) {
    gait_heap *heap = heap_of(backend);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_word *block = gait_offheap_calloc(heap, 8, sizeof *block, 0);
    cr_assert_eq(gait_roots_add(mutator, &block[3], 1), 0);
    char *object = gait_alloc(mutator, (gait_kind)leaf, 64);
    strcpy(object, "kept");
    gait_store(mutator, &block[3], (gait_word)object);
    gait_collect(mutator);
    cr_assert_not_null(gait_object_base(heap, (void *)block[3]));
    cr_assert_str_eq((char *)block[3], "kept");
    cr_assert_eq(gait_roots_remove(mutator, &block[3]), 0);
    gait_collect(mutator);
    cr_assert_null(gait_object_base(heap, (void *)block[3]));
    gait_offheap_free(heap, block);
    gait_heap_destroy(heap);
}
Test(offheap, a_word_of_a_block_can_be_a_root) { each_backend(roots_lie_in_blocks); }

/* ---- Allocators ---- */

static void pieces_are_whole(int backend) {
    gait_heap *heap = heap_of(backend);
    int tag = gait_offheap_tag(heap, "pieces");
    gait_offheap_allocator *allocator = gait_offheap_allocator_new(heap, tag);
    for (int round = 0; round < 3; round++) {
        static unsigned char *pieces[3000];
        size_t sum = 0;
        for (size_t i = 0; i < 3000; i++) {
            size_t bytes = i % 97 == 0 ? 2000 * i : i % 300;
            pieces[i] = gait_offheap_allocator_take(allocator, bytes, 1);
            cr_assert_not_null(pieces[i]);
            cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
            cr_assert(is_all(pieces[i], bytes, 0), "piece %zu of round %d", i, round);
            memset(pieces[i], (int)(i % 251), bytes < 5000 ? bytes : 5000);
            sum += bytes ? (bytes + 15) / 16 * 16 : 16;
        }
        for (size_t i = 0; i < 3000; i++)
            cr_assert(is_all(pieces[i], i % 97 == 0 ? (i ? 5000 : 0) : i % 300, i % 251));
        cr_assert_eq(gait_offheap_allocator_bytes(allocator), sum);
        cr_assert(gait_offheap_bytes(heap, tag) >= sum);
        cr_assert_null(gait_offheap_allocator_take(allocator, SIZE_MAX, 2));
        gait_offheap_allocator_reset(allocator);
        cr_assert_eq(gait_offheap_allocator_bytes(allocator), 0);
        cr_assert(gait_offheap_blocks(heap, tag) <= 2);
    }
    gait_offheap_allocator_free(allocator);
    gait_offheap_allocator_free(NULL);
    cr_assert_eq(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL), 0);
    gait_heap_destroy(heap);
}
Test(offheap, an_allocator_gives_zeroed_pieces_and_takes_all_back) {
    each_backend(pieces_are_whole);
}

Test(offheap, a_small_allocator_is_reset_without_further_blocks) {
    gait_heap *heap = heap_of(GAIT_OFFHEAP_LIBC);
    gait_offheap_allocator *allocator = gait_offheap_allocator_new(heap, 0);
    for (int round = 0; round < 3; round++) {
        unsigned char *piece = gait_offheap_allocator_take(allocator, 10, 10);
        cr_assert(is_all(piece, 100, 0));
        memset(piece, 1, 112);
        gait_offheap_allocator_reset(allocator);
    }
    cr_assert_eq(gait_offheap_blocks(heap, 0), 1);
    gait_offheap_allocator_free(allocator);
    gait_heap_destroy(heap);
}

/* ---- The limit ---- */

static void limit_holds(int backend) {
    gait_heap *heap = heap_with(backend, "256MiB", "", NULL);
    gait_set_gogc(heap, GAIT_GOGC_OFF);
    gait_stats before = {.struct_bytes = sizeof before}, after = before;
    gait_read_stats(heap, &before);
    void *block = gait_offheap_calloc(heap, 100, MIB, 0);
    gait_read_stats(heap, &after);
    cr_assert(before.heap_goal_bytes - after.heap_goal_bytes >= 97 * MIB);
    cr_assert_eq(after.total_bytes - before.total_bytes, 100 * MIB + 16);
    gait_offheap_free(heap, block);
    gait_read_stats(heap, &after);
    cr_assert(after.heap_goal_bytes + MIB > before.heap_goal_bytes);
    gait_heap_destroy(heap);
}
Test(offheap, the_goal_shrinks_as_blocks_come) { each_backend(limit_holds); }

static void owned_blocks_ask_for_cycles(int backend) {
    gait_heap *heap = heap_with(backend, "64MiB", "", NULL);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    for (int i = 0; i < 500; i++) {
        void *object = gait_alloc(mutator, (gait_kind)leaf, 32);
        cr_assert_eq(gait_offheap_own(mutator, object, gait_offheap_calloc(heap, 1, MIB, 0)), 0);
        gait_run_finalizers(mutator, SIZE_MAX);
    }
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert(stats.cycles >= 8 && stats.forced_cycles == 0, "%zu cycles", (size_t)stats.cycles);
    cr_assert(stats.peak_total_bytes <= 66 * MIB, "%zu", (size_t)stats.peak_total_bytes);
    cr_assert_eq(stats.offheap_bytes, 0);
    cr_assert_eq(stats.foreign_bytes, gait_offheap_blocks(heap, 0) * (MIB + 16));
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    cr_assert_eq(gait_offheap_blocks(heap, 0), 0);
    gait_heap_destroy(heap);
}
Test(offheap, owned_blocks_stay_under_the_limit) { each_backend(owned_blocks_ask_for_cycles); }

/* ---- fork ---- */

static struct {
    gait_heap *heap;
    AO_t stops;
} churning;

/* One of them attached: it must come to a safepoint while its thread waits for nobody. */
static void *churn(void *attached) {
    gait_heap *heap = churning.heap;
    gait_mutator *mutator = attached ? gait_attach(heap) : NULL;
    while (!AO_load(&churning.stops)) {
        void *blocks[50];
        for (size_t i = 0; i < 50; i++)
            blocks[i] = gait_offheap_calloc(heap, 1, i * 100, 0);
        for (size_t i = 0; i < 50; i++)
            gait_offheap_free(heap, blocks[i]);
        if (mutator)
            gait_poll(mutator);
    }
    if (mutator)
        gait_detach(mutator);
    return NULL;
}

static void child_goes_on_with(int backend, const char *debug) {
    gait_heap *heap = heap_with(backend, "off", debug, tmpfile());
    char *block = gait_offheap_calloc(heap, 1, 100, 0);
    /* sanitizers don't keep their own locks over a fork of several threads */
    int count = UNDER_ASAN || UNDER_TSAN ? 0 : 3;
    pthread_t threads[3];
    churning.heap = heap;
    AO_store(&churning.stops, 0);
    for (int i = 0; i < count; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, churn, i == 0 ? heap : NULL), 0);
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            for (size_t j = 0; j < 100; j++)
                gait_offheap_free(heap, gait_offheap_calloc(heap, 1, 50 * j, 0));
            gait_offheap_tag(heap, "of the child");
            gait_offheap_free(heap, block);
            _exit(0);
        }
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    }
    AO_store(&churning.stops, 1);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    gait_offheap_free(heap, block);
    cr_assert_eq(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL), 0);
    gait_heap_destroy(heap);
}
static void child_goes_on(int backend) {
    child_goes_on_with(backend, "");
    child_goes_on_with(backend, "offheapleaks=2");
}
Test(offheap, the_child_of_a_fork_goes_on) { each_backend(child_goes_on); }

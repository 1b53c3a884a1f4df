/* SPDX-License-Identifier: MIT */
/* gait/library.h: states of libraries, what they count under the limit, fork, out of memory. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <gait/library.h>
#include <gait/stats.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/offheap.h"

#define MIB ((ptrdiff_t)1 << 20)

static int destroyed, prepared, in_parent, in_child;

static void on_destroy(gait_heap *heap, void *state) {
    (void)heap;
    destroyed += *(int *)state;
}
static void on_prepare(void) { prepared++; }
static void on_parent(void) { in_parent++; }
static void on_child(void) { in_child++; }

static const gait_library library = {.struct_bytes = sizeof library,
                                     .destroy = on_destroy,
                                     .fork_prepare = on_prepare,
                                     .fork_parent = on_parent,
                                     .fork_child = on_child};

static gait_heap *heap_with(const char *limit, const char *debug) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "100";
    config.memory_limit = limit;
    config.debug = debug;
    char error[256];
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    return heap;
}

static gait_stats stats_of(gait_heap *heap) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    return stats;
}

Test(library, a_state_is_set_once_and_goes_with_the_heap) {
    int id = gait_library_register(&library), one = 1, two = 2;
    cr_assert(id >= 0);
    cr_assert_eq(gait_library_register(&library), id);
    gait_heap *heap = heap_with("off", ""), *other = heap_with("off", "");
    cr_assert_null(gait_library_state(heap, id));
    cr_assert_eq(gait_library_set_state(heap, id, &one), &one);
    cr_assert_eq(gait_library_set_state(heap, id, &two), &one);
    cr_assert_null(gait_library_state(other, id));
    destroyed = 0;
    gait_heap_destroy(other);
    cr_assert_eq(destroyed, 0);
    gait_heap_destroy(heap);
    cr_assert_eq(destroyed, 1);
}

/* ---- A fork as a heap ends ---- */

static char folder[] = "/tmp/gait-ending-XXXXXX";
static int ending_status;

/* Does this process have a descriptor of the library's? */
static bool has_descriptors(void) {
    DIR *own = opendir("/proc/self/fd");
    const struct dirent *entry;
    bool has = false;
    while ((entry = readdir(own))) {
        char name[300], to[300];
        snprintf(name, sizeof name, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(name, to, sizeof to - 1);
        to[length < 0 ? 0 : length] = '\0';
        has |= strstr(to, folder) || strstr(to, "userfaultfd") || strstr(to, "pagemap");
    }
    closedir(own);
    return has;
}

/* The heap is not on the list of heaps any more, and not gone yet. */
static void fork_at_destroy(gait_heap *heap, void *state) {
    (void)heap, (void)state;
    cr_expect(has_descriptors());
    pid_t child = fork();
    if (child == 0)
        _exit(has_descriptors());
    cr_expect_eq(waitpid(child, &ending_status, 0), child);
}

static const gait_library ending = {.struct_bytes = sizeof ending, .destroy = fork_at_destroy};

/** A heap that ends during a fork is none of the child's, and its descriptors are closed there. */
Test(library, a_child_has_no_descriptor_of_a_heap_that_was_ending) {
    const char *const flavours[] = {"trace=%s/file", "pacerlog=%s/file", "arenalog=%s/file",
                                    "gcminor=10"};
    cr_assert_not_null(mkdtemp(folder));
    for (size_t i = 0; i < 4; i++) {
        char debug[100], error[256], path[100];
        snprintf(debug, sizeof debug, flavours[i], folder);
        gait_config config;
        gait_config_init(&config);
        config.debug = debug;
        config.flags = i == 3 ? GAIT_STOP_THE_WORLD : 0;
        gait_heap *heap = gait_heap_create(&config, error, sizeof error);
        cr_assert_not_null(heap, "%s", error);
        gait_mutator *mutator = gait_attach(heap);
        for (size_t cycles = 0; cycles < 3; cycles++)
            gait_collect(mutator);
        for (size_t looks = 0; looks < 5000 && !has_descriptors(); looks++)
            usleep(1000); /* the file is opened by a thread of its own */
        gait_detach(mutator);
        if (i == 3 && !has_descriptors()) { /* the kernel does not tell */
            gait_heap_destroy(heap);
            break;
        }
        int id = gait_library_register(&ending), state;
        cr_assert(id >= 0);
        cr_assert_eq(gait_library_set_state(heap, id, &state), &state);
        ending_status = -1;
        gait_heap_destroy(heap);
        cr_expect_eq(ending_status, 0, "%s", debug);
        snprintf(path, sizeof path, "%s/file", folder);
        unlink(path);
    }
    rmdir(folder);
}

Test(library, what_it_does_not_know_is_refused) {
    static const gait_library none = {.struct_bytes = 0};
    static struct {
        gait_library known;
        size_t newer;
    } newer = {{.struct_bytes = sizeof newer}, 1};
    cr_assert_eq(gait_library_register(&none), GAIT_E_INVALID);
    cr_assert_eq(gait_library_register(&newer.known), GAIT_E_INVALID);
    cr_assert_eq(gait_library_register(NULL), GAIT_E_INVALID);
}

Test(library, no_more_than_the_table_has_room_for) {
    static gait_library many[GAIT_LIBRARIES_MAX + 1];
    int known = 0;
    for (int i = 0; i <= GAIT_LIBRARIES_MAX; i++) {
        many[i].struct_bytes = sizeof many[i];
        int id = gait_library_register(&many[i]);
        cr_assert(id == GAIT_E_FULL || (id >= 0 && id < GAIT_LIBRARIES_MAX));
        known += id >= 0;
    }
    cr_assert(known <= GAIT_LIBRARIES_MAX);
    cr_assert_eq(gait_library_register(&many[GAIT_LIBRARIES_MAX]), GAIT_E_FULL);
}

Test(library, fork_calls_its_hooks) {
    cr_assert(gait_library_register(&library) >= 0);
    prepared = in_parent = in_child = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(prepared == 1 && in_child == 1 && in_parent == 0 ? 0 : 1);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert(prepared == 1 && in_parent == 1 && in_child == 0);
}

static void *count_much(void *heap) {
    for (int i = 0; i < 100000; i++)
        gait_library_count(heap, 24);
    for (int i = 0; i < 99999; i++)
        gait_library_count(heap, -24);
    return NULL;
}

Test(library, counts_of_many_threads_are_exact) {
    gait_heap *heap = heap_with("1GiB", "");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count_much, heap), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(gait_library_counted(heap), 4 * 24);
    gait_stats stats = stats_of(heap);
    cr_assert_eq(stats.total_bytes,
                 stats.span_bytes + stats.free_bytes + stats.metadata_bytes + 4 * 24);
    gait_heap_destroy(heap);
}

Test(library, the_goal_shrinks_at_once_as_counted_memory_grows) {
    gait_heap *heap = heap_with("256MiB", "");
    gait_set_gogc(heap, GAIT_GOGC_OFF);
    uint64_t before = stats_of(heap).heap_goal_bytes;
    gait_library_count(heap, 100 * MIB);
    uint64_t grown = stats_of(heap).heap_goal_bytes;
    /* less what the pacer keeps free below the limit: 3 % */
    cr_assert(before - grown >= 97 * MIB, "%zu, then %zu", (size_t)before, (size_t)grown);
    gait_library_count(heap, -100 * MIB);
    cr_assert(stats_of(heap).heap_goal_bytes > before - MIB);
    cr_assert_eq(gait_library_counted(heap), 0);
    gait_heap_destroy(heap);
}

Test(library, small_counts_reach_the_goal_within_the_slack) {
    gait_heap *heap = heap_with("256MiB", "");
    gait_set_gogc(heap, GAIT_GOGC_OFF);
    uint64_t before = stats_of(heap).heap_goal_bytes;
    for (int i = 0; i < 20000; i++)
        gait_library_count(heap, 1000);
    cr_assert(before - stats_of(heap).heap_goal_bytes >=
              (20000000 - OFFHEAP_STEP_BYTES) / 100 * 97);
    gait_heap_destroy(heap);
}

static bool say_yes_twice(gait_mutator *mutator, size_t bytes, void *data) {
    (void)mutator;
    cr_assert_eq(bytes, 12345);
    return ++*(int *)data <= 2;
}

Test(library, out_of_memory_collects_and_asks_the_handler) {
    gait_heap *heap = heap_with("off", "");
    gait_mutator *mutator = gait_attach(heap);
    int asked = 0;
    cr_assert(gait_out_of_memory(mutator, 12345, 0));
    cr_assert_eq(stats_of(heap).forced_cycles, 1);
    cr_assert(!gait_out_of_memory(mutator, 12345, 1)); /* no handler */
    gait_set_oom_handler(heap, say_yes_twice, &asked);
    unsigned failures = 0;
    while (gait_out_of_memory(mutator, 12345, failures))
        failures++;
    cr_assert_eq(failures, 3);
    cr_assert_eq(asked, 3);
    cr_assert_eq(stats_of(heap).forced_cycles, 4);
    gait_heap_destroy(heap);
}

Test(library, roots_in_a_block_are_found) {
    gait_heap *heap = heap_with("off", "");
    gait_mutator *mutator = gait_attach(heap);
    gait_word *block = calloc(4096, sizeof *block);
    cr_assert(!gait_has_roots_in(heap, block, 4096 * sizeof *block));
    cr_assert_eq(gait_roots_add(mutator, &block[7], 1), 0);
    cr_assert(gait_has_roots_in(heap, block, 4096 * sizeof *block));
    cr_assert(gait_has_roots_in(heap, &block[7], 8));
    cr_assert(!gait_has_roots_in(heap, &block[8], 8));
    cr_assert(!gait_has_roots_in(heap, block, 7 * sizeof *block));
    gait_roots_remove(mutator, &block[7]);
    cr_assert(!gait_has_roots_in(heap, block, 4096 * sizeof *block));
    cr_assert_eq(gait_roots_add_range(mutator, &block[100], 80, 0), 0);
    cr_assert(gait_has_roots_in(heap, &block[109], 8));
    cr_assert(!gait_has_roots_in(heap, &block[110], 8));
    gait_roots_remove_range(mutator, &block[100]);
    gait_heap_destroy(heap);
    free(block);
}

Test(library, debug_settings_are_read_by_name) {
    gait_heap *heap = heap_with("off", "offheapleaks=2,gcstress=70");
    cr_assert_eq(gait_debug_setting(heap, "offheapleaks"), 2);
    cr_assert_eq(gait_debug_setting(heap, "gcstress"), 70);
    cr_assert_eq(gait_debug_setting(heap, "offheapcheck"), 0);
    cr_assert_eq(gait_debug_setting(heap, "nothing"), 0);
    gait_heap_destroy(heap);
}

/* SPDX-License-Identifier: MIT */
/*
 * Roots, settings and figures; what has no effect says so once; guards of debugging objects.
 */
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#define GC_DEBUG
#include <gc/gc.h>

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

struct object {
    struct object *to;
    size_t number;
};

/* ---- Roots ---- */

static struct object **table; /* of malloc's: no root by itself */
static GC_hidden_pointer link_to;

static __attribute__((noinline)) void fill_table(void) {
    table[3] = GC_malloc(sizeof(struct object));
    table[3]->number = 9;
    link_to = GC_HIDE_POINTER(table[3]);
    GC_general_register_disappearing_link((void **)&link_to, table[3]);
}

static void test_roots(void) {
    table = calloc(8, sizeof *table);
    GC_add_roots(table, table + 8);
    fill_table();
    collect();
    CHECK(link_to && table[3]->number == 9);
    GC_remove_roots(table, table + 8);
    collect_all();
    CHECK(!link_to);
    GC_add_roots(table, table + 8);
    fill_table();
    GC_clear_roots();
    collect_all();
    CHECK(!link_to);
    free(table);
}

static struct object *excluded[4];

static __attribute__((noinline)) void fill_excluded(void) {
    excluded[1] = GC_malloc(sizeof(struct object));
    link_to = GC_HIDE_POINTER(excluded[1]);
    GC_general_register_disappearing_link((void **)&link_to, excluded[1]);
}

static void test_excluded(void) {
    fill_excluded();
    collect_all();
    CHECK(link_to);
    GC_exclude_static_roots(excluded, excluded + 4);
    collect_all();
    CHECK(!link_to);
    GC_clear_exclusion_table();
}

/* ---- Settings ---- */

static size_t starts, events[GC_EVENT_THREAD_UNSUSPENDED + 1];
static void count_start(void) { starts++; }
static void count_event(GC_EventType event) { events[event]++; }
static int always(void) { return 1; }

/* gc_mark.h is another test's. */
extern void GC_set_start_callback(void (*)(void));

static void test_collections(void) {
    GC_set_start_callback(count_start);
    GC_set_on_collection_event(count_event);
    GC_word before = GC_get_gc_no();
    GC_gcollect();
    CHECK(GC_get_gc_no() > before && starts > 0);
    CHECK(events[GC_EVENT_START] > 0 && events[GC_EVENT_END] == events[GC_EVENT_START]);
    before = GC_get_gc_no();
    GC_disable();
    GC_disable();
    GC_enable();
    CHECK(GC_is_disabled());
    for (int i = 0; i < 300; i++)
        CHECK(GC_malloc(100000));
    GC_gcollect();
    CHECK(GC_get_gc_no() == before);
    GC_enable();
    CHECK(!GC_is_disabled());
    for (int i = 0; i < 300; i++)
        CHECK(GC_malloc(100000));
    CHECK(GC_get_gc_no() > before);
    CHECK(GC_try_to_collect(always) == 0);
}

static void *no_memory(size_t bytes) { return (void *)(bytes | 1); }

static void test_memory(void) {
    volatile size_t most = (size_t)-1; /* the compiler would warn of it */
    GC_oom_func before = GC_get_oom_fn();
    CHECK(before(1) == NULL && GC_malloc(most >> 1) == NULL);
    GC_set_oom_fn(no_memory);
    CHECK(((GC_word)GC_malloc(most >> 2) & 1) == 1);
    CHECK(((GC_word)GC_malloc(most) & 1) == 1);
    GC_gcollect_and_unmap(); /* what is garbage now, or free, would make room */
    GC_set_max_heap_size(GC_get_heap_size() + 10000000);
    CHECK(((GC_word)GC_malloc(20000000) & 1) == 1);
    CHECK(((GC_word)GC_malloc(1000000) & 1) == 0);
    GC_set_max_heap_size(0);
    GC_set_oom_fn(before);
}

static void test_figures(void) {
    GC_word heap, free_now, unmapped, since, total;
    size_t before = GC_get_total_bytes();
    for (int i = 0; i < 1000; i++)
        CHECK(GC_malloc(1000));
    GC_get_heap_usage_safe(&heap, &free_now, &unmapped, &since, &total);
    CHECK(heap > 0 && total >= before + 1000000 - 100000);
    struct GC_prof_stats_s stats;
    CHECK(GC_get_prof_stats(&stats, sizeof stats) == sizeof stats);
    CHECK(stats.heapsize_full > 0 && stats.obtained_from_os_bytes >= stats.heapsize_full);
    CHECK(GC_expand_hp(1000000) == 1);
}

/* ---- Said once; guards ---- */

static char said[4000];

static void hear(void (*run)(void)) {
    int pipes[2];
    CHECK(pipe2(pipes, O_NONBLOCK) == 0);
    GC_set_log_fd(pipes[1]);
    run();
    GC_set_log_fd(2);
    ssize_t bytes = read(pipes[0], said, sizeof said - 1);
    said[bytes > 0 ? bytes : 0] = 0;
    close(pipes[0]);
    close(pipes[1]);
}

static void call_in_vain(void) {
    GC_set_full_freq(7);
    GC_set_full_freq(8);
    CHECK(GC_get_full_freq() == 8);
}

static void smash(void) {
    char *object = GC_MALLOC(10);
    object[10] = 1;
    GC_FREE(object);
}

static void free_twice(void) {
    static char *object; /* keeps it */
    object = GC_MALLOC_UNCOLLECTABLE(10);
    GC_FREE(object);
}

static void test_debugging(void) {
    hear(call_in_vain);
    const char *first = strstr(said, "GC_set_full_freq");
    CHECK(first && !strstr(first + 1, "GC_set_full_freq"));
    hear(smash);
    CHECK(strstr(said, "smashed") && strstr(said, "settings_test.c"));
    hear(free_twice);
    CHECK(said[0] == 0);
    char *object = GC_MALLOC(20);
    for (int i = 0; i < 20; i++)
        CHECK(object[i] == 0);
    object = GC_REALLOC(object, 2000);
    CHECK(strcmp(GC_STRDUP("text"), "text") == 0 && GC_base(object) != object);
    GC_FREE(object);
}

int main(void) {
    setenv("GAIT_DEBUG", "gccompat=1", 1);
    GC_INIT();
    test_roots();
    test_excluded();
    test_collections();
    test_memory();
    test_figures();
    test_debugging();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform and collect/written: which pages were written, where the kernel says.
 */
#include "instance.h"
#include "platform/fault.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <gait/gait.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 1500 }; /* more runs than one scan reports */

static char *memory;
static size_t page_bytes;
static struct platform_watch watch;
static unsigned char written[PAGES];

static void note(void *data, struct platform_range range) {
    cr_assert_eq(data, written);
    for (char *at = range.low; at < range.high; at += page_bytes)
        written[(size_t)(at - memory) / page_bytes]++;
}

typedef int look_fn(struct platform_watch *watch, const void *start, size_t bytes,
                    void (*seen)(void *data, struct platform_range range), void *data);

/** Look which pages were written. @return how many. */
static size_t look_by(look_fn *look) {
    size_t count = 0;
    memset(written, 0, sizeof written);
    cr_assert_eq(look(&watch, memory, PAGES * page_bytes, note, written), 0);
    for (size_t i = 0; i < PAGES; i++) {
        cr_assert_leq(written[i], 1, "page %zu was seen twice", i);
        count += written[i];
    }
    return count;
}

static size_t look(void) { return look_by(platform_written); }

static char *page(size_t i) { return memory + i * page_bytes; }

static int watch_all(void) {
    struct platform_range all = {memory, memory + PAGES * page_bytes};
    return platform_watch(&watch, &all, 1);
}

/** Memory that is watched, of which the first half was written before. */
static void begin(void) {
    page_bytes = platform_page_bytes();
    memory = platform_reserve(2 * PAGES * page_bytes, page_bytes);
    cr_assert_not_null(memory);
    if (platform_watch_open(&watch, memory, 2 * PAGES * page_bytes) < 0)
        cr_skip_test("the kernel does not tell");
    cr_assert_eq(platform_commit(memory, PAGES * page_bytes), 0);
    memset(memory, 1, PAGES / 2 * page_bytes);
    cr_assert_eq(watch_all(), 0);
}

static void end(void) {
    platform_watch_close(&watch);
    platform_unreserve(memory, 2 * PAGES * page_bytes);
}

Test(watch, tells_of_what_was_written_once) {
    begin();
    cr_assert_eq(look(), 0);
    for (size_t i = 0; i < PAGES; i += 2) /* also where nothing was before */
        *page(i) = 2;
    cr_assert_eq(look(), PAGES / 2);
    cr_assert(written[0] && !written[1] && written[PAGES - 2]);
    cr_assert_eq(look(), 0);
    *page(2) = 3;
    *page(3) = 3;
    cr_assert_eq(look(), 2);
    cr_assert(written[2] && written[3]);
    end();
}

Test(watch, sees_what_the_kernel_writes) {
    begin();
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert_eq(read(ends[0], page(7), 1), 1);
    cr_assert_eq(look(), 1);
    cr_assert(written[7]);
    end();
}

Test(watch, reads_are_not_told) {
    begin();
    volatile char sum = 0;
    for (size_t i = 0; i < PAGES / 2; i++)
        sum = (char)(sum + *page(i));
    cr_assert_eq(look(), 0);
    end();
}

Test(watch, pages_that_went_back_and_came_again_are_told) {
    begin();
    cr_assert_eq(platform_release(page(10), 10 * page_bytes), 0);
    *page(11) = 1;
    look();
    cr_assert(written[11]);
    end();
}

Test(watch, a_range_may_grow) {
    begin();
    cr_assert_eq(platform_commit(page(PAGES), PAGES * page_bytes), 0);
    *page(PAGES) = 1;
    memset(written, 0, sizeof written);
    char *first = memory;
    memory = page(PAGES);
    cr_assert_eq(platform_written(&watch, memory, PAGES * page_bytes, note, written), 0);
    cr_assert(written[0]); /* pages that were never there may count, too: once */
    cr_assert_eq(look(), 0);
    memory = first;
    end();
}

Test(watch, no_more_is_told_after_the_end) {
    begin();
    platform_unwatch(&watch, memory, PAGES * page_bytes);
    cr_assert_eq(watch_all(), 0, "and again");
    *page(5) = 1;
    cr_assert_eq(look(), 1);
    end();
}

Test(watch, what_was_written_so_far_is_seen_again) {
    begin();
    *page(3) = 1;
    *page(PAGES - 1) = 1;
    cr_assert_eq(look_by(platform_written_so_far), 2);
    *page(4) = 1;
    cr_assert_eq(look_by(platform_written_so_far), 3);
    cr_assert_eq(look(), 3);
    cr_assert_eq(look_by(platform_written_so_far), 0);
    for (size_t i = 0; i < PAGES; i += 2)
        *page(i) = 1;
    cr_assert_eq(look_by(platform_written_so_far), PAGES / 2);
    end();
}

Test(watch, ranges_are_watched_and_no_others) {
    begin();
    platform_unwatch(&watch, memory, PAGES * page_bytes);
    struct platform_range some[] = {{page(2), page(4)}, {page(7), page(8)}};
    cr_assert_eq(platform_watch(&watch, some, 2), 0);
    memset(memory, 2, 10 * page_bytes);
    cr_assert_eq(platform_watch(&watch, some, 2), 0);
    *page(2) = *page(5) = 3;
    look_by(platform_written_so_far);
    const unsigned char expected[] = {1, 1, 1, 0, 1, 1, 1, 0, 1, 1};
    cr_assert_arr_eq(written, expected, sizeof expected);
    end();
}

Test(watch, its_numbers_are_high_ones) {
    begin();
    cr_assert_geq(watch.faults.number, 48);
    cr_assert_geq(watch.pages.number, 48);
    end();
}

static void *open_in_thread(void *first) {
    pthread_join(*(pthread_t *)first, NULL);
    int result = platform_watch_open(&watch, memory, PAGES * page_bytes) == 0 && watch_all() == 0;
    *page(7) = 1;
    exit(result && look() == 1 ? 0 : 1);
}

/** By its own entry a process has no memory any more when its first thread has ended. */
Test(watch, the_first_thread_may_have_ended) {
    begin();
    pid_t child = fork();
    if (child == 0) {
        static pthread_t first;
        pthread_t thread;
        platform_watch_close(&watch);
        first = pthread_self();
        if (pthread_create(&thread, NULL, open_in_thread, &first) != 0)
            exit(2);
        pthread_exit(NULL);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    end();
}

/** Many heaps leave a process most of its descriptors. */
Test(watch, a_quarter_of_the_descriptors_is_taken_at_most) {
    begin();
    enum { ALLOWED = 240, MOST = ALLOWED };
    struct rlimit limit, few;
    struct platform_watch more[MOST];
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = ALLOWED;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    size_t count = 0;
    char *other[MOST];
    do {
        other[count] = platform_reserve(page_bytes, page_bytes);
        cr_assert_not_null(other[count]);
    } while (platform_watch_open(&more[count], other[count], page_bytes) == 0 && ++count < MOST);
    cr_expect_eq(count, ALLOWED / 4 / 2 - 1);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    platform_unreserve(other[count], page_bytes);
    while (count-- > 0) {
        platform_watch_close(&more[count]);
        platform_unreserve(other[count], page_bytes);
    }
    end();
}

Test(watch, a_child_has_none) {
    begin();
    pid_t child = fork();
    if (child == 0) {
        bool refused = watch_all() < 0 &&
                       platform_written(&watch, memory, PAGES * page_bytes, note, written) < 0;
        int again = platform_watch_open(&watch, memory, 2 * PAGES * page_bytes);
        _exit(refused && again >= 0 && watch_all() == 0 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    *page(3) = 1;
    cr_assert_eq(look(), 1, "the parent's goes on");
    end();
}

Test(watch, who_closes_it_is_refused) {
    begin();
    close(watch.faults.number);
    cr_assert_lt(watch_all(), 0);
    cr_assert_lt(platform_written(&watch, memory, PAGES * page_bytes, note, written), 0);
    cr_assert_eq(platform_watch_open(&watch, memory, 2 * PAGES * page_bytes), 0);
    end();
}

Test(watch, low_numbers_are_left_to_the_program) {
    begin();
    int low = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(low);
    for (size_t i = 0; i < 3; i++) {
        struct rlimit limit, none;
        cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        none = limit;
        none.rlim_cur = 0; /* a look opens nothing */
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        size_t count = look();
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        cr_assert_eq(count, i > 0);
        *page(i) = 1;
    }
    close(watch.pages.number);
    cr_assert_eq(look(), 1, "it is opened again");
    cr_assert_geq(watch.pages.number, 48);
    end();
}

/** Another file gets the number of the watch. */
static void take_number(void) {
    int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(dup2(other, watch.faults.number), watch.faults.number);
    close(other);
}

Test(watch, another_file_with_its_number_is_left_alone) {
    begin();
    int number = watch.faults.number;
    take_number();
    platform_unwatch(&watch, memory, PAGES * page_bytes);
    platform_watch_close(&watch);
    cr_assert_neq(fcntl(number, F_GETFD), -1, "it was closed");
    cr_assert_lt(watch.faults.number, 0);
    close(number);
    platform_unreserve(memory, 2 * PAGES * page_bytes);
}

/* ---- In a heap ---- */

static gait_heap *heap_watched(FILE *log) {
    gait_config config;
    gait_config_init(&config);
    config.flags = GAIT_STOP_THE_WORLD;
    config.debug = "gcdirty=1";
    config.log = log;
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    if (!heap->watches)
        cr_skip_test("the kernel does not tell");
    return heap;
}

/** Run a cycle. @return whether it ran beside the program. */
static bool cycle(gait_heap *heap) {
    gait_mutator *mutator = gait_attach(heap);
    cr_assert_not_null(gait_alloc(mutator, 0, 64));
    gait_collect(mutator);
    gait_detach(mutator);
    return !heap->cycle.record.stopped;
}

static void kind_leaf(gait_heap *heap) {
    gait_kind_info info = {.name = "leaf", .layout = GAIT_LEAF};
    cr_assert_eq(gait_kind_register(heap, &info), 0);
}

Test(watch, a_cycle_without_descriptors_is_one) {
    char *text;
    size_t text_bytes;
    FILE *log = open_memstream(&text, &text_bytes);
    gait_heap *heap = heap_watched(log);
    kind_leaf(heap);
    cr_assert(cycle(heap));
    int number = heap->written.watch.faults.number;
    struct rlimit limit, none;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    for (size_t i = 0; i < 2; i++) {
        close(heap->written.watch.pages.number);
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        bool beside = cycle(heap);
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        cr_assert_not(beside);
        cr_assert(cycle(heap), "it was lost for good");
        cr_assert_eq(heap->written.watch.faults.number, number);
    }
    gait_heap_destroy(heap);
    cr_assert_eq(fcntl(number, F_GETFD), -1, "it is open still");
    fclose(log);
    const char *told = strstr(text, "can't be watched now");
    cr_assert_not_null(told);
    cr_assert_null(strstr(told + 1, "can't be watched now"), "told twice");
    free(text);
}

Test(watch, a_heap_whose_descriptor_was_closed_takes_another) {
    gait_heap *heap = heap_watched(stderr);
    kind_leaf(heap);
    watch = heap->written.watch;
    take_number();
    cr_assert(cycle(heap));
    cr_assert_neq(heap->written.watch.faults.number, watch.faults.number);
    cr_assert_neq(fcntl(watch.faults.number, F_GETFD), -1, "it is the program's");
    gait_heap_destroy(heap);
    cr_assert_neq(fcntl(watch.faults.number, F_GETFD), -1, "it is the program's");
    close(watch.faults.number);
}

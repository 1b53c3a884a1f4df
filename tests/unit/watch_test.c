/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: which pages were written, where the kernel tells.
 */
#include "platform/fault.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 1500 }; /* more runs than one scan reports */

static char *memory;
static size_t page_bytes;
static int watch;
static unsigned char written[PAGES];

static void note(void *data, struct platform_range range) {
    cr_assert_eq(data, written);
    for (char *at = range.low; at < range.high; at += page_bytes)
        written[(size_t)(at - memory) / page_bytes]++;
}

/** Look which pages were written. @return how many. */
static size_t look(void) {
    size_t count = 0;
    memset(written, 0, sizeof written);
    cr_assert_eq(platform_written(memory, PAGES * page_bytes, note, written), 0);
    for (size_t i = 0; i < PAGES; i++) {
        cr_assert_leq(written[i], 1, "page %zu was seen twice", i);
        count += written[i];
    }
    return count;
}

static char *page(size_t i) { return memory + i * page_bytes; }

/** Memory that is watched, of which the first half was written before. */
static void begin(void) {
    page_bytes = platform_page_bytes();
    memory = platform_reserve(2 * PAGES * page_bytes, page_bytes);
    cr_assert_not_null(memory);
    watch = platform_watch_open(memory, 2 * PAGES * page_bytes);
    if (watch < 0)
        cr_skip_test("the kernel does not tell");
    cr_assert_eq(platform_commit(memory, PAGES * page_bytes), 0);
    memset(memory, 1, PAGES / 2 * page_bytes);
    cr_assert_eq(platform_watch(memory, PAGES * page_bytes), 0);
}

static void end(void) {
    platform_watch_close(watch);
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
    cr_assert_eq(platform_written(memory, PAGES * page_bytes, note, written), 0);
    cr_assert(written[0]); /* pages that were never there may count, too: once */
    cr_assert_eq(look(), 0);
    memory = first;
    end();
}

Test(watch, no_more_is_told_after_the_end) {
    begin();
    platform_unwatch(watch, memory, PAGES * page_bytes);
    cr_assert_eq(platform_watch(memory, PAGES * page_bytes), 0, "and again");
    *page(5) = 1;
    cr_assert_eq(look(), 1);
    end();
}

Test(watch, a_child_has_none) {
    begin();
    pid_t child = fork();
    if (child == 0) {
        bool refused = platform_watch(memory, PAGES * page_bytes) < 0 &&
                       platform_written(memory, PAGES * page_bytes, note, written) < 0;
        int again = platform_watch_open(memory, 2 * PAGES * page_bytes);
        _exit(refused && again >= 0 && platform_watch(memory, PAGES * page_bytes) == 0 ? 0 : 1);
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
    close(watch);
    cr_assert_lt(platform_watch(memory, PAGES * page_bytes), 0);
    cr_assert_lt(platform_written(memory, PAGES * page_bytes, note, written), 0);
    watch = platform_watch_open(memory, 2 * PAGES * page_bytes);
    cr_assert_geq(watch, 0);
    end();
}

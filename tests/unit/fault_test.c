/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: calls that are made to fail, and the line that ends a process. Each test runs
 * in a process of its own, so the faults that it arms end with it.
 */
#include "emulated.h"
#include "platform/fault.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void do_nothing(void *unused) { (void)unused; }
static void no_handler(void) {}

/** Call every function that can be made to fail, in the order of sites. @return mask of failures.
 */
static uint32_t call_all(void) {
    size_t bytes = platform_page_bytes();
    uint32_t failed = 0;
    void *kept = platform_map(bytes);
    if (!kept)
        failed |= FAULT_MASK(FAULT_MAP);

    void *start = platform_reserve(bytes, bytes);
    if (!start) {
        failed |= FAULT_MASK(FAULT_RESERVE);
    } else {
        if (platform_commit(start, bytes) < 0)
            failed |= FAULT_MASK(FAULT_COMMIT);
        if (platform_release(start, bytes) < 0)
            failed |= FAULT_MASK(FAULT_RELEASE);
        if (platform_bind(start, bytes, 0) < 0)
            failed |= FAULT_MASK(FAULT_BIND);
        if (platform_protect(start, bytes) < 0)
            failed |= FAULT_MASK(FAULT_PROTECT);
        size_t failures = fault_failures();
        struct platform_watch watch;
        if (platform_watch_open(&watch, start, bytes) == 0)
            platform_watch_close(&watch);
        else if (fault_failures() > failures) /* else the kernel can't */
            failed |= FAULT_MASK(FAULT_WATCH);
        platform_unreserve(start, bytes);
    }
    if (kept)
        platform_unreserve(kept, bytes);

    struct platform_thread thread;
    if (platform_thread_start(&thread, do_nothing, NULL, "idle") < 0)
        failed |= FAULT_MASK(FAULT_THREAD);
    else
        platform_thread_join(&thread);
    void *stack_low, *stack_high;
    if (platform_stack_bounds(&stack_low, &stack_high) < 0)
        failed |= FAULT_MASK(FAULT_STACK);
    platform_key own;
    if (platform_key_create(&own, NULL) < 0) {
        failed |= FAULT_MASK(FAULT_KEY_CREATE);
    } else {
        if (platform_key_set(&own, &own) < 0)
            failed |= FAULT_MASK(FAULT_KEY_SET);
        cr_assert_eq(platform_key_set(&own, NULL), 0);
        platform_key_delete(&own);
    }
    int ends[2];
    char byte = 1;
    size_t done;
    cr_assert_eq(pipe(ends), 0);
    if (platform_descriptor_write(ends[1], &byte, 1) < 0) {
        failed |= FAULT_MASK(FAULT_WRITE);
        cr_assert_eq(write(ends[1], &byte, 1), 1);
    }
    if (platform_descriptor_read(ends[0], &byte, 1, &done) < 0)
        failed |= FAULT_MASK(FAULT_READ);
    close(ends[0]);
    close(ends[1]);
    if (platform_at_fork(no_handler, no_handler, no_handler) < 0)
        failed |= FAULT_MASK(FAULT_FORK);
    return failed;
}

Test(fault, each_site_fails_alone) {
    cr_assert_eq(call_all(), 0);
    for (unsigned site = 0; site < FAULT_SITE_COUNT; site++) {
        fault_arm(FAULT_MASK(site), 0, 1);
        uint32_t failed = call_all();
        cr_expect_eq(failed, FAULT_MASK(site), "site %u: %x", site, failed);
        cr_expect_eq(fault_failures(), 1, "site %u", site);
    }
    fault_disarm();
    cr_assert_eq(call_all(), 0);
    cr_assert_eq(fault_failures(), 1);
}

/** Map and free `calls` pages. @return bit i: call i failed. */
static unsigned map_pages(int calls) {
    unsigned failed = 0;
    for (int i = 0; i < calls; i++) {
        void *page = platform_map(platform_page_bytes());
        if (page)
            platform_unreserve(page, platform_page_bytes());
        else
            failed |= 1u << i;
    }
    return failed;
}

Test(fault, after_and_every) {
    fault_arm(FAULT_MASK(FAULT_MAP), 3, 2);
    cr_assert_eq(map_pages(9), 0x0a8u);
    cr_assert_eq(fault_failures(), 3);
    fault_arm(FAULT_MASK_ALL, 2, 0);
    cr_assert_eq(map_pages(9), 1u << 2);
    fault_arm(FAULT_MASK(FAULT_COMMIT), 0, 1);
    cr_assert_eq(map_pages(9), 0);
}

Test(fault, text_arms_or_is_refused) {
    static const char *const refused[] = {
        "",         "map",     "map:0",    "map:0:",   ":0:1",     "map+:0:1",
        "mop:0:1",  "map:x:1", "map:0:1x", "map:-1:1", "+map:0:1", "map:0:1:",
        "map: 0:1", "ma:0:1",  "MAP:0:1",  "map:0: 1", "map;0;1",  "map:99999999999999999999:1",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        cr_expect_eq(fault_arm_text(refused[i]), -1, "\"%s\"", refused[i]);
        cr_expect_eq(map_pages(1), 0);
    }
    cr_assert_eq(fault_arm_text("commit+map:1:2"), 0);
    cr_assert_eq(map_pages(4), 0xau);
    cr_assert_eq(fault_arm_text("all:0:1"), 0);
    cr_assert_eq(map_pages(2), 3);
    cr_assert_eq(fault_arm_text("keyset:0:1"), 0);
    cr_assert_eq(map_pages(2), 0);
}

Test(fatal, an_unread_stderr_holds_nobody, .timeout = 30) {
    if (is_emulated())
        return;
    int ends[2];
    char page[4096] = {0};
    cr_assert_eq(pipe(ends), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], page, sizeof page) > 0)
        ;
    fcntl(ends[1], F_SETFL, 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        platform_fatal("gait_call: nobody reads");
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close(ends[0]);
    close(ends[1]);
}

Test(fatal, one_line_and_abort, .timeout = 30) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        char text[1000];
        memset(text, 'x', sizeof text);
        text[sizeof text - 1] = '\0';
        platform_fatal("gait_call: %d %s", 42, text);
    }
    close(ends[1]);
    char output[2000];
    size_t length = 0;
    ssize_t count;
    while ((count = read(ends[0], output + length, sizeof output - length)) > 0)
        length += (size_t)count;
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    cr_assert_eq(strncmp(output, "gait: gait_call: 42 xxx", 23), 0);
    /* An emulator may add a line of its own. */
    cr_assert_eq(memchr(output, '\n', length), output + 510);
}

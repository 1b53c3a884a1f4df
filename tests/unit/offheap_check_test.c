/* SPDX-License-Identifier: MIT */
/* GAIT_DEBUG=offheapcheck, offheapleaks: what is caught, and what the lines say. */
#include <criterion/criterion.h>
#include <gait/library.h>
#include <gait/offheap.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static gait_heap *heap_with(const char *debug, FILE *log) {
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    config.log = log;
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    return heap;
}

/* ---- Faults, each in a process of its own ---- */

static gait_heap *heap; /* of the child */
static int tag;

enum { ABORTED = 86 };

/** Ends the child in silence: of a signal that ends it an emulator would write a line too. */
static void on_abort(int signal) {
    (void)signal;
    _exit(ABORTED);
}

/** The line that a child writes before it aborts. */
static const char *line_of(const char *debug, void (*fault)(void)) {
    static char text[1024];
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        signal(SIGABRT, on_abort);
        heap = heap_with(debug, NULL);
        tag = gait_offheap_tag(heap, "index pages");
        fault();
        gait_heap_destroy(heap);
        _exit(0);
    }
    close(pipes[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(pipes[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = 0;
    close(pipes[0]);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == ABORTED, "status %x: %s",
              (unsigned)status, text);
    cr_assert_eq(strchr(text, '\n'), text + length - 1, "%s", text);
    return text;
}

#define EXPECT_LINE(debug, fault, ...)                                                             \
    do {                                                                                           \
        const char *const parts[] = {__VA_ARGS__};                                                 \
        const char *text = line_of(debug, fault);                                                  \
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)                                \
            cr_assert_not_null(strstr(text, parts[i]), "%s: no \"%s\"", text, parts[i]);           \
    } while (0)

static void free_twice(void) {
    void *block = gait_offheap_calloc(heap, 1, 100, tag);
    gait_offheap_free(heap, block);
    gait_offheap_free(heap, block);
}

static void free_foreign(void) {
    gait_offheap_calloc(heap, 1, 100, tag);
    static char memory[64];
    gait_offheap_free(heap, memory + 32);
}

static void free_inside(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    gait_offheap_free(heap, block + 32);
}

static void free_of_another_heap(void) {
    gait_heap *other = heap_with("offheapcheck=1", NULL);
    gait_offheap_calloc(other, 1, 1, 0);
    gait_offheap_free(other, gait_offheap_calloc(heap, 1, 100, tag));
}

static void write_past_end(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    block[100] = 1;
    gait_offheap_free(heap, block);
}

static void write_past_end_and_resize(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    block[115] = 1;
    gait_offheap_realloc(heap, block, 1, 200, tag);
}

static void write_past_end_and_check(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    block[100] = 1;
    gait_offheap_check(heap);
}

static void write_past_end_and_destroy(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    block[100] = 1;
}

static void write_before_start(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    block[-1] ^= 1; /* of the seal, which goes by the block's address: it may be any byte */
    gait_offheap_free(heap, block);
}

static void write_far_before_start(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    block[-20] = 1;
    gait_offheap_free(heap, block);
}

static void write_after_free(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    gait_offheap_free(heap, block);
    block[50] = 1;
    for (int i = 0; i < 10000; i++)
        gait_offheap_free(heap, gait_offheap_calloc(heap, 1, 100, 0));
}

static void free_after_resize(void) {
    char *block = gait_offheap_calloc(heap, 1, 100, tag);
    gait_offheap_realloc(heap, block, 1, 200, tag);
    gait_offheap_free(heap, block);
}

Test(offheap_check, misuse_is_told) {
    const char *check = "offheapcheck=1";
    EXPECT_LINE(check, free_twice, "gait: gait_offheap_free: ", "tag \"index pages\", 100 bytes",
                "was freed before", "; allocated by ");
    EXPECT_LINE(check, free_foreign, "is no off-heap block of this heap");
    EXPECT_LINE(check, free_inside, "is no off-heap block of this heap");
    EXPECT_LINE(check, free_of_another_heap, "is no off-heap block of this heap");
    EXPECT_LINE(check, write_past_end, "gait_offheap_free: ", "index pages",
                "was written past its end; allocated by ");
    EXPECT_LINE(check, write_past_end_and_resize,
                "gait_offheap_realloc: ", "was written past its end");
    EXPECT_LINE(check, write_past_end_and_check, "was written past its end");
    EXPECT_LINE(check, write_past_end_and_destroy, "was written past its end");
    EXPECT_LINE(check, write_before_start, "was written before its start");
    EXPECT_LINE(check, write_far_before_start, "was written before its start");
    EXPECT_LINE(check, write_after_free, "was written to after its free");
    EXPECT_LINE(check, free_after_resize, "was freed before");
}

static void free_owned(void) {
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    void *object = gait_alloc(mutator, (gait_kind)leaf, 32);
    void *block = gait_offheap_calloc(heap, 1, 100, tag);
    if (gait_offheap_own(mutator, object, block) == 0)
        gait_offheap_free(heap, block);
}

static void free_root_slot(void) {
    gait_mutator *mutator = gait_attach(heap);
    gait_word *block = gait_offheap_calloc(heap, 100, sizeof *block, tag);
    gait_roots_add(mutator, &block[99], 1);
    gait_offheap_free(heap, block);
}

static void use_no_tag(void) { gait_offheap_calloc(heap, 1, 1, 99); }

Test(offheap_check, what_is_bound_is_not_freed) {
    EXPECT_LINE("", free_owned, "gait_offheap_free: ", "has an owner");
    EXPECT_LINE("offheapcheck=1", free_root_slot, "holds a root slot");
    EXPECT_LINE("", use_no_tag, "gait_offheap_calloc: 99 is no tag of this heap");
}

/* The words before a block show it, as long as nobody has the memory anew. */
#ifndef __SANITIZE_ADDRESS__
Test(offheap_check, much_of_it_is_seen_without_checks) {
    EXPECT_LINE("", free_foreign, "is no off-heap block");
    EXPECT_LINE("", free_inside, "is no off-heap block");
    EXPECT_LINE("", write_before_start, "written to before its start");
}
#endif

/* ---- Leaks ---- */

static char log_text[65536];

/** What a heap writes until it is gone. */
static const char *log_of(const char *debug, void (*run)(void)) {
    FILE *log = tmpfile();
    heap = heap_with(debug, log);
    tag = gait_offheap_tag(heap, "index pages");
    run();
    gait_heap_destroy(heap);
    rewind(log);
    log_text[fread(log_text, 1, sizeof log_text - 1, log)] = 0;
    fclose(log);
    return log_text;
}

static void leak_some(void) {
    for (volatile int i = 0; i < 3; i++) /* one call, whatever the compiler does to loops */
        gait_offheap_calloc(heap, 10, 10, tag);
    gait_offheap_free(heap, gait_offheap_calloc(heap, 1, 10, 0));
    gait_offheap_realloc(heap, gait_offheap_calloc(heap, 1, 10, 0), 1, 77, 0);
}

static void leak_none(void) {
    void *block = gait_offheap_calloc(heap, 1, 5 << 20, tag);
    block = gait_offheap_realloc(heap, block, 1, 6 << 20, tag);
    gait_offheap_free(heap, block);
}

static void write_twice(void) {
    leak_some();
    cr_assert_eq(gait_offheap_write_leaks(heap), 4);
}

static size_t count(const char *text, const char *part) {
    size_t found = 0;
    for (; (text = strstr(text, part)); text++)
        found++;
    return found;
}

Test(offheap_check, leaks_are_written_as_the_heap_goes) {
    const char *text = log_of("offheapleaks=2", leak_some);
    cr_assert_not_null(
        strstr(text, "gait: off-heap: tag \"index pages\": 3 blocks live, 300 bytes\n"), "%s",
        text);
    cr_assert_not_null(strstr(text, "gait: off-heap: tag \"untagged\": 1 blocks live, 77 bytes\n"));
    cr_assert_not_null(
        strstr(text, "gait: off-heap: tag \"index pages\": 3 sampled, 300 bytes, by "), "%s", text);
    cr_assert_eq(count(text, "\n"), 4, "%s", text);
    cr_assert_str_eq(log_of("offheapleaks=2", leak_none), "");
    cr_assert_str_eq(log_of("offheapleaks=1", leak_none), "");
    cr_assert_str_eq(log_of("", leak_some), "");
}

Test(offheap_check, leaks_are_written_when_asked) {
    cr_assert_eq(count(log_of("", write_twice), "\n"), 2);
    cr_assert_eq(count(log_of("offheapleaks=2", write_twice), "\n"), 8);
}

static void leak_much(void) {
    for (volatile int i = 0; i < 10000; i++)
        gait_offheap_calloc(heap, 1, 1000, tag);
}

Test(offheap_check, one_block_in_so_many_bytes_is_sampled) {
    const char *text = log_of("offheapleaks=1", leak_much);
    cr_assert_not_null(strstr(text, "10000 blocks live, 10000000 bytes"), "%s", text);
    cr_assert_not_null(strstr(text, "\": 19 sampled, 19000 bytes"), "%s", text);
}

Test(offheap_check, leaks_are_written_at_exit) {
    FILE *log = tmpfile();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        heap = heap_with("offheapleaks=2", log);
        tag = gait_offheap_tag(heap, "index pages");
        leak_some();
        exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    rewind(log);
    log_text[fread(log_text, 1, sizeof log_text - 1, log)] = 0;
    fclose(log);
    cr_assert_not_null(strstr(log_text, "3 blocks live, 300 bytes"), "%s", log_text);
}

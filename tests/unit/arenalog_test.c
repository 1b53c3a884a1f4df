/* SPDX-License-Identifier: MIT */
/* runtime/observe/arenalog: the lines of events, what happens where there is no room, or no file.
 */
#include <gait/arena.h>

#include "instance.h"
#include "log_folder.h"
#include "observe/arenalog.h"

#include <string.h>

TestSuite(arenalog, .init = make_folder, .fini = remove_folder);

static gait_heap *heap_to(const char *file) {
    gait_config config;
    gait_config_init(&config);
    return heap_writing(&config, "arenalog", file);
}

/* A log's lines, one at a time. */
struct lines {
    FILE *file;
    char text[300];
    long long time_ns;
    char event[16];
    const char *rest; /* what follows the event */
};

static struct lines lines_of(const char *name) {
    struct lines lines = {.file = fopen(name, "r")};
    cr_assert_not_null(lines.file, "%s", name);
    cr_assert_not_null(fgets(lines.text, sizeof lines.text, lines.file));
    cr_assert_eq(strcmp(lines.text, "gait arenalog 1 " GAIT_VERSION "\n"), 0);
    return lines;
}

static bool lines_next(struct lines *lines) {
    int at = 0;
    if (!fgets(lines->text, sizeof lines->text, lines->file)) {
        fclose(lines->file);
        return false;
    }
    cr_assert_eq(lines->text[strlen(lines->text) - 1], '\n');
    cr_assert_eq(sscanf(lines->text, "%lld %15s %n", &lines->time_ns, lines->event, &at), 2, "%s",
                 lines->text);
    cr_assert_geq(lines->time_ns, 0);
    lines->rest = lines->text + at;
    return true;
}

static void expect_line(struct lines *lines, const char *event, const char *rest) {
    char ended[200];
    snprintf(ended, sizeof ended, "%s\n", rest);
    cr_assert(lines_next(lines), "no %s", event);
    cr_expect_eq(strcmp(lines->event, event), 0, "%s: %s", event, lines->text);
    cr_expect_eq(strcmp(lines->rest, ended), 0, "%s: %s", rest, lines->text);
}

Test(arenalog, a_line_for_each_event) {
    gait_heap *heap = heap_to(path);
    arenalog_arena(heap, GAIT_ARENALOG_create, 7, "frame", 0, 0);
    arenalog_arena(heap, GAIT_ARENALOG_chunk, 7, "frame", 65536, 65536);
    arenalog_arena(heap, GAIT_ARENALOG_reset, 7, "frame", 123, 65536);
    arenalog_arena(heap, GAIT_ARENALOG_trim, 7, "two words", 5, 6);
    arenalog_arena(heap, GAIT_ARENALOG_leak, UINT64_MAX, "\x1b[2J", SIZE_MAX, 0);
    arenalog_arena(heap, GAIT_ARENALOG_free, 8, "0123456789012345678901234567890123456789", 1, 2);
    arenalog_arena(heap, GAIT_ARENALOG_free, 9, "", 0, 0);
    gait_heap_destroy(heap);

    struct lines lines = lines_of(path);
    expect_line(&lines, "create", "7 0 0 frame");
    long long before_ns = lines.time_ns;
    expect_line(&lines, "chunk", "7 65536 65536 frame");
    cr_expect_geq(lines.time_ns, before_ns);
    expect_line(&lines, "reset", "7 123 65536 frame");
    expect_line(&lines, "trim", "7 5 6 two words");
    expect_line(&lines, "leak", "18446744073709551615 18446744073709551615 0 \\x1b[2J");
    expect_line(&lines, "free", "8 1 2 0123456789012345678901234567890");
    expect_line(&lines, "free", "9 0 0 ");
    cr_assert(lines_next(&lines));
    cr_expect_eq(strcmp(lines.event, "close"), 0);
    cr_expect(!lines_next(&lines));
}

Test(arenalog, cycles_with_the_heaps_figures) {
    gait_heap *heap = heap_to(path);
    gait_mutator *mutator = gait_attach(heap);
    int leaf = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    cr_assert_not_null(gait_alloc(mutator, (gait_kind)leaf, 1 << 20));
    gait_collect(mutator);
    gait_collect(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);

    struct lines lines = lines_of(path);
    unsigned long long number, live, arenas, offheap, cycles = 0;
    for (unsigned i = 0; lines_next(&lines); i++) {
        cr_assert_eq(sscanf(lines.rest, "%llu %llu %llu %llu", &number, &live, &arenas, &offheap),
                     4, "%s", lines.text);
        if (strcmp(lines.event, "close") == 0)
            continue;
        cr_expect_eq(strcmp(lines.event, i % 2 ? "end" : "begin"), 0, "%s", lines.text);
        cr_expect_eq(number, i / 2 + 1);
        cr_expect(i ? live < 1 << 20 : live >= 1 << 20, "%s", lines.text);
        cycles += i % 2;
    }
    cr_expect_eq(cycles, 2u);
}

/* What a range opens at once is what is told. */
Test(arenalog, memory_of_a_contiguous_arena) {
    enum { BYTES = 3 << 20, FIRST = 65536 };
    gait_heap *heap = heap_to(path);
    gait_mutator *mutator = gait_attach(heap);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_PINNED;
    config.reserve_bytes = (size_t)64 << 20;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(gait_arena_alloc(mutator, arena, BYTES, 0));
    gait_detach(mutator);
    gait_heap_destroy(heap);

    struct lines lines = lines_of(path);
    expect_line(&lines, "create", "1 0 65536 ");
    unsigned long long id, bytes, held;
    cr_assert(lines_next(&lines));
    cr_assert_eq(strcmp(lines.event, "chunk"), 0, "%s", lines.text);
    cr_assert_eq(sscanf(lines.rest, "%llu %llu %llu", &id, &bytes, &held), 3);
    cr_expect(bytes >= BYTES - FIRST && held == FIRST + bytes, "%s", lines.text);
    fclose(lines.file);
}

/* More events at once than the ring has room for: each is a line, or counted. */
Test(arenalog, what_has_no_room_is_counted) {
    enum { EVENTS = 200000 };
    gait_heap *heap = heap_to(path);
    for (unsigned i = 0; i < EVENTS; i++)
        arenalog_arena(heap, GAIT_ARENALOG_reset, i, "many", i, i);
    gait_heap_destroy(heap);

    struct lines lines = lines_of(path);
    unsigned long long told = 0, lost = 0, id, last = 0, count;
    bool closed = false;
    while (lines_next(&lines)) {
        cr_assert_not(closed);
        if (sscanf(lines.rest, "%llu", &count) == 1 && strcmp(lines.event, "lost") == 0) {
            lost += count;
        } else if (strcmp(lines.event, "reset") == 0) {
            cr_assert_eq(sscanf(lines.rest, "%llu", &id), 1);
            cr_assert(told == 0 || id > last);
            last = id;
            told++;
        }
        closed = strcmp(lines.event, "close") == 0;
    }
    cr_expect(closed);
    cr_expect_gt(lost, 0u);
    cr_expect_eq(told + lost, (unsigned long long)EVENTS);
}

Test(arenalog, a_second_heap_has_a_file_of_its_own) {
    gait_heap *first = heap_to(path), *other = heap_to(path);
    arenalog_arena(other, GAIT_ARENALOG_create, 1, "other", 0, 0);
    gait_heap_destroy(other);
    gait_heap_destroy(first);
    struct lines lines = lines_of(second_path);
    expect_line(&lines, "create", "1 0 0 other");
    fclose(lines.file);
}

/* A heap without a log, and one whose file can't be made: nothing happens. */
Test(arenalog, no_file) {
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    arenalog_arena(heap, GAIT_ARENALOG_create, 1, "x", 0, 0);
    gait_heap_destroy(heap);
    heap = heap_to("/nonexistent/log");
    for (unsigned i = 0; i < 100000; i++)
        arenalog_arena(heap, GAIT_ARENALOG_create, i, "x", 0, 0);
    gait_heap_destroy(heap);
}

/* The child of a fork: tests/stress/arenalog.c. What was told before exit is written then, and with
 * it an end. */
Test(arenalog, exit_writes_the_rest) {
    pid_t child = fork();
    if (child == 0) {
        gait_heap *heap = heap_to(path);
        arenalog_arena(heap, GAIT_ARENALOG_create, 1, "at exit", 0, 0);
        exit(0);
    }
    cr_assert_eq(wait_for(child), 0);
    struct lines lines = lines_of(path);
    expect_line(&lines, "create", "1 0 0 at exit");
    cr_assert(lines_next(&lines));
    cr_expect_eq(strcmp(lines.event, "close"), 0);
    fclose(lines.file);
}

/* SPDX-License-Identifier: MIT */
/*
 * A server with troubles, to be observed: docs/observing.md, What to look at when.
 *
 *   server [leak] [seconds]
 *
 * It keeps a table of records, and answers requests, which is to make some garbage, look at some
 * records and replace a few. With `leak` it forgets to take closed sessions out of a list. At the
 * end it says how long requests took.
 */
#include <gait/expect.h>
#include <gait/gait.h>
#include <gait/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORDS 200000 /* some 64 MB of them */
#define RECORD_BYTES 320
#define GARBAGE 200   /* objects of a request */
#define REPLACED 20   /* records that it replaces */
#define REQUESTS 5000 /* a second; faster it is not asked */
#define SESSION 100   /* requests of a session */

static gait_mutator *mutator;
static gait_kind kind_table, kind_record, kind_session, kind_node, kind_text;

/* Static slots: the table, and the list that closed sessions are left in. */
static struct { gait_word records, closed; } roots;

static uint64_t numbers = 88172645463325252u;

static size_t pick(size_t count) {
    numbers ^= numbers << 13;
    numbers ^= numbers >> 7;
    numbers ^= numbers << 17;
    return (size_t)(numbers % count);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *allocate(gait_kind kind, size_t bytes) {
    void *object = gait_alloc(mutator, kind, bytes);
    if (!object) {
        fprintf(stderr, "server: out of memory\n");
        exit(1);
    }
    return object;
}

static gait_kind kind_of(gait_heap *heap, const char *name, gait_layout layout, uint32_t words) {
    return (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = name, .layout = layout, .head_words = words});
}

static void replace_record(size_t at) {
    void *record = allocate(kind_record, RECORD_BYTES);
    gait_store(mutator, (gait_word *)roots.records + at, (gait_word)record);
}

/* A list that nobody wants afterwards. */
static void make_garbage(gait_word *slot) {
    for (size_t i = 0; i < GARBAGE; i++) {
        gait_word *node = allocate(kind_node, 16 + 8 * pick(16));
        gait_init(node, *slot);
        *slot = (gait_word)node;
    }
    *slot = 0;
}

static void answer(gait_word *slot) {
    make_garbage(slot);
    for (size_t i = 0; i < REPLACED; i++)
        replace_record(pick(RECORDS));
}

/* A session has a text of its own. Closed, it is to die. */
static gait_word session_new(gait_word *slots) {
    slots[0] = (gait_word)allocate(kind_session, 64);
    slots[1] = (gait_word)allocate(kind_text, 20000);
    gait_store(mutator, (gait_word *)slots[0], slots[1]);
    return slots[0];
}

static void session_close(gait_word *slots, bool leaks, unsigned number) {
    char note[GAIT_NOTE_BYTES];
    if (leaks) { /* "for the statistics", which nobody reads */
        slots[1] = (gait_word)allocate(kind_node, 24);
        gait_store(mutator, (gait_word *)slots[1], roots.closed);
        gait_store(mutator, (gait_word *)slots[1] + 1, slots[0]);
        gait_store(mutator, &roots.closed, slots[1]);
    }
    snprintf(note, sizeof note, "session %u", number);
    if (number == 100)
        gait_expect_dead(mutator, (void *)slots[0], note);
    slots[0] = slots[1] = 0;
}

static int compare(const void *one, const void *other) {
    uint32_t left = *(const uint32_t *)one, right = *(const uint32_t *)other;
    return left < right ? -1 : left > right;
}

static void tell(gait_heap *heap, uint32_t *took_us, size_t count, double seconds) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    qsort(took_us, count, sizeof *took_us, compare);
    printf("%.0f requests/s; p50 %u us, p99 %u us, p99.9 %u us, longest %u us\n",
           (double)count / seconds, took_us[count / 2], took_us[count * 99 / 100],
           took_us[count * 999 / 1000], took_us[count - 1]);
    printf("%llu cycles, the collector had %.1f %% of the CPU time; at most %.1f MiB\n",
           (unsigned long long)stats.cycles, 100 * stats.gc_cpu_fraction,
           (double)stats.peak_total_bytes / (1 << 20));
}

static void serve(gait_heap *heap, bool leaks, double seconds) {
    size_t most = (size_t)(seconds * REQUESTS) + 1, count = 0;
    uint32_t *took_us = calloc(most, sizeof *took_us);
    gait_word slots[3] = {0, 0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 3);
    int64_t begin_ns = now_ns(), end_ns = begin_ns + (int64_t)(seconds * 1e9);
    for (int64_t due_ns = begin_ns; took_us && due_ns < end_ns && count < most;
         due_ns += 1000000000 / REQUESTS) {
        int64_t wait_ns = due_ns - now_ns();
        if (wait_ns > 0) {
            gait_enter_native(mutator);
            nanosleep(&(struct timespec){0, wait_ns}, NULL);
            gait_leave_native(mutator);
        }
        int64_t from_ns = now_ns();
        if (count % SESSION == 0)
            session_new(slots);
        answer(&slots[2]);
        if (count % SESSION == SESSION - 1)
            session_close(slots, leaks, (unsigned)(count / SESSION));
        took_us[count++] = (uint32_t)((now_ns() - from_ns) / 1000);
    }
    gait_pop_frame(mutator);
    if (took_us)
        tell(heap, took_us, count, (double)(now_ns() - begin_ns) / 1e9);
    free(took_us);
}

int main(int argc, char **argv) {
    bool leaks = argc > 1 && strcmp(argv[1], "leak") == 0;
    double seconds = argc > 1 + leaks ? atof(argv[1 + leaks]) : 10;
    char error[200];
    gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap || !(seconds > 0 && seconds <= 3600)) {
        fprintf(stderr, "server: %s\n", heap ? "usage: server [leak] [seconds]" : error);
        return 1;
    }
    mutator = gait_attach(heap);
    kind_table = kind_of(heap, "table", GAIT_REFS, 0);
    kind_record = kind_of(heap, "record", GAIT_LEAF, 0);
    kind_session = kind_of(heap, "session", GAIT_PREFIX, 1);
    kind_node = kind_of(heap, "node", GAIT_PREFIX, 2);
    kind_text = kind_of(heap, "text", GAIT_LEAF, 0);
    gait_roots_add(mutator, &roots.records, sizeof roots / sizeof(gait_word));
    gait_store(mutator, &roots.records,
               (gait_word)allocate(kind_table, RECORDS * sizeof(gait_word)));
    for (size_t i = 0; i < RECORDS; i++)
        replace_record(i);
    serve(heap, leaks, seconds);
    gait_heap_destroy(heap);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Files that show a heap at a moment. See dump.h.
 *
 *   .inv.one: a file is written by one thread at a time: at the end the heap's own thread has ended
 *   before anything is written, or nothing is.
 *
 *   .inv.began: after the end no thread begins, though the collector still runs: a thread that
 *   begins one takes `thread` from WANTED, and the end leaves NONE there, for good.
 *
 *   .inv.gone: a thread that was left behind looks at the heap until it says that it is gone; who
 *   destroys the heap waits for that.
 */
#include "dump.h"

#include <errno.h>
#include <gait/pprof.h>
#include <stdlib.h>
#include <string.h>

#include "../instance.h"
#include "../platform/platform.h"
#include "at_exit.h"
#include "companion.h"
#include "dump_when.h"
#include "line.h"
#include "worker.h"

/* How long a signal may go without notice. */
#define LOOK_NS ((int64_t)100000000)

/* How long an exit waits for a file that is being written. */
#define EXIT_WAIT_NS ((int64_t)2000000000)

/* How often a thread that was left behind is looked for. */
#define GONE_LOOK_NS ((int64_t)1000000)

/* ---- What can be written ---- */

#define PPROF_LIBRARY "libgait-pprof.so.0"

typedef void *(*profile_fn)(gait_heap *heap, unsigned view, size_t *bytes);

static profile_fn find_profile(const char **why) {
    return (profile_fn)companion_find(PPROF_LIBRARY, "gait_heap_profile", why);
}

static bool profile_ready(gait_heap *heap, const char **why) {
    if (!find_profile(why))
        return false;
    samples_start(&heap->samples);
    return true;
}

static const char *profile_off(gait_heap *heap) {
    return samples_off(&heap->samples) ? "heap profiles are off: memprofilerate=0" : NULL;
}

static int profile_write(gait_heap *heap, int descriptor, const char **why) {
    size_t bytes;
    profile_fn profile_of = find_profile(why);
    void *profile = profile_of ? profile_of(heap, GAIT_PPROF_LIVE, &bytes) : NULL;
    int result = profile ? platform_descriptor_write(descriptor, profile, bytes) : -1;
    if (profile)
        *why = strerror(errno);
    else if (profile_of)
        *why = "no memory";
    free(profile);
    return result;
}

static bool snapshot_ready(gait_heap *heap, const char **why) {
    (void)heap, (void)why;
    return true;
}

static const char *snapshot_off(gait_heap *heap) {
    (void)heap;
    return NULL;
}

static int snapshot_write(gait_heap *heap, int descriptor, const char **why) {
    return heap->write_snapshot(heap, descriptor, why);
}

/* A sort of files. Its debug option is a text. */
struct dump_sort {
    const char *option;
    size_t asked; /* where in struct options */
    /* As the heap begins: can it be written? @return false: *why says why not. */
    bool (*ready)(gait_heap *heap, const char **why);
    /* Later: is there nothing to write, by the settings? @return a line says why; NULL: there is */
    const char *(*off)(gait_heap *heap);
    /* Write it: any thread that is RUNNING nowhere. @return negative: *why says why not. */
    int (*write)(gait_heap *heap, int descriptor, const char **why);
};

#define SORT(option, ready, off, write)                                                            \
    { #option, offsetof(struct options, option), ready, off, write }
static const struct dump_sort sorts[] = {
    SORT(heapprofile, profile_ready, profile_off, profile_write),
    SORT(heapsnapshot, snapshot_ready, snapshot_off, snapshot_write)};
#define SORTS (sizeof sorts / sizeof sorts[0])

static struct log_names names[SORTS];

/* ---- A heap's ---- */

struct dump {
    const struct dump_sort *sort; /* NULL: it was not asked for, or can't be */
    struct dump_when when;
    char name[LOG_NAME_BYTES];
    uint64_t count; /* files so far; whose turn it is, as the next */
    int64_t next_ns;
    unsigned seen[DUMP_SIGNALS_MOST]; /* of each signal */
};

/* NONE: none begins any more. WANTED: one is to begin. */
enum { THREAD_NONE, THREAD_WANTED, THREAD_BEGINS, THREAD_THERE };

struct dumps {
    gait_heap *heap;
    struct dump of[SORTS];
    AO_t thread;          /* the enum; by compare-and-swap, except for BEGINS, whose owner stores */
    struct worker worker; /* the one that took `thread` to BEGINS, or from THERE */
    size_t place;         /* in the table of at_exit.h */
    bool done;            /* it was written at exit */
    bool left;            /* the thread was left behind */
    AO_t gone;            /* not 0: it touches nothing any more */
};

static void complain(const char *option, const char *text, const char *why) {
    struct line line = {.length = 0};
    line_add(&line, "gait: GAIT_DEBUG=%s=", option);
    line_add_text(&line, text);
    line_add(&line, ": ");
    line_add_text(&line, why);
    line_write(&line, stderr);
}

static void write_file(gait_heap *heap, struct dump *dump) {
    char path[DUMP_PATH_BYTES];
    const char *why = dump->sort->off(heap);
    if (why) {
        complain(dump->sort->option, dump->name, why);
        return;
    }
    dump_path(path, dump->name, ++dump->count);
    int descriptor = platform_file_create(path, &why);
    if (descriptor >= 0 && dump->sort->write(heap, descriptor, &why) == 0)
        why = NULL;
    if (descriptor >= 0)
        platform_file_close(descriptor);
    if (why)
        complain(dump->sort->option, path, why);
}

/* ---- The thread ---- */

/* Is one to be written now? *wait_ns: how long there will be nothing to look at. */
static bool is_due(struct dump *dump, int64_t now_ns, int64_t *wait_ns) {
    const struct dump_when *when = &dump->when;
    bool due = false;
    for (size_t i = 0; i < when->signal_count; i++) {
        unsigned count = platform_asked_count(when->signals[i]);
        due |= count != dump->seen[i];
        dump->seen[i] = count;
        *wait_ns = *wait_ns < LOOK_NS ? *wait_ns : LOOK_NS;
    }
    if (when->period_ns == 0)
        return due;
    if (now_ns >= dump->next_ns) {
        due = true;
        dump->next_ns = now_ns + when->period_ns;
    }
    int64_t left_ns = dump->next_ns - now_ns;
    *wait_ns = *wait_ns < left_ns ? *wait_ns : left_ns;
    return due;
}

static void watch(void *argument) {
    struct dumps *dumps = argument;
    while (!worker_is_ended(&dumps->worker)) {
        unsigned word = worker_word(&dumps->worker);
        int64_t wait_ns = INT64_MAX;
        for (size_t i = 0; i < SORTS; i++)
            if (dumps->of[i].sort && is_due(&dumps->of[i], platform_now_ns(), &wait_ns))
                write_file(dumps->heap, &dumps->of[i]);
        if (!worker_is_ended(&dumps->worker))
            worker_wait(&dumps->worker, word, wait_ns);
    }
}

static void tell_gone(void *dumps) {
    AO_store_full(&((struct dumps *)dumps)->gone, 1); /* all that it did comes before */
}

static bool wants_thread(const struct dump *dump) {
    return dump->sort && (dump->when.signal_count > 0 || dump->when.period_ns > 0);
}

static AO_t wanted_thread(const struct dumps *dumps) {
    bool wanted = false;
    for (size_t i = 0; i < SORTS; i++)
        wanted |= wants_thread(&dumps->of[i]);
    return wanted ? THREAD_WANTED : THREAD_NONE;
}

/* .inv.began */
static void start_thread(struct dumps *dumps) {
    if (!AO_compare_and_swap_full(&dumps->thread, THREAD_WANTED, THREAD_BEGINS))
        return;
    for (size_t i = 0; i < SORTS; i++)
        dumps->of[i].next_ns = platform_now_ns() + dumps->of[i].when.period_ns;
    bool there = worker_start(&dumps->worker, watch, tell_gone, dumps, "gait-dump") == 0;
    AO_store_full(&dumps->thread, there ? THREAD_THERE : THREAD_WANTED);
    for (size_t i = 0; i < SORTS && !there; i++)
        if (wants_thread(&dumps->of[i]))
            complain(sorts[i].option, dumps->of[i].name, "no thread is available");
}

/* No other begins. @return there was one, which is to be ended. */
static bool take_thread(struct dumps *dumps) {
    for (;;) {
        AO_t thread = AO_load_acquire(&dumps->thread);
        if (thread == THREAD_BEGINS)
            platform_yield();
        else if (AO_compare_and_swap_full(&dumps->thread, thread, THREAD_NONE))
            return thread == THREAD_THERE;
    }
}

/* ---- Beginning and end ---- */

/* .inv.one */
static void finish(struct dumps *dumps, int64_t wait_ns) {
    dumps->left = take_thread(dumps) && !worker_end(&dumps->worker, wait_ns);
    for (size_t i = 0; i < SORTS; i++) {
        struct dump *dump = &dumps->of[i];
        if (!dump->sort || !dump->when.at_exit)
            continue;
        if (dumps->left)
            complain(dump->sort->option, dump->name, "not at exit: another is still being written");
        else
            write_file(dumps->heap, dump);
    }
    dumps->done = true;
}

/* The thread that exits may be RUNNING, and is waited for by the other, and by the collector, if it
 * does not rest. */
static void finish_at_exit(void *argument) {
    struct dumps *dumps = argument;
    HEAP_CALL(dumps->heap);
    mutator_save_stack();
    world_rest();
    finish(dumps, EXIT_WAIT_NS);
    world_resume();
}

static const char *asked_for(const gait_heap *heap, const struct dump_sort *sort) {
    return (const char *)&heap->options + sort->asked;
}

/* @return false: *why says why not. */
static bool start_dump(gait_heap *heap, struct dump *dump, const struct dump_sort *sort,
                       const char **why) {
    struct dump_when *when = &dump->when;
    *why = "expected FILE, or FILE@exit, FILE@SIGUSR1, FILE@60s";
    if (!dump_when_read(when, asked_for(heap, sort)) || !sort->ready(heap, why))
        return false;
    for (size_t i = 0; i < when->signal_count; i++) {
        if (platform_asked_watch(when->signals[i], why) < 0)
            return false;
        dump->seen[i] = platform_asked_count(when->signals[i]);
    }
    return true;
}

static void name_dump(gait_heap *heap, struct dump *dump, const struct dump_sort *sort) {
    char file[OPTIONS_PATH_BYTES];
    memcpy(file, asked_for(heap, sort), dump->when.path_bytes);
    file[dump->when.path_bytes] = '\0';
    log_names_next(&names[sort - sorts], file, dump->name);
}

void dumps_start(gait_heap *heap) {
    struct dumps *dumps = NULL;
    for (size_t i = 0; i < SORTS; i++) {
        const char *text = asked_for(heap, &sorts[i]), *why = "no memory";
        if (!text[0])
            continue;
        if (!dumps)
            dumps = calloc(1, sizeof *dumps);
        if (!dumps || !start_dump(heap, &dumps->of[i], &sorts[i], &why)) {
            complain(sorts[i].option, text, why);
            continue;
        }
        dumps->of[i].sort = &sorts[i];
        name_dump(heap, &dumps->of[i], &sorts[i]);
        why = sorts[i].off(heap);
        if (why) /* now, not only when a file is due */
            complain(sorts[i].option, text, why);
    }
    heap->dumps = dumps;
    if (!dumps)
        return;
    dumps->heap = heap;
    AO_store(&dumps->thread, wanted_thread(dumps));
    start_thread(dumps);
    dumps->place = at_exit_add(finish_at_exit, dumps);
}

void dumps_end(gait_heap *heap) {
    struct dumps *dumps = heap->dumps;
    if (!dumps)
        return;
    at_exit_take(dumps->place, dumps);
    if (!dumps->done)
        finish(dumps, INT64_MAX);
    while (dumps->left && !AO_load_acquire(&dumps->gone)) /* .inv.gone */
        platform_sleep_ns(GONE_LOOK_NS);
}

void dumps_free(gait_heap *heap) {
    free(heap->dumps);
    heap->dumps = NULL;
}

/* ---- Fork ---- */

void dumps_forked(void) {
    for (size_t i = 0; i < SORTS; i++)
        log_names_forked(&names[i]);
}

void dumps_lost(gait_heap *heap) {
    struct dumps *dumps = heap->dumps;
    if (!dumps)
        return;
    for (size_t i = 0; i < SORTS; i++) {
        struct dump *dump = &dumps->of[i];
        if (!dump->sort)
            continue;
        dump->count = 0;
        name_dump(heap, dump, &sorts[i]);
    }
    memset(&dumps->worker, 0, sizeof dumps->worker);
    dumps->thread = wanted_thread(dumps);
    dumps->done = dumps->left = false;
    dumps->gone = 0;
    dumps->place = at_exit_add(finish_at_exit, dumps);
}

void dumps_go_on(gait_heap *heap) {
    if (heap->dumps)
        start_thread(heap->dumps);
}

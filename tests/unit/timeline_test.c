/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform/timeline: whose events these are, what finds no room, steps that are one event,
 * threads that end, a signal in the middle of telling, forks.
 */
#include "platform/timeline.h"

#include <criterion/criterion.h>
#include <gait/gait.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MOST 64
#define HEAPS_READ 4 /* heaps 1 to 4 are told of */

/* What was taken. */
static struct {
    uint64_t events, dropped, values, moments;
    struct timeline_event last;
    struct timeline_thread thread;
    const struct timeline_thread *place; /* where it was: in its ring */
    int threads[THREADS_MOST];
    size_t thread_count;
} taken;

static void take_event(void *data, const struct timeline_thread *thread,
                       const struct timeline_event *event) {
    (void)data;
    taken.events++;
    taken.values += event->value;
    taken.last = *event;
    taken.thread = *thread;
    taken.place = thread;
    for (size_t i = 0; i < taken.thread_count; i++)
        if (taken.threads[i] == thread->number)
            return;
    if (taken.thread_count < THREADS_MOST)
        taken.threads[taken.thread_count++] = thread->number;
}

static void take_dropped(void *data, const struct timeline_thread *thread, uint64_t events) {
    (void)data;
    taken.dropped += events;
    taken.thread = *thread;
}

static void take(void) { timeline_take(&(struct timeline_taker){take_event, take_dropped, NULL}); }

static void begin(void) {
    memset(&taken, 0, sizeof taken);
    cr_assert(timeline_open());
    for (unsigned heap = 1; heap <= HEAPS_READ; heap++)
        timeline_watch(heap);
}

static void end(void) {
    for (unsigned heap = 1; heap <= HEAPS_READ; heap++)
        timeline_unwatch(heap);
    timeline_close();
    take();
}

static int own_number(void) { return (int)syscall(SYS_gettid); }

/* @return the thread that an event of this one names. */
static int told_thread(void) {
    begin();
    TIMELINE_NOW(limiter, 1, 1);
    end();
    return taken.events == 1 ? taken.thread.number : -1;
}

Test(timeline, a_forks_child_tells_its_own_number) {
    cr_assert_eq(told_thread(), own_number());
    pid_t child = fork();
    if (child == 0)
        _exit(told_thread() == own_number() ? 0 : 1);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(told_thread(), own_number());
    gait_heap_destroy(
        gait_heap_create(NULL, NULL, 0)); /* the library is there, and hears of forks */
}

Test(timeline, a_forks_child_does_not_have_what_its_parent_told) {
    begin();
    TIMELINE_NOW(limiter, 1, 1);
    pid_t child = fork();
    if (child == 0) {
        bool off = !timeline_is_open();
        begin();
        TIMELINE_NOW(limiter, 2, 1);
        end();
        _exit(off && taken.events == 1 && taken.last.heap == 2 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    end();
    cr_expect_eq(taken.events, 1);
    gait_heap_destroy(gait_heap_create(NULL, NULL, 0));
}

Test(timeline, while_nobody_reads_nothing_is_told) {
    int64_t begin_ns = TIMELINE_BEGIN(assist);
    cr_expect_eq(begin_ns, 0);
    begin();
    TIMELINE_END(assist, 1, begin_ns, 7);
    end();
    cr_expect_eq(taken.events, 0);
}

Test(timeline, heaps_of_which_nobody_reads_take_no_room) {
    begin();
    for (uint64_t i = 0; i < 100000; i++) {
        int64_t step_ns = TIMELINE_BEGIN(sweep);
        TIMELINE_NOW(limiter, HEAPS_READ + 1, 1);
        TIMELINE_STEP(sweep, HEAPS_READ + 1, step_ns);
    }
    TIMELINE_NOW(limiter, 1, 1);
    end();
    cr_expect_eq(taken.events, 1);
    cr_expect_eq(taken.dropped, 0);
}

Test(timeline, who_reads_next_has_nothing_from_before) {
    begin();
    TIMELINE_NOW(limiter, 1, 1);
    cr_expect_not(timeline_open()); /* there is a reader */
    end();
    begin();
    end();
    cr_expect_eq(taken.events + taken.dropped, 0);
}

Test(timeline, what_finds_no_room_is_counted_for_its_thread) {
    begin();
    for (uint64_t i = 0; i < 100000; i++)
        TIMELINE_NOW(limiter, 1, 1);
    take();
    cr_expect_gt(taken.events, 1000);
    cr_expect_gt(taken.dropped, 0);
    cr_expect_eq(taken.events + taken.dropped, 100000);
    cr_expect_eq(taken.thread.number, own_number());
    uint64_t before = taken.dropped;
    TIMELINE_NOW(limiter, 1, 1); /* there is room again */
    end();
    cr_expect_eq(taken.dropped, before);
    cr_expect_eq(taken.events + taken.dropped, 100001);
}

Test(timeline, steps_that_are_close_are_one_event) {
    begin();
    int64_t now_ns = platform_now_ns();
    for (int i = 0; i < 3; i++)
        TIMELINE_STEP(sweep, 1, now_ns);
    take();
    cr_expect_eq(taken.events, 0);   /* more may follow */
    TIMELINE_STEP(sweep, 2, now_ns); /* another heap's */
    take();
    cr_expect_eq(taken.events, 1);
    cr_expect_eq(taken.last.kind, TIMELINE_sweep);
    cr_expect_eq(taken.last.heap, 1);
    cr_expect_eq(taken.last.begin_ns, now_ns);
    cr_expect_geq((int64_t)taken.last.value, taken.last.end_ns - now_ns);
    TIMELINE_NOW(limiter, 1, 1); /* what else its thread tells comes after them */
    take();
    cr_expect_eq(taken.events, 3);
    platform_sleep_ns(2000000);
    TIMELINE_STEP(sweep, 1, platform_now_ns());
    platform_sleep_ns(2000000);
    TIMELINE_STEP(sweep, 1, platform_now_ns());
    take();
    cr_expect_eq(taken.events, 4); /* far apart */
    timeline_end_steps();
    timeline_end_steps();
    end();
    cr_expect_eq(taken.events, 5);
    cr_expect_eq(taken.dropped, 0);
}

static void *tell_one(void *name) {
    prctl(PR_SET_NAME, name);
    TIMELINE_NOW(limiter, 1, 1);
    TIMELINE_STEP(sweep, 1, platform_now_ns());
    return NULL;
}

Test(timeline, a_thread_that_has_ended_has_told_all_and_has_its_name) {
    const struct timeline_thread *ring = NULL;
    begin();
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, tell_one, (void *)"teller"), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        take();
        cr_assert_eq(taken.events, 2 * (uint64_t)(i + 1));
        cr_assert_str_eq(taken.thread.name, "teller");
        cr_assert_neq(taken.thread.number, own_number());
        cr_assert(ring == NULL || ring == taken.place); /* the next thread has the ring */
        ring = taken.place;
    }
    end();
    cr_expect_eq(taken.dropped, 0);
}

static pthread_key_t late;

static void tell_late(void *left) {
    TIMELINE_NOW(limiter, 1, 1);
    if ((uintptr_t)left > 1)
        pthread_setspecific(late, (void *)((uintptr_t)left - 1));
}

static void *set_late(void *value) {
    pthread_setspecific(late, value);
    return NULL;
}

Test(timeline, a_thread_may_tell_something_as_it_ends) {
    begin();
    cr_assert_eq(pthread_key_create(&late, tell_late), 0);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, set_late, (void *)3), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
    }
    end();
    cr_expect_eq(taken.events + taken.dropped, 150);
    cr_expect_geq(taken.events, 100);
}

static volatile sig_atomic_t handled;

static void tell_within(int number) {
    (void)number;
    handled++;
    TIMELINE_NOW(limiter, 2, 1);
}

Test(timeline, a_signal_in_the_middle_tears_nothing) {
    begin();
    cr_assert_neq(signal(SIGALRM, tell_within), SIG_ERR);
    struct itimerval each = {{0, 100}, {0, 100}};
    cr_assert_eq(setitimer(ITIMER_REAL, &each, NULL), 0);
    uint64_t told = 0;
    for (int64_t end_ns = platform_now_ns() + 300000000; platform_now_ns() < end_ns; told += 64) {
        for (int i = 0; i < 64; i++)
            TIMELINE_NOW(limiter, 1, 1);
        take();
    }
    each = (struct itimerval){0};
    cr_assert_eq(setitimer(ITIMER_REAL, &each, NULL), 0);
    end();
    cr_expect_gt(handled, 10);
    cr_expect_eq(taken.events + taken.dropped, told + (uint64_t)handled);
    cr_expect_eq(taken.values, taken.events);
}

static volatile AO_t ended;

static void *tell_many(void *number) {
    for (uint64_t i = 0; i < 20000; i++)
        TIMELINE_NOW(limiter, (unsigned)(uintptr_t)number, 1);
    AO_fetch_and_add1(&ended);
    return NULL;
}

Test(timeline, threads_that_tell_at_once) {
    pthread_t threads[4];
    begin();
    for (uintptr_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, tell_many, (void *)(i + 1)), 0);
    while (AO_load(&ended) < 4)
        take();
    for (uintptr_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    end();
    cr_expect_eq(taken.events + taken.dropped, 80000);
    cr_expect_eq(taken.values, taken.events);
    cr_expect_eq(taken.thread_count, 4);
}

/* ---- Traces of several heaps ---- */

static char folder[] = "/tmp/gait-timeline-XXXXXX";

static gait_heap *heap_traced_in(const char *name) {
    char debug[64];
    snprintf(debug, sizeof debug, "trace=%s/%s", folder, name);
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    return heap;
}

/* The size of a file of the folder, which goes; -1: there is none. */
static long take_file(const char *name) {
    char path[64];
    struct stat stat_of;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    long bytes = stat(path, &stat_of) == 0 ? (long)stat_of.st_size : -1;
    unlink(path);
    return bytes;
}

Test(timeline, a_heap_that_asks_for_another_file_hears_where_it_is) {
    cr_assert_not_null(mkdtemp(folder));
    FILE *said = tmpfile();
    int before = dup(STDERR_FILENO);
    dup2(fileno(said), STDERR_FILENO);
    gait_heap *one = heap_traced_in("one.json");
    gait_heap *same = heap_traced_in("one.json");
    cr_expect_eq(lseek(fileno(said), 0, SEEK_END), 0);
    gait_heap *other = heap_traced_in("other.json");
    dup2(before, STDERR_FILENO);
    close(before);
    char line[256] = "", expected[256];
    cr_expect_gt(pread(fileno(said), line, sizeof line - 1, 0), 0);
    snprintf(expected, sizeof expected,
             "gait: trace: a heap asks for another file, and is in the program's trace all the "
             "same: %s/one.json\n",
             folder);
    cr_expect_eq(strcmp(line, expected), 0, "%s", line);
    gait_heap_destroy(one);
    gait_heap_destroy(same);
    gait_heap_destroy(other);
    fclose(said);
    cr_expect_gt(take_file("one.json"), 0);
    cr_expect_eq(take_file("other.json"), -1);
    rmdir(folder);
}

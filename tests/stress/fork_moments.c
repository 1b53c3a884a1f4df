/* SPDX-License-Identifier: MIT */
/*
 * fork at moments that are hard to meet: as a cycle is due, with and without a limit; beside a
 * thread that creates and destroys heaps while it runs in another one, or that runs a coroutine or
 * a finalizer; with handlers that use the heap; and what the child's CPU figures say.
 *
 * Under the sanitizers children do less, as in forks.c.
 */
#include "stress.h"

#include <gait/links.h>
#include <signal.h>
#include <sys/wait.h>

#define PROCESS_SECONDS 40 /* a process that takes so much longer than it was told hangs */
#define OBJECT_BYTES 4096

static const bool children_work = !UNDER_ASAN && !UNDER_TSAN;

struct one_heap {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind leaf;
};

static struct one_heap one_heap(const char *limit) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "100";
    config.memory_limit = limit;
    struct one_heap one = {.heap = heap_of(&config)};
    one.mutator = attach(one.heap);
    one.leaf = kind_new(one.heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    return one;
}

static void make_garbage(const struct one_heap *one, size_t bytes) {
    for (size_t made = 0; made < bytes; made += OBJECT_BYTES)
        allocate(one->mutator, one->leaf, OBJECT_BYTES);
}

static pid_t fork_checked(void) {
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0, "fork");
    if (pid == 0)
        alarm(PROCESS_SECONDS);
    return pid;
}

static void wait_for(pid_t child, const char *what) {
    int status;
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: the child ended with status %#x",
          what, (unsigned)status);
}

/* ---- As a cycle is due ---- */

/* The trigger was reached just now: the collector has been asked, and may not have begun. */
static void allocate_to_trigger(const struct one_heap *one) {
    gait_stats stats = stats_of(one->heap);
    while (stats.heap_live_bytes + 2 * OBJECT_BYTES < stats.heap_trigger_bytes) {
        allocate(one->mutator, one->leaf, OBJECT_BYTES);
        stats = stats_of(one->heap);
    }
    make_garbage(one, 4 * OBJECT_BYTES);
}

static unsigned fork_while_due(const char *limit) {
    struct one_heap one = one_heap(limit);
    unsigned forks = 0;
    for (; forks == 0 || !time_is_up(); forks++) {
        allocate_to_trigger(&one);
        pid_t pid = fork_checked();
        if (pid == 0) {
            uint64_t before = stats_of(one.heap).cycles;
            make_garbage(&one, (size_t)24 << 20); /* in a heap of 4 MiB */
            uint64_t cycles = stats_of(one.heap).cycles - before;
            CHECK(cycles > 0, "no cycle in a child that was made as one was due, limit %s",
                  limit ? limit : "off");
            _exit(0);
        }
        wait_for(pid, "due");
    }
    gait_heap_destroy(one.heap);
    return forks;
}

/* ---- Beside heaps that come and go ---- */

static struct one_heap shared;
static bool enough; /* atomic */

static bool is_enough(void) { return __atomic_load_n(&enough, __ATOMIC_ACQUIRE); }

/* Runs in the shared heap while it creates and destroys others. */
static void *create_heaps(void *heaps) {
    gait_mutator *mutator = attach(shared.heap);
    while (!is_enough()) {
        struct one_heap other = one_heap(NULL);
        make_garbage(&other, (size_t)256 << 10);
        gait_heap_destroy(other.heap);
        ++*(unsigned *)heaps;
        gait_poll(mutator);
    }
    gait_detach(mutator);
    return NULL;
}

static void *collect(void *unused) {
    gait_mutator *mutator = attach(shared.heap);
    while (!is_enough())
        gait_collect(mutator);
    gait_detach(mutator);
    return unused;
}

static unsigned fork_beside_heaps(unsigned *heaps) {
    shared = one_heap(NULL);
    gait_enter_native(shared.mutator);
    pthread_t threads[] = {thread_start(create_heaps, heaps), thread_start(collect, NULL)};
    unsigned forks = 0;
    for (; forks == 0 || !time_is_up(); forks++) {
        pid_t pid = fork_checked();
        if (pid == 0 && children_work) {
            gait_leave_native(shared.mutator);
            gait_collect(shared.mutator);
            struct one_heap other = one_heap(NULL);
            gait_collect(other.mutator);
            gait_heap_destroy(other.heap);
            gait_heap_destroy(shared.heap);
        }
        if (pid == 0)
            _exit(0);
        wait_for(pid, "heaps");
        sleep_us(300);
    }
    __atomic_store_n(&enough, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(shared.mutator);
    gait_heap_destroy(shared.heap);
    return forks;
}

/* ---- A coroutine on a thread that the child does not have ---- */

static gait_coroutine *elsewhere;
static unsigned stage; /* atomic, of the other thread: 1: it runs the coroutine; 2: it is to end */

static void stage_set(unsigned value) { __atomic_store_n(&stage, value, __ATOMIC_RELEASE); }

static void stage_wait(unsigned value) {
    while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) != value)
        sleep_us(100);
}

static void *run_coroutine(void *one) {
    const struct one_heap *heap = one;
    gait_mutator *mutator = attach(heap->heap);
    gait_word word = 0;
    struct gait_frame frame;
    elsewhere = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    CHECK(elsewhere, "gait_coroutine_new");
    gait_coroutine_switch(mutator, elsewhere);
    gait_push_frame(mutator, &frame, &word, 1);
    word = (gait_word)allocate(mutator, heap->leaf, OBJECT_BYTES);
    gait_enter_native(mutator);
    stage_set(1);
    stage_wait(2);
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
    gait_coroutine_switch(mutator, NULL);
    gait_detach(mutator);
    return NULL;
}

static void fork_beside_coroutine(void) {
    struct one_heap one = one_heap(NULL);
    pthread_t thread = thread_start(run_coroutine, &one);
    stage_wait(1);
    pid_t pid = fork_checked();
    if (pid == 0) {
        gait_collect(one.mutator);
        gait_coroutine_free(one.mutator, elsewhere);
        gait_collect(one.mutator);
        gait_heap_destroy(one.heap);
        _exit(0);
    }
    wait_for(pid, "coroutine");
    stage_set(2);
    gait_enter_native(one.mutator);
    pthread_join(thread, NULL);
    gait_leave_native(one.mutator);
    gait_coroutine_free(one.mutator, elsewhere);
    gait_heap_destroy(one.heap);
}

/* ---- A finalizer on a thread that the child does not have ---- */

/* Two objects; the second one's finalizer is queued as the first one's runs. */
static struct finalizable {
    gait_word link, long_link;
    unsigned ran; /* atomic */
} finalizables[2];

static void finalize(gait_mutator *mutator, void *object, void *data) {
    struct finalizable *finalizable = data;
    __atomic_fetch_add(&finalizable->ran, 1, __ATOMIC_RELEASE);
    if (finalizable == &finalizables[0]) {
        gait_enter_native(mutator);
        stage_set(1);
        stage_wait(2);
        gait_leave_native(mutator);
        CHECK(gait_link_get(mutator, &finalizable->long_link, GAIT_LINK_LONG) == object,
              "an object is gone as its finalizer runs");
    }
}

static void *run_finalizer(void *one) {
    gait_mutator *mutator = attach(((const struct one_heap *)one)->heap);
    CHECK(gait_run_finalizers(mutator, 1) == 1, "no finalizer");
    gait_detach(mutator);
    return NULL;
}

/* Nothing else leads to it. */
static void make_finalizable(const struct one_heap *one, struct finalizable *finalizable) {
    gait_mutator *mutator = one->mutator;
    void *object = allocate(mutator, one->leaf, OBJECT_BYTES);
    finalizable->link = finalizable->long_link = (gait_word)object;
    CHECK(gait_finalizer_set(mutator, object, finalize, finalizable) == 0 &&
              gait_link_register(mutator, &finalizable->link, object, 0) == 0 &&
              gait_link_register(mutator, &finalizable->long_link, object, GAIT_LINK_LONG) == 0,
          "no finalizer or link");
    gait_collect(mutator);
}

static bool has_long_link(const struct one_heap *one, const struct finalizable *finalizable) {
    return gait_link_get(one->mutator, &finalizable->long_link, GAIT_LINK_LONG) != NULL;
}

/* What runs in the parent ends where it is: it is not run again, and its object goes as any other.
 * What was queued is run here, too. */
static void be_child_of_finalizer(const struct one_heap *one) {
    gait_collect(one->mutator);
    CHECK(!has_long_link(one, &finalizables[0]) && finalizables[0].long_link == 0,
          "an object is kept by a finalizer on a thread that is not there");
    CHECK(has_long_link(one, &finalizables[1]), "an object is gone before its finalizer");
    size_t ran = gait_run_finalizers(one->mutator, SIZE_MAX);
    CHECK(ran == 1 && finalizables[0].ran == 1 && finalizables[1].ran == 1,
          "%zu finalizers ran in a child, in all %u and %u", ran, finalizables[0].ran,
          finalizables[1].ran);
    gait_collect(one->mutator);
    CHECK(finalizables[1].long_link == 0, "an object is kept after its finalizer");
    gait_heap_destroy(one->heap);
}

static void fork_beside_finalizer(void) {
    struct one_heap one = one_heap(NULL);
    stage_set(0);
    make_finalizable(&one, &finalizables[0]);
    pthread_t thread = thread_start(run_finalizer, &one);
    stage_wait(1);
    make_finalizable(&one, &finalizables[1]);
    for (size_t i = 0; i < 2; i++)
        CHECK(finalizables[i].link == 0 && has_long_link(&one, &finalizables[i]),
              "links to an object before its finalizer has run");
    pid_t pid = fork_checked();
    if (pid == 0) {
        be_child_of_finalizer(&one);
        _exit(0);
    }
    wait_for(pid, "finalizer");
    gait_collect(one.mutator);
    stage_set(2);
    gait_enter_native(one.mutator);
    pthread_join(thread, NULL);
    gait_leave_native(one.mutator);
    CHECK(gait_run_finalizers(one.mutator, SIZE_MAX) == 1, "a queued finalizer is gone");
    gait_collect(one.mutator);
    for (size_t i = 0; i < 2; i++)
        CHECK(finalizables[i].ran == 1 && finalizables[i].long_link == 0,
              "%u finalizers of an object ran", finalizables[i].ran);
    gait_heap_destroy(one.heap);
}

/* ---- The program's own handlers ---- */

static struct one_heap *handled; /* NULL: the handlers do nothing */
static unsigned handlings;

static void use_in_handler(void) {
    if (!handled)
        return;
    make_garbage(handled, (size_t)1 << 20);
    gait_collect(handled->mutator);
    handlings++;
}

static void fork_with_handlers(void) {
    struct one_heap one = one_heap(NULL);
    handled = &one;
    CHECK(pthread_atfork(use_in_handler, use_in_handler, use_in_handler) == 0, "pthread_atfork");
    pid_t pid = fork_checked();
    CHECK(handlings == 2, "%u handlers ran", handlings);
    if (pid == 0)
        _exit(0);
    wait_for(pid, "handlers");
    handled = NULL;
    gait_heap_destroy(one.heap);
}

/* ---- CPU figures ---- */

static int64_t process_cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* They go on from the parent's. */
static void check_cpu_figures(void) {
    struct one_heap one = one_heap(NULL);
    make_garbage(&one, (size_t)400 << 20);
    uint64_t before_ns = stats_of(one.heap).cpu_total_ns;
    pid_t pid = fork_checked();
    if (pid == 0) {
        gait_collect(one.mutator);
        make_garbage(&one, (size_t)100 << 20);
        gait_stats stats = stats_of(one.heap);
        int64_t own_ns = process_cpu_ns();
        CHECK(stats.cpu_total_ns >= before_ns, "%" PRIu64 " ns CPU after %" PRIu64,
              stats.cpu_total_ns, before_ns);
        /* the parent goes on for a moment before it is copied: it waits for a cycle */
        CHECK(stats.cpu_total_ns - before_ns < (uint64_t)own_ns + 1000000000,
              "%" PRIu64 " ns CPU of a process that took %" PRId64 " since the fork",
              stats.cpu_total_ns - before_ns, own_ns);
        CHECK(stats.gc_cpu_fraction > 0 && stats.gc_cpu_fraction < 1, "a fraction of %g",
              stats.gc_cpu_fraction);
        _exit(0);
    }
    wait_for(pid, "figures");
    gait_heap_destroy(one.heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    alarm(PROCESS_SECONDS + (unsigned)run.seconds);
    unsigned due = 0, heaps = 0;
    if (children_work) {
        check_cpu_figures();
        fork_beside_coroutine();
        fork_beside_finalizer();
        fork_with_handlers();
        run_for(run.seconds / 3);
        due = fork_while_due(NULL);
        run_for(run.seconds / 3);
        due += fork_while_due("16MiB");
        run_for(run.seconds / 3);
    }
    unsigned beside = fork_beside_heaps(&heaps);
    printf("%u forks as a cycle was due, %u beside %u heaps\n", due, beside, heaps);
}

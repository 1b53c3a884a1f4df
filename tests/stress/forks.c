/* SPDX-License-Identifier: MIT */
/*
 * fork in a process whose threads allocate: the child goes on with the forking thread alone, on
 * both of the process's heaps, allocates, collects, runs finalizers, forks again; the parent's
 * threads notice nothing.
 *
 * Sanitizers don't keep their own state whole over a fork of several threads:
 *   AddressSanitizer's allocator may be locked in the child by a thread that it does not have. At a
 *   fork every attached thread stands at a safepoint, outside of malloc; so under it threads stay
 *   attached, and the child does all that it does elsewhere.
 *   ThreadSanitizer takes a thread that the child starts for one that was lost, and ignores what
 *   the child does. Under it the child starts none: it looks at its roots. What is checked for
 *   races is the parent's side, from before each fork to after it.
 */
#include "graph.h"

#include <signal.h>
#include <sys/wait.h>

#define THREADS 2
#define CHILD_SECONDS 20 /* a child that takes longer hangs */

static struct graph graphs[2];
static unsigned finalized; /* by this process's forking thread */
static unsigned attached;  /* atomic: threads that have attached */
static bool enough;        /* atomic: no fork comes any more */

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object, (void)data;
    finalized++;
}

static void run_finalizers(struct walker *walker) {
    while (gait_run_finalizers(walker->mutator, 100))
        ;
}

/* What a child does, or a parent between forks: allocate, collect, count finalizers. */
static void use_heap(struct walker *walker) {
    graph_run(walker, 300, 2);
    gait_word keep = 0;
    struct gait_frame frame;
    gait_push_frame(walker->mutator, &frame, &keep, 1);
    gait_collect(walker->mutator);
    run_finalizers(walker); /* of others: what is dead by now */
    gait_kind leaf = walker->graph->kinds[SHAPE_LEAF];
    unsigned before = finalized;
    for (unsigned i = 0; i < 10; i++) {
        keep = (gait_word)allocate(walker->mutator, leaf, 64);
        CHECK(gait_finalizer_set(walker->mutator, (void *)keep, finalize, NULL) == 0, "set");
    }
    keep = 0;
    gait_collect(walker->mutator);
    run_finalizers(walker);
    CHECK(finalized - before == 10, "%u of 10 finalizers ran", finalized - before);
    gait_pop_frame(walker->mutator);
    graph_run(walker, 300, 2);
}

static void wait_for(pid_t child, const char *who) {
    int status;
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with status %#x", who,
          (unsigned)status);
}

/* The root slots that the thread held before the fork are its own still. */
static void check_roots(struct walker *walker, const gait_word *roots) {
    for (size_t i = 0; i < ROOTS; i++)
        if (roots[i])
            verify(walker, roots[i]);
}

static void child(struct walker *walkers, gait_word (*roots)[ROOTS], unsigned depth) {
    alarm(CHILD_SECONDS);
    for (size_t i = 0; i < 2; i++) {
        check_roots(&walkers[i], roots[i]);
        if (!UNDER_TSAN)
            use_heap(&walkers[i]);
        gait_stats stats = stats_of(graphs[i].heap);
        CHECK(stats.mutators == 1, "%" PRIu64 " mutators in the child", stats.mutators);
    }
    if (UNDER_TSAN)
        return;
    if (depth > 0) {
        pid_t pid = fork();
        CHECK(pid >= 0, "fork");
        if (pid == 0) {
            child(walkers, roots, depth - 1);
            _exit(0);
        }
        wait_for(pid, "grandchild");
    }
    for (size_t i = 0; i < 2; i++)
        check_roots(&walkers[i], roots[i]);
    if (one_in(&walkers[0].random, 2))
        for (size_t i = 0; i < 2; i++) {
            gait_detach(walkers[i].mutator);
            gait_heap_destroy(graphs[i].heap);
        }
}

static void *work(void *argument) {
    struct walker *walker = argument;
    walker->mutator = attach(walker->graph->heap);
    __atomic_fetch_add(&attached, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&enough, __ATOMIC_ACQUIRE)) {
        graph_run(walker, 200, 2);
        if (one_in(&walker->random, 10))
            gait_collect(walker->mutator);
        if (!UNDER_ASAN && one_in(&walker->random, 10)) {
            gait_detach(walker->mutator);
            walker->mutator = attach(walker->graph->heap);
        }
    }
    gait_detach(walker->mutator);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    struct walker walkers[THREADS] = {0}, mine[2] = {0};
    gait_word roots[2][ROOTS] = {{0}};
    struct gait_frame frames[2];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < 2; i++) {
        if (i == 1)
            graph_init(&graphs[i], GAIT_STOP_THE_WORLD, "clobberfree=1,gcminor=5", "50");
        else
            graph_init(&graphs[i], 0, "clobberfree=1", "50");
        mine[i] = (struct walker){.graph = &graphs[i],
                                  .mutator = attach(graphs[i].heap),
                                  .random = mix(run.seed + i),
                                  .roots = roots[i]};
        gait_push_frame(mine[i].mutator, &frames[i], roots[i], ROOTS);
        gait_enter_native(mine[i].mutator);
    }
    for (size_t i = 0; i < THREADS; i++) {
        walkers[i] = (struct walker){.graph = &graphs[i % 2], .random = mix(run.seed + 10 + i)};
        threads[i] = thread_start(work, &walkers[i]);
    }
    while (__atomic_load_n(&attached, __ATOMIC_ACQUIRE) < THREADS)
        sleep_us(100);
    unsigned forks = 0;
    while (!time_is_up()) {
        for (size_t i = 0; i < 2; i++)
            gait_leave_native(mine[i].mutator);
        for (size_t i = 0; i < 2; i++)
            graph_run(&mine[i], 100, 1);
        bool native = one_in(&mine[0].random, 2);
        for (size_t i = 0; native && i < 2; i++)
            gait_enter_native(mine[i].mutator);
        fflush(stdout);
        pid_t pid = fork();
        CHECK(pid >= 0, "fork");
        if (pid == 0) {
            for (size_t i = 0; native && i < 2; i++)
                gait_leave_native(mine[i].mutator);
            child(mine, roots, forks % 3 == 0);
            _exit(0);
        }
        for (size_t i = 0; !native && i < 2; i++)
            gait_enter_native(mine[i].mutator);
        wait_for(pid, "child");
        forks++;
    }
    __atomic_store_n(&enough, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 2; i++) {
        gait_leave_native(mine[i].mutator);
        use_heap(&mine[i]);
        gait_pop_frame(mine[i].mutator);
    }
    printf("%u forks\n", forks);
    CHECK(forks > 0, "no fork");
    for (size_t i = 0; i < 2; i++)
        graph_destroy(&graphs[i]);
}

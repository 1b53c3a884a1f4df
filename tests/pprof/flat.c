/* SPDX-License-Identifier: MIT */
/*
 * A profile as tools see it that know no stacks: in which function the program's thread is, each
 * millisecond of its CPU time or so. The thread makes garbage, and stores, while a list and a tree
 * live, so it assists. It prints the share of its CPU time that went into assists, by the heap's
 * figures, then where it was: offsets in its file, each on a line.
 */
#include <gait/gait.h>
#include <gait/metrics.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define DEPTH 16
#define LINKS 200000
#define RUN_S 2.5
#define SAMPLES_MOST 100000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

extern const char __executable_start[]; /* the linker's */

static uintptr_t samples[SAMPLES_MOST];
static volatile sig_atomic_t sample_count;

static void on_tick(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    const mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
    uintptr_t at = (uintptr_t)machine->gregs[REG_RIP];
#else
    uintptr_t at = (uintptr_t)machine->pc;
#endif
    if (sample_count < SAMPLES_MOST)
        samples[sample_count++] = at;
}

static void sample_this_thread(void) {
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF};
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    const struct itimerspec each = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    if (sigaction(SIGPROF, &action, NULL) != 0 ||
        timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0 ||
        timer_settime(timer, 0, &each, NULL) != 0)
        exit(3);
}

static double thread_cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double assist_cpu_s(gait_heap *heap) {
    gait_metric_sample sample = {.name = "/cpu/classes/gc/mark/assist:cpu-seconds"};
    gait_read_metrics(heap, &sample, 1);
    return sample.value.float64;
}

static gait_word *node_new(gait_mutator *mutator, gait_kind kind) {
    gait_word *node = gait_alloc(mutator, kind, 32);
    if (!node)
        exit(3);
    return node;
}

static gait_word tree_new(gait_mutator *mutator, gait_kind kind, int depth) {
    gait_word words[2] = {0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, words, 2);
    for (int i = 0; depth > 0 && i < 2; i++)
        words[i] = tree_new(mutator, kind, depth - 1);
    gait_word *node = node_new(mutator, kind);
    gait_init(&node[0], words[0]);
    gait_init(&node[1], words[1]);
    gait_pop_frame(mutator);
    return (gait_word)(uintptr_t)node;
}

static void work(gait_mutator *mutator, gait_kind kind) {
    gait_word kept[2] = {0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, 2);
    kept[0] = tree_new(mutator, kind, DEPTH);
    for (int i = 0; i < LINKS; i++) {
        gait_word *node = node_new(mutator, kind);
        gait_init(&node[0], kept[1]);
        kept[1] = (gait_word)(uintptr_t)node;
    }
    double begin_s = thread_cpu_s();
    while (thread_cpu_s() - begin_s < RUN_S)
        for (int i = 0; i < 10000; i++) {
            gait_word *node = node_new(mutator, kind), *root = (gait_word *)(uintptr_t)kept[0];
            gait_store(mutator, &root[2], (gait_word)(uintptr_t)node);
        }
    gait_pop_frame(mutator);
}

int main(void) {
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    if (!heap)
        return 2;
    const gait_kind_info info = {.name = "node", .layout = GAIT_REFS};
    gait_kind kind = (gait_kind)gait_kind_register(heap, &info);
    gait_mutator *mutator = gait_attach(heap);
    sample_this_thread();
    work(mutator, kind);
    signal(SIGPROF, SIG_IGN);
    printf("%f\n", assist_cpu_s(heap) / thread_cpu_s());
    for (int i = 0; i < sample_count; i++)
        printf("%zx\n", (size_t)(samples[i] - (uintptr_t)__executable_start));
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}

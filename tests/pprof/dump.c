/* SPDX-License-Identifier: MIT */
/*
 * A program that knows nothing of profiles. It fills a heap, says so, and does what letters of its
 * input say:
 *
 *   h   (before the heap is there, as an argument) has a handler of its own for SIGUSR1
 *   l   (likewise) has a handler of exit that comes after the library's: says "exiting", and sleeps
 *   d   (likewise) has one that says so, destroys the heap, and says "destroyed"
 *   s   raises SIGUSR1
 *   f   forks: the child goes on as the program does, to the end of its input
 *   2   makes a second heap, and destroys it
 *   c   starts a thread that collects on and on
 *   b   starts a thread that never comes to a safepoint
 *   x   exits, with the heap there and its thread attached
 *   e   likewise, but detached
 *   .   the input's end: destroys the heap
 */
#include <gait/gait.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LATE_US 500000

static volatile sig_atomic_t handled;
static gait_heap *first;
static int attached_count; /* atomic */

static void on_signal(int signal) {
    (void)signal;
    handled++;
}

__attribute__((noinline)) static void make_list(gait_mutator *mutator, gait_kind kind,
                                                gait_word *kept) {
    for (int i = 0; i < 200000; i++) {
        gait_word *object = gait_alloc(mutator, kind, 48);
        if (!object)
            exit(3);
        gait_init(object, *kept);
        *kept = (gait_word)(uintptr_t)object;
    }
}

static void fill(gait_heap *heap, gait_word *kept) {
    const gait_kind_info info = {.name = "node", .layout = GAIT_REFS};
    gait_kind kind = (gait_kind)gait_kind_register(heap, &info);
    gait_mutator *mutator = gait_attach(heap);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, 1);
    make_list(mutator, kind, kept);
    gait_collect(mutator);
    gait_pop_frame(mutator);
}

static void say(const char *word) {
    puts(word);
    fflush(stdout);
}

static void end_late(void) {
    say("exiting");
    usleep(LATE_US);
}

static void destroy_late(void) {
    say("exiting");
    gait_heap_destroy(first);
    say("destroyed");
}

static void *collect_on(void *data) {
    gait_mutator *mutator = gait_attach(first);
    __atomic_fetch_add(&attached_count, 1, __ATOMIC_RELEASE);
    for (;;)
        gait_collect(mutator);
    return data;
}

static void *block(void *data) {
    gait_attach(first);
    __atomic_fetch_add(&attached_count, 1, __ATOMIC_RELEASE);
    for (;;)
        pause();
    return data;
}

static void start(void *(*run)(void *data)) {
    static int started;
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        exit(3);
    started++;
    while (__atomic_load_n(&attached_count, __ATOMIC_ACQUIRE) < started)
        gait_poll(gait_current(first));
}

/* The next letter; waiting for it holds nobody up. */
static int hear(gait_heap *heap) {
    gait_mutator *mutator = gait_current(heap);
    gait_enter_native(mutator);
    int letter = getchar();
    gait_leave_native(mutator);
    return letter;
}

static int follow(gait_heap *heap) {
    for (int letter; (letter = hear(heap)) != EOF;) {
        if (letter == 's')
            raise(SIGUSR1);
        if (letter == 'e')
            gait_detach(gait_current(heap));
        if (letter == 'x' || letter == 'e')
            return 0;
        if (letter == 'c' || letter == 'b')
            start(letter == 'c' ? collect_on : block);
        if (letter == '2') {
            gait_heap *second = gait_heap_create(NULL, NULL, 0);
            gait_word kept = 0;
            fill(second, &kept);
            gait_detach(gait_current(second));
            gait_heap_destroy(second);
        }
        if (letter == 'f') {
            pid_t child = fork();
            if (child < 0)
                return 3;
            if (child > 0) {
                int status;
                waitpid(child, &status, 0);
                return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
            }
        }
        say("done");
    }
    gait_detach(gait_current(heap));
    gait_heap_destroy(heap);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "h") == 0)
        signal(SIGUSR1, on_signal);
    if (argc > 1 && strcmp(argv[1], "l") == 0)
        atexit(end_late);
    if (argc > 1 && strcmp(argv[1], "d") == 0)
        atexit(destroy_late);
    setvbuf(stdin, NULL, _IONBF, 0); /* what a child reads the parent has not taken */
    gait_heap *heap = first = gait_heap_create(NULL, NULL, 0);
    if (!heap)
        return 2;
    gait_word kept = 0;
    fill(heap, &kept);
    say("ready");
    int status = follow(heap);
    printf("%d handled\n", (int)handled);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * The inline functions as most programs have them: their fast paths check nothing, and what a
 * detached mutator or one in native code meets are the slow ones.
 */
#include "misuse.h"

#include <pthread.h>
#include <stdlib.h>

gait_mutator *mutator;
gait_kind kind;
gait_word *object, slot;
gait_handle *handle;
gait_coroutine *coroutine;
struct gait_frame frame;

/* ---- The process of a call ---- */

void state_detached(void) { gait_detach(mutator); }
void state_native(void) { gait_enter_native(mutator); }
void state_running(void) {}

void state_taken_along(void) {
    gait_heap *other = gait_heap_create(NULL, NULL, 0);
    gait_enter_native(gait_attach(other));
}

static void *run_elsewhere(void *heap) {
    __atomic_store_n(&mutator, gait_attach(heap), __ATOMIC_RELEASE);
    for (;;)
        pause();
    return NULL;
}

void state_of_another(void) {
    pthread_t thread;
    gait_mutator *mine = mutator;
    if (pthread_create(&thread, NULL, run_elsewhere, gait_mutator_heap(mutator)) != 0)
        _exit(2);
    while (__atomic_load_n(&mutator, __ATOMIC_ACQUIRE) == mine)
        usleep(100);
}

static void child_run(const struct misuse *misuse, void (*prepare)(void)) {
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    if (!heap || !(mutator = gait_attach(heap)))
        _exit(2);
    gait_kind_info info = {.name = "refs", .layout = GAIT_REFS};
    kind = (gait_kind)gait_kind_register(heap, &info);
    object = gait_alloc(mutator, kind, 16);
    gait_push_frame(mutator, &frame, &slot, 1);
    gait_pop_frame(mutator);
    handle = gait_handle_new(mutator, (gait_word)object);
    coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    prepare();
    misuse->call();
    _exit(0);
}

/* One line on stderr, of which it is the start, and abort(). */
static bool stops(const struct misuse *misuse, void (*prepare)(void)) {
    int ends[2], status;
    char text[600], want[100];
    fflush(stdout);
    if (pipe(ends) < 0)
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        alarm(60);
        child_run(misuse, prepare);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length < sizeof text - 1 &&
                      (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    close(ends[0]);
    text[length] = 0;
    waitpid(pid, &status, 0);
    snprintf(want, sizeof want, "gait: %s: ", misuse->name);
    const char *newline = strchr(text, '\n');
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
           strncmp(text, want, strlen(want)) == 0 && newline && newline[1] == 0;
}

unsigned misuse_run(const struct misuse *calls, size_t count, const char *title,
                    void (*prepare)(void)) {
    unsigned silent = 0;
    for (size_t i = 0; i < count; i++)
        if (!stops(&calls[i], prepare)) {
            printf("%s: %s: no line that names it\n", title, calls[i].name);
            silent++;
        }
    return silent;
}

/* ---- Inline functions ---- */

static void call_alloc(void) { gait_alloc(mutator, kind, 16); }
static void call_alloc_large(void) { gait_alloc(mutator, kind, 1 << 20); }
static void call_poll(void) { gait_poll(mutator); }
static void call_store(void) { gait_store(mutator, object, 0); }

static const struct misuse of_detached[] = {
    {"gait_alloc", call_alloc},
    {"gait_alloc", call_alloc_large},
    {"gait_poll", call_poll},
    {"gait_store", call_store},
};
static const struct misuse in_native[] = {
    {"gait_alloc", call_alloc_large},
    {"gait_poll", call_poll},
    {"gait_store", call_store},
};

unsigned unchecked_run(void) {
    return misuse_run(of_detached, COUNT(of_detached), "unchecked, detached", state_detached) +
           misuse_run(in_native, COUNT(in_native), "unchecked, native", state_native);
}

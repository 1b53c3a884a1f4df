/* SPDX-License-Identifier: MIT */
/* What goes wrong with arenas, and what one sees of it: each mistake in a child process. */
#include "../embedding/example.h"

#include <gait/arena.h>
#include <gait/stats.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run a mistake in a child process. @return what it wrote to standard error. */
static const char *outcome(void (*mistake)(gait_mutator *), const char *debug, bool ends) {
    static char text[4096];
    int ends_of_pipe[2];
    CHECK(pipe(ends_of_pipe) == 0);
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends_of_pipe[1], STDERR_FILENO);
        gait_config config;
        gait_config_init(&config);
        config.debug = debug;
        gait_heap *heap = example_heap(&config);
        mistake(gait_attach(heap));
        gait_heap_destroy(heap);
        _exit(0);
    }
    close(ends_of_pipe[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends_of_pipe[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = 0;
    close(ends_of_pipe[0]);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) ? ends && WTERMSIG(status) == SIGABRT : !ends && status == 0);
    printf("%s", text);
    return text;
}

static gait_arena *named(gait_mutator *mutator, const char *name) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = name;
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena);
    return arena;
}

static void use_after_free(gait_mutator *mutator) {
    gait_arena *arena = named(mutator, "session");
    volatile char *text = gait_arena_alloc(mutator, arena, 100, 8);
    text[0] = 'x';
    gait_arena_free(mutator, arena);
    text[0] = 'y'; /* a fault: nobody else has these addresses yet */
}

static void leak(gait_mutator *mutator) {
    for (int i = 0; i < 2; i++) { /* the first handle is overwritten, and no root has either */
        gait_arena *arena = named(mutator, "report");
        CHECK(gait_arena_alloc(mutator, arena, 100, 8));
    }
    gait_collect(mutator);
}

static void reference_into_the_heap(gait_mutator *mutator) {
    gait_heap *heap = gait_mutator_heap(mutator);
    gait_kind pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_arena *arena = named(mutator, "forgetful"); /* not GAIT_ARENA_TRACED */
    gait_word *holder = gait_arena_new(mutator, arena, pair, 2 * sizeof *holder);
    gait_store(mutator, &holder[1], (gait_word)gait_alloc(mutator, pair, 16));
    gait_arena_reset(mutator, arena); /* looks for such references */
}

int main(void) {
    const char *text = outcome(use_after_free, "", true);
    CHECK(strstr(text, "session") && strstr(text, "mistakes.c"));
    text = outcome(leak, "arenaleaks=1", false);
    CHECK(strstr(text, "report") && strstr(text, "mistakes.c"));
    text = outcome(reference_into_the_heap, "arenacheck=1", true);
    CHECK(strstr(text, "forgetful") && strstr(text, "pair"));
    return 0;
}

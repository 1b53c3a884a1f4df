/* SPDX-License-Identifier: MIT */
/*
 * Runs programs of the small language: [--stop-the-world] [--stacks] [--objects] [--beside]
 * [--times N] FILE...
 *
 * --beside has another thread collect all the time, and a long list live, so that programs run
 * while cycles mark: a cycle that gcstress asks for ends before its allocation does.
 */
#include <pthread.h>

#include "tiny.h"

enum { BALLAST = 100000 }; /* pairs, one after another: some ms to mark */

static int ends; /* atomic */

static void *collect_beside(void *unused) {
    gait_mutator *mutator = gait_attach(tiny.heap);
    if (!mutator)
        abort();
    while (!__atomic_load_n(&ends, __ATOMIC_ACQUIRE))
        gait_collect(mutator);
    gait_detach(mutator);
    return unused;
}

static void run_file(const char *path) {
    FILE *in = fopen(path, "r");
    if (!in) {
        perror(path);
        exit(1);
    }
    ROOTS(kept, 2);
    kept[1] = cons(0, tiny.scope); /* a scope of its own */
    while ((kept[0] = read_form(in)) != 0)
        evaluate(kept[0], kept[1]);
    UNROOT();
    fclose(in);
}

int main(int argc, char **argv) {
    gait_config config;
    gait_config_init(&config);
    int first = 1, times = 1;
    bool beside = false;
    pthread_t thread;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++)
        if (strcmp(argv[first], "--stop-the-world") == 0)
            config.flags |= GAIT_STOP_THE_WORLD;
        else if (strcmp(argv[first], "--stacks") == 0)
            config.flags |= GAIT_CONSERVATIVE_STACKS;
        else if (strcmp(argv[first], "--objects") == 0)
            config.flags |= GAIT_OBJECT_BARRIER;
        else if (strcmp(argv[first], "--beside") == 0)
            beside = true;
        else if (strcmp(argv[first], "--times") == 0 && first + 1 < argc)
            times = atoi(argv[++first]);
        else
            return fprintf(stderr, "embed: no option %s\n", argv[first]), 2;
    tiny.says_objects = config.flags & GAIT_OBJECT_BARRIER;
    memory_start(&config);
    if (beside && pthread_create(&thread, NULL, collect_beside, NULL))
        abort();
    for (int i = 0; beside && i < BALLAST; i++)
        tiny.ballast = cons(NUMBER(i), tiny.ballast);
    builtins_define();
    for (; times > 0; times--)
        for (int i = first; i < argc; i++)
            run_file(argv[i]);
    finalize_all();
    __atomic_store_n(&ends, 1, __ATOMIC_RELEASE);
    if (beside) {
        gait_enter_native(tiny.mutator);
        pthread_join(thread, NULL);
        gait_leave_native(tiny.mutator);
    }
    memory_end();
    printf("%d checks\n", tiny.checks);
    return tiny.checks == 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Heaps that come and go on other threads while one forks: the child has no descriptor of theirs,
 * whichever was about to be opened or closed (runtime/platform/own.c). It looks, and does nothing
 * else, so that it needs no lock of a sanitizer's.
 */
#include "stress.h"

#include <signal.h>
#include <sys/wait.h>

#define THREADS 3
#define LOOKED_AT 500
#define CHILD_SECONDS 40 /* a child that takes longer hangs */

static char folder[] = "/tmp/gait-descriptors-XXXXXX";
static bool enough; /* atomic */

static void *come_and_go(void *argument) {
    size_t number = (size_t)(uintptr_t)argument;
    static const char *const sorts[] = {"trace", "pacerlog", "arenalog"};
    char debug[100];
    snprintf(debug, sizeof debug, "%s=%s/file,gcminor=3", sorts[number], folder);
    while (!__atomic_load_n(&enough, __ATOMIC_ACQUIRE)) {
        gait_config config;
        gait_config_init(&config);
        config.debug = debug;
        config.flags = GAIT_STOP_THE_WORLD;
        config.log = fopen("/dev/null", "w");
        gait_heap *heap = heap_of(&config);
        gait_mutator *mutator = attach(heap);
        gait_collect(mutator);
        gait_collect(mutator);
        gait_detach(mutator);
        gait_heap_destroy(heap);
        fclose(config.log);
    }
    return NULL;
}

static int descriptors(void) {
    int count = 0;
    for (int i = 3; i < LOOKED_AT; i++) {
        char name[40], to[300];
        snprintf(name, sizeof name, "/proc/self/fd/%d", i);
        ssize_t length = readlink(name, to, sizeof to - 1);
        to[length < 0 ? 0 : length] = '\0';
        count += strstr(to, folder) || strstr(to, "userfaultfd") || strstr(to, "pagemap");
    }
    return count;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    CHECK(mkdtemp(folder), "mkdtemp");
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(come_and_go, (void *)i);
    unsigned forks = 0;
    uint64_t random = mix(run.seed);
    for (; !time_is_up(); forks++) {
        pid_t child = fork();
        CHECK(child >= 0, "fork");
        if (child == 0) {
            alarm(CHILD_SECONDS);
            _exit(descriptors());
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child, "waitpid");
        CHECK(status == 0, "a child has descriptors of heaps: status %#x", (unsigned)status);
        sleep_us(one_in(&random, 2) ? 500 : 3000);
    }
    __atomic_store_n(&enough, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0, "rm");
    printf("%u forks\n", forks);
    return 0;
}

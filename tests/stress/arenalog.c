/* SPDX-License-Identifier: MIT */
/*
 * Threads tell of arenas faster than a log takes it. Each event is a line or is counted as lost;
 * the lines of a thread stand in its order, and none is torn. Children that are forked meanwhile
 * write files of their own and nothing of their parent's.
 */
#include "stress.h"

#include "instance.h"
#include "observe/arenalog.h"

#include <sys/wait.h>

#define THREADS 4

struct teller {
    gait_heap *heap;
    pthread_t thread;
    uint64_t number, told, read, last;
    uint64_t random;
};

static void *tell(void *argument) {
    struct teller *teller = argument;
    char name[32];
    while (!time_is_up()) {
        uint64_t burst = 1 + pick(&teller->random, 2000);
        for (uint64_t i = 0; i < burst; i++) {
            uint64_t id = ++teller->told;
            snprintf(name, sizeof name, "%llu of %llu", (unsigned long long)id,
                     (unsigned long long)teller->number);
            arenalog_arena(teller->heap, GAIT_ARENALOG_chunk, id, name, teller->number,
                           id * 3 + teller->number);
        }
        sleep_us((long)pick(&teller->random, 3000));
    }
    return NULL;
}

static uint64_t read_log(const char *path, struct teller *tellers) {
    char text[300];
    uint64_t lost = 0;
    FILE *file = fopen(path, "r");
    CHECK(file, "%s", path);
    CHECK(fgets(text, sizeof text, file), "no first line");
    while (fgets(text, sizeof text, file)) {
        unsigned long long time_ns, id, number, held, count, id_again, number_again;
        if (sscanf(text, "%llu lost %llu", &time_ns, &count) == 2) {
            lost += count;
        } else if (strstr(text, " chunk ")) {
            CHECK(sscanf(text, "%llu chunk %llu %llu %llu %llu of %llu\n", &time_ns, &id, &number,
                         &held, &id_again, &number_again) == 6,
                  "%s", text);
            CHECK(number < THREADS && number == number_again && id == id_again &&
                      held == id * 3 + number,
                  "torn: %s", text);
            CHECK(id > tellers[number].last, "out of order: %s", text);
            tellers[number].last = id;
            tellers[number].read++;
        }
    }
    fclose(file);
    return lost;
}

static gait_heap *heap_to(const char *path) {
    char debug[80];
    gait_config config;
    snprintf(debug, sizeof debug, "arenalog=%s", path);
    gait_config_init(&config);
    config.debug = debug;
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    CHECK(heap, "no heap");
    return heap;
}

/* In a child: what the parent's heap is told of goes nowhere, a heap of its own has its own file.
 */
static void child(gait_heap *parents, const char *path) {
    char own_path[80], text[2][100];
    snprintf(own_path, sizeof own_path, "%s.%ld", path, (long)getpid());
    arenalog_arena(parents, GAIT_ARENALOG_chunk, 1, "child", THREADS, 0);
    gait_heap *own = heap_to(path);
    arenalog_arena(own, GAIT_ARENALOG_create, 3, "own", 0, 0);
    gait_heap_destroy(own);
    FILE *file = fopen(own_path, "r");
    CHECK(file && fgets(text[0], 100, file) && fgets(text[1], 100, file), "%s", own_path);
    CHECK(strstr(text[1], " create 3 0 0 own\n"), "%s", text[1]);
    unlink(own_path);
    gait_heap_destroy(parents);
    _exit(0);
}

static void fork_some(gait_heap *heap, const char *path) {
    for (unsigned i = 0; i < 5; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            child(heap, path);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0, "child: %d", status);
    }
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/gait-arenalog-XXXXXX", path[64];
    struct teller tellers[THREADS];
    run_begin(argc, argv, 2);
    uint64_t random = run.seed;
    CHECK(mkdtemp(folder), "no folder");
    snprintf(path, sizeof path, "%s/log", folder);
    gait_heap *heap = heap_to(path);
    for (uint64_t i = 0; i < THREADS; i++) {
        tellers[i] = (struct teller){.heap = heap, .number = i, .random = next_random(&random)};
        tellers[i].thread = thread_start(tell, &tellers[i]);
    }
    uint64_t told = 0, read = 0;
    /* as in recording.c */
    if (!UNDER_TSAN && !UNDER_ASAN)
        fork_some(heap, path);
    for (int i = 0; i < THREADS; i++)
        pthread_join(tellers[i].thread, NULL);
    gait_heap_destroy(heap);
    uint64_t lost = read_log(path, tellers);
    for (int i = 0; i < THREADS; i++) {
        told += tellers[i].told;
        read += tellers[i].read;
    }
    CHECK(read + lost == told, "%llu lines, %llu lost, %llu told", (unsigned long long)read,
          (unsigned long long)lost, (unsigned long long)told);
    printf("%llu events, %llu lost\n", (unsigned long long)told, (unsigned long long)lost);
    unlink(path);
    rmdir(folder);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * One trace of many heaps: one that is there all the time, others that threads create, use together
 * and destroy meanwhile. Each has a process of its own in the file, with each of its cycles; each
 * thread that marks for it is named there; nothing is torn. Children that are forked meanwhile have
 * files of their own, of their own heap alone.
 *
 * With a file's name behind the seconds: two heaps are traced there, and nothing is checked.
 */
#include "stress.h"

#include "instance.h"

#include <sys/wait.h>

#define THREADS 3
#define HEAPS_MOST 20000
#define PROCESSES_MOST (1ul << 22) /* observe/trace.c */

struct life {
    unsigned number;
    uint64_t cycles;                     /* that it had */
    uint64_t named, told, last, threads; /* in the file */
};

static struct life lives[HEAPS_MOST];
static unsigned life_count; /* atomic */
static char path[80], debug[120];

static gait_heap *heap_traced(void) { return heap_new(0, debug, "off"); }

static void note_life(gait_heap *heap) {
    unsigned at = __atomic_fetch_add(&life_count, 1, __ATOMIC_RELAXED);
    CHECK(at < HEAPS_MOST, "more heaps than expected");
    lives[at] = (struct life){.number = heap->space.heap_number, .cycles = stats_of(heap).cycles};
}

static gait_kind leaf_of(gait_heap *heap) {
    return kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
}

struct share {
    gait_heap *heap;
    gait_kind leaf;
};

static void *share(void *argument) {
    const struct share *share = argument;
    gait_mutator *mutator = attach(share->heap);
    for (int i = 0; i < 2000; i++)
        allocate(mutator, share->leaf, 512);
    gait_collect(mutator);
    gait_detach(mutator);
    return NULL;
}

static void live(uint64_t *random) {
    gait_heap *heap = heap_traced();
    struct share shared = {heap, leaf_of(heap)};
    pthread_t other = 0;
    bool helped = one_in(random, 2);
    if (helped)
        other = thread_start(share, &shared);
    for (uint64_t i = pick(random, 3); i > 0; i--)
        share(&shared);
    if (helped)
        pthread_join(other, NULL);
    note_life(heap);
    gait_heap_destroy(heap);
}

static void *work(void *argument) {
    uint64_t random = run.seed ^ mix((uintptr_t)argument);
    while (!time_is_up() && __atomic_load_n(&life_count, __ATOMIC_RELAXED) < HEAPS_MOST - 100)
        live(&random);
    return NULL;
}

/* ---- The file ---- */

static struct life *life_of(unsigned long process, unsigned first) {
    unsigned long number = process == (unsigned long)getpid() ? first : process - PROCESSES_MOST;
    for (unsigned i = 0; i < life_count; i++)
        if (lives[i].number == number)
            return &lives[i];
    CHECK(false, "process %lu is no heap's", process);
    return NULL;
}

/* @return events that were dropped. */
static uint64_t read_trace(const char *name, unsigned first) {
    char text[1000];
    bool ended = false;
    unsigned long long dropped = 0;
    FILE *file = fopen(name, "r");
    CHECK(file, "%s", name);
    for (size_t line = 0; fgets(text, sizeof text, file); line++) {
        unsigned long process;
        int thread;
        char type;
        CHECK(!ended, "after the end: %s", text);
        CHECK(text[0] == (line ? ',' : '[') && text[1] == '{', "line %zu: %s", line, text);
        size_t length = strlen(text);
        ended = length > 3 && strcmp(text + length - 3, "}]\n") == 0;
        CHECK(ended || strcmp(text + length - 2, "}\n") == 0, "torn: %s", text);
        CHECK(sscanf(text + 1, "{\"ph\":\"%c\",\"pid\":%lu", &type, &process) == 2, "%s", text);
        struct life *life = life_of(process, first);
        const char *args = strstr(text, "\"args\":{");
        CHECK(args || strstr(text, "\"ph\":\"X\""), "%s", text);
        if (ended) {
            CHECK(sscanf(args, "\"args\":{\"dropped\":%llu}", &dropped) == 1, "%s", text);
        } else if (strstr(text, "\"process_name\"")) {
            life->named++;
        } else if (strstr(text, "\"thread_name\"")) {
            life->threads++;
        } else if (strstr(text, "\"name\":\"cycle\"")) {
            unsigned long long number;
            CHECK(sscanf(text + 1, "{\"ph\":\"X\",\"pid\":%lu,\"tid\":%d", &process, &thread) ==
                          2 &&
                      thread > 0 && sscanf(args, "\"args\":{\"number\":%llu}", &number) == 1,
                  "%s", text);
            CHECK(number > life->last, "out of order: %s", text);
            life->last = number;
            life->told++;
        }
    }
    CHECK(ended, "%s has no end", name);
    fclose(file);
    unlink(name);
    return dropped;
}

static uint64_t check_lives(const char *name, unsigned first) {
    uint64_t dropped = read_trace(name, first), cycles = 0;
    for (unsigned i = 0; i < life_count; i++) {
        const struct life *life = &lives[i];
        CHECK(life->named == 1, "heap %u is named %llu times", life->number,
              (unsigned long long)life->named);
        CHECK(life->told == life->cycles || dropped > 0, "heap %u: %llu cycles told of %llu",
              life->number, (unsigned long long)life->told, (unsigned long long)life->cycles);
        CHECK(life->cycles == 0 || life->threads > 2 || dropped > 0,
              "heap %u: no thread has a name", life->number);
        cycles += life->told;
    }
    printf("%u heaps, %" PRIu64 " cycles, %" PRIu64 " dropped\n", life_count, cycles, dropped);
    return dropped;
}

/* ---- Children ---- */

static void child(void) {
    char own_path[120];
    life_count = 0;
    gait_heap *heap = heap_traced();
    unsigned number = heap->space.heap_number;
    struct share shared = {heap, leaf_of(heap)};
    share(&shared);
    note_life(heap);
    gait_heap_destroy(heap);
    snprintf(own_path, sizeof own_path, "%s.%d", path, (int)getpid());
    check_lives(own_path, number);
    fflush(stdout);
    _exit(0);
}

static void fork_some(void) {
    while (!time_is_up()) {
        pid_t process = fork();
        CHECK(process >= 0, "fork");
        if (process == 0)
            child();
        int status;
        CHECK(waitpid(process, &status, 0) == process && status == 0, "child: %d", status);
        sleep_us(20000);
    }
}

static void trace_two(const char *file) {
    snprintf(debug, sizeof debug, "trace=%s", file);
    struct share shared[2];
    for (int i = 0; i < 2; i++) {
        shared[i].heap = heap_traced();
        shared[i].leaf = leaf_of(shared[i].heap);
    }
    for (int i = 0; i < 20; i++)
        share(&shared[i % 2]);
    for (int i = 0; i < 2; i++)
        gait_heap_destroy(shared[i].heap);
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/gait-traces-XXXXXX";
    run_begin(argc, argv, 3);
    if (argc > 3) {
        trace_two(argv[3]);
        return 0;
    }
    CHECK(mkdtemp(folder), "mkdtemp");
    snprintf(path, sizeof path, "%s/trace", folder);
    snprintf(debug, sizeof debug, "trace=%s", path);
    gait_heap *heap = heap_traced();
    unsigned first = heap->space.heap_number;
    struct share shared = {heap, leaf_of(heap)};
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)(i + 1));
    /* ThreadSanitizer does not follow a fork of several threads; under AddressSanitizer the child
     * may find the allocator locked by a thread that it does not have */
    if (!UNDER_TSAN && !UNDER_ASAN)
        fork_some();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    share(&shared);
    note_life(heap);
    gait_heap_destroy(heap);
    check_lives(path, first);
    /* the next heap begins another file */
    life_count = 0;
    heap = heap_traced();
    first = heap->space.heap_number;
    shared = (struct share){heap, leaf_of(heap)};
    share(&shared);
    note_life(heap);
    gait_heap_destroy(heap);
    snprintf(path, sizeof path, "%s/trace.2", folder);
    check_lives(path, first);
    rmdir(folder);
}

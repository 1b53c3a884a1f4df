/* SPDX-License-Identifier: MIT */
/*
 * Long calls hold nobody up: whole collections, each with its handshakes, begin and end within one
 * gait_fill, gait_move or gait_alloc of a large object. And what is done in pieces comes out as if
 * it were done at once, whatever the collector does between them.
 */
#include "stress.h"

/* Of one long call: some 30 ms. A collection of the rest takes 2. */
#define LONG_BYTES ((size_t)256 << 20)

static gait_heap *heap;
static gait_kind leaf, refs;

/* ---- Collections within one call ---- */

enum call { FILL, MOVE, ZERO, CALLS };
static const char *const call_names[CALLS] = {"gait_fill", "gait_move", "gait_alloc"};

static struct {
    enum call call;
    uint64_t serial;     /* atomic: odd while the call is under way */
    int64_t begin_ns;    /* atomic: CPU time of its thread as it began, */
    int64_t duration_ns; /* and what the last one took */
    int stop;            /* atomic */
} caller;

static int64_t cpu_ns(clockid_t clock) {
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0, "no CPU clock");
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t word_load(const int64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

static void word_store(int64_t *word, int64_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void call_once(gait_mutator *mutator, gait_word *object) {
    gait_word *words = (gait_word *)*object;
    size_t count = LONG_BYTES / sizeof(gait_word);
    if (caller.call == FILL) {
        gait_fill(mutator, words, 1, count);
    } else if (caller.call == MOVE) {
        gait_move(mutator, words + 1, words, count - 1);
    } else {
        *object = 0;
        *object = (gait_word)allocate(mutator, leaf, LONG_BYTES);
    }
}

static void *call_again_and_again(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_word object = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &object, 1);
    object = (gait_word)allocate(mutator, leaf, LONG_BYTES);
    while (!__atomic_load_n(&caller.stop, __ATOMIC_RELAXED)) {
        if (caller.call == ZERO)
            memset((void *)object, 1, LONG_BYTES); /* in memory: it has to be zeroed */
        int64_t begin_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
        word_store(&caller.begin_ns, begin_ns);
        __atomic_add_fetch(&caller.serial, 1, __ATOMIC_SEQ_CST);
        call_once(mutator, &object);
        word_store(&caller.duration_ns, cpu_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns);
        __atomic_add_fetch(&caller.serial, 1, __ATOMIC_SEQ_CST);
        gait_poll(mutator);
    }
    gait_detach(mutator);
    return NULL;
}

static uint64_t serial_load(void) { return __atomic_load_n(&caller.serial, __ATOMIC_SEQ_CST); }

/* Collect while a call is under way. @return whether that was over before the call had used half of
 * its CPU time: at its end it meets a safepoint in any case. */
static bool collect_early(gait_mutator *mutator, clockid_t clock) {
    uint64_t before = serial_load();
    if (before % 2 == 0)
        return false;
    int64_t begin_ns = word_load(&caller.begin_ns);
    gait_collect(mutator);
    int64_t spent_ns = cpu_ns(clock) - begin_ns;
    if (serial_load() != before)
        return false;
    while (serial_load() == before)
        gait_poll(mutator);
    int64_t duration_ns = word_load(&caller.duration_ns);
    return serial_load() == before + 1 && spent_ns < duration_ns / 2;
}

static void collect_within(gait_mutator *mutator, enum call call) {
    caller.call = call;
    caller.serial = 0;
    caller.stop = 0;
    pthread_t thread = thread_start(call_again_and_again, NULL);
    clockid_t clock;
    CHECK(pthread_getcpuclockid(thread, &clock) == 0, "no CPU clock");
    size_t within = 0;
    run_for(20); /* a fraction of a second is enough where other programs let this one run */
    while (within < 3 && !time_is_up()) {
        within += collect_early(mutator, clock);
        gait_poll(mutator);
    }
    __atomic_store_n(&caller.stop, 1, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    CHECK(within == 3, "%s: %zu collections ended before half of a call", call_names[call], within);
    printf("%s: collections within one call\n", call_names[call]);
}

/* ---- Moves in pieces ---- */

#define SLOTS 20000

static void *collect_again_and_again(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    while (!__atomic_load_n(&caller.stop, __ATOMIC_RELAXED))
        gait_collect(mutator);
    gait_detach(mutator);
    return NULL;
}

static gait_word new_number(gait_mutator *mutator, size_t number) {
    size_t *object = allocate(mutator, leaf, sizeof *object);
    *object = number;
    return (gait_word)object;
}

/* An array of numbers that only it refers to, beside a plain one. */
static void move_and_fill(gait_mutator *mutator) {
    static size_t plain[SLOTS];
    uint64_t random = run.seed;
    gait_word roots[2] = {0, 0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 2);
    roots[0] = (gait_word)allocate(mutator, refs, SLOTS * sizeof(gait_word));
    for (size_t i = 0; i < SLOTS; i++) {
        plain[i] = i;
        gait_word number = new_number(mutator, i);
        gait_store(mutator, (gait_word *)roots[0] + i, number);
    }
    caller.stop = 0;
    pthread_t thread = thread_start(collect_again_and_again, NULL);
    size_t steps = 0;
    for (run_for(run.seconds); !time_is_up(); steps++) {
        size_t count = pick(&random, SLOTS), to = pick(&random, SLOTS - count);
        size_t from = pick(&random, SLOTS - count);
        if (one_in(&random, 4)) {
            size_t number = (size_t)next_random(&random);
            /* the call alone keeps the number */
            gait_fill(mutator, (gait_word *)roots[0] + to, new_number(mutator, number), count);
            for (size_t i = 0; i < count; i++)
                plain[to + i] = number;
        } else {
            gait_move(mutator, (gait_word *)roots[0] + to, (gait_word *)roots[0] + from, count);
            memmove(plain + to, plain + from, count * sizeof *plain);
        }
        /* fresh numbers, and memory that is used again if it was freed too early */
        for (size_t i = 0; i < 200; i++) {
            size_t at = pick(&random, SLOTS);
            plain[at] = (size_t)next_random(&random);
            gait_word number = new_number(mutator, plain[at]);
            gait_store(mutator, (gait_word *)roots[0] + at, number);
        }
        for (size_t i = 0; i < SLOTS; i++)
            CHECK(**(size_t **)((gait_word *)roots[0] + i) == plain[i], "slot %zu, step %zu", i,
                  steps);
    }
    __atomic_store_n(&caller.stop, 1, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
    printf("%zu moves and fills\n", steps);
}

/* ---- Large blocks that come back ---- */

static double resident_mib(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    CHECK(file && fscanf(file, "%ld %ld", &all, &resident) == 2, "/proc/self/statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* A block of which the program touches little is used again: it is zero, and takes no more memory
 * than was touched. */
static void use_again(gait_mutator *mutator) {
    enum { ROUNDS = 5, TOUCHED = 200 };
    size_t bytes = LONG_BYTES * 4;
    uint64_t random = run.seed;
    gait_free_os_memory(mutator);
    double before = resident_mib();
    for (size_t round = 0; round < ROUNDS; round++) {
        char *object = allocate(mutator, leaf, bytes);
        for (size_t at = 0; at < bytes; at += 1 + pick(&random, 2 * bytes / TOUCHED))
            CHECK(object[at] == 0, "byte %zu of a fresh object", at);
        uint64_t again = round; /* where it was written by the last round, too */
        for (size_t i = 0; round > 0 && i < TOUCHED; i++)
            CHECK(object[pick(&again, bytes)] == 0, "written by the last object");
        again = round + 1;
        for (size_t i = 0; i < TOUCHED; i++)
            object[pick(&again, bytes)] = 1;
        gait_collect(mutator); /* nothing keeps it */
    }
    double more = resident_mib() - before;
    CHECK(more < (double)LONG_BYTES / 1048576 / 2, "%.0f MiB more", more);
    printf("a block of %zu MiB used %d times: %.1f MiB more resident\n", bytes >> 20, ROUNDS, more);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    heap = heap_new(0, NULL, NULL);
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_mutator *mutator = attach(heap);
    move_and_fill(mutator);
    use_again(mutator);
    for (enum call call = FILL; call < CALLS; call++)
        collect_within(mutator, call);
    gait_heap_destroy(heap);
    return 0;
}

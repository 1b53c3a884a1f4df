/* SPDX-License-Identifier: MIT */
/*
 * Long calls hold nobody up: a handshake is answered within a gait_fill, a gait_move or a
 * gait_alloc of a large object, and not at its end. And what is done in pieces comes out as if
 * it were done at once, whatever the collector does between them.
 */
#include "stress.h"

/* Of one long call: some 30 ms. */
#define LONG_BYTES ((size_t)(UNDER_TSAN || UNDER_ASAN ? 32 : 256) << 20)
/* Of a block of which little is touched. */
#define BLOCK_MIB 1024

static gait_heap *heap;
static gait_kind leaf, refs;

/* ---- Safepoints within one call ---- */

enum call { FILL, MOVE, ZERO, CALLS };
static const char *const call_names[CALLS] = {"gait_fill", "gait_move", "gait_alloc"};

static struct {
    enum call call;
    pthread_t thread;
    bool calls;       /* a call is under way; its thread's, as are these: */
    int64_t begin_ns; /* CPU time as it began, */
    int64_t first_ns; /* and from then to its first root scan; 0: none yet */
    size_t early;     /* atomic: calls whose roots were scanned before half of their time */
    size_t all;       /* atomic */
    int stop;         /* atomic */
} caller;

static int64_t cpu_ns(void) {
    struct timespec time;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, "no CPU clock");
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The roots of the calling thread are scanned at a safepoint: within the call. In native code, as
 * at the end of a stop, another thread does it. */
static void note_scan(gait_visitor *visitor, void *data) {
    (void)visitor, (void)data;
    if (pthread_equal(pthread_self(), caller.thread) && caller.calls && caller.first_ns == 0)
        caller.first_ns = cpu_ns() - caller.begin_ns;
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
    caller.thread = pthread_self();
    gait_mutator *mutator = attach(heap);
    gait_word object = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &object, 1);
    object = (gait_word)allocate(mutator, leaf, LONG_BYTES);
    gait_set_roots_callback(mutator, note_scan, NULL);
    while (!__atomic_load_n(&caller.stop, __ATOMIC_RELAXED)) {
        if (caller.call == ZERO)
            memset((void *)object, 1, LONG_BYTES); /* in memory: it has to be zeroed */
        gait_poll(mutator);
        caller.first_ns = 0;
        caller.begin_ns = cpu_ns();
        caller.calls = true;
        call_once(mutator, &object);
        caller.calls = false;
        int64_t duration_ns = cpu_ns() - caller.begin_ns;
        if (caller.first_ns > 0 && caller.first_ns < duration_ns / 2)
            __atomic_add_fetch(&caller.early, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&caller.all, 1, __ATOMIC_RELAXED);
    }
    gait_detach(mutator);
    return NULL;
}

/* Collect all the time: of some calls, the handshakes come early. Else they come at the end, where
 * there is a safepoint in any case. */
static void collect_within(gait_mutator *mutator, enum call call) {
    caller.call = call;
    caller.early = caller.all = 0;
    caller.stop = 0;
    pthread_t thread = thread_start(call_again_and_again, NULL);
    run_for(60); /* a fraction of a second is enough where other programs let this one run; two
                    calls took 20 under ThreadSanitizer on a busy machine */
    while (__atomic_load_n(&caller.early, __ATOMIC_RELAXED) < 3 && !time_is_up())
        gait_collect(mutator);
    __atomic_store_n(&caller.stop, 1, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    CHECK(caller.early >= 3, "%s: handshakes came early in %zu calls of %zu", call_names[call],
          caller.early, caller.all);
    printf("%s: handshakes came early in %zu calls of %zu\n", call_names[call], caller.early,
           caller.all);
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
    size_t bytes = (size_t)BLOCK_MIB << 20;
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
    CHECK(more < BLOCK_MIB / 8, "%.0f MiB more", more);
    printf("a block of %d MiB used %d times: %.1f MiB more resident\n", BLOCK_MIB, ROUNDS, more);
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

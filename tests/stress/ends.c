/* SPDX-License-Identifier: MIT */
/*
 * Ends of threads: by pthread_exit below pushed frames, or cancelled in native code, attached to
 * two heaps, while their functions' memory is overwritten and other threads collect. And what
 * thread-specific destructors of the program may do in which round.
 */
#include "stress.h"

#define DEPTH 4
#define WORDS 4

static gait_heap *heaps[2];
static gait_kind kinds[2];
static bool is_over; /* atomic */
static pthread_key_t early, late;

/* Where the functions were that have ended, nothing is left that looks like a frame. */
__attribute__((noinline)) static void scribble(void) {
    char memory[8192];
    memset(memory, 0x5a, sizeof memory);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* ---- Collectors ---- */

static void *collect(void *argument) {
    gait_heap *heap = argument;
    gait_mutator *mutator = attach(heap);
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
        gait_collect(mutator);
    gait_detach(mutator);
    return NULL;
}

/* Holds up the handshakes of heap 0: a thread that wants to detach there has to wait. */
static void *dawdle(void *unused) {
    (void)unused;
    gait_mutator *mutator = attach(heaps[0]);
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        int64_t end_ns = now_ns() + 2000000;
        while (now_ns() < end_ns)
            ;
        gait_poll(mutator);
    }
    gait_detach(mutator);
    return NULL;
}

/* ---- Threads that end ---- */

enum end { EXIT, EXIT_NATIVE, CANCELLED, ENDS };
/* ThreadSanitizer loses track of a thread that is cancelled in a call that it intercepts. */
#define TRIED (UNDER_TSAN ? CANCELLED : ENDS)

struct life {
    enum end end;
    int pipe[2];
    gait_mutator *mutators[2];
    unsigned rounds; /* of its late destructor */
};

static void cleanup(void *unused) {
    (void)unused;
    scribble();
    sleep_us(50);
}

static void end_here(struct life *life) {
    if (life->end == ENDS) /* the compiler is to believe that it may return */
        return;
    if (life->end == EXIT)
        pthread_exit(NULL);
    gait_enter_native(life->mutators[0]);
    if (life->end == EXIT_NATIVE)
        pthread_exit(NULL);
    char byte;
    CHECK(read(life->pipe[0], &byte, 1) == 1, "read"); /* it came as far as here */
    while (__atomic_load_n(&life->end, __ATOMIC_RELAXED) == CANCELLED)
        pause();
}

__attribute__((noinline)) static void deep(struct life *life, unsigned depth) {
    struct gait_frame frames[2];
    gait_word words[2][WORDS] = {{0}};
    for (size_t i = 0; i < 2; i++) {
        gait_push_frame(life->mutators[i], &frames[i], words[i], WORDS);
        words[i][0] = (gait_word)allocate(life->mutators[i], kinds[i], 64);
    }
    pthread_cleanup_push(cleanup, NULL);
    if (depth > 0)
        deep(life, depth - 1);
    else
        end_here(life);
    pthread_cleanup_pop(0);
    for (size_t i = 0; i < 2; i++)
        gait_pop_frame(life->mutators[i]);
}

static void *live(void *argument) {
    struct life *life = argument;
    for (size_t i = 0; i < 2; i++)
        life->mutators[i] = attach(heaps[i]);
    pthread_setspecific(early, life);
    pthread_setspecific(late, life);
    deep(life, DEPTH);
    return NULL;
}

static unsigned end_one(enum end end) {
    struct life life = {.end = end};
    CHECK(pipe(life.pipe) == 0, "pipe");
    pthread_t thread = thread_start(live, &life);
    if (end == CANCELLED) {
        CHECK(write(life.pipe[1], "x", 1) == 1, "write");
        sleep_us(100);
        pthread_cancel(thread);
    }
    pthread_join(thread, NULL);
    close(life.pipe[0]);
    close(life.pipe[1]);
    return life.rounds;
}

/* ---- Destructors: gait.h, gait_attach ---- */

static void use(gait_mutator *mutator, gait_kind kind) {
    gait_word word = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &word, 1);
    word = (gait_word)allocate(mutator, kind, 64);
    gait_poll(mutator);
    for (unsigned i = 0; i < 50; i++)
        allocate(mutator, kind, 4096);
    CHECK(gait_object_base(gait_mutator_heap(mutator), (void *)word) == (void *)word, "kept");
    gait_pop_frame(mutator);
}

/* Of a key that was made before any heap. */
static void early_destructor(void *value) {
    struct life *life = value;
    scribble();
    for (size_t i = 0; i < 2; i++) {
        CHECK(gait_current(heaps[i]) == life->mutators[i], "the first round finds it attached");
        use(life->mutators[i], kinds[i]);
    }
}

static void late_destructor(void *value) {
    struct life *life = value;
    char why[200] = "";
    gait_mutator *mutator = gait_current(heaps[0]);
    switch (++life->rounds) {
    case 1:
        CHECK(mutator == life->mutators[0], "the first round finds it attached");
        use(mutator, kinds[0]);
        break;
    case 2: /* it may attach anew, and is detached once more */
        CHECK(!mutator && !gait_current(heaps[1]), "the second round finds it detached");
        mutator = attach(heaps[1]);
        use(mutator, kinds[1]);
        gait_detach(mutator);
        use(attach(heaps[0]), kinds[0]);
        break;
    default:
        CHECK(!mutator && !gait_attach_explained(heaps[0], why, sizeof why), "the last round");
        CHECK(strncmp(why, "gait_attach: ", 13) == 0, "\"%s\"", why);
        return;
    }
    pthread_setspecific(late, life);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    CHECK(pthread_key_create(&early, early_destructor) == 0, "key");
    for (size_t i = 0; i < 2; i++) {
        heaps[i] = heap_new(0, "clobberfree=1", NULL);
        kinds[i] = kind_new(heaps[i], (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    }
    CHECK(pthread_key_create(&late, late_destructor) == 0, "key");
    pthread_t others[] = {thread_start(collect, heaps[0]), thread_start(collect, heaps[1]),
                          thread_start(dawdle, NULL)};
    unsigned ended = 0;
    while (!time_is_up()) {
        unsigned rounds = end_one((enum end)(ended++ % TRIED));
        CHECK(rounds == 3, "%u rounds of destructors", rounds);
    }
    __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        pthread_join(others[i], NULL);
    printf("%u threads ended\n", ended);
    for (size_t i = 0; i < 2; i++) {
        CHECK(stats_of(heaps[i]).mutators == 0, "a mutator is left");
        gait_heap_destroy(heaps[i]);
    }
}

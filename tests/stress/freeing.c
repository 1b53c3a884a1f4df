/* SPDX-License-Identifier: MIT */
/*
 * Threads that free and resize objects themselves, beside cycles of all kinds: each has a graph of
 * its own whose boxes are freed as their last reference goes, arrays that grow and shrink, and
 * boxes that go from thread to thread. A box says what it is, so one that was used again too early
 * is seen; a box that marking missed has no other reference.
 */
#include "stress.h"

#define THREADS 3
#define SLOTS 400
#define MAIL 64
#define ARRAY_MOST 30000
#define ARRAY_STRESSED 600

/* A box: its own address, disguised; another box, or 0; words of its size. */
enum { BOX_SELF, BOX_NEXT, BOX_WORDS };
#define DISGUISE (~(gait_word)0 << 1)

static gait_heap *heap;
static gait_kind boxes, arrays, bytes_kind;
static gait_word mail[MAIL]; /* static roots: boxes whose only reference is here */
static size_t array_most;

struct worker {
    gait_mutator *mutator;
    uint64_t random;
    struct gait_frame frame;
    gait_word roots[5]; /* the graph; two arrays; a box in hand; one that is held for long */
};

static void box_check(gait_word word) {
    const gait_word *box = (const gait_word *)word;
    CHECK((slot_load(&box[BOX_SELF]) ^ DISGUISE) == word, "%p was used again", (const void *)box);
}

static gait_word box_new(struct worker *worker, gait_word next) {
    worker->roots[3] = next;
    size_t words = BOX_WORDS + (one_in(&worker->random, 50) ? pick(&worker->random, 6000)
                                                            : pick(&worker->random, 12));
    gait_word *box = allocate(worker->mutator, boxes, words * sizeof(gait_word));
    for (size_t i = 0; i < words && i < 40; i++)
        CHECK(box[i] == 0, "%p: word %zu of a new box is %#zx", (void *)box, i, (size_t)box[i]);
    gait_init(&box[BOX_SELF], (gait_word)box ^ DISGUISE);
    gait_init(&box[BOX_NEXT], next);
    for (size_t i = BOX_WORDS; i < words; i++)
        gait_init(&box[i],
                  (gait_word)box ^ DISGUISE); /* nobody clears it: the next one is zeroed */
    worker->roots[3] = 0;
    return (gait_word)box;
}

/* The last reference to a box is gone: it, and the boxes behind it. Now and then the one behind is
 * held instead: it was found through this one alone, maybe while a cycle marks, and outlives it. */
static void box_free(struct worker *worker, gait_word word) {
    while (word) {
        box_check(word);
        gait_word next = slot_load(&((gait_word *)word)[BOX_NEXT]);
        bool holds = next && !worker->roots[4] && one_in(&worker->random, 4);
        if (holds)
            worker->roots[4] = next;
        gait_free(worker->mutator, (void *)word);
        word = holds ? 0 : next;
    }
}

static void held_step(struct worker *worker) {
    gait_word held = worker->roots[4];
    if (!held)
        return;
    box_check(held);
    if (!one_in(&worker->random, 300))
        return;
    worker->roots[4] = 0; /* no safepoint comes before it is freed */
    box_free(worker, held);
}

static void graph_step(struct worker *worker) {
    gait_word *graph = (gait_word *)worker->roots[0];
    gait_word *slot = &graph[pick(&worker->random, SLOTS)];
    gait_word held = slot_load(slot);
    if (held && one_in(&worker->random, 3)) {
        gait_store(worker->mutator, slot, 0);
        box_free(worker, held);
    } else {
        gait_word box = box_new(worker, held);
        graph = (gait_word *)worker->roots[0];
        gait_store(worker->mutator, slot, box);
    }
    for (unsigned i = 0; i < 4; i++) {
        gait_word word = slot_load(&graph[pick(&worker->random, SLOTS)]);
        for (unsigned depth = 0; word && depth < 5; depth++) {
            box_check(word);
            word = slot_load(&((gait_word *)word)[BOX_NEXT]);
        }
    }
}

/* Whoever takes a box out of the mail is the only one to have it. */
static void mail_step(struct worker *worker) {
    gait_word *slot = &mail[pick(&worker->random, MAIL)], word = slot_load(slot);
    if (word && gait_compare_exchange(worker->mutator, slot, &word, 0)) {
        worker->roots[3] = word;
        gait_poll(worker->mutator);
        worker->roots[3] = 0; /* no safepoint comes before it is freed */
        box_free(worker, word);
        return;
    }
    gait_word fresh = box_new(worker, 0), none = 0;
    if (!word && !gait_compare_exchange(worker->mutator, slot, &none, fresh))
        box_free(worker, fresh);
}

/* An array of boxes: its length in word 0. */
static void array_step(struct worker *worker) {
    gait_word *array = (gait_word *)worker->roots[1];
    size_t count = array[0] >> 1;
    size_t wanted = one_in(&worker->random, 4) ? pick(&worker->random, array_most)
                                               : count + 1 + pick(&worker->random, count / 2 + 8);
    wanted = wanted < array_most ? wanted : array_most;
    for (size_t i = wanted; i < count; i++) {
        gait_word box = slot_load(&array[1 + i]);
        gait_store(worker->mutator, &array[1 + i], 0);
        if (box)
            box_free(worker, box);
    }
    array = gait_realloc(worker->mutator, array, (1 + wanted) * sizeof(gait_word));
    CHECK(array, "no memory");
    worker->roots[1] = (gait_word)array;
    gait_store(worker->mutator, &array[0], wanted << 1 | 1);
    for (size_t i = 0; i < wanted; i++) {
        gait_word word = slot_load(&array[1 + i]);
        CHECK(i < count || word == 0, "word %zu of %zu, %zu before, is %#zx", i, wanted, count,
              (size_t)word);
        if (word)
            box_check(word);
    }
    for (unsigned i = 0; wanted > 0 && i < 20; i++) {
        size_t at = 1 + pick(&worker->random, wanted);
        array = (gait_word *)worker->roots[1];
        if (slot_load(&array[at]))
            continue;
        gait_word box = box_new(worker, 0);
        gait_store(worker->mutator, &((gait_word *)worker->roots[1])[at], box);
    }
}

/* Bytes that are resized: what they held stays, what is new is zero. */
static void bytes_step(struct worker *worker) {
    unsigned char *bytes = (unsigned char *)worker->roots[2];
    size_t room = gait_object_bytes(heap, bytes);
    unsigned char first = bytes[0], last = bytes[room - 1];
    memset(bytes, first + 1, room);
    size_t wanted = 1 + pick(&worker->random, one_in(&worker->random, 3) ? array_most * 8 : 3000);
    unsigned char *again = gait_realloc(worker->mutator, bytes, wanted);
    CHECK(again, "no memory");
    size_t now = gait_object_bytes(heap, again);
    for (size_t i = 0; i < now; i += 1 + i / 8) {
        unsigned char expected = i < room && i < wanted ? (unsigned char)(first + 1) : 0;
        CHECK(again[i] == expected, "byte %zu of %zu, before %zu, is %u, not %u (last %u)", i,
              wanted, room, again[i], expected, last);
    }
    worker->roots[2] = (gait_word)again;
}

static void *work(void *argument) {
    struct worker worker = {.mutator = attach(heap), .random = mix(run.seed + (uintptr_t)argument)};
    gait_push_frame(worker.mutator, &worker.frame, worker.roots, 5);
    worker.roots[0] = (gait_word)allocate(worker.mutator, arrays, SLOTS * sizeof(gait_word));
    worker.roots[1] = (gait_word)allocate(worker.mutator, arrays, 16);
    gait_store(worker.mutator, (gait_word *)worker.roots[1], 1);
    worker.roots[2] = (gait_word)allocate(worker.mutator, bytes_kind, 1);
    while (!time_is_up()) {
        for (unsigned i = 0; i < 50; i++) {
            graph_step(&worker);
            held_step(&worker);
        }
        mail_step(&worker);
        array_step(&worker);
        bytes_step(&worker);
        if (one_in(&worker.random, 200)) {
            gait_no_collect_begin(worker.mutator);
            for (unsigned i = 0; i < 20; i++)
                graph_step(&worker);
            gait_no_collect_end(worker.mutator);
        }
    }
    gait_pop_frame(worker.mutator);
    gait_detach(worker.mutator);
    return NULL;
}

static void test(uint32_t flags, const char *debug, const char *gogc) {
    heap = heap_new(flags, debug, gogc);
    array_most = debug && strstr(debug, "gcstress") ? ARRAY_STRESSED : ARRAY_MOST;
    gait_mutator *mutator = attach(heap);
    boxes = kind_new(heap, (gait_kind_info){.name = "box", .layout = GAIT_PREFIX, .head_words = 2});
    arrays = kind_new(heap, (gait_kind_info){.name = "array", .layout = GAIT_REFS});
    bytes_kind = kind_new(heap, (gait_kind_info){.name = "bytes", .layout = GAIT_LEAF});
    memset(mail, 0, sizeof mail);
    CHECK(gait_roots_add(mutator, mail, MAIL) == 0, "gait_roots_add");
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)i);
    gait_enter_native(mutator);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    gait_stats stats = stats_of(heap);
    printf("  %s, gogc %s: %" PRIu64 " cycles\n", debug ? debug : "plain", gogc, stats.cycles);
    fflush(stdout);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    static const struct {
        uint32_t flags;
        const char *debug, *gogc;
    } tests[] = {
        {0, NULL, "20"},
        {0, "clobberfree=1,gccheckmark=1", "20"},
        {0, "gcminor=6,clobberfree=1", "20"},
        {0, "gcminor=6,clobberfree=1,gccheckmark=1", "20"},
        {0, "gcminor=3,gcstress=40,clobberfree=1", "100"},
        {0, "gcstress=60,gccheckmark=1", "100"},
        {GAIT_STOP_THE_WORLD, "clobberfree=1", "20"},
    };
    const size_t count = sizeof tests / sizeof tests[0];
    for (size_t i = 0; i < count; i++) {
        run_for(run.seconds / (double)count);
        test(tests[i].flags, tests[i].debug, tests[i].gogc);
    }
    return 0;
}

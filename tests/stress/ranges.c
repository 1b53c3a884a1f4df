/* SPDX-License-Identifier: MIT */
/*
 * Ranges of roots beside marking: a large one that several threads store to, and small ones that
 * come, are filled, and go, with their memory, while markers scan them.
 */
#include "stress.h"

#include <sys/mman.h>

enum { THREADS = 3, SHARED_WORDS = 1 << 18, OWN_WORDS = 20000, KEPT = 64 };

static gait_heap *heap;
static gait_kind kind_item;
static gait_word shared[SHARED_WORDS]; /* each thread has a part of its own */
static bool conservative, plain;       /* plain: the world is stopped to mark */

struct item {
    gait_word stamp;
    gait_word self;
    gait_word padding[2];
};

static gait_word item_new(gait_mutator *mutator) {
    struct item *item = allocate(mutator, kind_item, sizeof *item);
    gait_init(&item->stamp, 0x1234567812345679);
    gait_init(&item->self, (gait_word)item | 1);
    return (gait_word)item + (conservative ? 8 : 0);
}

static void item_check(gait_word word) {
    gait_word reference = word & ~(gait_word)8;
    const struct item *item = (const struct item *)reference;
    CHECK(item->stamp == 0x1234567812345679 && item->self == (reference | 1), "item %p is lost",
          (void *)item);
}

static void set(gait_mutator *mutator, gait_word *slot, gait_word word) {
    if (plain)
        __atomic_store_n(slot, word, __ATOMIC_RELAXED);
    else
        gait_store(mutator, slot, word);
}

/* A range of its own: fill it, keep some of what it holds, take it back with its memory. */
static void own_range(gait_mutator *mutator, uint64_t *random, gait_word *kept) {
    size_t bytes = OWN_WORDS * sizeof(gait_word);
    gait_word *words =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(words != MAP_FAILED, "mmap");
    for (size_t i = 0; i < 10; i++) /* what it holds as it is added is kept, too */
        words[pick(random, OWN_WORDS)] = kept[pick(random, KEPT)];
    int flags = conservative ? GAIT_RANGE_CONSERVATIVE : 0;
    CHECK(gait_roots_add_range(mutator, words, bytes, (uint32_t)flags) == 0, "add");
    for (size_t i = 0; i < KEPT; i++)
        kept[i] = 0;
    for (size_t i = 0; i < 500; i++)
        set(mutator, &words[pick(random, OWN_WORDS)], item_new(mutator));
    for (size_t i = 0; i < OWN_WORDS; i++)
        if (slot_load(&words[i]))
            item_check(slot_load(&words[i]));
    for (size_t i = 0, at = pick(random, OWN_WORDS); i < KEPT; at = (at + 1) % OWN_WORDS)
        if (slot_load(&words[at]))
            kept[i++] = slot_load(&words[at]);
    CHECK(gait_roots_remove_range(mutator, words) == 0, "remove");
    CHECK(munmap(words, bytes) == 0, "munmap");
    for (size_t i = 0; i < KEPT; i++)
        item_check(kept[i]);
}

static void visit_kept(gait_visitor *visitor, void *data) {
    if (conservative)
        gait_visit_conservative(visitor, data, KEPT);
    else
        gait_visit_range(visitor, data, KEPT);
}

struct worker {
    size_t number;
    uint64_t random, rounds;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    gait_mutator *mutator = attach(heap);
    gait_word kept[KEPT] = {0};
    gait_set_roots_callback(mutator, visit_kept, kept);
    for (size_t i = 0; i < KEPT; i++)
        kept[i] = item_new(mutator);
    for (; !time_is_up(); worker->rounds++) {
        for (size_t i = 0; i < 1000; i++) {
            size_t at = pick(&worker->random, SHARED_WORDS / THREADS) * THREADS + worker->number;
            if (slot_load(&shared[at]))
                item_check(slot_load(&shared[at]));
            set(mutator, &shared[at],
                one_in(&worker->random, 3) ? kept[pick(&worker->random, KEPT)] : item_new(mutator));
        }
        own_range(mutator, &worker->random, kept);
    }
    gait_detach(mutator);
    return NULL;
}

static void ranges_test(uint32_t flags, bool loosely, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "5");
    plain = flags & GAIT_STOP_THE_WORLD;
    conservative = loosely;
    kind_item = kind_new(heap, (gait_kind_info){.name = "item", .layout = GAIT_LEAF});
    memset(shared, 0, sizeof shared);
    gait_mutator *mutator = attach(heap);
    CHECK(gait_roots_add_range(mutator, shared, sizeof shared,
                               conservative ? GAIT_RANGE_CONSERVATIVE : 0) == 0,
          "add");
    gait_detach(mutator);
    run_for(seconds);
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i, .random = mix(run.seed + i)};
        threads[i] = thread_start(work, &workers[i]);
    }
    uint64_t rounds = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        rounds += workers[i].rounds;
    }
    gait_stats stats = stats_of(heap);
    printf("%s, %s, %-26s %6" PRIu64 " rounds, %6" PRIu64 " cycles\n", plain ? "stopped" : "beside",
           conservative ? "conservative" : "exact", debug, rounds, (uint64_t)stats.cycles);
    fflush(stdout);
    CHECK(rounds > 0 && stats.cycles > 0, "nothing happened");
    CHECK(stats.globals_bytes == sizeof shared, "%zu bytes of roots are left",
          (size_t)stats.globals_bytes);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    double seconds = run.seconds / 5;
    ranges_test(0, false, "clobberfree=1", seconds);
    ranges_test(0, true, "clobberfree=1", seconds);
    ranges_test(0, false, "clobberfree=1,gccheckmark=1", seconds);
    ranges_test(GAIT_STOP_THE_WORLD, false, "clobberfree=1", seconds);
    ranges_test(GAIT_STOP_THE_WORLD, true, "clobberfree=1", seconds);
}

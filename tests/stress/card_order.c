/* SPDX-License-Identifier: MIT */
/*
 * The order of a store and its card, against one who takes the card: whoever has taken it sees the
 * store, or the card is dirty again. A processor may let a look at the card overtake the store, so
 * the card is written whatever it says (LOOK_FIRST, BIRTHS_LOOK_FIRST in docs/design/objects.md).
 *
 * Nothing is marked: a thread stores to an object and says so, by gait_dirty or as births are noted
 * at a safepoint; another one takes the card at the same moment, as a marker does, and reads the
 * object. Stores to memory that is in no cache come before, so that the one that counts waits.
 */
#include "stress.h"

#include <gait/dirty.h>
#include <sched.h>

#include "instance.h"

#define FAR_BYTES ((size_t)64 << 20) /* more than a cache has */
#define FAR_STORES 12

static gait_heap *heap;
static gait_kind kind;
static gait_mutator *mutator; /* the storing thread's */
static gait_word *object;     /* in a root */
static AO_t round_begun;      /* release: the round is set up */
static AO_t round_near;       /* release: the store is about to come */
static AO_t round_stored;     /* release: the store and its card are done */
static AO_t ended;
static bool births; /* what says so */

/* For a wait for a thread that may have no CPU. */
static void let_go_on(unsigned *spins) {
    if (++*spins % 4096 == 0)
        sched_yield();
}

static void await(const AO_t *place, AO_t round) {
    for (unsigned spins = 0; AO_load_acquire(place) != round;)
        let_go_on(&spins);
}

static void *store(void *argument) {
    uint64_t random = run.seed;
    unsigned spins = 0;
    char *far = argument;
    struct gait_frame frame;
    gait_word root = 0;
    mutator = attach(heap);
    gait_push_frame(mutator, &frame, &root, 1);
    object = allocate(mutator, kind, 64);
    root = (gait_word)object;
    AO_store_release(&round_stored, 1);
    for (AO_t round = 2; !AO_load_acquire(&ended);) {
        if (AO_load_acquire(&round_begun) != round) {
            let_go_on(&spins);
            continue;
        }
        AO_store_release(&round_near, round);
        for (unsigned i = 0; i < FAR_STORES; i++)
            *(volatile char *)&far[pick(&random, FAR_BYTES)] = 1;
        __atomic_store_n(&object[0], round, __ATOMIC_RELAXED);
        if (births)
            cache_note_births(&mutator->cache);
        else
            gait_dirty_slow(mutator, object);
        AO_store_release(&round_stored, round++);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

static void order_test(bool by_births, double seconds) {
    heap = heap_new(GAIT_OBJECT_BARRIER, NULL, "off");
    kind = kind_new(heap, (gait_kind_info){.name = "object", .layout = GAIT_REFS});
    const struct cards *cards = &heap->space.cards;
    uint64_t random = run.seed, old = 0, taken = 0;
    char *far = malloc(FAR_BYTES);
    CHECK(far, "no memory");
    memset(far, 0, FAR_BYTES);
    births = by_births;
    AO_store(&ended, 0);
    AO_store(&round_begun, 1);
    AO_store(&round_stored, 0);
    run_for(seconds);
    pthread_t thread = thread_start(store, far);
    while (!AO_load_acquire(&round_stored)) /* the object is there */
        sleep_us(10);
    AO_t round = 1;
    uintptr_t card = (uintptr_t)object;
    while (!time_is_up()) {
        card_renew(cards, card); /* a neighbour's */
        AO_store_release(&round_begun, ++round);
        await(&round_near, round);
        for (uint64_t wait = pick(&random, (uint64_t)1 << pick(&random, 16)); wait > 0; wait--)
            __asm__ volatile("" ::: "memory");
        bool was_dirty = cards_take(cards, card) != 0;
        gait_word seen = __atomic_load_n(&object[0], __ATOMIC_RELAXED);
        await(&round_stored, round);
        taken += was_dirty && seen == round;
        old += was_dirty && seen != round;
        CHECK(seen == round || card_is_dirty(cards, card),
              "round %" PRIu64 ": the card was taken, the old word read, and the card is clean",
              (uint64_t)round);
    }
    AO_store_release(&ended, 1);
    pthread_join(thread, NULL);
    printf("%s: %" PRIu64 " rounds; old words read in %" PRIu64 ", new ones in %" PRIu64 "\n",
           births ? "births" : "gait_dirty", (uint64_t)round, old, taken);
    free(far);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 2);
    order_test(false, run.seconds / 2);
    order_test(true, run.seconds / 2);
    return 0;
}

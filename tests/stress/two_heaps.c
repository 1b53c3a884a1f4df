/* SPDX-License-Identifier: MIT */
/*
 * A thread with two heaps: a safepoint in one is one in both. It works in one of them, by polls,
 * allocations, native regions, collections, while another thread collects the other one, which must
 * not wait. And regions of both heaps overlap, in every order.
 */
#include "stress.h"

#define WAIT_SECONDS 30

enum work { POLL, ALLOCATE, NATIVE, COLLECT, WORKS };

static gait_heap *heaps[2];
static gait_kind leaf;
static unsigned ready;    /* atomic: threads that are attached */
static bool is_collected; /* atomic */

static bool flag(bool *what) { return __atomic_load_n(what, __ATOMIC_ACQUIRE); }
static void raise_flag(bool *what) { __atomic_store_n(what, true, __ATOMIC_RELEASE); }

/* In heap 0 only, until heap 1 has been collected. */
static void *work_in_one(void *argument) {
    enum work work = (enum work)(uintptr_t)argument;
    gait_mutator *mutator = attach(heaps[0]), *idle = attach(heaps[1]);
    int64_t end_ns = now_ns() + WAIT_SECONDS * INT64_C(1000000000);
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; !flag(&is_collected); i++) {
        switch (work) {
        case POLL:
            gait_poll(mutator);
            break;
        case ALLOCATE:
            allocate(mutator, leaf, 64);
            break;
        case NATIVE:
            gait_enter_native(mutator);
            sleep_us(100);
            gait_leave_native(mutator);
            break;
        default:
            gait_collect(mutator);
        }
        CHECK(i % 1000 != 0 || now_ns() < end_ns, "heap 1 waits for one that works in heap 0: %d",
              (int)work);
    }
    gait_detach(mutator);
    gait_detach(idle);
    return NULL;
}

static void collect_other(enum work work) {
    ready = 0;
    is_collected = false;
    pthread_t worker = thread_start(work_in_one, (void *)(uintptr_t)work);
    while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
        sleep_us(50);
    gait_mutator *mutator = attach(heaps[1]);
    for (unsigned i = 0; i < 20; i++)
        gait_collect(mutator);
    raise_flag(&is_collected);
    gait_detach(mutator);
    pthread_join(worker, NULL);
}

/* ---- Regions ---- */

/* Both heaps are collected by another thread: neither waits for this one. */
static void *collect_both(void *unused) {
    (void)unused;
    for (size_t i = 0; i < 2; i++) {
        gait_mutator *mutator = attach(heaps[i]);
        gait_collect(mutator);
        gait_detach(mutator);
    }
    return NULL;
}

static void others_collect(void) { pthread_join(thread_start(collect_both, NULL), NULL); }

static void use(gait_mutator *mutator) {
    for (unsigned i = 0; i < 100; i++)
        allocate(mutator, leaf, 4096);
    gait_poll(mutator);
}

static void overlap(void) {
    gait_mutator *one = attach(heaps[0]), *two = attach(heaps[1]);
    /* one within the other */
    gait_enter_native(one);
    others_collect();
    gait_enter_native(two);
    others_collect();
    gait_leave_native(two);
    others_collect();
    gait_leave_native(one);
    use(one), use(two);
    /* side by side */
    gait_enter_native(one);
    gait_enter_native(two);
    gait_leave_native(one);
    use(one);
    gait_enter_native(one);
    others_collect();
    gait_leave_native(two);
    use(two);
    gait_enter_native(two);
    others_collect();
    gait_leave_native(two);
    gait_leave_native(one);
    use(one), use(two);
    /* attached within a region: it runs, and the region goes on when it has gone */
    gait_detach(two);
    gait_enter_native(one);
    two = attach(heaps[1]);
    use(two);
    gait_enter_native(two);
    others_collect();
    gait_leave_native(two);
    use(two);
    gait_detach(two);
    others_collect();
    gait_leave_native(one);
    use(one);
    /* detached within its own region: who was taken along runs again */
    two = attach(heaps[1]);
    gait_enter_native(two);
    gait_detach(two);
    use(one);
    gait_detach(one);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    for (size_t i = 0; i < 2; i++) {
        heaps[i] = heap_new(i ? GAIT_STOP_THE_WORLD : 0, "clobberfree=1", NULL);
        leaf = kind_new(heaps[i], (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    }
    unsigned rounds = 0;
    do {
        for (enum work work = POLL; work < WORKS; work++)
            collect_other(work);
        overlap();
        rounds++;
    } while (!time_is_up());
    printf("%u rounds\n", rounds);
    for (size_t i = 0; i < 2; i++)
        gait_heap_destroy(heaps[i]);
}

/* SPDX-License-Identifier: MIT */
/*
 * The barrier by objects where markers follow lists: a marker comes along a list while its thread
 * walks there too, stores the only reference to a new object into each node that it comes to, and
 * says so; and another marker takes the cards of these nodes. With gcdirty=1 nothing is said, and
 * the kernel tells of pages. Lists are made anew, so that minor cycles follow them as well, and so
 * do the rounds in which stacks are scanned again. Each is all that its thread's stack has: a block
 * of one reference, as a chain begins.
 */
#include "stress.h"

#include <gait/dirty.h>

#define THREADS 3
#define NODES 4000
#define ROUNDS 4   /* times that a list is walked along, before it is made anew */
#define STRIDE 40U /* nodes from one store to the next, at most                 */

struct node {
    struct node *next;
    struct value *value;
};

struct value {
    gait_word stamp, check;
};

struct worker {
    gait_mutator *mutator;
    gait_word list; /* in a frame */
    uint64_t random, stores;
};

static gait_heap *heap;
static gait_kind kind_node, kind_value;
static struct worker workers[THREADS];
static bool plain; /* nobody is told of stores */

static void value_check(const struct value *value) {
    CHECK(!value || value->check == (mix(value->stamp ^ (gait_word)value) | 1), "%p is lost",
          (const void *)value);
}

static void value_store(struct worker *worker, struct node *node) {
    value_check(node->value);
    struct value *value = allocate(worker->mutator, kind_value, sizeof *value);
    value->stamp = ++worker->stores;
    value->check = mix(value->stamp ^ (gait_word)value) | 1;
    __atomic_store_n(&node->value, value, __ATOMIC_RELEASE);
    if (!plain)
        gait_dirty(worker->mutator, node);
}

static void list_new(struct worker *worker) {
    worker->list = 0;
    for (size_t i = 0; i < NODES; i++) {
        struct node *node = allocate(worker->mutator, kind_node, sizeof *node);
        node->next = (struct node *)worker->list;
        worker->list = (gait_word)node;
    }
}

static void list_walk(struct worker *worker) {
    size_t left = 0;
    for (struct node *node = (struct node *)worker->list; node; node = node->next) {
        if (left-- == 0) {
            value_store(worker, node);
            left = pick(&worker->random, STRIDE);
        } else {
            value_check(node->value);
        }
    }
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct gait_frame frame;
    worker->mutator = attach(heap);
    gait_push_frame(worker->mutator, &frame, &worker->list, 1);
    while (!time_is_up()) {
        list_new(worker);
        for (size_t i = 0; i < ROUNDS; i++)
            list_walk(worker);
    }
    gait_pop_frame(worker->mutator);
    gait_detach(worker->mutator);
    return NULL;
}

static void lists_test(const char *debug, double seconds) {
    plain = strstr(debug, "gcdirty=1") != NULL;
    heap = heap_new(plain ? GAIT_STOP_THE_WORLD : GAIT_OBJECT_BARRIER, debug, "15");
    kind_node = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    kind_value = kind_new(heap, (gait_kind_info){.name = "value", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    run_for(seconds);
    pthread_t threads[THREADS];
    uint64_t stores = 0;
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.random = mix(run.seed + i)};
        threads[i] = thread_start(work, &workers[i]);
    }
    gait_enter_native(mutator);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        stores += workers[i].stores;
    }
    gait_leave_native(mutator);
    printf("%-38s %9" PRIu64 " stores, %6" PRIu64 " cycles\n", debug, stores,
           (uint64_t)stats_of(heap).cycles);
    fflush(stdout);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    double part = run.seconds / 5;
    lists_test("clobberfree=1", part);
    lists_test("gccheckmark=1,clobberfree=1", part);
    lists_test("gcminor=3,gccheckmark=1,clobberfree=1", part);
    lists_test("gcminor=8,clobberfree=1", part);
    lists_test("gcdirty=1,gccheckmark=1,clobberfree=1", part);
    return 0;
}

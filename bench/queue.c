/* SPDX-License-Identifier: MIT */
/*
 * A queue between threads: half of the threads make messages, the others take them, read them and
 * keep one item of each in a table that outlives them. A thread that finds the queue full or empty
 * waits.
 *
 * Parameters: threads (2); messages (120000) of each producer; items (32) of a message; kept
 * (200000) items in the table; slots (64) of the queue.
 */
#include "peer.h"

#include <pthread.h>

enum { TEXT_LEAST = 16, TEXT_SPREAD = 96 };

struct item { /* HEAD2 */
    peer_word next, text;
    uint64_t bytes, number;
};

struct message { /* HEAD1 */
    peer_word items;
    uint64_t sum;
};

/* globals[0]: the queue's slots, guarded by `lock`; globals[1]: the table, of which each consumer
 * has a part of its own. */
static peer_word globals[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t put, taken; /* messages so far; guarded by `lock` */
/* Constant while threads run. */
static uint64_t slots, messages, items, kept;
static unsigned pairs;

static void queue_lock(peer_thread *thread) {
    if (pthread_mutex_trylock(&lock) == 0)
        return;
    peer_block(thread);
    pthread_mutex_lock(&lock);
    peer_unblock(thread);
}

static void queue_wait(peer_thread *thread) {
    peer_block(thread);
    pthread_cond_wait(&changed, &lock);
    peer_unblock(thread);
}

static void queue_unlock(void) {
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static peer_word *queue_slot(uint64_t number) { return (peer_word *)globals[0] + number % slots; }

static peer_word message_make(peer_thread *thread, uint64_t *seed) {
    PEER_ROOTS(thread, made, 1);
    made[0] = (peer_word)peer_alloc(thread, PEER_HEAD1, sizeof(struct message));
    for (uint64_t i = 0; i < items; i++) {
        uint64_t bytes = TEXT_LEAST + bench_random(seed) % TEXT_SPREAD;
        struct item *item = peer_alloc(thread, PEER_HEAD2, sizeof *item);
        struct message *message = (struct message *)made[0];
        peer_init(&item->next, message->items);
        peer_init(&item->text, 0);
        item->bytes = bytes;
        item->number = i;
        message->sum += bytes;
        peer_store(thread, &message->items, (peer_word)item);
        char *text = peer_alloc(thread, PEER_LEAF, bytes);
        for (uint64_t at = 0; at < bytes; at++)
            text[at] = (char)(bytes + at);
        peer_store(thread, &((struct item *)((struct message *)made[0])->items)->text,
                   (peer_word)text);
    }
    PEER_ROOTS_END(thread, made);
    return made[0];
}

static void produce(peer_thread *thread, uint64_t seed) {
    PEER_ROOTS(thread, message, 1);
    for (uint64_t i = 0; i < messages; i++) {
        message[0] = message_make(thread, &seed);
        queue_lock(thread);
        while (put - taken == slots)
            queue_wait(thread);
        peer_store(thread, queue_slot(put++), message[0]);
        queue_unlock();
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, message);
}

static uint64_t read_items(const struct message *message) {
    uint64_t sum = 0;
    for (const struct item *item = (void *)message->items; item; item = (void *)item->next) {
        const char *text = (const char *)item->text;
        for (uint64_t at = 0; at < item->bytes; at++)
            sum += text[at] == (char)(item->bytes + at);
    }
    return sum;
}

static void consume(peer_thread *thread, unsigned index, uint64_t seed) {
    uint64_t part = kept / pairs, first = part * index;
    PEER_ROOTS(thread, message, 1);
    for (uint64_t i = 0; i < messages; i++) {
        queue_lock(thread);
        while (put == taken)
            queue_wait(thread);
        message[0] = *queue_slot(taken);
        peer_store(thread, queue_slot(taken++), 0);
        queue_unlock();
        struct message *read = (struct message *)message[0];
        if (read_items(read) != read->sum)
            bench_die("queue: a message came out wrong");
        struct item *item = (struct item *)read->items;
        peer_store(thread, &item->next, 0);
        peer_store(thread, (peer_word *)globals[1] + first + bench_random(&seed) % part,
                   (peer_word)item);
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, message);
}

static void queue_run(peer_thread *thread, unsigned index) {
    uint64_t seed = 88172645463325252u + index;
    if (index < pairs)
        produce(thread, seed);
    else
        consume(thread, index - pairs, seed);
}

void queue_main(void) {
    peer_thread *self = peer_attach();
    unsigned threads = (unsigned)bench_parameter("threads", 2);
    pairs = threads / 2;
    messages = bench_parameter("messages", 120000);
    items = bench_parameter("items", 32);
    kept = bench_parameter("kept", 200000);
    slots = bench_parameter("slots", 64);
    if (PEER_FREES)
        bench_die("queue: for peers that collect");
    if (pairs == 0 || items == 0 || slots == 0 || kept < pairs)
        bench_die("queue: a parameter is out of its range");
    peer_globals(self, globals, 2);
    peer_store(self, &globals[0],
               (peer_word)peer_alloc(self, PEER_REFS, slots * sizeof(peer_word)));
    peer_store(self, &globals[1], (peer_word)peer_alloc(self, PEER_REFS, kept * sizeof(peer_word)));
    peer_run_threads(self, 2 * pairs, queue_run);
    bench_figure("messages", (double)taken);
    peer_detach(self);
}

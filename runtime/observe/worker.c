/* SPDX-License-Identifier: MIT */
/*
 * Threads that may be left behind. See worker.h.
 */
#include "worker.h"

#include "../platform/atomic.h"

enum worker_state { WORKER_RUNS, WORKER_IS_GONE, WORKER_IS_LEFT };

static void worker_main(void *data) {
    struct worker *worker = data;
    worker->run(worker->argument);
    /* full: all that it did comes before; pairs with the acquire in worker_end */
    if (AO_int_compare_and_swap_full(&worker->state, WORKER_RUNS, WORKER_IS_GONE))
        platform_wake(&worker->state, 1); /* there until it is joined */
    else
        worker->release(worker->argument);
}

int worker_start(struct worker *worker, void (*run)(void *argument),
                 void (*release)(void *argument), void *argument, const char *name) {
    worker->run = run;
    worker->release = release;
    worker->argument = argument;
    AO_int_store(&worker->ended, 0);
    AO_int_store(&worker->state, WORKER_RUNS);
    return platform_thread_start(&worker->thread, worker_main, worker, name);
}

bool worker_is_ended(const struct worker *worker) {
    return AO_int_load_acquire(&worker->ended) != 0;
}

unsigned worker_word(const struct worker *worker) { return AO_int_load_acquire(&worker->wake); }

void worker_wait(struct worker *worker, unsigned word, int64_t timeout_ns) {
    platform_wait(&worker->wake, word, timeout_ns);
}

void worker_wake(struct worker *worker) {
    AO_int_fetch_and_add1_full(&worker->wake);
    platform_wake(&worker->wake, 1);
}

void worker_is_to_end(struct worker *worker) {
    AO_int_store_full(&worker->ended, 1);
    worker_wake(worker);
}

bool worker_end(struct worker *worker, int64_t wait_ns) {
    int64_t end_ns = platform_deadline_ns(wait_ns);
    worker_is_to_end(worker);
    while (AO_int_load_acquire(&worker->state) == WORKER_RUNS) {
        int64_t left_ns = end_ns - platform_now_ns();
        if (left_ns > 0) {
            platform_wait(&worker->state, WORKER_RUNS, left_ns);
            continue;
        }
        struct platform_thread thread = worker->thread; /* it may free itself once it is left */
        if (AO_int_compare_and_swap_full(&worker->state, WORKER_RUNS, WORKER_IS_LEFT)) {
            platform_thread_detach(&thread);
            return false;
        }
    }
    platform_thread_join(&worker->thread);
    return true;
}

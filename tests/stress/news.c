/* SPDX-License-Identifier: MIT */
/*
 * No thread that waits for something to mark is left asleep beside it. Threads bring things and
 * tell; more threads wait for one each, without a bound, and some give up when they wake, as
 * mutators do that owe nothing any more. A call that is missed shows as a round that does not end.
 */
#include "stress.h"

#include <sched.h>

#include "mark/news.h"

#define TELLERS 2
#define WAITERS 6
#define THINGS 2 /* that each teller brings in a round */
#define ROUND_SECONDS 20

static struct news news;
static AO_t things;   /* that nobody has taken */
static AO_t may_give; /* waiters that may still give up in this round */
static AO_t rounds;   /* begun; raised by main */
static AO_t told;     /* tellers that are through with this one */
static AO_t left;     /* waiters that are */
static AO_t over;     /* not 0: the rest of them may go */
static int stop;      /* atomic */

static bool take(AO_t *count) {
    for (AO_t now = AO_load(count); now > 0; now = AO_load(count))
        if (AO_compare_and_swap_full(count, now, now - 1))
            return true;
    return false;
}

static bool is_there(void *data) {
    (void)data;
    return AO_load_acquire(&things) > 0 || AO_load_acquire(&over);
}

/* @return false: there is none. */
static bool next_round(AO_t *round) {
    while (AO_load_acquire(&rounds) == *round)
        if (__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
            return false;
        else
            sched_yield();
    *round += 1;
    return true;
}

static void *tell(void *argument) {
    uint64_t random = run.seed + (uint64_t)(uintptr_t)argument;
    for (AO_t round = 0; next_round(&round);) {
        for (int i = 0; i < THINGS; i++) {
            sleep_us((long)pick(&random, 100)); /* as a rule all waiters sleep by then */
            for (uint64_t spins = pick(&random, 300); spins > 0; spins--)
                AO_nop_full();
            AO_fetch_and_add1_full(&things);
            news_tell(&news);
        }
        AO_fetch_and_add1_full(&told);
    }
    return NULL;
}

static void *await(void *argument) {
    uint64_t random = run.seed + (uint64_t)(uintptr_t)argument;
    for (AO_t round = 0; next_round(&round);) {
        while (!take(&things) && !AO_load_acquire(&over)) {
            news_await(&news, is_there, NULL, -1);
            if (one_in(&random, 2) && take(&may_give))
                break;
        }
        AO_fetch_and_add1_full(&left);
    }
    return NULL;
}

/* All that was brought is taken, or nobody is left to take it. */
static bool is_used_up(void) {
    return AO_load_acquire(&told) == TELLERS &&
           (AO_load_acquire(&things) == 0 || AO_load_acquire(&left) == WAITERS);
}

static bool is_through(void) { return AO_load_acquire(&left) == WAITERS; }

static void await_end(bool (*is_so)(void)) {
    int64_t end_ns = now_ns() + (int64_t)ROUND_SECONDS * 1000000000;
    while (!is_so()) {
        CHECK(now_ns() < end_ns,
              "round %zu: %zu of %d waiters are through, %zu things left, %zu wait",
              (size_t)AO_load(&rounds), (size_t)AO_load(&left), WAITERS, (size_t)AO_load(&things),
              (size_t)AO_load(&news.waiting));
        sleep_us(10);
    }
}

static void run_round(void) {
    AO_store(&things, 0);
    AO_store(&may_give, WAITERS - TELLERS * THINGS);
    AO_store(&told, 0);
    AO_store(&left, 0);
    AO_store(&over, 0);
    AO_fetch_and_add1_full(&rounds);
    await_end(is_used_up);
    AO_store_full(&over, 1);
    news_tell_all(&news);
    await_end(is_through);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 2);
    pthread_t threads[TELLERS + WAITERS];
    for (int i = 0; i < TELLERS + WAITERS; i++)
        threads[i] = thread_start(i < TELLERS ? tell : await, &threads[i]);
    while (!time_is_up())
        run_round();
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < TELLERS + WAITERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(AO_load(&news.waiting) == 0, "%zu still count", (size_t)AO_load(&news.waiting));
    printf("%zu rounds\n", (size_t)AO_load(&rounds));
    return 0;
}

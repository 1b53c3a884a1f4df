/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: rings of events. With threads: tests/stress/arenalog.c.
 */
#include "platform/ring.h"

#include <criterion/criterion.h>
#include <stdint.h>

struct event {
    uint64_t one, other;
};

static struct ring *ring;

static void open_ring(void) {
    ring = ring_new(8, sizeof(struct event));
    cr_assert_not_null(ring);
}

static void close_ring(void) { ring_free(ring); }

TestSuite(ring, .init = open_ring, .fini = close_ring);

static void put(uint64_t number) {
    const struct event event = {number, ~number};
    ring_put(ring, &event);
}

struct taken {
    uint64_t next, count;
};

static void take(void *data, const void *event) {
    struct taken *taken = data;
    const struct event *it = event;
    cr_expect_eq(it->one, taken->next);
    cr_expect_eq(it->other, ~taken->next);
    taken->next++;
    taken->count++;
}

Test(ring, events_come_in_their_order) {
    struct taken taken = {0, 0};
    for (uint64_t round = 0; round < 100; round++) {
        for (uint64_t i = 0; i < round % 9; i++)
            put(taken.next + i);
        taken.count = 0;
        ring_take(ring, take, &taken);
        cr_assert_eq(taken.count, round % 9);
    }
    cr_expect_eq(ring->dropped, 0u);
}

Test(ring, what_finds_no_room_is_dropped_and_counted) {
    struct taken taken = {0, 0};
    for (uint64_t i = 0; i < 11; i++)
        put(i);
    ring_take(ring, take, &taken);
    cr_expect_eq(taken.count, 8u);
    cr_expect_eq(ring->dropped, 3u);
    put(8);
    ring_take(ring, take, &taken);
    cr_expect_eq(taken.count, 9u);
}

Test(ring, what_was_not_taken_is_known) {
    struct taken taken = {0, 0};
    cr_expect_eq(ring_left(ring), 0u);
    for (uint64_t i = 0; i < 3; i++)
        put(i);
    cr_expect_eq(ring_left(ring), 3u);
    ring->next++; /* one that is being filled, and stays so */
    ring_take(ring, take, &taken);
    cr_expect_eq(taken.count, 3u);
    cr_expect_eq(ring_left(ring), 1u);
}

/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: delays at named points. In checked builds only.
 */
#include "platform/perturb.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define PASSAGES 20000

/* Pass a point so often. @return how many passages waited. */
static size_t pass(enum perturb_point point, size_t passages) {
    size_t before = perturb_delays(point);
    for (size_t i = 0; i < passages; i++)
        perturb_pass(point);
    return perturb_delays(point) - before;
}

/* The passages that waited, as bits, under this seed. */
static uint64_t pattern(uint64_t seed) {
    cr_assert_eq(perturb_arm(seed, NULL, 1), 0);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 1024; i++)
        bits = bits * 31 + pass(PERTURB_CYCLE_BEGIN, 1);
    return bits;
}

Test(perturb, nothing_waits_unless_armed) {
    perturb_disarm();
    for (unsigned point = 0; point < PERTURB_POINT_COUNT; point++)
        cr_assert_eq(pass((enum perturb_point)point, 100), 0u);
}

Test(perturb, some_passages_wait_and_most_do_not, .timeout = 60) {
    cr_assert_eq(perturb_arm(1, "cycle.begin+mark.begin+weak.read", 20), 0);
    size_t rare = pass(PERTURB_CYCLE_BEGIN, PASSAGES), often = pass(PERTURB_MARK_BEGIN, PASSAGES);
    size_t always = pass(PERTURB_WEAK_READ, PASSAGES);
    cr_assert(rare > 0 && rare < PASSAGES, "%zu", rare);
    cr_assert(often > 0 && often < PASSAGES / 2, "%zu", often);
    cr_assert(always > 0 && always < PASSAGES / 10, "%zu", always);
}

Test(perturb, the_same_seed_delays_the_same_passages, .timeout = 60) {
    uint64_t first = pattern(17);
    cr_assert_eq(pattern(17), first);
    cr_assert_neq(pattern(18), first);
}

Test(perturb, seeds_differ_in_which_points_are_eager, .timeout = 60) {
    size_t least = SIZE_MAX, most = 0;
    for (uint64_t seed = 1; seed <= 64; seed++) {
        cr_assert_eq(perturb_arm(seed, NULL, 1), 0);
        size_t waited = pass(PERTURB_SWEEP_CLAIMED, PASSAGES);
        least = waited < least ? waited : least;
        most = waited > most ? waited : most;
    }
    cr_assert(most > 8 * least, "%zu to %zu", least, most);
}

Test(perturb, only_the_points_that_are_named_wait, .timeout = 60) {
    cr_assert_eq(perturb_arm(3, "sweep+cycle.flip", 1), 0);
    cr_assert_gt(pass(PERTURB_SWEEP_OPEN, PASSAGES), 0u);
    cr_assert_gt(pass(PERTURB_CYCLE_FLIP, PASSAGES), 0u);
    cr_assert_eq(pass(PERTURB_CYCLE_FLIPPED, PASSAGES), 0u);
    cr_assert_eq(pass(PERTURB_LOCK_TAKEN, PASSAGES), 0u);
}

Test(perturb, a_point_that_is_named_is_eager, .timeout = 60) {
    for (uint64_t seed = 1; seed <= 16; seed++) {
        cr_assert_eq(perturb_arm(seed, "all+cycle.flip", 1), 0);
        cr_assert_gt(pass(PERTURB_CYCLE_FLIP, PASSAGES), PASSAGES / 5u);
    }
}

Test(perturb, a_delay_is_at_most_the_longest_and_keeps_errno, .timeout = 60) {
    cr_assert_eq(perturb_arm(5, "cycle", 3000), 0);
    int64_t longest_ns = 0;
    for (unsigned i = 0; i < 500; i++) {
        errno = ERANGE;
        int64_t begin_ns = platform_now_ns();
        perturb_pass(PERTURB_CYCLE_DONE);
        int64_t ns = platform_now_ns() - begin_ns;
        longest_ns = ns > longest_ns ? ns : longest_ns;
        cr_assert_eq(errno, ERANGE);
    }
    /* a busy machine adds to it; it can't take from the bound below */
    cr_assert_gt(longest_ns, 10000);
}

Test(perturb, text_is_taken_whole_or_refused) {
    static const char *const good[] = {"17", "1:all", "17:sweep+weak.read:4000",
                                       "18446744073709551615"};
    static const char *const bad[] = {"",
                                      "x",
                                      "17:",
                                      "17:no",
                                      "17:swee",
                                      "17:sweep+",
                                      "17:sweep:",
                                      "17:sweep:1x",
                                      "17::100",
                                      "-1",
                                      "17:sweep.open:1:1",
                                      "18446744073709551616"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert_eq(perturb_arm_text(good[i]), 0, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_lt(perturb_arm_text(bad[i]), 0, "%s", bad[i]);
}

/* SPDX-License-Identifier: MIT */
/*
 * pprof/candidates.h: which places are candidates for arenas.
 */
#include "candidates.h"

#include <criterion/criterion.h>

#define RATE 65536.0
#define MANY (100 * RATE)

/* Objects of 48 bytes, half of which cycles have looked at. */
static struct place_sums place_of(double short_part) {
    return (struct place_sums){.objects = MANY / 48,
                               .bytes = MANY,
                               .short_bytes = MANY / 2 * short_part,
                               .long_bytes = MANY / 2 * (1 - short_part)};
}

Test(candidates, many_small_objects_that_die_young_are) {
    struct place_sums place = place_of(0.99);
    cr_expect(candidate_is(&place, MANY, RATE));
    cr_expect_float_eq(candidate_short_percent(&place), 99, 1e-9);
    place = place_of(0.9);
    cr_expect(candidate_is(&place, MANY, RATE));
}

Test(candidates, others_are_not) {
    struct place_sums place = place_of(0.85);
    cr_expect(!candidate_is(&place, MANY, RATE), "too many outlive a cycle");
    place = place_of(1);
    cr_expect(!candidate_is(&place, 101 * MANY, RATE), "they are little of all");
    place.objects = MANY / 1025;
    cr_expect(!candidate_is(&place, MANY, RATE), "they are large");
    place = place_of(1);
    cr_expect(!candidate_is(&place, MANY, 2 * RATE), "there are few samples");
    place.short_bytes = place.long_bytes = 0;
    cr_expect(!candidate_is(&place, MANY, 0), "no cycle has looked");
    place = (struct place_sums){0};
    cr_expect(!candidate_is(&place, 0, 0), "nothing was allocated");
    cr_expect_float_eq(candidate_short_percent(&place), 0, 0);
}

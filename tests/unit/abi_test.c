/* SPDX-License-Identifier: MIT */
/*
 * runtime/abi: structures of a program that is built with headers of another size.
 */
#include "abi.h"

#include <criterion/criterion.h>
#include <stdint.h>

struct small {
    uint64_t first;
};

struct large {
    uint64_t first, second;
};

Test(abi, what_a_program_does_not_have_is_the_default) {
    struct large own = {1, 2};
    struct small given = {7};
    cr_assert(abi_take(&own, sizeof own, &given, sizeof given));
    cr_expect_eq(own.first, 7);
    cr_expect_eq(own.second, 2);
}

Test(abi, what_the_library_does_not_know_must_be_zero) {
    struct small own = {1};
    struct large given = {7, 0};
    cr_expect(abi_take(&own, sizeof own, &given, sizeof given));
    cr_expect_eq(own.first, 7);
    given.second = (uint64_t)1 << 63;
    cr_expect_not(abi_take(&own, sizeof own, &given, sizeof given));
}

Test(abi, nothing_is_written_beyond_a_programs_size) {
    struct large own = {1, 2}, given[2] = {{9, 9}, {9, 9}};
    abi_give(&given[0], sizeof(struct small), &own, sizeof own);
    cr_expect_eq(given[0].first, 1);
    cr_expect_eq(given[0].second, 9);
    abi_give(&given[0], sizeof own, &own, sizeof(struct small));
    cr_expect_eq(given[0].second, 0);
    cr_expect_eq(given[1].first, 9);
}

/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform/unwind.c: a stack is the same whether its steps are known or not.
 */
#include "platform/platform.h"
#include "platform/unwind_steps.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#define MOST 64

struct stack {
    uintptr_t addresses[MOST];
    size_t count;
};

/* ---- Functions of different kinds on the way ---- */

typedef void (*function)(struct stack *stack, int depth, size_t bytes);

static __attribute__((noinline)) void look(struct stack *stack) {
    stack->count = platform_unwind(stack->addresses, MOST, __builtin_return_address(0));
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void plain(struct stack *stack, int depth, size_t bytes) {
    if (depth == 0)
        look(stack);
    else
        plain(stack, depth - 1, bytes);
    __asm__ volatile("" ::: "memory");
}

/* Its frame's length varies. */
static __attribute__((noinline)) void varying(struct stack *stack, int depth, size_t bytes) {
    volatile char *room = __builtin_alloca(bytes);
    room[0] = 1;
    room[bytes - 1] = 1;
    plain(stack, depth, bytes);
    __asm__ volatile("" ::: "memory");
}

/* One place that calls: compilers may make several of a call in a loop. */
static __attribute__((noinline)) void call(function called, struct stack *stack, int depth,
                                           size_t bytes) {
    called(stack, depth, bytes);
    __asm__ volatile("" ::: "memory");
}

/* @return how many addresses, up to that place, differ from those of the first time. */
static size_t same(function called, int depth, size_t bytes, int times) {
    struct stack first = {.count = 0}, stack = {.count = 0};
    size_t differ = 0;
    for (int i = 0; i < times; i++) {
        call(called, &stack, depth, bytes);
        cr_assert_gt(stack.count, (size_t)depth + 1);
        if (i == 0)
            first = stack;
        differ += stack.count != first.count;
        for (size_t at = 0; at <= (size_t)depth + 1; at++)
            differ += stack.addresses[at] != first.addresses[at];
    }
    return differ;
}

Test(unwind, a_stack_is_the_same_each_time) {
    for (int depth = 0; depth < 40; depth += 3)
        cr_expect_eq(same(plain, depth, 0, 200), 0u, "depth %d", depth);
}

Test(unwind, what_is_deeper_than_is_asked_for_is_cut) {
    struct stack stack;
    for (int i = 0; i < 100; i++) {
        plain(&stack, 200, 0);
        cr_assert_eq(stack.count, (size_t)MOST);
        cr_expect_eq(stack.addresses[10], stack.addresses[50]);
    }
}

Test(unwind, a_frame_that_varies_is_found_out) {
    struct stack stack;
    varying(&stack, 2, 100);
    size_t count = stack.count, wrong = 0;
    for (size_t i = 0; i < 10 * STEPS_CHECKED_EACH; i++) {
        varying(&stack, 2, 100 + 16 * (i % 50));
        wrong = stack.count == count ? 0 : wrong + 1;
    }
    cr_expect_eq(wrong, 0u, "%zu stacks at the end are wrong", wrong);
}

static void *in_thread(void *unused) {
    (void)unused;
    return (void *)same(plain, 5, 0, 100);
}

Test(unwind, each_thread_has_its_own_stack) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, in_thread, NULL), 0);
    for (int i = 0; i < 3; i++) {
        void *differ;
        pthread_join(threads[i], &differ);
        cr_expect_eq((size_t)differ, 0u);
    }
}

Test(unwind, who_is_not_on_the_way_is_told_by_nothing) {
    uintptr_t addresses[MOST];
    for (int i = 0; i < 3; i++)
        cr_expect_eq(platform_unwind(addresses, MOST, (const void *)1), 0u);
}

/* ---- Steps ---- */

Test(unwind, steps_lead_where_the_unwinder_went) {
    /* three frames on a stack of our own: the address of each lies below its stack pointer */
    uintptr_t words[32] = {0}, addresses[MOST];
    uintptr_t base = (uintptr_t)words, top = base + sizeof words;
    struct steps_frame frames[] = {{0x1001, base}, {0x2002, base + 48}, {0x3003, base + 64}};
    words[5] = 0x2002, words[7] = 0x3003;
    cr_expect_eq(steps_walk(frames[0], top, addresses, MOST), 0u);
    steps_learn(frames, 3, true);
    cr_assert_eq(steps_walk(frames[0], top, addresses, MOST), 3u);
    cr_expect(addresses[0] == 0x1001 && addresses[1] == 0x2002 && addresses[2] == 0x3003);
    cr_expect_eq(steps_walk(frames[0], top, addresses, 2), 2u);
    cr_expect_eq(steps_walk(frames[0], base + 64, addresses, MOST), 0u, "beyond the stack");
    words[7] = 0x4004; /* called by somebody else */
    cr_expect_eq(steps_walk(frames[0], top, addresses, MOST), 0u);
    struct steps_frame other[] = {{0x1001, base}, {0x2002, base + 64}};
    words[7] = 0x2002;
    steps_learn(other, 2, false);
    words[7] = 0x3003;
    cr_expect_eq(steps_walk(frames[0], top, addresses, MOST), 0u, "it varies");
    steps_learn(frames, 3, true);
    cr_expect_eq(steps_walk(frames[0], top, addresses, MOST), 0u, "it is known to vary");
}

/* SPDX-License-Identifier: MIT */
/*
 * gait_attach: what it can't have, it says; and copies of a shadow stack's frames.
 */
#include "mark/frame_copy.h"
#include "platform/fault.h"

#include <criterion/criterion.h>
#include <gait/gait.h>
#include <string.h>

static gait_heap *heap_of(uint32_t flags) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.debug = "";
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    return heap;
}

Test(attach, a_stack_that_is_not_known_is_refused_where_stacks_are_scanned) {
    gait_heap *scans = heap_of(GAIT_CONSERVATIVE_STACKS), *exact = heap_of(0);
    char why[200] = "";
    fault_arm(FAULT_MASK(FAULT_STACK), 0, 1);
    cr_assert_null(gait_attach(scans));
    cr_assert_null(gait_attach_explained(scans, why, sizeof why));
    cr_assert_not_null(strstr(why, "gait_attach: the system does not tell where"));
    cr_assert_null(gait_current(scans));
    cr_assert_not_null(gait_attach(exact));
    fault_disarm();
    cr_assert_not_null(gait_attach(scans));
    gait_heap_destroy(scans);
    gait_heap_destroy(exact);
}

Test(attach, a_thread_whose_end_is_not_heard_of_is_refused) {
    gait_heap *heap = heap_of(0);
    char why[200] = "";
    fault_arm(FAULT_MASK(FAULT_KEY_SET), 0, 1);
    cr_assert_null(gait_attach_explained(heap, why, sizeof why));
    fault_disarm();
    cr_assert_not_null(strstr(why, "gait_attach: the thread's end"));
    cr_assert_not_null(gait_attach_explained(heap, why, sizeof why));
    gait_heap_destroy(heap);
}

/* ---- Copies of frames ---- */

#define FRAMES 100

static struct gait_frame frames[FRAMES];
static gait_word words[FRAMES];
static struct gait_mutator_head head;
static struct frame_copy copy;

static void push(size_t i) { gait_push_frame((gait_mutator *)&head, &frames[i], &words[i], 1); }

static void pop(void) { gait_pop_frame((gait_mutator *)&head); }

static gait_word sum;

static void add(struct gait_visitor *visitor, gait_word word, bool conservative) {
    (void)visitor, (void)conservative;
    sum += word;
}

/* What the copy visits is the sum of the words, and as many bytes. */
static void check_copy(gait_word expected, size_t count) {
    struct gait_visitor visitor = {.visit = add};
    frame_copy_update(&copy, head.frames);
    sum = 0;
    cr_assert_eq(frame_copy_visit(&visitor, &copy), count * sizeof(gait_word));
    cr_assert_eq(sum, expected);
}

Test(frame_copy, follows_pushes_and_pops) {
    for (size_t i = 0; i < FRAMES; i++)
        words[i] = 1 + i;
    check_copy(0, 0);
    for (size_t i = 0; i < 50; i++)
        push(i);
    check_copy(50 * 51 / 2, 50);
    check_copy(50 * 51 / 2, 50);
    pop();
    pop();
    check_copy(48 * 49 / 2, 48);
    /* the same frames at other depths */
    pop();
    push(49);
    push(48);
    check_copy(47 * 48 / 2 + 49 + 50, 49);
    for (size_t i = 50; i < FRAMES; i++)
        push(i);
    check_copy(47 * 48 / 2 + 49 + 50 + (100 * 101 / 2 - 50 * 51 / 2), 99);
    /* another stack's frames, copied into this one before or not */
    frame_copy_forget(&copy);
    check_copy(47 * 48 / 2 + 49 + 50 + (100 * 101 / 2 - 50 * 51 / 2), 99);
    head.frames = NULL;
    check_copy(0, 0);
    frame_copy_free(&copy);
}

/* A frame that was copied is popped; the same memory is pushed with other slots, and what lies
 * below it has changed. */
Test(frame_copy, a_frame_that_is_pushed_anew_is_copied_anew) {
    push(0);
    push(1);
    words[0] = 1, words[1] = 2, words[2] = 4, words[3] = 8;
    check_copy(3, 2);
    pop();
    pop();
    push(2);
    gait_push_frame((gait_mutator *)&head, &frames[1], &words[3], 1);
    check_copy(12, 2);
    pop();
    pop();
    frame_copy_free(&copy);
}

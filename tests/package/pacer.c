/* SPDX-License-Identifier: MIT */
/*
 * The policy alone: a program paces something of its own by it, beside no heap. Links
 * libgait-pacer, and nothing else.
 */
#include <gait/pacer.h>
#include <stdio.h>

int main(void) {
    struct gait_pacer pacer;
    gait_pacer_init(&pacer, 100, GAIT_PACER_NO_LIMIT);
    gait_pacer_commit(&pacer, true);
    printf("goal of an empty heap: %llu\n", (unsigned long long)gait_pacer_goal(&pacer));
    return gait_pacer_goal(&pacer) == gait_pacer_heap_minimum(&pacer) ? 0 : 1;
}

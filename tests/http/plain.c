/* SPDX-License-Identifier: MIT */
/*
 * A program that knows nothing of HTTP: it has a heap until its input ends.
 */
#include <gait/gait.h>
#include <stdio.h>

int main(void) {
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    if (!heap)
        return 1;
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    gait_heap_destroy(heap);
    return 0;
}

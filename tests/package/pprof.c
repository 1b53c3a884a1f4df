/* SPDX-License-Identifier: MIT */
/*
 * A heap profile, of a program that links libgait-pprof.
 */
#include <gait/pprof.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char error[200];
    gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap)
        return puts(error), 1;
    size_t bytes = 0;
    void *profile = gait_heap_profile(heap, GAIT_PPROF_LIVE, &bytes);
    printf("a profile of %zu bytes\n", bytes);
    free(profile);
    gait_heap_destroy(heap);
    return profile && bytes ? 0 : 1;
}

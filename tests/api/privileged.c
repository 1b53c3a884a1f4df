/* SPDX-License-Identifier: MIT */
/*
 * Says whether it is privileged, and what its heap was created with: privileged_test.py runs it.
 */
#include <gait/gait.h>
#include <stdio.h>
#include <sys/auxv.h>

int main(void) {
    char error[200] = "";
    gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap) {
        printf("refused: %s\n", error);
        return 1;
    }
    gait_mutator *mutator = gait_attach(heap);
    if (!mutator)
        return 1;
    gait_collect(mutator);
    printf("privileged %lu gogc %d limit %lld procs %d\n", getauxval(AT_SECURE),
           (int)gait_set_gogc(heap, GAIT_KEEP), (long long)gait_set_memory_limit(heap, -1),
           (int)gait_set_max_procs(heap, 0));
    gait_heap_destroy(heap);
}

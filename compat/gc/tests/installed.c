/* SPDX-License-Identifier: MIT */
/* A program of libgc's, by pkg-config gait-gc. */
#include <gc/gc.h>

#include <stdio.h>

struct pair {
    struct pair *next;
    size_t number;
};

int main(void) {
    struct pair *list = NULL;
    GC_INIT();
    for (size_t i = 0; i < 100000; i++) {
        struct pair *pair = GC_MALLOC(sizeof *pair);
        pair->number = i;
        if (i % 100 == 0) {
            pair->next = list;
            list = pair;
        }
    }
    GC_gcollect();
    size_t count = 0;
    for (; list; list = list->next)
        count++;
    printf("%zu of them live, %lu collections\n", count, (unsigned long)GC_get_gc_no());
    return count == 1000 ? 0 : 1;
}

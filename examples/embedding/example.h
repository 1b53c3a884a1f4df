/* SPDX-License-Identifier: MIT */
/* What every example has: a heap to work with, and a check that holds in every build. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <gait/gait.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

/* A heap as *config says (NULL: with the defaults), or the end. */
static inline gait_heap *example_heap(const gait_config *config) {
    char error[200];
    gait_heap *heap = gait_heap_create(config, error, sizeof error);
    if (!heap) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    return heap;
}

static inline gait_kind example_kind(gait_heap *heap, const gait_kind_info *info) {
    int kind = gait_kind_register(heap, info);
    CHECK(kind >= 0);
    return (gait_kind)kind;
}

#endif

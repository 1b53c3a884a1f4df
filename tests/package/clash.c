/* SPDX-License-Identifier: MIT */
/*
 * A program has names of its own, which the library's files use among themselves too: each keeps
 * its own. Linked with the static library.
 */
#include <gait/gait.h>
#include <gait/offheap.h>

static int calls;

int cache_init(void *cache);
int world_init(void *world);
int queue_init(void *queue);
int roots_init(void *roots);
int blocks_init(void *blocks);
int platform_fatal(const char *text);

int cache_init(void *cache) {
    (void)cache;
    return ++calls;
}

int world_init(void *world) {
    (void)world;
    return ++calls;
}

int queue_init(void *queue) {
    (void)queue;
    return ++calls;
}

int roots_init(void *roots) {
    (void)roots;
    return ++calls;
}

int blocks_init(void *blocks) {
    (void)blocks;
    return ++calls;
}

int platform_fatal(const char *text) {
    (void)text;
    return ++calls;
}

int main(void) {
    char error[200];
    gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap)
        return puts(error), 1;
    gait_mutator *mutator = gait_attach(heap);
    gait_kind_info leaf = {.name = "leaf", .layout = GAIT_LEAF};
    int kind = gait_kind_register(heap, &leaf);
    void *block = gait_offheap_calloc(heap, 1, 100, GAIT_OFFHEAP_UNTAGGED);
    if (!block || !gait_alloc(mutator, (gait_kind)kind, 16))
        return puts("no memory"), 1;
    gait_offheap_free(heap, block);
    gait_collect(mutator);
    gait_heap_destroy(heap);
    return printf("calls of the program's own functions: %d\n", calls), calls != 0;
}

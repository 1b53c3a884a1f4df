/* SPDX-License-Identifier: MIT */
/* Memory that a C library allocates behind small objects, counted as if the heap had it. */
#include "../embedding/example.h"

#include <gait/foreign.h>
#include <gait/stats.h>

#define BYTES ((size_t)1 << 20)

static int freed;

static void free_buffer(gait_mutator *mutator, void *buffer) {
    free(buffer);
    gait_foreign_sub(mutator, BYTES);
    freed++;
}

static void *buffer_new(gait_mutator *mutator, gait_kind kind) {
    gait_foreign_add(mutator, BYTES); /* before it is taken: then the limit holds */
    void *buffer = malloc(BYTES);
    void *object = buffer ? gait_alloc(mutator, kind, 32) : NULL;
    if (!object || gait_cleanup_add(mutator, object, free_buffer, buffer) < 0) {
        free(buffer);
        gait_foreign_sub(mutator, BYTES);
        return NULL;
    }
    return object;
}

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.memory_limit = "64MiB";
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(heap, &(gait_kind_info){.name = "buffer", .layout = GAIT_LEAF});
    for (int i = 0; i < 300; i++) {
        CHECK(buffer_new(mutator, kind));
        gait_run_finalizers(mutator, 10);
    }
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0);
    CHECK(freed > 200);
    CHECK(stats.peak_total_bytes <= 68 << 20);
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(freed == 300);
    gait_heap_destroy(heap);
    return 0;
}

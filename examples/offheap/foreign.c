/* SPDX-License-Identifier: MIT */
/* Memory that a C library allocates behind small objects, counted as if the heap had it; and some
 * that the program keeps for itself, by a name that heap profiles show. */
#include "../embedding/example.h"

#include <gait/foreign.h>
#include <gait/profile.h>
#include <gait/stats.h>
#include <string.h>

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

static void sum_rows(const gait_profile_site *site, void *data) {
    if (site->memory == GAIT_PROFILE_FOREIGN && strcmp(site->tag, "rows") == 0)
        *(double *)data += site->live_bytes;
}

/* What a heap profile says of rows that are live. */
static double live_rows(gait_heap *heap) {
    double bytes = 0;
    gait_read_profile(heap, sum_rows, &bytes);
    return bytes;
}

static void use_rows(gait_mutator *mutator) {
    void *rows = malloc(BYTES);
    CHECK(rows);
    gait_foreign_add_named(mutator, rows, BYTES, "rows"); /* right after: it has an address now */
    CHECK(live_rows(gait_mutator_heap(mutator)) > 0);
    gait_foreign_sub_named(mutator, rows, BYTES); /* before another thread may have the address */
    free(rows);
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
    gait_set_profile_rate(heap, 1);
    use_rows(mutator);
    CHECK(live_rows(heap) < 1);
    gait_heap_destroy(heap);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A table outside the heap that grows, counted by a tag, under a limit. */
#include "../embedding/example.h"

#include <gait/offheap.h>
#include <gait/stats.h>

#define MIB ((size_t)1 << 20)

struct column {
    double *values;
    size_t count;
    size_t room;
};

static int columns; /* a tag */

static void column_add(gait_heap *heap, struct column *column, double value) {
    if (column->count == column->room) {
        size_t room = column->room ? 2 * column->room : 1024;
        double *values = gait_offheap_realloc(heap, column->values, room, sizeof *values, columns);
        CHECK(values); /* NULL: column->values is as it was */
        column->values = values;
        column->room = room;
    }
    column->values[column->count++] = value;
}

static uint64_t goal_of(gait_heap *heap) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0);
    return stats.heap_goal_bytes;
}

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.memory_limit = "256MiB";
    gait_heap *heap = example_heap(&config);

    columns = gait_offheap_tag(heap, "columns");
    CHECK(columns > 0);
    uint64_t goal = goal_of(heap);
    struct column prices = {NULL, 0, 0};
    for (int i = 0; i < 5000000; i++)
        column_add(heap, &prices, i);
    CHECK(gait_offheap_bytes(heap, columns) == prices.room * sizeof(double));
    CHECK(gait_offheap_blocks(heap, columns) == 1);
    CHECK(goal_of(heap) < goal - 60 * MIB); /* the heap leaves the table its room, at once */

    gait_offheap_free(heap, prices.values);
    CHECK(gait_offheap_bytes(heap, columns) == 0);
    CHECK(goal_of(heap) > goal - MIB);

    CHECK(!gait_offheap_calloc(heap, SIZE_MAX / 2, 3, columns)); /* overflows: refused */
    gait_heap_destroy(heap);
    return 0;
}

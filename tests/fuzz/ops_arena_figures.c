/* SPDX-License-Identifier: MIT */
/*
 * Figures of arenas: of one by its own thread, which must be right; of all beside threads that work
 * on them, which must make sense.
 */
#include <gait/arena.h>

#include "ops.h"

#define BYTES_SANE (UINT64_C(1) << 40)

void arena_figures_check(const gait_arena_stats *stats) {
    CHECK(stats->id > 0 && stats->flags < 64, "an arena with id %" PRIu64 ", flags %#" PRIx64,
          stats->id, stats->flags);
    CHECK(stats->used_bytes < BYTES_SANE && stats->held_bytes < BYTES_SANE &&
              stats->waste_bytes < BYTES_SANE && stats->high_water_bytes < BYTES_SANE,
          "arena %" PRIu64 ": bytes", stats->id);
    CHECK(memchr(stats->name, 0, sizeof stats->name) &&
              memchr(stats->created, 0, sizeof stats->created),
          "names without an end");
}

void arena_figures(struct context *context, const struct arena *arena) {
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_arena_read_stats(context->mutator, arena->handle, &stats) == 0, "figures");
    arena_figures_check(&stats);
    uint64_t bytes = 0, edges = 0, crossing = 0;
    for (const struct node *node = arena->nodes; node; node = node->sibling) {
        bytes += node->word_count * sizeof(gait_word);
        for (size_t i = 0; i < node->word_count; i++)
            edges += word_leads_into(context, &node->words[i], arena);
    }
    if (stats.flags & GAIT_ARENA_CONCURRENT)
        bytes = 0; /* they lag */
    CHECK(stats.used_bytes >= bytes && stats.high_water_bytes >= stats.used_bytes,
          "flags %#" PRIx64 ": %" PRIu64 " bytes are used, %" PRIu64
          " at most; the model has %" PRIu64,
          stats.flags, stats.used_bytes, stats.high_water_bytes, bytes);
    CHECK(stats.resets == arena->resets, "%" PRIu64 " resets, not %" PRIu64, stats.resets,
          arena->resets);
    CHECK(strcmp(stats.name, arena->name) == 0, "its name is %s", stats.name);
    CHECK(!(stats.flags & GAIT_ARENA_PINNED) == !arena->pinned &&
              !(stats.flags & GAIT_ARENA_TRACED) == !arena->traced,
          "its flags are %#" PRIx64, stats.flags);
    uint64_t counted = gait_arena_count_edges(context->mutator, arena->handle, &crossing);
    CHECK(counted == edges && crossing <= counted,
          "%" PRIu64 " references inside, %" PRIu64 " crossing, where the model has %" PRIu64,
          counted, crossing, edges);
}

static void visit(const gait_arena_stats *stats, void *data) {
    size_t *count = data;
    arena_figures_check(stats);
    ++*count;
}

/* With or without native code: any thread may. */
void op_arena_list(struct context *context) {
    gait_heap *heap = context->heap->gait;
    bool native = one_in(&context->random, 2);
    size_t visited = 0;
    if (native)
        gait_enter_native(context->mutator);
    if (one_in(&context->random, 2)) {
        size_t count = gait_arena_list(heap, visit, &visited);
        CHECK(count == visited && count >= 2, "%zu arenas, %zu visited", count, visited);
    } else {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        CHECK(out, "open_memstream");
        gait_write_arenas(heap, out);
        fclose(out);
        CHECK(strstr(text, "frames") && text[bytes - 1] == '\n', "a table of arenas: %s", text);
        free(text);
    }
    if (native)
        gait_leave_native(context->mutator);
}

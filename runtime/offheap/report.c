/* SPDX-License-Identifier: MIT */
/*
 * What is live, in lines. Records of equal call stacks and tags go into one line.
 */
#include <gait/library.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* Different places that a report can name; what is more is in the sums of tags alone. */
#define PLACES_MOST 1024
#define LINE_BYTES 480

struct place {
    unsigned tag;
    size_t frames;
    void *stack[BLOCKS_FRAMES];
    size_t blocks;
    size_t bytes;
};

struct places {
    struct place *places; /* room for PLACES_MOST */
    size_t count;
};

static void add_record(void *data, const struct record *record) {
    struct places *places = data;
    size_t stack_bytes = record->frames * sizeof record->stack[0];
    struct place *place = places->places, *end = place + places->count;
    while (place < end && (place->tag != record->tag || place->frames != record->frames ||
                           memcmp(place->stack, record->stack, stack_bytes) != 0))
        place++;
    if (place == end) {
        if (places->count == PLACES_MOST)
            return;
        places->count++;
        *place = (struct place){.tag = record->tag, .frames = record->frames};
        memcpy(place->stack, record->stack, stack_bytes);
    }
    place->blocks++;
    place->bytes += record->bytes;
}

static int by_bytes(const void *a, const void *b) {
    size_t left = ((const struct place *)a)->bytes, right = ((const struct place *)b)->bytes;
    return left < right ? 1 : left > right ? -1 : 0;
}

static void write_places(struct state *state) {
    struct places places = {calloc(PLACES_MOST, sizeof(struct place)), 0};
    char line[LINE_BYTES], stack[300];
    if (!places.places)
        return;
    blocks_visit(&state->blocks, add_record, &places);
    qsort(places.places, places.count, sizeof(struct place), by_bytes);
    for (size_t i = 0; i < places.count; i++) {
        const struct place *place = &places.places[i];
        system_describe(place->stack, place->frames, stack, sizeof stack);
        snprintf(line, sizeof line, "off-heap: tag \"%.64s\": %zu sampled, %zu bytes, by %s",
                 state->names[place->tag], place->blocks, place->bytes, stack);
        gait_library_log(state->heap, line);
    }
    free(places.places);
}

size_t report_leaks(struct state *state) {
    char line[LINE_BYTES];
    size_t all = 0;
    for (unsigned tag = 0; tag < state_tags(state); tag++) {
        size_t blocks = state_blocks(state, tag);
        if (blocks == 0)
            continue;
        all += blocks;
        snprintf(line, sizeof line, "off-heap: tag \"%.64s\": %zu blocks live, %zu bytes",
                 state->names[tag], blocks, state_bytes(state, tag));
        gait_library_log(state->heap, line);
    }
    if (all > 0 && state_keeps_records(state))
        write_places(state);
    return all;
}

size_t gait_offheap_write_leaks(gait_heap *heap) {
    struct state *state = state_find(heap);
    return state ? report_leaks(state) : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Backends and tags by name. What is said about each function is in gait/offheap.h.
 */
#include <stdlib.h>
#include <string.h>

#include "state.h"

int gait_offheap_use(gait_heap *heap, int backend) {
    if (!state_has_backend(backend))
        return GAIT_E_INVALID;
    struct state *state = state_get(heap, backend);
    if (!state)
        return GAIT_E_MEMORY;
    return backend == GAIT_OFFHEAP_DEFAULT || state->backend->number == backend ? 0 : GAIT_E_FULL;
}

int gait_offheap_backend(gait_heap *heap) {
    struct state *state = state_get(heap, GAIT_OFFHEAP_DEFAULT);
    return state ? state->backend->number : GAIT_E_MEMORY;
}

/* Of the tags from first on. @return negative: none has this name. */
static int find(struct state *state, const char *name, unsigned first) {
    for (unsigned tag = first; tag < state_tags(state); tag++)
        if (strcmp(state->names[tag], name) == 0)
            return (int)tag;
    return -1;
}

/* With the lock held. */
static int add(struct state *state, const char *name, unsigned looked_at) {
    unsigned count = state_tags(state);
    int tag = find(state, name, looked_at); /* another thread may have made it meanwhile */
    if (tag >= 0)
        return tag;
    if (count == GAIT_OFFHEAP_TAGS_MAX)
        return GAIT_E_FULL;
    if (!(state->names[count] = strdup(name)))
        return GAIT_E_MEMORY;
    AO_store_release(&state->tags, count + 1); /* pairs with state_tags */
    return (int)count;
}

int gait_offheap_tag(gait_heap *heap, const char *name) {
    if (!name || !*name)
        return GAIT_E_INVALID;
    struct state *state = state_get(heap, GAIT_OFFHEAP_DEFAULT);
    if (!state)
        return GAIT_E_MEMORY;
    unsigned count = state_tags(state);
    int tag = find(state, name, 0);
    if (tag >= 0)
        return tag;
    system_lock(&state->tags_lock);
    tag = add(state, name, count);
    system_unlock(&state->tags_lock);
    return tag;
}

const char *gait_offheap_tag_name(gait_heap *heap, int tag) {
    struct state *state = state_find(heap);
    return state && tag >= 0 && (unsigned)tag < state_tags(state) ? state->names[tag] : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Objects by what somebody calls them. See objects.h.
 */
#include "objects.h"

#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Take a number of this base, and nothing else. */
static bool take_number(const char *text, int base, uint64_t *value) {
    char *end;
    if (!isxdigit((unsigned char)*text)) /* no sign, no space */
        return false;
    errno = 0;
    *value = strtoull(text, &end, base);
    return *end == '\0' && errno == 0;
}

static bool lies_in(const struct graph_node *node, uint64_t address) {
    return node->id > 0 && address >= node->id &&
           address - node->id < (node->bytes ? node->bytes : 1);
}

static bool matches(const struct graph *graph, const bool *kinds, uint32_t node,
                    const char *pattern) {
    if (!graph_is_object(graph, node))
        return false;
    return kinds[graph->nodes[node].kind] ||
           (graph->nodes[node].label && fnmatch(pattern, graph_label(graph, node), 0) == 0);
}

static uint32_t *find_matching(const struct graph *graph, const char *pattern, uint32_t *count) {
    bool *kinds = command_allocate((size_t)graph->kind_count + 1, sizeof(*kinds));
    for (uint32_t kind = 0; kind < graph->kind_count; kind++)
        kinds[kind] = fnmatch(pattern, graph->kinds[kind].name, 0) == 0;
    uint32_t *found = NULL, room = 0;
    for (uint32_t node = 0; node < graph->node_count; node++) {
        if (!matches(graph, kinds, node, pattern))
            continue;
        if (*count == room) {
            room = room < GRAPH_MOST / 2 ? 2 * room + 16 : GRAPH_MOST;
            found = command_grow(found, room, sizeof(*found));
        }
        found[(*count)++] = node;
    }
    free(kinds);
    if (*count == 0)
        command_fail("%s: %s: no object whose kind or label is like this; gait-heap kinds lists "
                     "kinds",
                     graph->path, pattern);
    return found;
}

static uint32_t *find_one(const struct graph *graph, const char *wanted, uint64_t id,
                          bool is_address, uint32_t *count) {
    for (uint32_t node = 0; node < graph->node_count; node++)
        if (graph_is_object(graph, node) &&
            (is_address ? lies_in(&graph->nodes[node], id) : graph->nodes[node].id == id)) {
            uint32_t *found = command_allocate(1, sizeof(*found));
            *found = node;
            *count = 1;
            return found;
        }
    command_fail("%s: %s: no object is there", graph->path, wanted);
}

uint32_t *objects_find(const struct graph *graph, const char *wanted, uint32_t *count) {
    uint64_t id;
    *count = 0;
    if (strncmp(wanted, "0x", 2) == 0 && take_number(wanted + 2, 16, &id)) {
        if (!graph->has_addresses)
            command_fail("%s: %s: this form has no addresses; accepted: @NUMBER, or a pattern",
                         graph->path, wanted);
        return find_one(graph, wanted, id, true, count);
    }
    if (*wanted == '@' && take_number(wanted + 1, 10, &id))
        return find_one(graph, wanted, id, false, count);
    return find_matching(graph, wanted, count);
}

/* SPDX-License-Identifier: MIT */
/*
 * Reads compact heap snapshots (docs/heap-snapshots.md) for tests, and holds them to what the page
 * says: order, numbers, that each edge leads to a node of the file, sums of the last record.
 */
#ifndef GAIT_TESTS_HEAP_SNAPSHOT_READER_H
#define GAIT_TESTS_HEAP_SNAPSHOT_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen_edge {
    size_t from, to; /* numbers of nodes, from 1 */
    unsigned type;
    uint64_t place;
};

struct seen_node {
    bool arena;
    unsigned kind; /* of an arena its flags */
    uintptr_t address;
    uint64_t bytes, owned_bytes;
    const char *text; /* its label, or an arena's name; NULL: none */
};

struct seen_root {
    size_t group; /* from 1 */
    unsigned type;
    uintptr_t place;
    size_t target;
};

struct seen {
    char **texts;
    const char *kinds[256];
    unsigned layouts[256];
    struct seen_group {
        unsigned sort;
        const char *name;
    } * groups;
    struct seen_node *nodes;
    struct seen_edge *edges;
    struct seen_root *roots;
    size_t text_count, kind_count, group_count, node_count, edge_count, root_count;
    uint64_t base, process, stop_ns, flags, walk_ns;
    const char *complaint; /* NULL: it is right */
    const unsigned char *at, *end;
};

/* One more item in an array. */
#define SEEN_ADD(array, count)                                                                     \
    (*(__typeof__(array))seen_add((void **)&(array), count, sizeof *(array)))

static inline void *seen_add(void **array, size_t *count, size_t bytes) {
    if ((*count & (*count + 1)) == 0)
        *array = realloc(*array, (2 * *count + 2) * bytes);
    void *item = (char *)*array + *count * bytes;
    memset(item, 0, bytes);
    ++*count;
    return item;
}

static inline void seen_complain(struct seen *seen, const char *complaint) {
    if (!seen->complaint)
        seen->complaint = complaint;
    seen->at = seen->end;
}

static inline uint64_t seen_number(struct seen *seen) {
    uint64_t number = 0;
    for (unsigned shift = 0; seen->at < seen->end && shift < 70; shift += 7) {
        unsigned byte = *seen->at++;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return number;
    }
    seen_complain(seen, "a number is cut off");
    return 0;
}

static inline int64_t seen_signed(struct seen *seen) {
    uint64_t number = seen_number(seen);
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

static inline char *seen_text(struct seen *seen) {
    uint64_t bytes = seen_number(seen);
    if (bytes > (uint64_t)(seen->end - seen->at)) {
        seen_complain(seen, "a text is cut off");
        return NULL;
    }
    char *text = malloc(bytes + 1);
    memcpy(text, seen->at, bytes);
    text[bytes] = '\0';
    seen->at += bytes;
    return text;
}

static inline const char *seen_text_of(struct seen *seen) {
    uint64_t number = seen_number(seen);
    if (number > seen->text_count)
        seen_complain(seen, "a text that was not given");
    return number == 0 || number > seen->text_count ? NULL : seen->texts[number - 1];
}

static inline void seen_edges(struct seen *seen) {
    for (uint64_t first; (first = seen_number(seen)) != 0 && !seen->complaint;) {
        struct seen_edge edge = {.from = seen->node_count, .type = first & 15, .place = first >> 4};
        edge.to = edge.from + (size_t)seen_signed(seen);
        SEEN_ADD(seen->edges, &seen->edge_count) = edge;
    }
}

static inline void seen_node(struct seen *seen, bool arena) {
    struct seen_node node = {.arena = arena};
    const struct seen_node *before = seen->node_count ? &seen->nodes[seen->node_count - 1] : NULL;
    if (before && before->arena && !arena)
        seen_complain(seen, "an object after an arena");
    if (arena) {
        node.address = seen_number(seen);
        node.bytes = seen_number(seen);
        node.kind = (unsigned)seen_number(seen);
        node.text = seen_text_of(seen);
        seen_text_of(seen);
    } else {
        node.kind = (unsigned)seen_number(seen);
        uint64_t distance = seen_number(seen) * 8;
        node.address = (before ? before->address : (uintptr_t)seen->base) + distance;
        node.bytes = seen_number(seen);
        node.owned_bytes = seen_number(seen);
        node.text = seen_text_of(seen);
        if (node.kind >= 256 || !seen->kinds[node.kind])
            seen_complain(seen, "a kind that was not given");
        if (before && distance < before->bytes)
            seen_complain(seen, "objects that overlap");
    }
    SEEN_ADD(seen->nodes, &seen->node_count) = node;
    seen_edges(seen);
}

static inline void seen_root(struct seen *seen) {
    struct seen_root root = {.group = seen_number(seen)};
    size_t before = seen->root_count ? seen->roots[seen->root_count - 1].target : 0;
    root.type = (unsigned)seen_number(seen);
    root.place = seen_number(seen);
    root.target = before + (size_t)seen_signed(seen);
    if (root.group == 0 || root.group > seen->group_count)
        seen_complain(seen, "a group that was not given");
    SEEN_ADD(seen->roots, &seen->root_count) = root;
}

static inline void seen_end(struct seen *seen) {
    uint64_t nodes = seen_number(seen), edges = seen_number(seen), roots = seen_number(seen);
    uint64_t bytes = seen_number(seen), owned = seen_number(seen), sum = 0;
    seen->stop_ns = seen_number(seen);
    seen->flags = seen_number(seen);
    seen->walk_ns = seen_number(seen);
    for (size_t i = 0; i < seen->node_count; i++)
        sum += seen->nodes[i].arena ? 0 : seen->nodes[i].bytes;
    for (size_t i = 0; i < seen->node_count; i++)
        owned -= seen->nodes[i].owned_bytes;
    if (nodes != seen->node_count || edges != seen->edge_count || roots != seen->root_count)
        seen_complain(seen, "the last record counts others");
    if (bytes != sum || owned != 0)
        seen_complain(seen, "the last record has another sum of bytes");
    if (seen->at != seen->end)
        seen_complain(seen, "something follows the last record");
}

/* What a search has reached, and what it is to look at. */
struct seen_search {
    const struct seen *seen;
    size_t *first; /* of a node's edges; they are in the order of nodes */
    bool *reached;
    size_t *pile, count;
};

static inline void seen_reach(struct seen_search *search, size_t node) {
    if (!search->reached[node])
        search->pile[search->count++] = node;
    search->reached[node] = true;
}

/* Does an edge keep its target? A pair's value, if its key is kept. */
static inline bool seen_keeps(const struct seen_search *search, size_t number) {
    const struct seen_edge *edge = &search->seen->edges[number];
    if (edge->type != 5)
        return edge->type != 3 && edge->type != 4 && edge->type != 8;
    bool has_key = number > 0 && edge[-1].type == 4 && edge[-1].from == edge->from &&
                   edge[-1].place + 1 == edge->place;
    return !has_key || search->reached[edge[-1].to];
}

static inline void seen_look(struct seen_search *search, size_t node) {
    for (size_t i = search->first[node]; i < search->first[node + 1]; i++)
        if (seen_keeps(search, i))
            seen_reach(search, search->seen->edges[i].to);
}

/* Is every node held by a strong way from a root? */
static inline bool seen_all_held(const struct seen *seen) {
    size_t nodes = seen->node_count, room = (nodes + 2) * sizeof(size_t), edge = 0;
    struct seen_search search = {seen, malloc(room), calloc(nodes + 1, 1), malloc(room), 0};
    for (size_t node = 0; node < nodes + 2; node++) {
        while (edge < seen->edge_count && seen->edges[edge].from < node)
            edge++;
        search.first[node] = edge;
    }
    for (size_t i = 0; i < seen->root_count; i++)
        if (seen->roots[i].type != 3)
            seen_reach(&search, seen->roots[i].target);
    for (size_t before = 1; before != 0;) {
        while (search.count > 0)
            seen_look(&search, search.pile[--search.count]);
        for (size_t i = 0; i < seen->edge_count; i++) /* values whose keys were found since */
            if (seen->edges[i].type == 5 && search.reached[seen->edges[i].from] &&
                seen_keeps(&search, i))
                seen_reach(&search, seen->edges[i].to);
        before = search.count;
    }
    bool all = true;
    for (size_t node = 1; node <= nodes; node++)
        all &= search.reached[node];
    free(search.first), free(search.reached), free(search.pile);
    return all;
}

/* Every edge's and root's target is a node; every node is held. */
static inline void seen_check_targets(struct seen *seen) {
    for (size_t i = 0; i < seen->root_count; i++)
        if (seen->roots[i].target - 1 >= seen->node_count)
            seen_complain(seen, "a root that leads to no node");
    for (size_t i = 0; i < seen->edge_count; i++)
        if (seen->edges[i].to - 1 >= seen->node_count)
            seen_complain(seen, "an edge that leads to no node");
    if (!seen->complaint && !seen_all_held(seen))
        seen_complain(seen, "a node that nothing holds");
}

static inline void seen_read(struct seen *seen, const void *bytes, size_t count) {
    memset(seen, 0, sizeof *seen);
    seen->at = bytes;
    seen->end = seen->at + count;
    if (count < 8 || memcmp(bytes, "GaitHSn\n", 8) != 0)
        seen_complain(seen, "no heap snapshot");
    seen->at += 8;
    if (!seen->complaint && seen_number(seen) != 2)
        seen_complain(seen, "another version");
    bool ended = false;
    while (seen->at < seen->end) {
        unsigned tag = *seen->at++;
        switch (tag) {
        case 'H':
            if (seen_number(seen) != sizeof(void *))
                seen_complain(seen, "words of another size");
            seen->base = seen_number(seen);
            seen_number(seen);
            seen->process = seen_number(seen);
            seen_number(seen);
            free(seen_text(seen));
            free(seen_text(seen));
            break;
        case 'T': {
            char *text = seen_text(seen);
            SEEN_ADD(seen->texts, &seen->text_count) = text;
            break;
        }
        case 'K': {
            size_t kind = seen_number(seen) % 256;
            seen->layouts[kind] = (unsigned)seen_number(seen);
            seen->kinds[kind] = seen_text_of(seen);
            seen->kind_count++;
            break;
        }
        case 'G': {
            struct seen_group group = {.sort = (unsigned)seen_number(seen)};
            group.name = seen_text_of(seen);
            SEEN_ADD(seen->groups, &seen->group_count) = group;
            break;
        }
        case 'N':
        case 'A':
            seen_node(seen, tag == 'A');
            break;
        case 'R':
            seen_root(seen);
            break;
        case 'E':
            seen_end(seen);
            ended = true;
            break;
        default:
            seen_complain(seen, "a record of another sort");
        }
    }
    if (!ended)
        seen_complain(seen, "it is cut off");
    if (!seen->complaint)
        seen_check_targets(seen);
}

static inline void seen_free(struct seen *seen) {
    for (size_t i = 0; i < seen->text_count; i++)
        free(seen->texts[i]);
    free(seen->texts);
    free(seen->groups);
    free(seen->nodes);
    free(seen->edges);
    free(seen->roots);
}

/** The number of the node at an address; 0: there is none. */
static inline size_t seen_find(const struct seen *seen, const void *address) {
    for (size_t i = 0; i < seen->node_count; i++)
        if (seen->nodes[i].address == (uintptr_t)address)
            return i + 1;
    return 0;
}

/** An edge between two objects; NULL: there is none. */
static inline const struct seen_edge *seen_edge_of(const struct seen *seen, const void *from,
                                                   const void *to) {
    size_t source = seen_find(seen, from), target = seen_find(seen, to);
    for (size_t i = 0; i < seen->edge_count; i++)
        if (seen->edges[i].from == source && seen->edges[i].to == target && source)
            return &seen->edges[i];
    return NULL;
}

/** The name of a group of roots that holds an object; NULL: none does. */
static inline const char *seen_holder(const struct seen *seen, const void *object) {
    size_t target = seen_find(seen, object);
    for (size_t i = 0; i < seen->root_count; i++)
        if (seen->roots[i].target == target && target)
            return seen->groups[seen->roots[i].group - 1].name;
    return NULL;
}

#endif

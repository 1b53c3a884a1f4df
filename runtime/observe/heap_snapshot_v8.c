/* SPDX-License-Identifier: MIT */
/*
 * A heap snapshot as V8 writes it, made of the compact form: Chrome's DevTools and memlab open it.
 *
 * Its nodes are numbers in one array, seven for each, and its edges in another, three for each, in
 * the order of the nodes that they come from; texts are numbers, too. So the compact form is passed
 * over several times. The nodes are, in this order:
 *
 *   the root       synthetic: DevTools wants it first
 *   groups         native, of size 0: had they another type, DevTools would take all that they hold
 *                  for its own system's
 *   labels         string, of a byte, since DevTools shows nothing that has none: each text once
 *   objects        object; arenas: native
 *   what they own  outside the heap: native, one for each owner
 *
 * An object's name is its kind, which DevTools takes for its class. It leads to its label by an
 * edge, "label".
 *
 * A pair's value has two edges, from its table and from its key, which are `internal` and have the
 * same text: by that text DevTools knows that it takes both to keep the value.
 *
 * A node's number must fit 32 bits, and be the same in a later snapshot of the process: it is made
 * of the address. That of an object is odd, those of groups and labels are even; what an object
 * owns has an even one as well, above OWNED_ID.
 */
#include <errno.h>
#include <string.h>

#include "heap_snapshot_read.h"
#include "json_output.h"

#define FIELDS 7
#define LABEL_BYTES 1
#define ROOT_ID 1 /* V8's; memlab knows the root by it */
#define OWNED_ID (UINT64_C(1) << 31)

/* As they are numbered in the head. */
enum node_type { NODE_STRING = 2, NODE_OBJECT = 3, NODE_NATIVE = 8, NODE_SYNTHETIC = 9 };
enum v8_edge_type { V8_ELEMENT = 1, V8_PROPERTY = 2, V8_INTERNAL = 3, V8_WEAK = 6 };

static const char meta[] =
    "{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\",\"trace_node_id\","
    "\"detachedness\"],\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\","
    "\"closure\",\"regexp\",\"number\",\"native\",\"synthetic\",\"concatenated string\","
    "\"sliced string\",\"symbol\",\"bigint\",\"object shape\"],\"string\",\"number\",\"number\","
    "\"number\",\"number\",\"number\"],\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],"
    "\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\"hidden\",\"shortcut\","
    "\"weak\"],\"string_or_number\",\"node\"],\"trace_function_info_fields\":[\"function_id\","
    "\"name\",\"script_name\",\"script_id\",\"line\",\"column\"],\"trace_node_fields\":[\"id\","
    "\"function_info_index\",\"count\",\"size\",\"children\"],\"sample_fields\":[\"timestamp_us\","
    "\"last_assigned_id\"],\"location_fields\":[\"object_index\",\"script_id\",\"line\","
    "\"column\"]}";

/* Texts that edges have, behind those of the stream. */
enum own_text {
    TEXT_LABEL,
    TEXT_WEAK,
    TEXT_KEY,
    TEXT_VALUE,
    TEXT_LINK,
    TEXT_ARENA,
    TEXT_OBJECT,
    TEXT_OWNED, /* of a node as well */
    OWN_TEXTS
};
static const char *const own_texts[OWN_TEXTS] = {
    "label", "weak", "key", "value", "link", "arena", "object", "memory outside the heap"};

/* A pair whose key is in the snapshot. */
struct pair {
    uint64_t table, key, value; /* numbers of nodes */
    uint64_t index;             /* of all pairs, in the order of tables */
};

struct about_node {
    uint32_t id, name;
};

/* All such pairs. Without any, there is no memory. */
struct pairs {
    size_t count, next; /* next: the index of the next, in a walk */
    struct pair *by_key;
    size_t *ends;             /* of each node's pairs, as their key: where they end */
    struct about_node *nodes; /* by number */
    size_t by_key_bytes, ends_bytes, nodes_bytes;
};

struct output {
    struct heap_snapshot *snapshot;
    struct json_output json;
    uint64_t groups, labels; /* how many nodes */
    uint32_t *label_nodes;   /* for each text, the number of its node, from 1; 0: it is no label */
    size_t label_nodes_bytes;
    uint32_t *kind_names;
    struct pairs pairs;
};

/* ---- What is needed before the first node ---- */

/* Have act called for each pair, in the order of tables. */
static void each_pair(struct output *output,
                      void (*act)(struct output *output, const struct pair *pair)) {
    struct reading reading = read_nodes(output->snapshot);
    struct pair pair = {0};
    for (struct node node; next_node(&reading, &node);) {
        uint64_t edge, before = 0;
        int64_t distance;
        pair.table++;
        for (; (edge = next_edge(&reading, &distance)); before = edge) {
            uint64_t target = pair.table + (uint64_t)distance;
            if (has_key(edge, before)) {
                pair.value = target;
                act(output, &pair);
                pair.index++;
            }
            pair.key = target;
        }
    }
}

/* @return how many edges objects have, those to labels and to what they own as well. */
static uint64_t note_labels(struct output *output) {
    struct reading reading = read_nodes(output->snapshot);
    uint64_t edges = 0;
    for (struct node node; next_node(&reading, &node);) {
        edges += count_edges(&reading) + (node.owned_bytes > 0);
        if (node.arena || node.text == 0)
            continue;
        edges++;
        output->label_nodes[node.text] = 1;
    }
    for (size_t text = 1; text <= output->snapshot->stream.list.count; text++)
        if (output->label_nodes[text])
            output->label_nodes[text] = (uint32_t)++output->labels;
    return edges;
}

static void read_kinds(struct output *output) {
    struct pile_cursor cursor = output->snapshot->kinds;
    while (next_tag(&cursor) == 'K') {
        size_t kind = stream_read_number(&cursor);
        stream_read_number(&cursor); /* layout */
        output->kind_names[kind % GAIT_KINDS_MAX] = (uint32_t)stream_read_number(&cursor);
    }
}

static void count_pair(struct output *output, const struct pair *pair) {
    (void)pair;
    output->pairs.count++;
}

static void count_key(struct output *output, const struct pair *pair) {
    output->pairs.ends[pair->key + 1]++;
}

static void put_by_key(struct output *output, const struct pair *pair) {
    output->pairs.by_key[output->pairs.ends[pair->key]++] = *pair;
}

static uint64_t id_of(const struct output *output, uintptr_t address, uint64_t number);

static void note_nodes(struct output *output) {
    struct reading reading = read_nodes(output->snapshot);
    uint64_t number = 0;
    for (struct node node; next_node(&reading, &node);) {
        count_edges(&reading);
        number++;
        output->pairs.nodes[number].id = (uint32_t)id_of(output, node.address, number);
        output->pairs.nodes[number].name = node.arena ? node.text : output->kind_names[node.kind];
    }
}

/* Sort pairs by their keys, by counting. @return false: no memory. */
static bool read_pairs(struct output *output) {
    struct pairs *pairs = &output->pairs;
    size_t nodes = output->snapshot->node_count + 2;
    each_pair(output, count_pair);
    if (pairs->count == 0)
        return true;
    pairs->by_key = platform_map_some(pairs->count * sizeof *pairs->by_key, &pairs->by_key_bytes);
    pairs->ends = platform_map_some(nodes * sizeof *pairs->ends, &pairs->ends_bytes);
    pairs->nodes = platform_map_some(nodes * sizeof *pairs->nodes, &pairs->nodes_bytes);
    if (!pairs->by_key || !pairs->ends || !pairs->nodes)
        return false;
    note_nodes(output);
    each_pair(output, count_key);
    for (size_t i = 1; i < nodes; i++)
        pairs->ends[i] += pairs->ends[i - 1];
    each_pair(output, put_by_key); /* each begin becomes an end */
    return true;
}

static void free_pairs(struct pairs *pairs) {
    if (pairs->by_key)
        platform_unreserve(pairs->by_key, pairs->by_key_bytes);
    if (pairs->ends)
        platform_unreserve(pairs->ends, pairs->ends_bytes);
    if (pairs->nodes)
        platform_unreserve(pairs->nodes, pairs->nodes_bytes);
}

/* The pairs of a key. @return how many. */
static size_t pairs_of(const struct output *output, uint64_t number, const struct pair **first) {
    const struct pairs *pairs = &output->pairs;
    if (pairs->count == 0)
        return 0;
    *first = pairs->by_key + pairs->ends[number - 1];
    return pairs->ends[number] - pairs->ends[number - 1];
}

static void put_head(struct output *output, uint64_t edges) {
    const struct heap_snapshot *snapshot = output->snapshot;
    json_output_put(&output->json, "{\"snapshot\":{\"meta\":");
    json_output_put(&output->json, meta);
    json_output_put(&output->json, ",\"node_count\":");
    json_output_number(&output->json, 1 + output->groups + output->labels + snapshot->node_count +
                                          snapshot->owner_count);
    json_output_put(&output->json, ",\"edge_count\":");
    json_output_number(&output->json,
                       output->groups + snapshot->reach.roots.count + edges + output->pairs.count);
    json_output_put(&output->json, ",\"trace_function_count\":0,\"gait\":{\"stop_ns\":");
    json_output_number(&output->json, (uint64_t)snapshot->stop_ns);
    json_output_put(&output->json, ",\"walk_ns\":");
    json_output_number(&output->json, (uint64_t)snapshot->walk_ns);
    json_output_put(&output->json, snapshot->forked ? ",\"forked\":true}}" : ",\"forked\":false}}");
}

/* ---- Nodes ---- */

static void put_node(struct output *output, enum node_type type, uint64_t name, uint64_t id,
                     uint64_t bytes, uint64_t edges) {
    bytes = bytes < UINT32_MAX ? bytes : UINT32_MAX; /* more, DevTools doesn't take */
    json_output_numbers(&output->json, (const uint64_t[FIELDS]){type, name, id, bytes, edges, 0, 0},
                        FIELDS);
}

/* Objects lie at least 16 bytes apart. */
static uint64_t id_of(const struct output *output, uintptr_t address, uint64_t number) {
    uint64_t id = (address - (uintptr_t)output->snapshot->reach.space->base) / 16 * 2 + 3;
    bool fits = output->snapshot->extent_bytes / 8 < UINT32_MAX;
    return fits ? id : number * 2 + 3;
}

static void put_groups(struct output *output) {
    struct pile_cursor cursor = output->snapshot->groups, roots = output->snapshot->roots;
    uint64_t number = 0;
    struct root root = next_root(&roots, &(struct root){0});
    while (next_tag(&cursor) == 'G') {
        uint64_t edges = 0;
        stream_read_number(&cursor); /* class */
        uint64_t name = stream_read_number(&cursor);
        number++;
        for (; root.group == number; root = next_root(&roots, &root))
            edges++;
        put_node(output, NODE_NATIVE, name, 2 * (number + 1), 0, edges);
    }
}

static void put_labels(struct output *output) {
    for (size_t text = 1; text <= output->snapshot->stream.list.count; text++)
        if (output->label_nodes[text])
            put_node(output, NODE_STRING, text,
                     2 * (output->groups + 1 + output->label_nodes[text]), LABEL_BYTES, 0);
}

static uint64_t own_text(const struct output *output, enum own_text text) {
    return output->snapshot->stream.list.count + 1 + (uint64_t)text;
}

/* An arena that holds nothing has a byte: what is native and has none is a group of roots. */
static void put_arena(struct output *output, const struct node *node, uint64_t id, uint64_t edges) {
    uint64_t name = node->text ? node->text : own_text(output, TEXT_ARENA);
    put_node(output, NODE_NATIVE, name, id, node->bytes > 0 ? node->bytes : 1, edges);
}

static void put_objects(struct output *output) {
    struct reading reading = read_nodes(output->snapshot);
    uint64_t number = 0;
    for (struct node node; next_node(&reading, &node);) {
        const struct pair *pairs;
        bool labelled = !node.arena && node.text > 0;
        uint64_t id = id_of(output, node.address, ++number);
        uint64_t edges = count_edges(&reading) + labelled + (node.owned_bytes > 0) +
                         pairs_of(output, number, &pairs);
        if (node.arena)
            put_arena(output, &node, id, edges);
        else
            put_node(output, NODE_OBJECT, output->kind_names[node.kind], id, node.bytes, edges);
    }
}

/* Where addresses don't fit, numbers are those of nodes: even ones follow the labels'. */
static void put_owned(struct output *output) {
    struct reading reading = read_nodes(output->snapshot);
    bool fits = output->snapshot->extent_bytes / 8 < OWNED_ID;
    uint64_t number = 0, next = 2 * (output->groups + output->labels + 2);
    for (struct node node; next_node(&reading, &node);) {
        count_edges(&reading);
        uint64_t id = OWNED_ID + id_of(output, node.address, ++number) + 1;
        if (node.owned_bytes == 0)
            continue;
        put_node(output, NODE_NATIVE, own_text(output, TEXT_OWNED), fits ? id : next,
                 node.owned_bytes, 0);
        next += 2;
    }
}

static void put_nodes(struct output *output) {
    json_output_array(&output->json, "nodes");
    put_node(output, NODE_SYNTHETIC, 0, ROOT_ID, 0, output->groups);
    put_groups(output);
    put_labels(output);
    put_objects(output);
    put_owned(output);
    json_output_put(&output->json, "]");
}

/* ---- Edges ---- */

static void put_edge(struct output *output, enum v8_edge_type type, uint64_t name, uint64_t node) {
    json_output_numbers(&output->json, (const uint64_t[3]){type, name, node * FIELDS}, 3);
}

static uint64_t node_of(const struct output *output, uint64_t number) {
    return output->groups + output->labels + number;
}

static void put_root_edges(struct output *output) {
    struct pile_cursor cursor = output->snapshot->roots;
    for (uint64_t group = 1; group <= output->groups; group++)
        put_edge(output, V8_ELEMENT, group, group);
    struct root root = next_root(&cursor, &(struct root){0});
    for (uint64_t group = 1; group <= output->groups; group++)
        for (uint64_t place = 0; root.group == group; root = next_root(&cursor, &root)) {
            bool weak = root.type == ROOT_LINK;
            put_edge(output, weak ? V8_WEAK : V8_ELEMENT,
                     weak ? own_text(output, TEXT_LINK) : place++, node_of(output, root.target));
        }
}

static uint64_t pair_text(const struct output *output, uint64_t index) {
    return own_text(output, OWN_TEXTS) + index;
}

static void put_object_edge(struct output *output, const struct node *from, uint64_t edge,
                            uint64_t before, uint64_t target) {
    uint64_t node = node_of(output, target);
    if (has_key(edge, before)) {
        put_edge(output, V8_INTERNAL, pair_text(output, output->pairs.next++), node);
        return;
    }
    switch (type_of(edge)) {
    case EDGE_WEAK:
        put_edge(output, V8_WEAK, own_text(output, TEXT_WEAK), node);
        return;
    case EDGE_KEY:
        put_edge(output, V8_WEAK, own_text(output, TEXT_KEY), node);
        return;
    case EDGE_VALUE:
        put_edge(output, V8_INTERNAL, own_text(output, TEXT_VALUE), node);
        return;
    case EDGE_LINK:
        put_edge(output, V8_WEAK, own_text(output, TEXT_LINK), node);
        return;
    case EDGE_PART:
        put_edge(output, V8_INTERNAL, own_text(output, from->arena ? TEXT_OBJECT : TEXT_ARENA),
                 node);
        return;
    case EDGE_WORD:
    case EDGE_INSIDE:
    case EDGE_VISITED:
        put_edge(output, V8_ELEMENT, place_of(edge), node);
    }
}

static void put_edges(struct output *output) {
    json_output_array(&output->json, "edges");
    put_root_edges(output);
    struct reading reading = read_nodes(output->snapshot);
    uint64_t number = 0, owners = 0;
    for (struct node node; next_node(&reading, &node);) {
        const struct pair *pairs;
        int64_t distance;
        number++;
        if (node.owned_bytes > 0)
            put_edge(output, V8_INTERNAL, own_text(output, TEXT_OWNED),
                     node_of(output, output->snapshot->node_count + ++owners));
        if (!node.arena && node.text > 0)
            put_edge(output, V8_PROPERTY, own_text(output, TEXT_LABEL),
                     output->groups + output->label_nodes[node.text]);
        for (uint64_t edge, before = 0; (edge = next_edge(&reading, &distance)); before = edge)
            put_object_edge(output, &node, edge, before, number + (uint64_t)distance);
        size_t count = pairs_of(output, number, &pairs);
        for (size_t i = 0; i < count; i++)
            put_edge(output, V8_INTERNAL, pair_text(output, pairs[i].index),
                     node_of(output, pairs[i].value));
    }
    json_output_put(&output->json, "]");
}

/* ---- Texts ---- */

/* As V8 tells of a node in the text of a pair. */
static void put_node_name(struct output *output, const char *what, uint64_t number) {
    const struct about_node *node = &output->pairs.nodes[number];
    json_output_put(&output->json, what);
    if (node->name) {
        const struct stream_text *name = pile_at(&output->snapshot->stream.list, node->name - 1);
        json_output_letters(&output->json, name->text, name->bytes);
    }
    json_output_put(&output->json, " @");
    json_output_number(&output->json, node->id);
}

static void put_pair(struct output *output, const struct pair *pair) {
    json_output_text_begin(&output->json);
    json_output_number(&output->json, pair->index);
    put_node_name(output, " / part of key (", pair->key);
    put_node_name(output, ") -> value (", pair->value);
    json_output_put(&output->json, ") pair in WeakMap (table @");
    json_output_number(&output->json, output->pairs.nodes[pair->table].id);
    json_output_put(&output->json, ")\"");
}

static void put_strings(struct output *output) {
    struct pile_cursor cursor = pile_begin(&output->snapshot->stream.list);
    json_output_array(&output->json, "strings");
    json_output_text(&output->json, "", 0);
    for (const struct stream_text *text; (text = pile_next(&cursor, sizeof *text));)
        json_output_text(&output->json, text->text, text->bytes);
    for (size_t i = 0; i < OWN_TEXTS; i++)
        json_output_text(&output->json, own_texts[i], strlen(own_texts[i]));
    if (output->pairs.count > 0)
        each_pair(output, put_pair);
    json_output_put(&output->json, "]}\n");
}

/* ---- All of it ---- */

/* @return false: no memory. */
static bool put_all(struct output *output) {
    read_kinds(output);
    if (!read_pairs(output))
        return false;
    uint64_t edges = note_labels(output);
    put_head(output, edges);
    put_nodes(output);
    put_edges(output);
    json_output_put(&output->json,
                    ",\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n"
                    "\"locations\":[]");
    put_strings(output);
    return true;
}

int heap_snapshot_write_v8(struct heap_snapshot *snapshot, int descriptor, int64_t idle_ns) {
    uint32_t kind_names[GAIT_KINDS_MAX] = {0};
    struct output output = {
        .snapshot = snapshot, .groups = snapshot->reach.groups.count, .kind_names = kind_names};
    size_t texts = snapshot->stream.list.count + (size_t)1;
    output.label_nodes =
        platform_map_some(texts * sizeof *output.label_nodes, &output.label_nodes_bytes);
    bool room = json_output_begin(&output.json, descriptor, idle_ns) && output.label_nodes;
    room = room && put_all(&output);
    bool written = json_output_end(&output.json);
    int error = room ? errno : ENOMEM;
    free_pairs(&output.pairs);
    if (output.label_nodes)
        platform_unreserve(output.label_nodes, output.label_nodes_bytes);
    errno = error;
    return room && written ? 0 : -1;
}

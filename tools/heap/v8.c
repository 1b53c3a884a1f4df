/* SPDX-License-Identifier: MIT */
/*
 * V8's .heapsnapshot, as yajl reads it: piece by piece. A tree of the whole JSON would take some
 * forty bytes for each of the twenty numbers that an object and its references have.
 *
 *   {"snapshot": {"meta": {"node_fields": […], "node_types": [[…], …], "edge_fields": […],
 *                          "edge_types": [[…], …]}, …},
 *    "nodes": [numbers], "edges": [numbers], "strings": [texts], …}
 *
 * Names are told after they are used, so numbers are only looked at when all is read; the largest
 * is remembered with its place, so that the message can say where it stands.
 */
#include "v8.h"

#include "command.h"
#include "graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* What a value is, by the keys and lists that lead to it. */
enum part {
    OTHER,
    TOP,
    SNAPSHOT,
    META,
    NODE_FIELDS,
    NODE_TYPES,
    NODE_TYPE_NAMES,
    EDGE_FIELDS,
    EDGE_TYPES,
    EDGE_TYPE_NAMES,
    NODES,
    EDGES,
    STRINGS
};

static const struct {
    enum part in, part;
    const char *key;
} KEYS[] = {
    {TOP, SNAPSHOT, "snapshot"},
    {SNAPSHOT, META, "meta"},
    {META, NODE_FIELDS, "node_fields"},
    {META, NODE_TYPES, "node_types"},
    {META, EDGE_FIELDS, "edge_fields"},
    {META, EDGE_TYPES, "edge_types"},
    {TOP, NODES, "nodes"},
    {TOP, EDGES, "edges"},
    {TOP, STRINGS, "strings"},
};
#define KEY_COUNT (sizeof(KEYS) / sizeof(*KEYS))

static const char *const NODE_FIELD_NAMES[V8_NODE_NEEDS] = {[V8_TYPE] = "type",
                                                            [V8_LABEL] = "name",
                                                            [V8_ID] = "id",
                                                            [V8_SIZE] = "self_size",
                                                            [V8_EDGES] = "edge_count"};
static const char *const EDGE_FIELD_NAMES[V8_EDGE_NEEDS] = {
    [V8_EDGE_TYPE] = "type", [V8_EDGE_LABEL] = "name_or_index", [V8_TO] = "to_node"};

/** Deeper than this nothing is of interest. */
#define DEPTH 8

struct reading {
    struct v8 *v8;
    yajl_handle json;
    unsigned depth;        /* lists and objects that are open                         */
    enum part open[DEPTH]; /* what each is, as far as there is room                   */
    bool list[DEPTH];      /* is it a list?                                           */
    enum part next;        /* what the value of the last key is                       */
    uint64_t seen;         /* of enum part: a bit for each that was there             */
    int field;             /* of the node or edge that is read                        */
    uint64_t values[V8_NODE_NEEDS];
};

/** Where the value ends that was told last. */
static uint64_t offset(const struct reading *reading) {
    return reading->v8->source->before + yajl_get_bytes_consumed(reading->json);
}

static void note(struct v8_highest *highest, uint64_t value, const struct reading *reading) {
    if (highest->any && value <= highest->value)
        return;
    *highest = (struct v8_highest){value, offset(reading), true};
}

/* ---- Values ------------------------------------------------------------- */

/** What the value is that comes now. */
static enum part part_of_value(const struct reading *reading) {
    unsigned depth = reading->depth;
    if (depth == 0)
        return TOP;
    if (depth > DEPTH)
        return OTHER;
    enum part around = reading->open[depth - 1];
    return reading->list[depth - 1] ? around : reading->next;
}

static _Noreturn void refuse(const struct reading *reading, const char *expected) {
    source_fail(reading->v8->source, offset(reading), "something else ends here; expected: %s",
                expected);
}

/** A value that is no list where a list is meant, or in a list of others. */
static int other_value(struct reading *reading) {
    static const char *const EXPECTED[] = {[TOP] = "an object",
                                           [SNAPSHOT] = "an object",
                                           [META] = "an object",
                                           [NODE_FIELDS] = "a list of names",
                                           [NODE_TYPES] = NULL,
                                           [NODE_TYPE_NAMES] = "a list of names",
                                           [EDGE_FIELDS] = "a list of names",
                                           [EDGE_TYPES] = NULL,
                                           [EDGE_TYPE_NAMES] = "a list of names",
                                           [NODES] = "a list of whole numbers, none negative",
                                           [EDGES] = "a list of whole numbers, none negative",
                                           [STRINGS] = "a list of texts"};
    enum part part = part_of_value(reading);
    if (part != OTHER && EXPECTED[part])
        refuse(reading, EXPECTED[part]);
    return 1;
}

static int take_null(void *context) { return other_value(context); }

static int take_boolean(void *context, int value) {
    (void)value;
    return other_value(context);
}

static void add_node(struct reading *reading) {
    struct v8 *v8 = reading->v8;
    const uint64_t *values = reading->values;
    if (v8->node_count == v8->node_room) {
        if (v8->node_count >= GRAPH_MOST / 2)
            refuse(reading, "fewer nodes");
        v8->node_room = 2 * v8->node_room + 1024;
        v8->nodes = command_grow(v8->nodes, v8->node_room, sizeof(*v8->nodes));
    }
    if (values[V8_TYPE] >= (uint64_t)v8->node.types)
        refuse(reading, "a node whose type is in node_types");
    if (values[V8_EDGES] > GRAPH_MOST || values[V8_LABEL] > GRAPH_MOST)
        refuse(reading, "a node with a name and edges of this file");
    note(&v8->node_label, values[V8_LABEL], reading);
    v8->edges_of_nodes += values[V8_EDGES];
    v8->nodes[v8->node_count++] =
        (struct v8_node){values[V8_ID], values[V8_SIZE], (uint32_t)values[V8_LABEL],
                         (uint32_t)values[V8_EDGES], (uint8_t)values[V8_TYPE]};
}

static void add_edge(struct reading *reading) {
    struct v8 *v8 = reading->v8;
    const uint64_t *values = reading->values;
    if (v8->edge_count == v8->edge_room) {
        if (v8->edge_count >= GRAPH_MOST / 2)
            refuse(reading, "fewer edges");
        v8->edge_room = 2 * v8->edge_room + 1024;
        v8->edges = command_grow(v8->edges, v8->edge_room, sizeof(*v8->edges));
    }
    uint64_t to = values[V8_TO], fields = (uint64_t)v8->node.fields;
    if (values[V8_EDGE_TYPE] >= (uint64_t)v8->edge.types)
        refuse(reading, "an edge whose type is in edge_types");
    if (to % fields != 0 || to / fields > GRAPH_MOST)
        refuse(reading, "an edge to where a node begins");
    int type = (int)values[V8_EDGE_TYPE];
    if (values[V8_EDGE_LABEL] > GRAPH_MOST)
        refuse(reading, "an edge with a name or an index of 32 bits");
    if (v8_is_named(v8, type))
        note(&v8->edge_label, values[V8_EDGE_LABEL], reading);
    note(&v8->to, to / fields, reading);
    v8->edges[v8->edge_count++] =
        (struct v8_edge){(uint32_t)values[V8_EDGE_LABEL], (uint32_t)(to / fields), (uint8_t)type};
}

/** One more number of a list of nodes or edges. */
static int take_member(struct reading *reading, enum part part, const char *text, size_t size) {
    const struct v8_layout *layout = part == NODES ? &reading->v8->node : &reading->v8->edge;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            refuse(reading, "a whole number, not negative");
        value = value * 10 + digit;
    }
    int meant = layout->of[reading->field];
    if (meant >= 0)
        reading->values[meant] = value;
    if (++reading->field < layout->fields)
        return 1;
    reading->field = 0;
    if (part == NODES)
        add_node(reading);
    else
        add_edge(reading);
    return 1;
}

static int take_number(void *context, const char *text, size_t size) {
    struct reading *reading = context;
    enum part part = part_of_value(reading);
    if ((part == NODES || part == EDGES) && reading->list[reading->depth - 1])
        return take_member(reading, part, text, size);
    return other_value(reading);
}

static bool is_text(const char *text, const unsigned char *value, size_t size) {
    return strlen(text) == size && memcmp(text, value, size) == 0;
}

static void add_field(struct reading *reading, struct v8_layout *layout, const char *const *names,
                      int count, const unsigned char *value, size_t size) {
    if (layout->fields == V8_FIELDS)
        refuse(reading, "up to 32 fields");
    int meant = -1;
    for (int i = 0; i < count; i++)
        if (is_text(names[i], value, size))
            meant = i;
    layout->of[layout->fields++] = meant;
}

static void add_type(struct reading *reading, struct v8_layout *layout, const unsigned char *value,
                     size_t size) {
    if (layout->types == V8_TYPES || size >= V8_NAME)
        refuse(reading, "up to 64 names of types, each shorter than 32 bytes");
    memcpy(layout->type_names[layout->types], value, size);
    layout->type_names[layout->types++][size] = '\0';
}

static int take_text(void *context, const unsigned char *value, size_t size) {
    struct reading *reading = context;
    struct v8 *v8 = reading->v8;
    enum part part = part_of_value(reading);
    if (part == OTHER || part == TOP || !reading->list[reading->depth - 1])
        return other_value(reading);
    switch (part) {
    case STRINGS:
        texts_add(v8->texts, (const char *)value, size);
        return 1;
    case NODE_FIELDS:
        add_field(reading, &v8->node, NODE_FIELD_NAMES, V8_NODE_NEEDS, value, size);
        return 1;
    case EDGE_FIELDS:
        add_field(reading, &v8->edge, EDGE_FIELD_NAMES, V8_EDGE_NEEDS, value, size);
        return 1;
    case NODE_TYPE_NAMES:
        add_type(reading, &v8->node, value, size);
        return 1;
    case EDGE_TYPE_NAMES:
        add_type(reading, &v8->edge, value, size);
        return 1;
    default:
        return other_value(reading);
    }
}

/* ---- Objects and lists -------------------------------------------------- */

static bool has_fields(const struct v8_layout *layout, int needs) {
    unsigned found = 0;
    for (int i = 0; i < layout->fields; i++)
        if (layout->of[i] >= 0)
            found |= 1u << layout->of[i];
    return found == (1u << needs) - 1 && layout->types > 0;
}

/** Is it known what the numbers of this list are? */
static void check_known(struct reading *reading, enum part part) {
    bool node = has_fields(&reading->v8->node, V8_NODE_NEEDS);
    bool edge = has_fields(&reading->v8->edge, V8_EDGE_NEEDS);
    if ((part == NODES || part == EDGES) && !(node && edge))
        refuse(reading, "before it, snapshot.meta with node_fields (type, name, id, self_size, "
                        "edge_count), node_types, edge_fields (type, name_or_index, to_node), "
                        "edge_types");
    if (reading->seen >> part & 1)
        refuse(reading, "each key once");
    reading->seen |= (uint64_t)1 << part;
}

static int begin(struct reading *reading, enum part part, bool list) {
    if (reading->depth < DEPTH) {
        reading->open[reading->depth] = part;
        reading->list[reading->depth] = list;
    }
    reading->depth++;
    reading->next = OTHER;
    return 1;
}

static int begin_object(void *context) {
    struct reading *reading = context;
    enum part part = part_of_value(reading);
    bool is_object = part == TOP || part == SNAPSHOT || part == META;
    if (part != OTHER && !is_object)
        refuse(reading, "a list");
    if (is_object && part != TOP)
        check_known(reading, part);
    return begin(reading, part, false);
}

static int begin_list(void *context) {
    struct reading *reading = context;
    enum part part = part_of_value(reading);
    bool inside =
        reading->depth > 0 && reading->depth <= DEPTH && reading->list[reading->depth - 1];
    if (part == OTHER)
        return begin(reading, OTHER, true);
    if (part == TOP || part == SNAPSHOT || part == META)
        refuse(reading, "an object");
    if (inside && part == NODE_TYPES) /* of the lists in it, the one of types is the first */
        return begin(reading, reading->v8->node.types ? OTHER : NODE_TYPE_NAMES, true);
    if (inside && part == EDGE_TYPES)
        return begin(reading, reading->v8->edge.types ? OTHER : EDGE_TYPE_NAMES, true);
    if (inside)
        return other_value(reading);
    check_known(reading, part);
    reading->field = 0;
    return begin(reading, part, true);
}

static int take_key(void *context, const unsigned char *key, size_t size) {
    struct reading *reading = context;
    reading->next = OTHER;
    if (reading->depth > DEPTH)
        return 1;
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (KEYS[i].in == reading->open[reading->depth - 1] && is_text(KEYS[i].key, key, size))
            reading->next = KEYS[i].part;
    return 1;
}

static int end(void *context) {
    struct reading *reading = context;
    reading->depth--;
    if (reading->depth >= DEPTH)
        return 1;
    enum part part = reading->open[reading->depth];
    if ((part == NODES || part == EDGES) && reading->field != 0)
        refuse(reading, "as many numbers as make whole nodes or edges");
    if (part == EDGES)
        reading->v8->edges_offset = offset(reading);
    return 1;
}

/* ---- The whole ---------------------------------------------------------- */

static _Noreturn void not_json(struct reading *reading, const unsigned char *piece, size_t size) {
    unsigned char *why = yajl_get_error(reading->json, 0, piece, size);
    char text[160];
    snprintf(text, sizeof(text), "%s", why ? (const char *)why : "unknown");
    text[strcspn(text, "\n")] = '\0';
    yajl_free_error(reading->json, why);
    source_fail(reading->v8->source, offset(reading), "%s; expected: JSON", text);
}

/** Is a number that was read below what there is of what it counts? */
static void check_highest(const struct v8 *v8, const struct v8_highest *highest, const char *what,
                          uint64_t count) {
    if (highest->any && highest->value >= count)
        source_fail(v8->source, highest->offset,
                    "%s %" PRIu64 " of %" PRIu64 "; expected: one that is there, counted from 0",
                    what, highest->value, count);
}

static void check_whole(const struct reading *reading) {
    const struct v8 *v8 = reading->v8;
    uint64_t needed = 1 << NODES | 1 << EDGES | 1 << STRINGS;
    if ((reading->seen & needed) != needed)
        source_fail(v8->source, source_offset(v8->source),
                    "the snapshot ends; expected: nodes, edges and strings in it");
    check_highest(v8, &v8->node_label, "a node's name is string", v8->texts->count);
    check_highest(v8, &v8->edge_label, "an edge's name is string", v8->texts->count);
    check_highest(v8, &v8->to, "an edge leads to node", v8->node_count);
    if (v8->edges_of_nodes != v8->edge_count)
        source_fail(v8->source, v8->edges_offset,
                    "%u edges; expected: %" PRIu64 ", as the nodes say together", v8->edge_count,
                    v8->edges_of_nodes);
}

void v8_read(struct v8 *v8) {
    static const yajl_callbacks CALLBACKS = {
        .yajl_null = take_null,
        .yajl_boolean = take_boolean,
        .yajl_number = take_number,
        .yajl_string = take_text,
        .yajl_start_map = begin_object,
        .yajl_map_key = take_key,
        .yajl_end_map = end,
        .yajl_start_array = begin_list,
        .yajl_end_array = end,
    };
    struct reading reading = {.v8 = v8};
    struct source *source = v8->source;
    reading.json = yajl_alloc(&CALLBACKS, NULL, &reading);
    if (!reading.json)
        command_fail("no memory to read JSON");
    yajl_config(reading.json, yajl_dont_validate_strings, 1); /* whoever prints them looks */
    yajl_status status = yajl_status_ok;
    while (status == yajl_status_ok && (source->at < source->size || source_next(source))) {
        size_t size = source->size - source->at;
        status = yajl_parse(reading.json, source->piece + source->at, size);
        if (status != yajl_status_ok)
            not_json(&reading, source->piece, source->size);
        source->at = source->size;
    }
    if (yajl_complete_parse(reading.json) != yajl_status_ok)
        source_fail(source, source_offset(source), "the file is cut off; expected: more JSON");
    yajl_free(reading.json);
    check_whole(&reading);
}

bool v8_is_named(const struct v8 *v8, int type) {
    const char *name = v8->edge.type_names[type];
    return strcmp(name, "element") != 0 && strcmp(name, "hidden") != 0;
}

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
 *   labels         string, of a byte, since DevTools shows nothing that has none: each text once;
 * an object leads to its own by "label". So an object's name is its kind, which DevTools takes for
 * its class objects        object; arenas: native
 *
 * A node's number must fit 32 bits, and be the same in a later snapshot of the process: it is made
 * of the address. That of an object is odd, those of groups and labels are even.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "heap_snapshot.h"

#define BUFFER_BYTES ((size_t)256 << 10)
#define FIELDS 7
#define LABEL_BYTES 1
#define ROOT_ID 1 /* V8's; memlab knows the root by it */

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
enum own_text { TEXT_LABEL, TEXT_WEAK, TEXT_KEY, TEXT_VALUE, OWN_TEXTS };
static const char *const own_texts[OWN_TEXTS] = {"label", "weak", "key", "value"};

struct output {
    struct heap_snapshot *snapshot;
    int descriptor;
    int64_t idle_ns;
    char *buffer;
    size_t used;
    bool failed;
    bool first; /* the next element of an array is its first */

    uint64_t groups, labels; /* how many nodes */
    uint32_t *label_nodes;   /* for each text, the number of its node, from 1; 0: it is no label */
    size_t label_nodes_bytes;
    uint32_t *kind_names;
};

/* ---- Output ---- */

static void flush(struct output *output) {
    if (!output->failed && platform_descriptor_write_idle(output->descriptor, output->buffer,
                                                          output->used, output->idle_ns) < 0)
        output->failed = true;
    output->used = 0;
}

static void make_room(struct output *output, size_t bytes) {
    if (BUFFER_BYTES - output->used < bytes)
        flush(output);
}

static void put(struct output *output, const char *text) {
    size_t length = strlen(text);
    for (size_t done = 0; done < length;) {
        make_room(output, 1);
        size_t room = BUFFER_BYTES - output->used, some = length - done;
        some = some < room ? some : room;
        memcpy(output->buffer + output->used, text + done, some);
        output->used += some;
        done += some;
    }
}

static void put_number(struct output *output, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    make_room(output, count);
    while (count > 0)
        output->buffer[output->used++] = digits[--count];
}

static void put_numbers(struct output *output, const uint64_t *numbers, size_t count) {
    make_room(output, 2);
    if (!output->first)
        output->buffer[output->used++] = ',';
    output->buffer[output->used++] = '\n';
    output->first = false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(output, ",");
        put_number(output, numbers[i]);
    }
}

static void begin_array(struct output *output, const char *name) {
    put(output, ",\n\"");
    put(output, name);
    put(output, "\":[");
    output->first = true;
}

/* ---- Reading the compact form ---- */

struct node {
    bool arena;
    unsigned kind;
    uintptr_t address;
    uint64_t bytes;
    uint32_t text; /* of an object its label, of an arena its name */
};

struct reading {
    struct pile_cursor cursor;
    uintptr_t last;
};

static void skip_text(struct pile_cursor *cursor) {
    for (uint64_t bytes = stream_read_number(cursor); bytes > 0; bytes--)
        stream_read_byte(cursor);
}

/* The tag of the next record that is no text. */
static unsigned next_tag(struct pile_cursor *cursor) {
    unsigned tag;
    while ((tag = stream_read_byte(cursor)) == 'T')
        skip_text(cursor);
    return tag;
}

static struct reading read_nodes(const struct output *output) {
    return (struct reading){output->snapshot->nodes,
                            (uintptr_t)output->snapshot->reach.space->base};
}

/* The next node; its edges follow. @return false: there are no more. */
static bool next_node(struct reading *reading, struct node *node) {
    struct pile_cursor *cursor = &reading->cursor;
    unsigned tag = next_tag(cursor);
    *node = (struct node){.arena = tag == 'A'};
    if (tag == 'N') {
        node->kind = (unsigned)stream_read_number(cursor);
        node->address = reading->last + stream_read_number(cursor) * 8;
        reading->last = node->address;
        node->bytes = stream_read_number(cursor);
        node->text = (uint32_t)stream_read_number(cursor);
    } else if (tag == 'A') {
        node->address = stream_read_number(cursor);
        node->bytes = stream_read_number(cursor);
        stream_read_number(cursor); /* flags */
        node->text = (uint32_t)stream_read_number(cursor);
        stream_read_number(cursor); /* where it was created */
    }
    return tag == 'N' || tag == 'A';
}

/* The next edge of a node. @return its place and type; 0: there are no more. */
static uint64_t next_edge(struct reading *reading, int64_t *distance) {
    uint64_t edge = stream_read_number(&reading->cursor);
    if (edge)
        *distance = stream_read_signed(&reading->cursor);
    return edge;
}

static uint64_t count_edges(struct reading *reading) {
    uint64_t count = 0;
    for (int64_t distance; next_edge(reading, &distance);)
        count++;
    return count;
}

struct root {
    uint64_t group; /* from 1; 0: there are no more */
    uint64_t target;
};

static struct root next_root(struct pile_cursor *cursor, const struct root *before) {
    struct root root = {0};
    if (next_tag(cursor) != 'R')
        return root;
    root.group = stream_read_number(cursor);
    stream_read_number(cursor); /* conservative or not */
    stream_read_number(cursor); /* where it lies */
    root.target = before->target + (uint64_t)stream_read_signed(cursor);
    return root;
}

/* ---- What is needed before the first node ---- */

/* @return how many edges objects have. */
static uint64_t note_labels(struct output *output) {
    struct reading reading = read_nodes(output);
    uint64_t edges = 0;
    for (struct node node; next_node(&reading, &node);) {
        edges += count_edges(&reading);
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

static void put_head(struct output *output, uint64_t edges) {
    const struct heap_snapshot *snapshot = output->snapshot;
    put(output, "{\"snapshot\":{\"meta\":");
    put(output, meta);
    put(output, ",\"node_count\":");
    put_number(output, 1 + output->groups + output->labels + snapshot->node_count);
    put(output, ",\"edge_count\":");
    put_number(output, output->groups + snapshot->reach.roots.count + edges);
    put(output, ",\"trace_function_count\":0,\"gait\":{\"stop_ns\":");
    put_number(output, (uint64_t)snapshot->stop_ns);
    put(output, ",\"walk_ns\":");
    put_number(output, (uint64_t)snapshot->walk_ns);
    put(output, snapshot->forked ? ",\"forked\":true}}" : ",\"forked\":false}}");
}

/* ---- Nodes ---- */

static void put_node(struct output *output, enum node_type type, uint64_t name, uint64_t id,
                     uint64_t bytes, uint64_t edges) {
    bytes = bytes < UINT32_MAX ? bytes : UINT32_MAX; /* more, DevTools doesn't take */
    put_numbers(output, (const uint64_t[FIELDS]){type, name, id, bytes, edges, 0, 0}, FIELDS);
}

/* Objects lie at least 16 bytes apart. */
static uint64_t id_of(const struct output *output, uintptr_t address, uint64_t number) {
    uint64_t id = (address - (uintptr_t)output->snapshot->reach.space->base) / 16 * 2 + 3;
    bool fits = output->snapshot->reach.space->extent_bytes / 8 < UINT32_MAX;
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

static void put_objects(struct output *output) {
    struct reading reading = read_nodes(output);
    uint64_t number = 0;
    for (struct node node; next_node(&reading, &node);) {
        bool labelled = !node.arena && node.text > 0;
        uint64_t edges = count_edges(&reading) + labelled;
        uint64_t id = id_of(output, node.address, ++number);
        if (node.arena)
            put_node(output, NODE_NATIVE, node.text, id, node.bytes, edges);
        else
            put_node(output, NODE_OBJECT, output->kind_names[node.kind], id, node.bytes, edges);
    }
}

static void put_nodes(struct output *output) {
    begin_array(output, "nodes");
    put_node(output, NODE_SYNTHETIC, 0, ROOT_ID, 0, output->groups);
    put_groups(output);
    put_labels(output);
    put_objects(output);
    put(output, "]");
}

/* ---- Edges ---- */

static void put_edge(struct output *output, enum v8_edge_type type, uint64_t name, uint64_t node) {
    put_numbers(output, (const uint64_t[3]){type, name, node * FIELDS}, 3);
}

static uint64_t own_text(const struct output *output, enum own_text text) {
    return output->snapshot->stream.list.count + 1 + (uint64_t)text;
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
        for (uint64_t place = 0; root.group == group; root = next_root(&cursor, &root))
            put_edge(output, V8_ELEMENT, place++, node_of(output, root.target));
}

static void put_object_edge(struct output *output, uint64_t edge, uint64_t target) {
    uint64_t node = node_of(output, target);
    switch ((enum reach_edge_type)(edge & 7)) {
    case EDGE_WEAK:
        put_edge(output, V8_WEAK, own_text(output, TEXT_WEAK), node);
        return;
    case EDGE_KEY:
        put_edge(output, V8_WEAK, own_text(output, TEXT_KEY), node);
        return;
    case EDGE_VALUE:
        put_edge(output, V8_INTERNAL, own_text(output, TEXT_VALUE), node);
        return;
    case EDGE_WORD:
    case EDGE_INSIDE:
    case EDGE_VISITED:
        put_edge(output, V8_ELEMENT, edge >> 3, node);
    }
}

static void put_edges(struct output *output) {
    begin_array(output, "edges");
    put_root_edges(output);
    struct reading reading = read_nodes(output);
    uint64_t number = 0;
    for (struct node node; next_node(&reading, &node);) {
        int64_t distance;
        number++;
        if (!node.arena && node.text > 0)
            put_edge(output, V8_PROPERTY, own_text(output, TEXT_LABEL),
                     output->groups + output->label_nodes[node.text]);
        for (uint64_t edge; (edge = next_edge(&reading, &distance));)
            put_object_edge(output, edge, number + (uint64_t)distance);
    }
    put(output, "]");
}

/* ---- Texts ---- */

/* How many bytes of UTF-8 a letter has that begins here; 0: it is none. */
static size_t letter_bytes(const unsigned char *text, size_t left) {
    size_t bytes = text[0] < 0x80   ? 1
                   : text[0] < 0xc2 ? 0
                   : text[0] < 0xe0 ? 2
                   : text[0] < 0xf0 ? 3
                   : text[0] < 0xf5 ? 4
                                    : 0;
    if (bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool bad =
        bytes > 2 && ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
                      (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f));
    return bad ? 0 : bytes;
}

static void put_letter(struct output *output, const unsigned char *text, size_t bytes) {
    char escaped[8];
    make_room(output, sizeof escaped);
    if (bytes == 1 && (*text < ' ' || *text == '"' || *text == '\\')) {
        snprintf(escaped, sizeof escaped, "\\u%04x", *text);
        put(output, escaped);
        return;
    }
    memcpy(output->buffer + output->used, bytes ? (const char *)text : "?", bytes ? bytes : 1);
    output->used += bytes ? bytes : 1;
}

static void put_text(struct output *output, const char *text, size_t count) {
    put(output, output->first ? "\n\"" : ",\n\"");
    output->first = false;
    for (size_t i = 0; i < count;) {
        const unsigned char *at = (const unsigned char *)text + i;
        size_t bytes = letter_bytes(at, count - i);
        put_letter(output, at, bytes);
        i += bytes ? bytes : 1;
    }
    put(output, "\"");
}

static void put_strings(struct output *output) {
    struct pile_cursor cursor = pile_begin(&output->snapshot->stream.list);
    begin_array(output, "strings");
    put_text(output, "", 0);
    for (const struct stream_text *text; (text = pile_next(&cursor, sizeof *text));)
        put_text(output, text->text, text->bytes);
    for (size_t i = 0; i < OWN_TEXTS; i++)
        put_text(output, own_texts[i], strlen(own_texts[i]));
    put(output, "]}\n");
}

/* ---- All of it ---- */

static void put_all(struct output *output) {
    read_kinds(output);
    uint64_t edges = note_labels(output);
    put_head(output, edges);
    put_nodes(output);
    put_edges(output);
    put(output, ",\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n"
                "\"locations\":[]");
    put_strings(output);
    flush(output);
}

static void *take(size_t bytes, size_t *taken) {
    size_t page_bytes = platform_page_bytes();
    *taken = (bytes + page_bytes) & ~(page_bytes - 1);
    return platform_map(*taken);
}

int heap_snapshot_write_v8(struct heap_snapshot *snapshot, int descriptor, int64_t idle_ns) {
    uint32_t kind_names[GAIT_KINDS_MAX] = {0};
    struct output output = {.snapshot = snapshot,
                            .descriptor = descriptor,
                            .idle_ns = idle_ns,
                            .groups = snapshot->reach.groups.count,
                            .kind_names = kind_names};
    size_t texts = snapshot->stream.list.count + (size_t)1;
    output.label_nodes = take(texts * sizeof *output.label_nodes, &output.label_nodes_bytes);
    output.buffer = platform_map(BUFFER_BYTES);
    if (output.label_nodes && output.buffer) {
        put_all(&output);
    } else {
        errno = ENOMEM;
        output.failed = true;
    }
    int error = errno;
    if (output.label_nodes)
        platform_unreserve(output.label_nodes, output.label_nodes_bytes);
    if (output.buffer)
        platform_unreserve(output.buffer, BUFFER_BYTES);
    errno = error;
    return output.failed ? -1 : 0;
}

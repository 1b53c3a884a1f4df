/* SPDX-License-Identifier: MIT */
/*
 * The own form of heap snapshots, as docs/heap-snapshots.md has it: records, each a letter and
 * fields.
 *
 * A number in the file is trusted with nothing: memory grows with the bytes that were read, and an
 * edge to a node that is still to come is looked at when all nodes are there.
 */
#include "read.h"

#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OWN_VERSION 2
/** Most kinds that a heap has: GAIT_KINDS_MAX of gait/gait.h. */
#define OWN_KINDS 256

/* Types of edges, in the low four bits of what stands before the target. */
enum own_edge {
    OWN_END,
    OWN_WORD,
    OWN_GUESS,
    OWN_WEAK,
    OWN_KEY,
    OWN_VALUE,
    OWN_SCAN,
    OWN_PART,
    OWN_LINK
};
#define OWN_EDGE_BITS 4

/* Types of roots. */
enum own_root { OWN_EXACT = 1, OWN_CONSERVATIVE, OWN_LINK_ROOT };

/* Of what follows what: a record's letter in this order, T anywhere before E. */
static const char ORDER[] = "HKGNRE";

struct own {
    struct source *source;
    struct graph *graph;
    uint32_t kinds[OWN_KINDS];       /* of the graph; GRAPH_NONE: there is no such kind      */
    uint32_t roots, arenas, outside; /* kinds of the graph                             */
    struct owned {
        uint32_t node;
        uint64_t bytes;
    } * owned; /* memory outside the heap, by its owners: nodes when all others are there */
    uint32_t owned_count, owned_room;
    uint32_t groups; /* node 0 is the root, then as many groups, then objects */
    uint64_t nodes, edges, root_edges, bytes, owned_bytes; /* read: the last record has them */
    uint64_t address, target;         /* of the record before                                 */
    uint64_t highest, highest_offset; /* node that an edge leads to, and where that stands */
    uint64_t record;                  /* where the record begins                              */
    uint64_t field;                   /* where the last field began                           */
    int stage;                        /* of ORDER                                             */
};

static _Noreturn void cut_off(struct own *own, const char *expected) {
    source_fail(own->source, source_offset(own->source), "the file is cut off; expected: %s",
                expected);
}

static uint64_t number(struct own *own, const char *what) {
    uint64_t value = 0;
    own->field = source_offset(own->source);
    for (int shift = 0; shift < 70; shift += 7) {
        int byte = source_byte(own->source);
        if (byte < 0)
            cut_off(own, what);
        uint64_t bits = (uint64_t)byte & 0x7f;
        if (shift == 63 && bits > 1)
            break;
        value |= bits << shift;
        if (byte < 0x80)
            return value;
    }
    source_fail(own->source, own->field, "a number of more than 64 bits; expected: %s", what);
}

/** A number that may be negative, as two's complement. */
static uint64_t difference(struct own *own, const char *what) {
    uint64_t value = number(own, what);
    return (value >> 1) ^ (0 - (value & 1));
}

/** A number in least..most. */
static uint64_t number_in(struct own *own, const char *what, uint64_t least, uint64_t most) {
    uint64_t value = number(own, what);
    if (value < least || value > most)
        source_fail(own->source, own->field,
                    "%" PRIu64 "; expected: %s, from %" PRIu64 " to %" PRIu64, value, what, least,
                    most);
    return value;
}

/** The number of a text that was defined; 0: none. */
static uint32_t text_number(struct own *own, const char *what, uint32_t texts) {
    return (uint32_t)number_in(own, what, 0, texts);
}

/** Add a text that stands here. Its length is only believed as far as there are bytes. */
static void text(struct own *own, const char *what) {
    struct source *source = own->source;
    uint64_t left = number(own, what);
    while (left > 0) {
        if (source->at == source->size && !source_next(source))
            cut_off(own, "a text's bytes");
        size_t size = source->size - source->at;
        size = left < size ? (size_t)left : size;
        texts_add_piece(&own->graph->texts, (const char *)source->piece + source->at, size);
        source->at += size;
        left -= size;
    }
    texts_end(&own->graph->texts);
}

/* Texts of the header have no numbers: those of the graph are two more. */
#define HEADER_TEXTS 2

static uint32_t texts_defined(const struct own *own) {
    return own->graph->texts.count - HEADER_TEXTS;
}

static uint32_t graph_text(uint32_t number) { return number ? number + HEADER_TEXTS : 0; }

static void read_header(struct own *own) {
    number_in(own, "bytes in a word", 8, 8);
    own->graph->base = own->address = number(own, "the heap's base address");
    number(own, "the time");
    own->graph->process = number(own, "the process");
    number(own, "cycles");
    text(own, "the version");
    text(own, "the program's name");
    own->graph->has_addresses = true;
}

static void read_kind(struct own *own) {
    uint64_t kind = number_in(own, "a kind's number", 0, OWN_KINDS - 1);
    if (own->kinds[kind] != GRAPH_NONE)
        source_fail(own->source, own->record, "kind %" PRIu64 " a second time; expected: once",
                    kind);
    number(own, "a kind's layout");
    uint32_t name = text_number(own, "the text of a kind's name", texts_defined(own));
    char other[32];
    snprintf(other, sizeof(other), "kind %" PRIu64, kind);
    own->kinds[kind] = graph_kind(
        own->graph, name ? texts_get(&own->graph->texts, graph_text(name)) : other, false);
}

static uint32_t add_node(struct own *own, const struct graph_node *node) {
    uint32_t added = graph_add_node(own->graph, node);
    if (added == GRAPH_NONE)
        source_fail(own->source, own->record,
                    "too many nodes or bytes; expected: up to %u nodes, 2^63 bytes", GRAPH_MOST);
    return added;
}

static void add_edge(struct own *own, uint32_t from, const struct graph_edge *edge) {
    if (!graph_add_edge(own->graph, from, edge))
        source_fail(own->source, own->record, "too many edges; expected: up to %u", GRAPH_MOST);
}

static void read_group(struct own *own) {
    number(own, "a class of roots");
    uint32_t name = text_number(own, "the text of a group's name", texts_defined(own));
    uint32_t node =
        add_node(own, &(struct graph_node){.kind = own->roots, .label = graph_text(name)});
    add_edge(own, 0, &(struct graph_edge){.type = EDGE_INDEX, .name = own->groups, .to = node});
    own->groups++;
}

/** The node of the graph that has this number in the file, which may be still to come. */
static uint32_t node_numbered(struct own *own, uint64_t number) {
    if (number < 1 || number > GRAPH_MOST - own->groups - 1)
        source_fail(own->source, own->field,
                    "an edge leads to node %" PRId64
                    "; expected: a node of this file, numbered from 1",
                    (int64_t)number);
    if (number > own->highest) {
        own->highest = number;
        own->highest_offset = own->field;
    }
    return own->groups + (uint32_t)number;
}

/** Edges up to the 0 that ends them. The name of one between an arena and an object in it is
 * which of both it leads to: 1, the object. */
static void read_edges(struct own *own, uint32_t from) {
    static const uint8_t TYPES[] = {
        [OWN_WORD] = EDGE_WORD, [OWN_GUESS] = EDGE_GUESS, [OWN_WEAK] = EDGE_WORD,
        [OWN_KEY] = EDGE_WORD,  [OWN_VALUE] = EDGE_PAIR,  [OWN_SCAN] = EDGE_SCAN,
        [OWN_PART] = EDGE_PART, [OWN_LINK] = EDGE_WORD};
    uint32_t key = GRAPH_NONE; /* of the edge before, if it is one to a key */
    uint64_t key_place = 0, word;
    while ((word = number(own, "an edge, or the 0 after the last")) != 0) {
        enum own_edge type = word & ((1 << OWN_EDGE_BITS) - 1);
        uint64_t place = word >> OWN_EDGE_BITS;
        if (type == OWN_END || type > OWN_LINK)
            source_fail(own->source, own->field, "an edge of type %d; expected: 1 to %d", (int)type,
                        (int)OWN_LINK);
        uint32_t to = node_numbered(own, own->nodes + difference(own, "an edge's target"));
        bool to_object = type == OWN_PART && own->graph->nodes[from].kind == own->arenas;
        struct graph_edge edge = {.name = to_object ? 1 : place,
                                  .to = to,
                                  .type = TYPES[type],
                                  .weak = type == OWN_WEAK || type == OWN_KEY || type == OWN_LINK};
        /* A value lives while its holder and its key do; the key is what is forgotten. */
        bool of_key = type == OWN_VALUE && key != GRAPH_NONE && place == key_place + 1;
        add_edge(own, of_key ? key : from, &edge);
        key = type == OWN_KEY ? to : GRAPH_NONE;
        key_place = place;
        own->edges++;
    }
}

static void note_owned(struct own *own, uint32_t node, uint64_t bytes) {
    own->owned_bytes += bytes;
    if (bytes == 0)
        return;
    if (own->owned_count == own->owned_room) {
        own->owned_room = 2 * own->owned_room + 64; /* less than nodes */
        own->owned = command_grow(own->owned, own->owned_room, sizeof(*own->owned));
    }
    own->owned[own->owned_count++] = (struct owned){node, bytes};
}

/** Nodes of the file have their numbers by then. */
static void add_owned(struct own *own) {
    for (uint32_t i = 0; i < own->owned_count; i++) {
        const struct owned *owned = &own->owned[i];
        uint32_t node =
            add_node(own, &(struct graph_node){.bytes = owned->bytes, .kind = own->outside});
        add_edge(own, owned->node, &(struct graph_edge){.type = EDGE_OWNED, .to = node});
    }
}

static void read_object(struct own *own) {
    uint64_t kind = number_in(own, "a kind's number", 0, OWN_KINDS - 1);
    if (own->kinds[kind] == GRAPH_NONE)
        source_fail(own->source, own->field,
                    "an object of kind %" PRIu64 "; expected: a kind that is told before", kind);
    own->address += 8 * number(own, "an address");
    uint64_t bytes = number(own, "an object's bytes");
    uint64_t owned_bytes = number(own, "bytes outside the heap");
    uint32_t label = text_number(own, "the text of a label", texts_defined(own));
    uint32_t node = add_node(
        own, &(struct graph_node){own->address, bytes, own->kinds[kind], graph_text(label)});
    own->nodes++;
    own->bytes += bytes;
    note_owned(own, node, owned_bytes);
    read_edges(own, node);
}

static void read_arena(struct own *own) {
    struct graph_node node = {.kind = own->arenas};
    node.id = number(own, "an arena's address");
    node.bytes = number(own, "an arena's bytes");
    number(own, "an arena's flags");
    node.label = graph_text(text_number(own, "the text of an arena's name", texts_defined(own)));
    uint32_t place = graph_text(text_number(own, "the text of a place", texts_defined(own)));
    if (!node.label)
        node.label = place;
    uint32_t added = add_node(own, &node);
    own->nodes++;
    read_edges(own, added);
}

static void read_root(struct own *own) {
    uint64_t group = number_in(own, "a group's number", 1, own->groups);
    uint64_t type =
        number_in(own, "1 for exact, 2 for conservative, 3 for a link", OWN_EXACT, OWN_LINK_ROOT);
    uint64_t place = number(own, "a slot's address");
    own->target += difference(own, "a root's target");
    uint32_t to = node_numbered(own, own->target);
    add_edge(own, (uint32_t)group,
             &(struct graph_edge){.name = place,
                                  .to = to,
                                  .type = type == OWN_CONSERVATIVE ? EDGE_GUESS : EDGE_SLOT,
                                  .weak = type == OWN_LINK_ROOT});
    own->root_edges++;
}

/** A count at the end against what was read. */
static void compare(struct own *own, const char *what, uint64_t seen) {
    uint64_t told = number(own, what);
    if (told != seen)
        source_fail(own->source, own->field,
                    "%" PRIu64 " %s; expected: %" PRIu64 ", which were read", told, what, seen);
}

static void read_end(struct own *own) {
    compare(own, "nodes", own->nodes);
    compare(own, "edges", own->edges);
    compare(own, "roots", own->root_edges);
    compare(own, "bytes", own->bytes);
    compare(own, "bytes outside the heap", own->owned_bytes);
    number(own, "the stop's length");
    number(own, "flags");
    number(own, "the walk's length");
    if (own->highest > own->nodes)
        source_fail(own->source, own->highest_offset,
                    "an edge leads to node %" PRIu64 "; expected: up to %" PRIu64
                    ", so many there are",
                    own->highest, own->nodes);
    if (source_byte(own->source) >= 0)
        source_fail(own->source, source_offset(own->source) - 1,
                    "more follows the last record; expected: the file's end");
    add_owned(own);
}

/** The next record's place in ORDER; what stands where it may not ends the command. */
static void enter_stage(struct own *own, char tag) {
    const char *stage = tag ? strchr(ORDER, tag == 'A' ? 'N' : tag) : NULL;
    int next = stage ? (int)(stage - ORDER) : -1;
    bool starts = own->stage < 0;
    if (next < own->stage || (starts && tag != 'H') || (!starts && tag == 'H'))
        source_fail(own->source, own->record, "a record %c (0x%02x) here; expected: %s",
                    tag >= '!' && tag <= '~' ? tag : '?', (unsigned char)tag,
                    starts ? "H, the header" : "H, K, G, N and A, R, E in this order, T between");
    own->stage = next;
}

/** @return false: it was the last one. */
static bool read_record(struct own *own) {
    own->record = source_offset(own->source);
    int tag = source_byte(own->source);
    if (tag < 0)
        cut_off(own, "another record, E as the last");
    if (tag == 'T' && own->stage >= 0) {
        text(own, "a text");
        return true;
    }
    enter_stage(own, (char)tag);
    switch (tag) {
    case 'H':
        read_header(own);
        break;
    case 'K':
        read_kind(own);
        break;
    case 'G':
        read_group(own);
        break;
    case 'N':
        read_object(own);
        break;
    case 'A':
        read_arena(own);
        break;
    case 'R':
        read_root(own);
        break;
    default:
        read_end(own);
        return false;
    }
    return true;
}

void read_own(struct graph *graph, struct source *source) {
    struct own *own = command_allocate(1, sizeof(*own));
    *own = (struct own){.source = source, .graph = graph, .stage = -1};
    for (int i = 0; i < READ_OWN_MAGIC_BYTES; i++)
        if (source_byte(source) != READ_OWN_MAGIC[i])
            source_fail(source, (uint64_t)i, "something else; expected: \"GaitHSn\" and a newline");
    number_in(own, "the version", OWN_VERSION, OWN_VERSION);
    for (int i = 0; i < OWN_KINDS; i++)
        own->kinds[i] = GRAPH_NONE;
    own->roots = graph_kind(graph, "(roots)", true);
    own->arenas = graph_kind(graph, "(arena)", false);
    own->outside = graph_kind(graph, "memory outside the heap", false);
    add_node(own, &(struct graph_node){.kind = own->roots});
    while (read_record(own))
        ;
    free(own->owned);
    free(own);
}

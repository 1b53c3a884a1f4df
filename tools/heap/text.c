/* SPDX-License-Identifier: MIT */
/*
 * How bytes and objects are written. See text.h.
 */
#include "text.h"

#include <inttypes.h>
#include <string.h>

/** Labels are cut to so many bytes: a string's is all of its text. */
#define LABEL_MOST 72
#define KIND_MOST 48

char *text_bytes(uint64_t bytes, char out[TEXT_SHORT]) {
    static const char *const UNITS[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, TEXT_SHORT, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1023.95 && unit + 1 < sizeof(UNITS) / sizeof(*UNITS); unit++)
        value /= 1024; /* what is rounded to 1024.0 has the next unit */
    snprintf(out, TEXT_SHORT, "%.1f %s", value, UNITS[unit]);
    return out;
}

char *text_growth(uint64_t before, uint64_t after, char out[TEXT_SHORT]) {
    char text[TEXT_SHORT];
    const char *sign = after > before ? "+" : after < before ? "-" : "";
    text_bytes(after > before ? after - before : before - after, text);
    snprintf(out, TEXT_SHORT, "%s%.20s", sign, text);
    return out;
}

char *text_share(uint64_t part, uint64_t whole, char out[TEXT_SHORT]) {
    if (whole == 0)
        *out = '\0';
    else
        snprintf(out, TEXT_SHORT, "%.1f %%", (double)part * 100 / (double)whole);
    return out;
}

char *text_id(const struct graph *graph, uint32_t node, char out[TEXT_SHORT]) {
    uint64_t id = graph->nodes[node].id;
    if (id == 0 || !graph_is_object(graph, node))
        *out = '\0';
    else
        snprintf(out, TEXT_SHORT, graph->has_addresses ? "0x%" PRIx64 : "@%" PRIu64, id);
    return out;
}

void text_cut(const char *text, char *out, size_t size) {
    static const char MORE[] = "\xe2\x80\xa6"; /* … */
    size_t length = strnlen(text, size);
    if (length < size) {
        memcpy(out, text, length + 1);
        return;
    }
    length = size - sizeof(MORE);
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--; /* back to where a letter begins */
    memcpy(out, text, length);
    memcpy(out + length, MORE, sizeof(MORE));
}

char *text_node(const struct graph *graph, uint32_t node, char out[TEXT_NAME]) {
    char id[TEXT_SHORT], kind[KIND_MOST], label[LABEL_MOST];
    text_id(graph, node, id);
    text_cut(graph_kind_name(graph, node), kind, sizeof(kind));
    text_cut(graph_label(graph, node), label, sizeof(label));
    if (!graph_is_object(graph, node))
        snprintf(out, TEXT_NAME, "%s", node == 0 ? "all roots" : *label ? label : kind);
    else
        snprintf(out, TEXT_NAME, *label ? "%s%s%s \"%s\"" : "%s%s%s", kind, *id ? " " : "", id,
                 label);
    return out;
}

char *text_edge(const struct graph *graph, const struct graph_edge *edge, char out[TEXT_NAME]) {
    static const char *const FORMATS[] = {
        [EDGE_INDEX] = "[%" PRIu64 "]",
        [EDGE_WORD] = "word %" PRIu64,
        [EDGE_GUESS] = "word %" PRIu64 ", perhaps",
        [EDGE_PAIR] = "value of a pair, word %" PRIu64,
        [EDGE_SCAN] = "reference %" PRIu64,
        [EDGE_SLOT] = "slot 0x%" PRIx64,
    };
    if (edge->type == EDGE_NAMED)
        text_cut(texts_get(&graph->texts, (uint32_t)edge->name), out, LABEL_MOST);
    else if (edge->type == EDGE_SLOT && edge->name == 0)
        snprintf(out, TEXT_NAME, "root");
    else if (edge->type == EDGE_OWNED)
        snprintf(out, TEXT_NAME, "owned");
    else if (edge->type == EDGE_PART)
        snprintf(out, TEXT_NAME, edge->name ? "object" : "arena");
    else
        snprintf(out, TEXT_NAME, FORMATS[edge->type], edge->name);
    return out;
}

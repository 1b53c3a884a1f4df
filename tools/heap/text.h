/* SPDX-License-Identifier: MIT */
/**
 * How bytes and objects are written. Names and labels are the program's: they go through shown.h.
 */
#ifndef HEAP_TEXT_H
#define HEAP_TEXT_H

#include "graph.h"

#include <stdio.h>

/** Enough for any of the first three. */
#define TEXT_SHORT 32
/** Room for a node's or edge's name; longer ones are cut. */
#define TEXT_NAME 160

/** "512 B", "1.5 MiB". @return out. */
char *text_bytes(uint64_t bytes, char out[TEXT_SHORT]);

/** Likewise of what grew or shrank: "+1.5 MiB", "-16 B", "0 B". @return out. */
char *text_growth(uint64_t before, uint64_t after, char out[TEXT_SHORT]);

/** "12.5 %" of a whole; "" if that is 0. @return out. */
char *text_share(uint64_t part, uint64_t whole, char out[TEXT_SHORT]);

/** "0x7f0010" or "@17"; "" where there is none. @return out. */
char *text_id(const struct graph *graph, uint32_t node, char out[TEXT_SHORT]);

/** "pair 0x7f0010 "label"", "mutator 1: frames". Not escaped. @return out. */
char *text_node(const struct graph *graph, uint32_t node, char out[TEXT_NAME]);

/** "word 3", "car", "[17]". Not escaped. @return out. */
char *text_edge(const struct graph *graph, const struct graph_edge *edge, char out[TEXT_NAME]);

/** Copy at most size - 1 bytes, and no half of a letter; "…" tells that something is missing. */
void text_cut(const char *text, char *out, size_t size);

#endif

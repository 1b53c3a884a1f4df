/* SPDX-License-Identifier: MIT */
/**
 * Reading snapshots, of either form. What is wrong ends the command with one line.
 */
#ifndef HEAP_READ_H
#define HEAP_READ_H

#include "graph.h"
#include "source.h"

/** Read a file of either form, "-" is the standard input. graph: all zeroes. */
void read_snapshot(struct graph *graph, const char *path);

/** One reader for each form; the source is at the file's start. */
void read_own(struct graph *graph, struct source *source);
void read_v8(struct graph *graph, struct source *source);

/** The magic of the own form, docs/heap-snapshots.md. */
#define READ_OWN_MAGIC "GaitHSn\n"
#define READ_OWN_MAGIC_BYTES 8

#endif

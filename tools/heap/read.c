/* SPDX-License-Identifier: MIT */
/*
 * Which form a snapshot has: its first bytes tell. See read.h.
 */
#include "read.h"

#include "command.h"

#include <stdlib.h>
#include <string.h>

/** Does the file begin as JSON does: white space, then an object? */
static bool begins_as_json(const struct source *source) {
    size_t at = 0;
    while (at < source->size && strchr(" \t\r\n", source->piece[at]))
        at++;
    return at < source->size && source->piece[at] == '{';
}

void read_snapshot(struct graph *graph, const char *path) {
    struct source *source = command_allocate(1, sizeof(*source));
    source_open(source, path);
    source_next(source);
    graph->path = path;
    if (source->size >= 2 && memcmp(source->piece, READ_OWN_MAGIC, 2) == 0)
        read_own(graph, source);
    else if (begins_as_json(source))
        read_v8(graph, source);
    else
        source_fail(source, 0,
                    "%s; expected: a heap snapshot, Gait's own (\"GaitHSn\") or V8's (\"{\")",
                    source->size == 0 ? "the file is empty" : "something else begins here");
    source_close(source);
    free(source);
    graph_finish(graph);
    if (graph->node_count == 0)
        command_fail("%s: it has no node; expected: a root at least", path);
}

/* SPDX-License-Identifier: MIT */
/*
 * Memory as the page heap has it: spans with objects and holes, free pages, tables. Objects come in
 * spans that are `fragmentation` times as large; allocation fills holes, then takes free pages,
 * then asks the OS; sweeping makes holes and free pages of what was dead.
 */
#include "engine.h"

#include <string.h>

void pages_init(struct model_pages *pages, const struct scenario_memory *memory) {
    memset(pages, 0, sizeof(*pages));
    pages->fragmentation = memory->fragmentation;
    pages->hole_share = memory->holes;
    pages->metadata = memory->metadata;
    pages_allocate(pages, (double)memory->initial_live);
}

double pages_in_spans(const struct model_pages *pages) {
    return pages->objects * pages->fragmentation + pages->holes;
}

double pages_total(const struct model_pages *pages) {
    return (pages_in_spans(pages) + pages->free) * (1 + pages->metadata);
}

double pages_allocate(struct model_pages *pages, double bytes) {
    double needed = bytes * pages->fragmentation;
    double filled = engine_min(needed, pages->holes);
    double reused = engine_min(needed - filled, pages->free);
    pages->objects += bytes;
    pages->holes -= filled;
    pages->free -= reused;
    if (pages->sweep_left <= 0)
        pages->fresh += needed - filled;
    return needed - filled - reused;
}

void pages_marked(struct model_pages *pages, double live) {
    pages->sweep_left = pages_in_spans(pages);
    pages->fresh = 0;
    pages->unswept = engine_max(pages->objects - live, 0);
}

bool pages_sweep(struct model_pages *pages, double bytes) {
    double share = bytes < pages->sweep_left ? bytes / pages->sweep_left : 1;
    double freed = pages->unswept * share;
    pages->objects -= freed;
    pages->holes += freed * pages->fragmentation * pages->hole_share;
    pages->free += freed * pages->fragmentation * (1 - pages->hole_share);
    pages->unswept -= freed;
    pages->sweep_left -= pages->sweep_left * share;
    return share >= 1;
}

double pages_release(struct model_pages *pages, double bytes) {
    double released = engine_max(engine_min(bytes, pages->free), 0);
    pages->free -= released;
    return released;
}

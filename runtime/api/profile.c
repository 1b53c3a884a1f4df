/* SPDX-License-Identifier: MIT */
/*
 * gait/profile.h: what the heap profile is asked.
 */
#include <gait/profile.h>

#include "../abi.h"
#include "../instance.h"

size_t gait_set_profile_rate(gait_heap *heap, size_t bytes) {
    HEAP_CALL(heap);
    return samples_set_rate(&heap->samples, bytes);
}

size_t gait_start_profile(gait_heap *heap) {
    HEAP_CALL(heap);
    return samples_start(&heap->samples);
}

void gait_profile_by_default(void) { AO_store(&samples_by_default, 1); }

size_t gait_profile_rate(gait_heap *heap) { return AO_load(&heap->samples.rate_bytes); }

void gait_set_profile_frames(gait_heap *heap, gait_profile_frames_fn frames, void *data) {
    HEAP_CALL(heap);
    struct samples *samples = &heap->samples;
    lock_acquire(&samples->lock);
    samples->frames = frames;
    samples->frames_data = data;
    lock_release(&samples->lock);
}

/* A program's visit, and what it knows of a site. */
struct visiting {
    void (*visit)(const gait_profile_site *site, void *data);
    void *data;
    size_t site_bytes;
};

#define SITE_BYTES_MOST 512

static void visit_site(const gait_profile_site *site, void *data) {
    const struct visiting *visiting = data;
    union {
        gait_profile_site site;
        char bytes[SITE_BYTES_MOST];
    } given;
    abi_give(&given, visiting->site_bytes, site, sizeof *site);
    visiting->visit(&given.site, visiting->data);
}

/* What is live of foreign memory that has no name. */
static void visit_unnamed(const gait_heap *heap, struct visiting *visiting) {
    const gait_profile_site site = {
        .memory = GAIT_PROFILE_FOREIGN,
        .tag = "",
        .live_bytes = (double)foreign_unnamed(&heap->space.foreign),
    };
    if (site.live_bytes > 0)
        visit_site(&site, visiting);
}

size_t gait_read_profile_sized(gait_heap *heap,
                               void (*visit)(const gait_profile_site *site, void *data), void *data,
                               size_t site_bytes) {
    HEAP_CALL(heap);
    struct visiting visiting = {visit, data, site_bytes};
    if (site_bytes > SITE_BYTES_MOST)
        visiting.site_bytes = SITE_BYTES_MOST;
    size_t lost = samples_read(&heap->samples, visit_site, &visiting);
    visit_unnamed(heap, &visiting);
    return lost;
}

/* SPDX-License-Identifier: MIT */
/* Buffers behind small objects: freed with them, under the limit, and when memory runs out. */
#include "../embedding/example.h"

#include <gait/offheap.h>
#include <gait/stats.h>

#define MIB ((size_t)1 << 20)

struct image {
    unsigned char *pixels; /* off-heap, owned by this object */
    size_t bytes;
};

static struct image *image_new(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    gait_heap *heap = gait_mutator_heap(mutator);
    unsigned char *pixels = gait_offheap_calloc(heap, bytes, 1, GAIT_OFFHEAP_UNTAGGED);
    struct image *image = pixels ? gait_alloc(mutator, kind, sizeof *image) : NULL;
    if (!image || gait_offheap_own(mutator, image, pixels) < 0) {
        gait_offheap_free(heap, pixels);
        return NULL;
    }
    image->pixels = pixels;
    image->bytes = bytes;
    return image;
}

/* Off-heap memory that dead objects own is there as soon as their cleanups have run. */
static bool run_cleanups(gait_mutator *mutator, size_t bytes, void *data) {
    (void)bytes, (void)data;
    return gait_run_finalizers(mutator, SIZE_MAX) > 0;
}

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.memory_limit = "64MiB";
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(heap, &(gait_kind_info){.name = "image", .layout = GAIT_LEAF});
    gait_set_oom_handler(heap, run_cleanups, NULL);

    for (int i = 0; i < 300; i++) { /* 300 MiB in all; each is garbage at once */
        struct image *image = image_new(mutator, kind, MIB);
        CHECK(image);
        image->pixels[0] = 1;
        gait_run_finalizers(mutator, 10); /* where the program has time; or a thread of its own */
    }
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0);
    CHECK(stats.cycles >= 3);                  /* asked for by what the images own */
    CHECK(stats.peak_total_bytes <= 68 * MIB); /* and so the limit held */

    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL) == 0);
    gait_heap_destroy(heap);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Counted memory. See counted.h.
 */
#include "counted.h"

#include <stdlib.h>

#include "../platform/platform.h"

/* From here on a block is mapped for itself. As long as the C library's own threshold may become
 * higher, what it frees stays with the process. Guess: that of glibc before it adapts. */
#define MAPPED_BYTES_LEAST ((size_t)131072)

static size_t mapped_bytes(size_t bytes) {
    size_t unit = platform_page_bytes();
    return (bytes + unit - 1) / unit * unit;
}

void *counted_map(AO_t *metadata_bytes, size_t bytes) {
    bytes = mapped_bytes(bytes);
    void *start = platform_map(bytes);
    if (start)
        counter_add(metadata_bytes, bytes);
    return start;
}

void counted_unmap(AO_t *metadata_bytes, void *start, size_t bytes) {
    if (!start)
        return;
    bytes = mapped_bytes(bytes);
    platform_unreserve(start, bytes);
    counter_sub(metadata_bytes, bytes);
}

void *counted_alloc(AO_t *metadata_bytes, size_t bytes) {
    if (bytes >= MAPPED_BYTES_LEAST)
        return counted_map(metadata_bytes, bytes);
    void *start = calloc(1, bytes);
    if (start)
        counter_add(metadata_bytes, bytes);
    return start;
}

void counted_free(AO_t *metadata_bytes, void *start, size_t bytes) {
    if (bytes >= MAPPED_BYTES_LEAST) {
        counted_unmap(metadata_bytes, start, bytes);
    } else if (start) {
        free(start);
        counter_sub(metadata_bytes, bytes);
    }
}

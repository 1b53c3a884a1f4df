/* SPDX-License-Identifier: MIT */
/*
 * A heap over HTTP by its options. See served.h.
 */
#include "served.h"

#include <gait/http.h>

#include "../instance.h"
#include "companion.h"
#include "heap_log.h"

#define LIBRARY "libgait-http.so.0"

typedef gait_http *(*start_fn)(gait_heap *heap, const char *address, char *error,
                               size_t error_bytes);
typedef void (*stop_fn)(gait_http *http);

/* @return NULL: *why says why. */
static gait_http *start(gait_heap *heap, char *error, size_t error_bytes, const char **why) {
    start_fn begin = (start_fn)companion_find(LIBRARY, "gait_http_start", why);
    *why = begin ? error : *why;
    return begin ? begin(heap, heap->options.http, error, error_bytes) : NULL;
}

void served_start(gait_heap *heap) {
    if (!heap->options.http[0])
        return;
    char error[256] = "";
    const char *why = error;
    heap->http = start(heap, error, sizeof error, &why);
    if (heap->http)
        return;
    struct line line = {.length = 0};
    line_add(&line, "gait: GAIT_DEBUG=http=");
    line_add_text(&line, heap->options.http);
    line_add(&line, ": ");
    line_add_text(&line, why);
    heap_log_line(heap, &line);
    heap_log_flush(heap);
}

void served_end(gait_heap *heap) {
    if (!heap->http)
        return;
    const char *why;
    stop_fn stop = (stop_fn)companion_find(LIBRARY, "gait_http_stop", &why);
    if (stop)
        stop(heap->http);
    heap->http = NULL;
}

void served_lost(gait_heap *heap) { heap->http = NULL; }

/* SPDX-License-Identifier: MIT */
/*
 * A heap over HTTP by its options. See served.h.
 */
#include "served.h"

#include <gait/http.h>
#include <stdio.h>
#include <string.h>

#include "../instance.h"
#include "companion.h"
#include "heap_log.h"

#define LIBRARY "libgait-http.so.0"

typedef gait_http *(*start_fn)(gait_heap *heap, const char *address, char *error,
                               size_t error_bytes);
typedef void (*stop_fn)(gait_http *http);
typedef unsigned (*port_fn)(const gait_http *http);

/* @return NULL: *why says why. */
static gait_http *start(gait_heap *heap, char *error, size_t error_bytes, const char **why) {
    start_fn begin = (start_fn)companion_find(LIBRARY, "gait_http_start", why);
    *why = begin ? error : *why;
    return begin ? begin(heap, heap->options.http, error, error_bytes) : NULL;
}

static void say(gait_heap *heap, const char *what, const char *more) {
    struct line line = {.length = 0};
    line_add(&line, "gait: GAIT_DEBUG=http=");
    line_add_text(&line, heap->options.http);
    line_add(&line, ": ");
    line_add_text(&line, what);
    line_add_text(&line, more);
    heap_log_line(heap, &line);
    heap_log_flush(heap);
}

/* Port 0 is one that the system chooses: nobody knows which, unless it is said. */
static void say_port(gait_heap *heap) {
    const char *colon = strrchr(heap->options.http, ':'), *why;
    if (strcmp(colon ? colon + 1 : heap->options.http, "0") != 0)
        return;
    char port[16];
    port_fn port_of = (port_fn)companion_find(LIBRARY, "gait_http_port", &why);
    snprintf(port, sizeof port, "%u", port_of ? port_of(heap->http) : 0);
    say(heap, "listens at port ", port);
}

void served_start(gait_heap *heap) {
    if (!heap->options.http[0])
        return;
    char error[256] = "";
    const char *why = error;
    heap->http = start(heap, error, sizeof error, &why);
    if (heap->http)
        say_port(heap);
    else
        say(heap, why, "");
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

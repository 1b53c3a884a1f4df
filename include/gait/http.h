/* SPDX-License-Identifier: MIT */
/*
 * What a heap says of itself, over HTTP: for Prometheus, `go tool pprof` and a browser. A library
 * of its own (`libgait-http`), which needs libmicrohttpd and libgait-pprof.
 *
 *   /metrics               all metrics: Prometheus' text, or OpenMetrics if that is accepted;
 *                          ?names=go: under the names that Go programs export
 *   /debug/pprof/heap      a heap profile: what is live (gait/pprof.h); ?gc=1: after a collection
 *                          ?seconds=N: of the next N seconds, what has become more or less
 *   /debug/pprof/allocs    the same, what was allocated before all else. 404 and a line, which
 *                          `go tool pprof` shows, if heap profiles are off (gait/profile.h)
 *   /debug/gait/snapshot   a heap snapshot (gait/heap_snapshot.h), by a copy of the process, which
 *                          goes on meanwhile; ?format=compact: not V8's form; ?gc=1: as above. One
 *                          at a time
 *   /debug/vars            the figures of gait_read_stats, those by kind, the rate of heap
 *                          profiles, as JSON
 *   /                      a page with these links
 *
 * It answers in threads of its own, and no mutator waits for them. It does not know who asks: it
 * listens where nobody else can come from, the loopback addresses, unless another is named. Sixteen
 * may be connected; as one more comes, who has been at a request for the longest is sent away. In
 * the child of a fork nobody answers, and what was open is closed.
 */
#ifndef GAIT_HTTP_H
#define GAIT_HTTP_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gait_http gait_http;

/**
 * Begin to answer for a heap. Samples for heap profiles are taken since it was created, unless that
 * was before this library was loaded, or somebody has turned them off: gait/profile.h.
 *
 * @param address  "127.0.0.1:6060", "[::1]:6060", "localhost:6060", "6060" or ":6060" (both:
 *                 127.0.0.1); "0.0.0.0:6060" answers the whole network. Port 0: one that is free.
 * @param error    room for one line that says what was wrong; may be NULL with error_bytes 0.
 * @return NULL: the address is none, or not available; no memory or thread.
 * Thread rule: any thread. One that is attached calls it in native code.
 */
GAIT_API gait_http *gait_http_start(gait_heap *heap, const char *address, char *error,
                                    size_t error_bytes);

/** The port at which it listens. Thread rule: any thread. */
GAIT_API unsigned gait_http_port(const gait_http *http);

/**
 * Answer no more: before the heap is destroyed. Requests that are being answered end first: within
 * some seconds, whatever the other side does. In the child of a fork it only gives memory back.
 * Thread rule: any thread, once. One that is attached calls it in native code.
 */
GAIT_API void gait_http_stop(gait_http *http);

#ifdef __cplusplus
}
#endif

#endif

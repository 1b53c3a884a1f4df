/* SPDX-License-Identifier: MIT */
/* Finalizers and cleanups: a port that closes its file, a cache that is told, a thread that runs
 * them. */
#include "example.h"

#include <pthread.h>

struct port {
    FILE *file;
};

static int closed, forgotten; /* written by the finalizer thread, read after it was joined */

/* Gets the object, which is reachable for as long as somebody keeps it. */
static void close_port(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)data;
    struct port *port = object;
    fclose(port->file);
    closed++;
}

/* Gets only data: the object is gone. */
static void forget(gait_mutator *mutator, void *data) {
    (void)mutator;
    *(int *)data += 1;
}

static void *run_finalizers(void *argument) {
    gait_mutator *mutator = gait_attach(argument);
    CHECK(mutator);
    while (gait_wait_finalizers(mutator, -1)) /* in native code meanwhile */
        gait_run_finalizers(mutator, 100);
    gait_run_finalizers(mutator, SIZE_MAX); /* those that came last */
    return NULL;                            /* exits attached: detached by the library */
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(heap, &(gait_kind_info){.name = "port", .layout = GAIT_LEAF});
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run_finalizers, heap) == 0);

    for (int i = 0; i < 10; i++) {
        struct port *port = gait_alloc(mutator, kind, sizeof *port);
        CHECK(port && (port->file = fopen("/dev/null", "w")));
        CHECK(gait_finalizer_set(mutator, port, close_port, NULL) == 0);
        CHECK(gait_cleanup_add(mutator, port, forget, &forgotten) == 0);
        if (i == 0) { /* closed by hand: nothing is left to do */
            fclose(port->file);
            CHECK(gait_finalizer_set(mutator, port, NULL, NULL) == 0);
            CHECK(gait_cleanup_cancel(mutator, port, forget, &forgotten) == 1);
        }
    }
    gait_collect(mutator); /* finds them dead: finalizers are queued */
    gait_stop_finalizers(heap);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    CHECK(closed == 9);

    gait_collect(mutator); /* finds them dead for good: cleanups are queued */
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(forgotten == 9);
    gait_heap_destroy(heap);
    return 0;
}

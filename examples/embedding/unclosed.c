/* SPDX-License-Identifier: MIT */
/* A finder of leaks: each cycle says which ports died without having been closed, and where they
 * had been opened. */
#include "example.h"

#include <gait/liveness.h>

struct port {
    const char *opened_at; /* NULL: it was closed */
};

struct report {
    gait_kind ports;
    int unclosed;
    const char *opened_at; /* that one of them was */
};

/* Its memory is as it was when it died, until the hook has returned. */
static void look(gait_liveness *liveness, void *object, size_t bytes, void *data) {
    (void)liveness, (void)bytes;
    const struct port *port = object;
    struct report *report = data;
    if (!port->opened_at)
        return;
    report->unclosed++;
    report->opened_at = port->opened_at;
}

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    struct report *report = data;
    if (stage == GAIT_LIVENESS_SWEEP)
        gait_walk_dead(liveness, report->ports, look, report);
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind ports = example_kind(heap, &(gait_kind_info){.name = "port", .layout = GAIT_LEAF});
    static struct report report; /* read when no cycle runs */
    report.ports = ports;
    CHECK(gait_liveness_add(heap, hook, &report) == 0);

    const char *const places[] = {"main.scm:3", "main.scm:17"};
    for (int i = 0; i < 2; i++) {
        struct port *port = gait_alloc(mutator, ports, sizeof *port);
        port->opened_at = places[i];
        if (i == 0)
            port->opened_at = NULL; /* closed */
    }
    gait_collect(mutator);
    CHECK(report.unclosed == 1 && report.opened_at == places[1]);
    gait_collect(mutator); /* told once */
    CHECK(report.unclosed == 1);

    gait_heap_destroy(heap);
    return 0;
}

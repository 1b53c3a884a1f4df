/* SPDX-License-Identifier: MIT */
/* A root slot in an off-heap block: memory of the program's that holds an object. */
#include "../embedding/example.h"

#include <gait/offheap.h>
#include <string.h>

struct request {
    int number;
    gait_word session; /* an object of the heap; a root while the request is there */
};

static struct request *request_new(gait_mutator *mutator, int number, gait_word session) {
    gait_heap *heap = gait_mutator_heap(mutator);
    struct request *request = gait_offheap_calloc(heap, 1, sizeof *request, 0);
    if (!request)
        return NULL;
    if (gait_roots_add(mutator, &request->session, 1) < 0) {
        gait_offheap_free(heap, request);
        return NULL;
    }
    request->number = number;
    gait_store(mutator, &request->session, session);
    return request;
}

static void request_free(gait_mutator *mutator, struct request *request) {
    gait_roots_remove(mutator, &request->session); /* before the block goes, or is resized */
    gait_offheap_free(gait_mutator_heap(mutator), request);
}

int main(void) {
    gait_config config;
    gait_config_init(&config);
    config.debug = "offheapcheck=1"; /* reports a block that goes with its slot */
    gait_heap *heap = example_heap(&config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = example_kind(heap, &(gait_kind_info){.name = "session", .layout = GAIT_LEAF});

    char *session = gait_alloc(mutator, kind, 64);
    CHECK(session);
    strcpy(session, "logged in");
    struct request *request = request_new(mutator, 1, (gait_word)session);
    CHECK(request);
    gait_collect(mutator);
    CHECK(strcmp((char *)request->session, "logged in") == 0);
    request_free(mutator, request);
    gait_collect(mutator);
    CHECK(!gait_object_base(heap, session));
    gait_heap_destroy(heap);
    return 0;
}

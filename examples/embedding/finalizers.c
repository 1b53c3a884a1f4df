/* SPDX-License-Identifier: MIT */
/* Finalizers and cleanups: a port that closes its file, a cache that is told, a thread that runs
 * them; objects that refer to each other, and the end of a program. */
#include "example.h"

#include <pthread.h>
#include <string.h>

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

/* Notes which objects were finalized, by the letters that they hold. */
static void tell(gait_mutator *mutator, void *object, void *data) {
    (void)mutator;
    strncat(data, (char *)&((gait_word *)object)[1], 1);
}

/* An object with a letter, which refers to another one. */
static gait_word letter_new(gait_mutator *mutator, gait_kind kind, gait_word refers, char letter) {
    gait_word *object = gait_alloc(mutator, kind, 2 * sizeof *object);
    CHECK(object);
    gait_init(&object[0], refers);
    object[1] = (unsigned char)letter;
    return (gait_word)object;
}

/* Two objects that refer to each other: neither is finalized before the other, but both can be. */
static void finalize_cycle(gait_heap *heap, gait_mutator *mutator, gait_kind kind) {
    char told[8] = "";
    gait_word letters[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, letters, 2);
    letters[0] = letter_new(mutator, kind, 0, 'a');
    letters[1] = letter_new(mutator, kind, letters[0], 'b');
    gait_store(mutator, (gait_word *)letters[0], letters[1]);
    for (int i = 0; i < 2; i++)
        CHECK(gait_finalizer_replace(mutator, (void *)letters[i], tell, told,
                                     GAIT_FINALIZER_UNORDERED, NULL, NULL) == 0);
    gait_pop_frame(mutator);
    gait_collect(mutator);
    if (gait_finalizers_pending(heap)) /* one load: a loop may ask at each turn */
        gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(strlen(told) == 2 && strchr(told, 'a') && strchr(told, 'b'));
}

/* An object that a cache has by a weak word, and that is put back to use, or not. */
static void resurrect(gait_heap *heap, gait_mutator *mutator, gait_kind kind) {
    char told[8] = "";
    gait_kind weak = example_kind(heap, &(gait_kind_info){.name = "cache", .layout = GAIT_WEAK});
    gait_word roots[2] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 2);
    gait_word *cache = gait_alloc(mutator, weak, sizeof *cache);
    roots[0] = (gait_word)cache;
    roots[1] = letter_new(mutator, kind, 0, 'g');
    gait_weak_set(mutator, cache, roots[1]);
    CHECK(gait_finalizer_replace(mutator, (void *)roots[1], tell, told, GAIT_FINALIZER_RESURRECT,
                                 NULL, NULL) == 0);
    roots[1] = 0;
    /* the weak word leads to it, though nothing else has since before the cycle */
    gait_collect(mutator);
    CHECK(gait_finalizers_pending(heap) && gait_weak_get(mutator, cache) != 0);
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(strcmp(told, "g") == 0);
    gait_collect(mutator); /* it has no finalizer now */
    CHECK(gait_weak_get(mutator, cache) == 0);
    gait_pop_frame(mutator);
}

/* At the end all finalizers run, the youngest first, whatever is reachable. */
static void finalize_rest(gait_mutator *mutator, gait_kind kind) {
    char told[8] = "";
    gait_handle *kept = gait_handle_new(mutator, 0);
    CHECK(kept);
    for (char letter = 'x'; letter <= 'z'; letter++) {
        gait_word object = letter_new(mutator, kind, gait_handle_get(kept), letter);
        gait_handle_set(mutator, kept, object);
        CHECK(gait_finalizer_set(mutator, (void *)object, tell, told) == 0);
    }
    CHECK(gait_finalize_all(mutator) == 3);
    CHECK(strcmp(told, "zyx") == 0);
    gait_handle_free(mutator, kept);
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

    gait_kind letter = example_kind(
        heap, &(gait_kind_info){.name = "letter", .layout = GAIT_PREFIX, .head_words = 1});
    finalize_cycle(heap, mutator, letter);
    resurrect(heap, mutator, letter);
    finalize_rest(mutator, letter);
    gait_heap_destroy(heap);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Leaving functions by longjmp, with frames pushed: an interpreter's errors. */
#include "example.h"

#include <setjmp.h>

static gait_mutator *mutator;
static gait_kind pair;

/* Where errors are caught, and which frames are pushed there. */
struct catcher {
    jmp_buf place;
    struct gait_frames frames;
};
static struct catcher *catcher;

static void raise_error(void) { longjmp(catcher->place, 1); }

/* A list of count pairs, made by recursion; the last call may fail. */
static gait_word make_list(int count, int fails) {
    if (count == 0) {
        if (fails)
            raise_error();
        return 0;
    }
    gait_word rest = make_list(count - 1, fails);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &rest, 1);
    gait_word *object = gait_alloc(mutator, pair, 2 * sizeof(gait_word));
    CHECK(object);
    if (fails == 2 && count == 500)
        raise_error(); /* past gait_pop_frame */
    gait_pop_frame(mutator);
    gait_init(&object[1], rest);
    return (gait_word)object;
}

/* Call make_list. @return whether an error was caught. */
static int guarded(gait_word *list, int fails) {
    struct catcher mine, *outer = catcher;
    mine.frames = gait_frames_save(mutator);
    catcher = &mine;
    int caught = setjmp(mine.place);
    if (caught)
        gait_frames_restore(mutator, mine.frames); /* before anything allocates */
    else
        *list = make_list(1000, fails);
    catcher = outer;
    return caught;
}

/* A finalizer may leave so, too. */
static void fail(gait_mutator *at, void *object, void *data) {
    (void)at, (void)object, (void)data;
    raise_error();
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    mutator = gait_attach(heap);
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1);
    CHECK(!guarded(&list, 0));
    CHECK(guarded(&list, 1) && guarded(&list, 2));
    gait_collect(mutator); /* reads the frames that are pushed: one */
    size_t length = 0;
    for (gait_word at = list; at; at = ((gait_word *)at)[1])
        length++;
    CHECK(length == 1000);

    CHECK(gait_finalizer_set(mutator, gait_alloc(mutator, pair, 16), fail, NULL) == 0);
    gait_collect(mutator);
    struct catcher last = {.frames = gait_frames_save(mutator)};
    catcher = &last;
    if (setjmp(last.place) == 0) {
        gait_run_finalizers(mutator, 1);
        CHECK(0);
    }
    gait_frames_restore(mutator, last.frames);
    gait_collect(mutator);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}

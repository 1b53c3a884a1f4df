/* SPDX-License-Identifier: MIT */
/*
 * Finalizers, called with the object: in the order of references, or in any, so that objects in
 * cycles have them; cleanups, called when the object has gone. A cleanup's function must not lead
 * to the object: it is kept by a handle.
 */
#include "tiny.h"

static void call_finalizer(gait_mutator *mutator, void *object, void *data) {
    ROOTS(kept, 3);
    kept[0] = (value)object;
    kept[1] = gait_handle_get(data);
    gait_handle_free(mutator, data);
    tiny.finalized++;
    kept[2] = cons(kept[0], 0);
    apply(kept[1], kept[2]); /* may be left by an error */
    UNROOT();
}

static void call_cleanup(gait_mutator *mutator, void *data) {
    ROOTS(kept, 1);
    kept[0] = gait_handle_get(data);
    gait_handle_free(mutator, data);
    tiny.finalized++;
    apply(kept[0], 0);
    UNROOT();
}

static gait_handle *keep(value function) {
    gait_handle *handle = gait_handle_new(tiny.mutator, function);
    if (!handle)
        raise_text("no memory for a handle", function);
    return handle;
}

void finalize(value object, value function, bool ordered) {
    void *old = NULL;
    if (gait_finalizer_replace(tiny.mutator, (void *)object, call_finalizer, keep(function),
                               ordered ? 0 : GAIT_FINALIZER_UNORDERED, NULL, &old) < 0)
        raise_text("can't be finalized", object);
    if (old)
        gait_handle_free(tiny.mutator, old);
}

void cleanup(value object, value function) {
    if (gait_cleanup_add(tiny.mutator, (void *)object, call_cleanup, keep(function)) < 0)
        raise_text("can't be cleaned up", object);
}

/* Some of what is queued. One that fails leaves gait_run_finalizers by longjmp, and counts as run.
 */
static size_t run_some(void) {
    struct catcher catcher;
    try_begin(&catcher);
    if (setjmp(catcher.place) == 0) {
        size_t ran = gait_run_finalizers(tiny.mutator, 1000);
        try_end(&catcher);
        return ran;
    }
    caught(&catcher);
    return 1;
}

size_t run_finalizers(void) {
    size_t ran = 0, more;
    while ((more = run_some()) > 0)
        ran += more;
    return ran;
}

/* At the end: of all objects, reachable or not. A function that fails leaves the rest undone. */
void finalize_all(void) {
    struct catcher catcher;
    try_begin(&catcher);
    if (setjmp(catcher.place) == 0) {
        gait_finalize_all(tiny.mutator);
        try_end(&catcher);
    } else {
        caught(&catcher);
    }
}

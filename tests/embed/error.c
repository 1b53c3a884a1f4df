/* SPDX-License-Identifier: MIT */
/* Errors: longjmp to the youngest catcher, over frames that stay pushed; these are cut off there.
 */
#include "tiny.h"

void try_begin(struct catcher *catcher) {
    catcher->frames = gait_frames_save(tiny.mutator);
    catcher->outer = tiny.catcher;
    tiny.catcher = catcher;
}

void try_end(struct catcher *catcher) { tiny.catcher = catcher->outer; }

void caught(struct catcher *catcher) {
    gait_frames_restore(tiny.mutator, catcher->frames);
    tiny.catcher = catcher->outer;
}

void raise_value(value failure) {
    tiny.failure = failure;
    if (!tiny.catcher) {
        fprintf(stderr, "error outside of all: ");
        print_value(stderr, failure);
        fprintf(stderr, "\n");
        exit(1);
    }
    longjmp(tiny.catcher->place, 1);
}

void raise_text(const char *what, value about) {
    ROOTS(kept, 2); /* never popped: the catcher cuts it off */
    kept[0] = about;
    kept[1] = cons(kept[0], 0);
    raise_value(cons(text_of(what, strlen(what)), kept[1]));
}

/* SPDX-License-Identifier: MIT */
/*
 * Notes of suspended coroutines' roots, and their comparison. See suspended.h.
 *
 * Without memory for a note, or for another suspect, nothing is noted: it is a check.
 */
#include "suspended.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_FIRST 16
/* More words are not noted, nor more suspects kept: 16 MiB of each. */
#define WORDS_MOST ((size_t)1 << 20)

/* Room for one more of count items that are noted or suspect. @return false: there is none. */
static bool make_room(void **items, size_t *room, size_t count, size_t item_bytes) {
    if (count < *room)
        return true;
    size_t wanted = *room ? 2 * *room : WORDS_FIRST;
    void *more = wanted > WORDS_MOST ? NULL : realloc(*items, wanted * item_bytes);
    if (!more)
        return false;
    *items = more;
    *room = wanted;
    return true;
}

/* ---- Notes ---- */

struct noter {
    struct gait_visitor visitor; /* first: visit casts */
    struct suspended_notes notes;
    bool failed;
};

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct noter *noter = (struct noter *)visitor;
    struct suspended_notes *notes = &noter->notes;
    if (word == 0 || noter->failed)
        return;
    noter->failed =
        !make_room((void **)&notes->words, &notes->room, notes->count, sizeof *notes->words);
    if (!noter->failed)
        notes->words[notes->count++] = (struct noted_word){word, conservative};
}

/* @return false: no memory, and no notes. */
static bool take_notes(const struct gait_coroutine *coroutine, struct suspended_notes *notes) {
    struct noter noter = {.visitor = {.visit = visit, .bytes = SIZE_MAX}};
    stack_visit_frames(&noter.visitor, coroutine->stack.frames);
    stack_visit_callback(&noter.visitor, &coroutine->stack);
    if (noter.failed) {
        free(noter.notes.words);
        return false;
    }
    *notes = noter.notes;
    return true;
}

void suspended_drop(struct gait_coroutine *coroutine) {
    free(coroutine->notes.words);
    memset(&coroutine->notes, 0, sizeof coroutine->notes);
    coroutine->noted = false;
}

void suspended_note(struct gait_coroutine *coroutine) {
    suspended_drop(coroutine);
    coroutine->noted = take_notes(coroutine, &coroutine->notes);
}

/* ---- Comparison ---- */

static int by_word(const void *first, const void *second) {
    const struct noted_word *a = first, *b = second;
    if (a->word != b->word)
        return a->word < b->word ? -1 : 1;
    return (int)a->conservative - (int)b->conservative;
}

static void sort(struct suspended_notes *notes) {
    if (notes->count > 0)
        qsort(notes->words, notes->count, sizeof *notes->words, by_word);
}

static void suspect(struct roots *roots, const struct noted_word *word, bool went) {
    lock_acquire(&roots->lock);
    if (make_room((void **)&roots->suspects, &roots->suspect_room, roots->suspect_count,
                  sizeof *roots->suspects))
        roots->suspects[roots->suspect_count++] =
            (struct suspect){word->word, word->conservative, went};
    lock_release(&roots->lock);
}

void suspended_compare(struct gait_coroutine *coroutine) {
    struct suspended_notes now;
    if (!coroutine->noted)
        return;
    if (take_notes(coroutine, &now)) {
        struct suspended_notes *then = &coroutine->notes;
        sort(then);
        sort(&now);
        for (size_t i = 0, j = 0; i < then->count || j < now.count;) {
            int order = i == then->count ? 1
                        : j == now.count ? -1
                                         : by_word(&then->words[i], &now.words[j]);
            if (order < 0)
                suspect(coroutine->roots, &then->words[i], true);
            else if (order > 0)
                suspect(coroutine->roots, &now.words[j], false);
            i += order <= 0;
            j += order >= 0;
        }
        free(now.words);
    }
    suspended_drop(coroutine);
}

/* ---- All of them ---- */

void suspended_note_all(struct roots *roots) {
    coroutines_rewind(roots);
    for (struct gait_coroutine *coroutine; (coroutine = coroutines_next(roots));) {
        if (!coroutine->running)
            suspended_note(coroutine);
        lock_release(&coroutine->lock);
    }
}

void suspended_compare_all(struct roots *roots) {
    struct gait_coroutine *coroutine = roots->coroutines;
    for (; coroutine; coroutine = coroutine->next)
        if (!coroutine->running)
            suspended_compare(coroutine);
}

const struct suspect *suspended_suspects(const struct roots *roots, size_t *count) {
    *count = roots->suspect_count;
    return roots->suspects;
}

void suspended_forget(struct roots *roots) {
    for (struct gait_coroutine *coroutine = roots->coroutines; coroutine;
         coroutine = coroutine->next)
        suspended_drop(coroutine);
    free(roots->suspects);
    roots->suspects = NULL;
    roots->suspect_count = roots->suspect_room = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * gccheckmark and gcfloat. See verify.h.
 *
 * The first search forgets an object as soon as its references were looked at. Only if it finds
 * that something was missed, a second one keeps every object with the one that led to it, for the
 * paths. The world stands still, so both see the same.
 */
#include "verify.h"

#include "../instance.h"
#include "../mark/suspended.h"
#include "../observe/observe.h"
#include "search.h"

/* Missed objects that are reported, and objects of a path that are shown at each of its ends. */
#define REPORTS_MAX 8
#define PATH_SHOWN 24

struct tally_of_search {
    size_t missed;      /* objects without a mark; what they lead to is not looked for */
    size_t found_bytes; /* cells of the others */
};

/* ---- Reporting a path ---- */

static void tell_step(struct search *search, const struct search_entry *entry,
                      const volatile gait_word *at) {
    struct line line = {.length = 0};
    line_add(&line, "gccheckmark:   ");
    search_add_object(search, &line, entry->object);
    ptrdiff_t place = search_place(search, entry->object, at);
    if (place >= 0)
        line_add(&line, ", at byte %td:", place);
    line_write(&line, search->heap->log);
}

static void tell(struct search *search, struct search_entry *missed) {
    FILE *log = search->heap->log;
    struct line line = {.length = 0};
    line_add(&line, "gccheckmark: reachable, but not marked: ");
    search_add_object(search, &line, missed->object);
    line_write(&line, log);

    size_t length;
    const struct search_root *root = search_path(search, missed, &length);
    line_add(&line, "gccheckmark:   from ");
    search_add_root(&line, root, search_step(missed, length, 0)->at);
    line_write(&line, log);
    length--; /* without itself */
    for (size_t i = 0; i < length; i++) {
        if (i == PATH_SHOWN && length - i > PATH_SHOWN) {
            line_add(&line, "gccheckmark:   … %zu more …", length - i - PATH_SHOWN);
            line_write(&line, log);
            i = length - PATH_SHOWN;
        }
        tell_step(search, search_step(missed, length + 1, i),
                  search_step(missed, length + 1, i + 1)->at);
    }
}

/* ---- Searches ---- */

static bool add_found(struct search *search, const struct search_entry *entry,
                      const struct cell *cell, const struct arena *arena) {
    struct tally_of_search *tally = search->use->data;
    (void)entry, (void)arena;
    if (cell)
        tally->found_bytes += search_cell_bytes(search, cell);
    return true;
}

static void add_missed(struct search *search, struct search_entry *entry) {
    struct tally_of_search *tally = search->use->data;
    if (search->use->keep && tally->missed < REPORTS_MAX)
        tell(search, entry);
    tally->missed++;
}

/* epoch: that marks were made in. @return false: no memory, and what it found is not all. */
static bool search_heap(gait_heap *heap, unsigned epoch, bool keep, struct tally_of_search *tally) {
    struct search search;
    struct search_use use = {
        .epoch = epoch, .keep = keep, .found = add_found, .unmarked = add_missed, .data = tally};
    *tally = (struct tally_of_search){0};
    bool complete = search_run(&search, heap, &use);
    search_end(&search);
    return complete;
}

/* Report changes to suspended coroutines' roots that no barrier has seen: the objects have no
 * mark. @return how many. */
static size_t tell_changes(gait_heap *heap) {
    struct search_use use = {.epoch = space_epoch(&heap->space)};
    struct search look = {.heap = heap, .space = &heap->space, .use = &use};
    suspended_compare_all(&heap->roots);
    size_t count, told = 0;
    const struct suspect *suspects = suspended_suspects(&heap->roots, &count);
    for (size_t i = 0; i < count; i++) {
        struct cell cell;
        if (!search_word(&look, suspects[i].word, suspects[i].conservative, &cell) ||
            cell_marked(&cell, use.epoch))
            continue;
        if (told++ >= REPORTS_MAX)
            continue;
        if (told == 1)
            observe_flush(heap); /* the report is written at once: nothing comes after it */
        struct line line = {.length = 0};
        line_add(&line, "gccheckmark: a suspended coroutine's roots changed without gait_store: ");
        search_add_object(&look, &line, cell.start);
        line_add(&line, suspects[i].went ? " was taken out" : " was put in");
        line_write(&line, heap->log);
    }
    suspended_forget(&heap->roots);
    return told;
}

void verify_marks(gait_heap *heap) {
    struct tally_of_search tally;
    unsigned epoch = space_epoch(&heap->space);
    size_t changed = tell_changes(heap);
    if (!search_heap(heap, epoch, false, &tally) && tally.missed == 0) {
        struct line line = {.length = 0};
        line_add(&line, "gccheckmark: no memory for the search; not checked");
        observe_line(heap, &line);
        return;
    }
    if (changed > 0 && tally.missed == 0)
        platform_fatal("gccheckmark: %zu words of suspended coroutines' roots changed without "
                       "gait_store; the log has them",
                       changed);
    if (tally.missed == 0)
        return;
    observe_flush(heap); /* the report is written at once: nothing comes after it */
    search_heap(heap, epoch, true, &tally);
    platform_fatal("gccheckmark: marking missed %zu reachable objects; the log has the paths",
                   tally.missed);
}

size_t verify_found_bytes(gait_heap *heap) {
    struct tally_of_search tally;
    /* the bits have turned over, and no sweep has changed one of them */
    if (search_heap(heap, space_epoch(&heap->space) - 1, false, &tally))
        return tally.found_bytes;
    struct line line = {.length = 0};
    line_add(&line, "gcfloat: no memory for the search; not measured");
    observe_line(heap, &line);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * runtime/collect/verify: a heap that is marked passes; one whose marks lack an object is told of,
 * with the path to it, by every way in which one object can lead to another.
 */
#include "collect/verify.h"

#include "instance.h"
#include "mark/suspended.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
/* Tags in the four highest bits. */
#define VALUE_MASK (~(gait_word)0 >> 4)
#define TAG ((gait_word)5 << 60)

static gait_heap *heap;
static gait_mutator *mutator;
static FILE *report;
static gait_kind item;

static void begin(void) {
    report = tmpfile();
    gait_config config;
    gait_config_init(&config);
    config.value_mask = VALUE_MASK;
    config.log = report;
    config.debug = "";
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    item =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "item", .layout = GAIT_LEAF});
}

static void end(void) {
    gait_heap_destroy(heap);
    fclose(report);
}

TestSuite(verify, .init = begin, .fini = end);

/* Mark all that roots lead to: what a cycle does, by one marker and without its threads. */
static void mark_all(void) {
    struct marker marker;
    marker_init(&marker, &heap->space, &heap->queue, heap->value_mask);
    mutator_scan_roots(mutator);
    marker_begin(&marker);
    roots_push(&heap->roots, &marker, false);
    finalizers_push(&heap->finalizers, &marker);
    for (bool more = true; more;) {
        marker_drain(&marker, SIZE_MAX);
        marker_end(&marker); /* publishes ephemerons */
        marker_begin(&marker);
        more = marker_ephemerons(&marker);
    }
    marker_end(&marker);
}

static void unmark(const void *object) {
    struct cell cell;
    unsigned epoch = space_epoch(&heap->space);
    cr_assert(space_cell(&heap->space, (uintptr_t)object, &cell));
    cr_assert(cell_marked(&cell, epoch), "it was not marked to begin with");
    bits_clear(&cell.pair[~epoch & 1], cell.bit);
}

static char text[1 << 16]; /* of the last report */

/** Verify in a child process. @return whether it aborted; its report is in text. */
static bool verify_aborts(void) {
    fflush(NULL);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        verify_marks(heap);
        _exit(0);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    rewind(report);
    text[fread(text, 1, sizeof text - 1, report)] = '\0';
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void expect_text(const char *what, const char *part) {
    cr_expect_not_null(strstr(text, part), "%s: \"%s\" is not in:\n%s", what, part, text);
}

/* ---- Every way from one object to another ---- */

static void scan_second(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    gait_visit(visitor, ((gait_word *)object)[1]);
}

static const uint64_t third_word = 1 << 2;

static const struct way {
    const char *what;
    gait_kind_info info;
    size_t at;     /* the word of the parent that leads to the child */
    gait_word add; /* to the child's address */
} ways[] = {
    {"refs", {.layout = GAIT_REFS}, 3, 0},
    {"refs, tagged", {.layout = GAIT_REFS}, 3, TAG},
    {"prefix", {.layout = GAIT_PREFIX, .head_words = 2}, 1, 0},
    {"bitmap", {.layout = GAIT_BITMAP, .head_words = 8, .bitmap = &third_word}, 2, 0},
    {"repeat, head",
     {.layout = GAIT_REPEAT,
      .head_words = 3,
      .bitmap = &third_word,
      .element_words = 2,
      .element_bitmap = 2},
     2,
     0},
    {"repeat, element",
     {.layout = GAIT_REPEAT, .head_words = 1, .element_words = 3, .element_bitmap = 4},
     6,
     0},
    {"callback", {.layout = GAIT_CALLBACK, .scan = scan_second}, 1, 0},
    {"conservative", {.layout = GAIT_CONSERVATIVE}, 0, 0},
    {"conservative, inside", {.layout = GAIT_CONSERVATIVE}, 7, 13},
    {"weak, strong part", {.layout = GAIT_WEAK, .head_words = 1}, 0, 0},
    {"ephemeron, strong part", {.layout = GAIT_EPHEMERON, .head_words = 2}, 1, 0},
};

Test(verify, finds_what_was_missed_in_every_layout) {
    for (size_t i = 0; i < COUNT(ways); i++) {
        gait_kind_info info = ways[i].info;
        info.name = ways[i].what;
        int parent_kind = gait_kind_register(heap, &info);
        cr_assert_geq(parent_kind, 0);
        char *child = gait_alloc(mutator, item, 48);
        gait_handle *keep = gait_handle_new(mutator, (gait_word)child);
        gait_word *parent = gait_alloc(mutator, (gait_kind)parent_kind, 64);
        gait_init(&parent[ways[i].at], (gait_word)child + ways[i].add);
        gait_handle_set(mutator, keep, (gait_word)parent);
        mark_all();
        cr_expect(!verify_aborts(), "%s: all is marked:\n%s", ways[i].what, text);
        unmark(child);
        cr_expect(verify_aborts(), "%s: passed", ways[i].what);
        expect_text(ways[i].what, "reachable, but not marked: 0x");
        expect_text(ways[i].what, "(item, 48 bytes)\n");
        char parent_text[80];
        snprintf(parent_text, sizeof parent_text, "%p (%s, 64 bytes)", (void *)parent,
                 ways[i].what);
        expect_text(ways[i].what, parent_text);
        expect_text(ways[i].what, "from handle, word at 0x");
        gait_collect(mutator); /* marks anew */
        cr_assert_eq(freopen(NULL, "w+", report), report);
        gait_handle_free(mutator, keep);
    }
}

Test(verify, words_that_are_no_references_lead_nowhere) {
    gait_kind refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_kind prefix = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "prefix", .layout = GAIT_PREFIX, .head_words = 1});
    gait_kind weak =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "weak", .layout = GAIT_WEAK});
    gait_word *parents[3];
    gait_kind kinds[3] = {refs, prefix, weak};
    for (size_t i = 0; i < 3; i++) {
        parents[i] = gait_alloc(mutator, kinds[i], 64);
        gait_handle_new(mutator, (gait_word)parents[i]);
    }
    gait_word lost = (gait_word)gait_alloc(mutator, item, 64);
    gait_init(&parents[0][0], lost + 8); /* inside */
    gait_init(&parents[0][1], lost + 1); /* not aligned */
    gait_init(&parents[0][2], 12345);
    gait_init(&parents[0][3], ~(gait_word)0);
    gait_init(&parents[0][4], (gait_word)heap->space.base + heap->space.reserved_bytes);
    gait_init(&parents[1][1], lost); /* past the prefix */
    gait_weak_set(mutator, &parents[2][0], lost);
    mark_all();
    cr_expect(!verify_aborts(), "%s", text);
}

/* ---- Roots ---- */

static gait_word own_root;

static void visit_own(gait_visitor *visitor, void *data) {
    gait_visit(visitor, *(gait_word *)data);
}

static void expect_missed_from(const void *object, const char *root) {
    mark_all();
    cr_expect(!verify_aborts(), "%s: %s", root, text);
    unmark(object);
    cr_expect(verify_aborts(), "%s: passed", root);
    expect_text(root, root);
}

Test(verify, frames_are_roots) {
    gait_word slots[2] = {0, (gait_word)gait_alloc(mutator, item, 16)};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);
    expect_missed_from((void *)slots[1], "from shadow stack of thread ");
    gait_pop_frame(mutator);
}

Test(verify, callbacks_are_roots) {
    own_root = (gait_word)gait_alloc(mutator, item, 16);
    gait_set_roots_callback(mutator, visit_own, &own_root);
    expect_missed_from((void *)own_root, "from root callback of thread ");
}

static void finalize(gait_mutator *finalizing, void *object, void *data) {
    (void)finalizing, (void)object, (void)data;
}

Test(verify, finalizers_keep_what_their_objects_lead_to) {
    gait_kind refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_word *dead = gait_alloc(mutator, refs, 16);
    gait_word held = (gait_word)gait_alloc(mutator, item, 16);
    gait_init(dead, held);
    cr_assert_eq(gait_finalizer_set(mutator, dead, finalize, NULL), 0);
    expect_missed_from((void *)held, "from finalizer, waiting or to come, of the object 0x");
}

/* ---- Ephemerons ---- */

Test(verify, a_chain_of_ephemerons_is_followed_while_keys_are_found) {
    gait_kind table = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "table", .layout = GAIT_EPHEMERON});
    enum { LINKS = 50 };
    gait_word *pairs = gait_alloc(mutator, table, (LINKS + 1) * 2 * sizeof(gait_word));
    gait_handle_new(mutator, (gait_word)pairs);
    gait_word key = (gait_word)gait_alloc(mutator, item, 16), last = key;
    gait_handle_new(mutator, key);
    for (size_t i = LINKS; i-- > 0;) { /* the value of each pair is the key of the one before it */
        gait_word value = (gait_word)gait_alloc(mutator, item, 16);
        gait_ephemeron_set(mutator, &pairs[2 * i], last, value);
        last = value;
    }
    gait_word dead_key = (gait_word)gait_alloc(mutator, item, 16);
    gait_ephemeron_set(mutator, &pairs[2 * LINKS], dead_key,
                       (gait_word)gait_alloc(mutator, item, 16));
    mark_all();
    struct cell cell;
    cr_assert(space_cell(&heap->space, dead_key, &cell));
    cr_assert(!cell_marked(&cell, space_epoch(&heap->space)));
    cr_expect(!verify_aborts(), "%s", text);
    unmark((void *)last);
    cr_expect(verify_aborts());
    expect_text("ephemerons", "(table, ");
}

/* ---- Paths ---- */

Test(verify, a_long_path_is_told_by_its_ends) {
    gait_kind link =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "link", .layout = GAIT_REFS});
    enum { LINKS = 300000 }; /* many chunks of the search's queue */
    gait_word lost = (gait_word)gait_alloc(mutator, item, 16);
    gait_handle *list = gait_handle_new(mutator, lost);
    for (size_t i = 0; i < LINKS; i++) {
        gait_word *object = gait_alloc(mutator, link, 16);
        gait_init(&object[1], gait_handle_get(list));
        gait_handle_set(mutator, list, (gait_word)object);
    }
    gait_collect(mutator); /* whatever ran in the background is over */
    expect_missed_from((void *)lost, "… 299952 more …");
    expect_text("path", "(link, 16 bytes), at byte 8:\n");
    char first[96];
    snprintf(first, sizeof first, "word at %p\ngccheckmark:   0x%lx (link", (void *)list,
             (unsigned long)gait_handle_get(list));
    expect_text("the root's end", first);
}

/* ---- Suspended coroutines ---- */

static gait_word roots_of_it[4];

static void visit_roots_of_it(gait_visitor *visitor, void *data) {
    (void)data;
    gait_visit_range(visitor, roots_of_it, 3);
    gait_visit_conservative(visitor, &roots_of_it[3], 1);
}

/* A word that came or went is told of if its object has no mark when marking ends. */
Test(verify, tells_how_a_suspended_coroutine_changed) {
    heap->roots.checks_suspended = true;
    gait_coroutine *coroutine = gait_coroutine_new(mutator, visit_roots_of_it, NULL, NULL, NULL);
    gait_word objects[4];
    for (size_t i = 0; i < 4; i++)
        objects[i] = (gait_word)gait_alloc(mutator, item, 32);
    for (size_t i = 0; i < 3; i++)
        roots_of_it[i] = objects[i] | TAG;
    suspended_note_all(&heap->roots);
    mark_all();
    mutator->head.barrier = 1;
    gait_store(mutator, &roots_of_it[0], 0); /* shaded */
    mutator->head.barrier = 0;
    mutator_flush_barrier(mutator, false);
    roots_of_it[1] = 0;
    gait_word swapped = roots_of_it[2]; /* as before in the end: another place */
    roots_of_it[2] = 0;
    roots_of_it[0] = swapped;
    roots_of_it[3] = objects[3] + 8; /* inside */
    mark_all();
    cr_assert(verify_aborts());
    char gone[80], come[80];
    snprintf(gone, sizeof gone, "gait_store: %p (item, 32 bytes) was taken out",
             (void *)objects[1]);
    snprintf(come, sizeof come, "gait_store: %p (item, 32 bytes) was put in", (void *)objects[3]);
    expect_text("gone", gone);
    expect_text("come", come);
    char legal[40], moved[40];
    snprintf(legal, sizeof legal, "gait_store: %p", (void *)objects[0]);
    snprintf(moved, sizeof moved, "gait_store: %p", (void *)objects[2]);
    cr_expect_null(strstr(text, legal));
    cr_expect_null(strstr(text, moved));
    gait_coroutine_free(mutator, coroutine);
}

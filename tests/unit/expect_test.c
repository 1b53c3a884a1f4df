/* SPDX-License-Identifier: MIT */
/*
 * gait/expect.h: what keeps an object that should be dead is told, by every way in which one object
 * and every sort of root can lead to it; what is dead, or only marked, is not told of.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/expect.h>
#include <gait/liveness.h>
#include <stdio.h>
#include <string.h>

#include "instance.h"
#include "minor_cycle.h"
#include "platform/platform.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define STEPS 64

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind item, refs;
static FILE *report;

/* What was told last. */
static struct told {
    size_t times;
    gait_kept kept;
    char note[GAIT_NOTE_BYTES], root[512];
    const void *objects[STEPS];
    ptrdiff_t places[STEPS];
    size_t bytes[STEPS];
    char names[STEPS][32];
} told;

static void hear(gait_heap *from, const gait_kept *kept, void *data) {
    cr_expect_eq(from, heap);
    struct told *to = data;
    to->times++;
    to->kept = *kept;
    snprintf(to->note, sizeof to->note, "%s", kept->note);
    snprintf(to->root, sizeof to->root, "%s", kept->root);
    cr_assert_leq(kept->told, (size_t)STEPS);
    for (size_t i = 0; i < kept->told; i++) {
        to->objects[i] = kept->objects[i];
        to->places[i] = kept->places[i];
        to->bytes[i] = kept->bytes[i];
        snprintf(to->names[i], sizeof to->names[i], "%s", kept->names[i]);
    }
}

static void open_with(uint32_t flags, const char *minor, const char *debug) {
    report = tmpfile();
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.gogc = "off";
    config.memory_limit = "off";
    config.minor = minor;
    config.debug = debug;
    config.log = report;
    char error[200];
    heap = gait_heap_create(&config, error, sizeof error);
    cr_assert_not_null(heap, "%s", error);
    mutator = gait_attach(heap);
    item =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "item", .layout = GAIT_LEAF});
    refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    memset(&told, 0, sizeof told);
    gait_set_kept(heap, hear, &told, 0);
}

static void open_heap(void) { open_with(0, "off", "gccheckmark=1"); }

static void close_heap(void) {
    gait_heap_destroy(heap);
    fclose(report);
}

TestSuite(expect, .init = open_heap, .fini = close_heap);

/* The test of a suite that opens a heap of its own. */
static void open_anew(uint32_t flags, const char *minor, const char *debug) {
    close_heap();
    open_with(flags, minor, debug);
}

static void expect_dead(gait_word object) {
    cr_assert_eq(gait_expect_dead(mutator, (void *)object, "a note"), 0);
}

static gait_word new_item(void) { return (gait_word)gait_alloc(mutator, item, 48); }

/* ---- Every way from one object to another ---- */

static void scan_second(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    gait_visit(visitor, ((gait_word *)object)[1]);
}

static const uint64_t third_word = 1 << 2;

static const struct way {
    gait_kind_info info;
    size_t at;       /* the word of the parent that leads to the child */
    gait_word add;   /* to the child's address */
    bool not_placed; /* nobody knows which word it was */
} ways[] = {
    {{.name = "refs of it", .layout = GAIT_REFS}, 3, 0, false},
    {{.name = "prefix", .layout = GAIT_PREFIX, .head_words = 2}, 1, 0, false},
    {{.name = "bitmap", .layout = GAIT_BITMAP, .head_words = 8, .bitmap = &third_word},
     2,
     0,
     false},
    {{.name = "repeat",
      .layout = GAIT_REPEAT,
      .head_words = 1,
      .element_words = 3,
      .element_bitmap = 4},
     6,
     0,
     false},
    {{.name = "callback", .layout = GAIT_CALLBACK, .scan = scan_second}, 1, 0, true},
    {{.name = "conservative", .layout = GAIT_CONSERVATIVE}, 7, 13, false},
    {{.name = "weak", .layout = GAIT_WEAK, .head_words = 1}, 0, 0, false},
    {{.name = "ephemeron", .layout = GAIT_EPHEMERON, .head_words = 2}, 1, 0, false},
};

Test(expect, tells_the_way_in_every_layout_once_and_not_of_what_dies) {
    for (size_t i = 0; i < COUNT(ways); i++) {
        const char *name = ways[i].info.name;
        int kind = gait_kind_register(heap, &ways[i].info);
        cr_assert_geq(kind, 0);
        gait_word child = new_item();
        gait_handle *keep = gait_handle_new(mutator, child);
        gait_word *parent = gait_alloc(mutator, (gait_kind)kind, 64);
        gait_init(&parent[ways[i].at], child + ways[i].add);
        gait_handle_set(mutator, keep, (gait_word)parent);
        told.times = 0;
        expect_dead(child);
        gait_collect(mutator);
        cr_assert_eq(told.times, 1u, "%s", name);
        cr_expect_eq(told.kept.object, (void *)child);
        cr_expect_str_eq(told.note, "a note");
        cr_expect_eq(told.kept.length, 2u, "%s: %zu", name, told.kept.length);
        cr_expect_eq(told.kept.told, 2u);
        cr_expect_eq(told.objects[0], (void *)parent);
        cr_expect_eq(told.objects[1], (void *)child);
        ptrdiff_t place = (ptrdiff_t)(ways[i].at * sizeof(gait_word));
        cr_expect_eq(told.places[0], ways[i].not_placed ? -1 : place, "%s: %td", name,
                     told.places[0]);
        cr_expect_eq(told.places[1], -1);
        cr_expect_eq(told.bytes[1], 48u);
        cr_expect_str_eq(told.names[0], name);
        cr_expect_str_eq(told.names[1], "item");
        cr_expect_eq(strncmp(told.root, "handle, word at 0x", 18), 0, "%s", told.root);
        cr_expect_gt(told.kept.stop_ns, 0);
        gait_collect(mutator);
        cr_expect_eq(told.times, 1u, "%s: told twice", name);
        expect_dead(child);
        gait_handle_free(mutator, keep);
        gait_collect(mutator);
        cr_expect_eq(told.times, 1u, "%s: a dead object is told of", name);
        cr_expect_eq(AO_load(&heap->expected.count), 0u, "%s: it is not forgotten", name);
    }
}

Test(expect, tells_the_way_through_pairs_whose_keys_live) {
    gait_kind table = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "table", .layout = GAIT_EPHEMERON});
    gait_word *first = gait_alloc(mutator, table, 32);
    gait_handle_new(mutator, (gait_word)first);
    gait_word *second = gait_alloc(mutator, table, 32);
    gait_handle_new(mutator, (gait_word)second);
    gait_word *holder = gait_alloc(mutator, refs, 32);
    gait_word child = new_item(), key = new_item();
    gait_init(&holder[1], child);
    /* in first: key -> another key, which second waits for; there it leads to holder */
    gait_word other = new_item();
    gait_ephemeron_set(mutator, &second[2], other, (gait_word)holder);
    gait_ephemeron_set(mutator, &first[0], key, other);
    expect_dead(child);
    gait_handle *live = gait_handle_new(mutator, key);
    gait_collect(mutator);
    cr_assert_eq(told.times, 1u);
    cr_assert_eq(told.kept.length, 3u);
    cr_expect_eq(told.objects[0], (void *)second);
    cr_expect_eq(told.places[0], (ptrdiff_t)(3 * sizeof(gait_word)));
    cr_expect_eq(told.objects[1], (void *)holder);
    cr_expect_eq(told.places[1], (ptrdiff_t)sizeof(gait_word));
    expect_dead(child);
    gait_handle_free(mutator, live);
    gait_collect(mutator);
    cr_expect_eq(told.times, 1u, "the key is dead, and so is all behind it");
}

/* ---- Roots ---- */

static void expect_from(gait_word object, const char *root) {
    size_t before = told.times;
    expect_dead(object);
    gait_collect(mutator);
    cr_assert_eq(told.times, before + 1, "%s", root);
    cr_expect_eq(told.kept.length, 1u, "%s: %zu", root, told.kept.length);
    cr_expect_eq(strncmp(told.root, root, strlen(root)), 0, "%s, not: %s", told.root, root);
}

static gait_word slots_of_it[4];

static void visit_own(gait_visitor *visitor, void *data) { gait_visit_range(visitor, data, 1); }

Test(expect, names_static_slots_ranges_and_where_they_lie) {
    gait_store(mutator, &slots_of_it[1], new_item());
    cr_assert_eq(gait_roots_add(mutator, slots_of_it, 2), 0);
    expect_from(slots_of_it[1], "static slot, word at 0x");
    cr_expect_eq(told.kept.root_at, (void *)&slots_of_it[1]);
    cr_expect_not_null(strstr(told.root, "+0x"), "%s", told.root);
    cr_assert_eq(gait_roots_remove(mutator, slots_of_it), 0);
    cr_assert_eq(gait_roots_add_range(mutator, &slots_of_it[2], 16, 0), 0);
    gait_store(mutator, &slots_of_it[3], new_item());
    expect_from(slots_of_it[3], "range of roots, word at 0x");
    cr_expect_eq(told.kept.root_at, (void *)&slots_of_it[3]);
    cr_assert_eq(gait_roots_remove_range(mutator, &slots_of_it[2]), 0);
    gait_word inside[1] = {slots_of_it[3] + 5};
    cr_assert_eq(gait_roots_add_range(mutator, inside, 8, GAIT_RANGE_CONSERVATIVE), 0);
    expect_from(slots_of_it[3], "range of roots, word at 0x");
    cr_expect_not_null(strstr(told.root, "may be no reference"), "%s", told.root);
    cr_assert_eq(gait_roots_remove_range(mutator, inside), 0);
}

Test(expect, names_a_threads_roots) {
    char thread[64];
    gait_word slots[2] = {0, new_item()};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 2);
    snprintf(thread, sizeof thread, "shadow stack of thread %d, word at %p",
             platform_clock_thread(mutator->cpu_clock), (void *)&slots[1]);
    expect_from(slots[1], thread);
    gait_pop_frame(mutator);
    static gait_word own;
    own = new_item();
    gait_set_roots_callback(mutator, visit_own, &own);
    snprintf(thread, sizeof thread, "root callback of thread %d, word at %p",
             platform_clock_thread(mutator->cpu_clock), (void *)&own);
    expect_from(own, thread);
    gait_set_roots_callback(mutator, NULL, NULL);
}

Test(expect, names_a_coroutine) {
    static gait_word own;
    gait_coroutine *coroutine = gait_coroutine_new(mutator, visit_own, &own, NULL, NULL);
    gait_store(mutator, &own, new_item());
    char root[64];
    snprintf(root, sizeof root, "root callback of coroutine %p", (void *)coroutine);
    expect_from(own, root);
    gait_coroutine_free(mutator, coroutine);
}

static __attribute__((noinline)) void hold_on_stack(void) {
    volatile gait_word word = new_item();
    expect_from(word, "C stack or registers of thread ");
    cr_expect_not_null(strstr(told.root, "may be no reference"), "%s", told.root);
    word = 0;
}

Test(expect, names_a_c_stack) {
    open_anew(GAIT_CONSERVATIVE_STACKS, "off", "");
    hold_on_stack();
}

static gait_word in_segment = 1; /* of initialised data */

Test(expect, names_a_data_segment) {
    open_anew(GAIT_DATA_SEGMENTS, "off", "");
    gait_store(mutator, &in_segment, new_item());
    expect_from(in_segment, "data segment, word at 0x");
    gait_store(mutator, &in_segment, 0);
}

static void finalize(gait_mutator *at, void *object, void *data) {
    (void)at, (void)object, (void)data;
}

/* Of an object that is dead: while it lives, what it leads to is found by that way. */
Test(expect, names_a_finalizer) {
    gait_word *dead = gait_alloc(mutator, refs, 16);
    gait_word held = new_item();
    gait_init(dead, held);
    cr_assert_eq(gait_finalizer_set(mutator, dead, finalize, NULL), 0);
    gait_handle *handle = gait_handle_new(mutator, (gait_word)dead);
    expect_dead(held);
    gait_collect(mutator);
    cr_assert_eq(told.times, 1u);
    cr_expect_eq(strncmp(told.root, "handle", 6), 0, "%s", told.root);
    gait_handle_free(mutator, handle);
    char root[80];
    snprintf(root, sizeof root, "finalizer, waiting or to come, of the object %p", (void *)dead);
    expect_from(held, root);
}

Test(expect, names_a_pinned_arena) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "frame arena";
    config.flags = GAIT_ARENA_PINNED | GAIT_ARENA_TRACED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    gait_word *object = gait_arena_new(mutator, arena, refs, 32);
    gait_word child = new_item();
    gait_store(mutator, &object[1], child);
    expect_dead(child);
    gait_collect(mutator);
    cr_assert_eq(told.times, 1u);
    cr_expect_eq(strncmp(told.root, "pinned arena", 12), 0, "%s", told.root);
    cr_assert_eq(told.kept.length, 2u);
    cr_expect_str_eq(told.names[0], "frame arena");
    cr_expect_eq(told.bytes[0], 0u);
    gait_arena_free(mutator, arena);
}

/* Values that live as long as their keys do. */
static gait_word hook_pairs[2][2];

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    for (size_t i = 0; stage == GAIT_LIVENESS_MARK && i < COUNT(hook_pairs); i++)
        if (gait_is_marked(liveness, hook_pairs[i][0]))
            gait_keep(liveness, hook_pairs[i][1]);
}

Test(expect, names_a_hook_and_asks_it_of_what_is_found) {
    cr_assert_eq(gait_liveness_add(heap, hook, NULL), 0);
    gait_word key = new_item(), middle = new_item(), value = new_item();
    gait_handle *handle = gait_handle_new(mutator, key);
    hook_pairs[0][0] = middle;
    hook_pairs[0][1] = value;
    hook_pairs[1][0] = key;
    hook_pairs[1][1] = middle;
    expect_from(value, "liveness hook");
    expect_dead(value);
    gait_handle_free(mutator, handle);
    gait_collect(mutator);
    cr_expect_eq(told.times, 1u);
}

/* ---- What is marked, and not kept ---- */

static gait_word shown_once;

/* Marking sees what it leads to, and nobody after it. */
static void scan_once(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)object, (void)bytes, (void)data;
    gait_visit(visitor, __atomic_exchange_n(&shown_once, 0, __ATOMIC_ACQ_REL));
}

Test(expect, does_not_tell_of_floating_garbage_and_looks_at_it_again) {
    gait_kind once = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "once", .layout = GAIT_CALLBACK, .scan = scan_once});
    open_anew(0, "off", ""); /* gccheckmark is a search that would see it */
    once = (gait_kind)gait_kind_register(
        heap, &(gait_kind_info){.name = "once", .layout = GAIT_CALLBACK, .scan = scan_once});
    gait_handle_new(mutator, (gait_word)gait_alloc(mutator, once, 32));
    gait_word *floats = gait_alloc(mutator, refs, 32);
    gait_word behind = new_item();
    gait_init(&floats[0], behind);
    expect_dead(behind);
    shown_once = (gait_word)floats;
    gait_collect(mutator);
    cr_expect_eq(shown_once, 0u);
    cr_expect_eq(told.times, 0u);
    cr_assert_eq(AO_load(&heap->expected.count), 1u, "it was marked, and is looked at again");
    gait_collect(mutator);
    cr_expect_eq(told.times, 0u);
    cr_expect_eq(AO_load(&heap->expected.count), 0u);
}

Test(expect, minor_cycles_tell_nothing_and_forget_what_they_find_dead) {
    open_anew(0, "on", "gcminor=1000,gccheckmark=1");
    gait_handle *old = gait_handle_new(mutator, new_item());
    gait_collect(mutator);
    for (size_t i = 0; i < 1000; i++)
        new_item(); /* what is left of a run counts as old */
    gait_handle *young = gait_handle_new(mutator, new_item());
    expect_dead(gait_handle_get(old));
    expect_dead(gait_handle_get(young));
    expect_dead(new_item());
    minor_cycle(heap, mutator);
    cr_expect_eq(told.times, 0u);
    cr_expect_eq(AO_load(&heap->expected.count), 2u);
    gait_collect(mutator);
    cr_expect_eq(told.times, 2u);
}

/* ---- Records ---- */

Test(expect, is_due_in_a_cycle_that_begins_later) {
    gait_handle *handle = gait_handle_new(mutator, new_item());
    const void *object = (void *)gait_handle_get(handle);
    expected_begin(&heap->expected, 7);
    expect_dead((gait_word)object);
    cr_expect_null(expected_find(&heap->expected, object, 7));
    cr_expect_not_null(expected_find(&heap->expected, object, 8));
    expected_begin(&heap->expected, 8);
    expect_dead((gait_word)object);
    cr_expect_null(expected_find(&heap->expected, object, 8));
    cr_expect_eq(AO_load(&heap->expected.count), 1u);
    gait_expect_dead_cancel(mutator, (void *)object);
    expected_begin(&heap->expected, heap->cycle.record.number);
}

Test(expect, is_taken_back_and_ends_with_free) {
    gait_handle *handle = gait_handle_new(mutator, new_item());
    void *object = (void *)gait_handle_get(handle);
    char inside = 0;
    cr_expect_eq(gait_expect_dead(mutator, NULL, NULL), GAIT_E_INVALID);
    cr_expect_eq(gait_expect_dead(mutator, &inside, NULL), GAIT_E_INVALID);
    cr_expect_eq(gait_expect_dead(mutator, (char *)object + 8, NULL), GAIT_E_INVALID);
    cr_expect_eq(gait_expect_dead_cancel(mutator, object), GAIT_E_MISSING);
    expect_dead((gait_word)object);
    cr_expect_eq(gait_expect_dead_cancel(mutator, object), 0);
    gait_collect(mutator);
    cr_expect_eq(told.times, 0u);
    expect_dead((gait_word)object);
    gait_handle_free(mutator, handle);
    gait_free(mutator, object);
    cr_expect_eq(AO_load(&heap->expected.count), 0u);
}

/* ---- What is told ---- */

static gait_handle *long_list(gait_word end, size_t links) {
    gait_handle *list = gait_handle_new(mutator, end);
    for (size_t i = 0; i < links; i++) {
        gait_word *object = gait_alloc(mutator, refs, 16);
        gait_init(&object[1], gait_handle_get(list));
        gait_handle_set(mutator, list, (gait_word)object);
    }
    return list;
}

static const char *log_text(void) {
    static char text[1 << 16];
    fflush(report);
    rewind(report);
    text[fread(text, 1, sizeof text - 1, report)] = '\0';
    return text;
}

Test(expect, a_long_way_is_told_by_its_ends) {
    enum { LINKS = 100000 };
    gait_word end = new_item();
    gait_handle *list = long_list(end, LINKS);
    expect_dead(end);
    gait_collect(mutator);
    cr_assert_eq(told.times, 1u);
    cr_expect_eq(told.kept.length, (size_t)LINKS + 1);
    cr_assert_eq(told.kept.told, 48u);
    cr_expect_eq(told.objects[0], (void *)gait_handle_get(list));
    cr_expect_eq(told.objects[1], (void *)((gait_word *)told.objects[0])[1]);
    cr_expect_eq(told.objects[47], (void *)end);
    cr_expect_eq(((const gait_word *)told.objects[46])[1], end);
}

Test(expect, a_search_that_takes_too_long_is_given_up_and_made_again) {
    gait_word end = new_item();
    gait_handle *list = long_list(end, 100000);
    expect_dead(end);
    gait_set_kept(heap, hear, &told, 1);
    gait_collect(mutator);
    cr_expect_eq(told.times, 0u);
    cr_expect_eq(AO_load(&heap->expected.count), 1u);
    cr_expect_not_null(strstr(log_text(), "gait: 1 objects expected dead are marked; what keeps "
                                          "them was not found, since it took too long"),
                       "%s", log_text());
    gait_set_kept(heap, hear, &told, 0);
    gait_collect(mutator);
    cr_expect_eq(told.times, 1u);
    gait_handle_free(mutator, list);
}

Test(expect, the_log_has_it_in_lines) {
    gait_set_kept(heap, NULL, NULL, 0);
    gait_word *parent = gait_alloc(mutator, refs, 32);
    gait_handle *handle = gait_handle_new(mutator, (gait_word)parent);
    gait_word child = new_item();
    gait_init(&parent[2], child);
    cr_assert_eq(gait_expect_dead(mutator, (void *)child, "session\x1b 12"), 0);
    gait_collect(mutator);
    char expected[512];
    snprintf(
        expected, sizeof expected,
        "gait: %p (item, 48 bytes) \"session\\x1b 12\", expected dead, is kept, in cycle %llu, "
        "by\n"
        "gait:   handle, word at %p:\n"
        "gait:   %p (refs, 32 bytes), at byte 16:\n"
        "gait:   %p (item, 48 bytes)\n"
        "gait: the program was stopped for ",
        (void *)child, (unsigned long long)heap->cycle.record.number, (void *)handle,
        (void *)parent, (void *)child);
    const char *text = log_text();
    cr_expect_eq(strncmp(text, expected, strlen(expected)), 0, "%s", text);
    cr_expect_not_null(strstr(text, " ms to look for it\n"));
}

Test(expect, the_log_tells_of_a_list_by_its_first_node) {
    gait_set_kept(heap, NULL, NULL, 0);
    gait_word end = new_item();
    gait_handle *list = long_list(end, 20);
    expect_dead(end);
    gait_collect(mutator);
    char expected[256];
    snprintf(expected, sizeof expected,
             "gait:   %p (refs, 16 bytes), at byte 8:\n"
             "gait:   … 19 more like it …\n"
             "gait:   %p (item, 48 bytes)\n",
             (void *)gait_handle_get(list), (void *)end);
    cr_expect_not_null(strstr(log_text(), expected), "%s", log_text());
}

Test(expect, works_where_the_program_is_stopped_for_marking) {
    open_anew(GAIT_STOP_THE_WORLD, "off", "gcstoptheworld=2");
    gait_handle *handle = gait_handle_new(mutator, new_item());
    expect_from(gait_handle_get(handle), "handle");
    expect_dead(gait_handle_get(handle));
    gait_handle_free(mutator, handle);
    gait_collect(mutator);
    cr_expect_eq(told.times, 1u);
    cr_expect_eq(AO_load(&heap->expected.count), 0u);
}

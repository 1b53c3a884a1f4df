/* SPDX-License-Identifier: MIT */
/*
 * gait/heap_snapshot.h: what is in a snapshot: each layout's edges, pairs in both formats, the
 * roots' names, labels.
 */
#include <gait/links.h>

#include "emulated.h"
#include "seen_heap.h"

#include <string.h>

TestSuite(heap_snapshot, .init = open_heap, .fini = close_heap);

/* ---- Edges ---- */

Test(heap_snapshot, words_of_references) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 4);
    gait_word *held = new_object(leaf, 2);
    gait_store(mutator, &holder[3], word_of(held));
    look();
    cr_assert_eq(seen.node_count, 2u);
    expect_edge(holder, held, 1, 3);
    cr_assert_str_eq(seen.kinds[seen.nodes[seen_find(&seen, holder) - 1].kind], "refs");
    cr_assert_eq(seen.nodes[seen_find(&seen, held) - 1].bytes, 16u);
    let_go();
}

Test(heap_snapshot, garbage_is_left_out) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 2);
    gait_word *dropped = new_object(leaf, 2);
    look();
    cr_assert_eq(seen_find(&seen, dropped), 0u);
    cr_assert_neq(seen_find(&seen, holder), 0u);
    let_go();
}

Test(heap_snapshot, layouts_say_which_words_count) {
    const uint64_t second = 2, element = 2;
    gait_word *bitmap = hold(
        (gait_kind_info){
            .name = "bitmap", .layout = GAIT_BITMAP, .head_words = 3, .bitmap = &second},
        3);
    gait_kind repeat = kind_of((gait_kind_info){.name = "repeat",
                                                .layout = GAIT_REPEAT,
                                                .head_words = 1,
                                                .element_words = 2,
                                                .element_bitmap = element});
    gait_kind prefix =
        kind_of((gait_kind_info){.name = "prefix", .layout = GAIT_PREFIX, .head_words = 1});
    gait_word *elements = new_object(repeat, 5), *none = new_object(leaf, 1);
    gait_store(mutator, &bitmap[1], word_of(elements));
    bitmap[0] = bitmap[2] = word_of(none);
    gait_word *last = new_object(prefix, 2);
    elements[1] = elements[3] = word_of(none);
    gait_store(mutator, &elements[4], word_of(last));
    gait_word *end = new_object(leaf, 1);
    gait_store(mutator, &last[0], word_of(end));
    last[1] = word_of(none);
    look();
    cr_assert_eq(seen.node_count, 4u);
    expect_edge(bitmap, elements, 1, 1);
    expect_edge(elements, last, 1, 4);
    expect_edge(last, end, 1, 0);
    let_go();
}

Test(heap_snapshot, tags_say_which_words_count_now) {
    gait_tag_rule rule = {.word = 1, .tag_byte = 0};
    gait_kind_info info = {.name = "tagged",
                           .layout = GAIT_TAGGED,
                           .element_words = 2,
                           .tag_rules = &rule,
                           .tag_rule_count = 1};
    uint64_t references[4] = {1u << 5};
    memcpy(info.tag_references, references, sizeof references);
    gait_word *holder = hold(info, 4);
    gait_word *held = new_object(leaf, 1), *hidden = new_object(leaf, 1);
    ((unsigned char *)holder)[0] = 5;
    holder[1] = word_of(held);
    ((unsigned char *)&holder[2])[0] = 6;
    holder[3] = word_of(hidden);
    look();
    expect_edge(holder, held, 1, 1);
    cr_assert_eq(seen_find(&seen, hidden), 0u);
    let_go();
}

Test(heap_snapshot, words_may_point_inside) {
    gait_word *holder = hold((gait_kind_info){.name = "any", .layout = GAIT_CONSERVATIVE}, 3);
    gait_word *held = new_object(leaf, 6);
    holder[2] = word_of(held + 3);
    look();
    expect_edge(holder, held, 2, 2);
    let_go();
}

Test(heap_snapshot, displacements) {
    cr_assert_eq(gait_displacement_add(heap, 8), 0);
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 2);
    gait_word *held = new_object(leaf, 4);
    gait_store(mutator, &holder[1], word_of(held + 1));
    look();
    expect_edge(holder, held, 1, 1);
    let_go();
}

static gait_word outside[2];

static void scan(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    const gait_word *words = object;
    (void)bytes, (void)data;
    gait_visit(visitor, words[0]);
    gait_visit_range(visitor, outside, 2);
    gait_visit_range(visitor, &words[1], 2);
}

Test(heap_snapshot, scan_functions) {
    gait_word *holder =
        hold((gait_kind_info){.name = "call", .layout = GAIT_CALLBACK, .scan = scan}, 3);
    gait_word *first = new_object(leaf, 1), *second = new_object(leaf, 1),
              *third = new_object(leaf, 1);
    holder[0] = word_of(first);
    outside[1] = word_of(second);
    holder[2] = word_of(third);
    look();
    expect_edge(holder, first, 6, 0);
    expect_edge(holder, second, 6, 2);
    expect_edge(holder, third, 1, 2);
    outside[1] = 0;
    let_go();
}

Test(heap_snapshot, weak_words) {
    gait_word *holder =
        hold((gait_kind_info){.name = "weak", .layout = GAIT_WEAK, .head_words = 1}, 3);
    gait_word *kept = new_object(leaf, 1), *dropped = new_object(leaf, 1);
    gait_store(mutator, &holder[0], word_of(kept));
    gait_weak_set(mutator, &holder[1], word_of(kept));
    gait_weak_set(mutator, &holder[2], word_of(dropped));
    look();
    cr_assert_eq(seen.edge_count, 2u);
    cr_assert_eq(seen.edges[0].type, 1u);
    cr_assert_eq(seen.edges[1].type, 3u);
    cr_assert_eq(seen.edges[1].place, 1u);
    cr_assert_eq(seen_find(&seen, dropped), 0u);
    let_go();
}

Test(heap_snapshot, pairs_keep_values_while_their_keys_are) {
    gait_word *table = new_object(pair, 7), *keys[3], *values[3];
    gait_word slots[3] = {word_of(table)};
    gait_push_frame(mutator, &frame, slots, 3);
    for (int i = 0; i < 3; i++) {
        keys[i] = new_object(node, 1);
        values[i] = new_object(node, 1);
        gait_ephemeron_set(mutator, &table[1 + 2 * i], word_of(keys[i]), word_of(values[i]));
    }
    /* the third's key is kept by the second's value, and that key by the first's value: found in
     * the worst order */
    gait_store(mutator, &values[1][0], word_of(keys[0]));
    gait_store(mutator, &values[2][0], word_of(keys[1]));
    look();
    cr_assert_eq(seen.node_count, 1u, "no key is held");
    slots[1] = word_of(keys[2]);
    look();
    cr_assert_eq(seen.node_count, 7u);
    for (int i = 0; i < 3; i++) {
        expect_edge(table, keys[i], 4, (size_t)(1 + 2 * i));
        expect_edge(table, values[i], 5, (size_t)(2 + 2 * i));
    }
    let_go();
}

/* Where a text stands in an array of V8's, from 0. */
static size_t index_of(const char *text, const char *name) {
    size_t index = 0;
    const char *end = strstr(text, name), *at = strstr(text, "\n\"strings\":[");
    cr_assert(end && at);
    for (at += 12; at < end; at++)
        index += at[0] == ',' && at[1] == '\n';
    return index;
}

Test(heap_snapshot, pairs_as_v8_has_them) {
    gait_word *table = new_object(pair, 3), *key = new_object(node, 1);
    gait_word slots[2] = {word_of(table), word_of(key)};
    gait_push_frame(mutator, &frame, slots, 2);
    gait_ephemeron_set(mutator, &table[1], word_of(key), word_of(new_object(leaf, 1)));
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    cr_assert_not_null(strstr(text, "\"node_count\":5,\"edge_count\":6,"));
    size_t index = index_of(text, "\"0 / part of key (node @");
    char edge[64];
    snprintf(edge, sizeof edge, "\n3,%zu,", index); /* internal */
    const char *first = strstr(text, edge), *second = first ? strstr(first + 1, edge) : NULL;
    cr_assert(second, "an edge from the table, and one from the key");
    cr_assert_eq(atoi(first + strlen(edge)), atoi(second + strlen(edge)));
    cr_assert_null(strstr(second + 1, edge));
    free(text);
    let_go();
}

/* ---- Links ---- */

Test(heap_snapshot, links_lead_and_keep_nothing) {
    static gait_word outside[2];
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 4);
    gait_kind prefix =
        kind_of((gait_kind_info){.name = "prefix", .layout = GAIT_PREFIX, .head_words = 1});
    gait_word *target = new_object(leaf, 1), *dropped = new_object(leaf, 1);
    gait_word *other = new_object(prefix, 8);
    gait_store(mutator, &holder[0], word_of(target));
    gait_store(mutator, &holder[1], word_of(other));
    other[6] = ~word_of(target); /* hidden: what the word holds is not looked at */
    cr_assert_eq(gait_link_register(mutator, &other[6], target, 0), 0);
    cr_assert_eq(gait_link_register(mutator, &other[6], target, GAIT_LINK_LONG), 0);
    cr_assert_eq(gait_link_register(mutator, &other[3], holder, 0), 0);
    cr_assert_eq(gait_link_register(mutator, &outside[0], target, 0), 0);
    cr_assert_eq(gait_link_register(mutator, &outside[1], dropped, 0), 0);
    for (uint32_t flags = 0; flags <= (is_emulated() ? 0 : GAIT_SNAPSHOT_FORK); flags++) {
        look_by(flags);
        cr_assert_eq(seen.node_count, 3u);
        expect_edge(other, target, 8, 6);
        expect_edge(other, holder, 8, 3);
        cr_assert_eq(seen.edge_count, 5u);
        cr_assert_str_eq(seen_holder(&seen, target), "links");
        for (size_t i = 0; i < seen.root_count; i++)
            if (seen.roots[i].target == seen_find(&seen, target)) {
                cr_assert_eq(seen.roots[i].type, 3u);
                cr_assert_eq(seen.roots[i].place, (uintptr_t)&outside[0]);
            }
        cr_assert_eq(seen_find(&seen, dropped), 0u);
    }
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    char edge[32];
    snprintf(edge, sizeof edge, "\n6,%zu,", index_of(text, "\"link\"")); /* weak */
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, edge)); at++)
        count++;
    cr_assert_eq(count, 4u, "%zu weak edges", count);
    free(text);
    cr_assert_eq(gait_link_unregister(mutator, &outside[0], 0), 0);
    cr_assert_eq(gait_link_unregister(mutator, &outside[1], 0), 0);
    let_go();
}

Test(heap_snapshot, links_of_a_dead_holder_are_left_out) {
    gait_word *target = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1);
    gait_word *dead = new_object(leaf, 4);
    cr_assert_eq(gait_link_register(mutator, &dead[2], target, 0), 0);
    look();
    cr_assert_eq(seen.node_count, 1u);
    cr_assert_eq(seen.root_count, 1u);
    cr_assert_eq(seen.edge_count, 0u);
    let_go();
}

Test(heap_snapshot, many_links) {
    enum { COUNT = 3000 };
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, COUNT);
    gait_word *target = new_object(leaf, 1);
    gait_store(mutator, &holder[0], word_of(target));
    for (size_t i = 1; i < COUNT; i++)
        cr_assert_eq(gait_link_register(mutator, &holder[i * 1201 % COUNT], target, 0), 0);
    look();
    cr_assert_eq(seen.edge_count, (size_t)COUNT);
    for (size_t i = 1; i < COUNT; i++) {
        cr_assert_eq(seen.edges[i].type, 8u);
        cr_assert_eq(seen.edges[i].place, i);
    }
    let_go();
}

/* ---- Memory outside the heap ---- */

static size_t owned(gait_kind kind, const void *object, size_t bytes, void *data) {
    (void)bytes;
    return kind == *(gait_kind *)data ? *(const gait_word *)object : 0;
}

Test(heap_snapshot, memory_outside_the_heap) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 3);
    for (gait_word i = 0; i < 3; i++) {
        gait_word *owner = new_object(leaf, 2);
        owner[0] = 1000 * i;
        gait_store(mutator, &holder[i], word_of(owner));
    }
    gait_set_snapshot_owned(heap, owned, &leaf);
    look();
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(seen.nodes[seen_find(&seen, (void *)holder[i]) - 1].owned_bytes, 1000 * i);
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    /* root, group, four objects, two blocks; to the group, to the holder, to three, to two */
    cr_assert_not_null(strstr(text, "\"node_count\":8,\"edge_count\":7,"));
    unsigned found = 0;
    for (unsigned size = 1000; size <= 2000; size += 1000) {
        char block[32];
        snprintf(block, sizeof block, ",%u,0,0,0", size);
        found += strstr(text, block) != NULL;
    }
    cr_assert_eq(found, 2u);
    free(text);
    gait_set_snapshot_owned(heap, NULL, NULL);
    look();
    cr_assert_eq(seen.nodes[seen_find(&seen, (void *)holder[2]) - 1].owned_bytes, 0u);
    let_go();
}

/* ---- Roots ---- */

static void visit_own(gait_visitor *visitor, void *data) { gait_visit_range(visitor, data, 1); }

static void finalize(gait_mutator *own, void *object, void *data) {
    (void)own, (void)object, (void)data;
}

Test(heap_snapshot, roots_have_names) {
    static gait_word slot, range[8], callback[1];
    gait_word *objects[6];
    for (int i = 0; i < 6; i++)
        objects[i] = new_object(node, 1);
    root[0] = word_of(objects[0]);
    gait_push_frame(mutator, &frame, root, 1);
    slot = word_of(objects[1]);
    cr_assert_eq(gait_roots_add(mutator, &slot, 1), 0);
    range[5] = word_of(objects[2]);
    cr_assert_eq(gait_roots_add_range(mutator, range, sizeof range, 0), 0);
    gait_handle *handle = gait_handle_new(mutator, word_of(objects[3]));
    callback[0] = word_of(objects[4]);
    gait_set_roots_callback(mutator, visit_own, callback);
    gait_word *contents = new_object(leaf, 1);
    gait_store(mutator, &objects[5][0], word_of(contents));
    cr_assert_eq(gait_finalizer_set(mutator, objects[5], finalize, NULL), 0);
    look();
    char name[64];
    snprintf(name, sizeof name, "thread %d: frames", (int)gettid());
    cr_assert_str_eq(seen_holder(&seen, objects[0]), name);
    cr_assert_str_eq(seen_holder(&seen, objects[1]), "static slots");
    cr_assert_eq(strncmp(seen_holder(&seen, objects[2]), "range of roots at 0x", 20), 0);
    cr_assert_str_eq(seen_holder(&seen, objects[3]), "handles");
    snprintf(name, sizeof name, "thread %d: root callback", (int)gettid());
    cr_assert_str_eq(seen_holder(&seen, objects[4]), name);
    cr_assert_null(seen_holder(&seen, objects[5]));
    cr_assert_str_eq(seen_holder(&seen, contents), "finalizers");
    for (size_t i = 0; i < seen.root_count; i++)
        if (seen.roots[i].target == seen_find(&seen, objects[2]))
            cr_assert_eq(seen.roots[i].place, (uintptr_t)&range[5]);
    /* an object that is held otherwise holds its contents itself */
    gait_store(mutator, &objects[0][0], word_of(objects[5]));
    look();
    cr_assert_null(seen_holder(&seen, contents));
    expect_edge(objects[5], contents, 1, 0);
    gait_set_roots_callback(mutator, NULL, NULL);
    gait_handle_free(mutator, handle);
    cr_assert_eq(gait_roots_remove_range(mutator, range), 0);
    cr_assert_eq(gait_roots_remove(mutator, &slot), 0);
    let_go();
}

Test(heap_snapshot, what_waits_for_its_finalizer) {
    gait_word *object = new_object(node, 1);
    cr_assert_eq(gait_finalizer_set(mutator, object, finalize, NULL), 0);
    gait_collect(mutator);
    look();
    cr_assert_str_eq(seen_holder(&seen, object), "finalizers");
}

Test(heap_snapshot, suspended_coroutines) {
    static gait_word own[1];
    gait_word *object = new_object(leaf, 1);
    own[0] = word_of(object);
    gait_coroutine *coroutine = gait_coroutine_new(mutator, visit_own, own, NULL, NULL);
    look();
    cr_assert_str_eq(seen_holder(&seen, object), "coroutine 1: root callback");
    gait_coroutine_free(mutator, coroutine);
}

/* Does a group of roots with this in its name hold an object? Old words on the stack may, too. */
static bool is_held_by(const void *object, const char *part) {
    size_t target = seen_find(&seen, object);
    bool held = false;
    for (size_t i = 0; target && i < seen.root_count; i++)
        held |= seen.roots[i].target == target &&
                strstr(seen.groups[seen.roots[i].group - 1].name, part);
    return held;
}

/* What C variables refer to, of a heap that is told of no roots. */
static gait_word *in_data;

static void in_conservative_heap(gait_config *config) {
    gait_detach(mutator);
    gait_heap_destroy(heap);
    config->flags = GAIT_CONSERVATIVE_STACKS | GAIT_DATA_SEGMENTS;
    heap = gait_heap_create(config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    leaf = kind_of((gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    in_data = new_object(leaf, 1);
    gait_word *volatile on_stack = new_object(leaf, 2);
    for (uint32_t flags = 0; flags <= (is_emulated() ? 0 : GAIT_SNAPSHOT_FORK); flags++) {
        look_by(flags);
        cr_assert(is_held_by(in_data, "data segments"));
        cr_assert(is_held_by(on_stack, ": C stack and registers"));
        for (size_t i = 0; i < seen.root_count; i++)
            if (seen.roots[i].target == seen_find(&seen, in_data))
                cr_assert_eq(seen.roots[i].type, 2u);
    }
    in_data = NULL;
}

Test(heap_snapshot, conservative_roots) {
    gait_config config;
    gait_config_init(&config);
    in_conservative_heap(&config);
}

static int stops;

static void stop(void *data) { *(int *)data += 1; }

static void start(void *data) { (void)data; }

static void visit_stopped(gait_visitor *visitor, void *data) {
    (void)data;
    char *here = __builtin_frame_address(0);
    static gait_word none;
    (void)here;
    gait_visit_conservative(visitor, &none, 1);
}

Test(heap_snapshot, threads_that_the_program_stops) {
    gait_config config;
    gait_config_init(&config);
    config.stop = stop;
    config.start = start;
    config.stopped_roots = visit_stopped;
    config.stop_data = &stops;
    in_conservative_heap(&config);
    cr_assert_geq(stops, 1);
}

/* ---- Labels ---- */

static size_t label(gait_kind kind, const void *object, size_t bytes, char *text, void *data) {
    const gait_word *words = object;
    (void)bytes;
    return kind == *(gait_kind *)data && words[0]
               ? (size_t)snprintf(text, GAIT_SNAPSHOT_LABEL_BYTES, "no. %zu \"\x01\xff", words[0])
               : 0;
}

Test(heap_snapshot, labels) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 3);
    for (int i = 0; i < 3; i++) {
        gait_word *named = new_object(leaf, 1);
        named[0] = i == 2 ? 7 : 7 * (gait_word)i;
        gait_store(mutator, &holder[i], word_of(named));
    }
    gait_set_snapshot_label(heap, label, &leaf);
    look();
    cr_assert_null(seen.nodes[seen_find(&seen, (void *)holder[0]) - 1].text);
    for (int i = 1; i < 3; i++)
        cr_assert_str_eq(seen.nodes[seen_find(&seen, (void *)holder[i]) - 1].text,
                         "no. 7 \"\x01\xff");
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    const char *found = strstr(text, "\"no. 7 \\u0022\\u0001?\"");
    cr_assert_not_null(found);
    cr_assert_null(strstr(found + 1, "\"no. 7 "), "each text once");
    free(text);
    gait_set_snapshot_label(heap, NULL, NULL);
    look();
    cr_assert_null(seen.nodes[seen_find(&seen, (void *)holder[1]) - 1].text);
    let_go();
}

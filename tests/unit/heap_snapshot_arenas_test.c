/* SPDX-License-Identifier: MIT */
/*
 * gait/heap_snapshot.h: arenas in a snapshot. One that describes its objects has a node for each,
 * with kind, size and edges; another one is one node.
 */
#include <gait/arena.h>

#include "seen_heap.h"

TestSuite(heap_snapshot_arenas, .init = open_heap, .fini = close_heap);

static gait_arena *arena;
static gait_word slot;

/* An arena by this name, held by a frame. */
static void hold_arena(uint32_t flags, const char *name) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = flags;
    config.name = name;
    if (flags & GAIT_ARENA_CONTIGUOUS)
        config.reserve_bytes = (size_t)16 << 20;
    arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    slot = word_of(arena);
    gait_push_frame(mutator, &frame, &slot, 1);
}

static void free_arena(void) {
    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
}

/* The frame leads there now, and to nothing else. */
static void hold_place(const void *place) {
    gait_pop_frame(mutator);
    slot = word_of(place);
    gait_push_frame(mutator, &frame, &slot, 1);
}

static gait_word *new_inside(gait_kind kind, size_t bytes) {
    gait_word *object = gait_arena_new(mutator, arena, kind, bytes);
    cr_assert_not_null(object);
    return object;
}

static const struct seen_node *node_of(const void *address) {
    size_t number = seen_find(&seen, address);
    cr_assert_neq(number, 0u, "no node at %p", address);
    return &seen.nodes[number - 1];
}

/* A node of this kind and size, which the arena holds, and which holds the arena. */
static void expect_inside(const void *object, gait_kind kind, size_t bytes) {
    const struct seen_node *found = node_of(object);
    cr_assert_not(found->arena);
    cr_assert_eq(found->kind, kind, "kind %u, not %u", found->kind, (unsigned)kind);
    cr_assert_eq(found->bytes, bytes, "%zu bytes, not %zu", (size_t)found->bytes, bytes);
    expect_edge(arena, object, 7, 0);
    expect_edge(object, arena, 7, 0);
}

/* There may be others between the two. */
static bool has_edge(const void *from, const void *to, unsigned type, size_t place) {
    size_t source = seen_find(&seen, from), target = seen_find(&seen, to);
    for (size_t i = 0; i < seen.edge_count; i++)
        if (seen.edges[i].from == source && seen.edges[i].to == target &&
            seen.edges[i].type == type && seen.edges[i].place == place)
            return true;
    return false;
}

static size_t edges_from(const void *object) {
    size_t number = seen_find(&seen, object), count = 0;
    for (size_t i = 0; i < seen.edge_count; i++)
        count += seen.edges[i].from == number;
    return count;
}

/* What all of an arena is in a snapshot takes as much as the arena says. */
static void expect_sum(void) {
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    uint64_t bytes = 0;
    for (size_t i = 0; i < seen.node_count; i++) {
        const void *at = (const void *)seen.nodes[i].address;
        bytes += gait_arena_of(heap, at) == arena ? seen.nodes[i].bytes : 0;
    }
    cr_assert_eq(gait_arena_read_stats(mutator, arena, &stats), 0);
    cr_assert_eq(bytes, stats.used_bytes + stats.waste_bytes);
}

Test(heap_snapshot_arenas, are_one_node) {
    hold_arena(GAIT_ARENA_TRACED, "request");
    gait_word *inside = new_inside(node, 2 * sizeof(gait_word));
    gait_word *held = new_object(leaf, 1);
    gait_store(mutator, &inside[1], word_of(held));
    look();
    cr_assert_eq(seen.node_count, 2u);
    const struct seen_node *last = &seen.nodes[1];
    cr_assert(last->arena);
    cr_assert_str_eq(last->text, "request");
    cr_assert_eq(last->kind, 1u);
    cr_assert_geq(last->bytes, 16u);
    cr_assert_eq(seen.edge_count, 1u);
    cr_assert_eq(seen.edges[0].from, 2u);
    cr_assert_eq(seen.edges[0].to, seen_find(&seen, held));
    hold_place(inside); /* as good as the handle */
    look();
    cr_assert_eq(seen.node_count, 2u);
    free_arena();
}

Test(heap_snapshot_arenas, that_describe_objects_show_each) {
    hold_arena(GAIT_ARENA_TRACED | GAIT_ARENA_DESCRIBED, "request");
    gait_word *first = new_inside(node, 24), *second = new_inside(node, 12);
    gait_word *text = new_inside(leaf, 100);
    char *plain = gait_arena_alloc(mutator, arena, 50, 256);
    gait_word *aligned = gait_arena_alloc(mutator, arena, 16, 4096);
    gait_word *after = new_inside(leaf, 8);
    gait_word *held = new_object(leaf, 1);
    gait_store(mutator, &first[2], word_of(second));
    gait_store(mutator, &second[0], word_of(held));
    gait_store(mutator, &first[1], word_of(plain));
    gait_store(mutator, &first[0], word_of(text) + 8); /* inside it */
    memset(text, 0xff, 100);
    memset(plain, 0xff, 50);
    memset(aligned, 0xff, 16);
    look();
    cr_assert_eq(seen.node_count, 6u);
    expect_inside(first, node, 24);
    expect_inside(second, node, 16);
    expect_inside(text, leaf, 104);
    expect_inside(after, leaf, 8);
    expect_edge(first, text, 1, 0);
    cr_assert(has_edge(first, arena, 1, 1)); /* plain bytes have no kind: the arena's */
    expect_edge(first, second, 1, 2);
    expect_edge(second, held, 1, 0);
    cr_assert_eq(edges_from(first), 4u);
    cr_assert_eq(edges_from(arena), 4u);
    expect_sum();
    hold_place(second);
    look();
    cr_assert_eq(seen.node_count, 6u, "an object holds all of its arena");
    cr_assert_eq(seen.roots[0].target, seen_find(&seen, second));
    free_arena();
}

Test(heap_snapshot_arenas, of_many_chunks_and_after_a_reset) {
    hold_arena(GAIT_ARENA_TRACED | GAIT_ARENA_DESCRIBED, "frame");
    for (int round = 0; round < 3; round++) {
        enum { COUNT = 3000 };
        static gait_word *objects[COUNT];
        for (size_t i = 0; i < COUNT; i++)
            objects[i] = new_inside(i % 3 ? node : leaf, 8 * (1 + i % 60));
        gait_word *large = new_inside(node, 300000), *text = new_inside(leaf, 500001);
        gait_store(mutator, &large[30000], word_of(objects[1]));
        gait_store(mutator, &objects[1][0], word_of(text) + 400000);
        look();
        cr_assert_eq(seen.node_count, COUNT + 3u);
        for (size_t i = 0; i < COUNT; i += 100)
            expect_inside(objects[i], i % 3 ? node : leaf, 8 * (1 + i % 60));
        expect_inside(large, node, 300000);
        expect_inside(text, leaf, 500008);
        expect_edge(large, objects[1], 1, 30000);
        expect_edge(objects[1], text, 1, 0);
        expect_sum();
        memset(text, 0xd5, 500001); /* a look past the next text's end meets this */
        gait_arena_reset(mutator, arena);
        look();
        cr_assert_eq(seen.node_count, 1u);
    }
    free_arena();
}

static size_t label_inside(gait_kind kind, const void *object, size_t bytes, char *text,
                           void *data) {
    (void)kind, (void)object, (void)data;
    return (size_t)snprintf(text, GAIT_SNAPSHOT_LABEL_BYTES, "%zu", bytes);
}

Test(heap_snapshot_arenas, labels) {
    hold_arena(GAIT_ARENA_TRACED | GAIT_ARENA_DESCRIBED, "request");
    gait_word *object = new_inside(leaf, 13);
    gait_set_snapshot_label(heap, label_inside, NULL);
    look();
    cr_assert_str_eq(node_of(object)->text, "13");
    gait_set_snapshot_label(heap, NULL, NULL);
    free_arena();
}

Test(heap_snapshot_arenas, untraced_ones_keep_nothing) {
    const uint64_t second = 2;
    gait_kind bitmap = kind_of((gait_kind_info){
        .name = "bitmap", .layout = GAIT_BITMAP, .head_words = 2, .bitmap = &second});
    hold_arena(GAIT_ARENA_DESCRIBED, "table");
    gait_word *first = new_inside(bitmap, 16), *other = new_inside(node, 8);
    first[0] = first[1] = word_of(other);
    gait_word *outside = new_object(leaf, 1);
    other[0] = word_of(outside); /* which arenacheck=1 would refuse */
    look();
    cr_assert_eq(seen.node_count, 3u);
    expect_inside(first, bitmap, 16);
    cr_assert_eq(edges_from(first), 2u);
    cr_assert_eq(edges_from(other), 1u);
    cr_assert_eq(seen_find(&seen, outside), 0u);
    gait_handle *handle = gait_handle_new(mutator, word_of(outside));
    look(); /* now it is found, but not by the arena */
    cr_assert_eq(edges_from(other), 1u);
    gait_handle_free(mutator, handle);
    free_arena();
}

Test(heap_snapshot_arenas, words_of_conservative_ones_may_point_inside) {
    gait_kind any = kind_of((gait_kind_info){.name = "any", .layout = GAIT_CONSERVATIVE});
    hold_arena(GAIT_ARENA_TRACED | GAIT_ARENA_DESCRIBED, "stack");
    gait_word *object = new_inside(any, 16), *held = new_object(leaf, 6);
    object[1] = word_of(held + 3) + 1;
    look();
    expect_edge(object, held, 2, 1);
    expect_inside(object, any, 16);
    free_arena();
}

static void check_flags(uint32_t flags) {
    hold_arena(flags | GAIT_ARENA_DESCRIBED, "some");
    gait_word *objects[200];
    for (size_t i = 0; i < 200; i++)
        objects[i] = new_inside(i % 2 ? node : leaf, 16 * (1 + i % 30));
    for (size_t i = 3; i < 200; i += 2)
        gait_store(mutator, &objects[i][1], word_of(objects[i - 2]));
    look();
    cr_assert_eq(seen.node_count, 201u, "%u: %zu nodes", flags, seen.node_count);
    for (size_t i = 0; i < 200; i++)
        expect_inside(objects[i], i % 2 ? node : leaf, 16 * (1 + i % 30));
    for (size_t i = 3; i < 200; i += 2)
        expect_edge(objects[i], objects[i - 2], 1, 1);
    free_arena();
}

static void check_all_flags(void) {
    check_flags(0);
    check_flags(GAIT_ARENA_TRACED);
    check_flags(GAIT_ARENA_TRACED | GAIT_ARENA_CONCURRENT);
    check_flags(GAIT_ARENA_TRACED | GAIT_ARENA_PLACED);
    check_flags(GAIT_ARENA_CONTIGUOUS);
}

Test(heap_snapshot_arenas, of_all_sorts) { check_all_flags(); }

Test(heap_snapshot_arenas, where_sizes_are_multiples_of_16) {
    gait_config config;
    gait_config_init(&config);
    config.value_mask = ~(gait_word)15;
    close_heap();
    open_heap_with(&config);
    check_all_flags();
}

Test(heap_snapshot_arenas, all_describe_where_the_environment_asks) {
    gait_config config;
    gait_config_init(&config);
    config.debug = "arenaobjects=1";
    close_heap();
    open_heap_with(&config);
    hold_arena(GAIT_ARENA_TRACED, "request");
    gait_word *object = new_inside(node, 24);
    look();
    cr_assert_eq(seen.node_count, 2u);
    expect_inside(object, node, 24);
    expect_sum();
    free_arena();
    hold_arena(GAIT_ARENA_CONTIGUOUS, "table");
    new_inside(node, 24);
    look();
    cr_assert_eq(seen.node_count, 1u);
    free_arena();
}

Test(heap_snapshot_arenas, a_write_past_an_end_hides_what_follows) {
    hold_arena(GAIT_ARENA_TRACED | GAIT_ARENA_DESCRIBED, "broken");
    gait_word *first = new_inside(node, 8), *second = new_inside(node, 8);
    gait_word *held = new_object(leaf, 1);
    gait_word before = first[1];
    first[1] = 7;
    gait_store(mutator, &second[0], word_of(held));
    look();
    cr_assert_eq(seen.node_count, 3u);
    expect_inside(first, node, 8);
    expect_edge(arena, held, 6, 2); /* after the words around the first object */
    first[1] = before;
    free_arena();
}

Test(heap_snapshot_arenas, as_v8_has_them) {
    hold_arena(GAIT_ARENA_TRACED | GAIT_ARENA_DESCRIBED, "request");
    new_inside(node, 16);
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    /* the root, a group, an object, the arena; the root's, the group's, two between the others */
    cr_assert_not_null(strstr(text, "\"node_count\":4,\"edge_count\":4,"));
    cr_assert_not_null(strstr(text, "\"arena\",\n\"object\""));
    free(text);
    free_arena();
}

Test(heap_snapshot_arenas, one_without_a_name_has_that_of_its_place) {
    hold_arena(0, NULL);
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    cr_assert_not_null(strstr(text, "heap_snapshot_arenas_test.c:"));
    free(text);
    free_arena();
}

Test(heap_snapshot_arenas, an_empty_one_has_a_byte_in_v8s_form) {
    hold_arena(0, "empty");
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    const char *nodes = strstr(text, "\"nodes\":[");
    cr_assert_not_null(nodes);
    for (int lines = 0; lines < 3; lines++) /* the root, the group, the arena */
        nodes = strchr(nodes + 1, '\n');
    unsigned type, name, id, size;
    cr_assert_eq(sscanf(nodes, "\n%u,%u,%u,%u,", &type, &name, &id, &size), 4, "%.40s", nodes);
    cr_assert_eq(type, 8u);
    cr_assert_eq(size, 1u);
    free(text);
    free_arena();
}

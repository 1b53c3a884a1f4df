/* SPDX-License-Identifier: MIT */
/*
 * gait/heap_snapshot.h: each layout's edges, the roots' names, labels, both formats, both ways to
 * take one, and readers that are slow or gone.
 */
#include <gait/arena.h>
#include <gait/heap_snapshot.h>
#include <gait/stats.h>

#include "../heap_snapshot_reader.h"
#include "emulated.h"
#include "platform/fault.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, node, pair;
static struct seen seen;

static gait_kind kind_of(gait_kind_info info) {
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static void open_heap(void) {
    heap = gait_heap_create(NULL, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    leaf = kind_of((gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    node = kind_of((gait_kind_info){.name = "node", .layout = GAIT_REFS});
    pair = kind_of((gait_kind_info){.name = "pair", .layout = GAIT_EPHEMERON, .head_words = 1});
    memset(&seen, 0, sizeof seen);
}

static void close_heap(void) {
    seen_free(&seen);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

TestSuite(heap_snapshot, .init = open_heap, .fini = close_heap);

static gait_word *new_object(gait_kind kind, size_t words) {
    gait_word *object = gait_alloc(mutator, kind, words * sizeof(gait_word));
    cr_assert_not_null(object);
    return object;
}

static gait_word word_of(const void *object) { return (gait_word)object; }

/* What is written to a file, as a string. */
static char *written(gait_snapshot_options options, gait_snapshot_result *result, size_t *bytes) {
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    char error[256] = "";
    options.error = error;
    options.error_bytes = sizeof error;
    int status = gait_write_snapshot(heap, file, &options, result);
    cr_assert_eq(status, 0, "%d: %s", status, error);
    struct stat about;
    cr_assert_eq(fstat(file, &about), 0);
    char *text = malloc((size_t)about.st_size + 1);
    cr_assert_eq(pread(file, text, (size_t)about.st_size, 0), about.st_size);
    text[about.st_size] = '\0';
    *bytes = (size_t)about.st_size;
    close(file);
    return text;
}

static gait_snapshot_options options_of(uint32_t format, uint32_t flags) {
    gait_snapshot_options options;
    gait_snapshot_options_init(&options);
    options.format = format;
    options.flags = flags;
    return options;
}

static gait_snapshot_result look_by(uint32_t flags) {
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_COMPACT, flags), &result, &bytes);
    seen_free(&seen);
    seen_read(&seen, text, bytes);
    free(text);
    cr_assert_null(seen.complaint, "%s", seen.complaint);
    cr_assert_eq(seen.stop_ns, (uint64_t)result.stop_ns);
    cr_assert(result.whole);
    return result;
}

static void look(void) { look_by(0); }

static void expect_edge(const void *from, const void *to, unsigned type, size_t place) {
    const struct seen_edge *edge = seen_edge_of(&seen, from, to);
    cr_assert_not_null(edge, "no edge of type %u at %zu", type, place);
    cr_assert_eq(edge->type, type, "type %u, not %u", edge->type, type);
    cr_assert_eq(edge->place, place, "place %zu, not %zu", (size_t)edge->place, place);
}

/* An object of a kind, held by a frame, as the one root. */
static gait_word root[1];
static struct gait_frame frame;

static gait_word *hold(gait_kind_info info, size_t words) {
    gait_word *object = new_object(kind_of(info), words);
    root[0] = word_of(object);
    gait_push_frame(mutator, &frame, root, 1);
    return object;
}

static void let_go(void) { gait_pop_frame(mutator); }

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

/* ---- Arenas ---- */

Test(heap_snapshot, arenas_are_one_node) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED;
    config.name = "request";
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    gait_word slot = word_of(arena);
    gait_push_frame(mutator, &frame, &slot, 1);
    gait_word *inside = gait_arena_new(mutator, arena, node, 2 * sizeof(gait_word));
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
    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
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

/* ---- Ways and formats ---- */

Test(heap_snapshot, a_copy_of_the_process_sees_the_same) {
    if (is_emulated() || !platform_child_can_be())
        return;
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1000);
    for (int i = 0; i < 1000; i++)
        gait_store(mutator, &holder[i], word_of(new_object(leaf, (size_t)i % 20 + 1)));
    look();
    size_t nodes = seen.node_count, edges = seen.edge_count;
    gait_snapshot_result result = look_by(GAIT_SNAPSHOT_FORK);
    cr_assert(result.forked);
    cr_assert_gt(result.stop_ns, 0);
    cr_assert_eq(seen.node_count, nodes);
    cr_assert_eq(seen.edge_count, edges);
    cr_assert_eq(seen.flags, 1u);
    errno = 0;
    cr_assert_lt(waitpid(-1, NULL, WNOHANG), 0, "no process is left over");
    cr_assert_eq(errno, ECHILD);
    let_go();
}

Test(heap_snapshot, counts_what_a_cycle_finds) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 500);
    for (int i = 0; i < 5000; i++)
        gait_store(mutator, &holder[i % 500], word_of(new_object(leaf, (size_t)i % 90 + 1)));
    look();
    size_t nodes = seen.node_count;
    uint64_t bytes = 0;
    for (size_t i = 0; i < nodes; i++)
        bytes += seen.nodes[i].bytes;
    gait_collect(mutator);
    gait_kind_stats kinds[16];
    uint64_t live = 0, live_bytes = 0;
    for (size_t i = 0, count = gait_read_kinds(heap, kinds, 16); i < count; i++) {
        live += kinds[i].objects;
        live_bytes += kinds[i].object_bytes;
    }
    cr_assert_eq(nodes, live);
    cr_assert_eq(bytes, live_bytes);
    let_go();
}

/* How many numbers stand between a name and the next "]". */
static size_t numbers_in(const char *text, const char *name) {
    const char *at = strstr(text, name);
    cr_assert_not_null(at);
    size_t count = 0;
    bool in_number = false;
    for (at += strlen(name); *at != ']'; at++) {
        bool digit = *at >= '0' && *at <= '9';
        count += digit && !in_number;
        in_number = digit;
    }
    return count;
}

Test(heap_snapshot, as_v8_writes_it) {
    gait_word *holder = hold((gait_kind_info){.name = "re\"fs", .layout = GAIT_REFS}, 3);
    gait_word *held = new_object(leaf, 1);
    gait_store(mutator, &holder[0], word_of(held));
    gait_store(mutator, &holder[2], word_of(held));
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    cr_assert_eq(strncmp(text, "{\"snapshot\":{\"meta\":{\"node_fields\":[\"type\",", 43), 0);
    cr_assert_eq(numbers_in(text, "\n\"nodes\":["), 7u * 4); /* root, frames, two objects */
    cr_assert_eq(numbers_in(text, "\n\"edges\":["), 3u * 4);
    cr_assert_not_null(strstr(text, "\"node_count\":4,\"edge_count\":4,"));
    cr_assert_not_null(strstr(text, "\"re\\u0022fs\""));
    cr_assert_str_eq(text + bytes - 3, "]}\n");
    free(text);
    let_go();
}

/* ---- Failures ---- */

Test(heap_snapshot, options_that_are_not_known) {
    char error[128] = "";
    gait_snapshot_options options = options_of(7, 0);
    options.error = error;
    options.error_bytes = sizeof error;
    cr_assert_eq(gait_write_snapshot(heap, 1, &options, NULL), GAIT_E_INVALID);
    cr_assert_str_eq(error, "gait_write_snapshot: options that are not known");
    options = options_of(GAIT_SNAPSHOT_V8, 1u << 31);
    cr_assert_eq(gait_write_snapshot(heap, 1, &options, NULL), GAIT_E_INVALID);
    options = options_of(GAIT_SNAPSHOT_V8, 0);
    options.idle_ns = -1;
    cr_assert_eq(gait_write_snapshot(heap, 1, &options, NULL), GAIT_E_INVALID);
}

/* A heap whose snapshot is larger than a pipe takes. */
static void fill(gait_word *holder, size_t count) {
    for (size_t i = 0; i < count; i++)
        gait_store(mutator, &holder[i], word_of(new_object(leaf, 1)));
}

static void try_descriptor(int descriptor, uint32_t flags, int expected_errno) {
    for (uint32_t format = GAIT_SNAPSHOT_V8; format <= GAIT_SNAPSHOT_COMPACT; format++) {
        char error[128] = "";
        gait_snapshot_result result;
        gait_snapshot_options options = options_of(format, flags);
        options.idle_ns = 50000000;
        options.error = error;
        options.error_bytes = sizeof error;
        cr_assert_eq(gait_write_snapshot(heap, descriptor, &options, &result), GAIT_E_FILE);
        cr_assert_eq(errno, expected_errno, "%s", strerror(errno));
        cr_assert_not_null(strstr(error, strerror(expected_errno)), "%s", error);
        cr_assert_not(result.whole);
        cr_assert_gt(result.stop_ns, 0);
    }
}

Test(heap_snapshot, readers_that_are_gone_or_slow) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 40000);
    fill(holder, 40000);
    uint32_t ways = is_emulated() ? 0 : GAIT_SNAPSHOT_FORK;
    for (uint32_t flags = 0; flags <= ways; flags++) {
        int gone[2], slow[2];
        cr_assert_eq(pipe(gone), 0);
        close(gone[0]);
        try_descriptor(gone[1], flags, EPIPE);
        close(gone[1]);
        cr_assert_eq(pipe(slow), 0);
        try_descriptor(slow[1], flags, ETIMEDOUT);
        close(slow[0]);
        close(slow[1]);
        try_descriptor(-1, flags, EBADF);
    }
    let_go();
}

Test(heap_snapshot, a_copy_is_not_waited_for) {
    if (is_emulated() || !platform_child_can_be())
        return;
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 40000);
    fill(holder, 40000);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    gait_snapshot_result result;
    gait_snapshot_options options = options_of(GAIT_SNAPSHOT_COMPACT, GAIT_SNAPSHOT_FORK);
    options.wait_ns = 0;
    cr_assert_eq(gait_write_snapshot(heap, ends[1], &options, &result), 0);
    cr_assert_not(result.whole);
    cr_assert(result.forked);
    close(ends[1]);
    size_t bytes = 0, room = 1 << 22;
    char *text = malloc(room);
    for (ssize_t some; (some = read(ends[0], text + bytes, room - bytes)) > 0;)
        bytes += (size_t)some;
    seen_read(&seen, text, bytes);
    cr_assert_null(seen.complaint, "%s", seen.complaint);
    cr_assert_eq(seen.node_count, 40001u);
    cr_assert_eq(seen.process, (uint64_t)getpid());
    free(text);
    close(ends[0]);
    let_go();
}

static bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

/* While another thread waits for its copy. */
Test(heap_snapshot, a_forks_child_has_not_the_pipes_of_copies) {
    gait_heap *other = gait_heap_create(NULL, NULL, 0); /* forks are followed */
    struct platform_child copy;
    cr_assert_eq(platform_child_prepare(&copy), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(is_open(copy.report_in) || is_open(copy.report_out));
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert(is_open(copy.report_in) && is_open(copy.report_out));
    platform_child_finish(&copy);
    gait_heap_destroy(other);
}

Test(heap_snapshot, a_copy_that_dies_is_told_of) {
    if (is_emulated() || !platform_child_can_be())
        return;
    hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1);
    /* larger than what the copy takes for itself, and may get there */
    size_t bytes = (size_t)64 << 20;
    char *excepted = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gait_word *hidden = (gait_word *)(excepted + bytes / 2);
    cr_assert_eq(madvise(excepted, bytes, MADV_DONTFORK), 0);
    cr_assert_eq(gait_roots_add(mutator, hidden, 1), 0);
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    gait_snapshot_options options = options_of(GAIT_SNAPSHOT_COMPACT, GAIT_SNAPSHOT_FORK);
    cr_assert_eq(gait_write_snapshot(heap, file, &options, NULL), GAIT_E_FILE);
    cr_assert_eq(errno, ECHILD);
    close(file);
    look(); /* in the stop it can be read */
    cr_assert_eq(gait_roots_remove(mutator, hidden), 0);
    munmap(excepted, bytes);
    let_go();
}

Test(heap_snapshot, without_memory) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1000);
    fill(holder, 1000);
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    bool whole = false;
    for (size_t after = 0; !whole; after++) {
        gait_snapshot_options options = options_of(GAIT_SNAPSHOT_V8, 0);
        fault_arm(FAULT_MASK(FAULT_MAP), after, 0);
        int status = gait_write_snapshot(heap, file, &options, NULL);
        whole = fault_failures() == 0;
        fault_disarm();
        cr_assert(status == GAIT_E_MEMORY || (whole && status == 0), "%d after %zu", status, after);
    }
    if (platform_child_can_be()) {
        gait_snapshot_options options = options_of(GAIT_SNAPSHOT_V8, GAIT_SNAPSHOT_FORK);
        fault_arm(FAULT_MASK(FAULT_FORK), 0, 1);
        cr_assert_eq(gait_write_snapshot(heap, file, &options, NULL), GAIT_E_MEMORY);
        fault_disarm();
    }
    close(file);
    let_go();
}

/* ---- Threads ---- */

Test(heap_snapshot, a_thread_that_is_not_attached_takes_one) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1);
    gait_detach(mutator);
    look();
    cr_assert_eq(seen_find(&seen, holder), 0u);
    mutator = gait_attach(heap);
}

/* SPDX-License-Identifier: MIT */
/* Gait: each type has a kind of its own. heap and kinds are constant after shim_start. */
#include <gait/gait.h>
#include <gait/stats.h>

#define SHIM_EXACT true

typedef gait_mutator shim_thread;

static gait_heap *heap;
static gait_kind kinds[TYPES];

static void scan_callback(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    const word *words = object;
    word header = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
    size_t length = header_length(header);
    if ((HEADER_WORDS + length) * sizeof(word) > object_bytes)
        fail("a scan callback got a cell that is too small");
    for (size_t i = 0; i < length; i++)
        gait_visit(visitor, __atomic_load_n(&words[HEADER_WORDS + i], __ATOMIC_RELAXED));
}

static void shim_start(void) {
    static const uint64_t node_bitmap = ((1u << NODE_REFERENCES) - 1) << HEADER_WORDS;
    static const gait_kind_info infos[TYPES] = {
        [TYPE_NONE] = {.name = "none", .layout = GAIT_LEAF},
        [TYPE_NODE] = {.name = "node",
                       .layout = GAIT_BITMAP,
                       .head_words = HEADER_WORDS + NODE_REFERENCES,
                       .bitmap = &node_bitmap},
        [TYPE_REFS] = {.name = "refs", .layout = GAIT_REFS},
        [TYPE_CALLBACK] = {.name = "callback", .layout = GAIT_CALLBACK, .scan = scan_callback},
        [TYPE_ARRAY] = {.name = "array",
                        .layout = GAIT_REPEAT,
                        .head_words = HEADER_WORDS,
                        .element_words = 1,
                        .element_bitmap = 1},
        [TYPE_RECORDS] = {.name = "records",
                          .layout = GAIT_REPEAT,
                          .head_words = HEADER_WORDS,
                          .element_words = RECORD_WORDS,
                          .element_bitmap = 5},
        [TYPE_LEAF] = {.name = "leaf", .layout = GAIT_LEAF},
        [TYPE_INTERIOR] = {.name = "interior", .layout = GAIT_CONSERVATIVE},
        [TYPE_WEAK] = {.name = "weak",
                       .layout = GAIT_WEAK,
                       .head_words = HEADER_WORDS + WEAK_REFERENCES},
    };
    char error[200];
    heap = gait_heap_create(NULL, error, sizeof error);
    if (!heap)
        fail(error);
    for (int i = 0; i < TYPES; i++) {
        int kind = gait_kind_register(heap, &infos[i]);
        if (kind < 0)
            fail("cannot register a kind");
        kinds[i] = (gait_kind)kind;
    }
}

static uint64_t shim_cycles(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    if (gait_read_stats(heap, &stats))
        fail("cannot read the figures");
    return stats.cycles;
}

static shim_thread *shim_attach(void) {
    gait_mutator *mutator = gait_attach(heap);
    if (!mutator)
        fail("cannot attach");
    return mutator;
}

static void shim_detach(shim_thread *thread) { gait_detach(thread); }
static void shim_block(shim_thread *thread) { gait_enter_native(thread); }
static void shim_unblock(shim_thread *thread) { gait_leave_native(thread); }

static void *shim_alloc(shim_thread *thread, enum type type, size_t words) {
    return gait_alloc(thread, kinds[type], words * sizeof(word));
}

static void shim_init(word *slot, word value) { gait_init(slot, value); }

static void shim_store(shim_thread *thread, word *slot, word value) {
    gait_store(thread, slot, value);
}

static void shim_move(shim_thread *thread, word *to, const word *from, size_t count) {
    gait_move(thread, to, from, count);
}

static void shim_fill(shim_thread *thread, word *to, word value, size_t count) {
    gait_fill(thread, to, value, count);
}

static bool shim_exchange(shim_thread *thread, word *slot, word *expected, word desired) {
    return gait_compare_exchange(thread, slot, expected, desired);
}

static word shim_weak_get(shim_thread *thread, word *slot) { return gait_weak_get(thread, slot); }

static void shim_weak_set(shim_thread *thread, word *slot, word value) {
    gait_weak_set(thread, slot, value);
}

static void shim_poll(shim_thread *thread) { gait_poll(thread); }
static void shim_collect(shim_thread *thread) { gait_collect(thread); }

static void shim_globals(shim_thread *thread, word *slots, size_t count) {
    if (gait_roots_add(thread, slots, count))
        fail("cannot add roots");
}

#define SHIM_FRAME(thread, name, count)                                                            \
    word name[count] = {0};                                                                        \
    struct gait_frame name##_frame;                                                                \
    gait_push_frame(thread, &name##_frame, name, count)
#define SHIM_FRAME_END(thread, name) gait_pop_frame(thread)

/* SPDX-License-Identifier: MIT */
/*
 * Random graphs of objects of all layouts, changed by several threads, verified at every read.
 *
 * A reference is an address with 16 bits of the target's stamp above it (the heap's value mask
 * drops them). An object begins with
 *   word 0  its shape and how many slots it has
 *   word 1  its stamp, unique
 *   word 2  a check over both and over its address
 * and goes on with slots and payload, which is a function of the stamp. So whoever follows a
 * reference sees whether the object is still the one that the reference was made for.
 *
 * Threads use their own root slots as they like; objects and slots that others can reach too
 * change under everybody's hands. Which is which the collector can't tell.
 */
#ifndef STRESS_GRAPH_H
#define STRESS_GRAPH_H

#include "stress.h"

#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
#define HEAD_WORDS 3
#define ROOTS 24
#define STATICS 48
#define HANDLES 8
#define PREFIX_SLOTS 6
#define BITMAP_WORDS 70

enum shape {
    SHAPE_LEAF,
    SHAPE_REFS,
    SHAPE_PREFIX,
    SHAPE_BITMAP,
    SHAPE_REPEAT,
    SHAPE_CALLBACK,
    SHAPE_CONSERVATIVE,
    SHAPES
};

struct graph {
    gait_heap *heap;
    bool barriers; /* stores go through gait_store */
    bool frames;   /* root slots are in shadow-stack frames; else they are on the C stack only */
    gait_kind kinds[SHAPES];
    gait_word statics[STATICS];
    gait_handle *handles[HANDLES];
    uint64_t stamps; /* atomic */
};

struct walker {
    struct graph *graph;
    gait_mutator *mutator;
    uint64_t random;
    uint64_t reads;
    gait_word *roots; /* ROOTS slots of the innermost frame */
};

/* ---- Objects ---- */

static inline gait_word *words_of(gait_word reference) {
    return (gait_word *)(reference & ADDRESS_MASK);
}

static inline enum shape shape_of(const gait_word *object) {
    return (enum shape)(__atomic_load_n(&object[0], __ATOMIC_RELAXED) & 255);
}

static inline size_t slots_of(const gait_word *object) {
    return __atomic_load_n(&object[0], __ATOMIC_RELAXED) >> 8;
}

static inline size_t words_needed(enum shape shape, size_t slots) {
    switch (shape) {
    case SHAPE_PREFIX:
        return HEAD_WORDS + PREFIX_SLOTS + slots;
    case SHAPE_BITMAP:
        return BITMAP_WORDS;
    case SHAPE_REPEAT:
        return HEAD_WORDS + (slots + 1) / 2 * 3;
    default:
        return HEAD_WORDS + slots; /* a leaf's slots are payload */
    }
}

static inline bool bitmap_has(size_t word) { return word >= HEAD_WORDS && word % 3 != 0; }

/* How many slots an object has that can hold references. */
static inline size_t references_of(const gait_word *object) {
    switch (shape_of(object)) {
    case SHAPE_LEAF:
        return 0;
    case SHAPE_PREFIX:
        return PREFIX_SLOTS;
    default:
        return slots_of(object);
    }
}

static inline gait_word *slot_at(gait_word *object, size_t slot) {
    switch (shape_of(object)) {
    case SHAPE_BITMAP: /* words 4, 5, 7, 8, 10 … */
        return &object[4 + slot / 2 * 3 + slot % 2];
    case SHAPE_REPEAT: /* elements: reference, payload, reference */
        return &object[HEAD_WORDS + slot / 2 * 3 + slot % 2 * 2];
    default:
        return &object[HEAD_WORDS + slot];
    }
}

static inline gait_word check_of(const gait_word *object) {
    return mix(__atomic_load_n(&object[0], __ATOMIC_RELAXED) ^
               __atomic_load_n(&object[1], __ATOMIC_RELAXED) ^ (gait_word)object);
}

static inline gait_word payload_of(const gait_word *object, size_t word) {
    return mix(__atomic_load_n(&object[1], __ATOMIC_RELAXED) + word);
}

/* The range of words that are payload in leaves and prefixed objects. */
static inline size_t payload_range(const gait_word *object, size_t *from) {
    enum shape shape = shape_of(object);
    *from = shape == SHAPE_PREFIX ? HEAD_WORDS + PREFIX_SLOTS : HEAD_WORDS;
    return shape == SHAPE_LEAF || shape == SHAPE_PREFIX ? slots_of(object) : 0;
}

/* The object that a reference was made for, verified. */
static inline gait_word *verify(struct walker *walker, gait_word reference) {
    gait_word *object = words_of(reference);
    walker->reads++;
    gait_word stamp = __atomic_load_n(&object[1], __ATOMIC_RELAXED);
    CHECK(stamp >> 48 == reference >> 48 &&
              __atomic_load_n(&object[2], __ATOMIC_RELAXED) == check_of(object),
          "reference %#" PRIxPTR " leads to words %#" PRIxPTR " %#" PRIxPTR " %#" PRIxPTR,
          reference, object[0], object[1], object[2]);
    size_t from, count = payload_range(object, &from);
    size_t step = count > 64 ? count / 32 : 1;
    for (size_t i = 0; i < count; i += step)
        CHECK(object[from + i] == payload_of(object, from + i), "payload word %zu of %p", i,
              (void *)object);
    return object;
}

static inline void callback_scan(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    size_t slots = slots_of(object);
    CHECK(data == NULL && (HEAD_WORDS + slots) * sizeof(gait_word) <= bytes,
          "the callback is handed %zu bytes with %zu slots", bytes, slots);
    gait_visit_range(visitor, (const gait_word *)object + HEAD_WORDS, slots);
}

/* ---- The graph ---- */

static inline void graph_init(struct graph *graph, uint32_t flags, const char *debug,
                              const char *gogc) {
    memset(graph, 0, sizeof *graph);
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.value_mask = ADDRESS_MASK;
    config.debug = debug;
    config.minor = minor_of(debug);
    config.gogc = gogc;
    graph->heap = heap_of(&config);
    graph->barriers = !(flags & GAIT_STOP_THE_WORLD);
    graph->frames = !(flags & GAIT_CONSERVATIVE_STACKS);
    uint64_t bitmap[(BITMAP_WORDS + 63) / 64] = {0};
    for (size_t word = 0; word < BITMAP_WORDS; word++)
        bitmap[word / 64] |= (uint64_t)bitmap_has(word) << word % 64;
    gait_heap *heap = graph->heap;
    graph->kinds[SHAPE_LEAF] =
        kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    graph->kinds[SHAPE_REFS] =
        kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    graph->kinds[SHAPE_PREFIX] =
        kind_new(heap, (gait_kind_info){.name = "prefix",
                                        .layout = GAIT_PREFIX,
                                        .head_words = HEAD_WORDS + PREFIX_SLOTS});
    graph->kinds[SHAPE_BITMAP] = kind_new(heap, (gait_kind_info){.name = "bitmap",
                                                                 .layout = GAIT_BITMAP,
                                                                 .head_words = BITMAP_WORDS,
                                                                 .bitmap = bitmap});
    graph->kinds[SHAPE_REPEAT] = kind_new(heap, (gait_kind_info){.name = "repeat",
                                                                 .layout = GAIT_REPEAT,
                                                                 .head_words = HEAD_WORDS,
                                                                 .element_words = 3,
                                                                 .element_bitmap = 5});
    graph->kinds[SHAPE_CALLBACK] = kind_new(
        heap, (gait_kind_info){.name = "callback", .layout = GAIT_CALLBACK, .scan = callback_scan});
    graph->kinds[SHAPE_CONSERVATIVE] =
        kind_new(heap, (gait_kind_info){.name = "conservative", .layout = GAIT_CONSERVATIVE});
    gait_mutator *mutator = attach(heap);
    CHECK(gait_roots_add(mutator, graph->statics, STATICS) == 0, "gait_roots_add");
    for (size_t i = 0; i < HANDLES; i++)
        CHECK(graph->handles[i] = gait_handle_new(mutator, 0), "gait_handle_new");
    gait_detach(mutator);
}

static inline void graph_destroy(struct graph *graph) {
    gait_mutator *mutator = attach(graph->heap);
    for (size_t i = 0; i < HANDLES; i++)
        gait_handle_free(mutator, graph->handles[i]);
    CHECK(gait_roots_remove(mutator, graph->statics) == 0, "gait_roots_remove");
    gait_heap_destroy(graph->heap);
}

/* ---- What a thread does ---- */

static inline void slot_store(struct walker *walker, gait_word *slot, gait_word value) {
    if (walker->graph->barriers)
        gait_store(walker->mutator, slot, value);
    else
        __atomic_store_n(slot, value, __ATOMIC_RELEASE); /* pairs with slot_load */
}

static inline void slot_exchange(struct walker *walker, gait_word *slot, gait_word value) {
    gait_word expected = slot_load(slot);
    if (walker->graph->barriers)
        gait_compare_exchange(walker->mutator, slot, &expected, value);
    else
        __atomic_compare_exchange_n(slot, &expected, value, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
}

static inline size_t choose_slots(struct walker *walker, enum shape shape) {
    size_t slots;
    if (one_in(&walker->random, 400))
        slots = 4200 + pick(&walker->random, 12000);
    else if (one_in(&walker->random, 12))
        slots = pick(&walker->random, 300);
    else
        slots = pick(&walker->random, 12);
    return shape == SHAPE_BITMAP ? pick(&walker->random, 44) : slots;
}

/* A new object whose slots hold some of the roots. Nothing in here but the allocation is a
 * safepoint. */
static inline gait_word object_new(struct walker *walker) {
    struct graph *graph = walker->graph;
    uint64_t *random = &walker->random;
    enum shape shape = (enum shape)pick(random, SHAPES);
    size_t slots = choose_slots(walker, shape), words = words_needed(shape, slots);
    gait_word *object = allocate(walker->mutator, graph->kinds[shape], words * sizeof(gait_word));
    for (size_t i = 0; i<words; i += words> 512 ? 97 : 1)
        CHECK(__atomic_load_n(&object[i], __ATOMIC_RELAXED) == 0, "word %zu is not zero", i);
    gait_word stamp = mix(__atomic_add_fetch(&graph->stamps, 1, __ATOMIC_RELAXED));
    gait_init(&object[1], stamp);
    gait_init(&object[2], mix((slots << 8 | shape) ^ stamp ^ (gait_word)object));
    gait_init(&object[0], slots << 8 | shape);
    size_t from, count = payload_range(object, &from);
    for (size_t i = 0; i < count; i++)
        object[from + i] = payload_of(object, from + i);
    size_t references = references_of(object);
    for (size_t i = 0; i < references && i < 40; i++)
        if (one_in(random, 3))
            gait_init(slot_at(object, pick(random, references)),
                      walker->roots[pick(random, ROOTS)]);
    return (stamp >> 48 << 48) | (gait_word)object;
}

/* An object a few steps away from the roots or what is shared, or NULL; verified on the way. */
static inline gait_word *object_walk(struct walker *walker, gait_word *reference) {
    struct graph *graph = walker->graph;
    uint64_t *random = &walker->random;
    size_t from = pick(random, 10);
    *reference = from == 0   ? slot_load(&graph->statics[pick(random, STATICS)])
                 : from == 1 ? gait_handle_get(graph->handles[pick(random, HANDLES)])
                             : walker->roots[pick(random, ROOTS)];
    gait_word *object = NULL;
    for (size_t steps = pick(random, 12); *reference; steps--) {
        object = verify(walker, *reference);
        size_t references = references_of(object);
        if (steps == 0 || references == 0)
            break;
        gait_word next = slot_load(slot_at(object, pick(random, references)));
        if (!next)
            break;
        *reference = next;
    }
    return object;
}

static inline void store_somewhere(struct walker *walker, gait_word value) {
    struct graph *graph = walker->graph;
    uint64_t *random = &walker->random;
    gait_word reference, *object = object_walk(walker, &reference);
    if (one_in(random, 16)) {
        slot_store(walker, &graph->statics[pick(random, STATICS)], value);
    } else if (one_in(random, 32)) {
        gait_handle_set(walker->mutator, graph->handles[pick(random, HANDLES)], value);
    } else if (object && references_of(object) > 0) {
        gait_word *slot = slot_at(object, pick(random, references_of(object)));
        if (one_in(random, 4))
            slot_exchange(walker, slot, value);
        else
            slot_store(walker, slot, value);
    }
}

/* Slots of REFS objects are moved and filled by the functions for many. */
static inline void move_slots(struct walker *walker) {
    uint64_t *random = &walker->random;
    gait_word reference, *object = object_walk(walker, &reference);
    if (!walker->graph->barriers || !object || shape_of(object) != SHAPE_REFS ||
        slots_of(object) < 2)
        return;
    size_t slots = slots_of(object), count = 1 + pick(random, slots / 2);
    gait_word *to = slot_at(object, pick(random, slots - count));
    if (one_in(random, 4))
        gait_fill(walker->mutator, to, walker->roots[pick(random, ROOTS)], count);
    else
        gait_move(walker->mutator, to, slot_at(object, pick(random, slots - count)), count);
}

/* Keep the graph from growing without end. */
static inline void forget(struct walker *walker) {
    for (size_t i = 0; i < ROOTS; i++)
        walker->roots[i] = 0;
    for (size_t i = 0; i < STATICS; i++)
        slot_store(walker, &walker->graph->statics[i], 0);
    for (size_t i = 0; i < HANDLES; i++)
        gait_handle_set(walker->mutator, walker->graph->handles[i], 0);
}

static inline void graph_step(struct walker *walker) {
    uint64_t *random = &walker->random;
    gait_word reference;
    switch (pick(random, 10)) {
    case 0:
    case 1:
    case 2:
        /* in two steps: the root is chosen after the safepoint */
        reference = object_new(walker);
        walker->roots[pick(random, ROOTS)] = reference;
        break;
    case 3:
    case 4:
        if (object_walk(walker, &reference))
            walker->roots[pick(random, ROOTS)] = reference;
        break;
    case 5:
    case 6:
        store_somewhere(walker, walker->roots[pick(random, ROOTS)]);
        break;
    case 7:
        store_somewhere(walker, 0);
        break;
    case 8:
        move_slots(walker);
        break;
    default:
        walker->roots[pick(random, ROOTS)] = 0;
    }
    gait_poll(walker->mutator);
}

/* Steps with root slots of their own, which begin with those of the caller. */
__attribute__((noinline)) static void graph_run(struct walker *walker, size_t steps,
                                                unsigned depth) {
    gait_word roots[ROOTS], *outer = walker->roots;
    struct gait_frame frame;
    for (size_t i = 0; i < ROOTS; i++)
        roots[i] = outer ? outer[i] : 0;
    if (walker->graph->frames)
        gait_push_frame(walker->mutator, &frame, roots, ROOTS);
    walker->roots = roots;
    for (size_t i = 0; i < steps; i++) {
        graph_step(walker);
        if (depth > 0 && one_in(&walker->random, 64))
            graph_run(walker, 32, depth - 1);
    }
    if (one_in(&walker->random, 8))
        forget(walker);
    if (outer)
        outer[pick(&walker->random, ROOTS)] = roots[pick(&walker->random, ROOTS)];
    walker->roots = outer;
    if (walker->graph->frames)
        gait_pop_frame(walker->mutator);
}

#endif

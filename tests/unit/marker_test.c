/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/marker and queue: every layout, words that are no references, large objects in
 * slices, several markers, and marking when no block is available. One file, since all of it marks
 * one bare heap, and asks of each layout the same.
 */
#include "bare_heap.h"
#include "emulated.h"
#include "platform/fault.h"
#include "platform/platform.h"

#include <pthread.h>

#define ALL (~(gait_word)0)

static void open_heap(void) { bare_open(ALL); }

TestSuite(marker, .init = open_heap, .fini = bare_close);

/* An object of a kind whose words each refer to a leaf of their own. */
static void fill(gait_word *object, size_t words, unsigned leaf) {
    for (size_t i = 0; i < words; i++)
        object[i] = bare_ref(bare_alloc(leaf, 16));
}

static bool mark_one(const gait_word *object) {
    gait_word root = bare_ref(object);
    bare_mark(&root, 1);
    return bare_is_marked(object);
}

/* ---- Layouts ---- */

static void visit_odd(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    const gait_word *words = object;
    cr_assert_eq(*(int *)data, 77);
    for (size_t i = 1; i < bytes / sizeof(gait_word); i += 2)
        gait_visit(visitor, words[i]);
}

enum { WORDS = 160 };

struct expectation {
    gait_kind_info info;
    bool (*strong)(size_t word);
};

static bool none(size_t word) {
    (void)word;
    return false;
}

static bool every(size_t word) {
    (void)word;
    return true;
}

static bool first_70(size_t word) { return word < 70; }

/* Bits of a head of 70 words: every fifth, and the last. */
static bool fifths(size_t word) { return word < 70 && (word % 5 == 0 || word == 69); }

/* A head of 70 words, then elements of 4: words 0 and 3 of each; 90 words make 22 elements. */
static bool fifths_then_elements(size_t word) {
    return word < 70 ? fifths(word)
                     : (word - 70) / 4 < 22 && ((word - 70) % 4 == 0 || (word - 70) % 4 == 3);
}

static bool elements(size_t word) { return word % 64 == 63 && word < 128; }

static bool odd(size_t word) { return word % 2; }

Test(marker, every_layout_keeps_its_references) {
    static int data = 77;
    uint64_t bits[2] = {0};
    for (size_t i = 0; i < 70; i++)
        bits[i / 64] |= (uint64_t)fifths(i) << i % 64;
    bits[1] |= (uint64_t)1 << 20; /* beyond the head: not meant */
    struct expectation all[] = {
        {{.layout = GAIT_LEAF}, none},
        {{.layout = GAIT_REFS}, every},
        {{.layout = GAIT_PREFIX, .head_words = 70}, first_70},
        {{.layout = GAIT_PREFIX, .head_words = 1000}, every},
        {{.layout = GAIT_BITMAP, .head_words = 70, .bitmap = bits}, fifths},
        {{.layout = GAIT_REPEAT,
          .head_words = 70,
          .bitmap = bits,
          .element_words = 4,
          .element_bitmap = 9},
         fifths_then_elements},
        {{.layout = GAIT_REPEAT, .element_words = 64, .element_bitmap = (uint64_t)1 << 63},
         elements},
        {{.layout = GAIT_CALLBACK, .scan = visit_odd, .scan_data = &data}, odd},
        {{.layout = GAIT_CONSERVATIVE}, every},
        {{.layout = GAIT_WEAK, .head_words = 70}, first_70},
        {{.layout = GAIT_EPHEMERON, .head_words = 70}, first_70},
    };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        all[i].info.name = "layout";
        int kind = kinds_register(&bare.kinds, &all[i].info);
        cr_assert_geq(kind, 0);
        gait_word *object = bare_alloc((unsigned)kind, WORDS * sizeof(gait_word));
        fill(object, WORDS, leaf);
        cr_assert(mark_one(object));
        for (size_t word = 0; word < WORDS; word++)
            cr_assert_eq(bare_is_marked((void *)object[word]), all[i].strong(word),
                         "case %zu, word %zu", i, word);
    }
}

/* ---- Words ---- */

Test(marker, words_that_are_no_references_are_skipped) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    unsigned conservative = bare_kind(GAIT_CONSERVATIVE, 0);
    gait_word *target = bare_alloc(leaf, 64), *object = bare_alloc(refs, 128);
    gait_word *stale = (gait_word *)(bare.runs[leaf][gait_size_class(64)].end); /* never run out */
    gait_word base = (gait_word)bare.space.base;
    gait_word words[] = {bare_ref(target) + 1,
                         bare_ref(target) + 7,
                         bare_ref(target) + 8, /* inside, aligned */
                         bare_ref(target) + 63,
                         base - 8,
                         base + bare.space.reserved_bytes,
                         base + bare.space.reserved_bytes - 8,
                         base + AO_load(&bare.space.extent_bytes) - 8, /* a page of no span */
                         0,
                         1,
                         ALL,
                         (gait_word)&target,
                         bare_ref(stale)};
    memcpy(object, words, sizeof words);
    cr_assert(mark_one(object));
    cr_assert_not(bare_is_marked(target));
    cr_assert_eq(bare_marked_cells(&bare.marker), 1u);

    gait_word *guesses = bare_alloc(conservative, 16);
    guesses[0] = bare_ref(target) + 63;
    cr_assert(mark_one(guesses));
    cr_assert(bare_is_marked(target));
    cr_assert_eq(bare_marked_cells(&bare.marker), 3u);
    cr_assert_eq(marker_take_marked(&bare.marker), 128u + 16 + 64);
}

Test(marker, conservative_words_of_no_cell) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), conservative = bare_kind(GAIT_CONSERVATIVE, 0);
    char *cell = (char *)bare_alloc(leaf, 1664);
    const struct class_info *info = &class_table[gait_size_class(1664)];
    size_t tail = info->span_pages * PAGE_BYTES - info->cells * info->cell_bytes;
    cr_assert_gt(tail, (size_t)0);
    gait_word *guesses = bare_alloc(conservative, 16);
    guesses[0] = (gait_word)cell + info->span_pages * PAGE_BYTES - 1;   /* past the last cell */
    guesses[1] = (gait_word)bare.runs[leaf][gait_size_class(1664)].end; /* not allocated */
    cr_assert(mark_one(guesses));
    cr_assert_eq(bare_marked_cells(&bare.marker), 1u);
}

/* Where a cell would begin, by its class's reciprocal alone. */
Test(marker, conservative_words_far_into_a_large_object) {
    static const size_t at[] = {8, (size_t)1 << 32, ((size_t)1 << 32) + 8, (size_t)2 << 32};
    if (is_emulated()) /* 16 GiB of addresses */
        return;
    bare_close();
    bare_open_sized(ALL, (size_t)1 << 34);
    unsigned leaf = bare_kind(GAIT_LEAF, 0), conservative = bare_kind(GAIT_CONSERVATIVE, 0);
    gait_word *large = bare_alloc(leaf, ((size_t)2 << 32) + 16);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        gait_word *guesses = bare_alloc(conservative, 16);
        guesses[1] = bare_ref(large) + at[i];
        cr_assert(mark_one(guesses));
        cr_assert(bare_is_marked(large), "%zx", at[i]);
        struct cell cell = bare_cell(large);
        bits_clear(&cell.pair[~space_epoch(&bare.space) & 1], cell.bit);
    }
}

Test(marker, tags_are_dropped_by_the_mask) {
    bare_close();
    bare_open(0x0000fffffffffff8);
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    unsigned conservative = bare_kind(GAIT_CONSERVATIVE, 0);
    gait_word *low = bare_alloc(leaf, 16), *high = bare_alloc(leaf, 16);
    gait_word *inside = bare_alloc(leaf, 64), *boxed = bare_alloc(leaf, 64);
    gait_word *object = bare_alloc(refs, 24), *guesses = bare_alloc(conservative, 16);
    object[0] = bare_ref(low) | 3;
    object[1] = bare_ref(high) | 0xfffc000000000000;
    object[2] = bare_ref(guesses) | 7;
    guesses[0] = bare_ref(inside) + 35;
    guesses[1] = (bare_ref(boxed) + 16) | 0xfffc000000000001;
    cr_assert(mark_one(object));
    cr_assert(bare_is_marked(low) && bare_is_marked(high) && bare_is_marked(guesses));
    cr_assert(bare_is_marked(inside) && bare_is_marked(boxed));
}

Test(marker, white_is_allocated_and_unmarked) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 16);
    marker_begin(&bare.marker);
    cr_assert(marker_is_white(&bare.marker, bare_ref(object)));
    cr_assert_not(marker_is_white(&bare.marker, bare_ref(object) + 8));
    cr_assert_not(marker_is_white(&bare.marker, 0));
    marker_push(&bare.marker, bare_ref(object));
    marker_drain(&bare.marker, SIZE_MAX);
    cr_assert_not(marker_is_white(&bare.marker, bare_ref(object)));
    marker_end(&bare.marker);
    bare_flip();
    gait_word *dead = bare_alloc(leaf, 16);
    bare_flip();
    marker_begin(&bare.marker);
    cr_assert_not(marker_is_white(&bare.marker, bare_ref(dead)));
    marker_end(&bare.marker);
}

/* ---- Size and budget ---- */

Test(marker, large_objects_in_slices) {
    enum { LARGE = 50001 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    unsigned prefix = bare_kind(GAIT_PREFIX, 40000);
    for (unsigned i = 0; i < 2; i++) {
        gait_word *object = bare_alloc(i ? prefix : refs, LARGE * sizeof(gait_word));
        fill(object, LARGE, leaf);
        marker_begin(&bare.marker);
        marker_push(&bare.marker, bare_ref(object));
        /* a budget of one byte: a slice at most, and some leaves */
        size_t pieces = 0, before = bare.marker.scanned_bytes;
        while (!marker_drain(&bare.marker, 1)) {
            cr_assert_leq(bare.marker.scanned_bytes - before, 4u * 2048 * sizeof(gait_word));
            before = bare.marker.scanned_bytes;
            pieces++;
        }
        marker_end(&bare.marker);
        cr_assert_geq(pieces, 10u);
        for (size_t word = 0; word < LARGE; word++)
            cr_assert_eq(bare_is_marked((void *)object[word]), i == 0 || word < 40000);
    }
    cr_assert_eq(queue_active(&bare.queue), 0u);
    cr_assert_not(queue_has_work(&bare.queue));
}

/* The second copy of the loop: a list, and batches, piece by piece. */
Test(marker, assists_mark_the_same) {
    enum { COUNT = 3000, LINKS = 5000 };
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *table = bare_alloc(refs, COUNT * sizeof(gait_word)), *list = NULL;
    fill(table, COUNT, leaf);
    for (size_t i = 0; i < LINKS; i++) {
        gait_word *link = bare_alloc(refs, 2 * sizeof(gait_word));
        link[0] = bare_ref(list);
        list = link;
    }
    table[0] = bare_ref(list);
    marker_begin(&bare.marker);
    marker_push(&bare.marker, bare_ref(table));
    size_t pieces = 1;
    for (; !marker_assist(&bare.marker, 1000); pieces++)
        cr_assert_lt(pieces, (size_t)COUNT + LINKS);
    marker_end(&bare.marker);
    cr_expect_gt(pieces, (size_t)10);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert(bare_is_marked((void *)table[i]));
    for (; list; list = (gait_word *)list[0])
        cr_assert(bare_is_marked(list));
}

/* Objects without references are no work as pacing counts it, and take time all the same. */
Test(marker, a_budget_bounds_what_is_marked) {
    enum { COUNT = 50000, WORDS = 4096 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    marker_begin(&bare.marker);
    for (size_t i = 0; i < COUNT; i++)
        marker_push(&bare.marker, bare_ref(bare_alloc(leaf, 16)));
    size_t before = 0, calls = 0;
    bool out = false;
    for (; !out; calls++) {
        out = marker_drain(&bare.marker, WORDS * sizeof(gait_word));
        size_t marked = bare_marked_cells(&bare.marker);
        cr_assert_leq(marked - before, WORDS + 200u);
        before = marked;
    }
    marker_end(&bare.marker);
    cr_assert_eq(before, (size_t)COUNT);
    cr_assert_leq(calls, COUNT / WORDS + 2u);
}

/* Each leaf says which word of the object leads to it. */
enum { SLICED = 30011 };
static bool wanted[SLICED];

static void want(struct gait_visitor *visitor, gait_word word, bool conservative) {
    (void)visitor, (void)conservative;
    wanted[*(size_t *)(word & ~(gait_word)15)] = true;
}

/* Of pairs every third key is marked before, and every third afterwards. */
static void mark_keys(const gait_word *object, size_t head, size_t first) {
    for (size_t i = head + 2 * first; i + 1 < SLICED; i += 6) {
        marker_push(&bare.marker, object[i]);
        wanted[i] = wanted[i + 1] = true;
    }
}

static void mark_in_slices(const gait_word *object, const gait_kind_info *info) {
    bool pairs = info->layout == GAIT_EPHEMERON;
    marker_begin(&bare.marker);
    if (pairs)
        mark_keys(object, info->head_words, 0);
    marker_drain(&bare.marker, SIZE_MAX);
    marker_push(&bare.marker, bare_ref(object));
    size_t pieces = 1, before = bare.marker.scanned_bytes;
    for (; !marker_drain(&bare.marker, 1); pieces++) {
        cr_assert_leq(bare.marker.scanned_bytes - before, 4u * MARK_SLICE_WORDS * 8);
        before = bare.marker.scanned_bytes;
    }
    cr_assert_geq(pieces, 4u);
    if (pairs)
        mark_keys(object, info->head_words, 1);
    do
        marker_drain(&bare.marker, SIZE_MAX);
    while (marker_ephemerons(&bare.marker));
    marker_end(&bare.marker);
}

/* What slices find is what a look at the whole object finds. */
Test(marker, large_objects_of_every_layout_in_slices, .timeout = 60) {
    enum { HEAD = 12345 };
    static uint64_t bits[HEAD / 64 + 1];
    uint64_t state = 99;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        bits[i] = bare_random(&state);
    gait_kind_info infos[] = {
        {.layout = GAIT_BITMAP, .head_words = HEAD, .bitmap = bits},
        {.layout = GAIT_REPEAT, .element_words = 7, .element_bitmap = 0x2b},
        {.layout = GAIT_REPEAT,
         .head_words = HEAD,
         .bitmap = bits,
         .element_words = 64,
         .element_bitmap = 0x8000000000000005},
        {.layout = GAIT_REPEAT, .head_words = 3, .element_words = 3, .element_bitmap = 4},
        {.layout = GAIT_CONSERVATIVE},
        {.layout = GAIT_WEAK, .head_words = HEAD},
        {.layout = GAIT_EPHEMERON, .head_words = HEAD},
    };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        infos[i].name = "large";
        int kind = kinds_register(&bare.kinds, &infos[i]);
        cr_assert_geq(kind, 0);
        gait_word *object = bare_alloc((unsigned)kind, SLICED * sizeof(gait_word));
        for (size_t word = 0; word < SLICED; word++) {
            size_t *target = (size_t *)bare_alloc(leaf, 16);
            *target = word;
            /* a conservative word may point inside of an object */
            object[word] = bare_ref(target) + (infos[i].layout == GAIT_CONSERVATIVE ? 8 : 0);
        }
        memset(wanted, 0, sizeof wanted);
        mark_in_slices(object, &infos[i]);
        struct gait_visitor visitor = {.visit = want};
        struct cell cell = bare_cell(object);
        marker_visit_object(&bare.space, &visitor, cell.start, cell.entry,
                            entry_cell_bytes(&bare.space, cell.entry, cell.head));
        for (size_t word = 0; word < SLICED; word++)
            cr_assert_eq(bare_is_marked((void *)(object[word] & ~(gait_word)15)), wanted[word],
                         "layout %u, word %zu", (unsigned)infos[i].layout, word);
    }
}

/* ---- Several markers ---- */

enum { NODES = 60000, MARKERS = 4 };
static AO_t waiting_markers;

static bool all_out(void) { return queue_active(&bare.queue) == 0 && !queue_has_work(&bare.queue); }

static void *help(void *argument) {
    struct marker *marker = argument;
    AO_fetch_and_sub1_full(&waiting_markers);
    while (AO_load_acquire(&waiting_markers) > 0)
        platform_yield();
    do {
        AO_fetch_and_add1_full(&bare.queue.hungry);
        while (!queue_has_work(&bare.queue) && !all_out())
            platform_yield();
        AO_fetch_and_sub1_full(&bare.queue.hungry);
        marker_begin(marker);
        marker_drain(marker, SIZE_MAX);
        marker_end(marker);
    } while (!all_out());
    return NULL;
}

/* A random graph: what markers find together is what a plain search finds. */
Test(marker, several_find_the_same, .timeout = 60) {
    unsigned refs = bare_kind(GAIT_REFS, 0), ephemeron = bare_kind(GAIT_EPHEMERON, 1);
    static gait_word *nodes[NODES];
    static uint32_t stack[NODES * 4];
    static bool reached[NODES];
    uint64_t state = 4711;
    for (size_t i = 0; i < NODES; i++)
        nodes[i] = bare_alloc(i % 8 ? refs : ephemeron, 24);
    static uint32_t edges[NODES][3];
    for (size_t i = 0; i < NODES; i++)
        for (size_t word = 0; word < 3; word++) {
            edges[i][word] = (uint32_t)(bare_random(&state) % NODES);
            if (word == 1 && i % 8 && i % 3)
                edges[i][word] = (uint32_t)i; /* some sparse parts */
            nodes[i][word] = bare_ref(nodes[edges[i][word]]);
        }
    /* the plain search: to a fixed point over the ephemerons */
    size_t depth = 0;
    for (size_t i = 0; i < 5; i++)
        stack[depth++] = (uint32_t)i * 7;
    for (bool more = true; more;) {
        while (depth > 0) {
            uint32_t i = stack[--depth];
            if (reached[i])
                continue;
            reached[i] = true;
            for (size_t word = 0; word < (i % 8 ? 3 : 1); word++)
                if (!reached[edges[i][word]])
                    stack[depth++] = edges[i][word];
        }
        more = false;
        for (uint32_t i = 0; i < NODES; i += 8)
            if (reached[i] && reached[edges[i][1]] && !reached[edges[i][2]]) {
                stack[depth++] = edges[i][2];
                more = true;
                break;
            }
    }

    struct marker markers[MARKERS];
    pthread_t threads[MARKERS];
    marker_begin(&bare.marker);
    for (size_t i = 0; i < 5; i++)
        marker_push(&bare.marker, bare_ref(nodes[i * 7]));
    marker_end(&bare.marker);
    for (size_t i = 0; i < MARKERS; i++)
        marker_init(&markers[i], &bare.space, &bare.queue, ALL);
    bool more = true;
    while (more) {
        AO_store_release(&waiting_markers, MARKERS);
        for (size_t i = 0; i < MARKERS; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, help, &markers[i]), 0);
        for (size_t i = 0; i < MARKERS; i++)
            pthread_join(threads[i], NULL);
        cr_assert(all_out());
        marker_begin(&bare.marker);
        more = marker_ephemerons(&bare.marker);
        marker_end(&bare.marker);
    }
    size_t count = 0, marked = bare_marked_cells(&bare.marker);
    for (size_t i = 0; i < NODES; i++) {
        cr_assert_eq(bare_is_marked(nodes[i]), reached[i], "node %zu", i);
        count += reached[i];
    }
    for (size_t i = 0; i < MARKERS; i++)
        marked += bare_marked_cells(&markers[i]);
    cr_assert_eq(marked, count); /* nothing was marked twice */
}

/* A helper looks and joins in one step: what it saw before, in another phase, counts for nothing.
 */
Test(marker, helpers_join_an_open_queue_only) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *object = bare_alloc(leaf, 16);
    struct marker helper;
    marker_init(&helper, &bare.space, &bare.queue, ALL);
    marker_begin(&bare.marker); /* a mutator's full buffer, before all barriers are on */
    marker_push(&bare.marker, bare_ref(object));
    marker_end(&bare.marker);
    cr_assert(queue_has_work(&bare.queue));
    cr_assert_not(marker_join(&helper));
    cr_assert_eq(queue_active(&bare.queue), 0u);
    queue_open(&bare.queue);
    cr_assert(marker_join(&helper));
    cr_assert_eq(queue_active(&bare.queue), 1u);
    queue_close(&bare.queue);
    cr_assert_eq(queue_active(&bare.queue), 1u); /* to be waited for */
    cr_assert(marker_drain(&helper, SIZE_MAX));
    marker_end(&helper);
    cr_assert_eq(queue_active(&bare.queue), 0u);
    cr_assert_not(marker_join(&helper));
    cr_assert(bare_is_marked(object));
}

/* ---- No memory for blocks ---- */

static void visit_all_words(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)data;
    gait_visit_range(visitor, object, bytes / sizeof(gait_word));
}

/* Mark a wide graph with so many blocks available. @return whether marking overflowed. */
static bool mark_without_blocks(size_t slabs) {
    enum { WIDE = 40000, DEEP = 20 };
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    unsigned ephemeron = bare_kind(GAIT_EPHEMERON, 0);
    /* the layout that isn't sliced: all of it is pushed at once */
    gait_kind_info info = {.name = "wide", .layout = GAIT_CALLBACK, .scan = visit_all_words};
    int wide = kinds_register(&bare.kinds, &info);
    cr_assert_geq(wide, 0);
    gait_word *root = bare_alloc((unsigned)wide, WIDE * sizeof(gait_word));
    for (size_t i = 0; i < WIDE; i++) {
        gait_word *list = bare_alloc(leaf, 16);
        if (i % 10 == 0)
            for (size_t depth = 0; depth < DEEP; depth++) {
                gait_word *cell = bare_alloc(refs, 24);
                cell[depth % 3] = bare_ref(list);
                list = cell;
            }
        root[i] = bare_ref(list);
    }
    gait_word *pair = bare_alloc(ephemeron, 16), *value = bare_alloc(leaf, 16);
    pair[0] = root[WIDE - 1];
    pair[1] = bare_ref(value);
    root[0] = bare_ref(pair);
    fault_arm(FAULT_MASK(FAULT_MAP), slabs, 1);
    bool overflowed = false;
    marker_begin(&bare.marker);
    marker_push(&bare.marker, bare_ref(root));
    for (bool more = true; more;) {
        marker_drain(&bare.marker, SIZE_MAX);
        more = marker_ephemerons(&bare.marker);
        if (AO_load(&bare.queue.overflowed)) {
            overflowed = more = true;
            marker_rescan(&bare.marker);
        }
    }
    marker_end(&bare.marker);
    fault_disarm();
    for (size_t i = 1; i < WIDE; i++) {
        gait_word *cell = (gait_word *)root[i];
        for (size_t depth = i % 10 ? 0 : DEEP; depth > 0; depth--) {
            cr_assert(bare_is_marked(cell));
            cell = (gait_word *)cell[(depth - 1) % 3];
        }
        cr_assert(bare_is_marked(cell));
    }
    cr_assert(bare_is_marked(value));
    return overflowed;
}

Test(marker, no_block_at_all, .timeout = 60) { cr_assert(mark_without_blocks(0)); }

Test(marker, few_blocks, .timeout = 60) { cr_assert(mark_without_blocks(1)); }

Test(marker, enough_blocks, .timeout = 60) { cr_assert_not(mark_without_blocks(1000)); }

/* A pair that is marked, whose value waits for its key; both are leaves. */
struct waiting {
    gait_word *key, *value;
};

static struct waiting pair_that_waits(void) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    struct waiting waiting = {bare_alloc(leaf, 16), bare_alloc(leaf, 16)};
    gait_word *pair = bare_alloc(bare_kind(GAIT_EPHEMERON, 0), 16), table = bare_ref(pair);
    pair[0] = bare_ref(waiting.key);
    pair[1] = bare_ref(waiting.value);
    bare_mark(&table, 1);
    return waiting;
}

/* A leaf that is marked without room for it is a key that pairs wait for. */
Test(marker, an_overflow_wakes_the_pairs_of_a_leaf) {
    struct waiting waiting = pair_that_waits();
    gait_word late = bare_ref(waiting.key);
    cr_assert_eq(AO_load(&bare.queue.keys.pairs), 1u);
    /* a barrier's flush, with no block available */
    AO_t published = AO_load(&bare.queue.published), blocks = AO_load(&bare.queue.free.top);
    AO_store(&bare.queue.free.top, 0);
    fault_arm(FAULT_MASK(FAULT_MAP), 0, 1);
    marker_begin(&bare.marker);
    marker_shade(&bare.marker, &late, 1, false);
    marker_end(&bare.marker);
    fault_disarm();
    AO_store(&bare.queue.free.top, blocks);
    cr_assert(bare_is_marked(waiting.key));
    cr_assert(AO_load(&bare.queue.published) != published || AO_load(&bare.queue.overflowed));
    marker_begin(&bare.marker);
    marker_rescan(&bare.marker);
    marker_ephemerons(&bare.marker);
    cr_assert(marker_drain(&bare.marker, SIZE_MAX));
    marker_end(&bare.marker);
    cr_assert(bare_is_marked(waiting.value));
}

static AO_t published_by_shading(const gait_word *words, size_t count, bool may_mark) {
    AO_t published = AO_load(&bare.queue.published);
    marker_begin(&bare.marker);
    marker_shade(&bare.marker, words, count, may_mark);
    marker_end(&bare.marker);
    return AO_load(&bare.queue.published) - published;
}

/* A program that reads weak words of leaves all the time makes no work, so marking ends. */
Test(marker, a_leaf_that_is_shaded_is_no_work) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), refs = bare_kind(GAIT_REFS, 0);
    gait_word *objects[] = {bare_alloc(leaf, 16), bare_alloc(leaf, 100000), bare_alloc(refs, 16)};
    gait_word words[] = {bare_ref(objects[0]), bare_ref(objects[1]), bare_ref(objects[0])};
    gait_word other = bare_ref(objects[2]);
    cr_assert_eq(published_by_shading(words, 3, false), 1, "before anybody may mark");
    cr_assert(!bare_is_marked(objects[0]));
    bare_mark(NULL, 0);
    cr_assert(bare_is_marked(objects[0]) && bare_is_marked(objects[1]));
    gait_word late = bare_ref(bare_alloc(leaf, 16));
    marker_take_marked(&bare.marker);
    cr_assert_eq(published_by_shading(&late, 1, true), 0);
    cr_assert(bare_is_marked((gait_word *)late));
    cr_assert_eq(marker_take_marked(&bare.marker), 16, "it is counted");
    cr_assert_eq(published_by_shading(&late, 1, true), 0);
    cr_assert_eq(published_by_shading(&other, 1, true), 1);
    cr_assert(!bare_is_marked(objects[2]));
}

/* But pairs may wait for it, and hooks look at it. */
Test(marker, a_leaf_that_is_shaded_has_the_passes_look_again) {
    struct waiting waiting = pair_that_waits();
    gait_word late = bare_ref(waiting.key);
    cr_assert_eq(published_by_shading(&late, 1, true), 1);
    bare_mark(NULL, 0);
    cr_assert(bare_is_marked(waiting.value));
    AO_store(&bare.queue.watched, 1);
    late = bare_ref(bare_alloc(bare_kind(GAIT_LEAF, 0), 16));
    cr_assert_eq(published_by_shading(&late, 1, true), 1);
    AO_store(&bare.queue.watched, 0);
}

/* By the time that it is marked its page may be another object's, which has references. */
Test(marker, an_overflow_of_a_leaf_is_told) {
    gait_word leaf = bare_ref(bare_alloc(bare_kind(GAIT_LEAF, 0), 16));
    marker_begin(&bare.marker);
    fault_arm(FAULT_MASK(FAULT_MAP), 0, 1);
    marker_push(&bare.marker, leaf);
    fault_disarm();
    cr_assert(bare_is_marked((gait_word *)leaf));
    cr_assert_neq(AO_load(&bare.queue.overflowed), 0);
    marker_end(&bare.marker);
}

/* A mark that was set as barriers went on, on a cell that was freed meanwhile. */
Test(marker, a_mark_without_an_object_is_taken_away) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *freed = bare_alloc(leaf, 16), *object = bare_alloc(leaf, 16);
    marker_begin(&bare.marker);
    fault_arm(FAULT_MASK(FAULT_MAP), 0, 1);
    marker_push(&bare.marker, bare_ref(freed));
    marker_push(&bare.marker, bare_ref(object));
    fault_disarm();
    marker_end(&bare.marker);
    struct cell cell = bare_cell(freed);
    bits_clear(&cell.pair[space_epoch(&bare.space) & 1], cell.bit);
    cr_assert(bare_is_marked(freed) && bare_is_marked(object));
    marker_drop_lone(&bare.marker);
    cr_assert(!bare_is_marked(freed) && bare_is_marked(object));
}

static unsigned scan_calls;

static void visit_counting(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)visitor, (void)object, (void)bytes, (void)data;
    scan_calls++;
}

/* A mark may be set on a cell that is freed meanwhile. */
Test(marker, a_rescan_scans_objects_alone) {
    scan_calls = 0;
    gait_kind_info info = {.name = "called", .layout = GAIT_CALLBACK, .scan = visit_counting};
    int kind = kinds_register(&bare.kinds, &info);
    cr_assert_geq(kind, 0);
    gait_word *freed = bare_alloc((unsigned)kind, 64), *object = bare_alloc((unsigned)kind, 64);
    unsigned side = ~space_epoch(&bare.space) & 1;
    struct cell cell = bare_cell(freed), other = bare_cell(object);
    bits_set(&cell.pair[side], cell.bit);
    bits_set(&other.pair[side], other.bit);
    bits_clear(&cell.pair[!side], cell.bit);
    marker_begin(&bare.marker);
    marker_rescan(&bare.marker);
    marker_end(&bare.marker);
    cr_assert_eq(scan_calls, 1u);
}

/* What an unusual cycle needed is given back after it, and is available again. */
Test(marker, blocks_are_given_back) {
    enum { LEAVES = 1000000 };
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word word = bare_ref(bare_alloc(leaf, 16));
    size_t before = AO_load(&bare.space.metadata_bytes);
    for (int cycle = 0; cycle < 3; cycle++) {
        marker_begin(&bare.marker);
        for (size_t i = 0; i < LEAVES; i++)
            marker_push(&bare.marker, word);
        cr_assert_gt(AO_load(&bare.space.metadata_bytes) - before, LEAVES * sizeof word);
        cr_assert(marker_drain(&bare.marker, SIZE_MAX));
        marker_end(&bare.marker);
        queue_clear(&bare.queue);
        cr_assert_eq(AO_load(&bare.space.metadata_bytes) - before, (size_t)1 << 20);
    }
}

/* ---- Cards ---- */

static void tagged_scan(const gait_word *object, const gait_word *written) {
    cards_dirty(&bare.space.cards, (const char *)written, (const char *)written + 1);
    marker_begin(&bare.marker);
    cards_push(&bare.marker, 0);
    marker_drain(&bare.marker, SIZE_MAX);
    marker_end(&bare.marker);
    cr_assert(bare_is_marked(object));
}

/* An element may lie on two cards, and on two pages: the word on one, its tag on the other. */
Test(marker, a_card_with_a_tag_leads_to_its_word) {
    enum { LENGTH = 48, COUNT = 3 * CARD_WORDS }; /* 64 words are a card: all ways to straddle */
    gait_tag_rule rules[] = {{.word = 1, .tag_byte = (LENGTH - 1) * sizeof(gait_word)},
                             {.word = LENGTH - 2, .tag_byte = 0}};
    gait_kind_info info = {.name = "tagged",
                           .layout = GAIT_TAGGED,
                           .head_words = 7,
                           .element_words = LENGTH,
                           .tag_rules = rules,
                           .tag_rule_count = 2,
                           .tag_references = {2}};
    int kind = kinds_register(&bare.kinds, &info);
    cr_assert_geq(kind, 0);
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    cards_init(&bare.space.cards, bare.space.reserved_bytes);
    cr_assert_not_null(bare.space.cards.bytes);
    gait_word *object = bare_alloc((unsigned)kind, COUNT * sizeof(gait_word));
    memset(object, 0, COUNT * sizeof(gait_word));
    cr_assert(mark_one(object));
    for (size_t at = info.head_words; at + LENGTH <= COUNT; at += LENGTH)
        for (size_t i = 0; i < 2; i++) {
            gait_word *target = bare_alloc(leaf, 16), *element = object + at;
            gait_word *tag = &element[rules[i].tag_byte / sizeof(gait_word)];
            element[rules[i].word] = bare_ref(target);
            tagged_scan(object, &element[rules[i].word]);
            cr_assert_not(bare_is_marked(target), "it is a number");
            *(unsigned char *)tag = 1;
            tagged_scan(object, tag);
            cr_assert(bare_is_marked(target), "element at %zu, rule %zu", at, i);
        }
}

/* SPDX-License-Identifier: MIT */
/*
 * Traced arenas in each phase of a cycle: what was only in one must survive when it is reset,
 * freed, made or handed over; no arena that is referred to is found to be leaked; none is
 * inaccessible or used anew too early. docs/design/arenas.md.
 */
#include "arena_phases.h"

#include <signal.h>
#include <sys/wait.h>

static gait_word held[4]; /* this thread's roots */
static struct gait_frame frame;

static void begin(void) {
    open_heap("clobberfree=1,gccheckmark=1");
    for (unsigned i = 0; i < 4; i++)
        held[i] = 0;
    gait_push_frame(mutator, &frame, held, 4);
}

static void end(void) {
    gait_pop_frame(mutator);
    close_heap();
}

TestSuite(arena_marking, .init = begin, .fini = end, .timeout = 60);

/* An object that only a traced arena refers to, which is in held[0] or, hidden, only in an object's
 * field: from there the thread takes it when it is scanned itself. */
static gait_word *slot_of_new(gait_mutator *by, gait_arena *arena) {
    gait_word *object = gait_arena_new(by, arena, refs, 64);
    cr_assert_not_null(object);
    return object;
}

static gait_word arena_with_object(bool hidden) {
    gait_arena *arena = arena_new(mutator, GAIT_ARENA_TRACED);
    held[0] = (gait_word)arena;
    held[1] = (gait_word)gait_alloc(mutator, leaf, 64);
    gait_word object = held[1];
    slot_of_new(mutator, arena)[0] = object;
    held[1] = 0;
    if (hidden) {
        held[2] = (gait_word)gait_alloc(mutator, refs, 16);
        gait_store(mutator, (gait_word *)held[2], held[0]);
        held[0] = 0;
    }
    return object;
}

/* Go on; a hidden arena is taken on to the stack once that was scanned. */
static void go_hidden(enum phase phase, bool hidden) {
    go_to(hidden && phase > MINE_SCANNED ? MINE_SCANNED : phase);
    if (!hidden)
        return;
    held[0] = *(gait_word *)held[2];
    gait_store(mutator, (gait_word *)held[2], 0);
    go_to(phase);
}

/* The one word in the arena. */
static gait_word *first_slot(gait_word arena) {
    return (gait_word *)arena_own(record_of((void *)arena))->bump.chunks.first->first;
}

static void reset_in(enum phase phase, bool hidden) {
    gait_word object = arena_with_object(hidden);
    go_hidden(phase, hidden);
    gait_word *slot = first_slot(held[0]);
    held[1] = *slot;
    cr_assert_eq(held[1], object);
    gait_arena_reset(mutator, (gait_arena *)held[0]);
    for (unsigned i = 0; i < 3; i++) { /* used anew, and again */
        gait_word *fresh = slot_of_new(mutator, (gait_arena *)held[0]);
        fresh[0] = (gait_word)gait_arena_new(mutator, (gait_arena *)held[0], leaf, 8);
        gait_arena_reset(mutator, (gait_arena *)held[0]);
    }
    go_to(AFTER);
    cr_assert(is_kept(object), "phase %d, hidden %d", phase, hidden);
    cr_assert_eq(arena_state(record_of((void *)held[0])), ARENA_LIVE);
    /* the first chunk is used again when marking is over */
    gait_arena_reset(mutator, (gait_arena *)held[0]);
    cr_assert_eq(slot_of_new(mutator, (gait_arena *)held[0]), slot);
    held[1] = 0;
    whole_cycles(2);
    cr_assert_not(is_kept(object));
    gait_arena_free(mutator, (gait_arena *)held[0]);
    held[0] = held[2] = 0;
    whole_cycles(2);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
    at = BEFORE;
}

Test(arena_marking, reset_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++)
        reset_in(phase, false);
    for (enum phase phase = MINE_SCANNED; phase < AFTER; phase++)
        reset_in(phase, true);
}

/* What lies in it, and when it is out of reach. */
static void free_in(enum phase phase, bool hidden) {
    gait_word object = arena_with_object(hidden);
    go_hidden(phase, hidden);
    gait_word *slot = first_slot(held[0]);
    held[1] = *slot;
    struct arena *record = record_of(slot);
    bool marking = mutator->head.barrier & MUTATOR_BARRIER;
    bool black = ARENA_CYCLE(AO_load(&record->scan)) == space_epoch(&heap->space) + 1;
    gait_arena_free(mutator, (gait_arena *)held[0]);
    cr_assert_eq(arena_state(record), ARENA_FREED);
    cr_assert_eq(is_inaccessible(slot), !marking || black, "phase %d, hidden %d", phase, hidden);
    go_to(AFTER);
    cr_assert(is_kept(object), "phase %d, hidden %d", phase, hidden);
    cr_assert(is_inaccessible(slot));
    /* held[0] still refers to it */
    whole_cycles(2);
    cr_assert_eq(record_of(slot), record);
    cr_assert_eq(arena_state(record), ARENA_FREED);
    cr_assert(is_inaccessible(slot));
    held[0] = held[1] = held[2] = 0;
    whole_cycles(1);
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
    cr_assert_not(is_inaccessible(slot));
    at = BEFORE;
}

Test(arena_marking, free_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++)
        free_in(phase, false);
    for (enum phase phase = MINE_SCANNED; phase < AFTER; phase++)
        free_in(phase, true);
}

/* The one reference to an object goes into an arena that was just made, or was there. */
static void birth_in(enum phase phase, bool arena_too) {
    held[1] = (gait_word)gait_alloc(mutator, leaf, 64);
    gait_word object = held[1];
    if (!arena_too)
        held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    go_to(phase);
    if (arena_too)
        held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    slot_of_new(mutator, (gait_arena *)held[0])[0] = held[1];
    held[1] = 0;
    go_to(AFTER);
    cr_assert_eq(arena_state(record_of((void *)held[0])), ARENA_LIVE, "phase %d", phase);
    cr_assert(is_kept(object), "phase %d", phase);
    whole_cycles(1);
    cr_assert(is_kept(object));
    held[0] = 0;
    whole_cycles(2);
    cr_assert_not(is_kept(object));
    cr_assert_eq(AO_load(&heap->arenas.live), 0);
    at = BEFORE;
}

Test(arena_marking, allocate_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++) {
        birth_in(phase, false);
        birth_in(phase, true);
    }
}

/* ---- From thread to thread ---- */

static gait_word others[2]; /* the other thread's roots */
static struct gait_frame others_frame;
static gait_word box; /* plain memory */
static gait_word boxed_object;

static void other_makes(void) {
    gait_push_frame(other, &others_frame, others, 2);
    others[0] = (gait_word)arena_new(other, GAIT_ARENA_TRACED);
    others[1] = (gait_word)gait_alloc(other, leaf, 64);
}

static void other_gives(void) {
    slot_of_new(other, (gait_arena *)others[0])[0] = boxed_object = others[1];
    box = others[0];
    others[0] = others[1] = 0;
}

static void other_pops(void) { gait_pop_frame(other); }

/* This thread has reset it, and gives it back: births there are the other's. */
static void other_takes_and_allocates(void) {
    gait_arena_adopt(other, (gait_arena *)box);
    others[0] = box;
    slot_of_new(other, (gait_arena *)box)[0] = boxed_object = others[1];
    others[1] = 0;
}

static void hand_over_in(enum phase phase) {
    other_does(other_makes);
    go_to(phase);
    other_does(other_gives);
    gait_arena_adopt(mutator, (gait_arena *)box);
    held[0] = box;
    go_to(AFTER);
    cr_assert_eq(arena_state(record_of((void *)held[0])), ARENA_LIVE, "phase %d", phase);
    cr_assert(is_kept(boxed_object), "phase %d", phase);
    other_does(other_pops);
    held[0] = 0;
    whole_cycles(2);
    at = BEFORE;
}

Test(arena_marking, hand_over_in_each_phase) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++)
        if (phase != FLUSHED) /* the other thread has stopped by then */
            hand_over_in(phase);
}

Test(arena_marking, who_is_not_scanned_allocates_after_a_reset) {
    for (enum phase phase = BEFORE; phase < PHASES; phase++) {
        if (phase == FLUSHED)
            continue;
        other_does(other_makes);
        box = others[0];
        gait_arena_adopt(mutator, (gait_arena *)box);
        others[0] = 0;
        held[0] = box;
        go_to(phase);
        gait_arena_reset(mutator, (gait_arena *)box);
        other_does(other_takes_and_allocates);
        held[0] = 0;
        go_to(AFTER);
        cr_assert_eq(arena_state(record_of((void *)box)), ARENA_LIVE, "phase %d", phase);
        cr_assert(is_kept(boxed_object), "phase %d", phase);
        other_does(other_pops);
        whole_cycles(2);
        at = BEFORE;
    }
}

/* ---- A marker in the middle ---- */

/* A marker has claimed it and holds its pieces. */
Test(arena_marking, reset_or_free_while_it_is_walked) {
    for (unsigned freed = 0; freed < 2; freed++) {
        gait_word object = arena_with_object(true);
        go_hidden(ALL_SCANNED, true);
        gait_word *slot = first_slot(held[0]);
        struct arena *record = record_of(slot);
        cr_assert(marker_arena_is_white(&mutator->marker, record));
        marker_begin(&mutator->marker);
        marker_claim(&mutator->marker, record);
        cr_assert_eq(ARENA_LEFT(AO_load(&record->scan)), 1);
        held[1] = *slot;
        if (freed) {
            gait_arena_free(mutator, (gait_arena *)held[0]);
            cr_assert_not(is_inaccessible(slot));
        } else {
            gait_arena_reset(mutator, (gait_arena *)held[0]);
            cr_assert_neq(slot_of_new(mutator, (gait_arena *)held[0]), slot);
        }
        cr_assert_eq(*slot, object);
        marker_end(&mutator->marker);
        go_to(AFTER);
        cr_assert(is_kept(object));
        cr_assert_eq(is_inaccessible(slot), (bool)freed);
        held[0] = held[1] = held[2] = 0;
        whole_cycles(3);
        cr_assert_eq(AO_load(&heap->arenas.live), 0);
        cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
        at = BEFORE;
    }
}

/* A marker holds its pieces for long, and the program resets frame by frame: frames are not set
 * apart one after the other. */
Test(arena_marking, resets_while_a_piece_waits) {
    enum { FRAMES = 200 };
    arena_with_object(true);
    go_hidden(ALL_SCANNED, true);
    gait_arena *arena = (gait_arena *)held[0];
    mutator->assist_credit_bytes = INT64_MAX / 2; /* no assists: the test has its marker */
    marker_begin(&mutator->marker);
    marker_claim(&mutator->marker, record_of(arena));
    size_t before = AO_load(&heap->space.arena_bytes);
    for (unsigned i = 0; i < FRAMES; i++) {
        gait_arena_reset(mutator, arena);
        /* one of the kept chunks, and pieces with chunks of their own */
        for (unsigned j = 0; j < 3; j++)
            cr_assert_not_null(gait_arena_new(mutator, arena, refs, 100000));
    }
    cr_assert_gt(ARENA_LEFT(AO_load(&record_of(arena)->scan)), 0);
    cr_assert_leq(AO_load(&heap->space.arena_bytes), before + (4 << 20));
    marker_end(&mutator->marker);
    go_to(AFTER);
    held[0] = 0;
    whole_cycles(3);
    at = BEFORE;
}

/* An arena larger than a slice, several chunks, the last word counts. */
Test(arena_marking, long_arenas_in_slices) {
    enum { WORDS = 3 * MARK_SLICE_WORDS + 5, OBJECTS = 200 };
    static gait_word objects[OBJECTS];
    held[0] = (gait_word)arena_new(mutator, GAIT_ARENA_TRACED);
    for (unsigned i = 0; i < OBJECTS; i++) {
        held[1] = (gait_word)gait_alloc(mutator, leaf, 32);
        gait_word *array =
            gait_arena_array(mutator, (gait_arena *)held[0], refs, WORDS, sizeof(gait_word));
        objects[i] = array[WORDS - 1] = held[1];
    }
    held[1] = 0;
    size_t before = heap->workers.marker.scanned_bytes;
    whole_cycles(1);
    for (unsigned i = 0; i < OBJECTS; i++)
        cr_assert(is_kept(objects[i]));
    (void)before;
    held[0] = 0;
    whole_cycles(2);
    for (unsigned i = 0; i < OBJECTS; i++)
        cr_assert_not(is_kept(objects[i]));
}

/* ---- Leaks, pins, weak words ---- */

Test(arena_marking, leaked_arenas_end) {
    gait_arena *arena = arena_new(mutator, 0);
    struct arena *record = record_of(arena);
    held[2] = (gait_word)gait_alloc(mutator, weak, 16);
    gait_weak_set(mutator, (gait_word *)held[2], (gait_word)arena);
    held[0] = (gait_word)gait_arena_alloc(mutator, arena, 8, 0); /* as good as the handle */
    whole_cycles(2);
    cr_assert_eq(arena_state(record), ARENA_LIVE);
    cr_assert_eq(gait_weak_get(mutator, (gait_word *)held[2]), (gait_word)arena);
    held[0] = 0;
    whole_cycles(1);
    cr_assert_eq(arena_state(record), ARENA_FREED);
    cr_assert_eq(AO_load(&heap->arenas.leaked), 1);
    cr_assert(is_inaccessible(arena));
    cr_assert_eq(*(gait_word *)held[2], 0); /* the weak word, when its time has come */
    whole_cycles(1);
    cr_assert_neq(arena_state(record), ARENA_FREED);
    cr_assert_not(is_inaccessible(arena));
}

Test(arena_marking, pinned_arenas_stay) {
    gait_arena *untraced = arena_new(mutator, GAIT_ARENA_PINNED);
    gait_arena *traced = arena_new(mutator, GAIT_ARENA_PINNED | GAIT_ARENA_TRACED);
    held[1] = (gait_word)gait_alloc(mutator, leaf, 64);
    gait_word object = held[1];
    slot_of_new(mutator, traced)[0] = object;
    held[1] = 0;
    whole_cycles(2);
    cr_assert_eq(AO_load(&heap->arenas.live), 2);
    cr_assert(is_kept(object));
    gait_arena_free(mutator, traced);
    gait_arena_free(mutator, untraced);
    whole_cycles(2);
    cr_assert_not(is_kept(object));
    cr_assert_eq(AO_load(&heap->arenas.quarantined), 0);
}

Test(arena_marking, keys_of_pairs) {
    gait_arena *arena = arena_new(mutator, 0);
    held[0] = (gait_word)gait_arena_alloc(mutator, arena, 8, 0);
    held[2] = (gait_word)gait_alloc(mutator, pairs, 32);
    gait_word value = (gait_word)gait_alloc(mutator, leaf, 64);
    held[1] = value;
    /* any place of the arena is the key */
    gait_ephemeron_set(mutator, (gait_word *)held[2], (gait_word)arena + 64, value);
    held[1] = 0;
    whole_cycles(2);
    cr_assert(is_kept(value));
    cr_assert_eq(gait_ephemeron_get(mutator, (gait_word *)held[2]), value);
    gait_arena_free(mutator, arena);
    cr_assert_eq(gait_ephemeron_get(mutator, (gait_word *)held[2]), 0);
    held[0] = 0;
    whole_cycles(2);
    cr_assert_not(is_kept(value));
    cr_assert_eq(*(gait_word *)held[2], 0);
}

/* What is referred to for long keeps its addresses, not its memory. */
Test(arena_marking, quarantine_keeps_addresses) {
    gait_arena *arena = arena_new(mutator, 0);
    char *bytes = gait_arena_alloc(mutator, arena, 1 << 20, 0);
    memset(bytes, 1, 1 << 20);
    held[0] = (gait_word)bytes;
    size_t before = AO_load(&heap->space.arena_bytes);
    size_t all = arena_own(record_of(arena))->bump.held_bytes;
    gait_arena_free(mutator, arena);
    cr_assert(is_inaccessible(bytes));
    cr_assert_eq(AO_load(&heap->space.arena_bytes), before);
    whole_cycles(1);
    cr_assert_eq(AO_load(&heap->space.arena_bytes), before - all);
    cr_assert_eq(AO_load(&heap->arenas.quarantined_bytes), 0);
    for (unsigned i = 0; i < 40; i++) { /* nobody gets them */
        char *more =
            gait_arena_alloc(mutator, arena = arena_new(mutator, GAIT_ARENA_PINNED), 1 << 20, 0);
        cr_assert(more + (1 << 20) <= bytes || more >= bytes + (1 << 20));
        gait_arena_free(mutator, arena);
    }
    held[0] = 0;
    whole_cycles(1);
    cr_assert_not(is_inaccessible(bytes));
    space_check(&heap->space);
}

/* ---- Debugging ---- */

static gait_arena *open_checked(uint32_t flags) {
    open_heap("arenacheck=1");
    gait_arena *arena = arena_new(mutator, flags | GAIT_ARENA_PINNED);
    gait_word *object = gait_arena_new(mutator, arena, refs, 16);
    object[0] = (gait_word)arena;
    object[1] = (gait_word)gait_alloc(mutator, leaf, 16) + 8; /* of no object */
    whole_cycles(1);
    gait_arena_reset(mutator, arena);
    object = gait_arena_new(mutator, arena, refs, 16);
    object[1] = (gait_word)gait_alloc(mutator, leaf, 16);
    return arena;
}

Test(arena_check, of_untraced_ones_as_marking_ends, .signal = SIGABRT, .timeout = 60) {
    open_checked(0);
    whole_cycles(1);
}

Test(arena_check, of_untraced_ones_at_a_reset, .signal = SIGABRT, .timeout = 60) {
    gait_arena *arena = open_checked(0); /* which sets the mutator */
    gait_arena_reset(mutator, arena);
}

Test(arena_check, of_untraced_ones_at_the_end, .signal = SIGABRT, .timeout = 60) {
    gait_arena *arena = open_checked(0); /* which sets the mutator */
    gait_arena_free(mutator, arena);
}

Test(arena_check, not_of_traced_ones, .timeout = 60) {
    gait_arena *arena = open_checked(GAIT_ARENA_TRACED);
    whole_cycles(1);
    gait_arena_reset(mutator, arena);
    gait_arena_free(mutator, arena);
    close_heap();
}

/* What was reset reads as overwritten. */
Test(arena_check, resets_overwrite, .timeout = 60) {
    open_heap("clobberfree=1");
    gait_arena *arena = arena_new(mutator, GAIT_ARENA_PINNED);
    unsigned char *low = gait_arena_new(mutator, arena, refs, 160);
    unsigned char *high = gait_arena_alloc(mutator, arena, 100, 0);
    unsigned char *large = gait_arena_alloc(mutator, arena, 300000, 0);
    gait_arena_reset(mutator, arena);
    cr_assert_eq(low[0], 0xdb);
    cr_assert_eq(low[159], 0xdb);
    cr_assert_eq(high[0], 0xdb);
    cr_assert_eq(high[99], 0xdb);
    cr_assert_eq(large[299999], 0xdb);
    cr_assert_eq(*(char *)gait_arena_new(mutator, arena, refs, 160), 0);
    cr_assert_eq(*(char *)gait_arena_alloc(mutator, arena, 300000, 0), 0);
    gait_arena_free(mutator, arena);
    close_heap();
}

/* Lines about what nobody freed. */
Test(arena_check, leaks_are_told, .timeout = 60) {
    char *text = NULL;
    size_t bytes = 0;
    open_heap("arenaleaks=1");
    heap->log = open_memstream(&text, &bytes);
    arena_new(mutator, 0);
    whole_cycles(1);
    arena_new(mutator, GAIT_ARENA_PINNED);
    FILE *log = heap->log;
    close_heap();
    fclose(log);
    cr_assert_not_null(strstr(text, "was leaked: the collector freed it in cycle 1\n"), "%s", text);
    cr_assert_not_null(strstr(text, "was not freed\n"), "%s", text);
    cr_assert_not_null(strstr(text, "\"test\", created at ../tests/unit/arena_phases.h:"), "%s",
                       text);
    free(text);
}

/* Also when the process ends before the heap. */
Test(arena_check, leaks_are_told_at_exit, .timeout = 60) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        gait_config config;
        gait_config_init(&config);
        config.debug = "arenaleaks=1";
        config.log = fdopen(ends[1], "w");
        heap = gait_heap_create(&config, NULL, 0);
        mutator = gait_attach(heap);
        arena_new(mutator, 0);
        exit(0);
    }
    close(ends[1]);
    char text[512] = "";
    ssize_t length = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_gt(length, 0);
    cr_assert_not_null(strstr(text, "was not freed\n"), "%s", text);
}

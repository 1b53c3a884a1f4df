/* SPDX-License-Identifier: MIT */
/*
 * Arenas by their public functions: what is allocated, kept, given up and counted.
 */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/stats.h>
#include <setjmp.h>
#include <string.h>

#include "api/arenas.h"
#include "arena/described.h"
#include "platform/fault.h"
#include "platform/platform.h"

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs, prefix, conservative, weak, callback;

static gait_kind kind_of(gait_layout layout, uint32_t head_words, gait_scan_fn scan) {
    gait_kind_info info = {
        .name = "kind", .layout = layout, .head_words = head_words, .scan = scan};
    int kind = gait_kind_register(heap, &info);
    cr_assert_geq(kind, 0);
    return (gait_kind)kind;
}

static void no_scan(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)visitor, (void)object, (void)bytes, (void)data;
}

static void open_heap(gait_word value_mask, const char *limit) {
    gait_config config;
    gait_config_init(&config);
    config.value_mask = value_mask;
    config.gogc = "100";
    config.memory_limit = limit ? limit : "off";
    heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF, 0, NULL);
    refs = kind_of(GAIT_REFS, 0, NULL);
    prefix = kind_of(GAIT_PREFIX, 2, NULL);
    conservative = kind_of(GAIT_CONSERVATIVE, 0, NULL);
    weak = kind_of(GAIT_WEAK, 0, NULL);
    callback = kind_of(GAIT_CALLBACK, 0, no_scan);
}

static gait_arena *arena_of(uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "test";
    config.flags = flags | GAIT_ARENA_PINNED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    cr_assert_not_null(arena);
    return arena;
}

static struct arena_own *own_of(gait_arena *arena) { return arena_find(heap, arena, "test"); }

static bool is_zero(const void *start, size_t bytes) {
    const char *byte = start;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i])
            return false;
    return true;
}

Test(arenas, create_and_of) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = gait_arena_create(mutator, NULL);
    cr_assert_not_null(arena);
    cr_assert_eq(gait_arena_of(heap, arena), arena);
    char *bytes = gait_arena_alloc(mutator, arena, 100, 0);
    cr_assert_eq(gait_arena_of(heap, bytes + 99), arena);
    cr_assert_null(gait_arena_of(heap, &bytes));
    cr_assert_null(gait_arena_of(heap, gait_alloc(mutator, leaf, 16)));
    struct arena_own *own = own_of(arena);
    cr_assert(strstr(own->created, "arenas_test.c:") != NULL);
    cr_assert_eq(own->record.name[0], 0);
    cr_assert_null(gait_object_base(heap, bytes)); /* it is no object of the heap */
    gait_arena_free(mutator, arena);
    cr_assert_null(gait_arena_of(heap, bytes));
    gait_heap_destroy(heap);
}

Test(arenas, config_is_checked) {
    open_heap(~(gait_word)0, NULL);
    char line[200];
    gait_arena_config config;
#define REFUSED(change, says)                                                                      \
    do {                                                                                           \
        gait_arena_config_init(&config);                                                           \
        change;                                                                                    \
        line[0] = 0;                                                                               \
        cr_assert_null(gait_arena_create_explained(mutator, &config, line, sizeof line));          \
        cr_assert(strstr(line, says) != NULL);                                                     \
    } while (0)
    REFUSED(config.flags = 1u << 31, "flags 0x80000000");
    REFUSED(config.chunk_bytes = 100, "chunk_bytes 100");
    REFUSED(config.chunk_bytes = (size_t)8 << 20, "chunk_bytes");
    REFUSED(config.node = 12345, "node 12345");
    REFUSED(config.reserve_bytes = 65536, "reserve_bytes");
    REFUSED(config.flags = GAIT_ARENA_CONTIGUOUS, "reserve_bytes");
    REFUSED(config.struct_bytes = 0, "struct_bytes");
    REFUSED((config.flags = GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_CONCURRENT,
             config.reserve_bytes = 65536),
            "contiguous or concurrent");
    REFUSED((config.flags = GAIT_ARENA_CONTIGUOUS, config.reserve_bytes = (size_t)1 << 45),
            "no memory");
    gait_arena_config_init(&config);
    config.flags = 1u << 31;
    cr_assert_null(gait_arena_create(mutator, &config));
    gait_heap_destroy(heap);
}

/* Each with its own alignment and place: references low, the others high. */
static void allocate_all(size_t unit) {
    gait_arena *arena = arena_of(GAIT_ARENA_TRACED);
    struct arena_own *own = own_of(arena);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < 20000; i++) {
            size_t bytes = i % 300 == 7 ? i * 3 : i % 150;
            gait_kind kind = i % 3 == 0 ? leaf : i % 3 == 1 ? refs : prefix;
            char *object = gait_arena_new(mutator, arena, kind, bytes);
            size_t alignment = (size_t)1 << i % 13;
            char *plain = gait_arena_alloc(mutator, arena, bytes, alignment);
            cr_assert(object && plain);
            cr_assert_eq((uintptr_t)object % unit, 0);
            cr_assert_eq((uintptr_t)plain % unit, 0);
            cr_assert_eq((uintptr_t)plain % alignment, 0);
            cr_assert(is_zero(object, bytes) && is_zero(plain, bytes));
            memset(object, 0x55, bytes);
            memset(plain, 0x66, bytes);
        }
        cr_assert(bump_check(&own->bump));
        gait_arena_reset(mutator, arena);
    }
    gait_arena_free(mutator, arena);
}

Test(arenas, allocate) {
    open_heap(~(gait_word)0, NULL);
    allocate_all(8);
    gait_heap_destroy(heap);
}

Test(arenas, allocate_in_a_heap_of_wide_cells) {
    open_heap(~(gait_word)15, NULL);
    allocate_all(16);
    gait_heap_destroy(heap);
}

Test(arenas, arrays) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(0);
    cr_assert_null(gait_arena_array(mutator, arena, leaf, SIZE_MAX / 2, 3));
    cr_assert_null(gait_arena_array(mutator, arena, refs, SIZE_MAX, SIZE_MAX));
    gait_word *array = gait_arena_array(mutator, arena, refs, 100000, 8);
    cr_assert(array && is_zero(array, 800000));
    cr_assert_not_null(gait_arena_array(mutator, arena, leaf, 0, 8));
    cr_assert_not_null(gait_arena_array(mutator, arena, leaf, 8, 0));
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, or_the_heap) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(0);
    void *inside = gait_alloc_or_arena(mutator, arena, leaf, 40);
    void *outside = gait_alloc_or_arena(mutator, NULL, leaf, 40);
    cr_assert_eq(gait_arena_of(heap, inside), arena);
    cr_assert_eq(gait_object_base(heap, outside), outside);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, cause_no_cycles) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(0);
    for (size_t i = 0; i < 2000000; i++)
        cr_assert_not_null(gait_arena_new(mutator, arena, leaf, 64));
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.cycles, 0u);
    cr_assert_geq(stats.arena_bytes, (size_t)128000000);
    cr_assert_geq(stats.total_bytes, stats.arena_bytes);
    cr_assert_lt(stats.heap_live_bytes, (uint64_t)65536);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, reset_keeps_the_memory) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(0);
    struct arena_own *own = own_of(arena);
    size_t held = 0;
    for (unsigned frame = 0; frame < 50; frame++) {
        for (size_t i = 0; i < 10000; i++)
            memset(gait_arena_new(mutator, arena, i % 2 ? leaf : refs, 48), 1, 48);
        if (frame == 0)
            held = own->bump.held_bytes;
        cr_assert_eq(own->bump.held_bytes, held);
        gait_arena_reset(mutator, arena);
    }
    cr_assert_eq(AO_load(&own->resets), 50u);
    cr_assert_eq(gait_arena_trim(mutator, arena), held - 65536);
    cr_assert_eq(own->bump.held_bytes, (size_t)65536);
    cr_assert_eq(gait_arena_trim(mutator, arena), (size_t)0);
    cr_assert(is_zero(gait_arena_new(mutator, arena, leaf, 3000), 3000));
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

/* Of an arena of 256 MiB, in CPU time of this thread: what is beyond 32 MiB is done by another. */
Test(arenas, free_takes_no_time_by_size, .timeout = 60) {
    open_heap(~(gait_word)0, NULL);
    int64_t best_ns = INT64_MAX;
    for (unsigned round = 0; round < 3; round++) {
        gait_arena *arena = arena_of(0);
        for (size_t i = 0; i < ((size_t)256 << 20) / 4096; i++)
            *(char *)gait_arena_new(mutator, arena, leaf, 4096) = 1;
        int64_t begin_ns = platform_thread_cpu_ns();
        gait_arena_free(mutator, arena);
        int64_t spent_ns = platform_thread_cpu_ns() - begin_ns;
        best_ns = spent_ns < best_ns ? spent_ns : best_ns;
    }
    cr_assert_lt(best_ns, (int64_t)5000000);
    gait_heap_destroy(heap);
}

Test(arenas, contiguous) {
    open_heap(~(gait_word)0, NULL);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_PINNED;
    config.reserve_bytes = (size_t)10 << 20;
    gait_arena *arena = gait_arena_create(mutator, &config);
    char *low = (char *)arena, *high = low + config.reserve_bytes;
    size_t bytes = 0;
    for (char *piece; (piece = gait_arena_new(mutator, arena, refs, 5000)); bytes += 5000)
        cr_assert(piece > low && piece + 5000 <= high);
    cr_assert_geq(bytes, ((size_t)10 << 20) - 10000);
    gait_arena_reset(mutator, arena);
    cr_assert_not_null(gait_arena_alloc(mutator, arena, (size_t)9 << 20, 64));
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, described) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(GAIT_ARENA_DESCRIBED | GAIT_ARENA_TRACED);
    for (size_t i = 1; i < 3000; i++) {
        gait_kind kind = i % 2 ? leaf : refs;
        char *object = gait_arena_new(mutator, arena, kind, i);
        cr_assert(is_zero(object, i));
        memset(object, 0xff, i);
        unsigned described;
        size_t bytes;
        cr_assert(described_get(object, &described, &bytes));
        cr_assert(described == kind && bytes == i);
        char *plain = gait_arena_alloc(mutator, arena, i, (size_t)8 << i % 7);
        cr_assert(is_zero(plain, i) && (uintptr_t)plain % ((size_t)8 << i % 7) == 0);
        cr_assert_not(described_get(plain, &described, &bytes));
    }
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, conservative_kinds_are_noted) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(GAIT_ARENA_TRACED);
    struct arena_own *own = own_of(arena);
    gait_arena_new(mutator, arena, refs, 16);
    cr_assert_eq(AO_load(&own->record.conservative), 0u);
    gait_arena_new(mutator, arena, conservative, 16);
    cr_assert_eq(AO_load(&own->record.conservative), 1u);
    struct gait_arena_head *head = own->bump.head;
    cr_assert_eq(head->kinds[conservative], GAIT_ARENA_KIND_REFS); /* from now on inline */
    cr_assert_eq(head->kinds[weak], GAIT_ARENA_KIND_SLOW);
    cr_assert_eq(head->kinds[callback], GAIT_ARENA_KIND_SLOW);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, concurrent) {
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(GAIT_ARENA_CONCURRENT | GAIT_ARENA_TRACED);
    struct arena_own *own = own_of(arena);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < 5000; i++) {
            char *object = gait_arena_new(mutator, arena, i % 2 ? refs : leaf, i % 200);
            char *plain = gait_arena_alloc(mutator, arena, i % 100 ? i % 300 : i * 40, 64);
            cr_assert(is_zero(object, i % 200) && is_zero(plain, i % 100 ? i % 300 : i * 40));
            cr_assert_eq((uintptr_t)plain % 64, 0);
            cr_assert_eq(gait_arena_of(heap, object), arena);
            memset(object, 1, i % 200);
            memset(plain, 1, i % 100 ? i % 300 : i * 40);
        }
        for (unsigned i = 0; arena_bump(own, i); i++)
            cr_assert(bump_check(arena_bump(own, i)));
        gait_arena_reset(mutator, arena);
    }
    cr_assert_gt(gait_arena_trim(mutator, arena), (size_t)0);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

Test(arenas, many_at_once) {
    open_heap(~(gait_word)0, NULL);
    enum { COUNT = 2000 };
    static gait_arena *arenas[COUNT];
    static uintptr_t *words[COUNT];
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    config.chunk_bytes = 8192;
    for (unsigned round = 0; round < 3; round++) {
        for (uintptr_t i = 0; i < COUNT; i++) {
            arenas[i] = gait_arena_create(mutator, &config);
            cr_assert_not_null(arenas[i]);
            words[i] = gait_arena_alloc(mutator, arenas[i], 100 * sizeof(uintptr_t), 8);
            for (unsigned at = 0; at < 100; at++)
                words[i][at] = i << 8 | at;
        }
        for (uintptr_t i = 0; i < COUNT; i++) {
            cr_assert_eq(gait_arena_of(heap, words[i]), arenas[i]);
            for (unsigned at = 0; at < 100; at++)
                cr_assert_eq(words[i][at], i << 8 | at);
            gait_arena_free(mutator, arenas[i]);
        }
        gait_collect(mutator);
    }
    gait_heap_destroy(heap);
}

/* The OS gives no memory at one call after the other: each failure is a NULL, and nothing is lost.
 */
Test(arenas, no_memory, .timeout = 60) {
    for (size_t after = 0; after < 24; after++) {
        open_heap(~(gait_word)0, NULL);
        size_t before = AO_load(&heap->space.arena_bytes);
        fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), after, 1);
        gait_arena_config config;
        gait_arena_config_init(&config);
        config.flags = GAIT_ARENA_PINNED | (after % 2 ? GAIT_ARENA_CONCURRENT : 0);
        gait_arena *arena = gait_arena_create(mutator, &config);
        size_t count = 0;
        if (arena)
            while (count < 200) {
                char *bytes = gait_arena_alloc(mutator, arena, 300000, 8);
                if (!bytes)
                    break;
                memset(bytes, 1, 300000);
                count++;
            }
        fault_disarm();
        if (arena) {
            cr_assert_not_null(gait_arena_alloc(mutator, arena, 300000, 8));
            cr_assert(bump_check(&own_of(arena)->bump));
            gait_arena_free(mutator, arena);
        } else {
            cr_assert_eq(AO_load(&heap->space.arena_bytes), before);
        }
        gait_heap_destroy(heap);
    }
}

static size_t handler_calls;
static gait_arena *handler_arena;

static bool reset_in_handler(gait_mutator *of, size_t bytes, void *data) {
    (void)bytes, (void)data;
    handler_calls++;
    gait_arena_reset(of, handler_arena);
    return handler_calls < 2;
}

Test(arenas, handler_is_asked) {
    gait_config config;
    gait_config_init(&config);
    config.reserve_bytes = (size_t)32 << 20;
    heap = gait_heap_create(&config, NULL, 0);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF, 0, NULL);
    gait_set_oom_handler(heap, reset_in_handler, NULL);
    handler_arena = arena_of(0);
    while (gait_arena_new(mutator, handler_arena, leaf, 1000))
        ;
    cr_assert_geq(handler_calls, (size_t)2);
    cr_assert(bump_check(&own_of(handler_arena)->bump));
    gait_arena_free(mutator, handler_arena);
    gait_heap_destroy(heap);
}

static jmp_buf out_of_handler;

static bool leave_handler(gait_mutator *of, size_t bytes, void *data) {
    (void)of, (void)bytes, (void)data;
    longjmp(out_of_handler, 1);
}

/* A handler that is left by longjmp leaves the arena as it was before the call. */
Test(arenas, handler_is_left) {
    gait_config config;
    gait_config_init(&config);
    config.reserve_bytes = (size_t)32 << 20;
    heap = gait_heap_create(&config, NULL, 0);
    mutator = gait_attach(heap);
    leaf = kind_of(GAIT_LEAF, 0, NULL);
    gait_set_oom_handler(heap, leave_handler, NULL);
    for (unsigned concurrent = 0; concurrent < 2; concurrent++) {
        gait_arena *volatile arena = arena_of(concurrent ? GAIT_ARENA_CONCURRENT : 0);
        struct gait_frames frames = gait_frames_save(mutator);
        if (setjmp(out_of_handler) == 0) {
            while (gait_arena_new(mutator, arena, leaf, 1000))
                ;
            cr_assert_fail("the handler was not asked");
        }
        gait_frames_restore(mutator, frames);
        struct arena_own *own = own_of(arena);
        for (unsigned i = 0; arena_bump(own, i); i++)
            cr_assert(bump_check(arena_bump(own, i)));
        gait_arena_reset(mutator, arena);
        cr_assert(is_zero(gait_arena_new(mutator, arena, leaf, 1000), 1000));
        gait_arena_free(mutator, arena);
        gait_collect(mutator);
    }
    gait_heap_destroy(heap);
}

static gait_arena *arena_or_none(uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = flags | GAIT_ARENA_PINNED;
    config.chunk_bytes = (size_t)512 << 10;
    return gait_arena_create(mutator, &config);
}

static unsigned records_in_use(void) {
    unsigned count = 0;
    for (uint32_t i = 1; i <= (uint32_t)AO_load(&heap->arenas.count); i++)
        count += arena_state(arenas_at(&heap->arenas, i)) != ARENA_NONE;
    return count;
}

/* And while it is made: the next call, or the end of the thread, finds what was left. A concurrent
 * one has taken some of its chunks by then. */
Test(arenas, handler_is_left_while_one_is_made) {
    gait_config config;
    gait_config_init(&config);
    config.reserve_bytes = (size_t)32 << 20;
    heap = gait_heap_create(&config, NULL, 0);
    mutator = gait_attach(heap);
    gait_arena *last = NULL;
    for (gait_arena *next; (next = arena_or_none(0));)
        last = next;
    gait_arena_free(mutator, last); /* room for one */
    gait_collect(mutator);
    unsigned live = records_in_use();
    cr_assert_eq(live, AO_load(&heap->arenas.live));
    for (unsigned concurrent = 0; concurrent < 2; concurrent++) {
        gait_set_oom_handler(heap, NULL, NULL);
        last = arena_or_none(0);
        cr_assert_not_null(last);
        if (concurrent) { /* then the first chunk is there, and those of the shards are not */
            gait_arena_free(mutator, last);
            gait_collect(mutator);
        }
        gait_set_oom_handler(heap, leave_handler, NULL);
        struct gait_frames frames = gait_frames_save(mutator);
        for (volatile unsigned times = 0; times < 100; times++) {
            if (setjmp(out_of_handler) == 0) {
                arena_or_none(concurrent ? GAIT_ARENA_CONCURRENT : 0);
                cr_assert_fail("the handler was not asked");
            }
            gait_frames_restore(mutator, frames);
            cr_assert_eq(records_in_use(), live + 1 + !concurrent, "after %u times", times);
            cr_assert_eq(mutator->making->bump.current != NULL, concurrent);
        }
        gait_set_oom_handler(heap, NULL, NULL);
        if (!concurrent) {
            gait_arena_free(mutator, last);
            gait_collect(mutator);
        }
    }
    last = arena_or_none(0); /* has found what was left */
    cr_assert_not_null(last);
    gait_arena_free(mutator, last);
    gait_collect(mutator);
    cr_assert_eq(records_in_use(), live);
    gait_set_oom_handler(heap, leave_handler, NULL);
    struct gait_frames frames = gait_frames_save(mutator);
    if (setjmp(out_of_handler) == 0)
        arena_or_none(GAIT_ARENA_CONCURRENT);
    gait_frames_restore(mutator, frames);
    cr_assert_eq(records_in_use(), live + 1);
    gait_detach(mutator);
    cr_assert_eq(records_in_use(), live);
    gait_heap_destroy(heap);
}

/* ---- No memory for blocks of marking work ---- */

/* An arena of more pieces than the blocks have room for, in a heap with no block or with some. */
static void mark_without_blocks(size_t slabs) {
    enum { PIECES = 600 };
    open_heap(~(gait_word)0, NULL);
    gait_arena *arena = arena_of(GAIT_ARENA_TRACED);
    gait_word *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = gait_arena_new(mutator, arena, refs, 80000);
        cr_assert_not_null(pieces[i]);
        gait_word *list = gait_alloc(mutator, refs, 16), *item = gait_alloc(mutator, leaf, 16);
        item[0] = i;
        gait_store(mutator, &list[0], (gait_word)item);
        gait_store(mutator, &pieces[i][i], (gait_word)list);
    }
    fault_arm(FAULT_MASK(FAULT_MAP), slabs, 1);
    gait_collect(mutator);
    fault_disarm();
    gait_collect(mutator); /* what was lost is swept */
    for (size_t i = 0; i < PIECES; i++) {
        const gait_word *list = (const gait_word *)pieces[i][i];
        cr_assert_eq(gait_object_base(heap, list), list);
        cr_assert_eq(*(const gait_word *)list[0], i);
    }
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

Test(arenas, no_block_at_all, .timeout = 30) { mark_without_blocks(0); }

Test(arenas, too_few_blocks, .timeout = 30) { mark_without_blocks(1); }

/* Nothing is allocated on the heap: the arenas themselves ask for the cycle that finds them. */
Test(arenas, leaks_ask_for_a_cycle) {
    open_heap(UINTPTR_MAX, NULL);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.chunk_bytes = 1 << 20;
    gait_stats stats = {.struct_bytes = sizeof stats};
    uint64_t end_ns = (uint64_t)platform_now_ns() + 30000000000u;
    unsigned made = 0;
    do {
        cr_assert_not_null(gait_arena_create(mutator, &config));
        if (++made > 200)
            gait_enter_native(mutator), platform_sleep_ns(1000000), gait_leave_native(mutator);
        gait_read_stats(heap, &stats);
    } while (stats.arenas_leaked == 0 && (uint64_t)platform_now_ns() < end_ns);
    cr_assert_gt(stats.arenas_leaked, 0);
    gait_heap_destroy(heap);
}

/* One arena that grows is none that may be leaked. */
Test(arenas, growth_asks_for_none) {
    open_heap(UINTPTR_MAX, NULL);
    gait_arena *arena = arena_of(0);
    for (unsigned i = 0; i < 300; i++)
        cr_assert_not_null(gait_arena_alloc(mutator, arena, 1 << 20, 0));
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_assert_eq(stats.cycles, 0);
    gait_arena_free(mutator, arena);
    gait_heap_destroy(heap);
}

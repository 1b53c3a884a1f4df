/* SPDX-License-Identifier: MIT */
/*
 * Where an arena's memory is: in one range of which only a part is opened, and bound to a node.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <gait/arena.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/arenas.h"
#include "platform/fault.h"
#include "platform/kernel_file.h"

TestSuite(arena_memory, .timeout = 60);

enum { MIB = 1 << 20 };

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind refs, leaf;
static gait_arena_config config;
static char error[200];

static void begin(uint32_t flags) {
    gait_config heap_config;
    gait_config_init(&heap_config);
    heap_config.memory_limit = "off";
    heap = gait_heap_create(&heap_config, NULL, 0);
    mutator = gait_attach(heap);
    refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    leaf =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_arena_config_init(&config);
    config.name = "test";
    config.flags = flags | GAIT_ARENA_PINNED;
    error[0] = '\0';
}

static gait_arena *create(void) {
    gait_arena *arena = gait_arena_create_explained(mutator, &config, error, sizeof error);
    cr_assert_not_null(arena, "%s", error);
    return arena;
}

static void refused(const char *why) {
    cr_assert_null(gait_arena_create_explained(mutator, &config, error, sizeof error));
    cr_assert_not_null(strstr(error, why), "%s: %s", why, error);
}

static size_t arena_bytes(void) { return AO_load(&heap->space.arena_bytes); }
static struct bump *bump_of(gait_arena *arena) { return &arena_find(heap, arena, "test")->bump; }

/* ---- One range ---- */

Test(arena_memory, a_range_counts_as_far_as_it_is_used) {
    begin(GAIT_ARENA_CONTIGUOUS);
    config.reserve_bytes = (size_t)1 << 30;
    gait_arena *arena = create();
    cr_assert_leq(arena_bytes(), (size_t)128 << 10);
    size_t used = 0;
    char *low = NULL, *high = NULL;
    for (size_t i = 0; used < (size_t)32 * MIB; i++, used += 2 * 1000) {
        char *object = gait_arena_new(mutator, arena, refs, 1000);
        char *plain = gait_arena_alloc(mutator, arena, 1000, 8);
        cr_assert(object && plain);
        cr_assert(!low || object == low + 1000, "one behind the other");
        cr_assert(!high || plain == high - 1000);
        low = object;
        high = plain;
        for (size_t byte = 0; byte < 1000; byte++)
            cr_assert(!object[byte] && !plain[byte]);
        memset(object, 1, 1000);
        memset(plain, 2, 1000);
    }
    cr_assert(low < high);
    cr_assert_geq(arena_bytes(), used);
    cr_assert_leq(arena_bytes(), used + used / 4 + MIB);
    cr_assert_eq(bump_of(arena)->held_bytes, arena_bytes());
    cr_assert(bump_check(bump_of(arena)));
    size_t before = arena_bytes();
    gait_arena_reset(mutator, arena);
    for (size_t i = 0; i < 30000; i++) {
        char *object = gait_arena_new(mutator, arena, i % 2 ? refs : leaf, 1000);
        for (size_t byte = 0; byte < 1000; byte++)
            cr_assert_eq(object[byte], 0);
    }
    cr_assert_eq(arena_bytes(), before, "the memory was kept");
    gait_arena_free(mutator, arena);
    gait_collect(mutator);
    gait_collect(mutator);
    chunks_drain(&heap->space);
    cr_assert_eq(arena_bytes(), (size_t)0);
    space_check(&heap->space);
    gait_heap_destroy(heap);
}

Test(arena_memory, a_range_is_filled_to_its_end) {
    begin(GAIT_ARENA_CONTIGUOUS);
    for (int way = 0; way < 3; way++) {
        config.reserve_bytes = 3 * MIB + 5000;
        gait_arena *arena = create();
        char *start = (char *)arena, *end = start + 3 * MIB + 8192;
        size_t used = 0;
        for (char *piece;; used += 3000) {
            bool low = way == 0 || (way == 2 && used % 2000 == 0);
            piece = gait_arena_new(mutator, arena, low ? refs : leaf, 3000);
            if (!piece)
                break;
            cr_assert(piece > start && piece + 3000 <= end);
            memset(piece, 9, 3000);
        }
        cr_assert_geq(used, (size_t)3 * MIB);
        cr_assert_null(gait_arena_alloc(mutator, arena, 4000, 8), "full, and no memory beyond");
        cr_assert_null(gait_arena_alloc(mutator, arena, SIZE_MAX / 2, 8));
        cr_assert(bump_check(bump_of(arena)));
        gait_arena_reset(mutator, arena);
        char *large = gait_arena_alloc(mutator, arena, 3 * MIB - 70000, 4096);
        cr_assert_not_null(large);
        for (size_t byte = 0; byte < 3 * MIB - 70000; byte++)
            cr_assert_eq(large[byte], 0);
        gait_arena_free(mutator, arena);
    }
    gait_heap_destroy(heap);
}

Test(arena_memory, a_range_that_cannot_be_opened_is_no_memory) {
    begin(GAIT_ARENA_CONTIGUOUS);
    config.reserve_bytes = 64 * MIB;
    size_t before = arena_bytes();
    for (size_t after = 0; after < 3; after++) {
        fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), after, 1);
        gait_arena *arena = gait_arena_create_explained(mutator, &config, error, sizeof error);
        fault_disarm();
        if (arena)
            gait_arena_free(mutator, arena);
        else
            cr_assert_not_null(strstr(error, "no memory"), "%s", error);
    }
    gait_collect(mutator);
    gait_collect(mutator);
    chunks_drain(&heap->space);
    cr_assert_eq(arena_bytes(), before);
    space_check(&heap->space);
    config.reserve_bytes = (size_t)1 << 50;
    refused("no memory");
    config.reserve_bytes = 64 * MIB;
    config.flags |= GAIT_ARENA_TRACED;
    refused("GAIT_ARENA_TRACED");
    gait_heap_destroy(heap);
}

/* ---- A node ---- */

/* The node that the memory at an address is bound to; -1: none. */
static int node_of(void *address) {
    unsigned long mask[16] = {0};
    int mode = 0;
    long result =
        syscall(SYS_get_mempolicy, &mode, mask, 1024ul, address, (unsigned long)MPOL_F_ADDR);
    if (result != 0 || mode != MPOL_BIND)
        return -1;
    for (int node = 0; node < 1024; node++)
        if (mask[node / 64] >> node % 64 & 1)
            return node;
    return -1;
}

Test(arena_memory, is_bound_to_the_node_that_it_asks_for) {
    for (int contiguous = 0; contiguous < 2; contiguous++) {
        begin(contiguous ? GAIT_ARENA_CONTIGUOUS : 0);
        config.reserve_bytes = contiguous ? 64 * MIB : 0;
        config.node = 0;
        gait_arena *arena = create();
        bool tells = node_of(arena) == 0; /* not where the kernel, or an emulator, does not say */
        for (size_t i = 0; i < 2000; i++) {
            char *piece = gait_arena_alloc(mutator, arena, 4000, 8);
            cr_assert_not_null(piece);
            memset(piece, 1, 4000);
            cr_assert(!tells || node_of(piece) == 0);
        }
        char *address = (char *)arena;
        gait_arena_free(mutator, arena);
        gait_collect(mutator);
        gait_collect(mutator);
        cr_assert_eq(node_of(address), -1, "others get it as it was");
        gait_heap_destroy(heap);
    }
}

Test(arena_memory, a_node_that_refuses_is_told) {
    begin(0);
    config.node = 0;
    fault_arm(FAULT_MASK(FAULT_BIND), 0, 1);
    refused("binds no memory to NUMA node 0");
    fault_disarm();
    gait_arena *arena = create();
    fault_arm(FAULT_MASK(FAULT_BIND), 0, 1);
    cr_assert_null(gait_arena_alloc(mutator, arena, 500000, 8));
    fault_disarm();
    cr_assert_not_null(gait_arena_alloc(mutator, arena, 500000, 8));
    gait_arena_free(mutator, arena);
    config.flags |= GAIT_ARENA_CONTIGUOUS;
    config.reserve_bytes = 64 * MIB;
    fault_arm(FAULT_MASK(FAULT_BIND), 0, 1);
    refused("binds no memory to NUMA node 0");
    fault_disarm();
    gait_heap_destroy(heap);
}

Test(arena_memory, a_node_that_is_missing_is_told_with_those_there_are) {
    static char tree[] = "/tmp/gait-nodes-XXXXXX";
    cr_assert_not_null(mkdtemp(tree));
    char path[200];
    const char *const parts[] = {"/sys", "/sys/devices", "/sys/devices/system",
                                 "/sys/devices/system/node"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s%s", tree, parts[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
    }
    snprintf(path, sizeof path, "%s/sys/devices/system/node/has_memory", tree);
    FILE *file = fopen(path, "w");
    fputs("0,2-3\n", file);
    fclose(file);
    begin(0);
    kernel_file_set_root(tree);
    config.node = 1;
    refused("there is no NUMA node 1; there are: 0,2-3");
    config.node = -2;
    refused("there is no NUMA node -2");
    kernel_file_set_root(NULL);
    gait_heap_destroy(heap);
    unlink(path);
    for (size_t i = 4; i-- > 0;) {
        snprintf(path, sizeof path, "%s%s", tree, parts[i]);
        rmdir(path);
    }
    rmdir(tree);
}

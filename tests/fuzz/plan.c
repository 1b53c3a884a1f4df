/* SPDX-License-Identifier: MIT */
/*
 * What a round is to be, from its seed. See plan.h.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

#include <gait/dirty.h>

#define TOMBSTONE ((gait_word)0xbad00000000d) /* no address, and no other word of a round */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *one_of(uint64_t *random, const char *const *texts, size_t count) {
    return texts[pick(random, count)];
}

/* ---- Kinds ---- */

static uint64_t some_bits(uint64_t *random) {
    return one_in(random, 2) ? next_random(random) : next_random(random) & next_random(random);
}

static void kind_make(struct plan *plan, uint64_t *random, unsigned index, gait_layout layout) {
    static const char *const names[] = {"leaf",      "refs",     "prefix",       "bitmap",
                                        "repeat",    "callback", "conservative", "weak",
                                        "ephemeron", "tagged"};
    struct kind_plan *kind = &plan->kind[index];
    gait_kind_info *info = &kind->info;
    snprintf(kind->name, sizeof kind->name, "%s%u", names[layout], index);
    info->name = kind->name;
    info->layout = layout;
    info->bitmap = kind->bitmap;
    for (unsigned i = 0; i < COUNT(kind->bitmap); i++)
        kind->bitmap[i] = some_bits(random);
    bool inside = one_in(random, 3);
    for (unsigned i = 0; i < COUNT(kind->interior); i++)
        kind->interior[i] = some_bits(random);
    switch (layout) {
    case GAIT_PREFIX:
        info->head_words = (uint32_t)pick(random, 12);
        break;
    case GAIT_BITMAP:
        info->head_words = 1 + (uint32_t)pick(random, one_in(random, 2) ? 8 : 180);
        info->interior = inside ? kind->interior : NULL;
        break;
    case GAIT_REPEAT:
        info->head_words = (uint32_t)pick(random, one_in(random, 2) ? 4 : 100);
        if (one_in(random, 3))
            info->bitmap = NULL;
        info->element_words = 1 + (uint32_t)pick(random, one_in(random, 4) ? 64 : 5);
        info->element_bitmap = some_bits(random);
        info->interior = inside ? kind->interior : NULL;
        info->element_interior = inside ? some_bits(random) : 0;
        break;
    case GAIT_TAGGED: /* pairs of a word and one that has its tag */
        info->head_words = (uint32_t)pick(random, 4);
        info->bitmap = NULL;
        info->element_words = 2;
        info->element_interior = inside;
        kind->rule = (gait_tag_rule){0, (uint16_t)(sizeof(gait_word) + pick(random, 8))};
        info->tag_rules = &kind->rule;
        info->tag_rule_count = 1;
        for (unsigned i = 0; i < 4; i++)
            info->tag_references[i] = next_random(random);
        info->tag_references[0] = (info->tag_references[0] | 2) & ~(uint64_t)4; /* one of each */
        break;
    case GAIT_CALLBACK:
        info->scan = plan_scan_counted;
        info->scan_data = info;
        break;
    case GAIT_WEAK:
    case GAIT_EPHEMERON:
        info->head_words = (uint32_t)pick(random, 4);
        if (one_in(random, 2))
            info->cleared = TOMBSTONE;
        break;
    default:
        break;
    }
}

static void kinds_make(struct plan *plan, uint64_t *random) {
    kind_make(plan, random, KIND_REFS, GAIT_REFS);
    kind_make(plan, random, KIND_LEAF, GAIT_LEAF);
    kind_make(plan, random, KIND_GENERATOR, GAIT_CALLBACK);
    plan->kind[KIND_GENERATOR].info.scan = generator_scan;
    plan->kinds = KINDS_FIXED + (unsigned)pick(random, KINDS_PLANNED - KINDS_FIXED + 1);
    for (unsigned i = KINDS_FIXED; i < plan->kinds; i++)
        kind_make(plan, random, i, (gait_layout)pick(random, GAIT_TAGGED + 1));
}

void plan_scan_counted(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    const gait_word *words = object;
    size_t room = object_bytes / sizeof *words - 1;
    size_t count = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
    gait_visit_range(visitor, words + 1, count < room ? count : room);
}

enum word_class plan_word_class(const struct kind_plan *kind, size_t cell_words, size_t i) {
    const gait_kind_info *info = &kind->info;
    size_t head = info->head_words < cell_words ? info->head_words : cell_words;
    bool inside = i < head ? info->interior && info->interior[i >> 6] >> (i & 63) & 1
                           : info->element_interior &&
                                 info->element_interior >> (i - head) % info->element_words & 1;
    enum word_class strong = inside ? WORD_INTERIOR : WORD_STRONG;
    switch (info->layout) {
    case GAIT_LEAF:
        return WORD_DATA;
    case GAIT_REFS:
        return WORD_STRONG;
    case GAIT_PREFIX:
        return i < head ? WORD_STRONG : WORD_DATA;
    case GAIT_REPEAT:
        if (i >= head) {
            size_t in_element = (i - head) % info->element_words;
            bool whole = i - in_element + info->element_words <= cell_words;
            return whole && info->element_bitmap >> in_element & 1 ? strong : WORD_DATA;
        }
        /* fall through */
    case GAIT_BITMAP:
        return i < head && info->bitmap && info->bitmap[i >> 6] >> (i & 63) & 1 ? strong
                                                                                : WORD_DATA;
    case GAIT_TAGGED:
        if (i < head || i - (i - head) % 2 + 2 > cell_words)
            return WORD_DATA;
        return (i - head) % 2 == 0 ? strong : WORD_TAG;
    case GAIT_CALLBACK:
        if (info->scan == generator_scan)
            return i == 0 ? WORD_FIXED : WORD_DATA;
        return i == 0 ? WORD_COUNT : WORD_STRONG;
    case GAIT_CONSERVATIVE:
        return WORD_INTERIOR;
    case GAIT_WEAK:
        return i < head ? WORD_STRONG : WORD_WEAK;
    case GAIT_EPHEMERON:
        if (i < head)
            return WORD_STRONG;
        if (i - (i - head) % 2 + 1 >= cell_words)
            return WORD_DATA; /* half a pair */
        return (i - head) % 2 == 0 ? WORD_KEY : WORD_VALUE;
    }
    return WORD_DATA;
}

/* ---- Heaps ---- */

static void debug_make(struct heap_plan *heap, uint64_t *random, unsigned *ops) {
    char *end = heap->debug;
    size_t room = sizeof heap->debug;
    if (one_in(random, 5))
        return;
#define WORD(...) end += snprintf(end, room - (size_t)(end - heap->debug), __VA_ARGS__)
    if (!one_in(random, 3))
        WORD("clobberfree=1,");
    bool verified = one_in(random, 3);
    if (verified)
        WORD("gccheckmark=1,");
    if (one_in(random, heap->minor ? 2 : 4)) {
        heap->stress = 1u << pick(random, 9);
        WORD("gcstress=%u,", heap->stress);
        if (heap->stress < 8 && *ops > 600)
            *ops = 600;
    }
    if (heap->minor && !one_in(random, 6)) /* else as it pays */
        WORD("gcminor=%u,", 1u << pick(random, 5));
    /* plain stores beside marking are meant, and a race to ThreadSanitizer */
    if (heap->flags & GAIT_STOP_THE_WORLD && one_in(random, 2) && !UNDER_TSAN) {
        WORD("gcdirty=1,");
        heap->by_pages = true;
    }
    if (one_in(random, 10))
        WORD("gcstoptheworld=%u,", 1 + (unsigned)pick(random, 2));
    if (one_in(random, 6)) {
        static const unsigned rates[] = {1, 4096, 65536};
        WORD("memprofilerate=%u,", rates[pick(random, 3)]);
    }
    if (one_in(random, 10))
        WORD("disablethp=1,");
    if (one_in(random, 3))
        WORD("offheapcheck=1,");
    if (one_in(random, 4))
        WORD("offheaplibc=1,");
    if (one_in(random, 3))
        WORD("arenacheck=1,");
    if (!verified && one_in(random, 8)) { /* what checkmark says must be read */
        WORD("gctrace=2,gcpacertrace=1,offheapleaks=%u,", 1 + (unsigned)pick(random, 2));
        heap->quiet = true;
    }
#undef WORD
    if (end > heap->debug)
        end[-1] = 0; /* the last comma */
}

static void heap_make(struct heap_plan *heap, uint64_t *random, unsigned *ops) {
    static const gait_word masks[][2] = {
        /* value mask, tags that references bear */
        {~(gait_word)0, 0},
        {~(gait_word)7, 7},
        {((gait_word)1 << 48) - 1, (gait_word)0xffff << 48},
        {~(gait_word)15, 15},
        {((gait_word)1 << 47) - 8, (gait_word)0x1ffff << 47 | 7},
    };
    static const char *const gogc[] = {"100", "100", "10", "25", "400", "off", "1", "0"};
    static const char *const limits[] = {"off", "off", "off", "64MiB", "16MiB", "4MiB"};
    static const char *const procs[] = {NULL, NULL, "1", "2", "4", "64"};
    size_t mask = one_in(random, 2) ? 0 : pick(random, COUNT(masks));
    heap->value_mask = masks[mask][0];
    heap->tags = masks[mask][1];
    heap->displacement =
        one_in(random, 3) ? 8 * (1 + pick(random, one_in(random, 2) ? 3 : 511)) : 0;
    heap->displacement &= heap->value_mask; /* what the mask drops is no part of it */
    if (one_in(random, 6))
        heap->flags |= GAIT_STOP_THE_WORLD;
    if (one_in(random, 5))
        heap->flags |= GAIT_CONSERVATIVE_STACKS;
    if (one_in(random, 8))
        heap->flags |= GAIT_DATA_SEGMENTS;
    heap->plain_stores = (heap->flags & GAIT_STOP_THE_WORLD) && one_in(random, 2);
    heap->gogc = one_of(random, gogc, COUNT(gogc));
    heap->limit = one_of(random, limits, COUNT(limits));
    heap->procs = one_of(random, procs, COUNT(procs));
    heap->small = one_in(random, 8);
    heap->reserve_bytes =
        heap->small ? (size_t)(8 + pick(random, 40)) << 20 : (size_t)(1 + pick(random, 16)) << 32;
    heap->minor = one_in(random, 2);
    debug_make(heap, random, ops);
    static const size_t lengths[] = {0, 0, 1000, 5000, 30000};
    heap->list_length = lengths[pick(random, COUNT(lengths))];
    if (heap->small || strstr(heap->debug, "gcstress=") || strstr(heap->debug, "gccheckmark="))
        heap->list_length /= 10; /* each cycle would take long */
    if (heap->list_length >= 5000)
        *ops /= 3;
}

/* ---- The rest ---- */

/* Whether a name stands in a list by commas. */
static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
            return true;
    return false;
}

static void weights_make(struct plan *plan, uint64_t *random, const char *only) {
    bool alone = plan->actors == 1;
    for (unsigned i = 0; i < ops_count; i++) {
        const struct op *op = &all_ops[i];
        unsigned weight = op->weight << 2 * pick(random, 3);
        bool enabled = (op->flags & OP_ALWAYS) || !one_in(random, 3);
        if ((op->flags & OP_THREADS) && UNDER_ASAN && !alone)
            enabled = false; /* its allocator may be locked in a child by a lost thread */
        if (only)
            enabled = (op->flags & OP_ALWAYS) || listed(only, op->name);
        plan->weights[i] = enabled ? weight : 0;
        plan->weight_sum += plan->weights[i];
    }
}

void plan_make(struct plan *plan, uint64_t seed, const struct plan_limits *limits) {
    uint64_t random = mix(seed);
    *plan = (struct plan){.seed = seed};
    plan->actors = one_in(&random, 3) ? 1 : 2 + (unsigned)pick(&random, ACTORS_MAX - 1);
    plan->heaps = one_in(&random, 2) ? 1 : 2 + (unsigned)pick(&random, HEAPS_MAX - 1);
    if (limits->heaps)
        plan->heaps = limits->heaps;
    plan->ops = 500 + (unsigned)pick(&random, UNDER_TSAN || UNDER_ASAN ? 2000 : 6000);
    plan->nodes_max = (size_t)1 << (4 + pick(&random, 8));
    plan->large_bytes = (size_t)1 << (16 + pick(&random, 6));
    plan->coroutines = one_in(&random, 3) ? 0 : 1 + (unsigned)pick(&random, COROUTINES_MAX);
    plan->cycles = one_in(&random, 2);
    kinds_make(plan, &random);
    bool conservative = false;
    for (unsigned i = 0; i < plan->heaps; i++) {
        heap_make(&plan->heap[i], &random, &plan->ops);
        conservative |= plan->heap[i].flags & GAIT_CONSERVATIVE_STACKS;
    }
    /* a C stack is announced to one heap: it would have to be to each that scans C stacks */
    bool coin = one_in(&random, 2);
    plan->fibers = plan->coroutines > 0 && plan->heaps == 1 && (conservative || coin);
    if (conservative && !plan->fibers)
        plan->coroutines = 0;
    if (limits->actors)
        plan->actors = limits->actors;
    weights_make(plan, &random, limits->only);
    for (unsigned i = 0; i < plan->heaps; i++) {
        struct heap_plan *heap = &plan->heap[i];
        heap->dirty = !(heap->flags & GAIT_STOP_THE_WORLD) && one_in(&random, 6);
        heap->flags |= heap->dirty ? GAIT_OBJECT_BARRIER : 0;
        heap->hooked = one_in(&random, 2);
    }
    if (limits->ops)
        plan->ops = limits->ops;
}

void plan_print(const struct plan *plan) {
    fprintf(stderr,
            "round %" PRIu64 ": %u actors, %u heaps, %u operations each, %u coroutines%s, at most "
            "%zu nodes, objects to %zu bytes%s\n",
            plan->seed, plan->actors, plan->heaps, plan->ops, plan->coroutines,
            plan->fibers ? " with stacks" : "", plan->nodes_max, plan->large_bytes,
            plan->cycles ? ", cycles all the time" : "");
    for (unsigned i = 0; i < plan->heaps; i++) {
        const struct heap_plan *heap = &plan->heap[i];
        fprintf(stderr,
                "  heap %u: flags %u, mask %#zx, displacement %zu, reserve %zu MiB, gogc %s, limit "
                "%s, procs %s, "
                "debug \"%s\", a list of %zu%s%s\n",
                i, (unsigned)heap->flags, (size_t)heap->value_mask, heap->displacement,
                heap->reserve_bytes >> 20, heap->gogc, heap->limit,
                heap->procs ? heap->procs : "all", heap->debug, heap->list_length,
                heap->plain_stores ? ", plain stores" : "", heap->minor ? ", minor cycles" : "");
    }
    fprintf(stderr, "  kinds:");
    for (unsigned i = 0; i < plan->kinds; i++)
        fprintf(stderr, " %s(%u,%u)", plan->kind[i].name, plan->kind[i].info.head_words,
                plan->kind[i].info.element_words);
    fprintf(stderr, "\n  operations:");
    for (unsigned i = 0; i < ops_count; i++)
        if (plan->weights[i])
            fprintf(stderr, " %s", all_ops[i].name);
    fputc('\n', stderr);
}

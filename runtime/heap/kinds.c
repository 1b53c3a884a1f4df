/* SPDX-License-Identifier: MIT */
/*
 * Registration of kinds. See kinds.h.
 */
#include "kinds.h"

#include <stdlib.h>
#include <string.h>

#include "../platform/platform.h"
#include "counted.h"

void kinds_init(struct kind_table *table, struct space *space) {
    memset(table, 0, offsetof(struct kind_table, kinds));
    lock_init(&table->lock, LOCK_KINDS, "kinds");
    table->metadata_bytes = &space->metadata_bytes;
    space->kinds = table->kinds;
}

#define CENTRALS_BYTES (GAIT_SIZE_CLASSES * sizeof(struct central))

static size_t bitmap_bytes(uint32_t head_words) {
    return ((size_t)head_words + 63) / 64 * sizeof(uint64_t);
}

static void kind_free(struct kind_table *table, struct kind *kind) {
    if (kind->centrals)
        for (unsigned size_class = 0; size_class < GAIT_SIZE_CLASSES; size_class++)
            lock_destroy(&kind->centrals[size_class].lock);
    counted_free(table->metadata_bytes, kind->centrals, CENTRALS_BYTES);
    counted_free(table->metadata_bytes, kind->bitmap, bitmap_bytes(kind->head_words));
    counted_free(table->metadata_bytes, kind->interior, bitmap_bytes(kind->head_words));
    counted_free(table->metadata_bytes, kind->tag_rules,
                 kind->tag_rule_count * sizeof *kind->tag_rules);
    free(kind->name);
    memset(kind, 0, sizeof *kind);
}

void kinds_destroy(struct kind_table *table) {
    for (size_t kind = 0; kind < kinds_count(table); kind++)
        kind_free(table, &table->kinds[kind]);
    lock_destroy(&table->lock);
}

static bool rules_valid(const gait_kind_info *info) {
    if (!info->tag_rules || info->tag_rule_count < 1 || info->tag_rule_count > GAIT_TAG_RULES_MAX)
        return false;
    for (uint32_t i = 0; i < info->tag_rule_count; i++)
        if (info->tag_rules[i].word >= info->element_words ||
            info->tag_rules[i].tag_byte >= info->element_words * sizeof(gait_word))
            return false;
    return true;
}

/* Is what it says of words inside elements, of tags, or of raw contents, for its layout? */
static bool extras_valid(const gait_kind_info *info) {
    bool repeats = info->layout == GAIT_REPEAT || info->layout == GAIT_TAGGED;
    if (info->interior && !repeats && info->layout != GAIT_BITMAP)
        return false;
    if (info->element_interior && !repeats)
        return false;
    if (info->raw && info->layout != GAIT_LEAF)
        return false; /* markers read words before the program has written them */
    return info->layout == GAIT_TAGGED || (!info->tag_rules && info->tag_rule_count == 0);
}

static bool info_valid(const gait_kind_info *info) {
    if (!info || !info->name || !extras_valid(info))
        return false;
    switch (info->layout) {
    case GAIT_LEAF:
    case GAIT_REFS:
    case GAIT_CONSERVATIVE:
    case GAIT_PREFIX:
    case GAIT_WEAK:
    case GAIT_EPHEMERON:
        return true;
    case GAIT_BITMAP:
        return info->bitmap != NULL;
    case GAIT_REPEAT:
        return info->element_words >= 1 && info->element_words <= 64;
    case GAIT_TAGGED:
        return info->element_words >= 1 && info->element_words <= 64 && rules_valid(info);
    case GAIT_CALLBACK:
        return info->scan != NULL;
    }
    return false;
}

/* A copy of what an info leads to. bytes 0: there is none. @return false: no memory. */
static bool copy_of(struct kind_table *table, void *copy, const void *given, size_t bytes) {
    void *own = NULL;
    if (bytes > 0 && !(own = counted_alloc(table->metadata_bytes, bytes)))
        return false;
    if (own)
        memcpy(own, given, bytes);
    memcpy(copy, &own, sizeof own);
    return true;
}

/* Names stand in JSON, in metrics and in profiles, all of which are UTF-8: one byte that is none
 * would make all of it unreadable. NULL: no memory. */
static char *copy_of_name(const char *given) {
    char *name = strdup(given);
    size_t left = name ? strlen(name) : 0;
    for (char *at = name; left > 0;) {
        size_t bytes = platform_letter_bytes(at, left);
        if (bytes == 0)
            *at = '?';
        at += bytes ? bytes : 1;
        left -= bytes ? bytes : 1;
    }
    return name;
}

static int kind_fill(struct kind_table *table, struct kind *kind, const gait_kind_info *info) {
    memset(kind, 0, sizeof *kind);
    kind->name = copy_of_name(info->name);
    kind->layout = info->layout;
    kind->head_words = info->head_words;
    kind->element_words = info->element_words;
    kind->element_bitmap = info->element_bitmap;
    kind->scan = info->scan;
    kind->scan_data = info->scan_data;
    kind->cleared = info->cleared;
    kind->raw = info->raw != 0;
    kind->centrals = counted_alloc(table->metadata_bytes, CENTRALS_BYTES);
    bool repeats = info->layout == GAIT_REPEAT || info->layout == GAIT_TAGGED;
    bool mapped = repeats || info->layout == GAIT_BITMAP, tagged = info->layout == GAIT_TAGGED;
    size_t bytes = mapped ? bitmap_bytes(info->head_words) : 0;
    kind->element_interior = repeats ? info->element_interior : 0;
    bool whole = copy_of(table, &kind->bitmap, info->bitmap, info->bitmap ? bytes : 0) &&
                 copy_of(table, &kind->interior, info->interior, info->interior ? bytes : 0);
    if (whole && tagged) {
        whole = copy_of(table, &kind->tag_rules, info->tag_rules,
                        info->tag_rule_count * sizeof *info->tag_rules);
        kind->tag_rule_count = whole ? info->tag_rule_count : 0;
        memcpy(kind->tag_references, info->tag_references, sizeof kind->tag_references);
    }
    if (!kind->name || !kind->centrals || !whole) {
        counted_free(table->metadata_bytes, kind->centrals, CENTRALS_BYTES);
        kind->centrals = NULL; /* its locks were not made yet */
        kind_free(table, kind);
        return GAIT_E_MEMORY;
    }
    for (unsigned size_class = 0; size_class < GAIT_SIZE_CLASSES; size_class++)
        lock_init(&kind->centrals[size_class].lock, LOCK_CENTRAL, "central");
    return 0;
}

/* See arena_head.h. What an arena can't hold, and what it must note, goes the slow way. */
static void arena_kind_fill(struct kind_table *table, size_t kind) {
    uint8_t goes = GAIT_ARENA_KIND_REFS;
    gait_layout layout = table->kinds[kind].layout;
    bool interior = kind_has_interior(&table->kinds[kind]);
    if (layout == GAIT_LEAF)
        goes = GAIT_ARENA_KIND_LEAF;
    else if (layout == GAIT_CALLBACK || layout == GAIT_WEAK || layout == GAIT_EPHEMERON)
        goes = GAIT_ARENA_KIND_SLOW;
    table->arena_kinds_conservative[kind] = goes;
    table->arena_kinds[kind] = interior ? GAIT_ARENA_KIND_SLOW : goes;
}

int kinds_register(struct kind_table *table, const gait_kind_info *info) {
    if (!info_valid(info))
        return GAIT_E_INVALID;
    lock_acquire(&table->lock);
    size_t count = AO_load(&table->count);
    int result =
        count == GAIT_KINDS_MAX ? GAIT_E_FULL : kind_fill(table, &table->kinds[count], info);
    if (result == 0) {
        result = (int)count;
        arena_kind_fill(table, count);
        AO_store_release(&table->count, count + 1);
    }
    lock_release(&table->lock);
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Static slots and handles. See roots.h.
 *
 * Static slots are kept in parts of at most PART_WORDS, each a node of the map under the address of
 * its first slot, so that roots_push holds the lock for a few parts at a time.
 */
#include "roots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../platform/perturb.h"
#include "coroutines.h"

/* Some 2 us of pushing. Guess. */
#define PART_WORDS 1024
/* A slab of handles fills 4 KiB, and is aligned to them: a handle's address leads to its slab. */
#define SLAB_BYTES 4096
#define SLAB_HANDLES 503

struct root_part {
    struct address_node node; /* key: the first slot */
    size_t count;
    struct root_part *more; /* the next part of the same roots_add */
    bool first;             /* the first part of a roots_add: what roots_remove looks for */
};

struct handle_slab {
    struct handle_slab *next;
    uint64_t used[(SLAB_HANDLES + 63) / 64]; /* bit i: handle i is in use; lock ROOTS */
    struct gait_handle handles[SLAB_HANDLES];
};

_Static_assert(sizeof(struct handle_slab) == SLAB_BYTES, "a slab fills its size");

int roots_init(struct roots *roots) {
    memset(roots, 0, sizeof *roots);
    if (address_map_init(&roots->ranges) < 0)
        return -1;
    lock_init(&roots->lock, LOCK_ROOTS, "roots");
    return 0;
}

void roots_destroy(struct roots *roots) {
    for (size_t bucket = 0; bucket < roots->ranges.buckets; bucket++) {
        struct address_node *node = address_map_bucket(&roots->ranges, bucket), *next;
        for (; node; node = next) {
            next = node->next;
            free(node);
        }
    }
    address_map_destroy(&roots->ranges);
    for (struct handle_slab *slab = roots->slabs, *next; slab; slab = next) {
        next = slab->next;
        free(slab);
    }
    coroutines_destroy(roots);
    lock_destroy(&roots->lock);
}

static void visit_words(struct gait_visitor *visitor, const gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        /* the mutators' barriers cover what is stored meanwhile */
        visitor->visit(visitor, AO_load_dd_acquire_read((const volatile AO_t *)&words[i]), false);
}

/* ---- Static slots ---- */

static void parts_free(struct root_part *part) {
    for (struct root_part *more; part; part = more) {
        more = part->more;
        free(part);
    }
}

/* The parts of a range, not yet in the map. NULL: no memory. */
static struct root_part *parts_new(gait_word *slots, size_t count) {
    struct root_part *first = NULL, **to = &first;
    do {
        struct root_part *part = malloc(sizeof *part);
        if (!part) {
            parts_free(first);
            return NULL;
        }
        part->node.key = (uintptr_t)slots;
        part->count = count < PART_WORDS ? count : PART_WORDS;
        part->more = NULL;
        part->first = part == first || !first;
        *to = part;
        to = &part->more;
        slots += part->count;
        count -= part->count;
    } while (count > 0);
    return first;
}

int roots_add(struct roots *roots, gait_word *slots, size_t count) {
    if (!slots || (uintptr_t)slots % sizeof(gait_word) != 0 ||
        count > (UINTPTR_MAX - (uintptr_t)slots) / sizeof(gait_word))
        return GAIT_E_INVALID;
    struct root_part *parts = parts_new(slots, count);
    if (!parts)
        return GAIT_E_MEMORY;
    lock_acquire(&roots->lock);
    for (struct root_part *part = parts; part; part = part->more)
        address_map_add(&roots->ranges, &part->node);
    lock_release(&roots->lock);
    counter_add(&roots->bytes, count * sizeof(gait_word));
    return 0;
}

/* With the lock held: the parts of the last roots_add of this first slot, or NULL. */
static struct root_part *parts_find(struct roots *roots, const gait_word *slots) {
    struct address_node *node = address_map_find(&roots->ranges, (uintptr_t)slots);
    for (; node; node = node->next)
        if (node->key == (uintptr_t)slots && ((struct root_part *)node)->first)
            break;
    return (struct root_part *)node;
}

static size_t parts_count(const struct root_part *part) {
    size_t count = 0;
    for (; part; part = part->more)
        count += part->count;
    return count;
}

int roots_remove(struct roots *roots, gait_word *slots) {
    lock_acquire(&roots->lock);
    struct root_part *parts = parts_find(roots, slots);
    for (struct root_part *part = parts; part; part = part->more)
        address_map_remove(&roots->ranges, &part->node);
    lock_release(&roots->lock);
    if (!parts)
        return GAIT_E_MISSING;
    counter_sub(&roots->bytes, parts_count(parts) * sizeof(gait_word));
    parts_free(parts);
    return 0;
}

size_t roots_count(struct roots *roots, gait_word *slots) {
    lock_acquire(&roots->lock);
    size_t count = parts_count(parts_find(roots, slots));
    lock_release(&roots->lock);
    return count;
}

size_t roots_bytes(const struct roots *roots) { return AO_load(&roots->bytes); }

/* With the lock held. */
static void visit_bucket(struct roots *roots, size_t bucket, struct gait_visitor *visitor) {
    struct address_node *node = address_map_bucket(&roots->ranges, bucket);
    for (; node; node = node->next)
        visit_words(visitor, (gait_word *)node->key, ((struct root_part *)node)->count);
}

/* ---- Handles ---- */

static struct handle_slab *slabs_get(const struct roots *roots) {
    return (struct handle_slab *)AO_load_acquire((const volatile AO_t *)&roots->slabs);
}

static void handle_store(struct gait_handle *handle, gait_word value) {
    AO_store((volatile AO_t *)&handle->value, value); /* unordered: 0, or no reference */
}

/* With the lock held. */
static void slab_add(struct roots *roots, struct handle_slab *slab) {
    slab->next = roots->slabs;
    memset(slab->used, 0, sizeof slab->used);
    for (size_t i = 0; i < SLAB_HANDLES; i++) {
        slab->handles[i].value = (gait_word)roots->free_handles;
        roots->free_handles = &slab->handles[i];
    }
    AO_store_release((volatile AO_t *)&roots->slabs, (AO_t)slab); /* pairs with slabs_get */
}

/* With the lock held: note whether a handle is in use. @return whether it was. */
static bool handle_mark(struct gait_handle *handle, bool used) {
    struct handle_slab *slab =
        (struct handle_slab *)((uintptr_t)handle & ~(uintptr_t)(SLAB_BYTES - 1));
    size_t index = (size_t)(handle - slab->handles);
    uint64_t *word = &slab->used[index / 64], bit = (uint64_t)1 << index % 64;
    bool before = (*word & bit) != 0;
    *word = used ? *word | bit : *word & ~bit;
    return before;
}

struct gait_handle *roots_handle_new(struct roots *roots) {
    lock_acquire(&roots->lock);
    if (!roots->free_handles) {
        struct handle_slab *slab = aligned_alloc(SLAB_BYTES, sizeof *slab);
        if (slab)
            slab_add(roots, slab);
    }
    struct gait_handle *handle = roots->free_handles;
    if (handle) {
        roots->free_handles = (struct gait_handle *)handle->value;
        handle_mark(handle, true);
        handle_store(handle, 0);
    }
    lock_release(&roots->lock);
    if (handle)
        counter_add(&roots->bytes, sizeof(gait_word));
    return handle;
}

bool roots_handle_free(struct roots *roots, struct gait_handle *handle) {
    lock_acquire(&roots->lock);
    bool was_used = handle_mark(handle, false);
    if (was_used) {
        handle_store(handle, (gait_word)roots->free_handles);
        roots->free_handles = handle;
    }
    lock_release(&roots->lock);
    if (was_used)
        counter_sub(&roots->bytes, sizeof(gait_word));
    return was_used;
}

/* A free handle holds the address of another one, which is no object's. */
static void visit_slab(const struct handle_slab *slab, struct gait_visitor *visitor) {
    visit_words(visitor, &slab->handles[0].value, SLAB_HANDLES);
}

void roots_push(struct roots *roots, struct marker *marker) {
    bool more = true;
    for (size_t bucket = 0; more; bucket++) {
        lock_acquire(&roots->lock);
        if ((more = bucket < roots->ranges.buckets))
            visit_bucket(roots, bucket, &marker->visitor);
        lock_release(&roots->lock);
    }
    for (struct handle_slab *slab = slabs_get(roots); slab; slab = slab->next)
        visit_slab(slab, &marker->visitor);
}

void roots_visit(struct roots *roots, struct gait_visitor *visitor) {
    for (size_t bucket = 0; bucket < roots->ranges.buckets; bucket++)
        visit_bucket(roots, bucket, visitor);
    for (struct handle_slab *slab = slabs_get(roots); slab; slab = slab->next)
        visit_slab(slab, visitor);
    coroutines_visit(roots, visitor);
}

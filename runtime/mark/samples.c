/* SPDX-License-Identifier: MIT */
/*
 * Samples of allocation. See samples.h.
 */
#include "samples.h"

#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"

/* Samples that are settled per hold of the lock. */
#define PIECE 256

#define TEXT_BYTES ((size_t)64 << 10)

/* Hashes of addresses: four for each sample of what is live, in a heap of 2 GiB at the default
 * rate. Guess: 64 KiB. */
#define FILTER_COUNT ((size_t)16384)
#define FILTER_BYTES (FILTER_COUNT * sizeof(unsigned))

struct sample_place {
    struct address_node node; /* by a hash of the rest */
    gait_profile_frame frame;
};

struct sample_site {
    struct address_node node; /* likewise */
    struct sample_site *next; /* an older one; constant */
    double alloc_objects, alloc_bytes, live_objects, live_bytes;
    double short_objects, short_bytes, long_objects, long_bytes;
    const struct sample_place *tag; /* by its function; NULL: of objects */
    uint32_t kind, depth, memory;
    bool has_kind, of_embedder;
    uintptr_t words[GAIT_PROFILE_DEPTH]; /* addresses, or struct sample_place * */
};

struct sample {
    struct address_node node; /* by where it lies */
    struct sample_site *site;
    struct sample *next; /* of an arena's list */
    double objects, bytes;
    unsigned judged_epoch; /* .inv.first */
    bool listed;           /* it is on such a list, and not in the map */
    bool settled;          /* its site counts it as live */
    bool judged;           /* and as short-lived, or not */
};

/* A piece of memory for names. */
struct sample_text {
    struct sample_text *older;
    char bytes[TEXT_BYTES - sizeof(struct sample_text *)];
};

volatile AO_t samples_by_default;

/*
 *   .inv.filter: each sample in the map counts in its address's slot from before its memory is the
 *   program's until it is forgotten. A thread that frees memory has word of its allocation, so of
 * that count: where it reads 0, or no filter, there is no sample. So most frees take no lock.
 */
static volatile unsigned *filter_slot(const struct samples *samples, uintptr_t start) {
    volatile unsigned *filter = (volatile unsigned *)AO_load_acquire(&samples->filter);
    uint64_t hash = (uint64_t)start * UINT64_C(0x9E3779B97F4A7C15); /* as foreign_stripe */
    return filter ? &filter[(hash >> 32) % FILTER_COUNT] : NULL;
}

void samples_init(struct samples *samples, AO_t *metadata_bytes) {
    memset(samples, 0, sizeof *samples);
    samples->metadata_bytes = metadata_bytes;
    pool_init(&samples->place_pool, sizeof(struct sample_place), metadata_bytes);
    pool_init(&samples->site_pool, sizeof(struct sample_site), metadata_bytes);
    pool_init(&samples->sample_pool, sizeof(struct sample), metadata_bytes);
    lock_init(&samples->lock, LOCK_LOG, "samples");
}

size_t samples_set_rate(struct samples *samples, size_t rate_bytes) {
    lock_acquire(&samples->lock);
    size_t before = AO_load(&samples->rate_bytes);
    samples->rate_said = true;
    AO_store(&samples->bounded, 0);
    AO_store(&samples->rate_bytes, rate_bytes);
    lock_release(&samples->lock);
    return before;
}

size_t samples_start(struct samples *samples) {
    lock_acquire(&samples->lock);
    if (!samples->rate_said) {
        AO_store(&samples->bounded, 1);
        AO_store(&samples->rate_bytes, GAIT_PROFILE_RATE_BYTES);
    }
    size_t rate_bytes = AO_load(&samples->rate_bytes);
    lock_release(&samples->lock);
    return rate_bytes;
}

bool samples_off(struct samples *samples) {
    lock_acquire(&samples->lock);
    bool off = AO_load(&samples->rate_bytes) == 0 && !samples->open;
    lock_release(&samples->lock);
    return off;
}

void samples_destroy(struct samples *samples) {
    if (samples->open) {
        address_map_destroy(&samples->places);
        address_map_destroy(&samples->sites);
        address_map_destroy(&samples->objects);
        platform_unreserve((void *)AO_load(&samples->filter), FILTER_BYTES);
    }
    pool_destroy(&samples->place_pool);
    pool_destroy(&samples->site_pool);
    pool_destroy(&samples->sample_pool);
    while (samples->text) {
        struct sample_text *text = samples->text;
        samples->text = text->older;
        platform_unreserve(text, sizeof *text);
    }
    lock_destroy(&samples->lock);
}

/* With the lock held, as all up to samples_add. */
static bool open(struct samples *samples) {
    if (samples->open)
        return true;
    if (address_map_init(&samples->places, samples->metadata_bytes, false) < 0)
        return false;
    if (address_map_init(&samples->sites, samples->metadata_bytes, false) < 0)
        goto no_sites;
    if (address_map_init(&samples->objects, samples->metadata_bytes, false) < 0)
        goto no_objects;
    void *filter = platform_map(FILTER_BYTES);
    if (!filter)
        goto no_filter;
    counter_add(samples->metadata_bytes, FILTER_BYTES);
    AO_store_release(&samples->filter, (AO_t)filter); /* pairs with filter_slot */
    samples->open = true;
    return true;
no_filter:
    address_map_destroy(&samples->objects);
no_objects:
    address_map_destroy(&samples->sites);
no_sites:
    address_map_destroy(&samples->places);
    return false;
}

/* ---- Places ---- */

static uintptr_t mix(uintptr_t hash, uintptr_t word) {
    uint64_t mixed = (uint64_t)(hash ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uintptr_t)(mixed ^ mixed >> 31);
}

static uintptr_t mix_text(uintptr_t hash, const char *text) {
    for (; *text; text++)
        hash = mix(hash, (unsigned char)*text);
    return mix(hash, 1);
}

/* A copy that lasts; names beyond a piece of memory are cut. NULL: no memory. */
static const char *keep_text(struct samples *samples, const char *text) {
    size_t room = sizeof samples->text->bytes, length = strlen(text);
    if (length > room - 1)
        length = room - 1;
    if (!samples->text || room - samples->text_bytes < length + 1) {
        struct sample_text *fresh = platform_map(sizeof *fresh);
        if (!fresh)
            return NULL;
        fresh->older = samples->text;
        samples->text = fresh;
        samples->text_bytes = 0;
        counter_add(samples->metadata_bytes, sizeof *fresh);
    }
    char *kept = samples->text->bytes + samples->text_bytes;
    memcpy(kept, text, length);
    kept[length] = '\0';
    samples->text_bytes += length + 1;
    return kept;
}

static bool same_frame(const gait_profile_frame *one, const gait_profile_frame *other) {
    return one->line == other->line && strcmp(one->function, other->function) == 0 &&
           strcmp(one->file, other->file) == 0;
}

static struct sample_place *place_of(struct samples *samples, const gait_profile_frame *given) {
    const gait_profile_frame frame = {given->function ? given->function : "",
                                      given->file ? given->file : "", given->line};
    uintptr_t key = mix(mix_text(mix_text(0, frame.function), frame.file), frame.line);
    struct address_node *node = address_map_find(&samples->places, key);
    for (; node; node = node->next)
        if (node->key == key && same_frame(&((struct sample_place *)node)->frame, &frame))
            return (struct sample_place *)node;
    const char *function = keep_text(samples, frame.function);
    const char *file = function ? keep_text(samples, frame.file) : NULL;
    struct sample_place *place = file ? pool_take(&samples->place_pool) : NULL;
    if (!place)
        return NULL;
    *place = (struct sample_place){.node.key = key, .frame = {function, file, frame.line}};
    address_map_add(&samples->places, &place->node);
    return place;
}

/* ---- Sites ---- */

static bool same_site(const struct sample_site *one, const struct sample_site *other) {
    return one->kind == other->kind && one->depth == other->depth && one->tag == other->tag &&
           one->memory == other->memory && one->has_kind == other->has_kind &&
           one->of_embedder == other->of_embedder &&
           memcmp(one->words, other->words, one->depth * sizeof one->words[0]) == 0;
}

static struct sample_site *site_of(struct samples *samples, const struct sample_of *of,
                                   const struct sample_stack *stack) {
    struct sample_site wanted = {.kind = of->has_kind ? of->kind : 0,
                                 .has_kind = of->has_kind,
                                 .memory = of->memory,
                                 .depth = (uint32_t)stack->depth,
                                 .of_embedder = stack->of_embedder};
    if (of->memory != GAIT_PROFILE_OBJECTS) {
        wanted.tag = place_of(samples, &(gait_profile_frame){.function = of->tag});
        if (!wanted.tag)
            return NULL;
    }
    wanted.node.key = mix(mix((uintptr_t)wanted.tag, wanted.kind), stack->depth);
    for (size_t i = 0; i < stack->depth; i++) {
        uintptr_t word = stack->of_embedder ? (uintptr_t)place_of(samples, &stack->at.frames[i])
                                            : stack->at.addresses[i];
        if (stack->of_embedder && !word)
            return NULL;
        wanted.words[i] = word;
        wanted.node.key = mix(wanted.node.key, word);
    }
    struct address_node *node = address_map_find(&samples->sites, wanted.node.key);
    for (; node; node = node->next)
        if (node->key == wanted.node.key && same_site((struct sample_site *)node, &wanted))
            return (struct sample_site *)node;
    struct sample_site *site = pool_take(&samples->site_pool);
    if (!site)
        return NULL;
    *site = wanted;
    site->next = samples->youngest;
    samples->youngest = site;
    address_map_add(&samples->sites, &site->node);
    return site;
}

/* ---- Samples ---- */

/* With the lock held, as what follows up to samples_settle. */
static void count_live(struct sample *sample) {
    sample->site->live_objects += sample->objects;
    sample->site->live_bytes += sample->bytes;
    sample->settled = true;
}

bool samples_add(struct samples *samples, const struct sample_of *of,
                 const struct sample_stack *stack, struct sample **list) {
    lock_acquire(&samples->lock);
    struct sample_site *site = open(samples) ? site_of(samples, of, stack) : NULL;
    struct sample *sample = site && of->start ? pool_take(&samples->sample_pool) : NULL;
    bool added = site && (sample || !of->start);
    if (added) {
        site->alloc_objects += of->objects;
        site->alloc_bytes += of->bytes;
    } else {
        samples->lost++;
    }
    if (sample) {
        *sample = (struct sample){.node.key = (uintptr_t)of->start,
                                  .site = site,
                                  .objects = of->objects,
                                  .bytes = of->bytes,
                                  .judged_epoch = of->judged_epoch,
                                  .listed = list != NULL,
                                  .judged = of->memory != GAIT_PROFILE_OBJECTS};
        if (list) {
            sample->next = *list;
            *list = sample;
        } else {
            AO_int_fetch_and_add1(filter_slot(samples, sample->node.key)); /* .inv.filter */
            address_map_add(&samples->objects, &sample->node);
        }
        counter_add(&samples->live, 1);
        if (of->memory != GAIT_PROFILE_OBJECTS)
            count_live(sample);
    }
    lock_release(&samples->lock);
    return added;
}

static bool is_dead(const struct space *space, uintptr_t object) {
    struct cell cell;
    return !space_cell(space, object, &cell) || !cell_allocated(&cell, space_epoch(space));
}

static void drop(struct samples *samples, struct sample *sample) {
    struct sample_site *site = sample->site;
    if (sample->settled) {
        site->live_objects -= sample->objects;
        site->live_bytes -= sample->bytes;
    }
    if (!sample->judged) {
        site->short_objects += sample->objects;
        site->short_bytes += sample->bytes;
    }
    if (!sample->listed) {
        address_map_remove(&samples->objects, &sample->node);
        AO_int_fetch_and_sub1(filter_slot(samples, sample->node.key));
    }
    counter_sub(&samples->live, 1);
    pool_give(&samples->sample_pool, sample);
}

/* A sample of an object that lives. */
static void judge(struct sample *sample, unsigned epoch) {
    if (sample->judged || (int)(epoch - sample->judged_epoch) < 0)
        return;
    sample->site->long_objects += sample->objects;
    sample->site->long_bytes += sample->bytes;
    sample->judged = true;
}

static void settle_one(struct samples *samples, const struct space *space, struct sample *sample) {
    if (sample->site->memory != GAIT_PROFILE_OBJECTS)
        return;
    if (is_dead(space, sample->node.key)) {
        drop(samples, sample);
        return;
    }
    if (!sample->settled)
        count_live(sample);
    judge(sample, space_epoch(space));
}

void samples_forget(struct samples *samples, const void *start, unsigned memory) {
    uintptr_t key = (uintptr_t)start;
    const volatile unsigned *slot = filter_slot(samples, key);
    if (!slot || AO_int_load(slot) == 0)
        return;
    lock_acquire(&samples->lock);
    struct address_node *node = address_map_find(&samples->objects, key);
    while (node && (node->key != key || ((struct sample *)node)->site->memory != memory))
        node = node->next;
    if (node)
        drop(samples, (struct sample *)node);
    lock_release(&samples->lock);
}

void samples_forget_list(struct samples *samples, struct sample **list) {
    if (AO_load(&samples->live) == 0)
        return;
    lock_acquire(&samples->lock);
    for (struct sample *sample = *list, *next; sample; sample = next) {
        next = sample->next;
        drop(samples, sample);
    }
    *list = NULL;
    lock_release(&samples->lock);
}

void samples_settle(struct samples *samples, const struct space *space) {
    void *some[PIECE];
    size_t count;
    lock_acquire(&samples->lock);
    pool_walk(&samples->sample_pool);
    while ((count = pool_step(&samples->sample_pool, some, PIECE)) > 0) {
        for (size_t i = 0; i < count; i++)
            settle_one(samples, space, some[i]);
        lock_release(&samples->lock);
        PERTURB(SAMPLES_SETTLE);
        lock_acquire(&samples->lock);
    }
    lock_release(&samples->lock);
}

/* ---- Read ---- */

/* With the lock held: what it says now. */
static void take_site(const struct sample_site *site, gait_profile_frame *frames,
                      gait_profile_site *taken) {
    *taken = (gait_profile_site){
        .kind = (gait_kind)site->kind,
        .depth = site->depth,
        .frames = site->of_embedder ? frames : NULL,
        .addresses = site->of_embedder ? NULL : site->words,
        .alloc_objects = site->alloc_objects,
        .alloc_bytes = site->alloc_bytes,
        .live_objects = site->live_objects > 0 ? site->live_objects : 0,
        .live_bytes = site->live_bytes > 0 ? site->live_bytes : 0,
        .memory = site->memory,
        .has_kind = site->has_kind,
        .tag = site->tag ? site->tag->frame.function : NULL,
        .short_objects = site->short_objects,
        .short_bytes = site->short_bytes,
        .long_objects = site->long_objects,
        .long_bytes = site->long_bytes,
    };
    for (size_t i = 0; site->of_embedder && i < site->depth; i++)
        frames[i] = ((const struct sample_place *)site->words[i])->frame;
}

size_t samples_read(struct samples *samples,
                    void (*visit)(const gait_profile_site *site, void *data), void *data) {
    gait_profile_frame frames[GAIT_PROFILE_DEPTH];
    gait_profile_site taken;
    lock_acquire(&samples->lock);
    for (const struct sample_site *site = samples->youngest; site; site = site->next) {
        take_site(site, frames, &taken);
        lock_release(&samples->lock); /* sites stay, and what they hold of names */
        visit(&taken, data);
        lock_acquire(&samples->lock);
    }
    size_t lost = samples->lost;
    lock_release(&samples->lock);
    return lost;
}

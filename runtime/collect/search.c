/* SPDX-License-Identifier: MIT */
/*
 * A search of all that is reachable. See search.h; what it has found is written by search_text.c.
 *
 * Without search_use.keep it forgets an object as soon as its references were looked at.
 */
#include "search.h"

#include "../instance.h"
#include "../mark/target.h"
#include "../mark/weak.h"
#include "../platform/platform.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define CHUNK_ITEMS_BYTES (CHUNK_BYTES - sizeof(struct search_chunk))
/* Between two looks at the clock: some 20 us. Guess. */
#define CLOCK_OBJECTS 256

struct search_chunk {
    struct search_chunk *next;
    size_t count;
    char items[];
};

/* ---- Memory ---- */

static void chunk_append(struct search_queue *queue, struct search_chunk *chunk) {
    chunk->next = NULL;
    if (queue->last)
        queue->last->next = chunk;
    else
        queue->first = chunk;
    queue->last = chunk;
}

/* @return the place of the queue's next item, all of which have so many bytes, or NULL: no memory.
 */
static void *queue_put(struct search *search, struct search_queue *queue, size_t item_bytes) {
    if (!queue->last || queue->last->count == CHUNK_ITEMS_BYTES / item_bytes) {
        struct search_chunk *chunk = platform_map(CHUNK_BYTES);
        if (!chunk) {
            search->failed = search->over = true;
            return NULL;
        }
        chunk_append(queue, chunk);
    }
    return &queue->last->items[queue->last->count++ * item_bytes];
}

static void entry_put(struct search *search, struct search_queue *queue,
                      const struct search_entry *entry) {
    struct search_entry *place = queue_put(search, queue, sizeof *place);
    if (place)
        *place = *entry;
}

/* Drop the first chunk, of which all was taken: keep it, or give it back. */
static void queue_drop(struct search *search, struct search_queue *queue) {
    struct search_chunk *chunk = queue->first;
    queue->first = chunk->next;
    queue->taken = 0;
    if (!queue->first)
        queue->last = NULL;
    if (search->use->keep)
        chunk_append(&search->kept, chunk);
    else
        platform_unreserve(chunk, CHUNK_BYTES);
}

/* @return the next entry, good until the next call (or for long, if keep); NULL: none. */
static struct search_entry *queue_next(struct search *search, struct search_queue *queue) {
    if (queue->first && queue->taken == CHUNK_ITEMS_BYTES / sizeof(struct search_entry))
        queue_drop(search, queue);
    if (!queue->first || queue->taken == queue->first->count)
        return NULL;
    return (struct search_entry *)queue->first->items + queue->taken++;
}

static void queue_free(struct search_queue *queue) {
    for (struct search_chunk *chunk = queue->first, *next; chunk; chunk = next) {
        next = chunk->next;
        platform_unreserve(chunk, CHUNK_BYTES);
    }
    *queue = (struct search_queue){0};
}

void search_end(struct search *search) {
    queue_free(&search->grey);
    queue_free(&search->kept);
    queue_free(&search->ephemerons);
    queue_free(&search->pairs);
    queue_free(&search->roots);
    ephemerons_destroy(&search->keys);
    if (search->visited)
        platform_unreserve(search->visited, search->visited_bytes);
    if (search->visited_arenas)
        platform_unreserve(search->visited_arenas, search->visited_arenas_bytes);
    search->visited = search->visited_arenas = NULL;
}

static bool search_alloc(struct search *search) {
    size_t pages = AO_load_acquire(&search->space->extent_bytes) >> PAGE_SHIFT;
    size_t bytes = pages * (BITS_WORDS / 2) * sizeof(uint64_t);
    search->visited = platform_map_some(bytes, &search->visited_bytes);
    size_t arenas = AO_load_acquire(&search->heap->arenas.count);
    search->visited_arenas =
        platform_map_some(arenas / 8 + sizeof(uint64_t), &search->visited_arenas_bytes);
    return search->visited && search->visited_arenas;
}

/* ---- Cells ---- */

bool search_cell(const struct search *search, const char *object, struct cell *cell) {
    return target_cell_at(search->space, search->use->epoch, (uintptr_t)object, cell);
}

bool search_word(const struct search *search, gait_word word, bool conservative,
                 struct cell *cell) {
    return target_cell(search->space, search->heap->value_mask, search->use->epoch, word,
                       conservative, cell);
}

/* The arena that a word refers to: any place in it will do. NULL: none, or the end of one that is
 * being made. */
static struct arena *arena_of(const struct search *search, gait_word word, bool conservative) {
    uintptr_t place;
    return target_arena(search->space, search->heap->value_mask, word, conservative, &place);
}

struct arena *search_arena(const struct search *search, const char *address) {
    return arena_of(search, (gait_word)address, false);
}

/* Has marking seen that there is a reference to it? */
static bool arena_is_marked(const struct search *search, const struct arena *arena) {
    AO_t scan = AO_load(&arena->scan);
    return (ARENA_CYCLE(scan) == search->use->epoch + 1 && ARENA_LEFT(scan) == 0) ||
           (arena_is_root(arena) && !(arena->flags & ARENA_TRACED));
}

static uint64_t *visited_word(const struct search *search, const struct cell *cell) {
    return &search->visited[(size_t)(cell->pair - search->space->bits) / 2];
}

static bool is_visited(const struct search *search, const struct cell *cell) {
    return (*visited_word(search, cell) & cell->bit) != 0;
}

/* ---- Paths ---- */

/* What all is found from that roots lead to now. Only if entries are kept, each place has its own.
 */
static struct search_entry *root_entry(struct search *search, bool conservative) {
    const struct gait_visitor *visitor = &search->visitor;
    struct search_root *root = &search->root;
    if (search->use->keep && !(root = queue_put(search, &search->roots, sizeof *root)))
        root = &search->root;
    *root = (struct search_root){.roots = visitor->roots,
                                 .of_coroutine = visitor->of_coroutine,
                                 .conservative = conservative,
                                 .of = visitor->root_of,
                                 .owner = visitor->owner,
                                 .thread = -1};
    if (visitor->owner && !visitor->of_coroutine)
        root->thread = platform_clock_thread(((const gait_mutator *)visitor->owner)->cpu_clock);
    return &root->entry;
}

/* The entry of the ephemeron that a pair lies in. */
static struct search_entry *pair_source(struct search *search, const volatile gait_word *pair) {
    struct cell cell;
    if (search_cell(search, (const char *)pair, &cell))
        for (struct search_chunk *chunk = search->ephemerons.first; chunk; chunk = chunk->next)
            for (size_t i = 0; i < chunk->count; i++) {
                const struct search_entry *found = (struct search_entry *)chunk->items + i;
                if (found->object == cell.start)
                    return found->parent;
            }
    return &search->root.entry;
}

/* The value of a pair that waited for its key has no parent until somebody asks: few do. */
static struct search_entry *parent_of(struct search *search, struct search_entry *entry) {
    if (entry->parent == &search->paired)
        entry->parent = pair_source(search, entry->at);
    return entry->parent;
}

const struct search_root *search_path(struct search *search, struct search_entry *entry,
                                      size_t *length) {
    *length = 0;
    for (; parent_of(search, entry); entry = entry->parent)
        ++*length;
    return (const struct search_root *)entry;
}

const struct search_entry *search_step(const struct search_entry *entry, size_t length, size_t n) {
    while (--length > n)
        entry = entry->parent;
    return entry;
}

/* ---- The search ---- */

/* An object, or an arena, is found: the entry that leads to it. */
static struct search_entry entry_of(struct search *search, char *object, bool conservative) {
    return (struct search_entry){.object = object,
                                 .parent = search->source ? search->source
                                                          : root_entry(search, conservative),
                                 .at = search->visitor.at};
}

static void tell_found(struct search *search, const struct search_entry *entry,
                       const struct cell *cell, const struct arena *arena) {
    if (!search->use->found(search, entry, cell, arena))
        search->over = true;
}

static void tell_unmarked(struct search *search, char *object, bool conservative) {
    if (!search->use->unmarked)
        return;
    struct search_entry entry = entry_of(search, object, conservative);
    search->use->unmarked(search, &entry);
}

/* Pairs waited for this key. */
static void key_found(struct search *search, uintptr_t key) {
    struct ephemeron_wait *wait = ephemerons_take(&search->keys, key), *next;
    for (; wait; wait = next) {
        next = (struct ephemeron_wait *)wait->node.next;
        entry_put(search, &search->pairs, &(struct search_entry){.object = (char *)wait->pair});
        ephemerons_free(&search->keys, wait);
    }
}

static bool is_visited_arena(const struct search *search, const struct arena *arena) {
    return search->visited_arenas[arena->index / 64] >> (arena->index % 64) & 1;
}

/* A root that proves nothing: .inv.old. */
static bool is_old(const struct search *search, bool conservative) {
    return conservative && !search->source && search->heap->concurrent && !search->heap->watches;
}

/* As visit. */
static void visit_arena(struct search *search, struct arena *arena, bool conservative) {
    if (is_visited_arena(search, arena))
        return;
    bool marked = arena_is_marked(search, arena);
    if (!marked && is_old(search, conservative))
        return;
    search->visited_arenas[arena->index / 64] |= (uint64_t)1 << (arena->index % 64);
    if (AO_load(&search->keys.pairs))
        key_found(search, (uintptr_t)arena->handle); /* of any place of it */
    if (!marked) {
        tell_unmarked(search, arena->handle, conservative);
        return;
    }
    struct search_entry entry = entry_of(search, arena->handle, conservative);
    tell_found(search, &entry, NULL, arena);
    if (arena_is_scanned(arena))
        entry_put(search, &search->grey, &entry);
}

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct search *search = (struct search *)visitor;
    struct cell cell;
    if (search->over)
        return;
    if (!search_word(search, word, conservative, &cell)) {
        struct arena *arena = arena_of(search, word, conservative);
        if (arena)
            visit_arena(search, arena, conservative);
        return;
    }
    if (is_visited(search, &cell))
        return;
    bool marked = cell_marked(&cell, search->use->epoch);
    if (!marked && is_old(search, conservative))
        return;
    *visited_word(search, &cell) |= cell.bit;
    if (AO_load(&search->keys.pairs))
        key_found(search, (uintptr_t)cell.start);
    if (!marked) {
        tell_unmarked(search, cell.start, conservative);
        return;
    }
    struct search_entry entry = entry_of(search, cell.start, conservative);
    tell_found(search, &entry, &cell, NULL);
    if (ENTRY_LAYOUT(cell.entry) != GAIT_LEAF)
        entry_put(search, &search->grey, &entry);
}

/* Visit the values of an ephemeron whose keys are found, or no objects; the others wait. */
static void visit_ephemeron(struct search *search, struct search_entry *entry,
                            const struct cell *cell) {
    size_t words;
    const gait_word *pair =
        weak_part(search->space, cell->start, cell->entry, search_cell_bytes(search, cell), &words);
    if (search->use->keep)
        entry_put(search, &search->ephemerons,
                  &(struct search_entry){.object = cell->start, .parent = entry});
    for (; words >= 2; words -= 2, pair += 2) {
        struct cell key;
        const struct arena *arena = arena_of(search, pair[0], false);
        search->visitor.at = &pair[1];
        if (arena ? is_visited_arena(search, arena) || arena_is_root(arena)
                  : !search_word(search, pair[0], false, &key) || is_visited(search, &key))
            visit(&search->visitor, pair[1], false);
        else if (ephemerons_add(&search->keys, (uintptr_t)(arena ? arena->handle : key.start),
                                pair) < 0)
            search->failed = search->over = true;
    }
}

static void visit_object(struct search *search, struct search_entry *entry) {
    struct cell cell;
    struct arena *arena = search_arena(search, entry->object);
    search->source = entry;
    if (arena) {
        arena_visit(&search->heap->arenas, arena, &search->visitor);
        return;
    }
    if (!search_cell(search, entry->object, &cell))
        return;
    marker_visit_object(search->space, &search->visitor, cell.start, cell.entry,
                        search_cell_bytes(search, &cell));
    if (ENTRY_LAYOUT(cell.entry) == GAIT_EPHEMERON)
        visit_ephemeron(search, entry, &cell);
}

static void look_at_clock(struct search *search) {
    if (search->end_ns && ++search->looked % CLOCK_OBJECTS == 0 &&
        platform_now_ns() >= search->end_ns)
        search->late = search->over = true;
}

/* Visit what is grey, and the pairs whose keys are found by it, until nothing is left. */
static void visit_all(struct search *search) {
    struct search_entry *entry;
    while (!search->over) {
        if ((entry = queue_next(search, &search->grey))) {
            visit_object(search, entry);
        } else if ((entry = queue_next(search, &search->pairs))) {
            const gait_word *pair = (const gait_word *)entry->object;
            search->source = &search->paired;
            search->visitor.at = &pair[1];
            visit(&search->visitor, pair[1], false);
        } else {
            break;
        }
        look_at_clock(search);
    }
    search->source = NULL;
}

static void visit_roots(struct search *search) {
    gait_heap *heap = search->heap;
    struct gait_visitor *visitor = &search->visitor;
    mutators_visit_roots(&heap->world, visitor);
    roots_visit(&heap->roots, visitor);
    arenas_visit_roots(&heap->arenas, visitor);
}

static bool is_found(struct gait_visitor *visitor, gait_word word) {
    const struct search *search = (const struct search *)visitor;
    struct cell cell;
    if (search_word(search, word, false, &cell))
        return is_visited(search, &cell);
    const struct arena *arena = arena_of(search, word, false);
    return !arena || is_visited_arena(search, arena);
}

/* What is not marked counts as found once it was met: so this comes to an end. */
static void visit_hooks(struct search *search) {
    struct liveness_search asking = {
        .visitor = &search->visitor, .is_found = is_found, .side = ~search->use->epoch & 1};
    bool more = search->use->hooks && liveness_has_hooks(&search->heap->liveness);
    while (more && !search->over) {
        visitor_enter(&search->visitor, ROOTS_HOOK, NULL);
        more = liveness_find(&search->heap->liveness, &search->heap->workers.marker, &asking);
        visit_all(search);
    }
}

bool search_run(struct search *search, gait_heap *heap, const struct search_use *use) {
    *search = (struct search){
        .visitor = visitor_of(&heap->space, heap->value_mask, visit),
        .heap = heap,
        .space = &heap->space,
        .use = use,
        .end_ns = use->most_ns > 0 ? platform_deadline_ns(use->most_ns) : 0,
    };
    search->visitor.reach = coroutine_visit_reached;
    ephemerons_init(&search->keys, &heap->space.metadata_bytes);
    if (!search_alloc(search)) {
        search->failed = true;
        return false;
    }
    visit_roots(search);
    visit_all(search);
    visit_hooks(search);
    if (!search->over) { /* .inv.shortest */
        finalizers_visit(&heap->finalizers, search->space, &search->visitor);
        visit_all(search);
        visit_hooks(search);
    }
    return !search->failed && !search->late;
}

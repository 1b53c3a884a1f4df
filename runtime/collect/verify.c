/* SPDX-License-Identifier: MIT */
/*
 * A search of all that is reachable, breadth first, with marks of its own. See verify.h.
 *
 * It adds up what it finds (gcfloat), or finds what has no mark (gccheckmark).
 *
 * It shares with marking what says where references are (marker_visit_object, the visits of roots)
 * and the table of keys that pairs wait for; not the queue, the marks or the order.
 *
 * The first search forgets an object as soon as its references were looked at. Only if it finds
 * that something was missed, a second one keeps every object with the one that led to it, for the
 * paths. The world stands still, so both see the same.
 */
#include "verify.h"

#include <stdlib.h>

#include "../instance.h"
#include "../mark/ephemerons.h"
#include "../mark/suspended.h"
#include "../mark/weak.h"
#include "../observe/observe.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define CHUNK_ENTRIES (CHUNK_BYTES / sizeof(struct entry) - 1)
/* Missed objects that are told of, and the objects of a path that are shown at each of its ends. */
#define REPORTS_MAX 8
#define PATH_SHOWN 24

/* An object that was found, and what led to it: another one, or a class of roots. */
struct entry {
    char *object; /* NULL: a class of roots */
    struct entry *parent;
};

struct chunk {
    struct chunk *next;
    size_t count;
    struct entry entries[];
};

/* First in, first out. */
struct queue {
    struct chunk *first;
    struct chunk *last;
    size_t taken; /* of the first chunk */
};

enum root_class { ROOT_MUTATOR, ROOT_SHARED, ROOT_FINALIZER, ROOT_CLASSES };

static const char *const root_names[ROOT_CLASSES] = {
    "a mutator's roots",
    "static slots, handles, pinned arenas or a stopped coroutine",
    "finalizers that are queued or may come",
};

struct search {
    struct gait_visitor visitor; /* first: visit casts */
    gait_heap *heap;
    struct space *space;
    unsigned epoch;
    uint64_t *visited; /* a bit per cell: one word for each pair of the space's */
    size_t visited_bytes;
    uint64_t *visited_arenas; /* a bit per record */
    size_t visited_arenas_bytes;
    struct queue grey;
    struct queue kept;      /* chunks that were taken from grey, if keep */
    struct queue objects;   /* found ephemerons; parent: their own entry. Only if keep */
    struct ephemerons keys; /* keys that are not found yet, with their pairs */
    struct queue pairs;     /* pairs whose keys were found since; object: the pair */
    struct entry roots[ROOT_CLASSES];
    struct entry *source; /* whose references are visited now */
    bool keep;            /* keep what leads to what, and tell what was missed */
    bool failed;          /* there was no memory */
    size_t missed;        /* objects without a mark; what they lead to is not looked for */
    size_t found_bytes;   /* cells of the others */
};

/* ---- Memory ---- */

static void chunk_append(struct queue *queue, struct chunk *chunk) {
    chunk->next = NULL;
    if (queue->last)
        queue->last->next = chunk;
    else
        queue->first = chunk;
    queue->last = chunk;
}

/* @return the entry's place, or NULL: no memory. */
static struct entry *queue_put(struct search *search, struct queue *queue, char *object,
                               struct entry *parent) {
    if (!queue->last || queue->last->count == CHUNK_ENTRIES) {
        struct chunk *chunk = platform_map(CHUNK_BYTES);
        if (!chunk) {
            search->failed = true;
            return NULL;
        }
        chunk_append(queue, chunk);
    }
    struct entry *entry = &queue->last->entries[queue->last->count++];
    *entry = (struct entry){object, parent};
    return entry;
}

/* Drop the first chunk, of which all was taken: keep it, or give it back. */
static void queue_drop(struct search *search, struct queue *queue) {
    struct chunk *chunk = queue->first;
    queue->first = chunk->next;
    queue->taken = 0;
    if (!queue->first)
        queue->last = NULL;
    if (search->keep)
        chunk_append(&search->kept, chunk);
    else
        platform_unreserve(chunk, CHUNK_BYTES);
}

/* @return the next entry, good until the next call (or for long, if keep); NULL: none. */
static struct entry *queue_next(struct search *search, struct queue *queue) {
    if (queue->first && queue->taken == CHUNK_ENTRIES)
        queue_drop(search, queue);
    if (!queue->first || queue->taken == queue->first->count)
        return NULL;
    return &queue->first->entries[queue->taken++];
}

static void queue_free(struct queue *queue) {
    for (struct chunk *chunk = queue->first, *next; chunk; chunk = next) {
        next = chunk->next;
        platform_unreserve(chunk, CHUNK_BYTES);
    }
    *queue = (struct queue){0};
}

static void search_free(struct search *search) {
    queue_free(&search->grey);
    queue_free(&search->kept);
    queue_free(&search->objects);
    queue_free(&search->pairs);
    ephemerons_destroy(&search->keys);
    if (search->visited)
        platform_unreserve(search->visited, search->visited_bytes);
    if (search->visited_arenas)
        platform_unreserve(search->visited_arenas, search->visited_arenas_bytes);
    search->visited = search->visited_arenas = NULL;
}

static bool search_alloc(struct search *search) {
    size_t page_bytes = platform_page_bytes();
    size_t pages = AO_load_acquire(&search->space->extent_bytes) >> PAGE_SHIFT;
    size_t bytes = pages * (BITS_WORDS / 2) * sizeof(uint64_t);
    search->visited_bytes = (bytes + page_bytes) & ~(page_bytes - 1);
    search->visited = platform_map(search->visited_bytes);
    size_t arena_bits = AO_load_acquire(&search->heap->arenas.count) + 1;
    search->visited_arenas_bytes = (arena_bits / 8 + page_bytes) & ~(page_bytes - 1);
    search->visited_arenas = platform_map(search->visited_arenas_bytes);
    return search->visited && search->visited_arenas;
}

/* ---- Cells ---- */

static bool cell_at(const struct search *search, gait_word address, struct cell *cell) {
    return space_holds(search->space, address) && space_cell(search->space, address, cell) &&
           cell_allocated(cell, search->epoch);
}

/* The object that a word refers to, as marking takes it. */
static bool cell_of(const struct search *search, gait_word word, bool conservative,
                    struct cell *cell) {
    gait_word address = word & search->heap->value_mask;
    if (conservative)
        return cell_at(search, word, cell) || cell_at(search, address, cell);
    return cell_at(search, address, cell) && cell_is_meant(search->space, cell, address);
}

/* The arena that a word refers to: any place in it will do. NULL: none, or the end of one that is
 * being made. */
static struct arena *arena_of(const struct search *search, gait_word word, bool conservative) {
    gait_word address = word & search->heap->value_mask;
    struct arena *arena = NULL;
    if (conservative && space_holds(search->space, word))
        arena = arenas_of(search->space, word);
    if (!arena && (conservative || address % sizeof(gait_word) == 0) &&
        space_holds(search->space, address))
        arena = arenas_of(search->space, address);
    return arena && arena_state(arena) >= ARENA_LIVE ? arena : NULL;
}

/* Does it live whatever leads to it? */
static bool arena_is_root(const struct arena *arena) {
    return arena_state(arena) == ARENA_LIVE && (arena->flags & ARENA_PINNED);
}

/* Has marking seen that there is a reference to it? */
static bool arena_is_marked(const struct search *search, const struct arena *arena) {
    AO_t scan = AO_load(&arena->scan);
    return (ARENA_CYCLE(scan) == search->epoch + 1 && ARENA_LEFT(scan) == 0) ||
           (arena_is_root(arena) && !(arena->flags & ARENA_TRACED));
}

static uint64_t *visited_word(const struct search *search, const struct cell *cell) {
    return &search->visited[(size_t)(cell->pair - search->space->bits) / 2];
}

static bool is_visited(const struct search *search, const struct cell *cell) {
    return (*visited_word(search, cell) & cell->bit) != 0;
}

static size_t cell_bytes(const struct search *search, const struct cell *cell) {
    return entry_cell_bytes(search->space, cell->entry, cell->head);
}

/* ---- Telling of a path ---- */

/* Add an object's address, kind and size. */
static void add_object(const struct search *search, struct line *line, const char *object) {
    struct cell cell;
    const struct arena *arena = arena_of(search, (gait_word)object, false);
    if (arena)
        line_add(line, "%p (arena \"%s\", created at %s)", (const void *)object, arena->name,
                 arena->created);
    if (!cell_at(search, (gait_word)object, &cell))
        return;
    line_add(line, "%p (%s, %zu bytes)", (const void *)object,
             search->space->kinds[ENTRY_KIND(cell.entry)].name, cell_bytes(search, &cell));
}

/* Add at which of its bytes an object refers to another one, if a plain word does. */
static void add_offset(const struct search *search, struct line *line, const char *object,
                       const char *target) {
    struct cell cell;
    if (!cell_at(search, (gait_word)object, &cell))
        return;
    const gait_word *words = (const gait_word *)object;
    for (size_t i = 0; i < cell_bytes(search, &cell) / sizeof(gait_word); i++)
        if ((words[i] & search->heap->value_mask) == (gait_word)target) {
            line_add(line, ", at byte %zu:", i * sizeof(gait_word));
            return;
        }
}

static void tell(const struct search *search, const struct entry *source, const char *missed) {
    FILE *log = search->heap->log;
    struct line line = {.length = 0};
    line_add(&line, "gccheckmark: reachable, but not marked: ");
    add_object(search, &line, missed);
    line_write(&line, log);

    size_t length = 0;
    const struct entry *root = source;
    for (; root->parent; root = root->parent)
        length++;
    line_add(&line, "gccheckmark:   from %s", root_names[root - search->roots]);
    line_write(&line, log);
    for (size_t left = length; left > 0; left--) {
        if (length - left == PATH_SHOWN && left > PATH_SHOWN) {
            line_add(&line, "gccheckmark:   … %zu more …", left - PATH_SHOWN);
            line_write(&line, log);
            left = PATH_SHOWN;
        }
        const struct entry *entry = source;
        const char *target = missed;
        for (size_t up = 1; up < left; up++) {
            target = entry->object;
            entry = entry->parent;
        }
        line_add(&line, "gccheckmark:   ");
        add_object(search, &line, entry->object);
        add_offset(search, &line, entry->object, target);
        line_write(&line, log);
    }
}

/* ---- The search ---- */

/* Pairs waited for this key. */
static void key_found(struct search *search, const struct cell *key) {
    struct ephemeron_wait *wait = ephemerons_take(&search->keys, (uintptr_t)key->start), *next;
    for (; wait; wait = next) {
        next = (struct ephemeron_wait *)wait->node.next;
        queue_put(search, &search->pairs, (char *)wait->pair, NULL);
        ephemerons_free(&search->keys, wait);
    }
}

/* Pairs waited for any place of this arena. */
static void arena_key_found(struct search *search, const struct arena *arena) {
    struct cell key = {.start = arena->handle};
    key_found(search, &key);
}

static bool is_visited_arena(const struct search *search, const struct arena *arena) {
    return search->visited_arenas[arena->index / 64] >> (arena->index % 64) & 1;
}

/* As visit. */
static void visit_arena(struct search *search, struct arena *arena, bool conservative) {
    if (is_visited_arena(search, arena))
        return;
    bool marked = arena_is_marked(search, arena);
    if (!marked && conservative && !search->source->parent && search->heap->concurrent)
        return;
    search->visited_arenas[arena->index / 64] |= (uint64_t)1 << (arena->index % 64);
    if (AO_load(&search->keys.pairs))
        arena_key_found(search, arena);
    if (!marked) {
        if (search->keep && search->missed < REPORTS_MAX)
            tell(search, search->source, arena->handle);
        search->missed++;
    } else if (arena_state(arena) == ARENA_LIVE && (arena->flags & ARENA_TRACED)) {
        queue_put(search, &search->grey, arena->handle, search->source);
    }
}

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct search *search = (struct search *)visitor;
    struct cell cell;
    if (search->failed)
        return;
    if (!cell_of(search, word, conservative, &cell)) {
        struct arena *arena = arena_of(search, word, conservative);
        if (arena)
            visit_arena(search, arena, conservative);
        return;
    }
    if (is_visited(search, &cell))
        return;
    bool marked = cell_marked(&cell, search->epoch);
    /* what lay on a C stack as marking began is there no more, and what lies there now may be old
     * and dead: a word that was not scanned proves nothing */
    if (!marked && conservative && !search->source->parent && search->heap->concurrent)
        return;
    *visited_word(search, &cell) |= cell.bit;
    if (AO_load(&search->keys.pairs))
        key_found(search, &cell);
    if (!marked) {
        if (search->keep && search->missed < REPORTS_MAX)
            tell(search, search->source, cell.start);
        search->missed++;
        return;
    }
    search->found_bytes += cell_bytes(search, &cell);
    if (ENTRY_LAYOUT(cell.entry) != GAIT_LEAF)
        queue_put(search, &search->grey, cell.start, search->source);
}

static void visit_roots(struct search *search) {
    search->source = &search->roots[ROOT_MUTATOR];
    for (gait_mutator *mutator = search->heap->world.first; mutator; mutator = mutator->next)
        mutator_visit_roots(mutator, &search->visitor);
    if (search->heap->world.hooks.roots)
        search->heap->world.hooks.roots(&search->visitor, search->heap->world.hooks.data);
    search->source = &search->roots[ROOT_SHARED];
    roots_visit(&search->heap->roots, &search->visitor);
    uint32_t arenas = (uint32_t)AO_load_acquire(&search->heap->arenas.count);
    for (uint32_t i = 1; i <= arenas; i++) {
        struct arena *arena = arenas_at(&search->heap->arenas, i);
        if (arena_is_root(arena))
            visit_arena(search, arena, false);
    }
    search->source = &search->roots[ROOT_FINALIZER];
    finalizers_visit(&search->heap->finalizers, search->space, &search->visitor);
}

/* Visit the values of an ephemeron whose keys are found, or no objects; the others wait. */
static void visit_ephemeron(struct search *search, struct entry *entry, const struct cell *cell) {
    size_t words;
    const gait_word *pair =
        weak_part(search->space, cell->start, cell->entry, cell_bytes(search, cell), &words);
    if (search->keep)
        queue_put(search, &search->objects, cell->start, entry);
    for (; words >= 2; words -= 2, pair += 2) {
        struct cell key;
        const struct arena *arena = arena_of(search, pair[0], false);
        if (arena ? is_visited_arena(search, arena) || arena_is_root(arena)
                  : !cell_of(search, pair[0], false, &key) || is_visited(search, &key))
            visit(&search->visitor, pair[1], false);
        else if (ephemerons_add(&search->keys, (uintptr_t)(arena ? arena->handle : key.start),
                                pair) < 0)
            search->failed = true;
    }
}

/* An arena's words, and where they go. */
struct low_visit {
    struct search *search;
    bool conservative;
};

static void visit_low(void *data, char *low, char *low_end) {
    const struct low_visit *to = data;
    for (; low + sizeof(gait_word) <= low_end; low += sizeof(gait_word))
        visit(&to->search->visitor, *(const gait_word *)low, to->conservative);
}

static void visit_object(struct search *search, struct entry *entry) {
    struct cell cell;
    struct arena *arena = arena_of(search, (gait_word)entry->object, false);
    if (arena) {
        struct low_visit to = {search, AO_load(&arena->conservative) != 0};
        search->source = entry;
        search->heap->arenas.hooks.each_low(arena, visit_low, &to);
        return;
    }
    if (!cell_at(search, (gait_word)entry->object, &cell))
        return;
    search->source = entry;
    marker_visit_object(search->space, &search->visitor, cell.start, cell.entry,
                        cell_bytes(search, &cell));
    if (ENTRY_LAYOUT(cell.entry) == GAIT_EPHEMERON)
        visit_ephemeron(search, entry, &cell);
}

/* The entry of the ephemeron that a pair lies in, for a path; any other one if there is no path. */
static struct entry *pair_source(struct search *search, const char *pair) {
    struct cell cell;
    if (search->keep && cell_at(search, (gait_word)pair, &cell))
        for (struct chunk *chunk = search->objects.first; chunk; chunk = chunk->next)
            for (size_t i = 0; i < chunk->count; i++)
                if (chunk->entries[i].object == cell.start)
                    return chunk->entries[i].parent;
    return &search->roots[ROOT_SHARED];
}

/* Visit what is grey, and the pairs whose keys are found by it, until nothing is left. */
static void visit_all(struct search *search) {
    struct entry *entry;
    while (!search->failed) {
        if ((entry = queue_next(search, &search->grey))) {
            visit_object(search, entry);
        } else if ((entry = queue_next(search, &search->pairs))) {
            search->source = pair_source(search, entry->object);
            visit(&search->visitor, ((const gait_word *)entry->object)[1], false);
        } else {
            return;
        }
    }
}

/* @return false: there was no memory for it. */
static bool search_run(struct search *search) {
    if (!search_alloc(search))
        return false;
    visit_roots(search);
    visit_all(search);
    return !search->failed;
}

/* epoch: that marks were made in. @return false: no memory, and what it found is not all. */
static bool search_heap(gait_heap *heap, unsigned epoch, bool keep, struct search *search) {
    *search = (struct search){
        .visitor = visitor_of(&heap->space, heap->value_mask, visit),
        .heap = heap,
        .space = &heap->space,
        .epoch = epoch,
        .keep = keep,
    };
    search->visitor.reach = coroutine_visit_reached;
    ephemerons_init(&search->keys, &heap->space.metadata_bytes);
    bool complete = search_run(search);
    search_free(search);
    return complete;
}

/* Tell of changes to suspended coroutines' roots that no barrier has seen: the objects have no
 * mark. @return how many. */
static size_t tell_changes(gait_heap *heap) {
    struct search search = {
        .heap = heap, .space = &heap->space, .epoch = space_epoch(&heap->space)};
    suspended_compare_all(&heap->roots);
    size_t count, told = 0;
    const struct suspect *suspects = suspended_suspects(&heap->roots, &count);
    for (size_t i = 0; i < count; i++) {
        struct cell cell;
        if (!cell_of(&search, suspects[i].word, suspects[i].conservative, &cell) ||
            cell_marked(&cell, search.epoch))
            continue;
        if (told++ >= REPORTS_MAX)
            continue;
        if (told == 1)
            observe_flush(heap); /* the report is written at once: nothing comes after it */
        struct line line = {.length = 0};
        line_add(&line, "gccheckmark: a suspended coroutine's roots changed without gait_store: ");
        add_object(&search, &line, cell.start);
        line_add(&line, suspects[i].went ? " was taken out" : " was put in");
        line_write(&line, heap->log);
    }
    suspended_forget(&heap->roots);
    return told;
}

void verify_marks(gait_heap *heap) {
    struct search search;
    unsigned epoch = space_epoch(&heap->space);
    size_t changed = tell_changes(heap);
    if (!search_heap(heap, epoch, false, &search) && search.missed == 0) {
        struct line line = {.length = 0};
        line_add(&line, "gccheckmark: no memory for the search; not checked");
        observe_line(heap, &line);
        return;
    }
    if (changed > 0 && search.missed == 0)
        platform_fatal("gccheckmark: %zu words of suspended coroutines' roots changed without "
                       "gait_store; the log has them",
                       changed);
    if (search.missed == 0)
        return;
    observe_flush(heap); /* the report is written at once: nothing comes after it */
    search_heap(heap, epoch, true, &search);
    platform_fatal("gccheckmark: marking missed %zu reachable objects; the log has the paths",
                   search.missed);
}

size_t verify_found_bytes(gait_heap *heap) {
    struct search search;
    /* the bits have turned over, and no sweep has changed one of them */
    if (search_heap(heap, space_epoch(&heap->space) - 1, false, &search))
        return search.found_bytes;
    struct line line = {.length = 0};
    line_add(&line, "gcfloat: no memory for the search; not measured");
    observe_line(heap, &line);
    return 0;
}

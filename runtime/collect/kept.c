/* SPDX-License-Identifier: MIT */
/*
 * What keeps objects that should be dead. See kept.h.
 *
 * In the stop nothing calls malloc, stdio or the loader, whose locks a stopped thread may hold: a
 * way is noted as numbers, in memory that is mapped, and put into words when the world runs.
 */
#include "kept.h"

#include <string.h>

#include "../abi.h"
#include "../instance.h"
#include "../observe/observe.h"
#include "../platform/platform.h"
#include "search.h"

/* Objects of a way that are given at each of its ends. */
#define SHOWN 24
#define NAME_BYTES sizeof(((struct arena *)0)->name)

/* An object on a way. */
struct kept_step {
    const void *object;
    const char *name; /* of its kind; NULL: an arena, its name is beside */
    size_t bytes;     /* 0: an arena */
    ptrdiff_t place;  /* of the word that leads to the next one; -1: not known */
};

struct kept_path {
    struct kept_path *next;
    const void *object;
    char note[GAIT_NOTE_BYTES];
    struct search_root root;
    const volatile gait_word *root_at;
    size_t length; /* objects on the way, itself included */
    size_t told;   /* of these, in steps; if fewer, the first and the last ones */
    struct kept_step steps[2 * SHOWN];
    char arenas[2 * SHOWN][NAME_BYTES];
};

/* ---- In the stop ---- */

/* A search, and what it is for. */
struct looking {
    gait_heap *heap;
    uint64_t cycle;
    size_t due; /* that were not found yet */
    bool failed;
};

static void take_step(const struct search *search, struct kept_path *path, size_t i,
                      const struct search_entry *entry, const volatile gait_word *at) {
    struct kept_step *step = &path->steps[i];
    struct cell cell;
    const struct arena *arena = search_arena(search, entry->object);
    *step = (struct kept_step){.object = entry->object,
                               .place = search_place(search, entry->object, at)};
    if (arena) {
        memcpy(path->arenas[i], arena->name, NAME_BYTES);
    } else if (search_cell(search, entry->object, &cell)) {
        step->name = search->space->kinds[ENTRY_KIND(cell.entry)].name;
        step->bytes = search_cell_bytes(search, &cell);
    }
}

static void take_steps(struct search *search, struct kept_path *path, struct search_entry *last) {
    const struct search_root *root = search_path(search, last, &path->length);
    path->root = *root;
    path->root_at = search_step(last, path->length, 0)->at;
    path->told = path->length < 2 * SHOWN ? path->length : 2 * SHOWN;
    for (size_t i = 0; i < path->told; i++) {
        size_t n = i < path->told / 2 ? i : path->length - path->told + i;
        bool is_last = n + 1 == path->length;
        take_step(search, path, i, search_step(last, path->length, n),
                  is_last ? NULL : search_step(last, path->length, n + 1)->at);
    }
}

/* @return false: no memory for it. */
static bool take_path(struct search *search, struct expected_record *record,
                      struct search_entry *last) {
    struct kept_paths *kept = &search->heap->cycle.kept;
    struct kept_path *path = pool_take(&kept->pool);
    if (!path)
        return false;
    path->next = NULL;
    path->object = (const void *)record->node.key;
    memcpy(path->note, record->note, sizeof path->note);
    take_steps(search, path, last);
    *kept->last = path;
    kept->last = &path->next;
    return true;
}

static bool found(struct search *search, const struct search_entry *entry, const struct cell *cell,
                  const struct arena *arena) {
    struct looking *looking = search->use->data;
    struct expected *expected = &looking->heap->expected;
    (void)arena;
    if (!cell || !AO_char_load(&search->space->spans[cell->head].recorded))
        return true;
    struct expected_record *record = expected_find(expected, cell->start, looking->cycle);
    if (!record)
        return true;
    struct search_entry last = *entry;
    if (take_path(search, record, &last))
        expected_drop(expected, record);
    else
        looking->failed = true;
    return --looking->due > 0;
}

void kept_search(gait_heap *heap) {
    struct expected *expected = &heap->expected;
    struct kept_paths *kept = &heap->cycle.kept;
    struct looking looking = {.heap = heap, .cycle = heap->cycle.record.number};
    kept->last = &kept->first;
    looking.due = expected_due(expected, &heap->space, looking.cycle);
    if (looking.due == 0)
        return;
    int64_t begin_ns = platform_now_ns();
    struct search search;
    struct search_use use = {.epoch = space_epoch(&heap->space) - 1,
                             .keep = true,
                             .hooks = true,
                             .found = found,
                             .data = &looking,
                             .most_ns = expected_get_use(expected).stop_most_ns};
    bool complete = search_run(&search, heap, &use);
    kept->why = NULL;
    if (search.late)
        kept->why = "it took too long";
    else if (!complete || looking.failed)
        kept->why = "there is no memory for it";
    kept->left = looking.due;
    search_end(&search);
    kept->stop_ns = platform_now_ns() - begin_ns;
}

/* ---- When the world runs ---- */

/* What the words of a root are in: a module of the program, for its symbols. */
static void add_module(struct line *line, const struct kept_path *path) {
    enum visitor_roots roots = path->root.roots;
    uintptr_t offset;
    char name[64];
    if ((roots == ROOTS_STATIC || roots == ROOTS_RANGE || roots == ROOTS_SEGMENT) &&
        path->root_at && platform_module((const void *)path->root_at, name, sizeof name, &offset))
        line_add(line, " (%s+0x%zx)", name, (size_t)offset);
}

static void add_root(struct line *line, const struct kept_path *path) {
    search_add_root(line, &path->root, path->root_at);
    add_module(line, path);
}

static void log_step(gait_heap *heap, const struct kept_path *path, size_t i) {
    const struct kept_step *step = &path->steps[i];
    struct line line = {.length = 0};
    line_add(&line, "gait:   %p (", step->object);
    line_add_text(&line, step->name ? step->name : path->arenas[i]);
    if (step->name)
        line_add(&line, ", %zu bytes)", step->bytes);
    else
        line_add(&line, ", an arena)");
    if (step->place >= 0)
        line_add(&line, ", at byte %td:", step->place);
    observe_line(heap, &line);
}

/* Of a list, one node is as good as another. Not the last one: nothing leads on from it. */
static bool step_is_as(const struct kept_step *one, const struct kept_step *other) {
    return one->name && one->name == other->name && one->bytes == other->bytes && one->place >= 0 &&
           one->place == other->place;
}

static void log_left_out(gait_heap *heap, size_t steps, const char *how) {
    struct line line = {.length = 0};
    if (steps == 0)
        return;
    line_add(&line, "gait:   … %zu more%s …", steps, how);
    observe_line(heap, &line);
}

static void log_path(gait_heap *heap, const struct kept_path *path) {
    struct line line = {.length = 0};
    const struct kept_step *last = &path->steps[path->told - 1];
    line_add(&line, "gait: %p (", path->object);
    line_add_text(&line, last->name);
    line_add(&line, ", %zu bytes)", last->bytes);
    if (*path->note) {
        line_add(&line, " \"");
        line_add_text(&line, path->note);
        line_add(&line, "\"");
    }
    line_add(&line, ", expected dead, is kept, in cycle %llu, by",
             (unsigned long long)heap->cycle.record.number);
    observe_line(heap, &line);
    line_add(&line, "gait:   ");
    add_root(&line, path);
    line_add(&line, ":");
    observe_line(heap, &line);
    size_t alike = 0;
    for (size_t i = 0; i < path->told; i++) {
        bool gap = i == path->told / 2 && path->told < path->length;
        if (!gap && i > 0 && step_is_as(&path->steps[i - 1], &path->steps[i])) {
            alike++;
            continue;
        }
        log_left_out(heap, alike, " like it");
        if (gap)
            log_left_out(heap, path->length - path->told, "");
        alike = 0;
        log_step(heap, path, i);
    }
}

#define KEPT_BYTES_MOST 512

static void call(gait_heap *heap, const struct expected_use *use, const struct kept_path *path) {
    const void *objects[2 * SHOWN];
    const char *names[2 * SHOWN];
    size_t bytes[2 * SHOWN];
    ptrdiff_t places[2 * SHOWN];
    for (size_t i = 0; i < path->told; i++) {
        const struct kept_step *step = &path->steps[i];
        objects[i] = step->object;
        names[i] = step->name ? step->name : path->arenas[i];
        bytes[i] = step->bytes;
        places[i] = step->place;
    }
    struct line root = {.length = 0};
    add_root(&root, path);
    root.text[root.length] = '\0';
    union {
        gait_kept kept;
        char room[KEPT_BYTES_MOST];
    } given;
    const gait_kept kept = {.object = path->object,
                            .note = path->note,
                            .root = root.text,
                            .root_at = (const void *)path->root_at,
                            .length = path->length,
                            .told = path->told,
                            .objects = objects,
                            .names = names,
                            .bytes = bytes,
                            .places = places,
                            .stop_ns = heap->cycle.kept.stop_ns};
    size_t kept_bytes = use->kept_bytes < KEPT_BYTES_MOST ? use->kept_bytes : KEPT_BYTES_MOST;
    abi_give(&given, kept_bytes, &kept, sizeof kept);
    use->kept(heap, &given.kept, use->data);
}

/* How long the program stood still for it, or why there is nothing to report. */
static void log_search(gait_heap *heap, const struct kept_paths *kept) {
    struct line line = {.length = 0};
    if (kept->why)
        line_add(&line,
                 "gait: %zu objects expected dead are marked; what keeps them was not found, since "
                 "%s: the program was stopped for ",
                 kept->left, kept->why);
    else
        line_add(&line, "gait: the program was stopped for ");
    line_add_ms(&line, kept->stop_ns);
    line_add(&line, kept->why ? " ms" : " ms to look for it");
    observe_line(heap, &line);
}

void kept_tell(gait_heap *heap) {
    struct kept_paths *kept = &heap->cycle.kept;
    if (!kept->first && !kept->why)
        return;
    struct expected_use use = expected_get_use(&heap->expected);
    for (struct kept_path *path = kept->first, *next; path; path = next) {
        next = path->next;
        if (use.kept)
            call(heap, &use, path);
        else
            log_path(heap, path);
        pool_give(&kept->pool, path);
    }
    if (kept->why || !use.kept)
        log_search(heap, kept);
    kept->first = NULL;
    kept->why = NULL;
}

void kept_init(struct kept_paths *kept, AO_t *metadata_bytes) {
    memset(kept, 0, sizeof *kept);
    pool_init(&kept->pool, sizeof(struct kept_path), metadata_bytes);
}

void kept_destroy(struct kept_paths *kept) { pool_destroy(&kept->pool); }

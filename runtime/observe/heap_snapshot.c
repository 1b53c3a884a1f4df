/* SPDX-License-Identifier: MIT */
/*
 * The compact form of a heap snapshot. See heap_snapshot.h.
 */
#include "heap_snapshot.h"

#include <string.h>

#include "line.h"

static const char magic[8] = {'G', 'a', 'i', 't', 'H', 'S', 'n', '\n'};

/* ---- What comes first ---- */

static void put_text(struct stream *stream, const char *text) {
    stream_text(stream, text, strlen(text));
}

static uint32_t text_of(struct heap_snapshot *snapshot, const char *text) {
    return stream_intern(&snapshot->stream, text, strlen(text));
}

static void put_head(struct heap_snapshot *snapshot, const struct heap_snapshot_about *about) {
    struct stream *stream = &snapshot->stream;
    for (size_t i = 0; i < sizeof magic; i++)
        stream_byte(stream, (unsigned char)magic[i]);
    stream_number(stream, HEAP_SNAPSHOT_VERSION);
    stream_byte(stream, 'H');
    stream_number(stream, sizeof(gait_word));
    stream_number(stream, (uintptr_t)snapshot->reach.space->base);
    stream_number(stream, (uint64_t)about->time_ns);
    stream_number(stream, about->process);
    stream_number(stream, snapshot->reach.epoch);
    put_text(stream, GAIT_VERSION);
    put_text(stream, about->program);
}

static void put_kinds(struct heap_snapshot *snapshot) {
    const struct kind_table *kinds = &snapshot->reach.heap->kinds;
    struct stream *stream = &snapshot->stream;
    snapshot->kinds = pile_end(&stream->bytes);
    for (size_t i = 0; i < kinds_count(kinds); i++) {
        uint32_t name = text_of(snapshot, kinds->kinds[i].name);
        stream_byte(stream, 'K');
        stream_number(stream, i);
        stream_number(stream, kinds->kinds[i].layout);
        stream_number(stream, name);
    }
}

/* ---- Groups of roots ---- */

static const char *const group_names[ROOTS_SORTS] = {
    [ROOTS_STATIC] = "static slots",
    [ROOTS_HANDLE] = "handles",
    [ROOTS_RANGE] = "range of roots",
    [ROOTS_FRAMES] = "frames",
    [ROOTS_CALLBACK] = "root callback",
    [ROOTS_C_STACK] = "C stack and registers",
    [ROOTS_COROUTINE] = "its object",
    [ROOTS_SEGMENT] = "data segments",
    [ROOTS_FINALIZER] = "finalizers",
    [ROOTS_ARENA] = "pinned arenas",
    [ROOTS_STOPPED] = "stopped threads",
    [ROOTS_HOOK] = "liveness hooks",
    [ROOTS_LINK] = "links",
};

static void name_group(const struct reach_group *group, struct line *line) {
    line->length = 0;
    line->text[0] = '\0';
    if (group->of_coroutine)
        line_add(line, "coroutine %u: ", group->owner);
    else if (group->owner && group->thread >= 0)
        line_add(line, "thread %d: ", group->thread);
    else if (group->owner)
        line_add(line, "a thread: ");
    const char *name = group_names[group->roots];
    line_add(line, "%s", name ? name : "other roots");
    if (group->range)
        line_add(line, " at %#zx", (size_t)(uintptr_t)group->range);
}

static void put_groups(struct heap_snapshot *snapshot) {
    struct stream *stream = &snapshot->stream;
    struct pile_cursor cursor = pile_begin(&snapshot->reach.groups);
    snapshot->groups = pile_end(&stream->bytes);
    for (const struct reach_group *group; (group = pile_next(&cursor, sizeof *group));) {
        struct line line;
        name_group(group, &line);
        uint32_t name = text_of(snapshot, line.text);
        stream_byte(stream, 'G');
        stream_number(stream, group->roots);
        stream_number(stream, name);
    }
}

/* ---- Nodes ---- */

static void put_edge(const struct reach_edge *edge, void *data) {
    struct heap_snapshot *snapshot = data;
    stream_number(&snapshot->stream, (uint64_t)edge->place << HEAP_SNAPSHOT_TYPE_BITS | edge->type);
    stream_signed(&snapshot->stream, (int64_t)edge->number - (int64_t)snapshot->number);
    snapshot->edge_count++;
}

static uint32_t label_of(struct heap_snapshot *snapshot, unsigned kind, const char *start,
                         size_t bytes) {
    char text[GAIT_SNAPSHOT_LABEL_BYTES];
    if (!snapshot->label)
        return 0;
    size_t count = snapshot->label((gait_kind)kind, start, bytes, text, snapshot->label_data);
    return stream_intern(&snapshot->stream, text, count < sizeof text ? count : sizeof text);
}

/* What an object owns outside the heap. */
static size_t owned_of(const struct heap_snapshot *snapshot, unsigned kind, const char *start,
                       size_t bytes) {
    const struct address_list *cleanups = &snapshot->cleanups;
    size_t owned = 0;
    for (size_t i = address_list_from(cleanups, (uintptr_t)start);
         i < cleanups->count && cleanups->items[i].address == (uintptr_t)start; i++)
        owned += cleanups->items[i].value;
    if (snapshot->owned)
        owned += snapshot->owned((gait_kind)kind, start, bytes, snapshot->owned_data);
    return owned;
}

/* bytes: what of it is the program's; taken_bytes: what it takes of the heap, or of an arena. */
static void put_object(struct heap_snapshot *snapshot, unsigned kind, const char *start,
                       size_t bytes, size_t taken_bytes) {
    struct stream *stream = &snapshot->stream;
    uint32_t label = label_of(snapshot, kind, start, bytes);
    size_t owned = owned_of(snapshot, kind, start, bytes);
    stream_byte(stream, 'N');
    stream_number(stream, kind);
    stream_number(stream, ((uintptr_t)start - snapshot->last_address) / 8);
    stream_number(stream, taken_bytes);
    stream_number(stream, owned);
    stream_number(stream, label);
    snapshot->last_address = (uintptr_t)start;
    snapshot->object_bytes += taken_bytes;
    snapshot->owned_bytes += owned;
    snapshot->owner_count += owned > 0;
}

static void put_cell(struct heap_snapshot *snapshot, const struct target *target) {
    size_t bytes = reach_bytes(&snapshot->reach, target);
    put_object(snapshot, ENTRY_KIND(target->cell.entry), target->cell.start, bytes, bytes);
}

static void put_arena(struct heap_snapshot *snapshot, const struct target *target) {
    struct stream *stream = &snapshot->stream;
    const struct arena *arena = target->arena;
    uint32_t name = text_of(snapshot, arena->name);
    uint32_t created = text_of(snapshot, arena->created);
    bool live = arena_state(arena) == ARENA_LIVE;
    stream_byte(stream, 'A');
    stream_number(stream, (uintptr_t)arena->handle);
    stream_number(stream, live ? reach_bytes(&snapshot->reach, target) : 0);
    stream_number(stream, (arena->flags & ARENA_TRACED ? 1u : 0) |
                              (arena->flags & ARENA_PINNED ? 2u : 0) | (live ? 0 : 4u));
    stream_number(stream, name);
    stream_number(stream, created);
}

static void put_node(const struct target *target, void *data) {
    struct heap_snapshot *snapshot = data;
    struct arena_object object;
    snapshot->number++;
    if (reach_inside(&snapshot->reach, target, &object))
        put_object(snapshot, object.kind, object.start, object.bytes, object.taken_bytes);
    else if (target->arena)
        put_arena(snapshot, target);
    else
        put_cell(snapshot, target);
    reach_edges(&snapshot->reach, target, put_edge, snapshot);
    stream_byte(&snapshot->stream, 0);
}

/* ---- Roots ---- */

static void put_roots(struct heap_snapshot *snapshot) {
    struct stream *stream = &snapshot->stream;
    struct pile_cursor cursor = pile_begin(&snapshot->reach.roots);
    size_t before = 0;
    snapshot->roots = pile_end(&stream->bytes);
    for (const struct reach_root *root; (root = pile_next(&cursor, sizeof *root));) {
        size_t number = reach_number(&snapshot->reach, &root->target);
        stream_byte(stream, 'R');
        stream_number(stream, root->group + 1);
        stream_number(stream, root->type);
        stream_number(stream, (uintptr_t)root->place);
        stream_signed(stream, (int64_t)number - (int64_t)before);
        before = number;
    }
}

/* ---- All of it ---- */

static void add_cleanup(void *data, uintptr_t object, gait_cleanup_fn cleanup, void *of) {
    struct heap_snapshot *snapshot = data;
    size_t bytes = snapshot->cleanup_bytes(cleanup, of);
    if (bytes > 0)
        address_list_add(&snapshot->cleanups, object, bytes);
}

/* Nobody adds one now. @return false: no memory. */
static bool list_cleanups(struct heap_snapshot *snapshot, struct finalizers *finalizers) {
    if (!address_list_begin(&snapshot->cleanups, finalizers->cleanups.pool.count))
        return false;
    if (snapshot->cleanups.room > 0)
        finalizers_each_cleanup(finalizers, add_cleanup, snapshot);
    address_list_sort(&snapshot->cleanups);
    return true;
}

bool heap_snapshot_take(struct heap_snapshot *snapshot, gait_heap *heap,
                        const struct heap_snapshot_about *about) {
    int64_t begin_ns = platform_now_ns();
    bool begun = reach_begin(&snapshot->reach, heap);
    begun &= stream_begin(&snapshot->stream, &heap->space.metadata_bytes);
    begun = begun && list_cleanups(snapshot, &heap->finalizers);
    if (!begun || !reach_find(&snapshot->reach))
        return false;
    snapshot->extent_bytes = AO_load_acquire(&heap->space.extent_bytes);
    put_head(snapshot, about);
    put_kinds(snapshot);
    put_groups(snapshot);
    snapshot->nodes = pile_end(&snapshot->stream.bytes);
    snapshot->last_address = (uintptr_t)heap->space.base;
    reach_each(&snapshot->reach, put_node, snapshot);
    snapshot->node_count = snapshot->number;
    put_roots(snapshot);
    snapshot->walk_ns = platform_now_ns() - begin_ns;
    return !snapshot->stream.failed && !snapshot->stream.bytes.failed;
}

void heap_snapshot_finish(struct heap_snapshot *snapshot, int64_t stop_ns, bool forked) {
    struct stream *stream = &snapshot->stream;
    snapshot->stop_ns = stop_ns;
    snapshot->forked = forked;
    stream_byte(stream, 'E');
    stream_number(stream, snapshot->node_count);
    stream_number(stream, snapshot->edge_count);
    stream_number(stream, snapshot->reach.roots.count);
    stream_number(stream, snapshot->object_bytes);
    stream_number(stream, snapshot->owned_bytes);
    stream_number(stream, (uint64_t)stop_ns);
    stream_number(stream, forked ? 1 : 0);
    stream_number(stream, (uint64_t)snapshot->walk_ns);
    stream->failed |= stream->bytes.failed;
}

void heap_snapshot_free(struct heap_snapshot *snapshot) {
    reach_end(&snapshot->reach);
    address_list_free(&snapshot->cleanups);
    stream_free(&snapshot->stream);
}

int heap_snapshot_write(struct heap_snapshot *snapshot, unsigned format, int descriptor,
                        int64_t idle_ns) {
    if (format == GAIT_SNAPSHOT_V8)
        return heap_snapshot_write_v8(snapshot, descriptor, idle_ns);
    for (const struct pile_chunk *chunk = snapshot->stream.bytes.first; chunk; chunk = chunk->next)
        if (platform_descriptor_write_idle(descriptor, chunk->bytes, chunk->used, idle_ns) < 0)
            return -1;
    return 0;
}

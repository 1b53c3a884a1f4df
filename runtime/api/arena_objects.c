/* SPDX-License-Identifier: MIT */
/*
 * The objects of arenas with GAIT_ARENA_DESCRIBED, one by one, while the world is stopped.
 *
 * What is in use of a chunk holds objects, each behind the word that describes it, and zeros
 * between them: what alignment has left out, and objects that are being allocated, which nobody has
 * seen. So the first word that is not zero describes the next object. Plain bytes are described as
 * well, but have no kind, and are passed over.
 *
 * A word there that describes nothing was written past an object's end, by the program's mistake.
 * The walk of that piece ends: its objects from there on are not told apart.
 */
#include "../arena/described.h"
#include "arenas.h"

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) & ~(unit - 1); }

static struct arena_object object_at(const struct arena_own *own, char *start) {
    struct arena_object object = {.start = start};
    described_get(start, &object.kind, &object.bytes);
    object.taken_bytes = round_up(object.bytes, own->heap->wide_cells ? 16 : 8);
    return object;
}

struct look {
    const struct arena_own *own;
    void (*visit)(void *data, const struct arena_object *object);
    void *data;
};

/* What begins behind a word: look at it. @return how many bytes it has; 0: the word describes
 * nothing. */
static size_t look_behind(const struct look *look, char *word, const char *end) {
    char *start = word + sizeof(uint64_t);
    struct arena_object object = object_at(look->own, start);
    bool is_object = described_get(start, &object.kind, &object.bytes);
    if (!(is_object || described_is_bytes(start)) || object.bytes == 0 ||
        object.bytes > (size_t)(end - start))
        return 0;
    if (is_object && object.kind < kinds_count(&look->own->heap->kinds))
        look->visit(look->data, &object);
    return object.bytes;
}

static void look_at_piece(void *data, char *at, char *end, bool alone) {
    const struct look *look = data;
    while ((size_t)(end - at) > sizeof(uint64_t)) {
        if (*(const uint64_t *)(void *)at == 0) {
            at += sizeof(uint64_t);
            continue;
        }
        size_t bytes = look_behind(look, at, end);
        if (bytes == 0 || alone)
            return;
        at += sizeof(uint64_t) + round_up(bytes, sizeof(uint64_t));
    }
}

void arena_each_object(struct arena *record,
                       void (*visit)(void *data, const struct arena_object *object), void *data) {
    struct arena_own *own = arena_own(record);
    struct look look = {own, visit, data};
    if (arena_state(record) != ARENA_LIVE || !(record->flags & GAIT_ARENA_DESCRIBED))
        return;
    for (unsigned i = 0; arena_bump(own, i); i++)
        bump_each_used(arena_bump(own, i), look_at_piece, &look);
}

struct arena_object arena_object_at(const struct arena *record, char *start) {
    return object_at((const struct arena_own *)record, start);
}

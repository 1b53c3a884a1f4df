/* SPDX-License-Identifier: MIT */
/*
 * Objects that know where they were allocated, and whether something was written behind them:
 *
 *   [ mark, file, line, bytes ][ the program's object ][ guard word ]
 *
 * The mark depends on the address: a copy of a header is none.
 */
#include "registry.h"

#include "include/gc/gc_inline.h"

#include <string.h>
#include <wchar.h>

struct header {
    GC_word mark;
    const char *file;
    GC_word line;
    size_t bytes;
};

#define MARK_LIVE ((GC_word)0x9e3779b97f4a7c15)
#define MARK_FREED ((GC_word)0xc2b2ae3d27d4eb4f)
#define GUARD ((GC_word)0x165667b19e3779f9)

const size_t GC_debug_header_size = sizeof(struct header);
size_t GC_get_debug_header_size(void) { return sizeof(struct header); }

static size_t guard_offset(size_t bytes) {
    return (bytes + sizeof(GC_word) - 1) & ~(sizeof(GC_word) - 1);
}

static bool has_mark(const struct header *header, GC_word mark) {
    return header->mark == ((GC_word)header ^ mark);
}

/* Of bytes behind the object's last one, up to the guard word's end. */
static void set_guard(struct header *header) {
    char *object = (char *)(header + 1);
    GC_word guard = GUARD ^ (GC_word)header;
    size_t at = guard_offset(header->bytes);
    memset(object + header->bytes, (int)(guard & 0xff), at - header->bytes);
    memcpy(object + at, &guard, sizeof guard);
}

static bool is_smashed(const struct header *header) {
    const char *object = (const char *)(header + 1);
    GC_word guard = GUARD ^ (GC_word)header, found;
    size_t at = guard_offset(header->bytes);
    for (size_t i = header->bytes; i < at; i++)
        if ((unsigned char)object[i] != (guard & 0xff))
            return true;
    memcpy(&found, object + at, sizeof found);
    return found != guard;
}

static void *finish(struct header *header, size_t bytes, const char *file, int line) {
    if (!header)
        return NULL;
    header->file = file;
    header->line = (GC_word)line;
    header->bytes = bytes;
    set_guard(header);
    header->mark = (GC_word)header ^ MARK_LIVE;
    unsigned kind = KIND_NORMAL;
    size_t cell_bytes = 0;
    if (compat_object_find(header, &kind, &cell_bytes) == header && kind != KIND_UNCOLLECTABLE &&
        kind != KIND_ATOMIC_UNCOLLECTABLE)
        compat_registry_add(header, cell_bytes, REGISTRY_GUARD, kind);
    return header + 1;
}

static size_t with_ends(size_t bytes) {
    return bytes > PTRDIFF_MAX ? bytes
                               : sizeof(struct header) + guard_offset(bytes) + sizeof(GC_word);
}

/* ---- Allocation ---- */

#define DEBUG_ALLOC(name)                                                                          \
    void *GC_debug_##name(size_t bytes, const char *s, int i) {                                    \
        return finish(GC_##name(with_ends(bytes)), bytes, s, i);                                   \
    }
DEBUG_ALLOC(malloc)
DEBUG_ALLOC(malloc_atomic)
DEBUG_ALLOC(malloc_uncollectable)
DEBUG_ALLOC(malloc_atomic_uncollectable)
DEBUG_ALLOC(malloc_ignore_off_page)
DEBUG_ALLOC(malloc_atomic_ignore_off_page)
DEBUG_ALLOC(malloc_stubborn)

void *GC_debug_generic_or_special_malloc(size_t bytes, int kind, const char *s, int i) {
    /* the header may not be where the kind's descriptor expects the object */
    return kind == KIND_ATOMIC ? GC_debug_malloc_atomic(bytes, s, i) : GC_debug_malloc(bytes, s, i);
}

static char *copy(const char *text, size_t length, const char *file, int line) {
    char *object = GC_debug_malloc_atomic(length + 1, file, line);
    if (object) {
        memcpy(object, text, length);
        object[length] = 0;
    }
    return object;
}
char *GC_debug_strdup(const char *text, const char *s, int i) {
    return text ? copy(text, strlen(text), s, i) : NULL;
}
char *GC_debug_strndup(const char *text, size_t most, const char *s, int i) {
    return copy(text, strnlen(text, most), s, i);
}
wchar_t *GC_debug_wcsdup(const wchar_t *text, const char *s, int i) {
    size_t bytes = (wcslen(text) + 1) * sizeof *text;
    wchar_t *object = GC_debug_malloc_atomic(bytes, s, i);
    return object ? memcpy(object, text, bytes) : NULL;
}

void *GC_debug_malloc_replacement(size_t bytes) { return GC_debug_malloc(bytes, "unknown", 0); }
void *GC_debug_realloc_replacement(void *object, size_t bytes) {
    return GC_debug_realloc(object, bytes, "unknown", 0);
}

/* ---- Checks ---- */

void *compat_debug_object(void *base, const char **file, GC_word *line, size_t *bytes) {
    struct header *header = base;
    if (!has_mark(header, MARK_LIVE))
        return NULL;
    *file = header->file;
    *line = header->line;
    *bytes = header->bytes;
    return header + 1;
}

bool compat_debug_check(void *base) {
    struct header *header = base;
    if (!has_mark(header, MARK_LIVE) || !is_smashed(header))
        return true;
    compat_say("gait-gc: smashed object: %p (%s:%lu, %zu bytes) was written to behind its end\n",
               (void *)(header + 1), header->file, header->line, header->bytes);
    set_guard(header); /* told once */
    return false;
}

/* The header of an object that GC_debug_malloc gave out; NULL: it did not. */
static struct header *header_of(void *object, const char *call) {
    struct header *header = GC_base(object);
    if (!header)
        compat_abort("GC_debug_free or GC_debug_realloc: not an object");
    if ((void *)(header + 1) == object && has_mark(header, MARK_LIVE))
        return header;
    if ((void *)(header + 1) == object && has_mark(header, MARK_FREED))
        compat_say("gait-gc: %s: %p (%s:%lu) was freed before\n", call, object, header->file,
                   header->line);
    else
        compat_say("gait-gc: %s: %p was not allocated by GC_debug_malloc\n", call, object);
    return NULL;
}

void GC_debug_free(void *object) {
    if (!object)
        return;
    struct header *header = header_of(object, "GC_debug_free");
    if (!header) {
        if (GC_base(object) == object)
            GC_free(object);
        return;
    }
    compat_debug_check(header);
    header->mark = (GC_word)header ^ MARK_FREED;
    GC_free(header);
}

void *GC_debug_realloc(void *object, size_t bytes, const char *s, int i) {
    if (!object)
        return GC_debug_malloc(bytes, s, i);
    if (bytes == 0) {
        GC_debug_free(object);
        return NULL;
    }
    struct header *header = header_of(object, "GC_debug_realloc");
    if (!header)
        return GC_realloc(object, bytes);
    unsigned kind = KIND_NORMAL;
    size_t cell_bytes;
    compat_object_find(header, &kind, &cell_bytes);
    compat_debug_check(header);
    void *changed = finish(GC_malloc_kind(with_ends(bytes), (int)kind), bytes, s, i);
    if (changed) {
        memcpy(changed, object, bytes < header->bytes ? bytes : header->bytes);
        GC_debug_free(object);
    }
    return changed;
}

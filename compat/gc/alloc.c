/* SPDX-License-Identifier: MIT */
/*
 * Allocation. A request gets a byte more where references to the inside of objects count, so that
 * a pointer one past the end keeps the object (and not its neighbour), and is rounded up to 16
 * bytes, to which libgc aligns.
 */
#include "registry.h"

#include "include/gc/gc_inline.h"

#include <errno.h>
#include <string.h>
#include <wchar.h>

int GC_all_interior_pointers = 1;
GC_oom_func GC_oom_fn;

#define GRANULE ((size_t)16)
#define SMALL_MOST (GAIT_SMALL_MAX_BYTES - GRANULE)
#define BY_EIGHT_MOST ((size_t)128) /* up to here the size class is an eighth of the size */

static void *no_memory(size_t bytes) {
    (void)bytes;
    return NULL;
}
void GC_set_oom_fn(GC_oom_func run) { GC_oom_fn = run; }
GC_oom_func GC_get_oom_fn(void) { return GC_oom_fn ? GC_oom_fn : no_memory; }

static inline size_t granules(size_t bytes) { return (bytes + GRANULE - 1) & ~(GRANULE - 1); }
static inline size_t rounded(size_t bytes) {
    return granules(bytes + (GC_all_interior_pointers != 0));
}

static inline void *take_of(struct gait_run *run, size_t bytes, size_t cell_bytes) {
    char *object = run->cursor;
    if ((size_t)(run->end - object) < bytes)
        return NULL;
    run->cursor = object + cell_bytes;
    return object;
}

/* What gait_alloc does inline. bytes: granules, one at least. Most requests are small: their
 * classes go by 8 bytes (<gait/gait.h>), with no question left to ask. */
static inline void *take(struct gait_mutator_head *head, unsigned kind, size_t bytes) {
    struct gait_run *runs = head->runs[compat_kind_gait[kind]];
    if (COMPAT_LIKELY(bytes <= BY_EIGHT_MOST))
        return take_of(&runs[bytes / 8], bytes, bytes);
    unsigned size_class = gait_size_class(bytes);
    return take_of(&runs[size_class], bytes, gait_class_bytes(size_class));
}

/* cell_bytes: with what it is rounded up by. */
static COMPAT_NOINLINE void *alloc_slow(unsigned kind, size_t bytes, size_t cell_bytes) {
    struct thread *thread = compat_thread_mine();
    compat_settings_apply();
    if (bytes > PTRDIFF_MAX || !compat_kind_is_known((int)kind) || compat_limit_is_reached(bytes))
        return GC_get_oom_fn()(bytes);
    call_begin(thread);
    void *object = gait_alloc(thread->mutator, compat_kind_gait[kind], cell_bytes ? cell_bytes : 1);
    gait_poll(thread->mutator); /* else it would be told of the last cycle in each call */
    call_end(thread);
    if (COMPAT_UNLIKELY(!object))
        return GC_get_oom_fn()(bytes);
    if (COMPAT_UNLIKELY(GC_find_leak))
        compat_registry_add(object, cell_bytes, REGISTRY_LEAK, kind);
    compat_notices_run();
    return *(void *volatile *)&object; /* in this frame, where the collector sees it */
}

static inline __attribute__((always_inline)) void *alloc(unsigned kind, size_t bytes) {
    struct gait_mutator_head *head = compat_head_here;
    if (COMPAT_LIKELY(head && bytes - 1 < SMALL_MOST)) {
        void *object = take(head, kind, rounded(bytes));
        if (COMPAT_LIKELY(object != NULL))
            return object;
    }
    return alloc_slow(kind, bytes, rounded(bytes));
}

void *compat_alloc(unsigned kind, size_t bytes) { return alloc(kind, bytes); }

void *compat_alloc_whole(unsigned kind, size_t bytes, size_t *cell_bytes) {
    struct gait_mutator_head *head = compat_head_here;
    if (COMPAT_LIKELY(head && bytes - 1 < SMALL_MOST)) {
        void *object = take(head, kind, rounded(bytes));
        *cell_bytes = gait_class_bytes(gait_size_class(rounded(bytes)));
        if (COMPAT_LIKELY(object != NULL))
            return object;
    }
    void *object = alloc_slow(kind, bytes, rounded(bytes));
    *cell_bytes = object ? compat_cell_bytes(object) : 0;
    return object;
}

void *GC_malloc(size_t bytes) { return alloc(KIND_NORMAL, bytes); }
void *GC_malloc_atomic(size_t bytes) { return alloc(KIND_ATOMIC, bytes); }
void *GC_malloc_ignore_off_page(size_t bytes) { return alloc(KIND_NORMAL, bytes); }
void *GC_malloc_atomic_ignore_off_page(size_t bytes) { return alloc(KIND_ATOMIC, bytes); }
void *GC_malloc_stubborn(size_t bytes) { return alloc(KIND_NORMAL, bytes); }

void *GC_malloc_kind(size_t bytes, int kind) {
    if (kind == KIND_UNCOLLECTABLE || kind == KIND_ATOMIC_UNCOLLECTABLE)
        return compat_alloc_uncollectable((unsigned)kind, bytes);
    return alloc((unsigned)kind, bytes);
}
void *GC_malloc_kind_global(size_t bytes, int kind) { return GC_malloc_kind(bytes, kind); }
void *GC_generic_malloc(size_t bytes, int kind) { return GC_malloc_kind(bytes, kind); }
void *GC_generic_malloc_ignore_off_page(size_t bytes, int kind) {
    return GC_malloc_kind(bytes, kind);
}
void *GC_generic_or_special_malloc(size_t bytes, int kind) { return GC_malloc_kind(bytes, kind); }

/* ---- Lists ---- */

/* Bytes of a list. libgc's is a page's worth. */
enum { LIST_BYTES = 4096 };

/* As long as the program does not have the list, nothing keeps elements which the collector does
 * not look into: so they are taken out of the first one's run, without a call that may collect, and
 * with COLLECT held nobody stops the program in between. */
static void append(void **first, unsigned kind, size_t cell_bytes) {
    struct gait_mutator_head *head = compat_head_here;
    for (size_t taken = cell_bytes; taken < LIST_BYTES; taken += cell_bytes) {
        void **next = head ? take(head, kind, cell_bytes) : NULL;
        if (!next)
            return;
        *first = next;
        first = next;
    }
}

void GC_generic_malloc_many(size_t bytes, int kind, void **list) {
    size_t cell_bytes = granules(bytes ? bytes : 1);
    if (kind == KIND_UNCOLLECTABLE || kind == KIND_ATOMIC_UNCOLLECTABLE ||
        compat_disclaim_is((unsigned)kind)) { /* whose function would be asked of a list's rest */
        *list = GC_malloc_kind(bytes, kind);  /* of one */
        return;
    }
    void *first = alloc_slow((unsigned)kind, bytes, cell_bytes);
    if (!first || cell_bytes > SMALL_MOST) {
        *list = first;
        return;
    }
    bool locked = compat_thread_here->locked; /* by GC_alloc_lock */
    if (!locked)
        compat_collect_lock();
    append(first, (unsigned)kind, cell_bytes);
    *list = first;
    if (!locked)
        compat_collect_unlock();
}

void *GC_malloc_many(size_t bytes) {
    void *list;
    GC_generic_malloc_many(bytes < PTRDIFF_MAX ? rounded(bytes) : bytes, KIND_NORMAL, &list);
    return list;
}

void GC_print_free_list(int kind, size_t granules) {
    compat_say("gait-gc: kind %d, %zu granules: threads allocate from runs, not from lists\n", kind,
               granules);
}

/* ---- Strings ---- */

static char *copy(const char *text, size_t length) {
    char *object = GC_malloc_atomic(length + 1);
    if (object) {
        memcpy(object, text, length);
        object[length] = 0;
    }
    return object;
}

char *GC_strdup(const char *text) { return text ? copy(text, strlen(text)) : NULL; }
char *GC_strndup(const char *text, size_t most) { return copy(text, strnlen(text, most)); }

wchar_t *GC_wcsdup(const wchar_t *text) {
    size_t bytes = (wcslen(text) + 1) * sizeof *text;
    wchar_t *object = GC_malloc_atomic(bytes);
    return object ? memcpy(object, text, bytes) : NULL;
}

/* ---- Alignment ---- */

/* Somewhere inside of a larger object: a reference to it keeps that. */
void *GC_memalign(size_t align, size_t bytes) {
    if (align <= GRANULE)
        return GC_malloc(bytes);
    if (align & (align - 1))
        return NULL;
    if (bytes > PTRDIFF_MAX - align)
        return GC_get_oom_fn()(bytes);
    uintptr_t object = (uintptr_t)GC_malloc(bytes + align - GRANULE);
    return (void *)((object + align - 1) & ~(align - 1));
}

int GC_posix_memalign(void **object, size_t align, size_t bytes) {
    if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)))
        return EINVAL;
    void *found = GC_memalign(align, bytes);
    if (!found)
        return ENOMEM;
    *object = found;
    return 0;
}

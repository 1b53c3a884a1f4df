/* SPDX-License-Identifier: MIT */
/*
 * How descriptors are read: gc_mark.h has their bits. Runs on the collector's threads, with the
 * program stopped, with gcdirty=1, too: mark functions may look at what a thread is in the middle
 * of changing.
 */
#include "compat.h"

#include "include/gc/gc_gcj.h"
#include "include/gc/gc_typed.h"

#include <string.h>

/* A mark function of this library's: bitmaps that don't fit into a word. */
enum { BITMAP_PROC = 1 };
enum { BITMAP_BITS = 62 }; /* of a descriptor */
#define WORD_BYTES sizeof(GC_word)
#define BITS (8 * WORD_BYTES)

static GC_mark_proc procs[GC_MAX_MARK_PROCS];
static unsigned procs_count = GC_RESERVED_MARK_PROCS; /* lock ALLOC */

static void visit_word(gait_visitor *visitor, GC_word word) {
    gait_visit_conservative(visitor, &word, 1);
}

static void visit_bits(gait_visitor *visitor, GC_word bits, const GC_word *words, size_t count) {
    for (; bits && count > 0; bits <<= 1, words++, count--)
        if (bits >> (BITS - 1))
            visit_word(visitor, *(const volatile GC_word *)words);
}

static void call_proc(gait_visitor *visitor, GC_word descriptor, void *object) {
    GC_word rest = descriptor >> GC_DS_TAG_BITS;
    GC_mark_proc proc = procs[rest & (GC_MAX_MARK_PROCS - 1)];
    gait_visitor *before = compat_visitor_here;
    if (!proc)
        compat_abort("a descriptor names a mark function that is not there");
    compat_visitor_here = visitor;
    struct GC_ms_entry stack; /* references go to the visitor at once: it is not written to */
    proc(object, &stack, &stack + 1, rest >> GC_LOG_MAX_MARK_PROCS);
    compat_visitor_here = before;
}

struct GC_ms_entry *GC_mark_and_push(void *object, struct GC_ms_entry *stack,
                                     struct GC_ms_entry *limit, void **source) {
    (void)limit, (void)source;
    if (compat_visitor_here)
        visit_word(compat_visitor_here, (GC_word)object);
    return stack;
}

static GC_word read_descriptor(GC_word descriptor, const void *object) {
    GC_signed_word offset = (GC_signed_word)(descriptor - GC_DS_PER_OBJECT);
    if (offset >= 0)
        return *(const GC_word *)((const char *)object + offset);
    const char *table = *(const char *const *)object;
    return table ? *(const GC_word *)(table - offset - GC_INDIR_PER_OBJ_BIAS) : 0;
}

void compat_descriptor_visit(gait_visitor *visitor, GC_word descriptor, void *object,
                             size_t bytes) {
    if ((descriptor & GC_DS_TAGS) == GC_DS_PER_OBJECT)
        descriptor = read_descriptor(descriptor, object);
    switch (descriptor & GC_DS_TAGS) {
    case GC_DS_LENGTH:
        gait_visit_conservative(visitor, object,
                                (descriptor < bytes ? descriptor : bytes) / WORD_BYTES);
        break;
    case GC_DS_BITMAP:
        visit_bits(visitor, descriptor & ~(GC_word)GC_DS_TAGS, object, bytes / WORD_BYTES);
        break;
    case GC_DS_PROC:
        call_proc(visitor, descriptor, object);
        break;
    default: /* a descriptor in an object that names another place */
        break;
    }
}

/* ---- Scan functions of kinds ---- */

void compat_descriptor_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    compat_descriptor_visit(visitor, (GC_word)data, object, object_bytes);
}

/* The last word is the descriptor; 0 as long as it is not written. */
void compat_typed_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    size_t bytes = object_bytes - WORD_BYTES;
    compat_descriptor_visit(visitor, *(const volatile GC_word *)((char *)object + bytes), object,
                            bytes);
}

struct array_end {
    GC_word descriptor, count, bytes;
};

void compat_typed_array_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    const struct array_end *end = (void *)((char *)object + object_bytes - sizeof *end);
    for (GC_word i = 0; i < end->count; i++)
        compat_descriptor_visit(visitor, end->descriptor, (char *)object + i * end->bytes,
                                end->bytes);
}

/* The table's second word. */
void compat_table_scan(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)data;
    const GC_word *table = *(const GC_word *const *)object;
    visit_word(visitor, (GC_word)table); /* it may be an object, too */
    if (table)
        compat_descriptor_visit(visitor, table[1], object, object_bytes);
}

/* ---- Mark functions ---- */

unsigned GC_new_proc_inner(GC_mark_proc mark) {
    if (procs_count == GC_MAX_MARK_PROCS)
        compat_abort("too many mark functions");
    procs[procs_count] = mark;
    return procs_count++;
}

unsigned GC_new_proc(GC_mark_proc mark) {
    compat_alloc_lock();
    unsigned index = GC_new_proc_inner(mark);
    compat_alloc_unlock();
    return index;
}

/* ---- Typed objects ---- */

struct bitmap {
    size_t words;
    GC_word bits[];
};

static struct GC_ms_entry *mark_bitmap(GC_word *object, struct GC_ms_entry *stack,
                                       struct GC_ms_entry *limit, GC_word environment) {
    (void)limit;
    const struct bitmap *bitmap = (const struct bitmap *)(environment * WORD_BYTES);
    for (size_t i = 0; i < bitmap->words * BITS; i++)
        if (GC_get_bit(bitmap->bits, i))
            visit_word(compat_visitor_here, object[i]);
    return stack;
}

/* Bitmaps are kept for good, as libgc keeps them. An address of memory of malloc's, in words, fits
 * into a descriptor's environment. */
static GC_descr long_bitmap(const GC_word *bits, size_t count) {
    size_t words = (count + BITS - 1) / BITS;
    struct bitmap *bitmap = GC_malloc_atomic_uncollectable(sizeof *bitmap + words * WORD_BYTES);
    if (!bitmap)
        return GC_DS_LENGTH | count * WORD_BYTES;
    bitmap->words = words;
    memcpy(bitmap->bits, bits, words * WORD_BYTES);
    if (count % BITS)
        bitmap->bits[words - 1] &= ((GC_word)1 << count % BITS) - 1;
    __atomic_store_n(&procs[BITMAP_PROC], mark_bitmap, __ATOMIC_RELEASE);
    return GC_MAKE_PROC(BITMAP_PROC, (GC_word)bitmap / WORD_BYTES);
}

GC_descr GC_make_descriptor(const GC_word *bitmap, size_t count) {
    compat_init();
    while (count > 0 && !GC_get_bit(bitmap, count - 1))
        count--;
    if (count > BITMAP_BITS)
        return long_bitmap(bitmap, count);
    GC_descr bits = 0;
    for (size_t i = 0; i < count; i++)
        if (GC_get_bit(bitmap, i))
            bits |= (GC_word)1 << (BITS - 1 - i);
    return bits ? bits | GC_DS_BITMAP : GC_DS_LENGTH;
}

/* An object, and in *end the last bytes of its cell; NULL: it is the out-of-memory function's. */
static void *alloc_with_end(unsigned kind, size_t bytes, size_t end_bytes, void **end) {
    size_t cell_bytes;
    *end = NULL;
    if (bytes > PTRDIFF_MAX)
        return GC_get_oom_fn()(bytes);
    char *object = compat_alloc_whole(kind, bytes + end_bytes, &cell_bytes);
    if (cell_bytes)
        *end = object + cell_bytes - end_bytes;
    return object;
}

void *GC_malloc_explicitly_typed(size_t bytes, GC_descr descriptor) {
    void *end;
    void *object = alloc_with_end(KIND_TYPED, bytes, WORD_BYTES, &end);
    if (end)
        *(GC_word *)end = descriptor;
    return object;
}

void *GC_malloc_explicitly_typed_ignore_off_page(size_t bytes, GC_descr descriptor) {
    return GC_malloc_explicitly_typed(bytes, descriptor);
}

void *GC_calloc_explicitly_typed(size_t count, size_t bytes, GC_descr descriptor) {
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        all = SIZE_MAX;
    void *end_of_cell;
    void *object = alloc_with_end(KIND_TYPED_ARRAY, all, sizeof(struct array_end), &end_of_cell);
    struct array_end *end = end_of_cell;
    if (!end)
        return object;
    end->descriptor = descriptor;
    end->bytes = bytes;
    __atomic_store_n(&end->count, count, __ATOMIC_RELEASE); /* last: until then no element */
    return object;
}

/* ---- Objects with a table ---- */

void GC_init_gcj_malloc(int index, void *mark) {
    compat_init();
    if (mark && index >= 0 && index < GC_MAX_MARK_PROCS)
        procs[index] = (GC_mark_proc)mark;
}

void *GC_gcj_malloc(size_t bytes, void *table) {
    void **object = compat_alloc(KIND_TABLE, bytes);
    if (object)
        *object = table;
    return object;
}
void *GC_gcj_malloc_ignore_off_page(size_t bytes, void *table) {
    return GC_gcj_malloc(bytes, table);
}
void *GC_debug_gcj_malloc(size_t bytes, void *table, const char *s, int i) {
    (void)s, (void)i;
    return GC_gcj_malloc(bytes, table);
}

/* SPDX-License-Identifier: MIT */
/*
 * Objects of each kind: they are zeroed and aligned, live while something leads to them, and have
 * the size that was asked for. Compiled with libgait-gc's headers and, where it is installed, with
 * libgc's own.
 */
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>

#include <stddef.h>
#include <stdint.h>

#include "check.h"

enum { NODES = 20000 };

struct node {
    struct node *next;
    size_t number;
};

static struct node *kept; /* static data is a root */

static void test_list(void) {
    for (size_t i = 0; i < NODES; i++) {
        struct node *node = GC_MALLOC(sizeof *node);
        CHECK(node && !node->next && !node->number && (uintptr_t)node % 16 == 0);
        node->number = i;
        node->next = kept;
        kept = node;
        CHECK(GC_MALLOC_ATOMIC(100));
    }
    collect();
    size_t count = 0;
    for (struct node *node = kept; node; node = node->next)
        CHECK(node->number == NODES - ++count);
    CHECK(count == NODES);
    kept = NULL;
}

static void test_bases(void) {
    char *object = GC_MALLOC(100);
    CHECK(GC_base(object) == object && GC_base(object + 99) == object);
    CHECK(GC_is_heap_ptr(object + 50) && GC_size(object) >= 100);
    CHECK(!GC_base(&kept) && !GC_base(NULL) && !GC_is_heap_ptr(&kept));
    char *large = GC_MALLOC(1000000);
    CHECK(GC_base(large + 999999) == large && GC_size(large) >= 1000000);
    CHECK(GC_same_obj(object + 100, object) == object + 100); /* one past the end */
}

static char *inner; /* refers to the inside of an object */

static __attribute__((noinline)) void make_inner(size_t bytes, size_t offset) {
    char *object = GC_MALLOC(bytes);
    memset(object, 0x5a, bytes);
    inner = object + offset;
}

/* Others take the memory of an object that is not kept. */
static __attribute__((noinline)) void allocate_over(size_t bytes) {
    for (int i = 0; i < 2000; i++)
        memset(GC_MALLOC(bytes), 0xa5, bytes);
}

static void test_interior(void) {
    static const size_t sizes[] = {16, 32, 48, 100, 1000, 5000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t bytes = sizes[i], offsets[] = {bytes / 2, bytes}; /* one past the end, too */
        for (size_t j = 0; j < 2; j++) {
            make_inner(bytes, offsets[j]);
            collect();
            allocate_over(bytes);
            for (size_t at = 0; at < bytes; at++)
                CHECK(inner[(ptrdiff_t)at - (ptrdiff_t)offsets[j]] == 0x5a);
        }
    }
    inner = NULL;
}

static void test_realloc(void) {
    char *object = NULL;
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 / 2 + 1) {
        object = GC_REALLOC(object, bytes);
        CHECK(object && GC_size(object) >= bytes);
        for (size_t at = 0; at < bytes * 2 / 3; at++)
            CHECK(object[at] == 0 || object[at] == (char)at);
        for (size_t at = 0; at < bytes; at++)
            object[at] = (char)at;
    }
    char *small = GC_REALLOC(object, 100);
    for (int at = 0; at < 100; at++)
        CHECK(small[at] == (char)at);
    volatile size_t huge = SIZE_MAX; /* not seen by the compiler, which would warn */
    CHECK(GC_REALLOC(small, huge) == NULL && GC_REALLOC(small, huge / 2) == NULL);
    for (int at = 0; at < 100; at++)
        CHECK(small[at] == (char)at);
    CHECK(GC_REALLOC(small, 0) == NULL);
    GC_FREE(NULL);
    char *atomic = GC_MALLOC_ATOMIC(32);
    int kind = GC_get_kind_and_size(atomic, NULL);
    CHECK(GC_get_kind_and_size(GC_REALLOC(atomic, 1000), NULL) == kind);
}

static void test_free(void) {
    for (int i = 0; i < 100000; i++) {
        size_t bytes = i % 100 == 0 ? 100000 : (size_t)(i % 500);
        char *object = i % 2 ? GC_MALLOC(bytes) : GC_MALLOC_ATOMIC(bytes);
        memset(object, 1, bytes);
        GC_FREE(object);
    }
    CHECK(GC_get_heap_size() < (size_t)200 << 20);
}

static GC_word hidden[100]; /* of uncollectable objects */

static void test_uncollectable(void) {
    for (int i = 0; i < 100; i++) {
        struct node **object = GC_MALLOC_UNCOLLECTABLE(sizeof *object * (size_t)(i + 1));
        CHECK(object && GC_base(object) == object);
        *object = GC_NEW(struct node);
        (*object)->number = (size_t)i;
        hidden[i] = GC_HIDE_POINTER(object);
    }
    collect();
    allocate_over(sizeof(struct node));
    for (int i = 0; i < 100; i++) {
        struct node **object = GC_REVEAL_POINTER(hidden[i]);
        CHECK((*object)->number == (size_t)i);
        GC_FREE(object);
    }
}

static void test_aligned(void) {
    for (size_t align = 8; align <= 1 << 16; align *= 2) {
        char *object = GC_memalign(align, 100);
        CHECK(object && (uintptr_t)object % align == 0);
        memset(object, 1, 100);
        void *other;
        CHECK(GC_posix_memalign(&other, align, 200) == 0 && (uintptr_t)other % align == 0);
    }
    void *other;
    CHECK(GC_posix_memalign(&other, 24, 200) != 0);
}

static void test_strings(void) {
    char *text = GC_STRDUP("of the collector's");
    CHECK(strcmp(text, "of the collector's") == 0);
    CHECK(strcmp(GC_STRNDUP("cut here", 3), "cut") == 0);
}

/* ---- Typed ---- */

struct typed {
    struct node *node;
    GC_word hidden;
    struct node *other;
    GC_word more[80];
    struct node *far;
};

static struct node *new_node(size_t number) {
    struct node *node = GC_MALLOC(sizeof *node);
    node->number = number;
    return node;
}

static struct typed *typed;
static struct typed *typed_array;
enum { ELEMENTS = 10 };

static __attribute__((noinline)) void make_typed(GC_descr descriptor) {
    typed = GC_MALLOC_EXPLICITLY_TYPED(sizeof *typed, descriptor);
    typed_array = GC_CALLOC_EXPLICITLY_TYPED(ELEMENTS, sizeof *typed, descriptor);
    typed->node = new_node(1);
    typed->other = new_node(2);
    typed->far = new_node(3);
    for (size_t i = 0; i < ELEMENTS; i++)
        typed_array[i].far = new_node(i);
}

static void test_typed(void) {
    GC_word bitmap[GC_BITMAP_SIZE(struct typed)] = {0};
    GC_set_bit(bitmap, GC_WORD_OFFSET(struct typed, node));
    GC_set_bit(bitmap, GC_WORD_OFFSET(struct typed, other));
    GC_set_bit(bitmap, GC_WORD_OFFSET(struct typed, far));
    make_typed(GC_make_descriptor(bitmap, GC_WORD_LEN(struct typed)));
    CHECK(GC_size(typed) >= sizeof *typed);
    collect();
    allocate_over(sizeof(struct node));
    CHECK(typed->node->number == 1 && typed->other->number == 2 && typed->far->number == 3);
    for (size_t i = 0; i < ELEMENTS; i++)
        CHECK(typed_array[i].far->number == i);
}

/* ---- Kinds ---- */

struct counted {
    size_t count;
    struct node *nodes[6];
};

static struct GC_ms_entry *mark_counted(GC_word *words, struct GC_ms_entry *stack,
                                        struct GC_ms_entry *limit, GC_word environment) {
    const struct counted *counted = (const void *)words;
    if (environment != 7)
        abort();
    for (size_t i = 0; i < counted->count && i < 6; i++)
        stack = GC_MARK_AND_PUSH(counted->nodes[i], stack, limit, (void **)&counted->nodes[i]);
    return stack;
}

static struct counted *counted;

static __attribute__((noinline)) void make_counted(int kind) {
    counted = GC_generic_malloc(sizeof *counted, kind);
    counted->count = 3;
    for (size_t i = 0; i < 6; i++)
        counted->nodes[i] = new_node(i);
}

static void test_kinds(void) {
    unsigned proc = GC_new_proc(mark_counted);
    int kind = (int)GC_new_kind(GC_new_free_list(), GC_MAKE_PROC(proc, 7), 0, 1);
    make_counted(kind);
    size_t bytes;
    CHECK(GC_get_kind_and_size(counted, &bytes) == kind && bytes >= sizeof *counted);
    collect();
    allocate_over(sizeof(struct node));
    for (size_t i = 0; i < 3; i++)
        CHECK(counted->nodes[i]->number == i);
}

/* ---- Lists ---- */

static void *free_lists[GC_TINY_FREELISTS];

static void test_lists(void) {
    struct node *list = NULL;
    for (size_t i = 0; i < NODES; i++) {
        struct node *node;
        GC_MALLOC_WORDS(node, 2, free_lists);
        CHECK(node && !node->next && !node->number);
        node->number = i;
        node->next = list;
        list = node;
        void *pair;
        GC_CONS(pair, node, node, free_lists);
        CHECK(((void **)pair)[1] == node);
    }
    for (size_t i = NODES; i-- > 0; list = list->next)
        CHECK(list->number == i);
    size_t length = 0;
    for (int all = 0; all < 2; all++) { /* of the smallest there are */
        GC_set_all_interior_pointers(all);
        size_t count = 0;
        for (void *many = GC_malloc_many(0); many; many = GC_NEXT(many), count++)
            CHECK(GC_base(many) == many);
        CHECK(count > 0 && count <= 4096 / 16);
    }
    CHECK(!GC_malloc_many(SIZE_MAX));
    for (void *many = GC_malloc_many(48); many; many = GC_NEXT(many))
        length++;
    CHECK(length > 0);
}

int main(void) {
    GC_INIT();
    CHECK(GC_get_version() >> 16 >= 8);
    test_list();
    test_bases();
    test_interior();
    test_realloc();
    test_free();
    test_uncollectable();
    test_aligned();
    test_strings();
    test_typed();
    test_kinds();
    test_lists();
    return 0;
}

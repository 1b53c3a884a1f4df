/* SPDX-License-Identifier: MIT */
/*
 * What is done about objects as they die: disclaim functions, guards, and a walk over what lives.
 */
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

struct object {
    struct object *to;
    size_t number; /* odd: kept once */
};

enum { OBJECTS = 200 };
static int asked[OBJECTS], spared[OBJECTS];

static int disclaim(void *memory) {
    struct object *object = memory;
    size_t number = object->number - 1;
    if (object->number == 0)
        return 0; /* it was freed, or never written to */
    CHECK(number < OBJECTS && !GC_is_marked(object));
    CHECK(!object->to || object->to->number == number); /* what it leads to is there */
    asked[number]++;
    if (number % 2 && !spared[number])
        return spared[number] = 1;
    return 0;
}

static __attribute__((noinline)) void make(int kind) {
    struct object *previous = NULL;
    for (size_t i = 0; i < OBJECTS; i++) {
        struct object *object = GC_generic_malloc(sizeof *object, kind);
        object->number = i + 1;
        object->to = i % 4 ? previous : NULL; /* chains of four */
        previous = object;
    }
}

/* Nobody is asked of what the program frees. */
static __attribute__((noinline)) void make_freed(int kind) {
    for (size_t i = 0; i < OBJECTS; i++) {
        struct object *object = GC_generic_malloc(sizeof *object, kind);
        object->number = OBJECTS + 1;
        GC_free(object);
    }
}

/* Some were there before the function. */
static void test_disclaim(void) {
    int kind = (int)GC_new_kind(GC_new_free_list(), 0 | GC_DS_LENGTH, 1, 1);
    make(kind);
    GC_register_disclaim_proc(kind, disclaim, 1);
    make_freed(kind);
    for (int i = 0; i < 10; i++)
        collect();
    size_t even = 0, odd = 0;
    for (size_t i = 0; i < OBJECTS; i++)
        if (asked[i] == (i % 2 ? 2 : 1))
            ++*(i % 2 ? &odd : &even);
    CHECK(even >= OBJECTS / 2 - 2 && odd >= OBJECTS / 2 - 2); /* a word may look like one */
}

static size_t seen, seen_bytes;
static struct object *kept[50];

static void see(void *object, size_t bytes, void *data) {
    CHECK(data == &seen);
    for (size_t i = 0; i < 50; i++)
        if (kept[i] == object)
            seen++;
    seen_bytes += bytes;
}

static void test_enumerate(void) {
    for (size_t i = 0; i < 50; i++)
        kept[i] = GC_MALLOC(sizeof **kept);
    char *large = GC_MALLOC_ATOMIC(1000000);
    GC_enumerate_reachable_objects_inner(see, &seen);
    CHECK(seen == 50 && seen_bytes > 1000000);
    GC_reachable_here(large);
}

static void test_guard(void) {
    static char *object;
    int pipes[2];
    char said[1000];
    CHECK(pipe2(pipes, O_NONBLOCK) == 0);
    object = GC_debug_malloc(10, "here", 7);
    GC_set_log_fd(pipes[1]);
    collect();
    CHECK(read(pipes[0], said, sizeof said) < 0); /* all is well */
    object[10] = 1;
    collect();
    GC_set_log_fd(2);
    ssize_t bytes = read(pipes[0], said, sizeof said - 1);
    CHECK(bytes > 0);
    said[bytes] = 0;
    CHECK(strstr(said, "smashed") && strstr(said, "here:7"));
}

int main(void) {
    GC_INIT();
    test_disclaim();
    test_enumerate();
    test_guard();
    return 0;
}

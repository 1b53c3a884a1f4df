/* SPDX-License-Identifier: MIT */
/*
 * Finalizers of all four orders, what they replace, disappearing links, toggle references.
 */
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/javaxfc.h>

#include <setjmp.h>

#include "check.h"

struct object {
    struct object *to;
    size_t number;
};

typedef void register_fn(void *, GC_finalization_proc, void *, GC_finalization_proc *, void **);

enum { MOST = 100 };
static size_t ran[MOST], ran_count;

static void note(void *object, void *data) {
    CHECK(((struct object *)object)->number == (size_t)data);
    CHECK(ran_count < MOST);
    ran[ran_count++] = (size_t)data;
}

static struct object *new_object(size_t number, struct object *to, register_fn *registers) {
    struct object *object = GC_MALLOC(sizeof *object);
    object->number = number;
    object->to = to;
    if (registers)
        registers(object, note, (void *)number, NULL, NULL);
    return object;
}

static __attribute__((noinline)) void make_chain(register_fn *registers) {
    struct object *object = NULL;
    for (size_t i = 0; i < 3; i++)
        object = new_object(i, object, registers);
}

static __attribute__((noinline)) void make_cycle(register_fn *registers) {
    struct object *first = new_object(0, NULL, registers);
    first->to = new_object(1, first, registers);
}

static __attribute__((noinline)) void make_self(register_fn *registers) {
    struct object *object = new_object(0, NULL, registers);
    object->to = object;
}

/* One of them says of the other that it may go. */
static __attribute__((noinline)) void make_broken_cycle(register_fn *registers) {
    struct object *first = new_object(0, NULL, registers);
    first->to = new_object(1, first, registers);
    CHECK(GC_general_register_disappearing_link((void **)&first->to->to, first) == GC_SUCCESS);
}

static size_t run(void (*make)(register_fn *), register_fn *registers) {
    ran_count = 0;
    make(registers);
    for (int i = 0; i < 4; i++)
        collect_all();
    return ran_count;
}

static void test_orders(void) {
    CHECK(run(make_chain, GC_register_finalizer) == 3);
    CHECK(ran[0] == 2 && ran[1] == 1 && ran[2] == 0); /* who leads to others comes first */
    CHECK(run(make_chain, GC_register_finalizer_no_order) == 3);
    CHECK(run(make_cycle, GC_register_finalizer) == 0);
    CHECK(run(make_cycle, GC_register_finalizer_no_order) == 2);
    CHECK(run(make_broken_cycle, GC_register_finalizer) == 2);
    CHECK(ran[0] == 0 && ran[1] == 1); /* nothing leads to the first one any more */
    CHECK(run(make_self, GC_register_finalizer) == 0);
    CHECK(run(make_self, GC_register_finalizer_ignore_self) == 1);
    CHECK(run(make_self, GC_register_finalizer_no_order) == 1);
    CHECK(run(make_chain, GC_register_finalizer_unreachable) == 3);
}

static void test_replaced(void) {
    struct object *object = new_object(5, NULL, NULL);
    GC_finalization_proc old = note;
    void *old_data = object;
    GC_register_finalizer(object, note, (void *)5, &old, &old_data);
    CHECK(!old && !old_data);
    GC_register_finalizer_no_order(object, note, (void *)6, &old, &old_data);
    CHECK(old == note && old_data == (void *)5);
    GC_register_finalizer(object, NULL, NULL, &old, &old_data);
    CHECK(old == note && old_data == (void *)6);
    register_fn *const all[] = {GC_register_finalizer, GC_register_finalizer_ignore_self,
                                GC_register_finalizer_no_order, GC_register_finalizer_unreachable};
    for (size_t i = 0; i < 4; i++) { /* each takes back what any of them has set */
        all[i](object, note, (void *)7, NULL, NULL);
        all[3 - i](object, NULL, NULL, &old, &old_data);
        CHECK(old == note && old_data == (void *)7);
        all[i](object, NULL, NULL, &old, &old_data);
        CHECK(!old && !old_data);
    }
    static int word;
    GC_register_finalizer(&word, note, NULL, &old, &old_data); /* not of the collector's */
    CHECK(!old);
}

/* A finalizer's data may be the only reference to an object. */
static void see_data(void *object, void *data) {
    (void)object;
    CHECK(((struct object *)data)->number == 77);
    ran_count++;
}

static __attribute__((noinline)) void make_with_data(void) {
    for (int i = 0; i < 10; i++)
        GC_register_finalizer(new_object(0, NULL, NULL), see_data, new_object(77, NULL, NULL), NULL,
                              NULL);
}

static void test_data(void) {
    ran_count = 0;
    make_with_data();
    for (int i = 0; i < 1000; i++)
        new_object(1, NULL, NULL);
    collect_all();
    collect_all();
    CHECK(ran_count >= 9);
}

static size_t notified;
static void notify(void) { notified++; }

static __attribute__((noinline)) void make_some(size_t count) {
    for (size_t i = 0; i < count; i++)
        new_object(i, NULL, GC_register_finalizer);
}

static void test_on_demand(void) {
    GC_set_finalize_on_demand(1);
    GC_set_finalizer_notifier(notify);
    ran_count = notified = 0;
    make_some(20);
    collect();
    CHECK(ran_count == 0 && notified > 0 && GC_should_invoke_finalizers());
    CHECK(GC_invoke_finalizers() >= 19 && ran_count >= 19);
    GC_set_finalize_on_demand(0);
    ran_count = 0;
    make_some(20);
    collect(); /* runs them */
    CHECK(ran_count >= 19);
}

/* A finalizer that is left by a jump keeps none of the others from running. */
static jmp_buf out;

static void jump(void *object, void *data) {
    (void)object, (void)data;
    longjmp(out, 1);
}

static __attribute__((noinline)) void make_jumping(size_t count) {
    for (size_t i = 0; i < count; i++)
        GC_register_finalizer(new_object(0, NULL, NULL), jump, NULL, NULL, NULL);
}

static void test_left(void) {
    enum { JUMPS = 10 };
    volatile size_t jumps = 0;
    make_jumping(JUMPS);
    if (setjmp(out))
        jumps++;
    while (jumps < JUMPS - 1) /* a word on the stack may keep one */
        collect();
    ran_count = 0;
    make_some(20);
    for (int i = 0; i < 10 && ran_count < 19; i++)
        collect();
    CHECK(ran_count >= 19);
}

static void test_closure(void) {
    static const struct GC_finalizer_closure closure = {note, (void *)3};
    GC_init_finalized_malloc();
    ran_count = 0;
    for (int i = 0; i < 10; i++)
        ((struct object *)GC_finalized_malloc(sizeof(struct object), &closure))->number = 3;
    collect_all();
    CHECK(ran_count >= 9);
}

/* ---- Links ---- */

enum { LINKS = 50 };
static GC_hidden_pointer links[LINKS], long_links[LINKS], moved[LINKS];
static void *strong[LINKS];

static __attribute__((noinline)) void make_links(void) {
    for (size_t i = 0; i < LINKS; i++) {
        struct object *object = new_object(i, NULL, i % 2 ? GC_register_finalizer : NULL);
        links[i] = GC_HIDE_POINTER(object);
        long_links[i] = GC_HIDE_POINTER(object);
        CHECK(GC_general_register_disappearing_link((void **)&links[i], object) == GC_SUCCESS);
        CHECK(GC_general_register_disappearing_link((void **)&links[i], object) == GC_DUPLICATE);
        CHECK(GC_register_long_link((void **)&long_links[i], object) == GC_SUCCESS);
        strong[i] = i < LINKS / 2 ? object : NULL;
        if (i % 5 == 0) {
            moved[i] = links[i];
            CHECK(GC_move_disappearing_link((void **)&links[i], (void **)&moved[i]) == GC_SUCCESS);
        }
    }
}

static size_t count_left(const GC_hidden_pointer *words, size_t first, size_t step) {
    size_t count = 0;
    for (size_t i = first; i < LINKS; i += step)
        count += words[i] != 0;
    return count;
}

/* ---- Links in objects ---- */

static struct object *held; /* what the links lead to */
static size_t seen_count, null_count;

static void see_cleared(void *object, void *data) {
    (void)data;
    null_count += ((struct object *)object)->to == NULL;
    seen_count++; /* ran_count may count one of a test before */
}

static __attribute__((noinline)) void make_holders(void) {
    held = new_object(9, NULL, NULL);
    for (size_t i = 0; i < 20; i++) {
        struct object *object = new_object(i, held, NULL);
        GC_register_finalizer(object, see_cleared, NULL, NULL, NULL);
        CHECK(GC_register_disappearing_link((void **)&object->to) == GC_SUCCESS);
    }
}

/* The link goes with the object that it lies in, before its finalizer. */
static void test_links_in_objects(void) {
    GC_set_finalize_on_demand(0);
    make_holders();
    collect_all();
    CHECK(seen_count >= 19 && null_count == seen_count && held->number == 9);
}

/* What only a finalizer keeps counts as gone, for short links. */
static GC_hidden_pointer child_links[20], long_child_links[20];

static __attribute__((noinline)) void make_parents(void) {
    for (size_t i = 0; i < 20; i++) {
        struct object *child = new_object(i, NULL, NULL);
        new_object(i, child, GC_register_finalizer);
        child_links[i] = long_child_links[i] = GC_HIDE_POINTER(child);
        GC_general_register_disappearing_link((void **)&child_links[i], child);
        GC_register_long_link((void **)&long_child_links[i], child);
    }
}

static void test_links_to_children(void) {
    size_t left = 0, long_left = 0;
    GC_set_finalize_on_demand(1);
    ran_count = 0;
    make_parents();
    collect();
    for (size_t i = 0; i < 20; i++) {
        left += child_links[i] != 0;
        long_left += long_child_links[i] != 0;
    }
    CHECK(left <= 1 && long_left == 20);
    CHECK(GC_invoke_finalizers() >= 19);
    GC_set_finalize_on_demand(0);
    collect_all();
    for (size_t i = 0; i < 20; i++)
        GC_unregister_disappearing_link((void **)&child_links[i]);
}

static void test_links(void) {
    static void *unknown;
    GC_set_finalize_on_demand(1);
    ran_count = 0;
    make_links();
    collect();
    for (size_t i = 0; i < LINKS / 2; i++) {
        struct object *object = GC_REVEAL_POINTER(i % 5 ? links[i] : moved[i]);
        CHECK(object == strong[i] && object->number == i && long_links[i]);
    }
    /* those that were moved hold what they held */
    CHECK(count_left(links, LINKS / 2, 1) <= LINKS / 2 / 5 + 2);
    CHECK(count_left(moved, LINKS / 2, 5) <= 1);
    /* objects with finalizers are there until these have run */
    CHECK(count_left(long_links, LINKS / 2 | 1, 2) >= LINKS / 4);
    GC_invoke_finalizers();
    collect();
    CHECK(count_left(long_links, LINKS / 2, 1) <= 2);
    GC_set_finalize_on_demand(0);
    for (size_t i = 0; i < LINKS / 2; i++) {
        int there = i % 5 != 0;
        CHECK(GC_unregister_disappearing_link((void **)&links[i]) == there);
        CHECK(GC_unregister_long_link((void **)&long_links[i]) == 1);
    }
    CHECK(GC_unregister_disappearing_link(&unknown) == 0);
    CHECK(GC_move_disappearing_link(&unknown, &strong[0]) == GC_NOT_FOUND);
    CHECK(GC_move_disappearing_link(&unknown, &unknown) == GC_NOT_FOUND);
    CHECK(GC_general_register_disappearing_link(&unknown, strong[0]) == GC_SUCCESS);
    CHECK(GC_move_disappearing_link(&unknown, &unknown) == GC_SUCCESS);
    CHECK(GC_unregister_disappearing_link(&unknown) == 1);
}

/* ---- Toggle references ---- */

static char *text; /* the function runs while threads may have the C library's locks */

static GC_ToggleRefStatus choose(void *object) {
    free(text);
    text = strdup("toggle");
    size_t number = ((struct object *)object)->number;
    return number == 0   ? GC_TOGGLE_REF_STRONG
           : number == 1 ? GC_TOGGLE_REF_WEAK
                         : GC_TOGGLE_REF_DROP;
}

static GC_hidden_pointer toggled[30];

static __attribute__((noinline)) void make_toggles(void) {
    for (size_t i = 0; i < 30; i++) {
        struct object *object = new_object(i % 3, NULL, NULL);
        toggled[i] = GC_HIDE_POINTER(object);
        GC_general_register_disappearing_link((void **)&toggled[i], object);
        CHECK(GC_toggleref_add(object, 1) == GC_SUCCESS);
    }
}

static size_t count_toggled(size_t number) {
    size_t count = 0;
    for (size_t i = number; i < 30; i += 3)
        count += toggled[i] != 0;
    return count;
}

/* Weak ones are asked for until their objects' memory goes, after finalizers. */
static size_t asked;

static GC_ToggleRefStatus count_asked(void *object) {
    (void)object;
    asked++;
    return GC_TOGGLE_REF_WEAK;
}

static __attribute__((noinline)) void make_finalized_toggles(void) {
    for (size_t i = 0; i < 20; i++)
        CHECK(GC_toggleref_add(new_object(i, NULL, GC_register_finalizer), 1) == GC_SUCCESS);
}

static void test_finalized_toggles(void) {
    GC_set_toggleref_func(count_asked);
    GC_set_finalize_on_demand(1);
    ran_count = 0;
    make_finalized_toggles();
    collect();
    CHECK(GC_invoke_finalizers() >= 19);
    asked = 0;
    collect();
    CHECK(asked >= 19);
    for (int i = 0; i < 5 && asked > 1; i++) {
        asked = 0;
        collect();
    }
    CHECK(asked <= 1);
    GC_set_finalize_on_demand(0);
    GC_set_toggleref_func(NULL);
}

static void test_toggles(void) {
    make_toggles(); /* without a function nothing is listed */
    collect_all();
    CHECK(count_toggled(0) <= 1);
    GC_set_toggleref_func(choose);
    make_toggles();
    collect_all();
    size_t left[3] = {count_toggled(0), count_toggled(1), count_toggled(2)};
    CHECK(left[0] == 10 && left[1] <= 1 && left[2] <= 1);
}

static void test_all(void) {
    static struct object *kept[5];
    ran_count = 0;
    for (size_t i = 0; i < 5; i++)
        kept[i] = new_object(i, NULL, GC_register_finalizer);
    GC_finalize_all();
    CHECK(kept[4]->number == 4);
    CHECK(ran_count >= 5);
}

int main(void) {
    GC_INIT();
    test_orders();
    test_replaced();
    test_data();
    test_on_demand();
    test_left();
    test_closure();
    test_links();
    test_links_in_objects();
    test_links_to_children();
    test_finalized_toggles();
    test_toggles();
    test_all();
    return 0;
}

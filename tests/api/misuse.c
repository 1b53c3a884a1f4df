/* SPDX-License-Identifier: MIT */
/*
 * A caller's bug stops the process with one line that names the call: each public function that
 * works with a mutator is called with a detached one, one in native code, by a region of its own or
 * of another heap's, and another thread's; each call in a process of its own.
 *
 * This file has the checks of the inline functions too; unchecked.c calls them without.
 */
#define GAIT_CHECKED
#include "misuse.h"

#include <gait/arena.h>
#include <gait/expect.h>
#include <gait/foreign.h>
#include <gait/library.h>
#include <gait/links.h>
#include <gait/tied.h>

static void finalize(gait_mutator *at, void *what, void *data) { (void)at, (void)what, (void)data; }

static void clean_up(gait_mutator *at, void *data) { (void)at, (void)data; }

static void call_alloc(void) { gait_alloc(mutator, kind, 16); }
static void call_poll(void) { gait_poll(mutator); }
static void call_store(void) { gait_store(mutator, object, 0); }
static void call_push_frame(void) { gait_push_frame(mutator, &frame, object, 1); }
static void call_pop_frame(void) { gait_pop_frame(mutator); }
static void call_shade(void) { gait_shade(mutator, 0); }
static void call_frames_save(void) { gait_frames_save(mutator); }
static void call_frames_restore(void) { gait_frames_restore(mutator, (struct gait_frames){0}); }
static void call_shade_slow(void) { gait_shade_slow(mutator, 0); }
static void call_barrier(void) { gait_barrier(mutator, object, 0); }
static void call_compare_exchange(void) {
    gait_word expected = 0;
    gait_compare_exchange(mutator, object, &expected, 0);
}
static void call_move(void) { gait_move(mutator, object, object + 1, 1); }
static void call_fill(void) { gait_fill(mutator, object, 0, 0); }
static void call_collect(void) { gait_collect(mutator); }
static void call_free_os_memory(void) { gait_free_os_memory(mutator); }
static void call_enter_native(void) { gait_enter_native(mutator); }
static void call_leave_native(void) { gait_leave_native(mutator); }
static void call_mutator_heap(void) { gait_mutator_heap(mutator); }
static void call_detach(void) { gait_detach(mutator); }
static void call_roots_add(void) { gait_roots_add(mutator, &slot, 1); }
static void call_roots_remove(void) { gait_roots_remove(mutator, &slot); }
static void call_roots_add_range(void) { gait_roots_add_range(mutator, &slot, sizeof slot, 0); }
static void call_roots_remove_range(void) { gait_roots_remove_range(mutator, &slot); }
static void call_handle_new(void) { gait_handle_new(mutator, 0); }
static void call_handle_set(void) { gait_handle_set(mutator, handle, 0); }
static void call_handle_free(void) { gait_handle_free(mutator, handle); }
static void call_handle_free_again(void) {
    gait_handle_free(mutator, handle);
    gait_handle_free(mutator, handle);
}
static void call_set_roots_callback(void) { gait_set_roots_callback(mutator, NULL, NULL); }
static void call_coroutine_new(void) { gait_coroutine_new(mutator, NULL, NULL, NULL, NULL); }
static void call_coroutine_switch(void) { gait_coroutine_switch(mutator, NULL); }
static void call_coroutine_tie(void) { gait_coroutine_tie(mutator, coroutine, object); }
static void call_coroutine_free(void) { gait_coroutine_free(mutator, coroutine); }
static void call_weak_get(void) { gait_weak_get(mutator, object); }
static void call_weak_set(void) { gait_weak_set(mutator, object, 0); }
static void call_ephemeron_get(void) { gait_ephemeron_get(mutator, object); }
static void call_ephemeron_set(void) { gait_ephemeron_set(mutator, object, 0, 0); }
static void call_finalizer_set(void) { gait_finalizer_set(mutator, object, finalize, NULL); }
static void call_finalizer_replace(void) {
    gait_finalizer_replace(mutator, object, finalize, NULL, 0, NULL, NULL);
}
static void call_finalizer_get(void) { gait_finalizer_get(mutator, object, NULL, NULL, NULL); }
static void call_finalize_all(void) { gait_finalize_all(mutator); }
static void call_link_register(void) { gait_link_register(mutator, &slot, object, 0); }
static void call_link_unregister(void) { gait_link_unregister(mutator, &slot, 0); }
static void call_link_move(void) { gait_link_move(mutator, &slot, &slot, 0); }
static void call_link_get(void) { gait_link_get(mutator, &slot, 0); }
static void call_expect_dead(void) { gait_expect_dead(mutator, object, NULL); }
static void call_expect_dead_cancel(void) { gait_expect_dead_cancel(mutator, object); }
static void call_cleanup_add(void) { gait_cleanup_add(mutator, object, clean_up, NULL); }
static void call_cleanup_cancel(void) { gait_cleanup_cancel(mutator, object, clean_up, NULL); }
static void call_run_finalizers(void) { gait_run_finalizers(mutator, 1); }
static void call_wait_finalizers(void) { gait_wait_finalizers(mutator, 1000); }

static void call_no_collect_begin(void) { gait_no_collect_begin(mutator); }
static void call_no_collect_end(void) { gait_no_collect_end(mutator); }
static void call_free(void) { gait_free(mutator, object); }
static void call_realloc(void) { gait_realloc(mutator, object, 100); }
static void call_alloc_aligned(void) { gait_alloc_aligned(mutator, kind, 16, 64); }
static void call_align_of_three(void) { gait_alloc_aligned(mutator, kind, 16, 24); }
static void call_align_of_two_pages(void) { gait_alloc_aligned(mutator, kind, 16, 8192); }
static void call_free_twice(void) {
    gait_free(mutator, object);
    gait_free(mutator, object);
}
static void call_free_inside(void) { gait_free(mutator, object + 1); }
static void call_free_null(void) { gait_free(mutator, NULL); }
static void call_free_of_malloc(void) { gait_free(mutator, &slot); }
static gait_word *object_of_another_heap(void) {
    gait_heap *other = gait_heap_create(NULL, NULL, 0);
    gait_mutator *its = gait_attach(other);
    gait_kind_info info = {.name = "refs", .layout = GAIT_REFS};
    return gait_alloc(its, (gait_kind)gait_kind_register(other, &info), 16);
}
static void call_free_of_another_heap(void) { gait_free(mutator, object_of_another_heap()); }
static void call_free_of_an_arena(void) {
    gait_arena *arena = gait_arena_create(mutator, NULL);
    gait_free(mutator, gait_arena_new(mutator, arena, kind, 16));
}
static void call_free_of_what_is_none_yet(void) { gait_free(mutator, object + 2); }
static void call_realloc_freed(void) {
    gait_free(mutator, object);
    gait_realloc(mutator, object, 100);
}
static void call_realloc_inside(void) { gait_realloc(mutator, object + 1, 100); }
static void call_realloc_null(void) { gait_realloc(mutator, NULL, 100); }

static void call_foreign_add(void) { gait_foreign_add(mutator, 1); }
static void call_foreign_sub(void) { gait_foreign_sub(mutator, 0); }
static void call_foreign_add_named(void) { gait_foreign_add_named(mutator, object, 1, "x"); }
static void call_foreign_sub_named(void) { gait_foreign_sub_named(mutator, object, 0); }
static void call_out_of_memory(void) { gait_out_of_memory(mutator, 1, 0); }
static void call_foreign_sub_more(void) {
    gait_foreign_add(mutator, 100);
    gait_foreign_sub(mutator, 60);
    gait_foreign_sub(mutator, 41);
}
static void call_heap_foreign_sub(void) { gait_heap_foreign_sub(gait_mutator_heap(mutator), 1); }
static void call_foreign_add_negative(void) { gait_foreign_add(mutator, (size_t)-1); }

static void call_foreign_sub_named_more(void) { gait_foreign_sub_named(mutator, object, 1); }
static void call_heap_foreign_sub_named(void) {
    gait_heap_foreign_sub_named(gait_mutator_heap(mutator), object, 1);
}
static void call_foreign_add_named_negative(void) {
    gait_foreign_add_named(mutator, object, (size_t)-1, NULL);
}

#define CALL(name)                                                                                 \
    { "gait_" #name, call_##name }
/* These don't look whose mutator it is. */
static const struct misuse fast[] = {
    {"gait_store", call_barrier},
    {"gait_shade", call_shade_slow},
    CALL(compare_exchange),
    CALL(move),
    CALL(fill),
    CALL(weak_get),
    CALL(weak_set),
    CALL(ephemeron_get),
    CALL(ephemeron_set),
};
static const struct misuse slow[] = {
    CALL(alloc),
    CALL(poll),
    CALL(store),
    CALL(push_frame),
    CALL(pop_frame),
    CALL(shade),
    CALL(frames_save),
    CALL(frames_restore),
    CALL(collect),
    CALL(free_os_memory),
    CALL(roots_add),
    CALL(roots_remove),
    CALL(roots_add_range),
    CALL(roots_remove_range),
    CALL(handle_new),
    CALL(handle_set),
    CALL(handle_free),
    CALL(set_roots_callback),
    CALL(coroutine_new),
    CALL(coroutine_tie),
    CALL(coroutine_switch),
    CALL(coroutine_free),
    CALL(finalizer_set),
    CALL(cleanup_add),
    CALL(cleanup_cancel),
    CALL(run_finalizers),
    CALL(wait_finalizers),
    CALL(foreign_add),
    CALL(foreign_sub),
    CALL(foreign_add_named),
    CALL(foreign_sub_named),
    CALL(out_of_memory),
    CALL(free),
    CALL(realloc),
    CALL(no_collect_begin),
    CALL(no_collect_end),
    {"gait_alloc", call_alloc_aligned},
    CALL(finalizer_replace),
    CALL(finalizer_get),
    CALL(finalize_all),
    CALL(link_register),
    CALL(link_unregister),
    CALL(link_move),
    CALL(link_get),
    CALL(expect_dead),
    CALL(expect_dead_cancel),
};
/* Right in some states. */
static const struct misuse enters[] = {CALL(enter_native)};
static const struct misuse leaves[] = {CALL(leave_native)};
static const struct misuse ends[] = {CALL(detach)};
static const struct misuse heap_of[] = {CALL(mutator_heap)};
static const struct misuse objects[] = {
    {"gait_free", call_free_twice},
    {"gait_free", call_free_inside},
    {"gait_free", call_free_null},
    {"gait_free", call_free_of_malloc},
    {"gait_free", call_free_of_another_heap},
    {"gait_free", call_free_of_an_arena},
    {"gait_free", call_free_of_what_is_none_yet},
    {"gait_realloc", call_realloc_freed},
    {"gait_realloc", call_realloc_inside},
    {"gait_realloc", call_realloc_null},
    {"gait_alloc_aligned", call_align_of_three},
    {"gait_alloc_aligned", call_align_of_two_pages},
    CALL(no_collect_end),
};
static const struct misuse twice[] = {{"gait_handle_free", call_handle_free_again}};

static const struct misuse more[] = {
    {"gait_foreign_sub", call_foreign_sub_more},
    {"gait_foreign_add", call_foreign_add_negative},
    CALL(heap_foreign_sub),
    {"gait_foreign_sub_named", call_foreign_sub_named_more},
    {"gait_foreign_add_named", call_foreign_add_named_negative},
    CALL(heap_foreign_sub_named),
};

static unsigned run(const char *title, void (*prepare)(void)) {
    return misuse_run(fast, COUNT(fast), title, prepare) +
           misuse_run(slow, COUNT(slow), title, prepare);
}

int main(void) {
    unsigned silent = 0;
    silent += run("detached", state_detached);
    silent += misuse_run(enters, 1, "detached", state_detached);
    silent += misuse_run(leaves, 1, "detached", state_detached);
    silent += misuse_run(ends, 1, "detached", state_detached);
    silent += misuse_run(heap_of, 1, "detached", state_detached);
    silent += run("native", state_native);
    silent += misuse_run(enters, 1, "native", state_native);
    silent += run("taken along", state_taken_along);
    silent += misuse_run(leaves, 1, "taken along", state_taken_along);
    silent += misuse_run(slow, COUNT(slow), "another's", state_of_another);
    silent += misuse_run(enters, 1, "another's", state_of_another);
    silent += misuse_run(leaves, 1, "another's", state_of_another);
    silent += misuse_run(ends, 1, "another's", state_of_another);
    silent += misuse_run(leaves, 1, "running", state_running);
    silent += misuse_run(more, COUNT(more), "running", state_running);
    silent += misuse_run(twice, 1, "running", state_running);
    silent += misuse_run(objects, COUNT(objects), "running", state_running);
    silent += unchecked_run();
    silent += arenas_run();
    silent += arena_use_run();
    printf("%u calls said nothing\n", silent);
    return silent != 0;
}

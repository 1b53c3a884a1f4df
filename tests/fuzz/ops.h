/* SPDX-License-Identifier: MIT */
/* Every operation; the table in ops.c says how often each is done. */
#ifndef FUZZ_OPS_H
#define FUZZ_OPS_H

#include "model.h"

#include <gait/liveness.h>

/* ops_objects.c */
void op_new(struct context *context);
void op_large(struct context *context);
void op_churn(struct context *context);
void op_store(struct context *context);
void op_clear(struct context *context);
void op_fill(struct context *context);
void op_move(struct context *context);
void op_exchange(struct context *context);
void op_count(struct context *context);
void op_query(struct context *context);

/* ops_freeing.c */
void op_free(struct context *context);
void op_realloc(struct context *context);
void op_aligned(struct context *context);
void op_no_collect(struct context *context);

/* ops_roots.c */
void op_root(struct context *context);
void op_drop(struct context *context);
void op_frame(struct context *context);
void op_static(struct context *context);
void op_range(struct context *context);
void op_block_roots(struct context *context);
void op_handle(struct context *context);
void op_callback(struct context *context);

/* ops_jumps.c */
void op_jump(struct context *context);

/** Leave a callback of the library by longjmp, if an op_jump waits for it on this thread. */
void jump_out(void);

/* ops_weak.c */
void op_weak_set(struct context *context);
void op_weak_get(struct context *context);
void op_pair_set(struct context *context);

/* ops_finalizers.c */
void op_finalizer(struct context *context);
void op_finalizer_remove(struct context *context);
void op_cleanup(struct context *context);
void op_cleanup_cancel(struct context *context);
void op_run_finalizers(struct context *context);
void op_inbox(struct context *context);

/** Has it run to its end? Of one that a node has. */
bool job_has_run(const struct job *job);

/** The node has no finalizer any more. */
void job_end(struct job *job);

/** At the end of a round: whether a finalizer is set that the library will run. */
void finalizers_check_done(struct context *context);

/** After gait_finalize_all: whether every finalizer has run. */
void finalizers_check_all(struct context *context);

/* ops_links.c */
void op_expect(struct context *context);
void op_link(struct context *context);
void op_link_get(struct context *context);
void op_link_move(struct context *context);

/** The owner is about to get a node that may not be strong, and may make it so: an early link may
 * be cleared by then, though its target is strong later. */
void links_expect_weak(struct context *context);

/** Of all links of an owner: what model_verify compares. */
void links_check(struct context *context, bool collected);

/** The finalizer of their target has run, so short ones were cleared before. */
void links_clear(struct context *context, const struct node *gone);

/** Take all links back. */
void links_drop(struct context *context);

/* ops_early.c */
/** A ring of objects with finalizers, which an early link breaks or nothing. */
void ring_make(struct context *context);

/** At the end of a round: which have run; closing: after gait_finalize_all. */
void rings_check(struct heap *heap, bool closing);
void rings_free(struct heap *heap);

/* ops_generators.c */
void op_generator_new(struct context *context);
void op_generator(struct context *context);

/** Note those that were cleaned up since. */
void generators_settle(struct context *context);

/** At the end of a round, after a walk: whether all are cleaned up that can be. */
void generators_check_done(struct context *context);

/** What the model has of them. */
void generators_free(struct owner *owner);

/* ops_watches.c */
void op_watch(struct context *context);
void op_watch_get(struct context *context);

/** The hook of a heap, which is its data. */
void watches_hook(gait_liveness *liveness, gait_liveness_stage stage, void *data);

/** Whether one was cleared before its target came back decides on its value. */
void watches_tighten(struct context *context, struct watch *watch);

/** Of all watches of an owner: what model_verify compares. */
void watches_check(struct context *context, bool collected);

/** The finalizer of their target has run, so they were cleared before. */
void watches_clear(struct context *context, const struct node *gone);

/** End all of them. */
void watches_drop(struct context *context);

/* ops_control.c */
void op_verify(struct context *context);
void op_collect(struct context *context);
void op_release(struct context *context);
void op_poll(struct context *context);
void op_native(struct context *context);
void op_settings(struct context *context);
void op_figures(struct context *context);
void op_kinds(struct context *context);

/* ops_offheap.c */
void op_foreign(struct context *context);
void op_foreign_named(struct context *context);
void op_offheap(struct context *context);
void op_offheap_pieces(struct context *context);

/** Compare an owner's blocks with the model. */
void owner_blocks_check(struct context *context);

/** At the end of a round: free what no object owns; see that nothing is left. */
void owner_blocks_drop(struct context *context);
void owner_blocks_check_none(struct context *context);

/* ops_arenas.c */
void op_arena(struct context *context);

/** At the end of a round: free some, leak the others. */
void owner_arenas_drop(struct context *context);

/** A place in an arena, with so many words that the model fills. */
struct node *arena_place(struct context *context, struct arena *arena, void *start, unsigned kind,
                         size_t bytes);

/** A new arena of the owner; a root may hold its handle. */
struct arena *arena_known(struct context *context, struct gait_arena *handle);

/* ops_arena_figures.c */
void op_arena_list(struct context *context);

/** Compare an arena's figures with the model. */
void arena_figures(struct context *context, const struct arena *arena);

/** What holds for the figures of any arena. */
void arena_figures_check(const gait_arena_stats *stats);

/* ops_snapshots.c */
/** Save an arena, and load it as another one. */
void arena_save(struct context *context, const struct arena *arena);

/* ops_clones.c */
/** Copy something of an arena to the heap. */
void arena_clone(struct context *context, struct arena *arena);

/* ops_pairs.c */
void op_pair_read(struct context *context);
void op_pair_write(struct context *context);

/** The heap's pair of arenas is there; is freed. */
void frames_begin(struct context *context);
void frames_end(struct context *context);

/* ops_threads.c */
void op_shared(struct context *context);
void op_visitor(struct context *context);
void op_attach(struct context *context);
void op_fork(struct context *context);

/* ops_coroutines.c */
void op_coroutine(struct context *context);
void op_coroutine_renew(struct context *context);
void op_coroutine_poke(struct context *context);
struct coroutine *coroutine_make(struct context *context);
void coroutine_end(struct context *context, struct coroutine *coroutine);

/* ops_hands.c */
void op_give(struct context *context);
void op_receive(struct context *context);

/* ops_mail.c */
void op_post(struct context *context);
void op_take(struct context *context);

/** An object that checks itself, with a reference to another one or 0. NULL: no memory. */
struct letter *letter_new(struct context *context, const gait_word *next);
void letter_check(gait_word letter);

#endif

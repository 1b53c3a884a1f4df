/* SPDX-License-Identifier: MIT */
/*
 * The table of operations, and the choice among them.
 *
 * Together with what each round does they call all public functions, except for these:
 *   - what is said once, or of the whole process: gait_version, gait_debug_setting,
 *     gait_stop_finalizers, gait_is_running, gait_explain_fault, gait_offheap_use and _backend,
 *     gait_library_…, gait_attach_explained, names and texts of figures;
 *   - what others stand for: gait_barrier (gait_store), gait_visit (its kin with ranges),
 * gait_check, gait_alloc_aligned_slow and gait_arena_check (this program is GAIT_CHECKED),
 * gait_has_roots_in, gait_out_of_memory, gait_offheap_bytes (the figures), gait_offheap_write_leaks
 * (it writes);
 *   - gait_stopped_at: of heaps whose threads the program stops (tests/stress/world_hooks.c);
 *   - gait_rel32_get and _set: plain computation.
 */
#include "ops.h"

const struct op all_ops[] = {
    {"new", op_new, 60, OP_ALWAYS},
    {"large", op_large, 2, OP_ANY},
    {"churn", op_churn, 8, OP_ANY},
    {"store", op_store, 60, OP_ANY},
    {"clear", op_clear, 20, OP_ANY},
    {"fill", op_fill, 6, OP_ANY},
    {"move", op_move, 12, OP_ANY},
    {"exchange", op_exchange, 10, OP_ANY},
    {"count", op_count, 6, OP_ANY},
    {"query", op_query, 6, OP_ANY},
    {"free", op_free, 12, OP_ANY},
    {"realloc", op_realloc, 12, OP_ANY},
    {"aligned", op_aligned, 2, OP_ANY},
    {"no-collect", op_no_collect, 1, OP_OWN},
    {"root", op_root, 30, OP_ALWAYS},
    {"drop", op_drop, 1, OP_ANY},
    {"frame", op_frame, 16, OP_ANY},
    {"static", op_static, 4, OP_ANY},
    {"range", op_range, 3, OP_ANY},
    {"block-roots", op_block_roots, 4, OP_ANY},
    {"jump", op_jump, 3, OP_ANY},
    {"handle", op_handle, 6, OP_ANY},
    {"callback", op_callback, 2, OP_OWN},
    {"weak-set", op_weak_set, 20, OP_ANY},
    {"weak-get", op_weak_get, 20, OP_ANY},
    {"pair-set", op_pair_set, 20, OP_ANY},
    {"finalizer", op_finalizer, 8, OP_ANY},
    {"finalizer-remove", op_finalizer_remove, 2, OP_ANY},
    {"cleanup", op_cleanup, 8, OP_ANY},
    {"cleanup-cancel", op_cleanup_cancel, 3, OP_ANY},
    {"run-finalizers", op_run_finalizers, 8, OP_ANY},
    {"inbox", op_inbox, 8, OP_ALWAYS},
    {"expect", op_expect, 3, OP_ANY},
    {"link", op_link, 8, OP_ANY},
    {"link-get", op_link_get, 8, OP_ANY},
    {"link-move", op_link_move, 3, OP_ANY},
    {"watch", op_watch, 8, OP_ANY},
    {"watch-get", op_watch_get, 8, OP_ANY},
    {"verify", op_verify, 2, OP_ALWAYS},
    {"collect", op_collect, 1, OP_ANY},
    {"release", op_release, 1, OP_ANY},
    {"poll", op_poll, 8, OP_ANY},
    {"native", op_native, 4, OP_ANY},
    {"settings", op_settings, 2, OP_ANY},
    {"figures", op_figures, 2, OP_ANY},
    {"kinds", op_kinds, 1, OP_ANY},
    {"arena", op_arena, 30, OP_ANY},
    {"arena-list", op_arena_list, 3, OP_ANY},
    {"pair-read", op_pair_read, 12, OP_ANY},
    {"pair-write", op_pair_write, 12, OP_ANY},
    {"foreign", op_foreign, 8, OP_ANY},
    {"foreign-named", op_foreign_named, 4, OP_ANY},
    {"offheap", op_offheap, 16, OP_ANY},
    {"offheap-pieces", op_offheap_pieces, 4, OP_ANY},
    {"shared", op_shared, 20, OP_OWN},
    {"visitor", op_visitor, 1, OP_OWN | OP_THREADS},
    {"attach", op_attach, 1, OP_OWN},
    {"fork", op_fork, 1, OP_OWN | OP_THREADS},
    {"coroutine", op_coroutine, 20, OP_OWN},
    {"coroutine-renew", op_coroutine_renew, 2, OP_OWN},
    {"coroutine-poke", op_coroutine_poke, 8, OP_OWN},
    {"generator-new", op_generator_new, 12, OP_OWN},
    {"generator", op_generator, 12, OP_OWN},
    {"give", op_give, 8, OP_OWN},
    {"receive", op_receive, 8, OP_OWN},
    {"post", op_post, 8, OP_ANY},
    {"take", op_take, 8, OP_ANY},
};
const unsigned ops_count = sizeof all_ops / sizeof all_ops[0];
_Static_assert(sizeof all_ops / sizeof all_ops[0] <= OPS_MAX, "the plan has no room for more");

void note(struct context *context, const char *what, uint64_t detail) {
    struct actor *actor = context->actor;
    unsigned line = actor->logged++ % LOG_LINES;
    actor->log[line].op = actor->op;
    actor->log[line].what = what;
    actor->log[line].detail = detail;
}

void op_run(struct context *context, unsigned flags_allowed) {
    const struct plan *plan = &the_round->plan;
    for (unsigned try = 0; try < 50; try++) {
        size_t at = pick(&context->random, plan->weight_sum);
        unsigned i = 0;
        for (; at >= plan->weights[i]; i++)
            at -= plan->weights[i];
        unsigned flags = all_ops[i].flags & (OP_OWN | OP_THREADS);
        if (flags & ~flags_allowed)
            continue;
        note(context, all_ops[i].name, context->owner->node_count);
        all_ops[i].run(context);
        return;
    }
}

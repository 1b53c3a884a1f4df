/* SPDX-License-Identifier: MIT */
/*
 * Handles: nodes of a pool, so that they don't move, and a program that frees millions has their
 * memory back. See roots.h.
 *
 * The owner of a handle may set it at any time, without the lock: its barrier shades what it
 * holds, so whether a pass meets a handle that comes, goes or changes makes no difference.
 */
#include "roots.h"

/* Handles visited per hold of the lock. */
#define PIECE 256

struct gait_handle *roots_handle_new(struct roots *roots) {
    lock_acquire(&roots->lock);
    struct gait_handle *handle = pool_take(&roots->handles);
    if (handle)
        AO_store((volatile AO_t *)&handle->value, 0); /* unordered: no reference */
    lock_release(&roots->lock);
    if (handle)
        counter_add(&roots->bytes, sizeof(gait_word));
    return handle;
}

bool roots_handle_free(struct roots *roots, struct gait_handle *handle) {
    lock_acquire(&roots->lock);
    bool freed = pool_give(&roots->handles, handle);
    lock_release(&roots->lock);
    if (freed)
        counter_sub(&roots->bytes, sizeof(gait_word));
    return freed;
}

void roots_visit_handles(struct roots *roots, struct gait_visitor *visitor) {
    void *handles[PIECE];
    size_t count;
    lock_acquire(&roots->lock);
    pool_walk(&roots->handles);
    while ((count = pool_step(&roots->handles, handles, PIECE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            const struct gait_handle *handle = handles[i];
            visitor_enter(visitor, ROOTS_HANDLE, handle);
            visitor_visit(visitor, &handle->value, 1, false);
        }
        lock_release(&roots->lock); /* let others in */
        lock_acquire(&roots->lock);
    }
    lock_release(&roots->lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * Blocks: allocate, resize, free; figures. What is said about each function is in gait/offheap.h.
 */
#include <gait/foreign.h>
#include <gait/library.h>
#include <stdio.h>
#include <string.h>

#include "head.h"
#include "state.h"

/* The call stack of one block in so many bytes is kept where leaks are looked for. Guess. */
#define SAMPLE_BYTES ((size_t)524288)

static void __attribute__((noreturn))
misuse(const char *call, const void *block, const char *what) {
    char text[200];
    snprintf(text, sizeof text, "%s: %p %s", call, block, what);
    gait_library_fatal(text);
}

static void check_tag(struct state *state, int tag, const char *call) {
    char text[100];
    if (tag >= 0 && (unsigned)tag < state_tags(state))
        return;
    snprintf(text, sizeof text, "%s: %d is no tag of this heap", call, tag);
    gait_library_fatal(text);
}

/* The head of a live block. */
static struct head *live_head(struct state *state, const void *block, const char *call) {
    struct head *head = head_of(block);
    if (!state)
        misuse(call, block, "is no off-heap block: this heap has none");
    if (state->checks)
        blocks_expect(state, block, call);
    else if (!head_is_live(head))
        misuse(call, block,
               "is no off-heap block, was freed before, or was written to before its start");
    return head;
}

/* ---- Allocation ---- */

/* Is the call stack of a block of so many bytes to be kept? */
static int is_sampled(struct state *state, size_t bytes) {
    if (state->leaks != 1)
        return state->leaks > 1 || state->checks;
    struct shard *shard = &state->shards[state_shard()];
    size_t before = AO_fetch_and_add(&shard->sampled_bytes, bytes + 1);
    return before / SAMPLE_BYTES != (before + bytes + 1) / SAMPLE_BYTES;
}

/* Give a new block its head, and count it. @return NULL: no memory for its record. */
static __attribute__((noinline)) void *block_begin(struct state *state, void *start, size_t bytes,
                                                   unsigned tag) {
    char *block = head_block(start, state->checks);
    struct head *head = head_of(block);
    *head = (struct head){.bytes = bytes, .tag = (uint16_t)tag, .seal = head_seal(head)};
    if (state_keeps_records(state)) {
        int sampled = is_sampled(state, bytes);
        if (sampled || state->checks) {
            if (blocks_add(state, block, bytes, tag, sampled) < 0)
                return NULL;
            head->flags |= HEAD_SAMPLED;
        }
    }
    state_count(state, tag, bytes);
    gait_library_count(state->heap, (ptrdiff_t)(bytes + sizeof(struct head)));
    return block;
}

/* Of a block that is there, and counted: the heap profile may sample it. */
static void profile(struct state *state, void *block, const void *caller) {
    struct head *head = head_of(block);
    if (gait_library_sample(state->heap, block, head->bytes + sizeof *head, state->names[head->tag],
                            caller))
        head->flags |= HEAD_PROFILED;
}

/* Before its memory may be another one's. */
static void profile_end(struct state *state, const void *block) {
    struct head *head = head_of(block);
    if (!(head->flags & HEAD_PROFILED))
        return;
    gait_library_unsample(state->heap, block);
    head->flags &= (uint16_t)~HEAD_PROFILED;
}

/* It counts no more. */
static void block_end(struct state *state, const struct head *head) {
    state_uncount(state, head->tag, head->bytes);
    gait_library_count(state->heap, -(ptrdiff_t)(head->bytes + sizeof(struct head)));
}

static void *take(struct state *state, size_t bytes, unsigned tag) {
    size_t all = bytes + head_extra_bytes(state->checks);
    void *start = state->backend->take(state->pool, all, state_shard());
    void *block = start ? block_begin(state, start, bytes, tag) : NULL;
    if (start && !block)
        state->backend->give(state->pool, start, all, state_shard());
    return block;
}

/* So much is refused at once: no memory has it. */
static int is_too_much(size_t count, size_t size, size_t *bytes) {
    return __builtin_mul_overflow(count, size, bytes) || *bytes > PTRDIFF_MAX - 4096;
}

/* There was no memory: is there some now? A thread in native code, or of no mutator, does without.
 */
static int look_for_memory(gait_heap *heap, size_t bytes, unsigned failures) {
    gait_mutator *mutator = gait_current(heap);
    return mutator && gait_is_running(mutator) && gait_out_of_memory(mutator, bytes, failures);
}

static void *allocate(gait_heap *heap, size_t count, size_t size, int tag, const char *call,
                      const void *caller) {
    size_t bytes;
    if (is_too_much(count, size, &bytes))
        return NULL;
    for (unsigned failures = 0;; failures++) {
        struct state *state = state_get(heap, GAIT_OFFHEAP_DEFAULT);
        if (state)
            check_tag(state, tag, call);
        void *block = state ? take(state, bytes, (unsigned)tag) : NULL;
        if (block)
            profile(state, block, caller);
        if (block || !look_for_memory(heap, bytes, failures))
            return block;
    }
}

void *gait_offheap_calloc(gait_heap *heap, size_t count, size_t size, int tag) {
    return allocate(heap, count, size, tag, __func__, __builtin_return_address(0));
}

/* ---- Resizing ---- */

/* With checks a block always moves: its old memory is kept back. */
static void *resize_checked(struct state *state, char *block, size_t bytes, unsigned tag) {
    struct head *head = head_of(block);
    void *to = take(state, bytes, tag);
    if (!to)
        return NULL;
    memcpy(to, block, head->bytes < bytes ? head->bytes : bytes);
    block_end(state, head);
    blocks_keep(state, block);
    return to;
}

/* A record leads to the block's address: it is made anew, and without one if there is no memory. */
static __attribute__((noinline)) void *resize(struct state *state, char *block, size_t bytes,
                                              unsigned tag) {
    struct head old = *head_of(block);
    if (state->checks)
        return resize_checked(state, block, bytes, tag);
    size_t old_all = old.bytes + sizeof old, all = bytes + sizeof old;
    if (old.flags & HEAD_SAMPLED)
        blocks_remove(state, block);
    struct resized now =
        state->backend->resize(state->pool, head_of(block), old_all, all, state_shard());
    if (!now.start) {
        if (old.flags & HEAD_SAMPLED && blocks_add(state, block, old.bytes, old.tag, 1) < 0)
            head_of(block)->flags &= (uint16_t)~HEAD_SAMPLED;
        return NULL;
    }
    size_t dirty = now.dirty_bytes < all ? now.dirty_bytes : all;
    if (dirty > old_all)
        memset((char *)now.start + old_all, 0, dirty - old_all);
    char *to = head_block(now.start, 0);
    struct head *head = head_of(to);
    block_end(state, &old);
    *head = (struct head){.bytes = bytes, .tag = (uint16_t)tag, .seal = head_seal(head)};
    if (old.flags & HEAD_SAMPLED && blocks_add(state, to, bytes, tag, 1) == 0)
        head->flags = HEAD_SAMPLED;
    state_count(state, tag, bytes);
    gait_library_count(state->heap, (ptrdiff_t)all);
    return to;
}

/* Neither its owner's cleanup nor a root slot may be left behind. */
static void check_unbound(struct state *state, struct head *head, const void *block,
                          const char *call) {
    if (head->flags & HEAD_OWNED)
        misuse(call, block, "has an owner");
    if (state->checks && gait_has_roots_in(state->heap, block, head->bytes))
        misuse(call, block, "holds a root slot: gait_roots_remove comes first");
}

void *gait_offheap_realloc(gait_heap *heap, void *block, size_t count, size_t size, int tag) {
    size_t bytes;
    const void *caller = __builtin_return_address(0);
    if (!block)
        return allocate(heap, count, size, tag, __func__, caller);
    struct state *state = state_find(heap);
    check_unbound(state, live_head(state, block, __func__), block, __func__);
    check_tag(state, tag, __func__);
    if (is_too_much(count, size, &bytes))
        return NULL;
    profile_end(state, block); /* where there is no memory, the profile has it no more */
    for (unsigned failures = 0;; failures++) {
        void *to = resize(state, block, bytes, (unsigned)tag);
        if (to)
            profile(state, to, caller);
        if (to || !look_for_memory(heap, bytes, failures))
            return to;
    }
}

/* ---- Freeing ---- */

/* The memory of a block that counts no more. */
static void give_back(struct state *state, void *block) {
    struct head *head = head_of(block);
    profile_end(state, block);
    if (state->checks) {
        blocks_keep(state, block);
        return;
    }
    if (head->flags & HEAD_SAMPLED)
        blocks_remove(state, block);
    head->seal = ~head->seal;
    state->backend->give(state->pool, head, head->bytes + sizeof *head, state_shard());
}

void gait_offheap_free(gait_heap *heap, void *block) {
    if (!block)
        return;
    struct state *state = state_find(heap);
    struct head *head = live_head(state, block, __func__);
    check_unbound(state, head, block, __func__);
    block_end(state, head);
    give_back(state, block);
}

/* ---- Owners ---- */

/* An owned block counts as foreign memory, so that cycles come for it, and as off-heap memory else.
 * In a profile it is what it was allocated as. */
static void count_as_owned(gait_mutator *mutator, const struct head *head) {
    size_t bytes = head->bytes + sizeof *head;
    gait_library_count(gait_mutator_heap(mutator), -(ptrdiff_t)bytes);
    gait_foreign_add_named(mutator, NULL, bytes, NULL);
}

static void count_as_unowned(gait_mutator *mutator, const struct head *head) {
    size_t bytes = head->bytes + sizeof *head;
    gait_foreign_sub_named(mutator, NULL, bytes);
    gait_library_count(gait_mutator_heap(mutator), (ptrdiff_t)bytes);
}

/* Not as count_as_unowned: what is counted twice as taken is not taken twice. */
static void free_owned(gait_mutator *mutator, void *block) {
    struct state *state = state_find(gait_mutator_heap(mutator));
    struct head *head = live_head(state, block, "gait_offheap_free");
    head->flags &= (uint16_t)~HEAD_OWNED;
    check_unbound(state, head, block, "gait_offheap_free");
    state_uncount(state, head->tag, head->bytes);
    gait_foreign_sub_named(mutator, NULL, head->bytes + sizeof *head);
    give_back(state, block);
}

/* Its cleanup is there, so it is live. */
size_t offheap_cleanup_bytes(gait_cleanup_fn cleanup, const void *block) {
    return cleanup == free_owned ? head_of(block)->bytes + sizeof(struct head) : 0;
}

int gait_offheap_own(gait_mutator *mutator, void *object, void *block) {
    gait_heap *heap = gait_mutator_heap(mutator);
    struct head *head = live_head(state_find(heap), block, __func__);
    if (head->flags & HEAD_OWNED)
        return GAIT_E_INVALID;
    /* what is counted first is there when the cleanup takes it back; the object waits meanwhile */
    gait_word slot = (gait_word)object;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &slot, 1);
    count_as_owned(mutator, head);
    head->flags |= HEAD_OWNED;
    int result = gait_cleanup_add(mutator, object, free_owned, block);
    if (result < 0) {
        head->flags &= (uint16_t)~HEAD_OWNED;
        count_as_unowned(mutator, head);
    }
    gait_pop_frame(mutator);
    return result;
}

int gait_offheap_disown(gait_mutator *mutator, void *object, void *block) {
    if (gait_cleanup_cancel(mutator, object, free_owned, block) == 0)
        return GAIT_E_MISSING;
    count_as_unowned(mutator, head_of(block));
    head_of(block)->flags &= (uint16_t)~HEAD_OWNED;
    return 0;
}

/* ---- Figures ---- */

size_t gait_offheap_block_bytes(gait_heap *heap, const void *block) {
    return live_head(state_find(heap), block, __func__)->bytes;
}

int gait_offheap_block_tag(gait_heap *heap, const void *block) {
    return live_head(state_find(heap), block, __func__)->tag;
}

static size_t sum(gait_heap *heap, int tag, size_t (*of_one)(struct state *state, unsigned tag)) {
    struct state *state = state_find(heap);
    unsigned tags = state ? state_tags(state) : 0;
    size_t all = 0;
    if (tag != GAIT_OFFHEAP_ALL)
        return tag >= 0 && (unsigned)tag < tags ? of_one(state, (unsigned)tag) : 0;
    for (unsigned i = 0; i < tags; i++)
        all += of_one(state, i);
    return all;
}

size_t gait_offheap_bytes(gait_heap *heap, int tag) { return sum(heap, tag, state_bytes); }

size_t gait_offheap_blocks(gait_heap *heap, int tag) { return sum(heap, tag, state_blocks); }

void gait_offheap_check(gait_heap *heap) {
    struct state *state = state_find(heap);
    if (state && state->checks)
        blocks_check(state);
}

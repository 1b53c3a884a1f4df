/* SPDX-License-Identifier: MIT */
/*
 * The 16 bytes before a block, and what lies around them:
 *
 *   without checks    head, block
 *   with checks       edge (16 bytes), head, block, edge (16 bytes)
 *
 *   .inv.seal: the head of a live block has a seal that its address makes. A free changes it, so a
 *   second one is seen as long as the memory is not used anew.
 */
#ifndef GAIT_OFFHEAP_HEAD_H
#define GAIT_OFFHEAP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#define HEAD_EDGE_BYTES 16

/* Flags. */
#define HEAD_SAMPLED 1u  /* blocks.h has a record of it */
#define HEAD_OWNED 2u    /* an object's cleanup frees it */
#define HEAD_PROFILED 4u /* a sample of the heap profile */

struct head {
    size_t bytes; /* that were asked for; constant, except by resizing, as all but the flags */
    uint16_t tag;
    uint16_t flags;
    uint32_t seal;
};

static inline struct head *head_of(const void *block) { return (struct head *)block - 1; }

static inline uint32_t head_seal(const struct head *head) {
    return (uint32_t)((uintptr_t)head >> 4) * UINT32_C(0x9E3779B1) ^ UINT32_C(0x6F666668);
}

static inline int head_is_live(const struct head *head) { return head->seal == head_seal(head); }

/** What a block takes of its backend beside its own bytes. */
static inline size_t head_extra_bytes(int checks) {
    return sizeof(struct head) + (checks ? 2 * HEAD_EDGE_BYTES : 0);
}

/** From the start of what the backend gave to the block, and back. */
static inline char *head_block(void *start, int checks) {
    return (char *)start + sizeof(struct head) + (checks ? HEAD_EDGE_BYTES : 0);
}

static inline void *head_start(char *block, int checks) {
    return block - sizeof(struct head) - (checks ? HEAD_EDGE_BYTES : 0);
}

#endif

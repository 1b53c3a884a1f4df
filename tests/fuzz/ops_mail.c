/* SPDX-License-Identifier: MIT */
/*
 * Objects that cross threads with no lock at all, through static slots. Each checks itself: its
 * first word is odd, the second is a function of the first and of the address.
 */
#include "ops.h"

#define CHAIN_MAX 12

struct letter {
    gait_word stamp, check, next;
};

/* Odd and small: no reference under any value mask. */
static gait_word check_of(gait_word stamp, gait_word address) {
    return mix(stamp ^ address) % (1u << 20) | 1;
}

static gait_word load(const gait_word *slot) {
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE); /* pairs with gait_store */
}

struct letter *letter_new(struct context *context, const gait_word *next) {
    struct letter *letter =
        gait_alloc(context->mutator, context->heap->kinds[KIND_REFS], sizeof *letter);
    if (!letter)
        return NULL;
    gait_word stamp = pick(&context->random, 1u << 20) << 1 | 1;
    gait_init(&letter->stamp, stamp);
    gait_init(&letter->check, check_of(stamp, (gait_word)letter));
    if (next) /* no safepoint since the allocation */
        gait_init(&letter->next, load(next));
    return letter;
}

void letter_check(gait_word address) {
    struct letter *letter = (struct letter *)address;
    gait_word stamp = load(&letter->stamp), check = load(&letter->check);
    CHECK(check == check_of(stamp, address), "letter %p: %#zx, %#zx", (void *)letter, (size_t)stamp,
          (size_t)check);
}

void op_post(struct context *context) {
    uint64_t *random = &context->random;
    gait_word *slots = context->heap->mail, *slot = &slots[pick(random, MAIL_SLOTS)];
    struct letter *letter =
        letter_new(context, one_in(random, 2) ? &slots[pick(random, MAIL_SLOTS)] : NULL);
    if (!letter)
        return;
    gait_word expected = load(slot);
    if (one_in(random, 2))
        gait_store(context->mutator, slot, (gait_word)letter);
    else
        gait_compare_exchange(context->mutator, slot, &expected, (gait_word)letter);
}

void op_take(struct context *context) {
    uint64_t *random = &context->random;
    gait_word *slot = &context->heap->mail[pick(random, MAIL_SLOTS)], at = load(slot);
    for (unsigned i = 0; at && i < CHAIN_MAX; i++) {
        struct letter *letter = (struct letter *)at;
        letter_check(at);
        at = load(&letter->next);
        if (i == 2)
            gait_store(context->mutator, &letter->next, 0);
    }
    if (one_in(random, 2))
        gait_store(context->mutator, slot, 0);
}

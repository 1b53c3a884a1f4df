/* SPDX-License-Identifier: MIT */
/*
 * Stores of references while marking is on: the hybrid barrier shades what a slot held and what it
 * gets (docs/design/marking.md), by putting both words into the mutator's buffer. And stores of
 * many words, and the cards of all of them (docs/design/minor.md).
 */
#include <gait/arena.h>
#include <gait/dirty.h>
#include <gait/gait.h>
#include <string.h>

#include "../instance.h"
#include "../platform/perturb.h"

static gait_word slot_read(const gait_word *slot) {
    /* what it leads to is read after it; pairs with slot_write */
    return AO_load_dd_acquire_read((const volatile AO_t *)slot);
}

static void slot_write(gait_word *slot, gait_word value) {
    __atomic_store_n(slot, value, __ATOMIC_RELEASE); /* as gait_store: pairs with a marker's read */
}

/* While marking looks for its end in vain (.inv.pace), a mutator makes little work at a time. */
#define CLOSING_WORDS 64

/* Wait until markers have done what there is, but not while the collector waits for this thread. No
 * safepoint. */
static void let_mark(const gait_mutator *mutator, int64_t most_ns, int64_t nap_ns) {
    /* by the clock: the OS makes a nap longer */
    for (int64_t end_ns = platform_now_ns() + most_ns; !queue_is_out(&mutator->heap->queue) &&
                                                       !AO_int_load(&mutator->head.poll) &&
                                                       platform_now_ns() < end_ns;)
        platform_sleep_ns(nap_ns);
}

static void flush(gait_mutator *mutator, bool closing) {
    bool by_reads = mutator->read_count > mutator->barrier_count / 2;
    if (!mutator_flush_barrier(mutator, cycle_lets_mark(mutator)) || !by_reads)
        return;
    struct gait_governor_looks looks = control_looks();
    let_mark(mutator, closing ? looks.closing_ns : looks.reads_ns, looks.reads_nap_ns);
}

/* Only words that may be heap addresses go into the buffer: by the range that is reserved, which
 * is constant. The part of it that is committed may have grown since by another thread. @return
 * whether it did. */
static bool barrier_shade(gait_mutator *mutator, gait_word word) {
    gait_heap *heap = mutator->heap;
    if (!space_reserves(&heap->space, word & heap->value_mask) &&
        !space_reserves(&heap->space, word))
        return false;
    bool closing = AO_int_load(&heap->cycle.closing);
    if (mutator->barrier_count >= (closing ? CLOSING_WORDS : BARRIER_WORDS))
        flush(mutator, closing);
    mutator->barrier_words[mutator->barrier_count++] = word;
    return true;
}

/* Remember that words from slots on are stored to. Before or after the stores: those between flip
 * and the next handshake but one are seen by the thread that takes the cards, the others are
 * shaded. */
static void remember(gait_mutator *mutator, const gait_word *slots, size_t count) {
    if (mutator->head.barrier & MUTATOR_CARDS)
        cards_dirty(&mutator->heap->space.cards, slots, slots + count);
}

void mutator_remember(gait_mutator *mutator, const gait_word *slots, size_t count) {
    remember(mutator, slots, count);
}

void mutator_shade(gait_mutator *mutator, gait_word word) {
    if (mutator_is_marking(mutator))
        barrier_shade(mutator, word);
}

void mutator_shade_read(gait_mutator *mutator, gait_word word) {
    if (mutator_is_marking(mutator) && barrier_shade(mutator, word))
        mutator->read_count++;
}

void gait_shade_slow(gait_mutator *mutator, gait_word word) {
    mutator_check_fast(mutator, "gait_shade");
    mutator_shade(mutator, word);
}

void gait_barrier(gait_mutator *mutator, const gait_word *slot, gait_word value) {
    mutator_check_fast(mutator, "gait_store");
    remember(mutator, slot, 1);
    if (!mutator_is_marking(mutator))
        return; /* a program that was built when there were no cards */
    gait_word held = slot_read(slot);
    PERTURB(BARRIER_READ);
    barrier_shade(mutator, held);
    barrier_shade(mutator, value);
    PERTURB(BARRIER_NOTED);
}

/* How large an object of an arena is nobody knows: at most as large as what shares a chunk with
 * others, or it has a chunk of its own, and begins on the first card there, which stands for all of
 * it (arena_mark.c). */
static void dirty_in_arena(const struct space *space, uintptr_t object) {
    const struct arena *arena = arenas_of(space, object);
    if (!arena || !(arena->flags & ARENA_TRACED))
        return;
    size_t page = space_page(space, object), head = page - ENTRY_BACK(space_entry(space, page));
    char *end = space_page_start(space, head + span_pages_now(&space->spans[head]));
    char *start = (char *)object;
    cards_renew(&space->cards, start,
                (size_t)(end - start) > BUMP_SMALL_BYTES ? start + BUMP_SMALL_BYTES : end);
}

/* The card of an object's first byte stands for the object (card_scan.c). It is written whatever it
 * says: with marking on, a look before the store of it could come before the program's own store,
 * and miss that a marker has taken the card (docs/design/objects.md). */
void gait_dirty_slow(gait_mutator *mutator, const void *object) {
    mutator_check_fast(mutator, "gait_dirty");
    struct space *space = &mutator->heap->space;
    struct cell cell;
    if (!space->cards.bytes || !space_holds(space, (uintptr_t)object))
        return;
    if (space_cell(space, (uintptr_t)object, &cell))
        card_renew(&space->cards, (uintptr_t)cell.start);
    else
        dirty_in_arena(space, (uintptr_t)object);
}

bool gait_compare_exchange(gait_mutator *mutator, gait_word *slot, gait_word *expected,
                           gait_word desired) {
    mutator_check_fast(mutator, __func__);
    remember(mutator, slot, 1);
    if (mutator_is_marking(mutator)) {
        barrier_shade(mutator, *expected);
        barrier_shade(mutator, desired);
        PERTURB(BARRIER_NOTED);
    }
    return __atomic_compare_exchange_n(slot, expected, desired, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* ---- Many words ----
 *
 * In pieces, with a safepoint between: each takes 100 us at most, and asks anew whether the barrier
 * is on. What is stored in a piece is noted before the piece's first store, as in gait_store; and
 * at a safepoint every word that is still to be moved lies where it lay, or where it was moved to.
 */

/* With the barrier on a word costs two looks at a mark, in flushes. */
#define PIECE_WORDS_NOTED ((size_t)GAIT_PIECE_WORDS)
#define PIECE_WORDS_PLAIN ((size_t)8192)

/* Keeps what is worked on alive over the safepoints. */
struct kept {
    struct gait_frame frame;
    gait_word words[3];
};

/* A word that keeps what an address lies in; 0: a static slot. */
static gait_word keeper(gait_heap *heap, const gait_word *address) {
    if (gait_arena_of(heap, address))
        return (gait_word)address;
    return (gait_word)gait_object_base(heap, address);
}

static void keep(gait_mutator *mutator, struct kept *kept, const gait_word *to,
                 const gait_word *from, gait_word value) {
    kept->words[0] = keeper(mutator->heap, to);
    kept->words[1] = keeper(mutator->heap, from);
    kept->words[2] = value;
    gait_push_frame(mutator, &kept->frame, kept->words, 3);
}

static size_t piece_of(const gait_mutator *mutator, size_t count) {
    size_t most = mutator_is_marking(mutator) ? PIECE_WORDS_NOTED : PIECE_WORDS_PLAIN;
    return count < most ? count : most;
}

/* Move a piece that others' words are not overwritten by before they are moved. */
static void move_piece(gait_mutator *mutator, gait_word *to, const gait_word *from, size_t count,
                       bool upwards) {
    remember(mutator, to, count);
    if (mutator_is_marking(mutator))
        for (size_t i = 0; i < count; i++) {
            barrier_shade(mutator, slot_read(&to[i]));
            barrier_shade(mutator, slot_read(&from[i]));
        }
    PERTURB(BARRIER_NOTED);
    if (upwards)
        for (size_t i = 0; i < count; i++)
            slot_write(&to[i], slot_read(&from[i]));
    else
        for (size_t i = count; i-- > 0;)
            slot_write(&to[i], slot_read(&from[i]));
}

void gait_move(gait_mutator *mutator, gait_word *to, const gait_word *from, size_t count) {
    mutator_check_fast(mutator, __func__);
    bool upwards = to <= from || to >= from + count;
    if (count <= GAIT_PIECE_WORDS) {
        move_piece(mutator, to, from, count, upwards);
        return;
    }
    struct kept kept;
    keep(mutator, &kept, to, from, 0);
    for (size_t left = count, piece; left > 0; left -= piece) {
        piece = piece_of(mutator, left);
        size_t at = upwards ? count - left : left - piece;
        move_piece(mutator, to + at, from + at, piece, upwards);
        world_poll(mutator);
    }
    gait_pop_frame(mutator);
}

static void fill_piece(gait_mutator *mutator, gait_word *to, gait_word value, size_t count) {
    remember(mutator, to, count);
    if (mutator_is_marking(mutator)) {
        barrier_shade(mutator, value);
        for (size_t i = 0; i < count; i++)
            barrier_shade(mutator, slot_read(&to[i]));
    }
    PERTURB(BARRIER_NOTED);
    for (size_t i = 0; i < count; i++)
        slot_write(&to[i], value);
}

void gait_fill(gait_mutator *mutator, gait_word *to, gait_word value, size_t count) {
    mutator_check_fast(mutator, __func__);
    if (count <= GAIT_PIECE_WORDS) {
        fill_piece(mutator, to, value, count);
        return;
    }
    struct kept kept;
    keep(mutator, &kept, to, NULL, value);
    for (size_t at = 0, piece; at < count; at += piece) {
        piece = piece_of(mutator, count - at);
        fill_piece(mutator, to + at, value, piece);
        world_poll(mutator);
    }
    gait_pop_frame(mutator);
}

/* SPDX-License-Identifier: MIT */
/*
 * Chains: objects of which each leads to one other, as in a list. Here no second reference is at
 * hand whose bits or object could be asked for meanwhile, so that batches only add to the way from
 * one load to the next. The reference stays in a register instead, and marks are set a stretch at a
 * time: those of neighbours whose bits share a word.
 *
 *   .inv.chain: an object of a stretch is read before its mark is set. That is as good where stores
 *   shade: what it refers to is in the marker's hand, and stores since then are in a buffer,
 *   whatever the colour of the object. Where stores are plain it is not: a marker that takes the
 *   card of a white object skips it (.inv.reread in docs/design/objects.md). So there no chain is
 *   followed: batches mark first, and look at the extent after that, where a chain has one look for
 *   all. The marker that sets the mark of the last object has what comes after it; another marker
 *   that came into the stretch meanwhile does the same work once more, up to the stretch's end.
 */
#include "cells.h"

#include "../platform/perturb.h"

/* Objects that have more words of references than this are no links of a chain. They are pushed
 * into the block if they prove to lead to several objects. */
#define LINK_WORDS 16

struct stretch {
    page_entry entry;
    uintptr_t page;  /* number of the last link's page; UINTPTR_MAX: none yet */
    uintptr_t span;  /* where the span of that page starts                    */
    uint64_t *bits;  /* of that span                                          */
    uint64_t *pair;  /* of these, the words of the stretch; NULL: none yet    */
    size_t words;    /* that a link there has for references                  */
    bool interior;   /* what they hold may point into the middle of an object */
    uint64_t white;  /* without a mark as the chain came, and not passed since */
    uint64_t passed; /* whose marks are to be set                             */
    uint64_t last;   /* of these, the last one                                */
    bool lost;       /* another marker set that one's mark: it follows the chain */
};

static void take_pairs(struct marker *marker, const struct stretch *stretch, uint64_t fresh) {
    size_t cell_bytes = class_table[ENTRY_CLASS(stretch->entry)].cell_bytes;
    size_t first = (size_t)(stretch->pair - stretch->bits) / 2 * 64;
    for (; fresh; fresh &= fresh - 1) {
        size_t index = first + (size_t)__builtin_ctzll(fresh);
        uintptr_t start = stretch->span + index * cell_bytes;
        marker_push_pairs(marker, ephemerons_take(&marker->queue->keys, start));
    }
}

/* Set the marks of what was passed. @return whether the chain is to be followed beyond it. */
static bool marker_stretch_end(struct marker *marker, struct stretch *stretch) {
    if (!stretch->passed)
        return true;
    PERTURB(MARK_BATCH);
    uint64_t fresh = marks_set(&stretch->pair[marker->mark_side], stretch->passed);
    marker->marked[ENTRY_CLASS(stretch->entry)] += (uint32_t)__builtin_popcountll(fresh);
    if (keys_are_awaited(marker))
        take_pairs(marker, stretch, fresh);
    stretch->passed = 0;
    stretch->lost = !(fresh & stretch->last);
    return !stretch->lost && marker->block->count == 0;
}

/* The chain comes into a page. Lists that were made in one go run in one direction: the tables of
 * the page that would be next are asked for. */
static inline __attribute__((always_inline)) void
stretch_page(const struct marker *marker, struct stretch *stretch, uintptr_t page) {
    const struct space *space = marker->space;
    uintptr_t ahead = 2 * page - stretch->page;
    if (ahead < marker->extent_bytes >> PAGE_SHIFT) {
        __builtin_prefetch(&space->entries[ahead]);
        __builtin_prefetch(space_bits(space, ahead), 1);
    }
    stretch->page = page;
    stretch->entry = space_entry(space, page);
    size_t head = page - ENTRY_BACK(stretch->entry);
    stretch->span = (uintptr_t)space_page_start(space, head);
    stretch->bits = space_bits(space, head);
    stretch->words = ENTRY_WORDS(stretch->entry);
    stretch->interior = ENTRY_LAYOUT(stretch->entry) == GAIT_CONSERVATIVE && interiors_wait(marker);
    if (stretch->interior)
        stretch->words = class_table[ENTRY_CLASS(stretch->entry)].cell_bytes / sizeof(gait_word);
    stretch->pair = NULL;
}

static void stretch_begin(const struct marker *marker, struct stretch *stretch, uint64_t *pair) {
    unsigned side = marker->mark_side;
    stretch->pair = pair;
    /* in this order, so that most new cells don't seem white: their owner sets the mark right after
     * the allocation bit. A cell that a stale word leads to between both is counted twice, in a
     * figure; nothing rests on it. */
    uint64_t allocated = bits_get(&pair[!side]);
    stretch->white = allocated & ~bits_get(&pair[side]);
}

static void push(struct marker *marker, gait_word word) {
    if (word & INTERIOR_TAG)
        marker_push_conservative(marker, &word, 1);
    else
        marker_push(marker, word);
}

/* What a link was found to lead to so far. */
struct led {
    gait_word next; /* 0: nothing */
    bool several;   /* more than that: they are pushed */
};

static inline void lead_to(struct marker *marker, struct led *led, gait_word word) {
    if (led->next) {
        push(marker, led->next);
        led->several = true;
    }
    led->next = word;
}

/* A word of a conservative link: as it is, so that most take a subtraction and a comparison. */
static inline void look_at(struct marker *marker, struct led *led, const gait_word *from,
                           size_t extent_bytes) {
    gait_word word = word_read(from);
    if (word - marker->base < extent_bytes)
        lead_to(marker, led, interior_word(word));
}

/* @return what a link leads to; 0: nothing, or several objects, which are pushed. */
static inline __attribute__((always_inline)) gait_word link_next(struct marker *marker,
                                                                 const struct stretch *stretch,
                                                                 const gait_word *from,
                                                                 size_t extent_bytes) {
    struct led led = {0, false};
    const gait_word *stop = from + stretch->words;
    if (stretch->interior) {
        if (stretch->words % 2)
            look_at(marker, &led, from++, extent_bytes);
        for (; from < stop; from += 2) {
            look_at(marker, &led, from, extent_bytes);
            look_at(marker, &led, from + 1, extent_bytes);
        }
    } else {
        for (; from < stop; from++) {
            gait_word word = word_read(from) & marker->value_mask;
            if (in_range_aligned(word, marker->base, extent_bytes))
                lead_to(marker, &led, word);
        }
    }
    if (!led.several)
        return led.next;
    push(marker, led.next);
    return 0;
}

/* The index of the cell that a word leads to, in a span of links; *word: where it starts. @return
 * false: there is none. */
static inline bool link_index(const struct stretch *stretch, gait_word *word, uint64_t *index) {
    const struct class_info *info = &class_table[ENTRY_CLASS(stretch->entry)];
    gait_word tags = *word & WORD_TAGS;
    *word -= tags;
    uint64_t product = (*word - stretch->span) * info->magic;
    *index = product >> 32;
    /* branches, so that the next load needn't wait for the arithmetic */
    if (__builtin_expect((uint32_t)product < info->magic, 1))
        return true;
    if (!tags || *index >= info->cells)
        return false;
    *word = stretch->span + *index * info->cell_bytes;
    return true;
}

static inline __attribute__((always_inline)) size_t follow(struct marker *marker, size_t most) {
    gait_word word = marker->block->words[0];
    if ((word & WORD_TAGS) != 0 && (word & WORD_TAGS) != INTERIOR_TAG)
        return 0; /* a piece of something */
    if (marker->space->cards.rereads)
        return 0; /* .inv.chain */
    marker->block->count = 0;
    /* what the words lead to may be in a chunk that was committed since the last look; one that is
     * committed after this look is .inv.extent's */
    size_t extent_bytes = AO_load_acquire(&marker->space->extent_bytes);
    size_t links = 0, scanned_words = 0;
    struct stretch stretch = {.page = UINTPTR_MAX};
    while (word && links < most) {
        uintptr_t page = space_page(marker->space, word);
        if (page != stretch.page) {
            if (!marker_stretch_end(marker, &stretch))
                break;
            stretch_page(marker, &stretch, page);
        }
        uint64_t index;
        if (stretch.words - 1 >= LINK_WORDS || !link_index(&stretch, &word, &index))
            break; /* it is no link, or no cell starts there */
        uint64_t bit = (uint64_t)1 << (index & 63);
        uint64_t *pair = stretch.bits + 2 * (index >> 6);
        if (pair != stretch.pair) {
            if (!marker_stretch_end(marker, &stretch))
                break;
            stretch_begin(marker, &stretch, pair);
        }
        if (!(stretch.white & bit)) {
            word = 0; /* marked, or no object */
            break;
        }
        stretch.white &= ~bit;
        stretch.passed |= stretch.last = bit;
        links++;
        scanned_words += stretch.words;
        word = link_next(marker, &stretch, (const gait_word *)word, extent_bytes);
    }
    marker_stretch_end(marker, &stretch);
    if (word && !stretch.lost)
        push(marker, word);
    marker->scanned_bytes += scanned_words * sizeof(gait_word);
    return links;
}

size_t marker_follow_chain(struct marker *marker, size_t most) {
    OWN_FUNCTION("mark");
    return follow(marker, most);
}

size_t marker_assist_chain(struct marker *marker, size_t most) {
    OWN_FUNCTION("assist");
    return follow(marker, most);
}

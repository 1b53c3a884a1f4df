/* SPDX-License-Identifier: MIT */
/*
 * A marker: one thread's part in marking. It takes a batch of references from its block and
 * prefetches their mark bits; then it marks them and prefetches the objects; then it pushes the
 * references in these.
 *
 * Grey is: a reference in a block, of an active marker or published, or in the batch that a marker
 * is at. Leaf objects are marked and done with.
 *
 *   .inv.holder: a marker is used by one thread at a time; between marker_begin (or marker_join)
 *   and marker_end it is counted in the queue's `active`, and outside of them it holds no work.
 */
#ifndef GAIT_MARKER_H
#define GAIT_MARKER_H

#include "../heap/kinds.h"
#include "../heap/space.h"
#include "queue.h"
#include "visitor.h"

/* Words of a large object that are scanned before the rest is put back: other markers may take it,
 * and a mutator that assists does not hold others up. Some 5 us, 40 us for pairs and what is
 * conservative. A multiple of 64. */
#define MARK_SLICE_WORDS 2048

struct marker {
    struct gait_visitor visitor; /* first: the API casts */
    struct space *space;
    struct mark_queue *queue;
    gait_word value_mask;
    bool lockless; /* takes no lock: a helper at idle priority; constant */
    uintptr_t base;
    size_t extent_bytes;           /* as marker_begin saw it, or later */
    unsigned cycle;                /* that it marks in: the epoch that this one ends with */
    unsigned mark_side;            /* which word of a pair has the mark bits in this cycle */
    struct mark_block *block;      /* work; NULL: none yet */
    struct mark_block *ephemerons; /* ephemerons that met an unmarked key; NULL: none */
    size_t scanned_bytes;          /* bytes looked at for references: the unit of work of pacing */
    int64_t cpu_ns;                /* spent in bursts: its thread's own use */
    /* It may have marked since marker_take_marked. Atomic, unordered: a helper that joins as
     * marking ends, too late for any work, writes it beside the collector's look, and has nothing
     * to count; what it marked before is seen by queue_active. */
    unsigned used;
    size_t large_bytes;                 /* pages of large objects marked, bytes */
    uint32_t marked[GAIT_SIZE_CLASSES]; /* cells marked, by class */
};

void marker_init(struct marker *marker, struct space *space, struct mark_queue *queue,
                 gait_word value_mask);

/** Bytes of the cells marked since the last call: as much as their allocation counted. */
size_t marker_take_marked(struct marker *marker);

/** Begin to hold work. Not by a helper. */
void marker_begin(struct marker *marker);

/** The same by a helper. @return false: none may begin now. */
bool marker_join(struct marker *marker);

/** Begin after the flip, in the cycle that has ended: what was dead comes back (revive.h). */
void marker_begin_again(struct marker *marker);

/** Publish what is left, and hold none. */
void marker_end(struct marker *marker);

/** Push a word that may hold a reference; in a heap address's lower bits nothing but 0 counts. */
void marker_push(struct marker *marker, gait_word word);

/** Push the object that an address lies in, if any. */
void marker_push_interior(struct marker *marker, gait_word word);

/** Push count words. */
void marker_push_range(struct marker *marker, const gait_word *words, size_t count);

/** Push count words of an object, of which any may be large. */
void marker_push_words(struct marker *marker, const gait_word *words, size_t count);

/** Push the objects that count words of a conservative one point into. */
void marker_push_conservative(struct marker *marker, const gait_word *words, size_t count);

/** Push a piece of a range of roots: it is scanned when a marker meets it (ranges.h). */
struct root_piece;
void marker_push_piece(struct marker *marker, const struct root_piece *piece);

/** Push a piece of the card table, by its first address: card_scan.c. */
void marker_push_cards(struct marker *marker, gait_word piece);

/** Take its cards, and scan what they cover. */
void marker_scan_cards(struct marker *marker, gait_word piece);

/** In a minor cycle: push the pieces with dirty cards, and of objects that cards say nothing of. In
 * a full one: clean those of the heap, as far as it goes; others that roots outside of it have stay
 * dirty. The collector, when all mutators' roots were scanned; with an object barrier the second is
 * called before, when all barriers are on. kinds: how many are registered. */
void cards_push(struct marker *marker, size_t kinds);
void cards_wipe(struct marker *marker);

/** Are there objects with a scan function? kinds: how many are registered. */
bool kinds_are_called(const struct space *space, size_t kinds);

/** Bytes of old objects on dirty cards: what a minor cycle that begins now has to scan of them. All
 * is swept. The collector, beside mutators: what they do meanwhile is counted or not. */
uint64_t cards_dirty_bytes(const struct space *space);

/** Scan the pairs of an ephemeron of which a word lies from first to below end. */
void marker_scan_pairs(struct marker *marker, char *start, page_entry entry, size_t object_bytes,
                       size_t first, size_t end);

/** Put what is beyond a slice back, to be scanned as the object's layout says. @return how many
 * words are left to scan now: all, if there is no memory. */
size_t marker_slice(struct marker *marker, const gait_word *words, size_t count);

/** Scan what marker_slice put back. */
void marker_scan_slice(struct marker *marker, const gait_word *words, size_t count);

/** Push count words, to be scanned as what their page belongs to says. @return false: no memory. */
bool marker_push_slice(struct marker *marker, const gait_word *words, size_t count);

/* Arenas: arena_mark.c. */
struct arena;

/** Claim an arena, if nobody has in this cycle, and push what it holds. Not before all mutators'
 * roots were scanned. */
void marker_claim(struct marker *marker, struct arena *arena);

/** The same, at any time and without memory: what it holds is found by a rescan. */
void marker_claim_later(struct marker *marker, struct arena *arena);

/** Is it not claimed yet, and to be? */
bool marker_arena_is_white(const struct marker *marker, const struct arena *arena);

/** Scan words of an arena that marker_push_slice put into the queue. */
void marker_scan_arena(struct marker *marker, const gait_word *words, size_t count);

/** Copy words that their owner may be initialising by plain stores: either word will do. */
void marker_copy_words(gait_word *to, const gait_word *from, size_t count);

/** Note an ephemeron that is to be looked at again when marking has run out of other work.
 * @return false: no memory. */
bool marker_defer(struct marker *marker, char *ephemeron);

/** Push the objects that count words refer to, or point into, unless they are marked already.
 * may_mark: its thread may mark, so leaves are marked at once. @return whether any was pushed. */
bool marker_shade(struct marker *marker, const gait_word *words, size_t count, bool may_mark);

/** Is word a reference to an object that is not marked yet? */
bool marker_is_white(const struct marker *marker, gait_word word);

/** Mark until there is no work left, or budget_bytes were scanned, or as many references looked at
 * as that has words. @return whether none is left. */
bool marker_drain(struct marker *marker, size_t budget_bytes);

/** The same by a mutator that pays for what it allocates. What it does is the same, by functions of
 * its own: so a profiler that knows functions alone, and no stacks, tells assists apart. */
bool marker_assist(struct marker *marker, size_t budget_bytes);

/** Follow the one reference of the block from object to object, at most so many, for as long as
 * each leads to one other: chain.c. What is left to look at is in the block. @return how many. */
size_t marker_follow_chain(struct marker *marker, size_t most);

/** The same in an assist. */
size_t marker_assist_chain(struct marker *marker, size_t most);

/* In each of two functions that do the same: compilers that find them equal (gcc: -fipa-icf) would
 * make one of both. No instruction. */
#define OWN_FUNCTION(name) __asm__ volatile("# " name)

/** Make those that were deferred known to the thread that settles them. */
void marker_publish_ephemerons(struct marker *marker);

/** Push the values of pairs that were taken out of the table of keys. @return whether any was. */
bool marker_push_pairs(struct marker *marker, struct ephemeron_wait *pairs);

/** Push the values of all ephemerons whose keys are marked. @return whether any was pushed. */
bool marker_ephemerons(struct marker *marker);

/** The same of those that were met since: the time does not grow with the table. Enough where
 * nothing was missed (.inv.missed), and the caller alone marks. */
bool marker_ephemerons_met(struct marker *marker);

/** Push an object's references as if it had just been marked; its mark stays as it is. */
void marker_scan(struct marker *marker, char *start, page_entry entry, size_t object_bytes);

/** After an overflow: push the unmarked references of all marked objects. */
void marker_rescan(struct marker *marker);

/** Take away marks that an overflow has set while barriers were going on, where there is no object
 * (docs/design/heap.md, .free): the flip would take the cell for one that was found, with a dead
 * object's words, and a minor cycle would call its scan function. The world stands still, and
 * nobody marks. */
void marker_drop_lone(struct marker *marker);

/** Visit an object's strong references with any visitor: scan.c. */
void marker_visit_object(struct space *space, struct gait_visitor *visitor, char *start,
                         page_entry entry, size_t object_bytes);

/* The cell that an address in the range refers to: that starts there, or so far before it as a
 * displacement says. @return false: none does. */
static inline bool marker_cell(const struct marker *marker, gait_word word, struct cell *cell) {
    return space_cell(marker->space, word, cell) && cell_is_meant(marker->space, cell, word);
}

/** Bytes of a cell by its entry. head: the span's first page, for large objects. */
static inline size_t entry_cell_bytes(const struct space *space, page_entry entry, size_t head) {
    unsigned size_class = ENTRY_CLASS(entry);
    return size_class == CLASS_LARGE ? span_object_bytes(&space->spans[head])
                                     : class_table[size_class].cell_bytes;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a walk (reach.h) share.
 *
 *   reach.c         finds, numbers, and reads edges
 *   reach_inside.c  objects of arenas: a bit for each 16 bytes of an arena's pages, since an object
 *                   and the word that describes it take as much at least
 *   reach_links.c   links
 */
#ifndef GAIT_REACH_PARTS_H
#define GAIT_REACH_PARTS_H

#include "reach.h"

/* Words of bits for each page. */
#define REACH_PAGE_WORDS ((size_t)BITS_WORDS / 2)

/** What a word leads to. @return false: nothing. */
static inline bool reach_target(const struct reach *reach, gait_word word, bool conservative,
                                struct target *target) {
    return target_of(reach->space, reach->heap->value_mask, reach->epoch, word, conservative,
                     target);
}

/* ---- reach.c ---- */

/** Give an edge, if its target was found. */
void reach_give(struct reach *reach, struct reach_edge *edge);

/** Note a root of the sort that is visited. */
void reach_note_root(struct reach *reach, const struct target *target, enum reach_root_type type);

/* ---- reach_inside.c ---- */

/** Set the bits of all objects that an arena tells of. */
void reach_inside_find(struct reach *reach, struct arena *arena);

/** The bit of an address, counted from the first page's; the object that one which is set stands
 * for. */
size_t reach_inside_bit(const struct reach *reach, uintptr_t address);
char *reach_inside_start(const struct reach *reach, size_t bit);

/** Give the edges of an arena, or of an object in it. */
void reach_inside_edges(struct reach *reach, const struct target *target);

/* ---- reach_links.c ---- */

/** List the heap's links by their slots. @return false: no memory. */
bool reach_links_list(struct reach *reach);

/** All was found: note links in the program's memory as roots. */
void reach_links_note(struct reach *reach);

/** Give the edges of links that lie in the object whose words are visited. */
void reach_links_give(struct reach *reach);

#endif

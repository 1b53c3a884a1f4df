/* SPDX-License-Identifier: MIT */
/*
 * Which pairs and vectors of a datum need a label. See sharing.h.
 *
 * The walk is depth first. A list is one step of the path, however long: when it is left, its pairs
 * are gone over once more. What is met while it is on the path leads to itself.
 */
#include "sharing.h"
#include "scratch.h"

#define REGION_SHIFT 12
#define REGION_WORDS 16 /* 2 bits for each 8 of 4096 bytes */
#define FIRST_SLOTS 16

enum state { UNSEEN, ON_PATH, DONE, SHARED };

struct region {
    uintptr_t number; /* of the 4096 bytes */
    uint64_t states[REGION_WORDS];
};

enum step { STEP_CAR, STEP_CDR, STEP_LEAVE };

/* A list, whose pairs up to `at` were met, or a vector. */
struct visit {
    value head, at;
    size_t count; /* pairs after the head; or items that were looked at */
    enum step step;
};

struct label {
    value v; /* 0: a free slot */
    int64_t number;
};

struct sharing {
    bool all, found;
    struct region *regions;
    size_t region_count, region_room;
    uint32_t *slots; /* open addressing: index of a region, plus 1 */
    size_t slot_count;
    size_t last; /* region that was looked up last, if there are any */
    struct visit *path;
    size_t depth, path_room;
    struct label *labels; /* open addressing */
    size_t label_count, label_room;
};

/* ---- States of objects --------------------------------------------------------------------- */

static size_t slot_of(const struct sharing *s, uintptr_t number) {
    size_t i = number * 0x9e3779b97f4a7c15u >> 32, mask = s->slot_count - 1;
    while (s->slots[i & mask] && s->regions[s->slots[i & mask] - 1].number != number)
        i++;
    return i & mask;
}

static void grow_slots(struct sharing *s) {
    scratch_free(s->slots);
    s->slot_count = s->slot_count ? 2 * s->slot_count : FIRST_SLOTS;
    s->slots = scratch_zeroed(s->slot_count, sizeof *s->slots);
    for (size_t i = 0; i < s->region_count; i++)
        s->slots[slot_of(s, s->regions[i].number)] = (uint32_t)i + 1;
}

/* The region of an object: made if need be. */
static struct region *region_of(struct sharing *s, value v) {
    uintptr_t number = v >> REGION_SHIFT;
    if (s->region_count && s->regions[s->last].number == number)
        return &s->regions[s->last];
    if (2 * s->region_count >= s->slot_count)
        grow_slots(s);
    size_t slot = slot_of(s, number);
    if (!s->slots[slot]) {
        if (s->region_count == s->region_room) {
            s->region_room = s->region_room ? s->region_room + s->region_room / 2 : 8;
            s->regions = scratch_resize(s->regions, s->region_room * sizeof *s->regions);
        }
        s->regions[s->region_count++] = (struct region){.number = number};
        s->slots[slot] = (uint32_t)s->region_count;
    }
    s->last = s->slots[slot] - 1;
    return &s->regions[s->last];
}

static unsigned shift_of(value v) { return (unsigned)(v >> 3 & 31) * 2; }

static size_t word_of(value v) { return v >> 8 & (REGION_WORDS - 1); }

static enum state state_of(struct sharing *s, value v) {
    return (enum state)(region_of(s, v)->states[word_of(v)] >> shift_of(v) & 3);
}

static void set_state(struct sharing *s, value v, enum state state) {
    uint64_t *word = &region_of(s, v)->states[word_of(v)];
    *word = (*word & ~(UINT64_C(3) << shift_of(v))) | (uint64_t)state << shift_of(v);
}

/* ---- The walk ------------------------------------------------------------------------------ */

/* An object is met: go into it, or see that it was met before. */
static void meet(struct sharing *s, value v) {
    if (!is_compound(v))
        return;
    enum state state = state_of(s, v);
    if (state != UNSEEN) {
        if (s->all || state == ON_PATH) {
            set_state(s, v, SHARED);
            s->found = true;
        }
        return;
    }
    set_state(s, v, ON_PATH);
    if (s->depth == s->path_room) {
        s->path_room = s->path_room ? 2 * s->path_room : 16;
        s->path = scratch_resize(s->path, s->path_room * sizeof *s->path);
    }
    s->path[s->depth++] = (struct visit){.head = v, .at = v};
}

static void leave(struct sharing *s, value v) {
    if (state_of(s, v) == ON_PATH)
        set_state(s, v, DONE);
}

/* One step of the list that is last on the path. */
static void walk_list(struct sharing *s, struct visit *list) {
    if (list->step == STEP_CAR) {
        list->step = STEP_CDR;
        meet(s, car(list->at)); /* may move the path */
    } else if (list->step == STEP_CDR) {
        value next = cdr(list->at);
        if (is_pair(next) && state_of(s, next) == UNSEEN) {
            set_state(s, next, ON_PATH);
            list->at = next;
            list->count++;
            list->step = STEP_CAR;
        } else {
            list->step = STEP_LEAVE;
            meet(s, next);
        }
    } else {
        value v = list->head;
        for (size_t i = 0; !s->all && i <= list->count; i++, v = cdr(v))
            leave(s, v);
        s->depth--;
    }
}

static void walk_vector(struct sharing *s, struct visit *vector) {
    if (vector->count < length_of(vector->head)) {
        meet(s, vector_of(vector->head)->items[vector->count++]);
    } else {
        leave(s, vector->head);
        s->depth--;
    }
}

struct sharing *sharing_find(value datum, bool all) {
    struct sharing *s = scratch_zeroed(1, sizeof *s);
    s->all = all;
    meet(s, datum);
    while (s->depth) {
        struct visit *last = &s->path[s->depth - 1];
        if (is_pair(last->head))
            walk_list(s, last);
        else
            walk_vector(s, last);
    }
    scratch_free(s->path);
    s->path = NULL;
    if (s->found)
        return s;
    sharing_free(s);
    return NULL;
}

/* ---- Labels -------------------------------------------------------------------------------- */

bool sharing_has(struct sharing *s, value v) { return is_compound(v) && state_of(s, v) == SHARED; }

static struct label *find_label(struct label *labels, size_t room, value v) {
    size_t i = v * 0x9e3779b97f4a7c15u >> 24;
    while (labels[i & (room - 1)].v && labels[i & (room - 1)].v != v)
        i++;
    return &labels[i & (room - 1)];
}

int64_t sharing_label(struct sharing *s, value v, bool *fresh) {
    if (2 * s->label_count >= s->label_room) {
        size_t room = s->label_room ? 2 * s->label_room : 16;
        struct label *labels = scratch_zeroed(room, sizeof *labels);
        for (size_t i = 0; i < s->label_room; i++)
            if (s->labels[i].v)
                *find_label(labels, room, s->labels[i].v) = s->labels[i];
        scratch_free(s->labels);
        s->labels = labels;
        s->label_room = room;
    }
    struct label *label = find_label(s->labels, s->label_room, v);
    *fresh = !label->v;
    if (*fresh)
        *label = (struct label){v, (int64_t)s->label_count++};
    return label->number;
}

void sharing_free(struct sharing *s) {
    if (!s)
        return;
    scratch_free(s->regions);
    scratch_free(s->slots);
    scratch_free(s->path);
    scratch_free(s->labels);
    scratch_free(s);
}

/* SPDX-License-Identifier: MIT */
/*
 * eqv? and equal?. equal? keeps what is left to compare on a list of its own instead of the C
 * stack: the rests of lists, so that it is as deep as data are nested. It ends on cyclic
 * structures: past a budget it remembers one of every so many pairs of objects that it meets and
 * did not know, and takes them for equal when they come again. There are only so many, so it ends;
 * and long lists cost little memory.
 */
#include "scratch.h"
#include "vm.h"

#include <math.h>

#define BUDGET 100000    /* steps until pairs are remembered; guess */
#define REMEMBER_EACH 32 /* that are not remembered yet: a cycle is gone round at most so often */

bool is_eqv(value a, value b) {
    if (a == b)
        return true;
    if (is_flonum(a) && is_flonum(b)) {
        if (isnan(flonum_value(a)))
            return isnan(flonum_value(b)); /* their bits differ, and nothing in Scheme shows it */
        return !memcmp((void *)(a - TAG_FLONUM), (void *)(b - TAG_FLONUM), sizeof(double));
    }
    if (!is_object(a) || !is_object(b) || header_of(a) != header_of(b))
        return false;
    if (has_type(a, TYPE_BIGNUM))
        return !memcmp(bignum_of(a)->limbs, bignum_of(b)->limbs,
                       (length_of(a) >> 1) * sizeof(mp_limb_t));
    if (has_type(a, TYPE_RATIO))
        return is_eqv(ratio_of(a)->numerator, ratio_of(b)->numerator) &&
               is_eqv(ratio_of(a)->denominator, ratio_of(b)->denominator);
    if (has_type(a, TYPE_COMPLEX))
        return is_eqv(complex_number_of(a)->real, complex_number_of(b)->real) &&
               is_eqv(complex_number_of(a)->imaginary, complex_number_of(b)->imaginary);
    return has_type(a, TYPE_STRING) && length_of(a) == 0;
}

struct two {
    value a, b;
};

/* What is left to compare: lists, or the items of vectors from an index on. */
struct rest {
    value a, b;
    size_t index;
};

/* What is left to compare, and some of what was met. */
struct comparison {
    struct rest *todo;
    size_t count, room;
    size_t steps;
    struct two *seen; /* open addressing; a == 0: free */
    size_t seen_count, seen_room;
};

static void push(struct comparison *c, value a, value b, size_t index) {
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 64;
        c->todo = scratch_resize(c->todo, c->room * sizeof *c->todo);
    }
    c->todo[c->count++] = (struct rest){a, b, index};
}

static struct two *find_seen(struct two *seen, size_t room, struct two two) {
    size_t i = (two.a * 31 + two.b) * 0x9e3779b97f4a7c15u >> 20;
    for (;; i++) {
        struct two *slot = &seen[i & (room - 1)];
        if (!slot->a || (slot->a == two.a && slot->b == two.b))
            return slot;
    }
}

/* @return false when these two are being compared already. */
static bool first_visit(struct comparison *c, value a, value b) {
    if (c->steps < BUDGET) {
        c->steps++;
        return true;
    }
    if (2 * c->seen_count >= c->seen_room) {
        size_t room = c->seen_room ? 2 * c->seen_room : 1024;
        struct two *seen = scratch_zeroed(room, sizeof *seen);
        for (size_t i = 0; i < c->seen_room; i++)
            if (c->seen[i].a)
                *find_seen(seen, room, c->seen[i]) = c->seen[i];
        scratch_free(c->seen);
        c->seen = seen;
        c->seen_room = room;
    }
    struct two *slot = find_seen(c->seen, c->seen_room, (struct two){a, b});
    if (slot->a)
        return false;
    if (++c->steps == BUDGET + REMEMBER_EACH) {
        *slot = (struct two){a, b};
        c->seen_count++;
        c->steps = BUDGET;
    }
    return true;
}

/* Objects without parts, of which is_eqv is no longer to be asked. */
static bool equal_leaves(value a, value b) {
    if (!is_object(a) || !is_object(b) || header_of(a) != header_of(b))
        return false;
    if (has_type(a, TYPE_STRING))
        return string_equal(a, b);
    return has_type(a, TYPE_BYTEVECTOR) &&
           !memcmp(bytevector_of(a)->bytes, bytevector_of(b)->bytes, length_of(a));
}

static bool has_parts(value v) { return is_pair(v) || is_vector(v); }

/* Compare parts: leaves at once; others are what is left to compare next. */
static bool compare_parts(struct comparison *c, value a, value b) {
    if (is_eqv(a, b))
        return true;
    if (!has_parts(a))
        return equal_leaves(a, b);
    push(c, a, b, 0);
    return true;
}

/* Compare lists up to the first part that has parts. */
static bool compare_lists(struct comparison *c, value a, value b) {
    size_t count = c->count;
    while (c->count == count) {
        if (!is_pair(a))
            return compare_parts(c, a, b);
        if (!is_pair(b))
            return false;
        if (a == b || !first_visit(c, a, b))
            return true;
        value x = car(a), y = car(b);
        a = cdr(a);
        b = cdr(b);
        if (has_parts(x) && x != y) {
            push(c, a, b, 0);
            push(c, x, y, 0);
        } else if (!compare_parts(c, x, y)) {
            return false;
        }
    }
    return true;
}

/* The same for the items of vectors from an index on. */
static bool compare_vectors(struct comparison *c, value a, value b, size_t index) {
    if (header_of(a) != header_of(b))
        return false;
    if (!index && !first_visit(c, a, b))
        return true;
    while (index < length_of(a)) {
        value x = vector_of(a)->items[index], y = vector_of(b)->items[index];
        index++;
        if (has_parts(x) && x != y) {
            push(c, a, b, index);
            push(c, x, y, 0);
            return true;
        }
        if (!compare_parts(c, x, y))
            return false;
    }
    return true;
}

bool is_equal(value a, value b) {
    struct comparison c = {0};
    bool equal = compare_parts(&c, a, b);
    while (equal && c.count) {
        struct rest rest = c.todo[--c.count];
        if (is_vector(rest.a))
            equal = is_vector(rest.b) && compare_vectors(&c, rest.a, rest.b, rest.index);
        else
            equal = compare_lists(&c, rest.a, rest.b);
    }
    scratch_free(c.todo);
    scratch_free(c.seen);
    return equal;
}

/* SPDX-License-Identifier: MIT */
/*
 * eqv? and equal?. equal? keeps what is left to compare on a list of its own instead of the C
 * stack, and ends on cyclic structures: past a budget it remembers the pairs of objects it has
 * seen, and takes them for equal when they come again.
 */
#include "vm.h"

#include <math.h>

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

/* Pairs that are left to compare, and, once count passes the budget, those that were seen. */
struct comparison {
    struct two *todo;
    size_t count, room;
    size_t budget;
    struct two *seen; /* open addressing; a == 0: free */
    size_t seen_count, seen_room;
};

static void *checked(void *memory) {
    if (!memory)
        abort();
    return memory;
}

static void push(struct comparison *c, value a, value b) {
    if (c->count == c->room) {
        c->room = c->room ? 2 * c->room : 64;
        c->todo = checked(realloc(c->todo, c->room * sizeof *c->todo));
    }
    c->todo[c->count++] = (struct two){a, b};
}

static bool insert_seen(struct two *seen, size_t room, struct two two) {
    size_t i = (two.a * 31 + two.b) * 0x9e3779b97f4a7c15u >> 20;
    for (;; i++) {
        struct two *slot = &seen[i & (room - 1)];
        if (!slot->a) {
            *slot = two;
            return true;
        }
        if (slot->a == two.a && slot->b == two.b)
            return false;
    }
}

/* @return false when these two are being compared already. */
static bool first_visit(struct comparison *c, value a, value b) {
    if (c->budget) {
        c->budget--;
        return true;
    }
    if (2 * c->seen_count >= c->seen_room) {
        size_t room = c->seen_room ? 2 * c->seen_room : 1024;
        struct two *seen = checked(calloc(room, sizeof *seen));
        for (size_t i = 0; i < c->seen_room; i++)
            if (c->seen[i].a)
                insert_seen(seen, room, c->seen[i]);
        free(c->seen);
        c->seen = seen;
        c->seen_room = room;
    }
    bool first = insert_seen(c->seen, c->seen_room, (struct two){a, b});
    c->seen_count += first;
    return first;
}

static bool compare(struct comparison *c, value a, value b) {
    for (;;) {
        if (is_eqv(a, b))
            return true;
        if (is_pair(a)) {
            if (!is_pair(b))
                return false;
            if (!first_visit(c, a, b))
                return true;
            if (is_pair(car(a)) || is_object(car(a)) || is_flonum(car(a)))
                push(c, car(a), car(b));
            else if (car(a) != car(b))
                return false;
            a = cdr(a);
            b = cdr(b);
            continue;
        }
        if (!is_object(a) || !is_object(b) || header_of(a) != header_of(b))
            return false;
        switch (header_of(a) & 0xff) {
        case TYPE_STRING:
            return string_equal(a, b);
        case TYPE_BYTEVECTOR:
            return !memcmp(bytevector_of(a)->bytes, bytevector_of(b)->bytes, length_of(a));
        case TYPE_VECTOR:
            if (first_visit(c, a, b))
                for (size_t i = length_of(a); i-- > 0;)
                    push(c, vector_of(a)->items[i], vector_of(b)->items[i]);
            return true;
        default:
            return false;
        }
    }
}

bool is_equal(value a, value b) {
    struct comparison c = {.budget = 100000};
    bool equal = compare(&c, a, b);
    while (equal && c.count) {
        struct two two = c.todo[--c.count];
        equal = compare(&c, two.a, two.b);
    }
    free(c.todo);
    free(c.seen);
    return equal;
}

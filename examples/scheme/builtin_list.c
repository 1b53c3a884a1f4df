/* SPDX-License-Identifier: MIT */
/*
 * Pairs and lists. What takes procedures is in the prelude.
 */
#include "builtin.h"

PREDICATE(pair_p, is_pair(a[0]))

BUILTIN(cons_) { return cons(vm, a[0], a[1]); }

BUILTIN(set_car) {
    if (!is_pair(a[0]))
        return raise_argument(vm, "set-car!", 1, "pair", a[0]);
    store(vm, &pair_of(a[0])->car, a[1]);
    return UNSPECIFIED;
}

BUILTIN(set_cdr) {
    if (!is_pair(a[0]))
        return raise_argument(vm, "set-cdr!", 1, "pair", a[0]);
    store(vm, &pair_of(a[0])->cdr, a[1]);
    return UNSPECIFIED;
}

/* Follow the letters of a name such as caddr, from the right. */
static value walk(struct vm *vm, const char *name, value v) {
    value at = v;
    for (const char *letter = name + strlen(name) - 2; letter > name; letter--) {
        if (!is_pair(at))
            return raise_type(vm, name, strlen(name) == 3 ? "pair" : "list", v);
        at = *letter == 'a' ? car(at) : cdr(at);
    }
    return at;
}

/* clang-format off */
#define CXRS(X)                                                                                    \
    X(car) X(cdr) X(caar) X(cadr) X(cdar) X(cddr)                                                  \
    X(caaar) X(caadr) X(cadar) X(caddr) X(cdaar) X(cdadr) X(cddar) X(cdddr)                        \
    X(caaaar) X(caaadr) X(caadar) X(caaddr) X(cadaar) X(cadadr) X(caddar) X(cadddr)                \
    X(cdaaar) X(cdaadr) X(cdadar) X(cdaddr) X(cddaar) X(cddadr) X(cdddar) X(cddddr)
/* clang-format on */

#define X(name)                                                                                    \
    BUILTIN(walk_##name) { return walk(vm, #name, a[0]); }
CXRS(X)
#undef X

PREDICATE(null_p, a[0] == NIL)

PREDICATE(list_p, list_length(a[0]) >= 0)

BUILTIN(make_list) {
    if (!is_fixnum(a[0]) || fixnum_value(a[0]) < 0)
        return raise_type(vm, "make-list", "length", a[0]);
    value fill = count > 1 ? a[1] : UNSPECIFIED, list = NIL;
    for (int64_t i = fixnum_value(a[0]); i > 0; i--)
        list = cons(vm, fill, list);
    return list;
}

BUILTIN(list) { return list_of(vm, count, a); }

BUILTIN(cons_star) {
    value list = a[count - 1];
    for (int i = count - 1; i-- > 0;)
        list = cons(vm, a[i], list);
    return list;
}

BUILTIN(length) {
    int64_t length = list_length(a[0]);
    return length < 0 ? raise_type(vm, "length", "list", a[0]) : fixnum(length);
}

/* A copy of the pairs of a list, ending in `end`. Both are held by the caller. */
static value copy_onto(struct vm *vm, value list, value end) {
    if (!is_pair(list))
        return end;
    value live[3] = {end, cons(vm, car(list), end), 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[2] = live[1];
    for (list = cdr(list); is_pair(list); list = cdr(list)) {
        value pair = cons(vm, car(list), end);
        store(vm, &pair_of(live[2])->cdr, pair);
        live[2] = pair;
    }
    gait_pop_frame(vm->mutator);
    return live[1];
}

BUILTIN(append) {
    if (!count)
        return NIL;
    for (int i = count - 1; i-- > 0;) {
        if (list_length(a[i]) < 0)
            return raise_argument(vm, "append", i + 1, "list", a[i]);
        a[count - 1] = copy_onto(vm, a[i], a[count - 1]);
    }
    return a[count - 1];
}

BUILTIN(append_in_place) {
    value result = NIL, last = NIL;
    for (int i = 0; i < count; i++) {
        if (a[i] == NIL)
            continue;
        if (result == NIL)
            result = a[i];
        else if (is_pair(last))
            store(vm, &pair_of(last)->cdr, a[i]);
        for (last = a[i]; is_pair(last) && is_pair(cdr(last)); last = cdr(last))
            ;
    }
    return result;
}

BUILTIN(list_copy) {
    value end = a[0];
    while (is_pair(end))
        end = cdr(end);
    return copy_onto(vm, a[0], end);
}

BUILTIN(reverse) {
    if (list_length(a[0]) < 0)
        return raise_type(vm, "reverse", "list", a[0]);
    value result = NIL;
    for (value list = a[0]; list != NIL; list = cdr(list))
        result = cons(vm, car(list), result);
    return result;
}

BUILTIN(reverse_in_place) {
    value result = NIL;
    for (value list = a[0], next; is_pair(list); list = next) {
        next = cdr(list);
        store(vm, &pair_of(list)->cdr, result);
        result = list;
    }
    return result;
}

/* An index past the pairs of a list. */
static value raise_list_index(struct vm *vm, const char *who, value list, value index) {
    size_t limit = !strcmp(who, "list-tail");
    for (; is_pair(list); list = cdr(list))
        limit++;
    return raise_index(vm, who, limit, index);
}

/* The list after `index` pairs, or RAISED. */
static value tail(struct vm *vm, const char *who, value list, value index) {
    value whole = list;
    if (!is_fixnum(index) || fixnum_value(index) < 0)
        return raise_argument(vm, who, 2, "index", index);
    for (int64_t i = fixnum_value(index); i > 0; i--) {
        if (!is_pair(list))
            return raise_list_index(vm, who, whole, index);
        list = cdr(list);
    }
    return list;
}

BUILTIN(list_tail) { return tail(vm, "list-tail", a[0], a[1]); }

BUILTIN(list_ref) {
    value rest = tail(vm, "list-ref", a[0], a[1]);
    if (rest == RAISED)
        return RAISED;
    return is_pair(rest) ? car(rest) : raise_list_index(vm, "list-ref", a[0], a[1]);
}

BUILTIN(list_set) {
    value rest = tail(vm, "list-set!", a[0], a[1]);
    if (rest == RAISED)
        return RAISED;
    if (!is_pair(rest))
        return raise_list_index(vm, "list-set!", a[0], a[1]);
    store(vm, &pair_of(rest)->car, a[2]);
    return UNSPECIFIED;
}

BUILTIN(last_pair) {
    if (!is_pair(a[0]))
        return raise_type(vm, "last-pair", "pair", a[0]);
    value list = a[0];
    while (is_pair(cdr(list)))
        list = cdr(list);
    return list;
}

static bool is_same(value a, value b) { return a == b; }

static value search(struct vm *vm, const char *who, value *a, bool (*same)(value, value)) {
    value list = a[1];
    for (; is_pair(list); list = cdr(list))
        if (same(a[0], car(list)))
            return list;
    return list == NIL ? FALSE : raise_argument(vm, who, 2, "list", a[1]);
}

static value associate(struct vm *vm, const char *who, value *a, bool (*same)(value, value)) {
    value list = a[1];
    for (; is_pair(list); list = cdr(list)) {
        if (!is_pair(car(list)))
            return raise_type(vm, who, "pair in a list", car(list));
        if (same(a[0], car(car(list))))
            return car(list);
    }
    return list == NIL ? FALSE : raise_argument(vm, who, 2, "list", a[1]);
}

BUILTIN(memq) { return search(vm, "memq", a, is_same); }
BUILTIN(memv) { return search(vm, "memv", a, is_eqv); }
BUILTIN(member) { return search(vm, "member", a, is_equal); }
BUILTIN(assq) { return associate(vm, "assq", a, is_same); }
BUILTIN(assv) { return associate(vm, "assv", a, is_eqv); }
BUILTIN(assoc) { return associate(vm, "assoc", a, is_equal); }

void builtin_lists_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
#define X(name) {#name, walk_##name, 1, 1},
        CXRS(X)
#undef X
            {"pair?", pair_p, 1, 1},
        {"cons", cons_, 2, 2},
        {"set-car!", set_car, 2, 2},
        {"set-cdr!", set_cdr, 2, 2},
        {"null?", null_p, 1, 1},
        {"list?", list_p, 1, 1},
        {"make-list", make_list, 1, 2},
        {"list", list, 0, -1},
        {"cons*", cons_star, 1, -1},
        {"length", length, 1, 1},
        {"append", append, 0, -1},
        {"append!", append_in_place, 0, -1},
        {"list-copy", list_copy, 1, 1},
        {"reverse", reverse, 1, 1},
        {"reverse!", reverse_in_place, 1, 1},
        {"list-tail", list_tail, 2, 2},
        {"list-ref", list_ref, 2, 2},
        {"list-set!", list_set, 3, 3},
        {"last-pair", last_pair, 1, 1},
        {"memq", memq, 2, 2},
        {"memv", memv, 2, 2},
        {"%member", member, 2, 2},
        {"assq", assq, 2, 2},
        {"assv", assv, 2, 2},
        {"%assoc", assoc, 2, 2},
    };
    DEFINE_BUILTINS(vm, entries);
}

/* SPDX-License-Identifier: MIT */
/*
 * Checks that builtins share, and how builtins become globals.
 */
#include "builtin.h"

bool take_index(struct vm *vm, const char *who, int position, value v, size_t limit,
                size_t *index) {
    if (!is_fixnum(v)) {
        raise_argument(vm, who, position, "index", v);
        return false;
    }
    *index = (size_t)fixnum_value(v);
    if (*index < limit)
        return true;
    raise_index(vm, who, limit, v);
    return false;
}

bool take_range(struct vm *vm, const char *who, int count, const value *a, int first, size_t length,
                size_t *from, size_t *to) {
    *from = 0;
    *to = length;
    if (count > first && !take_index(vm, who, first + 1, a[first], length + 1, from))
        return false;
    if (count > first + 1 && !take_index(vm, who, first + 2, a[first + 1], length + 1, to))
        return false;
    if (*from > *to) {
        raise_error(vm, who, "range ends before it starts:", 2, a[first],
                    count > first + 1 ? a[first + 1] : fixnum((int64_t)length));
        return false;
    }
    return true;
}

bool take_copy(struct vm *vm, const char *who, int count, const value *a, size_t *at, size_t *from,
               size_t *to) {
    if (!take_index(vm, who, 2, a[1], length_of(a[0]) + 1, at) ||
        !take_range(vm, who, count, a, 3, length_of(a[2]), from, to))
        return false;
    if (*to - *from <= length_of(a[0]) - *at)
        return true;
    raise_error(vm, who, "items don't fit at index:", 2, fixnum((int64_t)(*to - *from)), a[1]);
    return false;
}

size_t total_length(int count, const value *a) {
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += length_of(a[i]);
    return length;
}

value all_same(int count, const value *a) {
    for (int i = 1; i < count; i++)
        if (a[i] != a[0])
            return FALSE;
    return TRUE;
}

value all_ordered(int count, const value *a, int (*compare)(value, value), int least, int most) {
    for (int i = 0; i + 1 < count; i++) {
        int order = compare(a[i], a[i + 1]);
        if (order < least || order > most)
            return FALSE;
    }
    return TRUE;
}

/* ---- Definition ---------------------------------------------------------------------------- */

void define_system(struct vm *vm, const char *name, value content) {
    keep(vm, content);
    value symbol = keep(vm, intern_text(vm, name));
    value global = environment_define(vm, vm->system, symbol);
    store(vm, &global_of(global)->content, content);
    header_change(global, 0, GLOBAL_CONSTANT);
    vm->keep.count -= 2;
}

void builtins_define(struct vm *vm, const struct builtin_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        define_system(
            vm, entries[i].name,
            make_builtin(vm, entries[i].name, entries[i].apply, entries[i].least, entries[i].most));
}

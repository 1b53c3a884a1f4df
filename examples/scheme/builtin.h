/* SPDX-License-Identifier: MIT */
/*
 * What the builtins (builtin_*.c) have in common: their shape, and the checks of their arguments.
 *
 * A builtin gets its arguments on the value stack, which keeps them alive and which it may
 * overwrite. The macros that check return RAISED from the builtin they stand in.
 */
#ifndef SCHEME_BUILTIN_H
#define SCHEME_BUILTIN_H

#include "vm.h"

#define MAY_BE_UNUSED __attribute__((unused))
#define BUILTIN(name)                                                                              \
    static value name(MAY_BE_UNUSED struct vm *vm, MAY_BE_UNUSED int count, MAY_BE_UNUSED value *a)

/* A builtin that says whether something holds for its arguments. */
#define PREDICATE(name, expression)                                                                \
    BUILTIN(name) { return boolean(expression); }

/* Which of several arguments is it? From 1; 0: the only one, or what is in one. */
static inline int argument_position(const value *arguments, int count, const value *argument) {
    bool among = count > 1 && argument >= arguments && argument < arguments + count;
    return among ? (int)(argument - arguments) + 1 : 0;
}

#define NEED(test, who, expected, v)                                                               \
    do {                                                                                           \
        if (!test(v))                                                                              \
            return raise_argument(vm, who, argument_position(a, count, &(v)), expected, v);        \
    } while (0)

/* The same for every argument. */
#define NEED_ALL(test, who, expected)                                                              \
    do {                                                                                           \
        for (int argument_ = 0; argument_ < count; argument_++)                                    \
            NEED(test, who, expected, a[argument_]);                                               \
    } while (0)

/* Declare `name`: the index below limit that v is. */
#define TAKE_INDEX(who, v, limit, name)                                                            \
    size_t name;                                                                                   \
    if (!take_index(vm, who, argument_position(a, count, &(v)), v, limit, &name))                  \
    return RAISED

/* Declare from and to: the optional arguments `first` and the next, within a length. */
#define TAKE_RANGE(who, first, length)                                                             \
    size_t from, to;                                                                               \
    if (!take_range(vm, who, count, a, first, length, &from, &to))                                 \
    return RAISED

/* Declare at, from and to of (copy! to at from [start [end]]), which fit into both lengths. */
#define TAKE_COPY(who)                                                                             \
    size_t at, from, to;                                                                           \
    if (!take_copy(vm, who, count, a, &at, &from, &to))                                            \
    return RAISED

/** Take an index below limit, the argument at that position. @return false: raised. */
bool take_index(struct vm *vm, const char *who, int position, value v, size_t limit, size_t *index);

/** Take the optional start and end at arguments[first] on. @return false: raised. */
bool take_range(struct vm *vm, const char *who, int count, const value *arguments, int first,
                size_t length, size_t *from, size_t *to);

/** Take what TAKE_COPY says, of strings, vectors or bytevectors. @return false: raised. */
bool take_copy(struct vm *vm, const char *who, int count, const value *arguments, size_t *at,
               size_t *from, size_t *to);

/** The lengths of all arguments, which have one, together. */
size_t total_length(int count, const value *arguments);

/** Are all arguments the same object? */
value all_same(int count, const value *arguments);

/** Is each argument ordered to the next one between least and most? @return a boolean. */
value all_ordered(int count, const value *arguments, int (*compare)(value, value), int least,
                  int most);

/*
 * The five comparisons of a type, and those that fold case: `name` is what they are called up to
 * the = or <, and each takes any number of arguments that pass the test.
 */
#define COMPARISONS(prefix, test, type, name, compare)                                             \
    COMPARISON(prefix##_equal, test, type, name "=?", compare, 0, 0)                               \
    COMPARISON(prefix##_less, test, type, name "<?", compare, -1, -1)                              \
    COMPARISON(prefix##_greater, test, type, name ">?", compare, 1, 1)                             \
    COMPARISON(prefix##_less_equal, test, type, name "<=?", compare, -1, 0)                        \
    COMPARISON(prefix##_greater_equal, test, type, name ">=?", compare, 0, 1)
#define COMPARISON(function, test, type, who, compare, least, most)                                \
    BUILTIN(function) {                                                                            \
        NEED_ALL(test, who, type);                                                                 \
        return all_ordered(count, a, compare, least, most);                                        \
    }
#define COMPARISON_ENTRIES(prefix, name)                                                           \
    {name "=?", prefix##_equal, 1, -1}, {name "<?", prefix##_less, 1, -1},                         \
        {name ">?", prefix##_greater, 1, -1}, {name "<=?", prefix##_less_equal, 1, -1}, {          \
        name ">=?", prefix##_greater_equal, 1, -1                                                  \
    }

#endif

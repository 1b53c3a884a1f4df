/* SPDX-License-Identifier: MIT */
/*
 * Strings and symbols.
 */
#include "builtin.h"
#include "character.h"
#include "utf8.h"

#define LONGEST ((size_t)1 << 32)

PREDICATE(string_p, is_string(a[0]))

BUILTIN(make_string_) {
    TAKE_INDEX("make-string", a[0], LONGEST, length);
    if (count > 1)
        NEED(is_character, "make-string", "character", a[1]);
    return make_string(vm, length, count > 1 ? character_code(a[1]) : ' ');
}

BUILTIN(string) {
    NEED_ALL(is_character, "string", "character");
    value result = make_string(vm, (size_t)count, 0);
    for (int i = 0; i < count; i++)
        string_of(result)->chars[i] = character_code(a[i]);
    return result;
}

BUILTIN(string_length) {
    NEED(is_string, "string-length", "string", a[0]);
    return fixnum((int64_t)length_of(a[0]));
}

BUILTIN(string_ref) {
    NEED(is_string, "string-ref", "string", a[0]);
    TAKE_INDEX("string-ref", a[1], length_of(a[0]), index);
    return character(string_of(a[0])->chars[index]);
}

BUILTIN(string_set) {
    NEED(is_string, "string-set!", "string", a[0]);
    NEED(is_character, "string-set!", "character", a[2]);
    TAKE_INDEX("string-set!", a[1], length_of(a[0]), index);
    string_of(a[0])->chars[index] = character_code(a[2]);
    return UNSPECIFIED;
}

/* ---- Comparison ---------------------------------------------------------------------------- */

COMPARISONS(text, is_string, "string", "string", string_compare)
COMPARISONS(text_ci, is_string, "string", "string-ci", string_compare_ci)

/* ---- Whole strings ------------------------------------------------------------------------- */

BUILTIN(substring) {
    NEED(is_string, "substring", "string", a[0]);
    TAKE_RANGE("substring", 1, length_of(a[0]));
    return make_substring(vm, a[0], from, to);
}

BUILTIN(string_append) {
    NEED_ALL(is_string, "string-append", "string");
    value result = make_string(vm, total_length(count, a), 0);
    uint32_t *to = string_of(result)->chars;
    for (int i = 0; i < count; i++) {
        memcpy(to, string_of(a[i])->chars, length_of(a[i]) * sizeof *to);
        to += length_of(a[i]);
    }
    return result;
}

BUILTIN(string_to_list) {
    NEED(is_string, "string->list", "string", a[0]);
    TAKE_RANGE("string->list", 1, length_of(a[0]));
    value list = NIL;
    while (to-- > from)
        list = cons(vm, character(string_of(a[0])->chars[to]), list);
    return list;
}

BUILTIN(list_to_string) {
    int64_t length = list_length(a[0]);
    if (length < 0)
        return raise_type(vm, "list->string", "list", a[0]);
    value result = make_string(vm, (size_t)length, 0), rest = a[0];
    for (int64_t i = 0; i < length; i++, rest = cdr(rest)) {
        if (!is_character(car(rest)))
            return raise_type(vm, "list->string", "character", car(rest));
        string_of(result)->chars[i] = character_code(car(rest));
    }
    return result;
}

BUILTIN(string_to_vector) {
    NEED(is_string, "string->vector", "string", a[0]);
    TAKE_RANGE("string->vector", 1, length_of(a[0]));
    value vector = make_vector(vm, to - from, FALSE);
    for (size_t i = from; i < to; i++)
        gait_init(&vector_of(vector)->items[i - from], character(string_of(a[0])->chars[i]));
    return vector;
}

BUILTIN(vector_to_string) {
    NEED(is_vector, "vector->string", "vector", a[0]);
    TAKE_RANGE("vector->string", 1, length_of(a[0]));
    value string = make_string(vm, to - from, 0);
    for (size_t i = from; i < to; i++) {
        NEED(is_character, "vector->string", "character", vector_of(a[0])->items[i]);
        string_of(string)->chars[i - from] = character_code(vector_of(a[0])->items[i]);
    }
    return string;
}

/* (string-copy! to at from [start [end]]) */
BUILTIN(string_copy_in_place) {
    NEED(is_string, "string-copy!", "string", a[0]);
    NEED(is_string, "string-copy!", "string", a[2]);
    TAKE_COPY("string-copy!");
    memmove(string_of(a[0])->chars + at, string_of(a[2])->chars + from,
            (to - from) * sizeof(uint32_t));
    return UNSPECIFIED;
}

BUILTIN(string_fill) {
    NEED(is_string, "string-fill!", "string", a[0]);
    NEED(is_character, "string-fill!", "character", a[1]);
    TAKE_RANGE("string-fill!", 2, length_of(a[0]));
    for (; from < to; from++)
        string_of(a[0])->chars[from] = character_code(a[1]);
    return UNSPECIFIED;
}

/* ---- Case ---------------------------------------------------------------------------------- */

#define CASE(name, who)                                                                            \
    BUILTIN(name) {                                                                                \
        NEED(is_string, who, "string", a[0]);                                                      \
        return string_##name(vm, a[0]);                                                            \
    }
CASE(upcase, "string-upcase")
CASE(downcase, "string-downcase")
CASE(foldcase, "string-foldcase")

/* ---- Search -------------------------------------------------------------------------------- */

/* (string-search text pattern start): the first index at or after start, or #f. */
BUILTIN(string_search) {
    size_t start = 0;
    NEED(is_string, "string-search", "string", a[0]);
    NEED(is_string, "string-search", "string", a[1]);
    size_t length = length_of(a[0]), size = length_of(a[1]);
    if (count > 2 && !take_index(vm, "string-search", 3, a[2], length + 1, &start))
        return RAISED;
    for (size_t i = start; i + size <= length; i++)
        if (!memcmp(string_of(a[0])->chars + i, string_of(a[1])->chars, size * sizeof(uint32_t)))
            return fixnum((int64_t)i);
    return FALSE;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

BUILTIN(utf8_to_string) {
    NEED(is_bytevector, "utf8->string", "bytevector", a[0]);
    TAKE_RANGE("utf8->string", 1, length_of(a[0]));
    const char *text = (const char *)bytevector_of(a[0])->bytes + from;
    size_t bad;
    if (!utf8_count(text, to - from, &bad))
        return raise_error(vm, "utf8->string", "not UTF-8 at byte:", 1,
                           fixnum((int64_t)(from + bad)));
    return make_string_utf8(vm, text, to - from);
}

BUILTIN(string_to_utf8) {
    NEED(is_string, "string->utf8", "string", a[0]);
    TAKE_RANGE("string->utf8", 1, length_of(a[0]));
    a[0] = make_substring(vm, a[0], from, to);
    size_t bytes;
    char *text = string_utf8(a[0], &bytes);
    value result = make_bytevector(vm, bytes);
    memcpy(bytevector_of(result)->bytes, text, bytes);
    free(text);
    return result;
}

/* ---- Symbols ------------------------------------------------------------------------------- */

PREDICATE(symbol_p, is_symbol(a[0]))

BUILTIN(symbol_to_string) {
    NEED(is_symbol, "symbol->string", "symbol", a[0]);
    return make_substring(vm, symbol_of(a[0])->name, 0, length_of(symbol_of(a[0])->name));
}

BUILTIN(string_to_symbol) {
    NEED(is_string, "string->symbol", "string", a[0]);
    return intern(vm, a[0]);
}

BUILTIN(symbols_equal_p) {
    NEED_ALL(is_symbol, "symbol=?", "symbol");
    return all_same(count, a);
}

static int symbol_compare(value a, value b) {
    return string_compare(symbol_of(a)->name, symbol_of(b)->name);
}
COMPARISON(symbols_less, is_symbol, "symbol", "symbol<?", symbol_compare, -1, -1)

/* (gensym [prefix]): a symbol that is no other's; the number is for readers. */
BUILTIN(gensym) {
    static unsigned long long number;
    char *prefix = NULL;
    if (count) {
        bool symbol = is_symbol(a[0]);
        if (!symbol && !is_string(a[0]))
            return raise_type(vm, "gensym", "string or symbol", a[0]);
        prefix = string_utf8(symbol ? symbol_of(a[0])->name : a[0], NULL);
    }
    value name = make_formatted(vm, "%s%llu", prefix ? prefix : "g", ++number);
    free(prefix);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, &name, 1);
    value symbol = make_symbol_apart(vm, name);
    gait_pop_frame(vm->mutator);
    return symbol;
}

BUILTIN(symbol_append) {
    for (int i = 0; i < count; i++) {
        NEED(is_symbol, "symbol-append", "symbol", a[i]);
        a[i] = symbol_of(a[i])->name;
    }
    value name = string_append(vm, count, a);
    if (count)
        a[0] = name;
    return intern(vm, name);
}

void builtin_strings_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"string?", string_p, 1, 1},
        {"make-string", make_string_, 1, 2},
        {"string", string, 0, -1},
        {"string-length", string_length, 1, 1},
        {"string-ref", string_ref, 2, 2},
        {"string-set!", string_set, 3, 3},
        COMPARISON_ENTRIES(text, "string"),
        COMPARISON_ENTRIES(text_ci, "string-ci"),
        {"substring", substring, 2, 3},
        {"string-copy", substring, 1, 3},
        {"string-append", string_append, 0, -1},
        {"string->list", string_to_list, 1, 3},
        {"list->string", list_to_string, 1, 1},
        {"string->vector", string_to_vector, 1, 3},
        {"vector->string", vector_to_string, 1, 3},
        {"string-copy!", string_copy_in_place, 3, 5},
        {"string-fill!", string_fill, 2, 4},
        {"string-upcase", upcase, 1, 1},
        {"string-downcase", downcase, 1, 1},
        {"string-foldcase", foldcase, 1, 1},
        {"string-search", string_search, 2, 3},
        {"utf8->string", utf8_to_string, 1, 3},
        {"string->utf8", string_to_utf8, 1, 3},
        {"symbol?", symbol_p, 1, 1},
        {"symbol->string", symbol_to_string, 1, 1},
        {"string->symbol", string_to_symbol, 1, 1},
        {"intern", string_to_symbol, 1, 1},
        {"symbol=?", symbols_equal_p, 1, -1},
        {"symbol-append", symbol_append, 0, -1},
        {"symbol<?", symbols_less, 1, -1},
        {"gensym", gensym, 0, 1},
        {"generate-uninterned-symbol", gensym, 0, 1},
    };
    DEFINE_BUILTINS(vm, entries);
}

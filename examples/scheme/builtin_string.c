/* SPDX-License-Identifier: MIT */
/*
 * Strings and symbols.
 */
#include "character.h"

#define BUILTIN(name) static value name(struct vm *vm, int count, value *a)
#define UNUSED (void)vm, (void)count
#define NEED(test, who, expected, v)                                                               \
    do {                                                                                           \
        if (!test(v))                                                                              \
            return raise_type(vm, who, expected, v);                                               \
    } while (0)

#define LONGEST ((size_t)1 << 32)

bool take_index(struct vm *vm, const char *who, value v, size_t limit, size_t *index) {
    if (!is_fixnum(v)) {
        raise_type(vm, who, "index", v);
        return false;
    }
    *index = (size_t)fixnum_value(v);
    if (*index < limit)
        return true;
    raise_range(vm, who, v);
    return false;
}

bool take_range(struct vm *vm, const char *who, int count, const value *a, int first, size_t length,
                size_t *from, size_t *to) {
    *from = 0;
    *to = length;
    if (count > first && !take_index(vm, who, a[first], length + 1, from))
        return false;
    if (count > first + 1 && !take_index(vm, who, a[first + 1], length + 1, to))
        return false;
    if (*from > *to) {
        raise_range(vm, who, a[first]);
        return false;
    }
    return true;
}

BUILTIN(string_p) {
    UNUSED;
    return boolean(is_string(a[0]));
}

BUILTIN(make_string_) {
    size_t length;
    if (!take_index(vm, "make-string", a[0], LONGEST, &length))
        return RAISED;
    if (count > 1)
        NEED(is_character, "make-string", "character", a[1]);
    return make_string(vm, length, count > 1 ? character_code(a[1]) : ' ');
}

BUILTIN(string) {
    for (int i = 0; i < count; i++)
        NEED(is_character, "string", "character", a[i]);
    value result = make_string(vm, (size_t)count, 0);
    for (int i = 0; i < count; i++)
        string_of(result)->chars[i] = character_code(a[i]);
    return result;
}

BUILTIN(string_length) {
    UNUSED;
    NEED(is_string, "string-length", "string", a[0]);
    return fixnum((int64_t)length_of(a[0]));
}

BUILTIN(string_ref) {
    UNUSED;
    size_t index;
    NEED(is_string, "string-ref", "string", a[0]);
    if (!take_index(vm, "string-ref", a[1], length_of(a[0]), &index))
        return RAISED;
    return character(string_of(a[0])->chars[index]);
}

BUILTIN(string_set) {
    UNUSED;
    size_t index;
    NEED(is_string, "string-set!", "string", a[0]);
    NEED(is_character, "string-set!", "character", a[2]);
    if (!take_index(vm, "string-set!", a[1], length_of(a[0]), &index))
        return RAISED;
    string_of(a[0])->chars[index] = character_code(a[2]);
    return UNSPECIFIED;
}

/* ---- Comparison ---------------------------------------------------------------------------- */

static int compare_ci(value a, value b) {
    size_t m = length_of(a), n = length_of(b);
    for (size_t i = 0; i < m && i < n; i++) {
        uint32_t x = char_foldcase(string_of(a)->chars[i]);
        uint32_t y = char_foldcase(string_of(b)->chars[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (m > n) - (m < n);
}

bool string_equal_ci(value a, value b) { return compare_ci(a, b) == 0; }

static value compare(struct vm *vm, const char *who, int count, value *a, int least, int most,
                     int (*order_of)(value, value)) {
    for (int i = 0; i < count; i++)
        NEED(is_string, who, "string", a[i]);
    for (int i = 0; i + 1 < count; i++) {
        int order = order_of(a[i], a[i + 1]);
        if (order < least || order > most)
            return FALSE;
    }
    return TRUE;
}

#define COMPARISON(name, symbol, least, most)                                                      \
    BUILTIN(name) {                                                                                \
        return compare(vm, "string" symbol "?", count, a, least, most, string_compare);            \
    }                                                                                              \
    BUILTIN(name##_ci) {                                                                           \
        return compare(vm, "string-ci" symbol "?", count, a, least, most, compare_ci);             \
    }
COMPARISON(equal, "=", 0, 0)
COMPARISON(less, "<", -1, -1)
COMPARISON(greater, ">", 1, 1)
COMPARISON(less_equal, "<=", -1, 0)
COMPARISON(greater_equal, ">=", 0, 1)

/* ---- Whole strings ------------------------------------------------------------------------- */

BUILTIN(substring) {
    size_t from, to;
    NEED(is_string, "substring", "string", a[0]);
    if (!take_range(vm, "substring", count, a, 1, length_of(a[0]), &from, &to))
        return RAISED;
    return make_substring(vm, a[0], from, to);
}

BUILTIN(string_append) {
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        NEED(is_string, "string-append", "string", a[i]);
        length += length_of(a[i]);
    }
    value result = make_string(vm, length, 0);
    uint32_t *to = string_of(result)->chars;
    for (int i = 0; i < count; i++) {
        memcpy(to, string_of(a[i])->chars, length_of(a[i]) * sizeof *to);
        to += length_of(a[i]);
    }
    return result;
}

BUILTIN(string_to_list) {
    size_t from, to;
    NEED(is_string, "string->list", "string", a[0]);
    if (!take_range(vm, "string->list", count, a, 1, length_of(a[0]), &from, &to))
        return RAISED;
    value list = NIL;
    while (to-- > from)
        list = cons(vm, character(string_of(a[0])->chars[to]), list);
    return list;
}

BUILTIN(list_to_string) {
    UNUSED;
    int64_t length = list_length(a[0]);
    if (length < 0)
        return raise_type(vm, "list->string", "list", a[0]);
    value result = make_string(vm, (size_t)length, 0), rest = a[0];
    for (int64_t i = 0; i < length; i++, rest = cdr(rest)) {
        NEED(is_character, "list->string", "character", car(rest));
        string_of(result)->chars[i] = character_code(car(rest));
    }
    return result;
}

BUILTIN(string_to_vector) {
    size_t from, to;
    NEED(is_string, "string->vector", "string", a[0]);
    if (!take_range(vm, "string->vector", count, a, 1, length_of(a[0]), &from, &to))
        return RAISED;
    value vector = make_vector(vm, to - from, FALSE);
    for (size_t i = from; i < to; i++)
        gait_init(&vector_of(vector)->items[i - from], character(string_of(a[0])->chars[i]));
    return vector;
}

BUILTIN(vector_to_string) {
    size_t from, to;
    NEED(is_vector, "vector->string", "vector", a[0]);
    if (!take_range(vm, "vector->string", count, a, 1, length_of(a[0]), &from, &to))
        return RAISED;
    value string = make_string(vm, to - from, 0);
    for (size_t i = from; i < to; i++) {
        NEED(is_character, "vector->string", "character", vector_of(a[0])->items[i]);
        string_of(string)->chars[i - from] = character_code(vector_of(a[0])->items[i]);
    }
    return string;
}

/* (string-copy! to at from [start [end]]) */
BUILTIN(string_copy_in_place) {
    size_t at, from, to;
    NEED(is_string, "string-copy!", "string", a[0]);
    NEED(is_string, "string-copy!", "string", a[2]);
    if (!take_index(vm, "string-copy!", a[1], length_of(a[0]) + 1, &at) ||
        !take_range(vm, "string-copy!", count, a, 3, length_of(a[2]), &from, &to))
        return RAISED;
    if (to - from > length_of(a[0]) - at)
        return raise_range(vm, "string-copy!", a[1]);
    memmove(string_of(a[0])->chars + at, string_of(a[2])->chars + from,
            (to - from) * sizeof(uint32_t));
    return UNSPECIFIED;
}

BUILTIN(string_fill) {
    size_t from, to;
    NEED(is_string, "string-fill!", "string", a[0]);
    NEED(is_character, "string-fill!", "character", a[1]);
    if (!take_range(vm, "string-fill!", count, a, 2, length_of(a[0]), &from, &to))
        return RAISED;
    for (; from < to; from++)
        string_of(a[0])->chars[from] = character_code(a[1]);
    return UNSPECIFIED;
}

/* ---- Case ---------------------------------------------------------------------------------- */

#define SHARP_S 0xdf
#define SIGMA 0x3a3
#define FINAL_SIGMA 0x3c2

/* A copy with every character mapped; sharp s becomes two s where `expand`. */
static value map_case(struct vm *vm, value string, uint32_t (*map)(uint32_t), bool expand) {
    size_t length = length_of(string), extra = 0;
    for (size_t i = 0; expand && i < length; i++)
        extra += string_of(string)->chars[i] == SHARP_S;
    vm->made[1] = string;
    value result = make_string(vm, length + extra, 0);
    uint32_t *to = string_of(result)->chars;
    for (size_t i = 0; i < length; i++) {
        uint32_t c = string_of(string)->chars[i];
        if (expand && c == SHARP_S) {
            *to++ = map('s');
            *to++ = map('s');
        } else {
            *to++ = map(c);
        }
    }
    return result;
}

value string_foldcase(struct vm *vm, value string) {
    return map_case(vm, string, char_foldcase, true);
}

BUILTIN(upcase) {
    UNUSED;
    NEED(is_string, "string-upcase", "string", a[0]);
    return map_case(vm, a[0], char_upcase, true);
}

BUILTIN(downcase) {
    UNUSED;
    NEED(is_string, "string-downcase", "string", a[0]);
    value result = map_case(vm, a[0], char_downcase, false);
    /* A capital sigma at the end of a word. */
    const uint32_t *from = string_of(a[0])->chars;
    size_t length = length_of(a[0]);
    for (size_t i = 1; i < length; i++)
        if (from[i] == SIGMA && char_is_alphabetic(from[i - 1]) &&
            (i + 1 == length || !char_is_alphabetic(from[i + 1])))
            string_of(result)->chars[i] = FINAL_SIGMA;
    return result;
}

BUILTIN(foldcase) {
    UNUSED;
    NEED(is_string, "string-foldcase", "string", a[0]);
    return string_foldcase(vm, a[0]);
}

/* ---- Search -------------------------------------------------------------------------------- */

/* (string-search text pattern start): the first index at or after start, or #f. */
BUILTIN(string_search) {
    UNUSED;
    size_t start = 0;
    NEED(is_string, "string-search", "string", a[0]);
    NEED(is_string, "string-search", "string", a[1]);
    size_t length = length_of(a[0]), size = length_of(a[1]);
    if (count > 2 && !take_index(vm, "string-search", a[2], length + 1, &start))
        return RAISED;
    for (size_t i = start; i + size <= length; i++)
        if (!memcmp(string_of(a[0])->chars + i, string_of(a[1])->chars, size * sizeof(uint32_t)))
            return fixnum((int64_t)i);
    return FALSE;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

BUILTIN(utf8_to_string) {
    size_t from, to;
    NEED(is_bytevector, "utf8->string", "bytevector", a[0]);
    if (!take_range(vm, "utf8->string", count, a, 1, length_of(a[0]), &from, &to))
        return RAISED;
    return make_string_utf8(vm, (const char *)bytevector_of(a[0])->bytes + from, to - from);
}

BUILTIN(string_to_utf8) {
    size_t from, to, bytes;
    NEED(is_string, "string->utf8", "string", a[0]);
    if (!take_range(vm, "string->utf8", count, a, 1, length_of(a[0]), &from, &to))
        return RAISED;
    a[0] = make_substring(vm, a[0], from, to);
    char *text = string_utf8(a[0], &bytes);
    value result = make_bytevector(vm, bytes);
    memcpy(bytevector_of(result)->bytes, text, bytes);
    free(text);
    return result;
}

/* ---- Symbols ------------------------------------------------------------------------------- */

BUILTIN(symbol_p) {
    UNUSED;
    return boolean(is_symbol(a[0]));
}

BUILTIN(symbol_to_string) {
    UNUSED;
    NEED(is_symbol, "symbol->string", "symbol", a[0]);
    return make_substring(vm, symbol_of(a[0])->name, 0, length_of(symbol_of(a[0])->name));
}

BUILTIN(string_to_symbol) {
    UNUSED;
    NEED(is_string, "string->symbol", "string", a[0]);
    return intern(vm, a[0]);
}

BUILTIN(symbols_equal_p) {
    for (int i = 0; i < count; i++)
        NEED(is_symbol, "symbol=?", "symbol", a[i]);
    for (int i = 1; i < count; i++)
        if (a[i] != a[0])
            return FALSE;
    return TRUE;
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
        {"string=?", equal, 1, -1},
        {"string<?", less, 1, -1},
        {"string>?", greater, 1, -1},
        {"string<=?", less_equal, 1, -1},
        {"string>=?", greater_equal, 1, -1},
        {"string-ci=?", equal_ci, 1, -1},
        {"string-ci<?", less_ci, 1, -1},
        {"string-ci>?", greater_ci, 1, -1},
        {"string-ci<=?", less_equal_ci, 1, -1},
        {"string-ci>=?", greater_equal_ci, 1, -1},
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
    };
    DEFINE_BUILTINS(vm, entries);
}

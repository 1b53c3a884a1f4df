/* SPDX-License-Identifier: MIT */
/*
 * Characters. Classes and simple case mappings are the C library's for Unicode.
 */
#include "character.h"

#include <locale.h>
#include <wctype.h>

#define BUILTIN(name) static value name(struct vm *vm, int count, value *a)
#define UNUSED (void)vm, (void)count

static locale_t unicode;

uint32_t char_upcase(uint32_t c) { return (uint32_t)towupper_l((wint_t)c, unicode); }
uint32_t char_downcase(uint32_t c) { return (uint32_t)towlower_l((wint_t)c, unicode); }

uint32_t char_foldcase(uint32_t c) {
    if (c == 0x3c2) /* final sigma */
        return 0x3c3;
    return c == 0x130 || c == 0x131 ? c : char_downcase(char_upcase(c));
}

bool char_is_alphabetic(uint32_t c) { return iswalpha_l((wint_t)c, unicode); }

static bool is_whitespace(uint32_t c) {
    return iswspace_l((wint_t)c, unicode) || c == 0xa0 || c == 0x2007 || c == 0x202f;
}

/* The first digits of Unicode's decimal number ranges; each has ten. */
static const uint32_t zeros[] = {0x30,  0x660, 0x6f0,  0x7c0,  0x966,  0x9e6,  0xa66,
                                 0xae6, 0xb66, 0xbe6,  0xc66,  0xce6,  0xd66,  0xe50,
                                 0xed0, 0xf20, 0x1040, 0x17e0, 0x1810, 0xff10, 0x1d7ce};

static int digit_of(uint32_t c) {
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        if (c >= zeros[i] && c < zeros[i] + 10)
            return (int)(c - zeros[i]);
    return -1;
}

static value need(struct vm *vm, const char *who, int count, const value *a) {
    for (int i = 0; i < count; i++)
        if (!is_character(a[i]))
            return raise_type(vm, who, "character", a[i]);
    return TRUE;
}

#define CHARACTER(name, who, expression)                                                           \
    BUILTIN(name) {                                                                                \
        if (!need(vm, who, count, a))                                                              \
            return RAISED;                                                                         \
        uint32_t c = character_code(a[0]);                                                         \
        return expression;                                                                         \
    }
CHARACTER(upcase, "char-upcase", character(char_upcase(c)))
CHARACTER(downcase, "char-downcase", character(char_downcase(c)))
CHARACTER(foldcase, "char-foldcase", character(char_foldcase(c)))
CHARACTER(alphabetic_p, "char-alphabetic?", boolean(char_is_alphabetic(c)))
CHARACTER(numeric_p, "char-numeric?", boolean(digit_of(c) >= 0))
CHARACTER(whitespace_p, "char-whitespace?", boolean(is_whitespace(c)))
CHARACTER(upper_case_p, "char-upper-case?", boolean(iswupper_l((wint_t)c, unicode)))
CHARACTER(lower_case_p, "char-lower-case?", boolean(iswlower_l((wint_t)c, unicode)))
CHARACTER(digit_value, "digit-value", digit_of(c) < 0 ? FALSE : fixnum(digit_of(c)))
CHARACTER(to_integer, "char->integer", fixnum(c))

BUILTIN(character_p) {
    UNUSED;
    return boolean(is_character(a[0]));
}

BUILTIN(from_integer) {
    UNUSED;
    int64_t code = is_fixnum(a[0]) ? fixnum_value(a[0]) : -1;
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return raise_type(vm, "integer->char", "character's number", a[0]);
    return character((uint32_t)code);
}

static uint32_t same(uint32_t c) { return c; }

static value compare(struct vm *vm, const char *who, int count, value *a, int least, int most,
                     uint32_t (*fold)(uint32_t)) {
    if (!need(vm, who, count, a))
        return RAISED;
    for (int i = 0; i + 1 < count; i++) {
        uint32_t x = fold(character_code(a[i])), y = fold(character_code(a[i + 1]));
        int order = (x > y) - (x < y);
        if (order < least || order > most)
            return FALSE;
    }
    return TRUE;
}

/* Each pair of neighbours is ordered between least and most. */
#define COMPARISON(name, symbol, least, most)                                                      \
    BUILTIN(name) { return compare(vm, "char" symbol "?", count, a, least, most, same); }          \
    BUILTIN(name##_ci) {                                                                           \
        return compare(vm, "char-ci" symbol "?", count, a, least, most, char_foldcase);            \
    }
COMPARISON(equal, "=", 0, 0)
COMPARISON(less, "<", -1, -1)
COMPARISON(greater, ">", 1, 1)
COMPARISON(less_equal, "<=", -1, 0)
COMPARISON(greater_equal, ">=", 0, 1)

void builtin_characters_init(struct vm *vm) {
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!unicode)
        unicode = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    static const struct builtin_entry entries[] = {
        {"char?", character_p, 1, 1},
        {"char->integer", to_integer, 1, 1},
        {"integer->char", from_integer, 1, 1},
        {"char-upcase", upcase, 1, 1},
        {"char-downcase", downcase, 1, 1},
        {"char-foldcase", foldcase, 1, 1},
        {"char-alphabetic?", alphabetic_p, 1, 1},
        {"char-numeric?", numeric_p, 1, 1},
        {"char-whitespace?", whitespace_p, 1, 1},
        {"char-upper-case?", upper_case_p, 1, 1},
        {"char-lower-case?", lower_case_p, 1, 1},
        {"digit-value", digit_value, 1, 1},
        {"char=?", equal, 1, -1},
        {"char<?", less, 1, -1},
        {"char>?", greater, 1, -1},
        {"char<=?", less_equal, 1, -1},
        {"char>=?", greater_equal, 1, -1},
        {"char-ci=?", equal_ci, 1, -1},
        {"char-ci<?", less_ci, 1, -1},
        {"char-ci>?", greater_ci, 1, -1},
        {"char-ci<=?", less_equal_ci, 1, -1},
        {"char-ci>=?", greater_equal_ci, 1, -1},
    };
    DEFINE_BUILTINS(vm, entries);
}

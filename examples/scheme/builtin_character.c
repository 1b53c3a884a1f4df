/* SPDX-License-Identifier: MIT */
/*
 * Procedures on characters.
 */
#include "builtin.h"
#include "character.h"

PREDICATE(character_p, is_character(a[0]))

/* A procedure of one character, c. */
#define CHARACTER(name, who, expression)                                                           \
    BUILTIN(name) {                                                                                \
        NEED(is_character, who, "character", a[0]);                                                \
        uint32_t c = character_code(a[0]);                                                         \
        return expression;                                                                         \
    }
CHARACTER(upcase, "char-upcase", character(char_upcase(c)))
CHARACTER(downcase, "char-downcase", character(char_downcase(c)))
CHARACTER(foldcase, "char-foldcase", character(char_foldcase(c)))
CHARACTER(alphabetic_p, "char-alphabetic?", boolean(char_is_alphabetic(c)))
CHARACTER(numeric_p, "char-numeric?", boolean(char_digit(c) >= 0))
CHARACTER(whitespace_p, "char-whitespace?", boolean(char_is_whitespace(c)))
CHARACTER(upper_case_p, "char-upper-case?", boolean(char_is_upper_case(c)))
CHARACTER(lower_case_p, "char-lower-case?", boolean(char_is_lower_case(c)))
CHARACTER(digit_value, "digit-value", char_digit(c) < 0 ? FALSE : fixnum(char_digit(c)))
CHARACTER(to_integer, "char->integer", fixnum(c))

BUILTIN(from_integer) {
    int64_t code = is_fixnum(a[0]) ? fixnum_value(a[0]) : -1;
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return raise_type(vm, "integer->char", "character's number", a[0]);
    return character((uint32_t)code);
}

static int order(uint32_t x, uint32_t y) { return (x > y) - (x < y); }

static int compare(value a, value b) { return order(character_code(a), character_code(b)); }
COMPARISONS(char, is_character, "character", "char", compare)

static int compare_ci(value a, value b) {
    return order(char_foldcase(character_code(a)), char_foldcase(character_code(b)));
}
COMPARISONS(char_ci, is_character, "character", "char-ci", compare_ci)

void builtin_characters_init(struct vm *vm) {
    characters_init();
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
        COMPARISON_ENTRIES(char, "char"),
        COMPARISON_ENTRIES(char_ci, "char-ci"),
    };
    DEFINE_BUILTINS(vm, entries);
}

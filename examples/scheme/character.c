/* SPDX-License-Identifier: MIT */
/*
 * Characters: Unicode's classes and case mappings.
 *
 * Classes and the mappings of one character to one are the C library's. What it lacks is here: the
 * decimal digits, and the mappings of one character to several, which strings need (Unicode 14:
 * SpecialCasing.txt without its conditions, CaseFolding.txt with status F).
 */
#include "character.h"

#include <locale.h>
#include <wctype.h>

static locale_t unicode;

void characters_init(void) {
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!unicode)
        unicode = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
}

/* ---- Classes ------------------------------------------------------------------------------- */

/* The first digits of the decimal number ranges; each has ten. */
static const uint32_t zeros[] = {
    0x30,    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,
    0xc66,   0xce6,   0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,
    0x1810,  0x1946,  0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,
    0xa8d0,  0xa900,  0xa9d0,  0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0,
    0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0};

int char_digit(uint32_t c) {
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros && c >= zeros[i]; i++)
        if (c < zeros[i] + 10)
            return (int)(c - zeros[i]);
    return -1;
}

bool char_is_alphabetic(uint32_t c) { return iswalpha_l((wint_t)c, unicode) && char_digit(c) < 0; }

bool char_is_whitespace(uint32_t c) {
    return iswspace_l((wint_t)c, unicode) || c == 0x85 || c == 0xa0 || c == 0x2007 || c == 0x202f;
}

bool char_is_upper_case(uint32_t c) { return iswupper_l((wint_t)c, unicode); }
bool char_is_lower_case(uint32_t c) { return iswlower_l((wint_t)c, unicode); }

/* ---- One to one ---------------------------------------------------------------------------- */

#define FINAL_SIGMA 0x3c2
#define SMALL_SIGMA 0x3c3
#define CAPITAL_I_WITH_DOT 0x130
#define SMALL_DOTLESS_I 0x131
#define CAPITAL_SHARP_S 0x1e9e
#define DOT_ABOVE 0x307

uint32_t char_upcase(uint32_t c) { return (uint32_t)towupper_l((wint_t)c, unicode); }
uint32_t char_downcase(uint32_t c) { return (uint32_t)towlower_l((wint_t)c, unicode); }

uint32_t char_foldcase(uint32_t c) {
    if (c == FINAL_SIGMA)
        return SMALL_SIGMA;
    if (c == CAPITAL_I_WITH_DOT || c == SMALL_DOTLESS_I)
        return c;
    uint32_t capital = char_upcase(c);
    bool is_cherokee = capital >= 0x13a0 && capital <= 0x13f5; /* folds to capitals */
    return is_cherokee ? capital : char_downcase(capital);
}

/* ---- One to many --------------------------------------------------------------------------- */

struct expansion {
    uint32_t character;
    uint32_t capitals[CASE_MOST]; /* up to a 0 */
};

/* By character. What each folds to is its capitals in lower case. */
static const struct expansion expansions[] = {{0xdf, {0x53, 0x53}},
                                              {0x149, {0x2bc, 0x4e}},
                                              {0x1f0, {0x4a, 0x30c}},
                                              {0x390, {0x399, 0x308, 0x301}},
                                              {0x3b0, {0x3a5, 0x308, 0x301}},
                                              {0x587, {0x535, 0x552}},
                                              {0x1e96, {0x48, 0x331}},
                                              {0x1e97, {0x54, 0x308}},
                                              {0x1e98, {0x57, 0x30a}},
                                              {0x1e99, {0x59, 0x30a}},
                                              {0x1e9a, {0x41, 0x2be}},
                                              {0x1f50, {0x3a5, 0x313}},
                                              {0x1f52, {0x3a5, 0x313, 0x300}},
                                              {0x1f54, {0x3a5, 0x313, 0x301}},
                                              {0x1f56, {0x3a5, 0x313, 0x342}},
                                              {0x1f80, {0x1f08, 0x399}},
                                              {0x1f81, {0x1f09, 0x399}},
                                              {0x1f82, {0x1f0a, 0x399}},
                                              {0x1f83, {0x1f0b, 0x399}},
                                              {0x1f84, {0x1f0c, 0x399}},
                                              {0x1f85, {0x1f0d, 0x399}},
                                              {0x1f86, {0x1f0e, 0x399}},
                                              {0x1f87, {0x1f0f, 0x399}},
                                              {0x1f88, {0x1f08, 0x399}},
                                              {0x1f89, {0x1f09, 0x399}},
                                              {0x1f8a, {0x1f0a, 0x399}},
                                              {0x1f8b, {0x1f0b, 0x399}},
                                              {0x1f8c, {0x1f0c, 0x399}},
                                              {0x1f8d, {0x1f0d, 0x399}},
                                              {0x1f8e, {0x1f0e, 0x399}},
                                              {0x1f8f, {0x1f0f, 0x399}},
                                              {0x1f90, {0x1f28, 0x399}},
                                              {0x1f91, {0x1f29, 0x399}},
                                              {0x1f92, {0x1f2a, 0x399}},
                                              {0x1f93, {0x1f2b, 0x399}},
                                              {0x1f94, {0x1f2c, 0x399}},
                                              {0x1f95, {0x1f2d, 0x399}},
                                              {0x1f96, {0x1f2e, 0x399}},
                                              {0x1f97, {0x1f2f, 0x399}},
                                              {0x1f98, {0x1f28, 0x399}},
                                              {0x1f99, {0x1f29, 0x399}},
                                              {0x1f9a, {0x1f2a, 0x399}},
                                              {0x1f9b, {0x1f2b, 0x399}},
                                              {0x1f9c, {0x1f2c, 0x399}},
                                              {0x1f9d, {0x1f2d, 0x399}},
                                              {0x1f9e, {0x1f2e, 0x399}},
                                              {0x1f9f, {0x1f2f, 0x399}},
                                              {0x1fa0, {0x1f68, 0x399}},
                                              {0x1fa1, {0x1f69, 0x399}},
                                              {0x1fa2, {0x1f6a, 0x399}},
                                              {0x1fa3, {0x1f6b, 0x399}},
                                              {0x1fa4, {0x1f6c, 0x399}},
                                              {0x1fa5, {0x1f6d, 0x399}},
                                              {0x1fa6, {0x1f6e, 0x399}},
                                              {0x1fa7, {0x1f6f, 0x399}},
                                              {0x1fa8, {0x1f68, 0x399}},
                                              {0x1fa9, {0x1f69, 0x399}},
                                              {0x1faa, {0x1f6a, 0x399}},
                                              {0x1fab, {0x1f6b, 0x399}},
                                              {0x1fac, {0x1f6c, 0x399}},
                                              {0x1fad, {0x1f6d, 0x399}},
                                              {0x1fae, {0x1f6e, 0x399}},
                                              {0x1faf, {0x1f6f, 0x399}},
                                              {0x1fb2, {0x1fba, 0x399}},
                                              {0x1fb3, {0x391, 0x399}},
                                              {0x1fb4, {0x386, 0x399}},
                                              {0x1fb6, {0x391, 0x342}},
                                              {0x1fb7, {0x391, 0x342, 0x399}},
                                              {0x1fbc, {0x391, 0x399}},
                                              {0x1fc2, {0x1fca, 0x399}},
                                              {0x1fc3, {0x397, 0x399}},
                                              {0x1fc4, {0x389, 0x399}},
                                              {0x1fc6, {0x397, 0x342}},
                                              {0x1fc7, {0x397, 0x342, 0x399}},
                                              {0x1fcc, {0x397, 0x399}},
                                              {0x1fd2, {0x399, 0x308, 0x300}},
                                              {0x1fd3, {0x399, 0x308, 0x301}},
                                              {0x1fd6, {0x399, 0x342}},
                                              {0x1fd7, {0x399, 0x308, 0x342}},
                                              {0x1fe2, {0x3a5, 0x308, 0x300}},
                                              {0x1fe3, {0x3a5, 0x308, 0x301}},
                                              {0x1fe4, {0x3a1, 0x313}},
                                              {0x1fe6, {0x3a5, 0x342}},
                                              {0x1fe7, {0x3a5, 0x308, 0x342}},
                                              {0x1ff2, {0x1ffa, 0x399}},
                                              {0x1ff3, {0x3a9, 0x399}},
                                              {0x1ff4, {0x38f, 0x399}},
                                              {0x1ff6, {0x3a9, 0x342}},
                                              {0x1ff7, {0x3a9, 0x342, 0x399}},
                                              {0x1ffc, {0x3a9, 0x399}},
                                              {0xfb00, {0x46, 0x46}},
                                              {0xfb01, {0x46, 0x49}},
                                              {0xfb02, {0x46, 0x4c}},
                                              {0xfb03, {0x46, 0x46, 0x49}},
                                              {0xfb04, {0x46, 0x46, 0x4c}},
                                              {0xfb05, {0x53, 0x54}},
                                              {0xfb06, {0x53, 0x54}},
                                              {0xfb13, {0x544, 0x546}},
                                              {0xfb14, {0x544, 0x535}},
                                              {0xfb15, {0x544, 0x53b}},
                                              {0xfb16, {0x54e, 0x546}},
                                              {0xfb17, {0x544, 0x53d}}};

static int compare_expansions(const void *a, const void *b) {
    uint32_t x = ((const struct expansion *)a)->character;
    uint32_t y = ((const struct expansion *)b)->character;
    return (x > y) - (x < y);
}

/* Put the capitals of c into to[]. @return how many; 0: c is no special case */
static int expand(uint32_t c, uint32_t *to) {
    if (c < expansions[0].character)
        return 0;
    struct expansion key = {.character = c};
    const struct expansion *found =
        bsearch(&key, expansions, sizeof expansions / sizeof *expansions, sizeof *expansions,
                compare_expansions);
    int count = 0;
    while (found && count < CASE_MOST && found->capitals[count]) {
        to[count] = found->capitals[count];
        count++;
    }
    return count;
}

int char_upcase_full(uint32_t c, uint32_t *to) {
    int count = expand(c, to);
    if (!count)
        to[count++] = char_upcase(c);
    return count;
}

int char_downcase_full(uint32_t c, uint32_t *to) {
    to[0] = char_downcase(c);
    to[1] = DOT_ABOVE;
    return c == CAPITAL_I_WITH_DOT ? 2 : 1;
}

int char_foldcase_full(uint32_t c, uint32_t *to) {
    if (c == CAPITAL_I_WITH_DOT)
        return char_downcase_full(c, to);
    if (c == CAPITAL_SHARP_S) {
        to[0] = to[1] = 's';
        return 2;
    }
    int count = expand(c, to);
    for (int i = 0; i < count; i++)
        to[i] = char_downcase(to[i]);
    if (!count)
        to[count++] = char_foldcase(c);
    return count;
}

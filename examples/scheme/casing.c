/* SPDX-License-Identifier: MIT */
/*
 * Strings in upper, lower and folded case.
 */
#include "character.h"

#define CAPITAL_SIGMA 0x3a3
#define FINAL_SIGMA 0x3c2

typedef int (*case_mapping)(uint32_t c, uint32_t *to);

static value map_case(struct vm *vm, value string, case_mapping map) {
    uint32_t mapped[CASE_MOST];
    size_t length = length_of(string), total = 0;
    for (size_t i = 0; i < length; i++)
        total += (size_t)map(string_of(string)->chars[i], mapped);
    vm->made[1] = string;
    value result = make_string(vm, total, 0);
    uint32_t *to = string_of(result)->chars;
    for (size_t i = 0; i < length; i++) {
        int count = map(string_of(string)->chars[i], mapped);
        for (int k = 0; k < count; k++)
            *to++ = mapped[k];
    }
    return result;
}

value string_upcase(struct vm *vm, value string) { return map_case(vm, string, char_upcase_full); }

value string_foldcase(struct vm *vm, value string) {
    return map_case(vm, string, char_foldcase_full);
}

/* A capital sigma that ends a word has a small form of its own. */
value string_downcase(struct vm *vm, value string) {
    value result = map_case(vm, string, char_downcase_full);
    const uint32_t *from = string_of(string)->chars;
    uint32_t *to = string_of(result)->chars, mapped[CASE_MOST];
    size_t length = length_of(string);
    for (size_t i = 0; i < length; to += char_downcase_full(from[i], mapped), i++)
        if (from[i] == CAPITAL_SIGMA && i && char_is_alphabetic(from[i - 1]) &&
            (i + 1 == length || !char_is_alphabetic(from[i + 1])))
            *to = FINAL_SIGMA;
    return result;
}

/* ---- Folded, character by character -------------------------------------------------------- */

struct folding {
    value string;
    size_t index; /* of the next character that is to be folded */
    uint32_t folded[CASE_MOST];
    int count, used; /* of folded */
};

/* @return false at the end */
static bool next_folded(struct folding *f, uint32_t *c) {
    if (f->used == f->count) {
        if (f->index == length_of(f->string))
            return false;
        f->count = char_foldcase_full(string_of(f->string)->chars[f->index++], f->folded);
        f->used = 0;
    }
    *c = f->folded[f->used++];
    return true;
}

int string_compare_ci(value a, value b) {
    struct folding f = {.string = a}, g = {.string = b};
    for (;;) {
        uint32_t x, y;
        bool more = next_folded(&f, &x), others = next_folded(&g, &y);
        if (!more || !others)
            return more - others;
        if (x != y)
            return x < y ? -1 : 1;
    }
}

uint64_t string_hash_ci(value string) {
    struct folding f = {.string = string};
    uint64_t hash = STRING_HASH_START;
    for (uint32_t c; next_folded(&f, &c);)
        hash = string_hash_step(hash, c);
    return string_hash_end(hash);
}

/* SPDX-License-Identifier: MIT */
/*
 * Unicode's classes and case mappings, of characters (character.c) and strings (casing.c).
 */
#ifndef SCHEME_CHARACTER_H
#define SCHEME_CHARACTER_H

#include "vm.h"

void characters_init(void);

bool char_is_alphabetic(uint32_t c);
bool char_is_whitespace(uint32_t c);
bool char_is_upper_case(uint32_t c);
bool char_is_lower_case(uint32_t c);
int char_digit(uint32_t c); /* what a decimal digit is worth; -1: it is none */

uint32_t char_upcase(uint32_t c);
uint32_t char_downcase(uint32_t c);
uint32_t char_foldcase(uint32_t c);

/* The same as strings have it, where a character may become several: to has room for CASE_MOST.
 * @return how many */
#define CASE_MOST 3
int char_upcase_full(uint32_t c, uint32_t *to);
int char_downcase_full(uint32_t c, uint32_t *to);
int char_foldcase_full(uint32_t c, uint32_t *to);

value string_upcase(struct vm *vm, value string);
value string_downcase(struct vm *vm, value string);
value string_foldcase(struct vm *vm, value string);

/* As string_compare and string_hash of the folded strings, without making these. */
int string_compare_ci(value a, value b);
uint64_t string_hash_ci(value string);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Case of characters and strings: builtin_character.c, builtin_string.c.
 */
#ifndef SCHEME_CHARACTER_H
#define SCHEME_CHARACTER_H

#include "vm.h"

uint32_t char_upcase(uint32_t c);
uint32_t char_downcase(uint32_t c);
uint32_t char_foldcase(uint32_t c);
bool char_is_alphabetic(uint32_t c);

value string_foldcase(struct vm *vm, value string);
bool string_equal_ci(value a, value b);

#endif

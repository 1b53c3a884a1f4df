/* SPDX-License-Identifier: MIT */
/*
 * Numbers: fixnums, bignums and ratios (exact), flonums. No complex numbers.
 *
 * Every function that takes a vm may allocate: the caller holds its arguments in roots. What is
 * not a number, or has no result, is raised in the name of `who`.
 */
#ifndef SCHEME_NUMBER_H
#define SCHEME_NUMBER_H

#include "vm.h"

/* ---- number.c ------------------------------------------------------------------------------ */

enum arithmetic { ADD, SUBTRACT, MULTIPLY, DIVIDE };

bool is_number(value v);
bool is_exact(value v);         /* of a number */
bool is_exact_integer(value v); /* of any value */
bool is_integer(value v);       /* of any value: integral flonums too */
bool is_rational(value v);

value number_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b);

/** @return -1, 0, 1; 2: one is not a number (NaN); 3: raised */
int number_compare(struct vm *vm, const char *who, value a, value b);

int number_sign(value v); /* of a real number; NaN: 0 */
double number_double(value v);
value number_exact(struct vm *vm, const char *who, value v);
value number_inexact(struct vm *vm, value v);

enum rounding { ROUND_FLOOR, ROUND_CEILING, ROUND_TRUNCATE, ROUND_EVEN };
value number_round(struct vm *vm, enum rounding rounding, value v);

/* Integer division; flonums with integral values count as integers. */
enum division { QUOTIENT, REMAINDER, FLOOR_QUOTIENT, MODULO };
value number_divide(struct vm *vm, const char *who, enum division division, value a, value b);

value number_expt(struct vm *vm, value base, value exponent);
value number_sqrt(struct vm *vm, value v);

/* ---- integer.c: exact integers, by GMP ----------------------------------------------------- */

value integer_from_int64(struct vm *vm, int64_t n);
value integer_from_double(struct vm *vm, double d); /* d is integral */
value integer_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b);
value integer_divide(struct vm *vm, enum division division, value a, value b); /* b is not 0 */
int integer_compare(value a, value b);
int integer_sign(value v);
bool integer_is_odd(value v);
value integer_gcd(struct vm *vm, value a, value b);
value integer_power(struct vm *vm, value base, uint64_t exponent); /* RAISED: too large */
value integer_root(struct vm *vm, value n, value *rest);           /* floor of the square root */
double integer_double(value v);
double integer_ratio_double(struct vm *vm, value numerator, value denominator);
value integer_shift(struct vm *vm, value n, int64_t left);
enum bitwise { BITWISE_AND, BITWISE_OR, BITWISE_XOR };
value integer_bitwise(struct vm *vm, enum bitwise operation, value a, value b);
uint64_t integer_bit_count(value v);
uint64_t integer_length(value v);
value integer_parse(struct vm *vm, const char *digits, int radix); /* digits only, sign allowed */
char *integer_text(value v, int radix);                            /* malloc'ed */

/** numerator / denominator in lowest terms; the denominator is not 0. */
value make_ratio(struct vm *vm, value numerator, value denominator);

/* ---- number_text.c ------------------------------------------------------------------------- */

/** @return the number, or FALSE when the text is none. */
value number_parse(struct vm *vm, const char *text, int radix);
char *number_text(value v, int radix); /* malloc'ed */

#endif

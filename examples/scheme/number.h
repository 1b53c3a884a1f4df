/* SPDX-License-Identifier: MIT */
/*
 * Numbers: fixnums, bignums and ratios (exact), flonums, and complex numbers of two of these. The
 * parts of a complex number are both exact or both flonums; one whose imaginary part is exact 0 is
 * a real number, and never made.
 *
 * No precision is lost between the classes: comparison is exact, an exact number becomes the
 * nearest flonum (ties to even, subnormal ones too), and where it lies beyond a flonum's range what
 * is asked is computed from the exact number.
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
bool is_real(value v);          /* of any value */
bool is_exact(value v);         /* of a number */
bool is_exact_integer(value v); /* of any value */
bool is_integer(value v);       /* of any value: integral flonums too */
bool is_rational(value v);
bool number_is_zero(value v); /* of a number */

value number_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b);
value number_negate(struct vm *vm, value v); /* -0.0 of 0.0, which 0 - v is not */

/** @return -1, 0, 1; 2: one is not a number (NaN); 3: raised. Complex numbers have no order: `who`
 * is "=", which only asks for 0, or they are raised. */
int number_compare(struct vm *vm, const char *who, value a, value b);

int number_sign(value v); /* of a real number; NaN: 0 */

/** The nearest double of a real number. */
double number_double(value v);
value number_exact(struct vm *vm, const char *who, value v);
value number_inexact(struct vm *vm, value v);

/** Is a real number a flonum or 0, or its double normal and finite? */
bool number_fits_double(value v);

/** The exponent of the power of two next to an exact real number; 0 has the least. */
int64_t number_exponent(value v);

/** An exact number × 2^exponent. */
value number_scale(struct vm *vm, value v, int64_t exponent);

value number_numerator(value v); /* of an exact real number */
value number_denominator(value v);

enum rounding { ROUND_FLOOR, ROUND_CEILING, ROUND_TRUNCATE, ROUND_EVEN };
value number_round(struct vm *vm, enum rounding rounding, value v);

/* Integer division; flonums with integral values count as integers. */
enum division { QUOTIENT, REMAINDER, FLOOR_QUOTIENT, MODULO };
value number_divide(struct vm *vm, const char *who, enum division division, value a, value b);

/* ---- number_complex.c ---------------------------------------------------------------------- */

/** Of any number, as C has it. */
double _Complex complex_double(value v);
double _Complex complex_of_parts(double real, double imaginary);

static inline bool is_complex(value v) { return has_type(v, TYPE_COMPLEX); }

value make_rectangular(struct vm *vm, value real, value imaginary);
value make_polar(struct vm *vm, value magnitude, value angle); /* RAISED: too large an angle */
value make_inexact_complex(struct vm *vm, double _Complex z);

/* Of any number; a real one has the imaginary part 0. */
value number_real_part(value v);
value number_imaginary_part(value v);
value number_magnitude(struct vm *vm, value v);
value number_magnitude_square(struct vm *vm, value v); /* of an exact number */
value number_angle(struct vm *vm, value v);

/** One at least is complex. */
value complex_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b);

/* ---- number_function.c: of any number ------------------------------------------------------ */

value number_exp(struct vm *vm, value v);
value number_log(struct vm *vm, value v);
value number_log_base(struct vm *vm, value v, value base);
value number_sin(struct vm *vm, value v);
value number_cos(struct vm *vm, value v);
value number_tan(struct vm *vm, value v);
value number_asin(struct vm *vm, value v);
value number_acos(struct vm *vm, value v);
value number_atan(struct vm *vm, value v);
value number_atan_of(struct vm *vm, value y, value x); /* real numbers */

/* ---- number_power.c: of any number --------------------------------------------------------- */

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
value integer_exact_root(struct vm *vm, value n, uint64_t degree); /* n >= 0; FALSE: it has none */
value integer_shift(struct vm *vm, value n, int64_t left);
enum bitwise { BITWISE_AND, BITWISE_OR, BITWISE_XOR };
value integer_bitwise(struct vm *vm, enum bitwise operation, value a, value b);
uint64_t integer_bit_count(value v);
uint64_t integer_length(value v);
value integer_parse(struct vm *vm, const char *digits, int radix); /* digits only, sign allowed */
char *integer_text(value v, int radix);                            /* malloc'ed */

/** An integer below `limit`, which is above 0, of which each is as likely. */
value integer_random(struct vm *vm, value limit, uint64_t (*next)(void *state), void *state);

/** numerator / denominator in lowest terms; the denominator is not 0. */
value make_ratio(struct vm *vm, value numerator, value denominator);

/* Results above this are computed no further: 2^32 bits. */
#define INTEGER_MOST_BITS ((uint64_t)1 << 32)

/* ---- integer_double.c: where exact numbers meet doubles ------------------------------------ */

/* Of numerator / denominator: rounded to the nearest double. The denominator is above 0. */
double integer_double(value v);
double integer_ratio_double(value numerator, value denominator);
double integer_root_double(value numerator, value denominator); /* its square root */

/** The natural logarithm of |numerator| / denominator, which is not 0. */
long double integer_log(value numerator, value denominator);

/** The sine of numerator / denominator + quarters × π/2; NAN: too large to be reduced by π. */
double integer_sine(value numerator, value denominator, int quarters);

/** Set a scratch number of GMP's to an exact integer. */
void integer_get(mpz_t number, value v);

/* ---- number_parse.c ------------------------------------------------------------------------ */

/** @return the number, or FALSE when the text is none. */
value number_parse(struct vm *vm, const char *text, int radix);

/* ---- number_text.c ------------------------------------------------------------------------- */

/** What number_parse reads as this very number. malloc'ed. */
char *number_text(value v, int radix);

/* From here on i is a digit. */
#define RADIX_WITH_I 19

#endif

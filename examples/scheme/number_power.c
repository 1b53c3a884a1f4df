/* SPDX-License-Identifier: MIT */
/*
 * Powers and roots: exact where the result is, else the nearest double or close to it, whatever the
 * size of what they are of.
 */
#include "number.h"

#include <complex.h>
#include <math.h>

/* Powers up to that are computed by multiplication when they are complex and inexact: their error
 * grows with the exponent, where that of a logarithm does not. Guess. */
#define MOST_MULTIPLICATIONS 1024

/* ---- Roots --------------------------------------------------------------------------------- */

static value exact_sqrt(struct vm *vm, value v) {
    if (is_fixnum(v) && fixnum_value(v) <= (int64_t)1 << 53) {
        double root = sqrt((double)fixnum_value(v));
        return floor(root) == root ? fixnum((int64_t)root) : make_flonum(vm, root);
    }
    value n = number_numerator(v), d = number_denominator(v);
    value live[3] = {v, 0, 0}, n_rest, d_rest;
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[1] = integer_root(vm, n, &n_rest);
    bool exact = n_rest == fixnum(0);
    live[2] = integer_root(vm, d, &d_rest);
    exact = exact && d_rest == fixnum(0);
    if (exact)
        live[1] = make_ratio(vm, live[1], live[2]);
    else
        live[1] = make_flonum(vm, integer_root_double(n, d));
    gait_pop_frame(vm->mutator);
    return live[1];
}

static value inexact_complex_sqrt(struct vm *vm, value v) {
    int64_t half = 0;
    if (is_exact(v)) {
        /* By a power of four, so that the larger part is a double in any case. */
        int64_t a = number_exponent(number_real_part(v));
        int64_t b = number_exponent(number_imaginary_part(v));
        half = (a > b ? a : b) / 2;
        v = number_scale(vm, v, -2 * half);
    }
    double complex root = csqrt(complex_double(v));
    double real = scalbln(creal(root), half), imaginary = scalbln(cimag(root), half);
    /* R7RS: a root whose real part is 0 has no negative imaginary part, below the cut either. */
    return make_inexact_complex(vm,
                                complex_of_parts(real, real == 0 ? fabs(imaginary) : imaginary));
}

/* (s + ti)² = v: s² = (|v| + real part) / 2, t = imaginary part / 2s. */
static value complex_sqrt(struct vm *vm, value v) {
    if (!is_exact(v))
        return inexact_complex_sqrt(vm, v);
    value live[3] = {v, 0, 0}, result = 0;
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[1] = number_magnitude(vm, v);
    if (is_exact(live[1])) {
        live[1] = number_arithmetic(vm, ADD, live[1], number_real_part(v));
        live[1] = number_arithmetic(vm, DIVIDE, live[1], fixnum(2));
        live[1] = number_sqrt(vm, live[1]);
        if (is_exact(live[1])) {
            live[2] = number_arithmetic(vm, MULTIPLY, live[1], fixnum(2));
            live[2] = number_arithmetic(vm, DIVIDE, number_imaginary_part(v), live[2]);
            result = make_rectangular(vm, live[1], live[2]);
        }
    }
    gait_pop_frame(vm->mutator);
    return result ? result : inexact_complex_sqrt(vm, v);
}

value number_sqrt(struct vm *vm, value v) {
    if (is_complex(v))
        return complex_sqrt(vm, v);
    if (is_flonum(v)) {
        double d = flonum_value(v);
        return d < 0 ? make_inexact_complex(vm, complex_of_parts(0, sqrt(-d)))
                     : make_flonum(vm, sqrt(d));
    }
    if (number_sign(v) >= 0)
        return exact_sqrt(vm, v);
    value live[1] = {number_negate(vm, v)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    live[0] = exact_sqrt(vm, live[0]);
    live[0] = make_rectangular(vm, fixnum(0), live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

/* ---- Powers -------------------------------------------------------------------------------- */

static value exact_real_power(struct vm *vm, value base, value exponent) {
    bool invert = integer_sign(exponent) < 0;
    if (invert && base == fixnum(0))
        return raise_error(vm, "expt", "division by zero", 0);
    uint64_t power;
    if (is_fixnum(exponent))
        power = (uint64_t)llabs(fixnum_value(exponent));
    else /* only 0, 1 and -1 have a result, and parity is all that matters */
        power = UINT64_MAX - !integer_is_odd(exponent);
    value live[3] = {base, 0, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    value result = RAISED;
    if ((live[1] = integer_power(vm, number_numerator(base), power)) &&
        (live[2] = integer_power(vm, number_denominator(base), power)))
        result = invert ? make_ratio(vm, live[2], live[1]) : make_ratio(vm, live[1], live[2]);
    gait_pop_frame(vm->mutator);
    return result;
}

/* Bits of the longest integer in an exact complex number. */
static uint64_t longest_part(value v) {
    value parts[2] = {number_real_part(v), number_imaginary_part(v)};
    uint64_t most = 1;
    for (int i = 0; i < 2; i++) {
        uint64_t n = integer_length(number_numerator(parts[i]));
        uint64_t d = integer_length(number_denominator(parts[i]));
        most = n > most ? n : most;
        most = d > most ? d : most;
    }
    return most;
}

/* By squaring. */
static value multiplied(struct vm *vm, value base, int64_t exponent) {
    value live[2] = {base, fixnum(1)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    for (uint64_t left = (uint64_t)llabs(exponent); left; left >>= 1) {
        if (left & 1)
            live[1] = number_arithmetic(vm, MULTIPLY, live[1], live[0]);
        if (left > 1)
            live[0] = number_arithmetic(vm, MULTIPLY, live[0], live[0]);
    }
    if (exponent < 0)
        live[1] = number_arithmetic(vm, DIVIDE, fixnum(1), live[1]);
    gait_pop_frame(vm->mutator);
    return live[1];
}

/* (bi)^n, exact: b^n and one of 1, i, -1, -i. */
static value imaginary_power(struct vm *vm, value base, value exponent) {
    value live[2] = {base, exact_real_power(vm, number_imaginary_part(base), exponent)};
    if (!live[1])
        return RAISED;
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    int64_t turns = fixnum_value(integer_divide(vm, MODULO, exponent, fixnum(4)));
    if (turns >= 2)
        live[1] = number_negate(vm, live[1]);
    if (turns & 1)
        live[1] = make_rectangular(vm, fixnum(0), live[1]);
    gait_pop_frame(vm->mutator);
    return live[1];
}

/* exp (exponent × log base) */
static value general_power(struct vm *vm, value base, value exponent) {
    value live[2] = {exponent, number_log(vm, base)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = number_arithmetic(vm, MULTIPLY, exponent, live[1]);
    live[1] = number_exp(vm, live[1]);
    gait_pop_frame(vm->mutator);
    return live[1];
}

static value complex_power(struct vm *vm, value base, value exponent) {
    if (is_exact(base)) {
        if (number_real_part(base) == fixnum(0))
            return imaginary_power(vm, base, exponent);
        if (!is_fixnum(exponent) ||
            (uint64_t)llabs(fixnum_value(exponent)) > INTEGER_MOST_BITS / longest_part(base))
            return raise_error(vm, "expt", "result is too large", 0);
        return multiplied(vm, base, fixnum_value(exponent));
    }
    if (is_fixnum(exponent) && llabs(fixnum_value(exponent)) <= MOST_MULTIPLICATIONS)
        return multiplied(vm, base, fixnum_value(exponent));
    return general_power(vm, base, exponent);
}

/* |base|^exponent of real numbers, whatever their range. */
static double magnitude_power(value base, value exponent) {
    double y = number_double(exponent);
    if (number_fits_double(base))
        return pow(fabs(number_double(base)), y);
    long double log2 =
        (long double)y * integer_log(number_numerator(base), number_denominator(base)) / logl(2);
    if (!(fabsl(log2) < 2000))
        return (double)exp2l(log2);
    long double whole = floorl(log2);
    return ldexp((double)exp2l(log2 - whole), (int)whole);
}

static bool is_odd(value v) {
    return is_flonum(v) ? fabs(fmod(flonum_value(v), 2)) == 1 : integer_is_odd(v);
}

/* A negative base turns by half a turn for each whole of the exponent. */
static value real_power(struct vm *vm, value base, value exponent) {
    double magnitude = magnitude_power(base, exponent);
    bool negative = is_flonum(base) ? signbit(flonum_value(base)) : number_sign(base) < 0;
    if (!negative)
        return make_flonum(vm, magnitude);
    if (is_integer(exponent))
        return make_flonum(vm, is_odd(exponent) ? -magnitude : magnitude);
    double x = number_double(base), y = number_double(exponent);
    if (x == 0 || (is_flonum(base) && !isfinite(x)) || !isfinite(y))
        return make_flonum(vm, pow(x, y));
    double angle = M_PI * fmod(y, 2);
    return make_inexact_complex(vm,
                                complex_of_parts(magnitude * cos(angle), magnitude * sin(angle)));
}

/* 0 to a power that is no integer. */
static value zero_power(struct vm *vm, value base, value exponent) {
    bool exact = is_exact(base) && is_exact(exponent), real = !is_complex(exponent);
    if (real && !exact && !is_complex(base))
        return real_power(vm, base, exponent);
    if (number_sign(number_real_part(exponent)) > 0)
        return exact ? fixnum(0) : make_flonum(vm, 0);
    return raise_error(vm, "expt", real ? "division by zero" : "no such power of 0:", !real,
                       exponent);
}

/* An exact base that is not negative, to a ratio: exact if the root is. FALSE: it is not. */
static value root_power(struct vm *vm, value base, value exponent) {
    value degree = number_denominator(exponent);
    if (!is_fixnum(degree))
        return FALSE;
    uint64_t n = (uint64_t)fixnum_value(degree);
    value live[3] = {base, exponent, 0}, result = FALSE;
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[2] = integer_exact_root(vm, number_denominator(base), n);
    if (live[2] != FALSE) {
        live[0] = integer_exact_root(vm, number_numerator(base), n);
        if (live[0] != FALSE) {
            live[0] = make_ratio(vm, live[0], live[2]);
            result = exact_real_power(vm, live[0], number_numerator(exponent));
        }
    }
    gait_pop_frame(vm->mutator);
    return result;
}

static bool is_half(value v) {
    return number_numerator(v) == fixnum(1) && number_denominator(v) == fixnum(2);
}

value number_expt(struct vm *vm, value base, value exponent) {
    if (exponent == fixnum(0))
        return fixnum(1);
    if (is_exact_integer(exponent)) {
        if (is_complex(base))
            return complex_power(vm, base, exponent);
        return is_exact(base) ? exact_real_power(vm, base, exponent)
                              : real_power(vm, base, exponent);
    }
    if (number_is_zero(base))
        return zero_power(vm, base, exponent);
    if (is_half(exponent))
        return number_sqrt(vm, base);
    if (is_complex(base) || is_complex(exponent))
        return general_power(vm, base, exponent);
    if (is_exact(base) && is_exact(exponent) && number_sign(base) > 0) {
        value exact = root_power(vm, base, exponent);
        if (exact != FALSE)
            return exact;
    }
    return real_power(vm, base, exponent);
}

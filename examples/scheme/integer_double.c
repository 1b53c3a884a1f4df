/* SPDX-License-Identifier: MIT */
/*
 * Where exact numbers meet doubles: what is rounded is rounded once, from all bits, to the nearest
 * double, ties to even. Numbers of any size are scaled by powers of two before a double is made of
 * them, so that only a result can overflow.
 *
 * Nothing here allocates from the heap; GMP's scratch is malloc'ed and freed.
 */
#include "number.h"

#include <float.h>
#include <math.h>

/* The exponent of the lowest bit that a subnormal double has. */
#define LEAST_EXPONENT (DBL_MIN_EXP - DBL_MANT_DIG)
/* Bits that are computed of what is to be rounded: those of a double, one more, and some. */
#define WORKING_BITS 66
/* Larger angles are not reduced: π would be needed to more bits than that. */
#define MOST_ANGLE_BITS 100000

/* |number| × 2^exponent with its sign. `inexact`: more, below the lowest bit of the number, which
 * then has WORKING_BITS at least. */
static double round_scaled(mpz_srcptr number, bool inexact, long exponent) {
    if (!mpz_sgn(number))
        return 0;
    size_t bits = mpz_sizeinbase(number, 2), shift = bits > 64 ? bits - 64 : 0;
    /* The 64 bits at the top of the absolute value, which lie in two limbs. */
    mp_size_t limb = (mp_size_t)(shift / 64);
    uint64_t top = mpz_getlimbn(number, limb) >> shift % 64;
    if (shift % 64)
        top |= mpz_getlimbn(number, limb + 1) << (64 - shift % 64);
    uint64_t kept = top;
    inexact |= mpz_scan1(number, 0) < shift;
    exponent += (long)shift;
    long width = (long)(bits - shift), drop = width - DBL_MANT_DIG;
    if (drop < LEAST_EXPONENT - exponent)
        drop = LEAST_EXPONENT - exponent;
    double d = 0; /* below half of the least */
    if (drop <= 64) {
        if (drop > 0) {
            uint64_t half = (uint64_t)1 << (drop - 1),
                     rest = drop == 64 ? top : top & (2 * half - 1);
            kept = drop == 64 ? 0 : top >> drop;
            kept += rest > half || (rest == half && (inexact || kept & 1));
            exponent += drop;
        }
        d = exponent > DBL_MAX_EXP ? INFINITY : ldexp((double)kept, (int)exponent);
    }
    return mpz_sgn(number) < 0 ? -d : d;
}

double integer_double(value v) {
    if (is_fixnum(v))
        return (double)fixnum_value(v);
    mpz_t number;
    mp_size_t limbs = (mp_size_t)(length_of(v) >> 1);
    return round_scaled(
        mpz_roinit_n(number, bignum_of(v)->limbs, length_of(v) & 1 ? -limbs : limbs), false, 0);
}

/* The quotient of what is in q and d, as q × 2^exponent with so many bits or one more. The quotient
 * is even in its exponent, for roots. @return whether there is a rest. */
static bool scaled_quotient(mpz_t q, mpz_t d, long bits, long *exponent) {
    long shift = bits + (long)mpz_sizeinbase(d, 2) - (long)mpz_sizeinbase(q, 2);
    shift += shift & 1;
    if (shift >= 0)
        mpz_mul_2exp(q, q, (mp_bitcnt_t)shift);
    else
        mpz_mul_2exp(d, d, (mp_bitcnt_t)-shift);
    mpz_tdiv_qr(q, d, q, d);
    *exponent = -shift;
    return mpz_sgn(d) != 0;
}

/* What a function takes: two numbers, of which it may make what it likes. */
static double with_integers(value a, value b, double (*function)(mpz_t a, mpz_t b)) {
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    integer_get(x, a);
    integer_get(y, b);
    double d = function(x, y);
    mpz_clears(x, y, NULL);
    return d;
}

static double ratio_double(mpz_t n, mpz_t d) {
    long exponent;
    bool inexact = scaled_quotient(n, d, WORKING_BITS, &exponent);
    return round_scaled(n, inexact, exponent);
}

/* Does a double equal it? */
static bool is_double(value v) {
    return is_fixnum(v) && llabs(fixnum_value(v)) <= (int64_t)1 << DBL_MANT_DIG;
}

double integer_ratio_double(value numerator, value denominator) {
    if (is_double(numerator) && is_double(denominator)) /* the division rounds once */
        return (double)fixnum_value(numerator) / (double)fixnum_value(denominator);
    return with_integers(numerator, denominator, ratio_double);
}

static double root_double(mpz_t n, mpz_t d) {
    long exponent;
    bool inexact = scaled_quotient(n, d, 2 * WORKING_BITS, &exponent);
    mpz_sqrtrem(n, d, n);
    return round_scaled(n, inexact || mpz_sgn(d), exponent / 2);
}

double integer_root_double(value numerator, value denominator) {
    return with_integers(numerator, denominator, root_double);
}

/* ---- Logarithms ---------------------------------------------------------------------------- */

static long double scaled_log(mpz_t n, mpz_t d) {
    mpz_t q;
    mpz_init_set(q, n);
    mpz_sub(q, n, d);
    long double result;
    if (mpz_sgn(q) && mpz_sizeinbase(q, 2) + 1 < mpz_sizeinbase(d, 2)) {
        /* Near 1, where a double would have lost what the logarithm is made of. */
        result = log1pl((long double)ratio_double(q, d));
    } else {
        long exponent;
        mpz_set(q, n);
        scaled_quotient(q, d, WORKING_BITS, &exponent);
        size_t drop = mpz_sizeinbase(q, 2) - 64;
        mpz_tdiv_q_2exp(q, q, drop);
        exponent += (long)drop + 64;
        long double mantissa = ldexpl((long double)mpz_get_ui(q), -64); /* from 1/2 to 1 */
        result = logl(mantissa) + (long double)exponent * logl(2);
    }
    mpz_clear(q);
    return result;
}

long double integer_log(value numerator, value denominator) {
    mpz_t n, d;
    mpz_inits(n, d, NULL);
    integer_get(n, numerator);
    mpz_abs(n, n);
    integer_get(d, denominator);
    long double result = scaled_log(n, d);
    mpz_clears(n, d, NULL);
    return result;
}

/* ---- Angles -------------------------------------------------------------------------------- */

/* sum += factor × 2^bits × arctan(1/k) */
static void add_arctan(mpz_t sum, long factor, unsigned long k, mp_bitcnt_t bits) {
    mpz_t power, term;
    mpz_inits(power, term, NULL);
    mpz_set_si(power, factor);
    mpz_mul_2exp(power, power, bits);
    mpz_tdiv_q_ui(power, power, k);
    for (unsigned long i = 1; mpz_sgn(power); i += 2) {
        mpz_tdiv_q_ui(term, power, i);
        if (i & 2)
            mpz_sub(sum, sum, term);
        else
            mpz_add(sum, sum, term);
        mpz_tdiv_q_ui(power, power, k * k);
    }
    mpz_clears(power, term, NULL);
}

double integer_sine(value numerator, value denominator, int quarters) {
    mpz_t n, d, pi, turns;
    mpz_inits(n, d, pi, turns, NULL);
    integer_get(n, numerator);
    integer_get(d, denominator);
    double sine = NAN;
    mp_bitcnt_t size = mpz_sizeinbase(n, 2) - mpz_sizeinbase(d, 2) + 1; /* is not negative */
    if (size <= MOST_ANGLE_BITS) {
        /* As many bits of pi as the angle has, and enough to divide and to be near a multiple. */
        mp_bitcnt_t bits = size + 3 * WORKING_BITS;
        add_arctan(pi, 16, 5, bits); /* Machin's formula */
        add_arctan(pi, -4, 239, bits);
        mpz_mul_2exp(n, n, bits);
        mpz_fdiv_q(n, n, d);
        mpz_mul_si(d, pi, quarters);
        mpz_fdiv_q_2exp(d, d, 1);
        mpz_add(n, n, d);
        /* The nearest multiple of pi: half a turn changes the sign. */
        mpz_fdiv_q_2exp(d, pi, 1);
        mpz_add(n, n, d);
        mpz_fdiv_qr(turns, n, n, pi);
        mpz_sub(n, n, d);
        double near = round_scaled(n, false, -(long)bits);
        int exponent;
        mpz_set_d(d, ldexp(frexp(near, &exponent), DBL_MANT_DIG));
        mpz_mul_2exp(d, d, bits);
        mpz_tdiv_q_2exp(d, d, (mp_bitcnt_t)(DBL_MANT_DIG - exponent)); /* it is below 2 */
        mpz_sub(n, n, d);
        sine = (double)sinl((long double)near + round_scaled(n, false, -(long)bits));
        if (mpz_odd_p(turns))
            sine = -sine;
    }
    mpz_clears(n, d, pi, turns, NULL);
    return sine;
}

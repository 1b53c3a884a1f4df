/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text: what number_parse reads as the same number again.
 *
 * A flonum is written with the fewest digits that read back as it, in every radix. Large and small
 * ones have an exponent in radix 10 alone; in the others, where e may be a digit, all places are
 * written.
 */
#include "number.h"
#include "scratch.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

/* A double has no more digits than bits. */
#define MOST_FIGURES 64
/* In radix 10 all places are written of exponents between these. */
#define LEAST_EXPONENT (-5)
#define MOST_EXPONENT 21

/* The digits of d, and its exponent: d is 0.DIGITS × radix^exponent. */
struct figures {
    char digits[MOST_FIGURES];
    int count, exponent;
};

/*
 * The fewest digits within half the gap to the next double on each side, by Steele and White's
 * algorithm as Burger and Dybvig have it: d is r / s, the half gaps are above / s and below / s.
 * The gap below a power of two is half of that above. What lies half way is read as the even one.
 */
static void shortest_figures(double d, int radix, struct figures *figures) {
    int exponent;
    double fraction = frexp(d, &exponent);
    exponent -= DBL_MANT_DIG;
    if (exponent < DBL_MIN_EXP - DBL_MANT_DIG)
        exponent = DBL_MIN_EXP - DBL_MANT_DIG; /* subnormal */
    double mantissa = ldexp(d, -exponent);
    bool even = fmod(mantissa, 2) == 0;
    int narrow = fraction == 0.5 && exponent > DBL_MIN_EXP - DBL_MANT_DIG;

    mpz_t r, s, above, below, sum;
    mpz_inits(r, s, above, below, sum, NULL);
    mpz_set_d(r, mantissa);
    mpz_mul_2exp(r, r, (mp_bitcnt_t)(1 + narrow + (exponent > 0 ? exponent : 0)));
    mpz_setbit(s, (mp_bitcnt_t)(1 + narrow + (exponent < 0 ? -exponent : 0)));
    mpz_setbit(above, (mp_bitcnt_t)(narrow + (exponent > 0 ? exponent : 0)));
    mpz_setbit(below, (mp_bitcnt_t)(exponent > 0 ? exponent : 0));

    /* The exponent, or one less. */
    int scale = (int)ceil(log(d) / log(radix) - 1e-10);
    mpz_ui_pow_ui(sum, (unsigned long)radix, (unsigned long)abs(scale));
    if (scale >= 0) {
        mpz_mul(s, s, sum);
    } else {
        mpz_mul(r, r, sum);
        mpz_mul(above, above, sum);
        mpz_mul(below, below, sum);
    }
    mpz_add(sum, r, above);
    if (mpz_cmp(sum, s) >= !even) {
        scale++;
        mpz_mul_ui(s, s, (unsigned long)radix);
    }
    figures->exponent = scale;
    figures->count = 0;
    for (bool more = true; more && figures->count < MOST_FIGURES;) {
        mpz_mul_ui(r, r, (unsigned long)radix);
        mpz_mul_ui(above, above, (unsigned long)radix);
        mpz_mul_ui(below, below, (unsigned long)radix);
        mpz_tdiv_qr(sum, r, r, s);
        unsigned long digit = mpz_get_ui(sum);
        bool low = mpz_cmp(r, below) < even;
        mpz_add(sum, r, above);
        bool high = mpz_cmp(sum, s) >= !even;
        mpz_mul_2exp(sum, r, 1);
        int past_half = mpz_cmp(sum, s);
        if (high && (!low || past_half > 0 || (past_half == 0 && digit & 1)))
            digit++;
        more = !low && !high;
        figures->digits[figures->count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[digit];
    }
    mpz_clears(r, s, above, below, sum, NULL);
}

/* The same in radix 10 by the C library, which is quicker. It takes the nearest of as many digits,
 * which is not always within the gap if that is narrower on one side. */
static bool quick_figures(double d, struct figures *figures) {
    int exponent;
    if (frexp(d, &exponent) == 0.5)
        return false;
    char text[40];
    /* 15 digits always suffice to tell most numbers apart; subnormal ones have fewer. */
    int precision = d < 1e-300 ? 1 : 15;
    do
        snprintf(text, sizeof text, "%.*e", precision - 1, d);
    while (strtod(text, NULL) != d && precision++ < 17);
    char *exponent_mark = strchr(text, 'e');
    figures->exponent = atoi(exponent_mark + 1) + 1;
    figures->count = 0;
    for (char *c = text; c < exponent_mark; c++)
        if (isdigit((unsigned char)*c))
            figures->digits[figures->count++] = *c;
    while (figures->count > 1 && figures->digits[figures->count - 1] == '0')
        figures->count--;
    return true;
}

static char *flonum_text(double d, int radix) {
    if (isnan(d))
        return checked(strdup("+nan.0"));
    if (isinf(d))
        return checked(strdup(d > 0 ? "+inf.0" : "-inf.0"));
    struct figures figures = {.digits = "0", .count = 1, .exponent = 1};
    if (d != 0 && (radix != 10 || !quick_figures(fabs(d), &figures)))
        shortest_figures(fabs(d), radix, &figures);
    const char *digits = figures.digits;
    int count = figures.count, exponent = figures.exponent;
    const char *sign = signbit(d) ? "-" : "";
    size_t room = (size_t)(count + abs(exponent) + 16);
    char *text = checked(malloc(room));
    if (radix == 10 && (exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT))
        snprintf(text, room, "%s%c%s%.*se%d", sign, digits[0], count > 1 ? "." : "", count - 1,
                 digits + 1, exponent - 1);
    else if (exponent <= 0)
        snprintf(text, room, "%s0.%.*d%.*s", sign, -exponent, 0, count, digits);
    else if (count <= exponent)
        snprintf(text, room, "%s%.*s%.*d.0", sign, count, digits, exponent - count, 0);
    else
        snprintf(text, room, "%s%.*s.%.*s", sign, exponent, digits, count - exponent,
                 digits + exponent);
    /* Where letters are digits, a number may look like infinity. */
    char *body = text + strlen(sign);
    if (!strcmp(body, "inf.0") || !strcmp(body, "nan.0")) {
        memmove(body + 1, body, strlen(body) + 1);
        *body = '0';
    }
    return text;
}

/* Two texts with something between them and an end. Frees the texts. */
static char *join(char *first, const char *between, char *second, const char *end) {
    size_t room = strlen(first) + strlen(between) + strlen(second) + strlen(end) + 1;
    char *text = checked(malloc(room));
    snprintf(text, room, "%s%s%s%s", first, between, second, end);
    free(first);
    free(second);
    return text;
}

static char *real_text(value v, int radix) {
    if (is_flonum(v))
        return flonum_text(flonum_value(v), radix);
    if (!has_type(v, TYPE_RATIO))
        return integer_text(v, radix);
    return join(integer_text(number_numerator(v), radix), "/",
                integer_text(number_denominator(v), radix), "");
}

char *number_text(value v, int radix) {
    if (!is_complex(v))
        return real_text(v, radix);
    value real = number_real_part(v), imaginary = number_imaginary_part(v);
    bool real_needed = real != fixnum(0) || radix >= RADIX_WITH_I;
    char *first = real_needed ? real_text(real, radix) : checked(strdup(""));
    char *second = imaginary == fixnum(1)    ? checked(strdup(""))
                   : imaginary == fixnum(-1) ? checked(strdup("-"))
                                             : real_text(imaginary, radix);
    bool has_sign = *second == '-' || *second == '+'; /* that of infinity is always there */
    return join(first, has_sign ? "" : "+", second, "i");
}

/* SPDX-License-Identifier: MIT */
/*
 * Exact integers: fixnums while they fit, else bignums.
 *
 * GMP reads the limbs of bignums where they lie in collected memory, through read-only views.
 * Results are computed into vm->integer, GMP's own memory, and copied into a fresh leaf object: an
 * allocation can't happen between taking a view and using it.
 */
#include "number.h"
#include "scratch.h"

#include <math.h>

/* Scratch numbers larger than this are given back after use. */
#define KEPT_LIMBS 4096

struct view {
    mpz_t number;
    mp_limb_t limb;
};

static mpz_srcptr look(struct view *view, value v) {
    if (is_fixnum(v)) {
        int64_t n = fixnum_value(v);
        view->limb = n < 0 ? -(mp_limb_t)n : (mp_limb_t)n;
        return mpz_roinit_n(view->number, &view->limb, n < 0 ? -1 : n > 0);
    }
    mp_size_t limbs = (mp_size_t)(length_of(v) >> 1);
    return mpz_roinit_n(view->number, bignum_of(v)->limbs, length_of(v) & 1 ? -limbs : limbs);
}

/* The value of a scratch number. */
static value settle(struct vm *vm, mpz_t number) {
    if (mpz_fits_slong_p(number)) {
        int64_t n = mpz_get_si(number);
        if (n >= FIXNUM_MIN && n <= FIXNUM_MAX)
            return fixnum(n);
    }
    size_t limbs = mpz_size(number);
    struct bignum *bignum = allocate(vm, TYPE_BIGNUM, sizeof *bignum + limbs * sizeof(mp_limb_t));
    bignum->header = HEADER(TYPE_BIGNUM, limbs << 1 | (mpz_sgn(number) < 0));
    memcpy(bignum->limbs, mpz_limbs_read(number), limbs * sizeof(mp_limb_t));
    if (limbs > KEPT_LIMBS)
        mpz_realloc2(number, 64);
    return (value)bignum;
}

value integer_from_int64(struct vm *vm, int64_t n) {
    if (n >= FIXNUM_MIN && n <= FIXNUM_MAX)
        return fixnum(n);
    mpz_set_si(vm->integer, n);
    return settle(vm, vm->integer);
}

value integer_from_double(struct vm *vm, double d) {
    if (fabs(d) < 4e18)
        return fixnum((int64_t)d);
    mpz_set_d(vm->integer, d);
    return settle(vm, vm->integer);
}

value integer_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b) {
    struct view va, vb;
    mpz_srcptr x = look(&va, a), y = look(&vb, b);
    switch (operation) {
    case ADD:
        mpz_add(vm->integer, x, y);
        break;
    case SUBTRACT:
        mpz_sub(vm->integer, x, y);
        break;
    case MULTIPLY:
        mpz_mul(vm->integer, x, y);
        break;
    case DIVIDE:
        return make_ratio(vm, a, b);
    }
    return settle(vm, vm->integer);
}

value integer_divide(struct vm *vm, enum division division, value a, value b) {
    if (is_fixnum(a) && is_fixnum(b)) {
        int64_t n = fixnum_value(a), d = fixnum_value(b), q = n / d, r = n % d;
        bool adjust = r && (r < 0) != (d < 0);
        switch (division) {
        case QUOTIENT:
            return integer_from_int64(vm, q);
        case REMAINDER:
            return fixnum(r);
        case FLOOR_QUOTIENT:
            return integer_from_int64(vm, q - adjust);
        case MODULO:
            return fixnum(adjust ? r + d : r);
        }
    }
    struct view va, vb;
    mpz_srcptr x = look(&va, a), y = look(&vb, b);
    switch (division) {
    case QUOTIENT:
        mpz_tdiv_q(vm->integer, x, y);
        break;
    case REMAINDER:
        mpz_tdiv_r(vm->integer, x, y);
        break;
    case FLOOR_QUOTIENT:
        mpz_fdiv_q(vm->integer, x, y);
        break;
    case MODULO:
        mpz_fdiv_r(vm->integer, x, y);
        break;
    }
    return settle(vm, vm->integer);
}

int integer_compare(value a, value b) {
    if (is_fixnum(a) && is_fixnum(b))
        return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
    struct view va, vb;
    int order = mpz_cmp(look(&va, a), look(&vb, b));
    return (order > 0) - (order < 0);
}

int integer_sign(value v) {
    if (is_fixnum(v))
        return (fixnum_value(v) > 0) - (fixnum_value(v) < 0);
    return length_of(v) & 1 ? -1 : 1;
}

bool integer_is_odd(value v) {
    return is_fixnum(v) ? fixnum_value(v) & 1 : bignum_of(v)->limbs[0] & 1;
}

value integer_gcd(struct vm *vm, value a, value b) {
    struct view va, vb;
    mpz_gcd(vm->integer, look(&va, a), look(&vb, b));
    return settle(vm, vm->integer);
}

value integer_power(struct vm *vm, value base, uint64_t exponent) {
    if (base == fixnum(0) || base == fixnum(1))
        return exponent ? base : fixnum(1);
    if (base == fixnum(-1))
        return fixnum(exponent & 1 ? -1 : 1);
    struct view view;
    mpz_srcptr x = look(&view, base);
    if (exponent > INTEGER_MOST_BITS / mpz_sizeinbase(x, 2))
        return raise_error(vm, "expt", "result is too large", 0);
    mpz_pow_ui(vm->integer, x, exponent);
    return settle(vm, vm->integer);
}

value integer_root(struct vm *vm, value n, value *rest) {
    struct view view;
    mpz_sqrtrem(vm->integer, vm->remainder, look(&view, n));
    value live[1] = {settle(vm, vm->integer)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    *rest = settle(vm, vm->remainder);
    gait_pop_frame(vm->mutator);
    return live[0];
}

value integer_exact_root(struct vm *vm, value n, uint64_t degree) {
    struct view view;
    if (!mpz_root(vm->integer, look(&view, n), degree))
        return FALSE;
    return settle(vm, vm->integer);
}

void integer_get(mpz_t number, value v) {
    struct view view;
    mpz_set(number, look(&view, v));
}

value integer_shift(struct vm *vm, value n, int64_t left) {
    struct view view;
    mpz_srcptr x = look(&view, n);
    if (left >= 0 && mpz_sgn(x)) {
        if ((uint64_t)left > INTEGER_MOST_BITS)
            return raise_error(vm, "arithmetic-shift", "result is too large", 0);
        mpz_mul_2exp(vm->integer, x, (mp_bitcnt_t)left);
    } else {
        mpz_fdiv_q_2exp(vm->integer, x, left < 0 ? (mp_bitcnt_t)-left : 0);
    }
    return settle(vm, vm->integer);
}

value integer_bitwise(struct vm *vm, enum bitwise operation, value a, value b) {
    struct view va, vb;
    mpz_srcptr x = look(&va, a), y = look(&vb, b);
    switch (operation) {
    case BITWISE_AND:
        mpz_and(vm->integer, x, y);
        break;
    case BITWISE_OR:
        mpz_ior(vm->integer, x, y);
        break;
    case BITWISE_XOR:
        mpz_xor(vm->integer, x, y);
        break;
    }
    return settle(vm, vm->integer);
}

uint64_t integer_bit_count(value v) {
    if (is_fixnum(v)) {
        int64_t n = fixnum_value(v);
        return (uint64_t)__builtin_popcountll((uint64_t)(n < 0 ? ~n : n));
    }
    struct view view;
    mpz_srcptr x = look(&view, v);
    if (mpz_sgn(x) > 0)
        return mpz_popcount(x);
    mpz_t inverse;
    mpz_init(inverse);
    mpz_com(inverse, x);
    uint64_t count = mpz_popcount(inverse);
    mpz_clear(inverse);
    return count;
}

uint64_t integer_length(value v) {
    if (is_fixnum(v)) {
        int64_t n = fixnum_value(v);
        uint64_t bits = (uint64_t)(n < 0 ? ~n : n);
        return bits ? 64 - (uint64_t)__builtin_clzll(bits) : 0;
    }
    struct view view;
    mpz_srcptr x = look(&view, v);
    size_t bits = mpz_sizeinbase(x, 2);
    return bits - (mpz_sgn(x) < 0 && mpz_scan1(x, 0) == bits - 1); /* of ~v, where that is less */
}

value integer_random(struct vm *vm, value limit, uint64_t (*next)(void *state), void *state) {
    struct view view;
    mpz_srcptr x = look(&view, limit);
    mpz_sub_ui(vm->remainder, x, 1); /* the largest */
    if (!mpz_sgn(vm->remainder))
        return fixnum(0);
    size_t bits = mpz_sizeinbase(vm->remainder, 2), limbs = mpz_size(vm->remainder);
    do { /* what is too large is thrown away: less than half */
        mp_limb_t *limb = mpz_limbs_write(vm->integer, (mp_size_t)limbs);
        for (size_t i = 0; i < limbs; i++)
            limb[i] = next(state);
        if (bits % 64)
            limb[limbs - 1] >>= 64 - bits % 64;
        mpz_limbs_finish(vm->integer, (mp_size_t)limbs);
    } while (mpz_cmp(vm->integer, x) >= 0);
    return settle(vm, vm->integer);
}

value integer_parse(struct vm *vm, const char *digits, int radix) {
    if (*digits == '+')
        digits++;
    if (mpz_set_str(vm->integer, digits, radix))
        return FALSE;
    return settle(vm, vm->integer);
}

char *integer_text(value v, int radix) {
    struct view view;
    mpz_srcptr x = look(&view, v);
    char *text = checked(malloc(mpz_sizeinbase(x, radix) + 2));
    return mpz_get_str(text, radix, x);
}

value make_ratio(struct vm *vm, value numerator, value denominator) {
    value live[3] = {numerator, denominator, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[2] = integer_gcd(vm, live[0], live[1]);
    if (integer_sign(denominator) < 0)
        live[2] = integer_arithmetic(vm, SUBTRACT, fixnum(0), live[2]);
    if (live[2] != fixnum(1)) {
        live[0] = integer_divide(vm, QUOTIENT, live[0], live[2]);
        live[1] = integer_divide(vm, QUOTIENT, live[1], live[2]);
    }
    value result = live[0];
    if (live[1] != fixnum(1)) {
        struct ratio *ratio = allocate(vm, TYPE_RATIO, sizeof *ratio);
        ratio->header = HEADER(TYPE_RATIO, 0);
        gait_init(&ratio->numerator, live[0]);
        gait_init(&ratio->denominator, live[1]);
        result = (value)ratio;
    }
    gait_pop_frame(vm->mutator);
    return result;
}

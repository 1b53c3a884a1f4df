/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on numbers of any class: what the machine's fast paths leave over.
 */
#include "number.h"

#include <math.h>

static const char *const operation_names[] = {"+", "-", "*", "/"};

bool is_exact_integer(value v) { return is_fixnum(v) || has_type(v, TYPE_BIGNUM); }

static bool is_ratio(value v) { return has_type(v, TYPE_RATIO); }

bool is_number(value v) { return is_exact_integer(v) || is_flonum(v) || is_ratio(v); }

bool is_exact(value v) { return !is_flonum(v); }

bool is_integer(value v) {
    if (is_flonum(v))
        return isfinite(flonum_value(v)) && floor(flonum_value(v)) == flonum_value(v);
    return is_exact_integer(v);
}

bool is_rational(value v) {
    return is_flonum(v) ? isfinite(flonum_value(v)) : is_exact_integer(v) || is_ratio(v);
}

static value numerator(value v) { return is_ratio(v) ? ratio_of(v)->numerator : v; }
static value denominator(value v) { return is_ratio(v) ? ratio_of(v)->denominator : fixnum(1); }

double number_double(value v) {
    if (is_flonum(v))
        return flonum_value(v);
    return integer_double(v);
}

/* As number_double, ratios too. */
static double real_double(struct vm *vm, value v) {
    if (is_ratio(v))
        return integer_ratio_double(vm, ratio_of(v)->numerator, ratio_of(v)->denominator);
    return number_double(v);
}

value number_inexact(struct vm *vm, value v) {
    return is_flonum(v) ? v : make_flonum(vm, real_double(vm, v));
}

value number_exact(struct vm *vm, const char *who, value v) {
    if (!is_flonum(v))
        return v;
    double d = flonum_value(v);
    if (!isfinite(d))
        return raise_error(vm, who, "no exact value:", 1, v);
    if (floor(d) == d)
        return integer_from_double(vm, d);
    int exponent;
    double mantissa = ldexp(frexp(d, &exponent), 53);
    value live[2] = {integer_from_double(vm, mantissa), 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = integer_shift(vm, fixnum(1), 53 - exponent);
    value result = make_ratio(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

static value float_arithmetic(struct vm *vm, enum arithmetic operation, double a, double b) {
    switch (operation) {
    case ADD:
        return make_flonum(vm, a + b);
    case SUBTRACT:
        return make_flonum(vm, a - b);
    case MULTIPLY:
        return make_flonum(vm, a * b);
    case DIVIDE:
        break;
    }
    return make_flonum(vm, a / b);
}

static value ratio_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b) {
    value an = numerator(a), ad = denominator(a), bn = numerator(b), bd = denominator(b);
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    switch (operation) {
    case ADD:
    case SUBTRACT:
        live[0] = integer_arithmetic(vm, MULTIPLY, an, bd);
        live[1] = integer_arithmetic(vm, MULTIPLY, bn, ad);
        live[0] = integer_arithmetic(vm, operation, live[0], live[1]);
        live[1] = integer_arithmetic(vm, MULTIPLY, ad, bd);
        break;
    case MULTIPLY:
        live[0] = integer_arithmetic(vm, MULTIPLY, an, bn);
        live[1] = integer_arithmetic(vm, MULTIPLY, ad, bd);
        break;
    case DIVIDE:
        live[0] = integer_arithmetic(vm, MULTIPLY, an, bd);
        live[1] = integer_arithmetic(vm, MULTIPLY, ad, bn);
        break;
    }
    value result = make_ratio(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

value number_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b) {
    if (!is_number(a))
        return raise_type(vm, operation_names[operation], "number", a);
    if (!is_number(b))
        return raise_type(vm, operation_names[operation], "number", b);
    if (operation == DIVIDE && b == fixnum(0))
        return raise_error(vm, "/", "division by zero", 0);
    if (is_flonum(a) || is_flonum(b))
        return float_arithmetic(vm, operation, real_double(vm, a), real_double(vm, b));
    if (is_ratio(a) || is_ratio(b))
        return ratio_arithmetic(vm, operation, a, b);
    return integer_arithmetic(vm, operation, a, b);
}

int number_sign(value v) {
    if (is_flonum(v))
        return (flonum_value(v) > 0) - (flonum_value(v) < 0);
    return integer_sign(numerator(v));
}

static int compare_exact(struct vm *vm, value a, value b) {
    if (!is_ratio(a) && !is_ratio(b))
        return integer_compare(a, b);
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = integer_arithmetic(vm, MULTIPLY, numerator(a), denominator(b));
    live[1] = integer_arithmetic(vm, MULTIPLY, numerator(b), denominator(a));
    gait_pop_frame(vm->mutator);
    return integer_compare(live[0], live[1]);
}

static bool is_small(value v) { return is_fixnum(v) && llabs(fixnum_value(v)) < (int64_t)1 << 53; }

int number_compare(struct vm *vm, const char *who, value a, value b) {
    if (!is_number(a) || !is_number(b)) {
        raise_type(vm, who, "number", is_number(a) ? b : a);
        return 3;
    }
    if (!is_flonum(a) && !is_flonum(b))
        return compare_exact(vm, a, b);
    if ((is_flonum(a) || is_small(a)) && (is_flonum(b) || is_small(b))) {
        double x = number_double(a), y = number_double(b);
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
    }
    double d = is_flonum(a) ? flonum_value(a) : flonum_value(b);
    if (isnan(d))
        return 2;
    if (isinf(d))
        return (d > 0) == is_flonum(a) ? 1 : -1;
    value live[2] = {a, b};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = number_exact(vm, who, a);
    live[1] = number_exact(vm, who, b);
    int order = compare_exact(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return order;
}

/* ---- Rounding and integer division --------------------------------------------------------- */

static value round_ratio(struct vm *vm, enum rounding rounding, value v) {
    value n = ratio_of(v)->numerator, d = ratio_of(v)->denominator;
    if (rounding == ROUND_TRUNCATE)
        rounding = integer_sign(n) < 0 ? ROUND_CEILING : ROUND_FLOOR;
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = integer_divide(vm, FLOOR_QUOTIENT, n, d);
    bool up = rounding == ROUND_CEILING;
    if (rounding == ROUND_EVEN) {
        live[1] = integer_divide(vm, MODULO, n, d);
        live[1] = integer_shift(vm, live[1], 1);
        int order = integer_compare(live[1], d);
        up = order > 0 || (order == 0 && integer_is_odd(live[0]));
    }
    if (up)
        live[0] = integer_arithmetic(vm, ADD, live[0], fixnum(1));
    gait_pop_frame(vm->mutator);
    return live[0];
}

value number_round(struct vm *vm, enum rounding rounding, value v) {
    if (is_ratio(v))
        return round_ratio(vm, rounding, v);
    if (!is_flonum(v))
        return v;
    double d = flonum_value(v);
    switch (rounding) {
    case ROUND_FLOOR:
        return make_flonum(vm, floor(d));
    case ROUND_CEILING:
        return make_flonum(vm, ceil(d));
    case ROUND_TRUNCATE:
        return make_flonum(vm, trunc(d));
    case ROUND_EVEN:
        break;
    }
    return make_flonum(vm, nearbyint(d));
}

static value divide_floats(struct vm *vm, enum division division, double a, double b) {
    switch (division) {
    case QUOTIENT:
        return make_flonum(vm, trunc(a / b));
    case REMAINDER:
        return make_flonum(vm, fmod(a, b));
    case FLOOR_QUOTIENT:
        return make_flonum(vm, floor(a / b));
    case MODULO:
        break;
    }
    double rest = fmod(a, b);
    return make_flonum(vm, rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

value number_divide(struct vm *vm, const char *who, enum division division, value a, value b) {
    if (!is_integer(a))
        return raise_type(vm, who, "integer", a);
    if (!is_integer(b))
        return raise_type(vm, who, "integer", b);
    if (number_sign(b) == 0)
        return raise_error(vm, who, "division by zero", 0);
    if (is_flonum(a) || is_flonum(b))
        return divide_floats(vm, division, number_double(a), number_double(b));
    return integer_divide(vm, division, a, b);
}

/* ---- Powers and roots ---------------------------------------------------------------------- */

value number_expt(struct vm *vm, value base, value exponent) {
    if (!is_exact(base) || !is_exact_integer(exponent)) {
        if (exponent == fixnum(0))
            return fixnum(1);
        return make_flonum(vm, pow(real_double(vm, base), real_double(vm, exponent)));
    }
    bool invert = integer_sign(exponent) < 0;
    if (invert && base == fixnum(0))
        return raise_error(vm, "expt", "division by zero", 0);
    uint64_t power;
    if (is_fixnum(exponent))
        power = (uint64_t)llabs(fixnum_value(exponent));
    else /* only 0, 1 and -1 have a result, and parity is all that matters */
        power = UINT64_MAX - !integer_is_odd(exponent);
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    value result = RAISED;
    if ((live[0] = integer_power(vm, numerator(base), power)) &&
        (live[1] = integer_power(vm, denominator(base), power)))
        result = invert ? make_ratio(vm, live[1], live[0]) : make_ratio(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

value number_sqrt(struct vm *vm, value v) {
    if (!is_flonum(v) && number_sign(v) >= 0) {
        value live[2] = {0}, n_rest, d_rest;
        struct gait_frame frame;
        gait_push_frame(vm->mutator, &frame, live, 2);
        live[0] = integer_root(vm, numerator(v), &n_rest);
        live[1] = integer_root(vm, denominator(v), &d_rest);
        value root = 0;
        if (n_rest == fixnum(0) && d_rest == fixnum(0))
            root = make_ratio(vm, live[0], live[1]);
        gait_pop_frame(vm->mutator);
        if (root)
            return root;
    }
    return make_flonum(vm, sqrt(real_double(vm, v)));
}

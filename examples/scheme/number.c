/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on numbers of any class: what the machine's fast paths leave over.
 */
#include "number.h"

#include <math.h>

static const char *const operation_names[] = {"+", "-", "*", "/"};

bool is_exact_integer(value v) { return is_fixnum(v) || has_type(v, TYPE_BIGNUM); }

static bool is_ratio(value v) { return has_type(v, TYPE_RATIO); }

bool is_real(value v) { return is_exact_integer(v) || is_flonum(v) || is_ratio(v); }

bool is_number(value v) { return is_real(v) || is_complex(v); }

bool is_exact(value v) { return !is_flonum(number_real_part(v)); }

bool is_integer(value v) {
    if (is_flonum(v))
        return isfinite(flonum_value(v)) && floor(flonum_value(v)) == flonum_value(v);
    return is_exact_integer(v);
}

bool is_rational(value v) {
    return is_flonum(v) ? isfinite(flonum_value(v)) : is_exact_integer(v) || is_ratio(v);
}

value number_numerator(value v) { return is_ratio(v) ? ratio_of(v)->numerator : v; }
value number_denominator(value v) { return is_ratio(v) ? ratio_of(v)->denominator : fixnum(1); }

double number_double(value v) {
    if (is_flonum(v))
        return flonum_value(v);
    if (is_ratio(v))
        return integer_ratio_double(ratio_of(v)->numerator, ratio_of(v)->denominator);
    return integer_double(v);
}

int64_t number_exponent(value v) {
    if (v == fixnum(0))
        return INT32_MIN;
    return (int64_t)integer_length(number_numerator(v)) -
           (int64_t)integer_length(number_denominator(v));
}

value number_scale(struct vm *vm, value v, int64_t exponent) {
    value live[2] = {v, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = integer_shift(vm, fixnum(1), llabs(exponent));
    if (live[1])
        live[0] = number_arithmetic(vm, exponent < 0 ? DIVIDE : MULTIPLY, v, live[1]);
    gait_pop_frame(vm->mutator);
    return live[1] ? live[0] : RAISED;
}

/* Has the double the range for the number? */
static bool stands_for(double d, value v) { return is_flonum(v) || is_fixnum(v) || isnormal(d); }

bool number_fits_double(value v) { return stands_for(number_double(v), v); }

bool number_is_zero(value v) {
    if (is_complex(v))
        return number_is_zero(complex_number_of(v)->real) &&
               number_is_zero(complex_number_of(v)->imaginary);
    return v == fixnum(0) || (is_flonum(v) && flonum_value(v) == 0);
}

/* A function of both parts of a complex number. */
static value map_parts(struct vm *vm, value v, value (*function)(struct vm *vm, value v)) {
    value live[3] = {v, 0, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    if ((live[1] = function(vm, complex_number_of(v)->real)) &&
        (live[2] = function(vm, complex_number_of(v)->imaginary)))
        live[0] = make_rectangular(vm, live[1], live[2]);
    gait_pop_frame(vm->mutator);
    return live[1] && live[2] ? live[0] : RAISED;
}

value number_negate(struct vm *vm, value v) {
    if (is_complex(v))
        return map_parts(vm, v, number_negate);
    if (is_flonum(v))
        return make_flonum(vm, -flonum_value(v));
    return number_arithmetic(vm, SUBTRACT, fixnum(0), v);
}

value number_inexact(struct vm *vm, value v) {
    if (is_complex(v))
        return map_parts(vm, v, number_inexact);
    return is_flonum(v) ? v : make_flonum(vm, number_double(v));
}

static value flonum_exact(struct vm *vm, value v) {
    if (!is_flonum(v))
        return v;
    double d = flonum_value(v);
    if (!isfinite(d))
        return RAISED;
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

value number_exact(struct vm *vm, const char *who, value v) {
    value exact = is_complex(v) ? map_parts(vm, v, flonum_exact) : flonum_exact(vm, v);
    return exact ? exact : raise_error(vm, who, "no exact value:", 1, v);
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
    value an = number_numerator(a), ad = number_denominator(a), bn = number_numerator(b),
          bd = number_denominator(b);
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

/* An exact number that no double can stand for, and a flonum: in exact numbers, so that only the
 * result is rounded. */
static value wide_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b) {
    value v = is_flonum(a) ? a : b;
    double other = number_sign(is_flonum(a) ? b : a); /* of 0 and infinity only the sign matters */
    bool scaling = operation == MULTIPLY || operation == DIVIDE;
    if (!isfinite(flonum_value(v)) || (scaling && flonum_value(v) == 0))
        return float_arithmetic(vm, operation, is_flonum(a) ? flonum_value(a) : other,
                                is_flonum(b) ? flonum_value(b) : other);
    value live[2] = {a, b};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = flonum_exact(vm, a);
    live[1] = flonum_exact(vm, b);
    live[0] = ratio_arithmetic(vm, operation, live[0], live[1]);
    live[0] = number_inexact(vm, live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

value number_arithmetic(struct vm *vm, enum arithmetic operation, value a, value b) {
    if (!is_number(a))
        return raise_type(vm, operation_names[operation], "number", a);
    if (!is_number(b))
        return raise_type(vm, operation_names[operation], "number", b);
    if (operation == DIVIDE && b == fixnum(0))
        return raise_error(vm, "/", "division by zero", 0);
    if (is_complex(a) || is_complex(b))
        return complex_arithmetic(vm, operation, a, b);
    if (is_flonum(a) || is_flonum(b)) {
        double x = number_double(a), y = number_double(b);
        return stands_for(x, a) && stands_for(y, b) ? float_arithmetic(vm, operation, x, y)
                                                    : wide_arithmetic(vm, operation, a, b);
    }
    if (is_ratio(a) || is_ratio(b))
        return ratio_arithmetic(vm, operation, a, b);
    return integer_arithmetic(vm, operation, a, b);
}

int number_sign(value v) {
    if (is_flonum(v))
        return (flonum_value(v) > 0) - (flonum_value(v) < 0);
    return integer_sign(number_numerator(v));
}

static int compare_exact(struct vm *vm, value a, value b) {
    if (!is_ratio(a) && !is_ratio(b))
        return integer_compare(a, b);
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = integer_arithmetic(vm, MULTIPLY, number_numerator(a), number_denominator(b));
    live[1] = integer_arithmetic(vm, MULTIPLY, number_numerator(b), number_denominator(a));
    gait_pop_frame(vm->mutator);
    return integer_compare(live[0], live[1]);
}

static bool is_small(value v) { return is_fixnum(v) && llabs(fixnum_value(v)) < (int64_t)1 << 53; }

static int compare_parts(struct vm *vm, const char *who, value a, value b) {
    value live[2] = {a, b};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    bool equal = number_compare(vm, who, number_real_part(a), number_real_part(b)) == 0 &&
                 number_compare(vm, who, number_imaginary_part(a), number_imaginary_part(b)) == 0;
    gait_pop_frame(vm->mutator);
    return equal ? 0 : 2;
}

int number_compare(struct vm *vm, const char *who, value a, value b) {
    if (!is_real(a) || !is_real(b)) {
        value wrong = is_real(a) ? b : a;
        if (strcmp(who, "=")) {
            raise_type(vm, who, "real number", wrong);
            return 3;
        }
        if (is_number(a) && is_number(b))
            return compare_parts(vm, who, a, b);
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

/* Flonums up to that have a quotient whose floor is that of the exact one. */
#define EXACT_FLOATS 0x1p53

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
    if (!is_flonum(a) && !is_flonum(b))
        return integer_divide(vm, division, a, b);
    double x = number_double(a), y = number_double(b);
    if (fabs(x) <= EXACT_FLOATS && fabs(y) <= EXACT_FLOATS)
        return divide_floats(vm, division, x, y);
    value live[2] = {a, b};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = flonum_exact(vm, a);
    live[1] = flonum_exact(vm, b);
    live[0] = integer_divide(vm, division, live[0], live[1]);
    live[0] = number_inexact(vm, live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

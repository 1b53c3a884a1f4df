/* SPDX-License-Identifier: MIT */
/*
 * Numeric procedures.
 */
#include "builtin.h"
#include "number.h"

#include <math.h>

/* ---- Predicates ---------------------------------------------------------------------------- */

PREDICATE(number_p, is_number(a[0]))
PREDICATE(real_p, is_real(a[0]))
PREDICATE(integer_p, is_integer(a[0]))
PREDICATE(rational_p, is_rational(a[0]))
PREDICATE(exact_integer_p, is_exact_integer(a[0]))
PREDICATE(exact_rational_p, is_real(a[0]) && !is_flonum(a[0]))
PREDICATE(fixnum_p, is_fixnum(a[0]))
PREDICATE(flonum_p, is_flonum(a[0]))

/* Does the test hold for the double of one part at least? What is exact is finite. */
static bool any_part(value v, bool (*test)(double d)) {
    value real = number_real_part(v), imaginary = number_imaginary_part(v);
    return (is_flonum(real) && test(flonum_value(real))) ||
           (is_flonum(imaginary) && test(flonum_value(imaginary)));
}

static bool is_nan(double d) { return isnan(d); }
static bool is_infinite(double d) { return isinf(d); }
static bool is_not_finite(double d) { return !isfinite(d); }

#define PARTS_TEST(name, who, expression)                                                          \
    BUILTIN(name) {                                                                                \
        NEED(is_number, who, "number", a[0]);                                                      \
        return boolean(expression);                                                                \
    }
PARTS_TEST(nan_p, "nan?", any_part(a[0], is_nan))
PARTS_TEST(infinite_p, "infinite?", any_part(a[0], is_infinite))
PARTS_TEST(finite_p, "finite?", !any_part(a[0], is_not_finite))

BUILTIN(exact_p) {
    NEED(is_number, "exact?", "number", a[0]);
    return boolean(is_exact(a[0]));
}

BUILTIN(inexact_p) {
    NEED(is_number, "inexact?", "number", a[0]);
    return boolean(!is_exact(a[0]));
}

#define SIGN_TEST(name, who, test)                                                                 \
    BUILTIN(name) {                                                                                \
        NEED(is_real, who, "real number", a[0]);                                                   \
        return boolean(number_sign(a[0]) test);                                                    \
    }
SIGN_TEST(positive_p, "positive?", > 0)
SIGN_TEST(negative_p, "negative?", < 0)

BUILTIN(zero_p) {
    NEED(is_number, "zero?", "number", a[0]);
    return boolean(number_is_zero(a[0]));
}

static bool is_odd(value v) {
    return is_flonum(v) ? fmod(flonum_value(v), 2) != 0 : integer_is_odd(v);
}

BUILTIN(odd_p) {
    NEED(is_integer, "odd?", "integer", a[0]);
    return boolean(is_odd(a[0]));
}

BUILTIN(even_p) {
    NEED(is_integer, "even?", "integer", a[0]);
    return boolean(!is_odd(a[0]));
}

/* ---- Comparison ---------------------------------------------------------------------------- */

#define NUMBER_TEST(name, who, test)                                                               \
    BUILTIN(name) {                                                                                \
        bool holds = true;                                                                         \
        if (count == 1 && number_compare(vm, who, a[0], a[0]) == 3)                                \
            return RAISED;                                                                         \
        for (int i = 0; i + 1 < count; i++) {                                                      \
            int order = number_compare(vm, who, a[i], a[i + 1]);                                   \
            if (order == 3)                                                                        \
                return RAISED;                                                                     \
            holds = holds && order != 2 && order test 0;                                           \
        }                                                                                          \
        return boolean(holds);                                                                     \
    }
NUMBER_TEST(equal_p, "=", ==)
NUMBER_TEST(less_p, "<", <)
NUMBER_TEST(greater_p, ">", >)
NUMBER_TEST(less_equal_p, "<=", <=)
NUMBER_TEST(greater_equal_p, ">=", >=)

static value extreme(struct vm *vm, const char *who, int count, value *a, int sign) {
    bool inexact = false;
    for (int i = 0; i < count; i++) {
        NEED(is_real, who, "real number", a[i]);
        inexact |= is_flonum(a[i]);
        if (is_flonum(a[i]) && isnan(flonum_value(a[i])))
            return a[i];
    }
    for (int i = 1; i < count; i++)
        if (number_compare(vm, who, a[i], a[0]) == sign)
            a[0] = a[i];
    return inexact ? number_inexact(vm, a[0]) : a[0];
}

BUILTIN(max) { return extreme(vm, "max", count, a, 1); }
BUILTIN(min) { return extreme(vm, "min", count, a, -1); }

/* ---- Arithmetic ---------------------------------------------------------------------------- */

/* The result so far is kept in a[0]. */
static value fold(struct vm *vm, enum arithmetic operation, int count, value *a, value unit) {
    if (!count)
        return unit;
    if (count == 1)
        return number_arithmetic(vm, operation, unit, a[0]);
    for (int i = 1; i < count; i++)
        if (!(a[0] = number_arithmetic(vm, operation, a[0], a[i]))) {
            a[0] = FALSE; /* still a root */
            return RAISED;
        }
    return a[0];
}

BUILTIN(add) { return fold(vm, ADD, count, a, fixnum(0)); }
BUILTIN(multiply) { return fold(vm, MULTIPLY, count, a, fixnum(1)); }
BUILTIN(divide) { return fold(vm, DIVIDE, count, a, fixnum(1)); }

BUILTIN(subtract) {
    if (count == 1 && is_number(a[0]))
        return number_negate(vm, a[0]);
    return fold(vm, SUBTRACT, count, a, fixnum(0));
}

BUILTIN(absolute) {
    NEED(is_real, "abs", "real number", a[0]);
    return number_magnitude(vm, a[0]);
}

BUILTIN(square) {
    NEED(is_number, "square", "number", a[0]);
    return number_arithmetic(vm, MULTIPLY, a[0], a[0]);
}

#define DIVISION(name, who, division)                                                              \
    BUILTIN(name) { return number_divide(vm, who, division, a[0], a[1]); }
DIVISION(quotient, "quotient", QUOTIENT)
DIVISION(remainder_, "remainder", REMAINDER)
DIVISION(modulo, "modulo", MODULO)
DIVISION(floor_quotient, "floor-quotient", FLOOR_QUOTIENT)
DIVISION(floor_remainder, "floor-remainder", MODULO)
DIVISION(truncate_quotient, "truncate-quotient", QUOTIENT)
DIVISION(truncate_remainder, "truncate-remainder", REMAINDER)

static value divide_both(struct vm *vm, const char *who, enum division first, enum division second,
                         value *a) {
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = number_divide(vm, who, first, a[0], a[1]);
    live[1] = live[0] ? number_divide(vm, who, second, a[0], a[1]) : RAISED;
    value result = live[1] ? make_values(vm, 2, live) : RAISED;
    gait_pop_frame(vm->mutator);
    return result;
}

BUILTIN(floor_both) { return divide_both(vm, "floor/", FLOOR_QUOTIENT, MODULO, a); }

BUILTIN(truncate_both) { return divide_both(vm, "truncate/", QUOTIENT, REMAINDER, a); }

static value gcd_of(struct vm *vm, const char *who, value a, value b) {
    if (!is_integer(a) || !is_integer(b))
        return raise_type(vm, who, "integer", is_integer(a) ? b : a);
    if (!is_flonum(a) && !is_flonum(b))
        return integer_gcd(vm, a, b);
    double x = fabs(number_double(a)), y = fabs(number_double(b));
    while (y != 0) {
        double rest = fmod(x, y);
        x = y;
        y = rest;
    }
    return make_flonum(vm, x);
}

BUILTIN(gcd) {
    value live[1] = {fixnum(0)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    for (int i = 0; i < count && live[0]; i++)
        live[0] = gcd_of(vm, "gcd", live[0], a[i]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

BUILTIN(lcm) {
    value live[2] = {fixnum(1), 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    for (int i = 0; i < count && live[0]; i++) {
        live[1] = gcd_of(vm, "lcm", live[0], a[i]);
        if (!live[1]) {
            live[0] = RAISED;
        } else if (number_sign(a[i]) == 0) {
            live[0] = a[i];
            break;
        } else {
            live[1] = number_divide(vm, "lcm", QUOTIENT, a[i], live[1]);
            live[0] = number_arithmetic(vm, MULTIPLY, live[0], live[1]);
        }
    }
    if (live[0] && number_sign(live[0]) < 0)
        live[0] = number_arithmetic(vm, SUBTRACT, fixnum(0), live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

/* ---- Exactness, rounding, parts ------------------------------------------------------------ */

BUILTIN(exact) {
    NEED(is_number, "exact", "number", a[0]);
    return number_exact(vm, "exact", a[0]);
}

BUILTIN(inexact) {
    NEED(is_number, "inexact", "number", a[0]);
    return number_inexact(vm, a[0]);
}

#define ROUNDING(name, who, rounding)                                                              \
    BUILTIN(name) {                                                                                \
        NEED(is_real, who, "real number", a[0]);                                                   \
        return number_round(vm, rounding, a[0]);                                                   \
    }
ROUNDING(floor_, "floor", ROUND_FLOOR)
ROUNDING(ceiling_, "ceiling", ROUND_CEILING)
ROUNDING(truncate_, "truncate", ROUND_TRUNCATE)
ROUNDING(round_, "round", ROUND_EVEN)

/* The numerator or denominator; of a flonum: that of its exact value, inexact again. */
static value part(struct vm *vm, const char *who, value v, bool top) {
    if (!is_rational(v))
        return raise_type(vm, who, "rational number", v);
    value live[1] = {number_exact(vm, who, v)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    if (has_type(live[0], TYPE_RATIO))
        live[0] = top ? ratio_of(live[0])->numerator : ratio_of(live[0])->denominator;
    else if (!top)
        live[0] = fixnum(1);
    if (is_flonum(v))
        live[0] = number_inexact(vm, live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

BUILTIN(numerator) { return part(vm, "numerator", a[0], true); }

BUILTIN(denominator) { return part(vm, "denominator", a[0], false); }

/* ---- Text ---------------------------------------------------------------------------------- */

static bool is_radix(value v) {
    return is_fixnum(v) && fixnum_value(v) >= 2 && fixnum_value(v) <= 36;
}

BUILTIN(number_to_string) {
    NEED(is_number, "number->string", "number", a[0]);
    if (count > 1)
        NEED(is_radix, "number->string", "radix from 2 to 36", a[1]);
    char *text = number_text(a[0], count > 1 ? (int)fixnum_value(a[1]) : 10);
    value string = make_text(vm, text);
    free(text);
    return string;
}

BUILTIN(string_to_number) {
    NEED(is_string, "string->number", "string", a[0]);
    if (count > 1)
        NEED(is_radix, "string->number", "radix from 2 to 36", a[1]);
    size_t bytes;
    char *text = string_utf8(a[0], &bytes);
    value number = FALSE;
    if (bytes && strlen(text) == bytes)
        number = number_parse(vm, text, count > 1 ? (int)fixnum_value(a[1]) : 10);
    free(text);
    return number;
}

void builtin_numbers_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"number?", number_p, 1, 1},
        {"complex?", number_p, 1, 1},
        {"real?", real_p, 1, 1},
        {"rational?", rational_p, 1, 1},
        {"integer?", integer_p, 1, 1},
        {"exact-integer?", exact_integer_p, 1, 1},
        {"exact-rational?", exact_rational_p, 1, 1},
        {"fixnum?", fixnum_p, 1, 1},
        {"flonum?", flonum_p, 1, 1},
        {"nan?", nan_p, 1, 1},
        {"infinite?", infinite_p, 1, 1},
        {"finite?", finite_p, 1, 1},
        {"exact?", exact_p, 1, 1},
        {"inexact?", inexact_p, 1, 1},
        {"zero?", zero_p, 1, 1},
        {"positive?", positive_p, 1, 1},
        {"negative?", negative_p, 1, 1},
        {"odd?", odd_p, 1, 1},
        {"even?", even_p, 1, 1},
        {"=", equal_p, 1, -1},
        {"<", less_p, 1, -1},
        {">", greater_p, 1, -1},
        {"<=", less_equal_p, 1, -1},
        {">=", greater_equal_p, 1, -1},
        {"max", max, 1, -1},
        {"min", min, 1, -1},
        {"+", add, 0, -1},
        {"*", multiply, 0, -1},
        {"-", subtract, 1, -1},
        {"/", divide, 1, -1},
        {"abs", absolute, 1, 1},
        {"square", square, 1, 1},
        {"quotient", quotient, 2, 2},
        {"remainder", remainder_, 2, 2},
        {"modulo", modulo, 2, 2},
        {"floor-quotient", floor_quotient, 2, 2},
        {"floor-remainder", floor_remainder, 2, 2},
        {"truncate-quotient", truncate_quotient, 2, 2},
        {"truncate-remainder", truncate_remainder, 2, 2},
        {"floor/", floor_both, 2, 2},
        {"truncate/", truncate_both, 2, 2},
        {"gcd", gcd, 0, -1},
        {"lcm", lcm, 0, -1},
        {"exact", exact, 1, 1},
        {"inexact->exact", exact, 1, 1},
        {"inexact", inexact, 1, 1},
        {"exact->inexact", inexact, 1, 1},
        {"floor", floor_, 1, 1},
        {"ceiling", ceiling_, 1, 1},
        {"truncate", truncate_, 1, 1},
        {"round", round_, 1, 1},
        {"numerator", numerator, 1, 1},
        {"denominator", denominator, 1, 1},
        {"number->string", number_to_string, 1, 2},
        {"string->number", string_to_number, 1, 2},
    };
    DEFINE_BUILTINS(vm, entries);
}

/* SPDX-License-Identifier: MIT */
/*
 * Transcendental functions. The C library computes them of doubles, and of complex doubles with the
 * signs of zeros and the branch cuts that C and R7RS agree on. What is done here:
 *   - exact numbers that no double stands for are reduced to what has one;
 *   - a real number outside of a function's real domain gives a complex result. Its imaginary part
 *     is an exact 0, which has no sign: on a cut the formulas of R7RS decide;
 *   - where the result is exact it is returned so: (exp 0) is 1.
 */
#include "number.h"

#include <complex.h>
#include <math.h>

static value real_function(struct vm *vm, value v, double (*function)(double)) {
    return make_flonum(vm, function(number_double(v)));
}

static value complex_function(struct vm *vm, value v, double complex (*function)(double complex)) {
    return make_inexact_complex(vm, function(complex_double(v)));
}

value number_exp(struct vm *vm, value v) {
    if (v == fixnum(0))
        return fixnum(1);
    if (!is_complex(v))
        return real_function(vm, v, exp);
    if (!is_exact(v))
        return complex_function(vm, v, cexp);
    value live[2] = {v, number_exp(vm, number_real_part(v))};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = make_polar(vm, live[1], number_imaginary_part(v));
    gait_pop_frame(vm->mutator);
    return live[1];
}

/* ---- Logarithms ---------------------------------------------------------------------------- */

/* Of the absolute value of a real number; a long double has some digits more than the result. */
static long double real_log(value v) {
    if (is_flonum(v) || is_fixnum(v))
        return logl(fabsl((long double)number_double(v)));
    return integer_log(number_numerator(v), number_denominator(v));
}

static bool is_negative(value v) {
    return is_flonum(v) ? signbit(flonum_value(v)) && !isnan(flonum_value(v)) : number_sign(v) < 0;
}

value number_log(struct vm *vm, value v) {
    if (v == fixnum(1))
        return fixnum(0);
    if (!is_complex(v)) {
        bool plain = is_flonum(v) || is_fixnum(v);
        double magnitude = plain ? log(fabs(number_double(v))) : (double)real_log(v);
        return is_negative(v) ? make_inexact_complex(vm, complex_of_parts(magnitude, M_PI))
                              : make_flonum(vm, magnitude);
    }
    if (!is_exact(v))
        return complex_function(vm, v, clog);
    value live[2] = {v, number_magnitude_square(vm, v)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    double magnitude = (double)(real_log(live[1]) / 2);
    live[1] = number_angle(vm, v);
    live[1] = make_inexact_complex(vm, complex_of_parts(magnitude, flonum_value(live[1])));
    gait_pop_frame(vm->mutator);
    return live[1];
}

value number_log_base(struct vm *vm, value v, value base) {
    if (base == fixnum(0) || base == fixnum(1))
        return raise_error(vm, "log", "no logarithm has base", 1, base);
    if (!is_complex(v) && !is_complex(base) && !is_negative(v) && !is_negative(base))
        return make_flonum(vm, (double)(real_log(v) / real_log(base)));
    value live[2] = {v, base};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = number_log(vm, v);
    live[1] = number_log(vm, base);
    live[0] = number_arithmetic(vm, DIVIDE, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

/* ---- Angles -------------------------------------------------------------------------------- */

/* An exact number that no double equals, except for luck: which angle it is depends on all its
 * bits.
 */
static bool is_large_angle(value v) { return !is_flonum(v) && fabs(number_double(v)) > 0x1p53; }

static double large_sine(value v, int quarters) {
    return integer_sine(number_numerator(v), number_denominator(v), quarters);
}

static value large_result(struct vm *vm, const char *who, value v, double result) {
    return isnan(result) ? raise_error(vm, who, "too large:", 1, v) : make_flonum(vm, result);
}

value number_sin(struct vm *vm, value v) {
    if (v == fixnum(0))
        return v;
    if (is_complex(v))
        return complex_function(vm, v, csin);
    return is_large_angle(v) ? large_result(vm, "sin", v, large_sine(v, 0))
                             : real_function(vm, v, sin);
}

value number_cos(struct vm *vm, value v) {
    if (v == fixnum(0))
        return fixnum(1);
    if (is_complex(v))
        return complex_function(vm, v, ccos);
    return is_large_angle(v) ? large_result(vm, "cos", v, large_sine(v, 1))
                             : real_function(vm, v, cos);
}

value number_tan(struct vm *vm, value v) {
    if (v == fixnum(0))
        return v;
    if (is_complex(v))
        return complex_function(vm, v, ctan);
    return is_large_angle(v) ? large_result(vm, "tan", v, large_sine(v, 0) / large_sine(v, 1))
                             : real_function(vm, v, tan);
}

/* The area hyperbolic cosine of the absolute value of a real number, which is above 1. */
static double area_cosine(value v) {
    return number_fits_double(v) ? acosh(fabs(number_double(v))) : (double)(real_log(v) + logl(2));
}

/* NaN is not. */
static bool is_above_1(value v) { return fabs(number_double(v)) > 1; }

value number_asin(struct vm *vm, value v) {
    if (v == fixnum(0))
        return v;
    if (is_complex(v))
        return complex_function(vm, v, casin);
    if (!is_above_1(v))
        return real_function(vm, v, asin);
    double complex result = complex_of_parts(M_PI_2, -area_cosine(v));
    return make_inexact_complex(vm, number_sign(v) < 0 ? -result : result);
}

value number_acos(struct vm *vm, value v) {
    if (v == fixnum(1))
        return fixnum(0);
    if (is_complex(v))
        return complex_function(vm, v, cacos);
    if (!is_above_1(v))
        return real_function(vm, v, acos);
    double complex result = number_sign(v) < 0 ? complex_of_parts(M_PI, -area_cosine(v))
                                               : complex_of_parts(0, area_cosine(v));
    return make_inexact_complex(vm, result);
}

value number_atan(struct vm *vm, value v) {
    if (v == fixnum(0))
        return v;
    if (!is_complex(v))
        return real_function(vm, v, atan);
    double complex z = complex_double(v);
    if (number_real_part(v) == fixnum(0)) {
        if (fabs(cimag(z)) == 1)
            return raise_error(vm, "atan", "no value at", 1, v);
        if (cimag(z) < -1) /* on the cut: as the formula has it */
            z = complex_of_parts(-0.0, cimag(z));
    }
    return make_inexact_complex(vm, catan(z));
}

/* Of exact numbers, scaled by the same power of two so that the larger is a double. */
static double exact_angle(struct vm *vm, value y, value x) {
    value live[2] = {y, x};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    int64_t a = number_exponent(y), b = number_exponent(x), most = a > b ? a : b;
    live[0] = number_scale(vm, live[0], -most);
    live[1] = number_scale(vm, live[1], -most);
    double angle = atan2(number_double(live[0]), number_double(live[1]));
    gait_pop_frame(vm->mutator);
    return angle;
}

/* Beside an infinity or an inexact 0 only the sign matters. */
static bool hides_size(value v) {
    return is_flonum(v) && (!isfinite(flonum_value(v)) || flonum_value(v) == 0);
}

value number_atan_of(struct vm *vm, value y, value x) {
    if (y == fixnum(0) && is_exact(x) && number_sign(x) >= 0)
        return y;
    if (number_fits_double(y) && number_fits_double(x))
        return make_flonum(vm, atan2(number_double(y), number_double(x)));
    if (hides_size(y))
        return make_flonum(vm, atan2(flonum_value(y), number_sign(x)));
    if (hides_size(x))
        return make_flonum(vm, atan2(number_sign(y), flonum_value(x)));
    value live[2] = {y, x};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = number_exact(vm, "atan", y);
    live[1] = number_exact(vm, "atan", x);
    double angle = exact_angle(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return make_flonum(vm, angle);
}

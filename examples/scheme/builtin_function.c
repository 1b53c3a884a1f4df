/* SPDX-License-Identifier: MIT */
/*
 * Parts of complex numbers, and functions of any number.
 */
#include "builtin.h"
#include "number.h"

/* ---- Complex numbers ----------------------------------------------------------------------- */

BUILTIN(make_rectangular_) {
    NEED_ALL(is_real, "make-rectangular", "real number");
    return make_rectangular(vm, a[0], a[1]);
}

BUILTIN(make_polar_) {
    NEED_ALL(is_real, "make-polar", "real number");
    return make_polar(vm, a[0], a[1]);
}

BUILTIN(real_part) {
    NEED(is_number, "real-part", "number", a[0]);
    return number_real_part(a[0]);
}

BUILTIN(imaginary_part) {
    NEED(is_number, "imag-part", "number", a[0]);
    return number_imaginary_part(a[0]);
}

/* ---- Functions of any number --------------------------------------------------------------- */

#define FUNCTION(name, who)                                                                        \
    BUILTIN(name##_) {                                                                             \
        NEED(is_number, who, "number", a[0]);                                                      \
        return number_##name(vm, a[0]);                                                            \
    }
FUNCTION(magnitude, "magnitude")
FUNCTION(angle, "angle")
FUNCTION(exp, "exp")
FUNCTION(sin, "sin")
FUNCTION(cos, "cos")
FUNCTION(tan, "tan")
FUNCTION(asin, "asin")
FUNCTION(acos, "acos")
FUNCTION(sqrt, "sqrt")

BUILTIN(log_) {
    NEED_ALL(is_number, "log", "number");
    return count == 1 ? number_log(vm, a[0]) : number_log_base(vm, a[0], a[1]);
}

BUILTIN(atan_) {
    if (count == 1) {
        NEED(is_number, "atan", "number", a[0]);
        return number_atan(vm, a[0]);
    }
    NEED_ALL(is_real, "atan", "real number");
    return number_atan_of(vm, a[0], a[1]);
}

BUILTIN(exact_integer_sqrt) {
    if (!is_exact_integer(a[0]) || integer_sign(a[0]) < 0)
        return raise_type(vm, "exact-integer-sqrt", "natural number", a[0]);
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = integer_root(vm, a[0], &live[1]);
    value result = make_values(vm, 2, live);
    gait_pop_frame(vm->mutator);
    return result;
}

BUILTIN(expt) {
    NEED(is_number, "expt", "number", a[0]);
    NEED(is_number, "expt", "number", a[1]);
    return number_expt(vm, a[0], a[1]);
}

void builtin_functions_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"make-rectangular", make_rectangular_, 2, 2},
        {"make-polar", make_polar_, 2, 2},
        {"real-part", real_part, 1, 1},
        {"imag-part", imaginary_part, 1, 1},
        {"magnitude", magnitude_, 1, 1},
        {"angle", angle_, 1, 1},
        {"exp", exp_, 1, 1},
        {"log", log_, 1, 2},
        {"sin", sin_, 1, 1},
        {"cos", cos_, 1, 1},
        {"tan", tan_, 1, 1},
        {"asin", asin_, 1, 1},
        {"acos", acos_, 1, 1},
        {"atan", atan_, 1, 2},
        {"sqrt", sqrt_, 1, 1},
        {"exact-integer-sqrt", exact_integer_sqrt, 1, 1},
        {"expt", expt, 2, 2},
    };
    DEFINE_BUILTINS(vm, entries);
}

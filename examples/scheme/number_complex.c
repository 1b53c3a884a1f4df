/* SPDX-License-Identifier: MIT */
/*
 * Complex numbers: making them, their parts, arithmetic.
 *
 * A real number meets a complex one as what it is: its imaginary part is an exact 0, which takes
 * part in nothing. So signs of zeros are kept and infinities make no NaN: (- 1 0.0+0.0i) is
 * 1.0-0.0i.
 */
#include "number.h"

#include <complex.h>
#include <math.h>

/* C's complex numbers. I * x + y would not keep infinities and signs of zeros. */
double complex complex_of_parts(double real, double imaginary) {
    union {
        double parts[2];
        double complex number;
    } u = {{real, imaginary}};
    return u.number;
}

double complex complex_double(value v) {
    return complex_of_parts(number_double(number_real_part(v)),
                            number_double(number_imaginary_part(v)));
}

static value make_complex(struct vm *vm, value real, value imaginary) {
    vm->made[0] = real;
    vm->made[1] = imaginary;
    struct complex_number *number = allocate(vm, TYPE_COMPLEX, sizeof *number);
    number->header = HEADER(TYPE_COMPLEX, 0);
    gait_init(&number->real, real);
    gait_init(&number->imaginary, imaginary);
    return (value)number;
}

value make_rectangular(struct vm *vm, value real, value imaginary) {
    if (imaginary == fixnum(0))
        return real;
    if (is_flonum(real) == is_flonum(imaginary))
        return make_complex(vm, real, imaginary);
    return make_inexact_complex(vm,
                                complex_of_parts(number_double(real), number_double(imaginary)));
}

value make_inexact_complex(struct vm *vm, double complex z) {
    value live[2] = {make_flonum(vm, creal(z)), 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = make_flonum(vm, cimag(z));
    value result = make_complex(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

value make_polar(struct vm *vm, value magnitude, value angle) {
    if (magnitude == fixnum(0) || angle == fixnum(0))
        return magnitude;
    value live[4] = {magnitude, angle, number_cos(vm, angle), 0};
    if (!live[2])
        return RAISED;
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 4);
    live[3] = number_sin(vm, angle);
    double m = number_double(magnitude);
    double complex z = complex_of_parts(m * flonum_value(live[2]), m * flonum_value(live[3]));
    gait_pop_frame(vm->mutator);
    return make_inexact_complex(vm, z);
}

value number_real_part(value v) { return is_complex(v) ? complex_number_of(v)->real : v; }

value number_imaginary_part(value v) {
    return is_complex(v) ? complex_number_of(v)->imaginary : fixnum(0);
}

value number_magnitude_square(struct vm *vm, value v) {
    value live[2] = {number_real_part(v), number_imaginary_part(v)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = number_arithmetic(vm, MULTIPLY, live[0], live[0]);
    live[1] = number_arithmetic(vm, MULTIPLY, live[1], live[1]);
    live[0] = number_arithmetic(vm, ADD, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

value number_magnitude(struct vm *vm, value v) {
    if (is_flonum(v))
        return make_flonum(vm, fabs(flonum_value(v)));
    if (!is_complex(v))
        return number_sign(v) < 0 ? number_negate(vm, v) : v;
    value real = number_real_part(v), imaginary = number_imaginary_part(v);
    if (is_flonum(real))
        return make_flonum(vm, hypot(flonum_value(real), flonum_value(imaginary)));
    value live[2] = {v, number_magnitude_square(vm, v)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = number_sqrt(vm, live[1]);
    gait_pop_frame(vm->mutator);
    return live[1];
}

value number_angle(struct vm *vm, value v) {
    if (is_flonum(v)) /* by its sign, that of -0.0 too */
        return make_flonum(vm, atan2(0, flonum_value(v)));
    return number_atan_of(vm, number_imaginary_part(v), number_real_part(v));
}

/* ---- Arithmetic ---------------------------------------------------------------------------- */

/* Of exact numbers by their parts. x is a + bi, y is c + di. */
static value exact_arithmetic(struct vm *vm, enum arithmetic operation, value x, value y) {
    enum { A, B, C, D, FIRST, SECOND, LIVE };
    value live[LIVE] = {number_real_part(x), number_imaginary_part(x), number_real_part(y),
                        number_imaginary_part(y)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, LIVE);
#define SET(to, left, operation, right)                                                            \
    live[to] = number_arithmetic(vm, operation, live[left], live[right])
    switch (operation) {
    case ADD:
    case SUBTRACT:
        SET(A, A, operation, C);
        SET(B, B, operation, D);
        break;
    case DIVIDE:
        /* Times the conjugate, by the square of the magnitude. */
        live[FIRST] = number_magnitude_square(vm, y);
        SET(A, A, DIVIDE, FIRST);
        SET(B, B, DIVIDE, FIRST);
        live[D] = number_negate(vm, live[D]);
        /* fall through */
    case MULTIPLY:
        SET(FIRST, A, MULTIPLY, C);
        SET(SECOND, B, MULTIPLY, D);
        SET(FIRST, FIRST, SUBTRACT, SECOND);
        SET(SECOND, A, MULTIPLY, D);
        SET(B, B, MULTIPLY, C);
        SET(B, B, ADD, SECOND);
        live[A] = live[FIRST];
        break;
    }
#undef SET
    value result = make_rectangular(vm, live[A], live[B]);
    gait_pop_frame(vm->mutator);
    return result;
}

/* A product that an exact 0 has no part in: infinity times it is no NaN. */
static value scale_part(struct vm *vm, enum arithmetic operation, value part, value by) {
    return part == fixnum(0) ? part : number_arithmetic(vm, operation, part, by);
}

/* A complex number and a real one: part by part. */
static value real_arithmetic(struct vm *vm, enum arithmetic operation, value x, value y) {
    bool real_first = !is_complex(x);
    value z = real_first ? y : x;
    value live[4] = {x, y, 0, number_imaginary_part(z)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 4);
    if (operation == MULTIPLY || operation == DIVIDE) {
        value by = real_first ? x : y;
        live[2] = scale_part(vm, operation, number_real_part(z), by);
        live[3] = scale_part(vm, operation, live[3], by);
    } else {
        live[2] = number_arithmetic(vm, operation, number_real_part(x), number_real_part(y));
        if (real_first && operation == SUBTRACT)
            live[3] = number_negate(vm, live[3]);
    }
    value result = make_rectangular(vm, live[2], live[3]);
    gait_pop_frame(vm->mutator);
    return result;
}

/* r / (c + di), scaled so that no square overflows, and none that matters underflows. */
static double complex divide_real(double r, double c, double d) {
    double largest = fmax(fabs(c), fabs(d));
    if (largest == 0 || !isfinite(c) || !isfinite(d))
        return r / complex_of_parts(c, d);
    int exponent = ilogb(largest);
    c = scalbn(c, -exponent);
    d = scalbn(d, -exponent);
    r /= c * c + d * d;
    return complex_of_parts(scalbn(r * c, -exponent), scalbn(-r * d, -exponent));
}

static value inexact_arithmetic(struct vm *vm, enum arithmetic operation, value x, value y) {
    double complex a = complex_double(x), b = complex_double(y), result = 0;
    switch (operation) {
    case ADD:
        result = a + b;
        break;
    case SUBTRACT:
        result = a - b;
        break;
    case MULTIPLY:
        result = a * b;
        break;
    case DIVIDE:
        result = is_complex(x) ? a / b : divide_real(creal(a), creal(b), cimag(b));
        break;
    }
    return make_inexact_complex(vm, result);
}

/* Has it an exact part that no double can stand for? */
static bool is_wide(value v) {
    return is_exact(v) && !(number_fits_double(number_real_part(v)) &&
                            number_fits_double(number_imaginary_part(v)));
}

static bool is_finite(value v) {
    return isfinite(number_double(number_real_part(v))) &&
           isfinite(number_double(number_imaginary_part(v)));
}

value complex_arithmetic(struct vm *vm, enum arithmetic operation, value x, value y) {
    if (is_exact(x) && is_exact(y))
        return exact_arithmetic(vm, operation, x, y);
    bool quotient_by_complex = operation == DIVIDE && is_complex(y);
    if (is_complex(x) != is_complex(y) && !quotient_by_complex)
        return real_arithmetic(vm, operation, x, y);
    if (!is_wide(x) && !is_wide(y))
        return inexact_arithmetic(vm, operation, x, y);
    value inexact = is_exact(x) ? y : x;
    if (!is_finite(inexact) || (operation == DIVIDE && inexact == y && number_is_zero(y)))
        return inexact_arithmetic(vm, operation, x, y);
    value live[2] = {x, y};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[0] = number_exact(vm, NULL, x);
    live[1] = number_exact(vm, NULL, y);
    live[0] = number_arithmetic(vm, operation, live[0], live[1]);
    /* What became real by the way is still inexact, and complex. */
    if (!is_complex(live[0]))
        live[0] = make_inexact_complex(vm, complex_double(live[0]));
    else
        live[0] = number_inexact(vm, live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text, in and out. A flonum is written with the fewest digits that read back as it.
 */
#include "number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

static int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    return 99;
}

/* How many digits of this radix the text starts with. */
static size_t digits(const char *text, int radix) {
    size_t count = 0;
    while (digit_value(text[count]) < radix)
        count++;
    return count;
}

static value parse_decimal(struct vm *vm, const char *text) {
    const char *p = text;
    if (*p == '+' || *p == '-')
        p++;
    size_t whole = digits(p, 10), part = 0;
    p += whole;
    if (*p == '.')
        part = digits(++p, 10);
    p += part;
    if (whole + part == 0)
        return FALSE;
    if (*p == 'e') {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        size_t exponent = digits(p, 10);
        if (!exponent)
            return FALSE;
        p += exponent;
    }
    return *p ? FALSE : make_flonum(vm, strtod(text, NULL));
}

/* The exact number that a decimal such as 1.25e3 denotes. */
static value parse_exact_decimal(struct vm *vm, const char *text) {
    value approximate = parse_decimal(vm, text);
    if (approximate == FALSE)
        return FALSE;
    char *figures = malloc(strlen(text) + 1), *to = figures;
    if (!figures)
        abort();
    const char *p = text;
    int64_t exponent = 0;
    bool fraction = false;
    for (; *p && *p != 'e'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction;
        *to++ = *p;
    }
    *to = 0;
    if (*p == 'e')
        exponent += strtoll(p + 1, NULL, 10);
    value live[2] = {integer_parse(vm, figures, 10), 0};
    free(figures);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    value result = FALSE;
    if (live[0] != FALSE && llabs(exponent) < 100000) {
        live[1] = integer_power(vm, fixnum(10), (uint64_t)llabs(exponent));
        result = exponent < 0 ? make_ratio(vm, live[0], live[1])
                              : integer_arithmetic(vm, MULTIPLY, live[0], live[1]);
    }
    gait_pop_frame(vm->mutator);
    return result;
}

static value parse_ratio(struct vm *vm, const char *text, const char *slash, int radix) {
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    char *top = strndup(text, (size_t)(slash - text));
    live[0] = integer_parse(vm, top, radix);
    free(top);
    live[1] = integer_parse(vm, slash + 1, radix);
    value result = FALSE;
    if (live[0] != FALSE && live[1] != FALSE && live[1] != fixnum(0))
        result = make_ratio(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

static value parse_real(struct vm *vm, const char *text, int radix, char exactness) {
    if (!strcmp(text, "+inf.0") || !strcmp(text, "-inf.0"))
        return make_flonum(vm, *text == '-' ? -INFINITY : INFINITY);
    if (!strcmp(text, "+nan.0") || !strcmp(text, "-nan.0"))
        return make_flonum(vm, NAN);
    const char *p = text;
    if (*p == '+' || *p == '-')
        p++;
    size_t whole = digits(p, radix);
    if (whole && !p[whole])
        return integer_parse(vm, text, radix);
    if (whole && p[whole] == '/') {
        size_t below = digits(p + whole + 1, radix);
        return below && !p[whole + 1 + below] ? parse_ratio(vm, text, p + whole, radix) : FALSE;
    }
    if (radix != 10)
        return FALSE;
    return exactness == 'e' ? parse_exact_decimal(vm, text) : parse_decimal(vm, text);
}

value number_parse(struct vm *vm, const char *text, int radix) {
    /* Most of what is tried here is a symbol. */
    if (!isalnum((unsigned char)text[0]) && !strchr("+-.#", text[0]))
        return FALSE;
    char *folded = strdup(text), *p = folded, exactness = 0;
    if (!folded)
        abort();
    for (char *c = folded; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    for (; p[0] == '#' && p[1]; p += 2) {
        switch (p[1]) {
        case 'x':
            radix = 16;
            break;
        case 'd':
            radix = 10;
            break;
        case 'o':
            radix = 8;
            break;
        case 'b':
            radix = 2;
            break;
        case 'e':
        case 'i':
            exactness = p[1];
            break;
        default:
            free(folded);
            return FALSE;
        }
    }
    value live[1] = {*p ? parse_real(vm, p, radix, exactness) : FALSE};
    free(folded);
    if (live[0] == FALSE || !exactness)
        return live[0];
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    if (exactness == 'i')
        live[0] = number_inexact(vm, live[0]);
    else if (!is_rational(live[0]))
        live[0] = FALSE; /* #e+inf.0 */
    else
        live[0] = number_exact(vm, "string->number", live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

static char *flonum_text(double d) {
    if (isnan(d))
        return strdup("+nan.0");
    if (isinf(d))
        return strdup(d > 0 ? "+inf.0" : "-inf.0");
    char text[40];
    /* 15 digits always suffice to tell most numbers apart; subnormal ones have fewer. */
    int precision = fabs(d) < 1e-300 ? 1 : 15;
    do
        snprintf(text, sizeof text, "%.*e", precision - 1, d);
    while (strtod(text, NULL) != d && precision++ < 17);
    char *exponent_mark = strchr(text, 'e');
    int exponent = atoi(exponent_mark + 1);
    /* The digits alone, without zeros at the end. */
    char figures[24];
    int count = 0;
    for (char *c = text; c < exponent_mark; c++)
        if (isdigit((unsigned char)*c))
            figures[count++] = *c;
    while (count > 1 && figures[count - 1] == '0')
        count--;
    figures[count] = 0;
    const char *sign = signbit(d) ? "-" : "";
    char *result = malloc(64);
    if (!result)
        abort();
    if (exponent >= 21 || exponent < -6)
        snprintf(result, 64, "%s%c%s%se%d", sign, figures[0], count > 1 ? "." : "", figures + 1,
                 exponent);
    else if (exponent < 0)
        snprintf(result, 64, "%s0.%.*s%s", sign, -exponent - 1, "0000000000", figures);
    else if (count <= exponent + 1)
        snprintf(result, 64, "%s%s%.*s.0", sign, figures, exponent + 1 - count,
                 "0000000000000000000000");
    else
        snprintf(result, 64, "%s%.*s.%s", sign, exponent + 1, figures, figures + exponent + 1);
    return result;
}

char *number_text(value v, int radix) {
    if (is_flonum(v))
        return flonum_text(flonum_value(v));
    if (!has_type(v, TYPE_RATIO))
        return integer_text(v, radix);
    char *top = integer_text(ratio_of(v)->numerator, radix);
    char *below = integer_text(ratio_of(v)->denominator, radix);
    size_t room = strlen(top) + strlen(below) + 2;
    char *text = malloc(room);
    if (!text)
        abort();
    snprintf(text, room, "%s/%s", top, below);
    free(top);
    free(below);
    return text;
}

/* SPDX-License-Identifier: MIT */
/*
 * Numbers from text.
 *
 * What R7RS allows, and in every radix what number_text writes: a decimal point, so that flonums
 * come back as they were. Exponents are for radix 10 alone; in the others the letters are digits.
 * From radix 19 on i is a digit too, and ends an imaginary part only behind a real one: +2i is an
 * integer there, 0+2i is not.
 */
#include "number.h"
#include "scratch.h"

#include <ctype.h>
#include <math.h>

/* A decimal that is to be exact has no larger exponent. Guess: such a number takes 4 MiB. */
#define MOST_EXPONENT 10000000

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

static const char *skip_sign(const char *text) { return text + (*text == '+' || *text == '-'); }

/* Short, single, double and long flonums are all double. */
static bool is_exponent_mark(char c) { return c && strchr("esfdl", c); }

/* Digits with a point among them, and an exponent. @return where the exponent's mark is, or the
 * text's end; NULL: it is no decimal. */
static char *decimal_end(char *text, int radix) {
    const char *p = skip_sign(text);
    size_t whole = digits(p, radix), part = 0;
    p += whole;
    if (*p == '.')
        part = digits(++p, radix);
    p += part;
    if (whole + part == 0)
        return NULL;
    const char *end = p;
    if (radix == 10 && is_exponent_mark(*p)) {
        p = skip_sign(p + 1);
        size_t exponent = digits(p, 10);
        if (!exponent)
            return NULL;
        p += exponent;
    }
    return *p ? NULL : text + (end - text);
}

/* The exact number that a decimal such as 1.25e3 denotes; FALSE: its exponent is too large. */
static value exact_decimal(struct vm *vm, const char *text, const char *end, int radix) {
    char *figures = checked(malloc(strlen(text) + 1)), *to = figures;
    int64_t exponent = *end ? strtoll(end + 1, NULL, 10) : 0;
    if (llabs(exponent / 2) > MOST_EXPONENT) {
        free(figures);
        return FALSE;
    }
    bool fraction = false;
    for (const char *p = text; p < end; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        exponent -= fraction;
        *to++ = *p;
    }
    *to = 0;
    value live[2] = {integer_parse(vm, figures, radix), 0};
    free(figures);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    value result = RAISED;
    if ((live[1] = integer_power(vm, fixnum(radix), (uint64_t)llabs(exponent))))
        result = exponent < 0 ? make_ratio(vm, live[0], live[1])
                              : integer_arithmetic(vm, MULTIPLY, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

static value parse_decimal(struct vm *vm, char *text, int radix, char exactness) {
    char *end = decimal_end(text, radix);
    if (!end)
        return FALSE;
    if (radix == 10 && exactness != 'e') {
        if (*end)
            *end = 'e';
        return make_flonum(vm, strtod(text, NULL));
    }
    value live[1] = {exact_decimal(vm, text, end, radix)};
    if (live[0] == FALSE || exactness == 'e')
        return live[0];
    if (live[0] == fixnum(0))
        return make_flonum(vm, *text == '-' ? -0.0 : 0.0);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    live[0] = number_inexact(vm, live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

static value parse_ratio(struct vm *vm, const char *text, const char *slash, int radix) {
    value live[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    char *top = checked(strndup(text, (size_t)(slash - text)));
    live[0] = integer_parse(vm, top, radix);
    free(top);
    live[1] = integer_parse(vm, slash + 1, radix);
    value result = FALSE;
    if (live[0] != FALSE && live[1] != FALSE && live[1] != fixnum(0))
        result = make_ratio(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result;
}

/* With an exactness of 'e' exact, without precision lost by the way. */
static value parse_real(struct vm *vm, char *text, int radix, char exactness) {
    const char *p = skip_sign(text);
    if (p > text && (!strcmp(p, "inf.0") || !strcmp(p, "nan.0"))) {
        double d = *p == 'n' ? NAN : *text == '-' ? -INFINITY : INFINITY;
        return exactness == 'e' ? FALSE : make_flonum(vm, d);
    }
    size_t whole = digits(p, radix);
    if (whole && !p[whole])
        return integer_parse(vm, text, radix);
    if (whole && p[whole] == '/') {
        size_t below = digits(p + whole + 1, radix);
        return below && !p[whole + 1 + below] ? parse_ratio(vm, text, p + whole, radix) : FALSE;
    }
    return parse_decimal(vm, text, radix, exactness);
}

/* The last sign that is not an exponent's; NULL: there is none. */
static char *last_sign(char *text, int radix) {
    for (char *p = text + strlen(text); p-- > text;) {
        if (*p != '+' && *p != '-')
            continue;
        bool exponent = radix == 10 && p >= text + 2 && is_exponent_mark(p[-1]) &&
                        (isdigit((unsigned char)p[-2]) || p[-2] == '.');
        if (!exponent)
            return p;
    }
    return NULL;
}

static value parse_polar(struct vm *vm, char *text, char *at, int radix, char exactness) {
    *at = 0;
    value live[2] = {parse_real(vm, text, radix, exactness), FALSE};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (live[0] != FALSE)
        live[1] = parse_real(vm, at + 1, radix, exactness);
    value result = live[1] == FALSE ? FALSE : make_polar(vm, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return result ? result : FALSE;
}

/* The sign is that of the imaginary part, which goes on up to the i at the end. */
static value parse_rectangular(struct vm *vm, char *text, char *sign, int radix, char exactness) {
    sign[strlen(sign) - 1] = 0;
    value live[2] = {fixnum(*sign == '-' ? -1 : 1), fixnum(0)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (sign[1])
        live[0] = parse_real(vm, sign, radix, exactness);
    *sign = 0;
    if (sign > text && live[0] != FALSE)
        live[1] = parse_real(vm, text, radix, exactness);
    value result =
        live[0] == FALSE || live[1] == FALSE ? FALSE : make_rectangular(vm, live[1], live[0]);
    gait_pop_frame(vm->mutator);
    return result;
}

static value parse_number(struct vm *vm, char *text, int radix, char exactness) {
    if (!*text)
        return FALSE;
    char *at = strchr(text, '@');
    if (at)
        return parse_polar(vm, text, at, radix, exactness);
    if (text[strlen(text) - 1] == 'i') {
        char *sign = last_sign(text, radix);
        if (sign && (sign > text || radix < RADIX_WITH_I))
            return parse_rectangular(vm, text, sign, radix, exactness);
    }
    return parse_real(vm, text, radix, exactness);
}

/* Take what begins with #: of radix and exactness one each at most. @return the rest, or NULL. */
static char *parse_prefixes(char *text, int *radix, char *exactness) {
    static const char marks[] = "bodx";
    static const int radixes[] = {2, 8, 10, 16};
    bool has_radix = false;
    for (; *text == '#'; text += 2) {
        const char *mark = text[1] ? strchr(marks, text[1]) : NULL;
        if (mark && !has_radix) {
            *radix = radixes[mark - marks];
            has_radix = true;
        } else if ((text[1] == 'e' || text[1] == 'i') && !*exactness) {
            *exactness = text[1];
        } else {
            return NULL;
        }
    }
    return text;
}

value number_parse(struct vm *vm, const char *text, int radix) {
    /* Most of what is tried here is a symbol. */
    if (!strchr("+-.#", text[0]) && digit_value((char)tolower((unsigned char)text[0])) >= radix)
        return FALSE;
    char *folded = checked(strdup(text)), exactness = 0;
    for (char *c = folded; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    char *rest = parse_prefixes(folded, &radix, &exactness);
    value live[1] = {rest ? parse_number(vm, rest, radix, exactness) : FALSE};
    free(folded);
    if (live[0] == FALSE || !exactness)
        return live[0];
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    if (exactness == 'i')
        live[0] = number_inexact(vm, live[0]);
    else /* a complex number by its angle is not exact yet, but finite */
        live[0] = number_exact(vm, "string->number", live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

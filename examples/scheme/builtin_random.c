/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: xoshiro256++ of Blackman and Vigna, seeded by splitmix64. Not for secrets.
 *
 * A generator's state is a bytevector of its four words, never all 0; prelude/random.scm makes
 * random sources of them. What is drawn from one state is the same on every machine of the same
 * byte order.
 */
#include "builtin.h"
#include "number.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

enum { STATE_WORDS = 4, STATE_BYTES = STATE_WORDS * sizeof(uint64_t) };

struct generator {
    uint64_t words[STATE_WORDS];
};

static uint64_t rotate(uint64_t x, int left) { return x << left | x >> (64 - left); }

static uint64_t draw(void *state) {
    uint64_t *s = ((struct generator *)state)->words;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0], carried = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= carried;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Between 0 and 1, neither of them: the middles of 2^52 intervals. */
static double draw_real(struct generator *generator) {
    return ((double)(draw(generator) >> 12) + 0.5) * 0x1p-52;
}

/* The next number of splitmix64. */
static uint64_t split(uint64_t *counter) {
    uint64_t z = *counter += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static struct generator load(value state) {
    struct generator generator;
    memcpy(generator.words, bytevector_of(state)->bytes, STATE_BYTES);
    return generator;
}

static void save(value state, const struct generator *generator) {
    memcpy(bytevector_of(state)->bytes, generator->words, STATE_BYTES);
}

/* ---- States -------------------------------------------------------------------------------- */

static bool is_state(value v) {
    static const uint8_t none[STATE_BYTES];
    return is_bytevector(v) && length_of(v) == STATE_BYTES &&
           memcmp(bytevector_of(v)->bytes, none, STATE_BYTES) != 0;
}

PREDICATE(random_state_p, is_state(a[0]))

/* (%random-seed! state integer): each bit of it counts. Without an integer: as nobody can tell. */
BUILTIN(random_seed) {
    struct generator generator;
    uint64_t counter = 0;
    if (count == 1) {
        struct timespec now;
        if (getentropy(&counter, sizeof counter) != 0) {
            clock_gettime(CLOCK_REALTIME, &now);
            counter = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        }
    } else {
        NEED(is_exact_integer, "random-seed!", "exact integer", a[1]);
        integer_get(vm->integer, a[1]);
        counter = mpz_sgn(vm->integer) < 0;
        for (size_t i = 0; i < mpz_size(vm->integer); i++)
            counter = split(&counter) ^ mpz_getlimbn(vm->integer, (mp_size_t)i);
    }
    for (int i = 0; i < STATE_WORDS; i++)
        generator.words[i] = split(&counter);
    save(a[0], &generator);
    return UNSPECIFIED;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static bool is_positive_integer(value v) { return is_exact_integer(v) && integer_sign(v) > 0; }

static value random_integer_below(struct vm *vm, value state, value limit) {
    struct generator generator = load(state);
    value result = integer_random(vm, limit, draw, &generator);
    save(state, &generator);
    return result;
}

BUILTIN(random_integer) {
    NEED(is_positive_integer, "random-integer", "positive exact integer", a[1]);
    return random_integer_below(vm, a[0], a[1]);
}

BUILTIN(random_real) {
    struct generator generator = load(a[0]);
    double d = draw_real(&generator);
    save(a[0], &generator);
    return make_flonum(vm, d);
}

/* (%random state limit): an integer below an integer, a flonum below a flonum. */
BUILTIN(random_) {
    if (is_positive_integer(a[1]))
        return random_integer_below(vm, a[0], a[1]);
    if (!is_flonum(a[1]) || !isfinite(flonum_value(a[1])) || flonum_value(a[1]) <= 0)
        return raise_type(vm, "random", "positive exact integer or finite flonum", a[1]);
    struct generator generator = load(a[0]);
    double limit = flonum_value(a[1]), d;
    do
        d = limit * draw_real(&generator);
    while (d >= limit); /* a subnormal limit, rounded up to */
    save(a[0], &generator);
    return make_flonum(vm, d);
}

void builtin_random_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"%random-state?", random_state_p, 1, 1},
        {"%random-seed!", random_seed, 1, 2},
        {"%random-integer", random_integer, 2, 2},
        {"%random-real", random_real, 1, 1},
        {"%random", random_, 2, 2},
    };
    DEFINE_BUILTINS(vm, entries);
}

/* SPDX-License-Identifier: MIT */
/*
 * Perturbed schedules: the setting, and the delays. In checked builds only. See perturb.h.
 *
 * Points stand under locks of every rank and where signals and cancellation may come, so a delay
 * takes no lock and is no cancellation point.
 */
#include "perturb.h"

#include "platform.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of a million passages of an eager point, how many wait in each way; of another point, one in
 * QUIET so many. Measured: the stress programs do a third to a tenth of what they do without. */
struct chances {
    uint32_t yields, shorts, longs;
};

enum rate { RARE, OFTEN, ALWAYS };

static const struct chances rates[] = {
    [RARE] = {100000, 100000, 50000},
    [OFTEN] = {30000, 10000, 1500},
    [ALWAYS] = {3000, 500, 100},
};

enum wait_kind { NEVER, QUIETLY, EAGERLY, BY_SEED };

/* A quarter of the points is eager, and the others are not; all are that were named. */
#define EAGER_ONE_IN 4
#define QUIET 32
#define SHORT_NS_LEAST 10000
#define SHORT_NS_MOST 100000

static const struct {
    const char *word;
    enum rate rate;
} points[] = {
#define X(constant, word, rate) {word, rate},
    PERTURB_POINTS(X)
#undef X
};

volatile AO_t perturb_armed;  /* raised by each arming: its number; 0: off. Its release
                               * store publishes the words below, except for the counters */
static volatile AO_t armings; /* how often it was armed                          */
static volatile AO_t seed_now;
static volatile AO_t longest_ns;
static volatile AO_t wait_kinds[PERTURB_POINT_COUNT]; /* enum wait_kind, but BY_SEED */
static volatile AO_t threads;                         /* threads counted so far; unordered */
static volatile AO_t delays[PERTURB_POINT_COUNT];     /* unordered */

/* Of this thread alone. */
static _Thread_local struct {
    AO_t arming; /* to which the rest belongs */
    uint64_t thread;
    uint32_t passages[PERTURB_POINT_COUNT];
} mine;

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t mix_in(uint64_t state, uint64_t word) {
    return mix(state + word * UINT64_C(0x9e3779b97f4a7c15) + 1);
}

/* How the points that this word of length bytes names wait: `all`, a group, or one. @return
 * negative: there is none. */
static int choose_word(const char *word, size_t length, enum wait_kind *choice) {
    bool all = length == 3 && memcmp(word, "all", 3) == 0, any = all;
    for (unsigned point = 0; point < PERTURB_POINT_COUNT; point++) {
        const char *name = points[point].word;
        bool named = length > 0 && strncmp(word, name, length) == 0 &&
                     (name[length] == '.' || name[length] == '\0');
        any |= named;
        if (named)
            choice[point] = EAGERLY;
        else if (all && choice[point] == NEVER)
            choice[point] = BY_SEED;
    }
    return any ? 0 : -1;
}

/* The same for words joined by `+`. */
static int choose(const char *text, size_t text_length, enum wait_kind *choice) {
    for (unsigned point = 0; point < PERTURB_POINT_COUNT; point++)
        choice[point] = NEVER;
    for (const char *end = text + text_length;; text++) {
        size_t length = strcspn(text, "+:");
        if (choose_word(text, length, choice) < 0)
            return -1;
        text += length;
        if (text >= end)
            return 0;
    }
}

static void arm(uint64_t seed, const enum wait_kind *choice, size_t longest_us) {
    perturb_disarm();
    AO_store(&seed_now, (AO_t)seed);
    AO_store(&longest_ns, (AO_t)longest_us * 1000);
    AO_store(&threads, 0);
    for (unsigned point = 0; point < PERTURB_POINT_COUNT; point++) {
        bool eager = mix_in(mix(seed), point) % EAGER_ONE_IN == 0;
        AO_store(&wait_kinds[point], choice[point] != BY_SEED ? choice[point]
                                     : eager                  ? EAGERLY
                                                              : QUIETLY);
        AO_store(&delays[point], 0);
    }
    AO_store_release(&perturb_armed, AO_fetch_and_add1(&armings) + 1); /* partner: perturb_pass */
}

int perturb_arm(uint64_t seed, const char *text, size_t longest_us) {
    enum wait_kind choice[PERTURB_POINT_COUNT];
    text = text ? text : "all";
    if (strchr(text, ':') || choose(text, strlen(text), choice) < 0)
        return -1;
    arm(seed, choice, longest_us);
    return 0;
}

/* Read digits up to the end or a colon. @return what follows them, NULL: malformed. */
static const char *read_number(const char *text, uint64_t *number) {
    if (*text < '0' || *text > '9')
        return NULL;
    char *rest;
    errno = 0;
    *number = strtoull(text, &rest, 10);
    return errno || (*rest && *rest != ':') ? NULL : rest;
}

/* Read GAIT_PERTURB. @return negative: malformed. */
static int read_text(const char *text, uint64_t *seed, enum wait_kind *choice,
                     uint64_t *longest_us) {
    const char *words = "all";
    size_t length = 3;
    *longest_us = PERTURB_LONGEST_US;
    if (!(text = read_number(text, seed)))
        return -1;
    if (*text == ':') {
        words = text + 1;
        length = strcspn(words, ":");
        text = words + length;
    }
    if (*text == ':' && (!(text = read_number(text + 1, longest_us)) || *longest_us > 10000000))
        return -1;
    return *text ? -1 : choose(words, length, choice);
}

int perturb_arm_text(const char *text) {
    uint64_t seed, longest_us;
    enum wait_kind choice[PERTURB_POINT_COUNT];
    if (read_text(text, &seed, choice, &longest_us) < 0)
        return -1;
    arm(seed, choice, (size_t)longest_us);
    return 0;
}

void perturb_disarm(void) { AO_store(&perturb_armed, 0); }

size_t perturb_delays(enum perturb_point point) { return AO_load(&delays[point]); }

/* ---- A passage ---- */

/* Not platform_sleep_ns: this is no cancellation point, and a signal may end it. */
static void wait_ns(uint64_t ns) {
    uint32_t nobody_wakes = 0;
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                            .tv_nsec = (long)(ns % 1000000000)};
    syscall(SYS_futex, &nobody_wakes, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
}

/* This passage's random number. */
static uint64_t draw(AO_t arming, enum perturb_point point) {
    if (mine.arming != arming) {
        memset(&mine, 0, sizeof mine);
        mine.arming = arming;
        mine.thread = AO_fetch_and_add1(&threads);
    }
    uint64_t state = mix_in(AO_load(&seed_now), mine.thread);
    return mix_in(mix_in(state, (uint64_t)point), mine.passages[point]++);
}

void perturb_pass(enum perturb_point point) {
    AO_t arming = AO_load_acquire(&perturb_armed); /* partner: arm */
    AO_t kind = AO_load(&wait_kinds[point]);
    if (!arming || kind == NEVER)
        return;
    const struct chances *chances = &rates[points[point].rate];
    uint64_t number = draw(arming, point), of = (uint64_t)1000000 * (kind == EAGERLY ? 1 : QUIET);
    uint64_t at = (number & UINT32_MAX) * of >> 32, amount = number >> 32;
    uint64_t longs = chances->longs, shorts = longs + chances->shorts;
    if (at >= shorts + chances->yields)
        return;
    int kept_errno = errno;
    AO_fetch_and_add1(&delays[point]);
    uint64_t longest = AO_load(&longest_ns);
    uint64_t short_most = longest < SHORT_NS_MOST ? longest : SHORT_NS_MOST;
    if (at < longs)
        wait_ns((amount * amount >> 32) * longest >> 32); /* the longest are the rarest */
    else if (at < shorts && short_most > SHORT_NS_LEAST)
        wait_ns(SHORT_NS_LEAST + (amount * (short_most - SHORT_NS_LEAST) >> 32));
    else
        platform_yield();
    errno = kept_errno;
}

__attribute__((constructor)) static void arm_from_environment(void) {
    const char *text = platform_environment("GAIT_PERTURB");
    if (!text)
        return;
    uint64_t seed, longest_us;
    enum wait_kind choice[PERTURB_POINT_COUNT];
    if (read_text(text, &seed, choice, &longest_us) < 0)
        platform_fatal("GAIT_PERTURB=\"%.64s\": expected SEED[:POINTS[:MICROSECONDS]], as in "
                       "17:sweep+weak.read:4000",
                       text);
    if (seed == 0)
        seed = mix((uint64_t)platform_now_ns()) >> 32 | 1;
    fprintf(stderr, "gait: GAIT_PERTURB=%" PRIu64 "%s\n", seed, text + strspn(text, "0123456789"));
    arm(seed, choice, (size_t)longest_us);
}

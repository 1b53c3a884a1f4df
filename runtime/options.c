/* SPDX-License-Identifier: MIT */
/*
 * Reading the settings of a heap. Each value is text, from gait_config or from the environment,
 * and is taken whole or refused: no spaces, no signs, no numbers that don't fit. The decimal point
 * is a point in every locale. No state.
 */
#include "options.h"

#include "abi.h"
#include "error.h"
#include "platform/platform.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* How much of a refused value the error line quotes, bytes. */
enum { QUOTE_BYTES = 40 };

/* No library has, or will have, a larger gait_config: larger sizes are what was in memory. */
enum { CONFIG_BYTES_MOST = 4096 };

/* Where the line about the first malformed setting goes. */
struct error_line {
    char *text;
    size_t bytes;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct error_line *error,
                                                        const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_say_list(error->text, error->bytes, format, arguments);
    va_end(arguments);
    return GAIT_E_INVALID;
}

/** Quote what was given: cut when long, and without bytes that would break the line. */
static const char *quote(char quoted[static QUOTE_BYTES + 6], const char *given, size_t length) {
    char *to = quoted;
    *to++ = '"';
    for (size_t i = 0; i < length && i < QUOTE_BYTES; i++)
        *to++ = platform_steers(i ? given[i - 1] : 0, given[i]) ? '?' : given[i];
    strcpy(to, length > QUOTE_BYTES ? "...\"" : "\"");
    return quoted;
}

/* ---- Numbers. ------------------------------------------------------------------------------ */

/**
 * Read decimal digits from *text on, and move it past them.
 * @return negative: no digit, or more than largest.
 */
static int read_digits(const char **text, uint64_t largest, uint64_t *number) {
    const char *digit = *text;
    uint64_t sum = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        unsigned value = (unsigned)(*digit - '0');
        if (value > largest || sum > (largest - value) / 10)
            return -1;
        sum = sum * 10 + value;
    }
    if (digit == *text)
        return -1;
    *text = digit;
    *number = sum;
    return 0;
}

/** Read text that is a number and nothing else. */
static int read_number(const char *text, uint64_t largest, uint64_t *number) {
    return read_digits(&text, largest, number) == 0 && !*text ? 0 : -1;
}

/** Read digits, perhaps a point and more digits, and a percent sign, and nothing else: from 1 to
 * largest. */
static int read_percent(const char *text, unsigned largest, double *percent) {
    uint64_t whole;
    if (read_digits(&text, largest, &whole) < 0)
        return -1;
    double sum = (double)whole, unit = 1;
    if (*text == '.') {
        const char *digit = text + 1;
        for (; *digit >= '0' && *digit <= '9'; digit++)
            sum += (*digit - '0') * (unit /= 10);
        if (digit == text + 1)
            return -1;
        text = digit;
    }
    if (strcmp(text, "%") != 0 || sum < 1 || sum > largest)
        return -1;
    *percent = sum;
    return 0;
}

/** Read bytes with or without a unit. */
static int read_bytes(const char *text, int64_t *bytes) {
    static const char *const units[] = {"", "B", "KiB", "MiB", "GiB", "TiB"};
    static const unsigned shifts[] = {0, 0, 10, 20, 30, 40};
    uint64_t number;
    if (read_digits(&text, INT64_MAX, &number) < 0)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text, units[i]) == 0) {
            if (number > (uint64_t)INT64_MAX >> shifts[i])
                return -1;
            *bytes = (int64_t)(number << shifts[i]);
            return 0;
        }
    }
    return -1;
}

/* ---- Settings: read_FIELD takes one value. --------------------------------------------------- */

/** Read a GOGC, or "off", which is this one. */
static int read_gogc(const char *text, int32_t off, int32_t *gogc_percent) {
    uint64_t percent;
    if (strcmp(text, "off") == 0) {
        *gogc_percent = off;
        return 0;
    }
    if (read_number(text, OPTIONS_GOGC_MAX, &percent) < 0)
        return -1;
    *gogc_percent = (int32_t)percent;
    return 0;
}

static int read_gogc_percent(const char *text, struct options *options) {
    return read_gogc(text, GAIT_GOGC_OFF, &options->gogc_percent);
}

static int read_memory_limit_bytes(const char *text, struct options *options) {
    if (strcmp(text, "off") == 0) {
        options->memory_limit_bytes = GAIT_NO_LIMIT;
        return 0;
    }
    if (read_percent(text, 100, &options->memory_limit_percent) == 0)
        return options_limit_from_percent(options->memory_limit_percent,
                                          &options->memory_limit_bytes);
    return read_bytes(text, &options->memory_limit_bytes);
}

static int read_max_procs(const char *text, struct options *options) {
    uint64_t procs;
    if (read_number(text, OPTIONS_PROCS_MAX, &procs) < 0 || procs == 0)
        return -1;
    options->max_procs = (int32_t)procs;
    return 0;
}

static int read_min_heap_bytes(const char *text, struct options *options) {
    options->min_heap_bytes = 0;
    return strcmp(text, "off") == 0 ? 0 : read_bytes(text, &options->min_heap_bytes);
}

static int read_gogc_floor_percent(const char *text, struct options *options) {
    return read_gogc(text, 0, &options->gogc_floor_percent);
}

/** Read "on" or "off". */
static int read_switch(const char *text, int32_t *on) {
    *on = strcmp(text, "on") == 0;
    return *on || strcmp(text, "off") == 0 ? 0 : -1;
}

static int read_assists(const char *text, struct options *options) {
    return read_switch(text, &options->assists);
}

static int read_minor(const char *text, struct options *options) {
    return read_switch(text, &options->minor);
}

static int read_notice_memory_bytes(const char *text, struct options *options) {
    options->notice_memory_bytes = GAIT_NO_LIMIT;
    if (strcmp(text, "off") == 0 ||
        read_percent(text, OPTIONS_NOTICE_PERCENT_MAX, &options->notice_limit_percent) == 0)
        return 0;
    return read_bytes(text, &options->notice_memory_bytes);
}

/* One row of OPTION_SETTING. */
struct setting {
    const char *variable, *member, *standard, *accepted, *effect;
    size_t member_offset; /* of the const char * in gait_config */
    int (*read)(const char *text, struct options *options);
};

static const struct setting settings[] = {
#define OPTION_SETTING(variable, type, field, member, initial, standard, accepted, effect)         \
    {#variable, #member, standard, accepted, effect, offsetof(gait_config, member), read_##field},
#include "options.def"
};

enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

static int read_setting(struct options *options, const struct setting *setting,
                        const gait_config *config, struct error_line *error) {
    const char *prefix = "gait_config.", *name = setting->member, *given = NULL;
    if (config)
        memcpy(&given, (const char *)config + setting->member_offset, sizeof given);
    if (!given) {
        prefix = "";
        name = setting->variable;
        given = platform_environment(setting->variable);
    }
    if (!given || setting->read(given, options) == 0)
        return 0;
    char quoted[QUOTE_BYTES + 6];
    return refuse(error, "%s%s=%s: expected %s", prefix, name, quote(quoted, given, strlen(given)),
                  setting->accepted);
}

/* ---- Debug words. ------------------------------------------------------------------------------
 */

/* One row of OPTION_DEBUG or OPTION_DEBUG_TEXT. */
struct debug_word {
    const char *word, *effect;
    const char *value, *accepted; /* of a text; NULL: it is a number */
    uint32_t largest;
    size_t field_offset; /* of the uint32_t, or of the text, in struct options */
};

static const struct debug_word debug_words[] = {
#define OPTION_DEBUG(word, largest, effect)                                                        \
    {#word, effect, NULL, NULL, largest, offsetof(struct options, word)},
#define OPTION_DEBUG_TEXT(word, value, accepted, effect)                                           \
    {#word, effect, value, accepted, 0, offsetof(struct options, word)},
#include "options.def"
};

enum { DEBUG_WORD_COUNT = sizeof debug_words / sizeof debug_words[0] };

static const struct debug_word *find_debug_word(const char *word, size_t length) {
    for (size_t i = 0; i < DEBUG_WORD_COUNT; i++)
        if (strlen(debug_words[i].word) == length && memcmp(debug_words[i].word, word, length) == 0)
            return &debug_words[i];
    return NULL;
}

/** Refuse an item with an unknown word: say which ones there are. */
static int refuse_word(struct error_line *error, const char *name, const char *quoted) {
    char words[512] = "";
    for (size_t i = 0; i < DEBUG_WORD_COUNT; i++) {
        strcat(words, i ? ", " : "");
        strcat(words, debug_words[i].word);
    }
    return refuse(error, "%s: %s: expected word=N with one of the words %s", name, quoted, words);
}

/** Read the text of an item, which is value .. value + length. */
static int read_debug_text(struct options *options, const char *name, const struct debug_word *word,
                           const char *item, const char *value, size_t length,
                           struct error_line *error) {
    char quoted[QUOTE_BYTES + 6];
    if (length == 0 || length >= OPTIONS_PATH_BYTES)
        return refuse(error, "%s: %s: expected %s=%s, %s of at most %d bytes, without commas", name,
                      quote(quoted, item, (size_t)(value - item) + length), word->word, word->value,
                      word->accepted, OPTIONS_PATH_BYTES - 1);
    char *text = (char *)options + word->field_offset;
    memcpy(text, value, length);
    text[length] = '\0';
    return 0;
}

/** Read one item of a debug list. strict: a word must be known, and may stand without =N. */
static int read_debug_item(struct options *options, const char *name, bool strict, const char *item,
                           size_t length, struct error_line *error) {
    const char *equals = memchr(item, '=', length);
    size_t word_length = equals ? (size_t)(equals - item) : length;
    const struct debug_word *word = find_debug_word(item, word_length);
    char quoted[QUOTE_BYTES + 6];
    if (!word)
        return strict ? refuse_word(error, name, quote(quoted, item, length)) : 0;
    if (word->value)
        return read_debug_text(options, name, word, item, item + word_length + (equals != NULL),
                               length - word_length - (equals != NULL), error);

    uint64_t value = 1;
    const char *end = item + word_length;
    if (equals)
        end++;
    if (equals ? read_digits(&end, word->largest, &value) < 0 : !strict)
        end = NULL;
    if (end != item + length)
        return refuse(error, "%s: %s: expected %s=N with N from 0 to %u", name,
                      quote(quoted, item, length), word->word, (unsigned)word->largest);
    uint32_t stored = (uint32_t)value;
    memcpy((char *)options + word->field_offset, &stored, sizeof stored);
    if (word->field_offset == offsetof(struct options, memprofilerate))
        options->says_memprofilerate = true;
    return 0;
}

/** Read a comma-separated list. An empty list is fine; a strict one has no empty item. */
static int read_debug_list(struct options *options, const char *name, bool strict, const char *list,
                           struct error_line *error) {
    if (!list || !*list)
        return 0;
    for (;;) {
        size_t length = strcspn(list, ",");
        int result = read_debug_item(options, name, strict, list, length, error);
        if (result < 0 || !list[length])
            return result;
        list += length + 1;
    }
}

static int read_debug(struct options *options, const gait_config *config,
                      struct error_line *error) {
    if (config && config->debug)
        return read_debug_list(options, "gait_config.debug", true, config->debug, error);
    int result = read_debug_list(options, "GODEBUG", false, platform_environment("GODEBUG"), error);
    if (result < 0)
        return result;
    return read_debug_list(options, "GAIT_DEBUG", true, platform_environment("GAIT_DEBUG"), error);
}

/* ---- All of it.
 * ---------------------------------------------------------------------------------- */

#define CONFIG_BYTES_0 ABI0_BYTES(gait_config, log)

void gait_config_init_sized(gait_config *config, size_t config_bytes) {
    const gait_config defaults = {.struct_bytes = config_bytes, .value_mask = ~(gait_word)0};
    abi_give(config, config_bytes, &defaults, sizeof defaults);
}

void gait_config_init(gait_config *config) { gait_config_init_sized(config, CONFIG_BYTES_0); }

int options_config(gait_config *config, const gait_config *given, char *error_text,
                   size_t error_bytes) {
    struct error_line error = {error_text, error_bytes};
    gait_config_init_sized(config, sizeof *config);
    if (!given)
        return 0;
    size_t given_bytes = given->struct_bytes;
    if (given_bytes < CONFIG_BYTES_0 || given_bytes > CONFIG_BYTES_MOST)
        return refuse(&error,
                      "gait_config.struct_bytes=%zu: expected %zu or more, as set by "
                      "gait_config_init",
                      given_bytes, CONFIG_BYTES_0);
    if (!abi_take(config, sizeof *config, given, given_bytes))
        return refuse(&error,
                      "gait_config has a field that this library, %s, does not know: it is newer, "
                      "and not 0",
                      GAIT_VERSION);
    config->struct_bytes = sizeof *config;
    return 0;
}

int options_read(struct options *options, const gait_config *config, char *error_text,
                 size_t error_bytes) {
    struct error_line error = {error_text, error_bytes};
    *options = (struct options){
#define OPTION_SETTING(variable, type, field, member, initial, ...) .field = initial,
#include "options.def"
    };
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        int result = read_setting(options, &settings[i], config, &error);
        if (result < 0)
            return result;
    }
    return read_debug(options, config, &error);
}

int options_limit_from_percent(double percent, int64_t *limit_bytes) {
    int64_t memory_bytes = platform_memory_bytes();
    if (!(percent >= 1 && percent <= 100) || memory_bytes <= 0)
        return GAIT_E_INVALID;
    /* In two parts, so that 100 % of any memory is exactly that memory. */
    int64_t hundredth = memory_bytes / 100, rest = memory_bytes % 100;
    *limit_bytes = (int64_t)((double)hundredth * percent) + (int64_t)((double)rest * percent / 100);
    return 0;
}

void options_write_reference(FILE *out) {
    fprintf(out, "| Setting | Field of `gait_config` | Default | Accepted | Effect |\n"
                 "|---|---|---|---|---|\n");
    for (size_t i = 0; i < SETTING_COUNT; i++)
        fprintf(out, "| `%s` | `%s` | %s | %s | %s |\n", settings[i].variable, settings[i].member,
                settings[i].standard, settings[i].accepted, settings[i].effect);
    fprintf(out, "\n| Word of `GAIT_DEBUG` | N | Effect |\n|---|---|---|\n");
    for (size_t i = 0; i < DEBUG_WORD_COUNT; i++) {
        const struct debug_word *word = &debug_words[i];
        if (word->value)
            fprintf(out, "| `%s=%s` | %s, without commas | %s |\n", word->word, word->value,
                    word->accepted, word->effect);
        else
            fprintf(out, "| `%s=N` | 0 .. %u | %s |\n", word->word, (unsigned)word->largest,
                    word->effect);
    }
}

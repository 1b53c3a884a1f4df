/* SPDX-License-Identifier: MIT */
/* runtime/options: tables of accepted and refused values, and who wins over whom. */
#include "options.h"
#include "platform/environment.h"
#include "platform/kernel_file.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const variables[] = {"GOGC",
                                        "GOMEMLIMIT",
                                        "GOMAXPROCS",
                                        "GODEBUG",
                                        "GAIT_DEBUG",
                                        "GAIT_MIN_HEAP",
                                        "GAIT_GOGC_FLOOR",
                                        "GAIT_ASSISTS",
                                        "GAIT_NOTICE_MEMORY",
                                        "GAIT_MINOR"};

static void clear_environment(void) {
    for (size_t i = 0; i < COUNT(variables); i++)
        unsetenv(variables[i]);
}

TestSuite(options, .init = clear_environment);

static char line[512]; /* the last error */

static int read_all(struct options *options, const gait_config *config) {
    strcpy(line, "?");
    memset(options, 0x5a, sizeof *options);
    return options_read(options, config, line, sizeof line);
}

/** Read with one variable set. */
static int read_with(struct options *options, const char *variable, const char *text) {
    setenv(variable, text, 1);
    int result = read_all(options, NULL);
    unsetenv(variable);
    return result;
}

/** Expect that a variable's value is refused by one line that names both and says `accepted`. */
static void expect_refused(const char *variable, const char *text, const char *accepted) {
    struct options options;
    cr_expect_eq(read_with(&options, variable, text), GAIT_E_INVALID, "%s=%s", variable, text);
    cr_expect_eq(strncmp(line, variable, strlen(variable)), 0, "%s", line);
    cr_expect_not_null(strstr(line, accepted), "%s=%s: %s", variable, text, line);
    cr_expect_null(strchr(line, '\n'), "%s", line);
}

static void expect_all_refused(const char *variable, const char *const *texts, size_t count,
                               const char *accepted) {
    for (size_t i = 0; i < count; i++)
        expect_refused(variable, texts[i], accepted);
}

Test(options, defaults) {
    struct options options;
    cr_assert_eq(read_all(&options, NULL), 0);
    cr_assert_eq(options.gogc_percent, 100);
    cr_assert_eq(options.memory_limit_bytes, GAIT_NO_LIMIT);
    cr_assert(options.memory_limit_percent == 0);
    cr_assert_eq(options.max_procs, OPTIONS_PROCS_USABLE);
    cr_assert_eq(options.min_heap_bytes, 0);
    cr_assert_eq(options.gogc_floor_percent, 0);
    cr_assert_eq(options.assists, 1);
    cr_assert_eq(options.notice_memory_bytes, GAIT_NO_LIMIT);
    cr_assert(options.notice_limit_percent == 0);
    cr_assert_eq(options.minor, 1);
    cr_assert_eq(options.gctrace, 0);
    cr_assert_eq(options.gcpacertrace, 0);
    cr_assert_eq(options.gcstoptheworld, 0);
    cr_assert_eq(options.gccheckmark, 0);
    cr_assert_eq(options.clobberfree, 0);
    cr_assert_eq(options.gcstress, 0);
    cr_assert_eq(options.disablethp, 0);
}

Test(options, empty_variables_are_unset) {
    struct options options;
    for (size_t i = 0; i < COUNT(variables); i++)
        setenv(variables[i], "", 1);
    cr_assert_eq(read_all(&options, NULL), 0);
    cr_assert_eq(options.gogc_percent, 100);
    cr_assert_eq(options.max_procs, OPTIONS_PROCS_USABLE);
}

Test(options, gogc) {
    static const struct {
        const char *text;
        int32_t percent;
    } accepted[] = {{"off", GAIT_GOGC_OFF}, {"0", 0},     {"1", 1},
                    {"100", 100},           {"0050", 50}, {"1000000", 1000000}};
    static const char *const refused[] = {"Off",
                                          "OFF",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "1.5",
                                          "100%",
                                          "abc",
                                          "1e3",
                                          "0x10",
                                          "1000001",
                                          "off ",
                                          "1off",
                                          "-off",
                                          "4294967396",
                                          "99999999999999999999999"};
    struct options options;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        cr_expect_eq(read_with(&options, "GOGC", accepted[i].text), 0, "%s", line);
        cr_expect_eq(options.gogc_percent, accepted[i].percent, "%s", accepted[i].text);
    }
    expect_all_refused("GOGC", refused, COUNT(refused),
                       "expected \"off\" or a percentage from 0 to 1000000");
}

Test(options, memory_limit_in_bytes) {
    static const struct {
        const char *text;
        int64_t bytes;
    } accepted[] = {
        {"off", GAIT_NO_LIMIT},
        {"0", 0},
        {"1", 1},
        {"12345B", 12345},
        {"3KiB", 3 << 10},
        {"190MiB", (int64_t)190 << 20},
        {"4GiB", (int64_t)4 << 30},
        {"2TiB", (int64_t)2 << 40},
        {"8388607TiB", (int64_t)8388607 << 40},
        {"9007199254740991KiB", INT64_MAX - 1023},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775807B", INT64_MAX},
    };
    static const char *const refused[] = {"OFF",
                                          "-1",
                                          "+1",
                                          "1 MiB",
                                          " 1MiB",
                                          "1MiB ",
                                          "1.5GiB",
                                          "1MB",
                                          "1M",
                                          "1mib",
                                          "1kib",
                                          "1Mib",
                                          "MiB",
                                          "1EiB",
                                          "1iB",
                                          "1BB",
                                          "B",
                                          "0x10",
                                          "8388608TiB",
                                          "9007199254740992KiB",
                                          "1e9",
                                          "1GiB1",
                                          "99999999999999999999999999",
                                          "9223372036854775808",
                                          "18446744073709551616",
                                          "18446744073709551615TiB"};
    struct options options;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        cr_expect_eq(read_with(&options, "GOMEMLIMIT", accepted[i].text), 0, "%s", line);
        cr_expect_eq(options.memory_limit_bytes, accepted[i].bytes, "%s", accepted[i].text);
        cr_expect(options.memory_limit_percent == 0);
    }
    expect_all_refused("GOMEMLIMIT", refused, COUNT(refused),
                       "KiB, MiB, GiB or TiB, or a percentage from 1%");
}

Test(options, memory_limit_in_percent) {
    static const struct {
        const char *text;
        double percent;
    } accepted[] = {{"90%", 90},   {"1%", 1},         {"100%", 100},     {"37.5%", 37.5},
                    {"1.0%", 1.0}, {"99.99%", 99.99}, {"100.000%", 100}, {"007%", 7}};
    static const char *const refused[] = {
        "0%",  "0.99%", "101%", "100.01%", "-5%",  "%",    "5.%",  ".5%",
        "5 %", "37,5%", "90%%", "90%B",    "1e1%", "90.5", "0x5%", "99999999999999999999%"};
    struct options options;
    double memory = (double)platform_memory_bytes();
    for (size_t i = 0; i < COUNT(accepted); i++) {
        cr_expect_eq(read_with(&options, "GOMEMLIMIT", accepted[i].text), 0, "%s", line);
        cr_expect(fabs(options.memory_limit_percent - accepted[i].percent) < 1e-9, "%s",
                  accepted[i].text);
        double wanted = memory / 100 * accepted[i].percent;
        cr_expect(fabs((double)options.memory_limit_bytes - wanted) < 4, "%s: %lld",
                  accepted[i].text, (long long)options.memory_limit_bytes);
    }
    expect_all_refused("GOMEMLIMIT", refused, COUNT(refused), "a percentage from 1% to 100%");
}

/** Write a text file below a directory. */
static void write_file(const char *directory, const char *path, const char *text) {
    char full[256];
    snprintf(full, sizeof full, "%s/%s", directory, path);
    FILE *file = fopen(full, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(options, percentages_follow_the_cgroup) {
    char tree[] = "/tmp/gait-options-XXXXXX", path[64];
    static const char *const directories[] = {"proc", "proc/self", "group"};
    cr_assert_not_null(mkdtemp(tree));
    for (size_t i = 0; i < COUNT(directories); i++) {
        snprintf(path, sizeof path, "%s/%s", tree, directories[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
    }
    write_file(tree, "proc/self/cgroup", "0::/\n");
    write_file(tree, "proc/self/mountinfo", "1 2 0:3 / /group rw - cgroup2 none rw\n");
    write_file(tree, "group/memory.max", "10000\n");
    kernel_file_set_root(tree);

    struct options options;
    int64_t limit_bytes = -7;
    int result = read_with(&options, "GOMEMLIMIT", "37.5%");
    write_file(tree, "group/memory.max", "20099\n");
    int again = options_limit_from_percent(options.memory_limit_percent, &limit_bytes);
    int64_t whole_bytes = -7;
    int whole = options_limit_from_percent(100, &whole_bytes);

    snprintf(path, sizeof path, "rm -r %s", tree);
    cr_assert_eq(system(path), 0);
    cr_assert_eq(result, 0, "%s", line);
    cr_assert_eq(options.memory_limit_bytes, 3750);
    cr_assert_eq(again, 0);
    cr_assert_eq(limit_bytes, 7537);
    cr_assert_eq(whole, 0);
    cr_assert_eq(whole_bytes, 20099);
    cr_assert_eq(options_limit_from_percent(0.5, &limit_bytes), GAIT_E_INVALID);
    cr_assert_eq(options_limit_from_percent(100.5, &limit_bytes), GAIT_E_INVALID);
    cr_assert_eq(options_limit_from_percent((double)NAN, &limit_bytes), GAIT_E_INVALID);
}

Test(options, max_procs) {
    static const char *const refused[] = {"0",  "-1", "1025", "two", "1.0",       " 2",
                                          "2 ", "+2", "off",  "0x1", "4294967297"};
    struct options options;
    cr_expect_eq(read_with(&options, "GOMAXPROCS", "1"), 0);
    cr_expect_eq(options.max_procs, 1);
    cr_expect_eq(read_with(&options, "GOMAXPROCS", "1024"), 0);
    cr_expect_eq(options.max_procs, 1024);
    expect_all_refused("GOMAXPROCS", refused, COUNT(refused),
                       "expected a number of CPUs from 1 to 1024");
}

Test(options, min_heap) {
    static const char *const refused[] = {"50%", "-1", "1MB", "OFF", "64 MiB", "1.5GiB"};
    struct options options;
    cr_expect_eq(read_with(&options, "GAIT_MIN_HEAP", "off"), 0);
    cr_expect_eq(options.min_heap_bytes, 0);
    cr_expect_eq(read_with(&options, "GAIT_MIN_HEAP", "64MiB"), 0);
    cr_expect_eq(options.min_heap_bytes, 64 << 20);
    expect_all_refused("GAIT_MIN_HEAP", refused, COUNT(refused),
                       "expected \"off\", or bytes with or without");
}

Test(options, gogc_floor) {
    static const char *const refused[] = {"-1", "50%", "1000001", "on", "1.5"};
    struct options options;
    cr_expect_eq(read_with(&options, "GAIT_GOGC_FLOOR", "off"), 0);
    cr_expect_eq(options.gogc_floor_percent, 0);
    cr_expect_eq(read_with(&options, "GAIT_GOGC_FLOOR", "25"), 0);
    cr_expect_eq(options.gogc_floor_percent, 25);
    expect_all_refused("GAIT_GOGC_FLOOR", refused, COUNT(refused),
                       "expected \"off\" or a percentage from 0 to 1000000");
}

Test(options, switches) {
    static const char *const refused[] = {"0", "1", "ON", "yes", "off ", "of", "offf"};
    struct options options;
    cr_expect_eq(read_with(&options, "GAIT_ASSISTS", "off"), 0);
    cr_expect_eq(options.assists, 0);
    cr_expect_eq(read_with(&options, "GAIT_ASSISTS", "on"), 0);
    cr_expect_eq(options.assists, 1);
    expect_all_refused("GAIT_ASSISTS", refused, COUNT(refused), "expected \"on\" or \"off\"");
    cr_expect_eq(read_with(&options, "GAIT_MINOR", "on"), 0);
    cr_expect_eq(options.minor, 1);
    cr_expect_eq(read_with(&options, "GAIT_MINOR", "off"), 0);
    cr_expect_eq(options.minor, 0);
    expect_all_refused("GAIT_MINOR", refused, COUNT(refused), "expected \"on\" or \"off\"");
}

Test(options, notice_memory) {
    static const char *const refused[] = {"0%",   "0.5%", "1000.1%", "1001%",
                                          "90 %", "-1",   "1MB",     "half"};
    struct options options;
    cr_expect_eq(read_with(&options, "GAIT_NOTICE_MEMORY", "off"), 0);
    cr_expect_eq(options.notice_memory_bytes, GAIT_NO_LIMIT);
    cr_expect(options.notice_limit_percent == 0);
    cr_expect_eq(read_with(&options, "GAIT_NOTICE_MEMORY", "500"), 0);
    cr_expect_eq(options.notice_memory_bytes, 500);
    cr_expect(options.notice_limit_percent == 0);
    cr_expect_eq(read_with(&options, "GAIT_NOTICE_MEMORY", "3GiB"), 0);
    cr_expect_eq(options.notice_memory_bytes, (int64_t)3 << 30);
    cr_expect_eq(read_with(&options, "GAIT_NOTICE_MEMORY", "110%"), 0);
    cr_expect_eq(options.notice_memory_bytes, GAIT_NO_LIMIT);
    cr_expect(options.notice_limit_percent == 110);
    cr_expect_eq(read_with(&options, "GAIT_NOTICE_MEMORY", "1000%"), 0);
    expect_all_refused("GAIT_NOTICE_MEMORY", refused, COUNT(refused),
                       "or a percentage from 1% to 1000% of the limit");
}

Test(options, what_the_embedder_says_of_the_pacing_wins) {
    struct options options;
    gait_config config;
    gait_config_init(&config);
    config.min_heap = "1MiB";
    config.assists = "off";
    config.gogc_floor = "7";
    config.notice_memory = "80%";
    setenv("GAIT_MIN_HEAP", "2MiB", 1);
    setenv("GAIT_ASSISTS", "neither", 1);
    setenv("GAIT_GOGC_FLOOR", "-", 1);
    setenv("GAIT_NOTICE_MEMORY", "-", 1);
    cr_assert_eq(read_all(&options, &config), 0, "%s", line);
    cr_expect_eq(options.min_heap_bytes, 1 << 20);
    cr_expect_eq(options.assists, 0);
    cr_expect_eq(options.gogc_floor_percent, 7);
    cr_expect(options.notice_limit_percent == 80);
}

Test(options, debug_words) {
    struct options options;
    cr_assert_eq(read_with(&options, "GAIT_DEBUG",
                           "gctrace=1,gcpacertrace=1,gcstoptheworld=2,gccheckmark,gcfloat,parity,"
                           "clobberfree=1,gcstress=4294967295,disablethp"),
                 0, "%s", line);
    cr_assert_eq(options.gctrace, 1);
    cr_assert_eq(options.gcpacertrace, 1);
    cr_assert_eq(options.gcstoptheworld, 2);
    cr_assert_eq(options.gccheckmark, 1);
    cr_assert_eq(options.gcfloat, 1);
    cr_assert_eq(options.parity, 1);
    cr_assert_eq(options.clobberfree, 1);
    cr_assert_eq(options.gcstress, UINT32_MAX);
    cr_assert_eq(options.disablethp, 1);
    cr_assert_eq(read_with(&options, "GAIT_DEBUG", "gcstress=5,gcstress=7,gctrace=0"), 0);
    cr_assert_eq(options.gcstress, 7);
    cr_assert_eq(options.gctrace, 0);
}

Test(options, malformed_debug_words) {
    static const char *const unknown[] = {
        "gctraces=1", "gctrac=1", "GCTRACE=1",      " gctrace=1",     ",",
        "gctrace=1,", "=1",       "gctrace=1,,x=1", "madvdontneed=1", "gctrace =1"};
    expect_all_refused("GAIT_DEBUG", unknown, COUNT(unknown),
                       "expected word=N with one of the words gctrace, ");

    static const char *const lists[] = {"GAIT_DEBUG", "GODEBUG"};
    static const char *const malformed[] = {"gctrace=",   "gctrace=3",   "gctrace=-1",
                                            "gctrace=1 ", "gctrace=on",  "gctrace==1",
                                            "gctrace=+1", "gctrace=1;2", "clobberfree=1,gctrace=x"};
    for (size_t list = 0; list < COUNT(lists); list++) {
        for (size_t i = 0; i < COUNT(malformed); i++)
            expect_refused(lists[list], malformed[i], "expected gctrace=N with N from 0 to 2");
        expect_refused(lists[list], "gcstress=4294967296", "N from 0 to 4294967295");
    }
    expect_refused("GODEBUG", "gctrace", "expected gctrace=N");
}

Test(options, godebug_ignores_what_it_does_not_know) {
    struct options options;
    cr_assert_eq(read_with(&options, "GODEBUG",
                           "http2client=0,,asyncpreemptoff,gctrace=1,madvdontneed=x=y,=,#3,"),
                 0, "%s", line);
    cr_assert_eq(options.gctrace, 1);
}

Test(options, gait_debug_wins_over_godebug) {
    struct options options;
    setenv("GODEBUG", "gctrace=1,gcstress=3", 1);
    setenv("GAIT_DEBUG", "gctrace=0", 1);
    cr_assert_eq(read_all(&options, NULL), 0);
    cr_assert_eq(options.gctrace, 0);
    cr_assert_eq(options.gcstress, 3);
}

Test(options, a_profile_rate_of_0_is_not_none) {
    struct options options;
    cr_assert_eq(read_all(&options, NULL), 0);
    cr_expect_eq(options.says_memprofilerate, false);
    cr_assert_eq(read_with(&options, "GAIT_DEBUG", "memprofilerate=0"), 0, "%s", line);
    cr_expect_eq(options.says_memprofilerate, true);
    cr_expect_eq(options.memprofilerate, 0u);
    cr_assert_eq(read_with(&options, "GODEBUG", "memprofilerate=524288"), 0, "%s", line);
    cr_expect_eq(options.says_memprofilerate, true);
    cr_expect_eq(options.memprofilerate, 524288u);
}

Test(options, config_starts_as_defaults) {
    gait_config config, zero = {0};
    memset(&config, 0x5a, sizeof config);
    gait_config_init(&config);
    cr_assert_eq(config.struct_bytes, sizeof config);
    cr_assert_eq(config.value_mask, UINTPTR_MAX);
    config.struct_bytes = 0;
    config.value_mask = 0;
    cr_assert_eq(memcmp(&config, &zero, sizeof config), 0);
}

Test(options, config_wins_over_the_environment) {
    struct options options;
    gait_config config;
    gait_config_init(&config);
    setenv("GOGC", "50", 1);
    setenv("GOMEMLIMIT", "nonsense", 1);
    setenv("GOMAXPROCS", "3", 1);
    setenv("GODEBUG", "gctrace=x", 1);
    setenv("GAIT_DEBUG", "nonsense", 1);
    config.gogc = "off";
    config.memory_limit = "7B";
    config.debug = "";
    cr_assert_eq(read_all(&options, &config), 0, "%s", line);
    cr_assert_eq(options.gogc_percent, GAIT_GOGC_OFF);
    cr_assert_eq(options.memory_limit_bytes, 7);
    cr_assert_eq(options.max_procs, 3);
    cr_assert_eq(options.gctrace, 0);

    config.max_procs = "4";
    config.debug = "gctrace";
    cr_assert_eq(read_all(&options, &config), 0, "%s", line);
    cr_assert_eq(options.max_procs, 4);
    cr_assert_eq(options.gctrace, 1);
}

Test(options, malformed_config) {
    struct options options;
    gait_config config;
    gait_config_init(&config);
    config.gogc = "";
    cr_assert_eq(read_all(&options, &config), GAIT_E_INVALID);
    cr_assert_str_eq(line,
                     "gait_config.gogc=\"\": expected \"off\" or a percentage from 0 to 1000000");

    gait_config_init(&config);
    config.debug = "gctrace,nonsense";
    cr_assert_eq(read_all(&options, &config), GAIT_E_INVALID);
    cr_assert_eq(strncmp(line, "gait_config.debug: \"nonsense\": expected word=N", 46), 0, "%s",
                 line);

    memset(&config, 0, sizeof config);
    cr_assert_null(gait_heap_create(&config, line, sizeof line));
    cr_assert_not_null(strstr(line, "gait_config_init"), "%s", line);
}

/* A gait_config of a program that was built with newer headers. */
static union {
    gait_config config;
    unsigned char bytes[2 * sizeof(gait_config)];
} newer;

Test(options, a_newer_config_is_taken_if_it_asks_for_nothing_new) {
    gait_config config;
    memset(&newer, 0x5a, sizeof newer);
    gait_config_init_sized(&newer.config, sizeof newer - 8);
    for (size_t i = sizeof newer - 8; i < sizeof newer; i++)
        cr_assert_eq(newer.bytes[i], 0x5a, "byte %zu is written", i);
    newer.config.flags = GAIT_STOP_THE_WORLD;
    newer.config.gogc = "70";
    cr_assert_eq(options_config(&config, &newer.config, line, sizeof line), 0, "%s", line);
    cr_expect_eq(config.struct_bytes, sizeof config);
    cr_expect_eq(config.flags, GAIT_STOP_THE_WORLD);
    cr_expect_str_eq(config.gogc, "70");

    newer.bytes[sizeof newer - 9] = 1;
    cr_expect_eq(options_config(&config, &newer.config, line, sizeof line), GAIT_E_INVALID);
    cr_expect_not_null(strstr(line, "does not know"), "%s", line);
}

Test(options, a_config_of_no_size_is_refused) {
    static const size_t sizes[] = {0, 8, sizeof(void *), 0x5a5a5a5a5a5a5a5a, SIZE_MAX};
    gait_config config;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        gait_config_init(&newer.config);
        newer.config.struct_bytes = sizes[i];
        cr_expect_eq(options_config(&config, &newer.config, line, sizeof line), GAIT_E_INVALID);
        cr_expect_not_null(strstr(line, "gait_config_init"), "%s", line);
    }
}

Test(options, long_and_strange_values_stay_one_short_line) {
    struct options options;
    char text[5000];
    memset(text, 'z', sizeof text);
    memcpy(text, "a\nb\r\x1b", 5);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < COUNT(variables); i++) {
        if (strcmp(variables[i], "GODEBUG") == 0)
            continue;
        cr_expect_eq(read_with(&options, variables[i], text), GAIT_E_INVALID);
        cr_expect_not_null(strstr(line, "\"a?b??zzz"), "%s", line);
        cr_expect_not_null(strstr(line, "zzz...\": expected "), "%s", line);
        cr_expect(strlen(line) < 400, "%s",
                  line); /* of the value a part; all words of GAIT_DEBUG */
    }
}

Test(options, a_quoted_value_steers_no_terminal) {
    struct options options;
    expect_refused("GOGC", "a\x1b[2J\x7f\xc2\x9b 1J\x9b!", "\"a?[2J?\xc2? 1J?!\"");
    cr_expect_eq(read_with(&options, "GAIT_DEBUG", "\xc3\x9b\xe2\x80\x9ct=1"), GAIT_E_INVALID);
    cr_expect_not_null(strstr(line, "\xc3\x9b\xe2\x80\x9ct"), "letters are kept: %s", line);
}

Test(options, the_line_fits_any_room) {
    struct options options;
    char small[8];
    setenv("GOGC", "x", 1);
    memset(small, 'q', sizeof small);
    cr_assert_eq(options_read(&options, NULL, small, 4), GAIT_E_INVALID);
    cr_assert_eq(memcmp(small, "GOG\0qqqq", sizeof small), 0);
    cr_assert_eq(options_read(&options, NULL, NULL, 0), GAIT_E_INVALID);
}

Test(options, a_heap_that_is_refused_needs_no_line) {
    setenv("GAIT_DEBUG", "nonsense", 1);
    cr_assert_null(gait_heap_create(NULL, NULL, 0));
    cr_assert_null(gait_heap_create(NULL, NULL, sizeof line));
    cr_assert_null(gait_heap_create(NULL, line, 0));
}

Test(options, processors_out_of_range_are_only_read) {
    static const int32_t others[] = {0, -1, INT32_MIN, 1025, INT32_MAX};
    setenv("GOMAXPROCS", "3", 1);
    gait_heap *heap = gait_heap_create(NULL, line, sizeof line);
    cr_assert_not_null(heap, "%s", line);
    for (size_t i = 0; i < COUNT(others); i++) {
        gait_set_max_procs(heap, others[i]);
        cr_expect_eq(gait_set_max_procs(heap, 0), 3, "%d", (int)others[i]);
    }
    cr_expect_eq(gait_set_max_procs(heap, 1024), 3);
    cr_expect_eq(gait_set_max_procs(heap, 1), 1024);
    cr_expect_eq(gait_set_max_procs(heap, 0), 1);
    gait_heap_destroy(heap);
}

Test(options, a_privileged_process_reads_no_environment) {
    static const char *const words[] = {
        "10",   "1MiB", "1",   "gctrace=1", "pacerlog=/tmp/x,gcstress=1",
        "1MiB", "10",   "off", "1MiB",      "on"};
    struct options options, standard;
    cr_assert_eq(read_all(&standard, NULL), 0);
    environment_pretend_privileged(true);
    for (size_t i = 0; i < COUNT(variables); i++)
        setenv(variables[i], words[i], 1);
    cr_assert_eq(read_all(&options, NULL), 0, "%s", line);
    cr_expect_eq(memcmp(&options, &standard, sizeof options), 0);
    for (size_t i = 0; i < COUNT(variables); i++)
        setenv(variables[i], "nonsense", 1);
    cr_expect_eq(read_all(&options, NULL), 0, "%s", line);

    gait_config config;
    gait_config_init(&config);
    config.gogc = "50"; /* what the embedder says holds */
    config.debug = "gctrace=2";
    cr_assert_eq(read_all(&options, &config), 0, "%s", line);
    cr_expect_eq(options.gogc_percent, 50);
    cr_expect_eq(options.gctrace, 2);
    environment_pretend_privileged(false);
    cr_expect_eq(read_all(&options, NULL), GAIT_E_INVALID);
}

Test(options, reference_names_every_setting) {
    char text[8192];
    FILE *out = fmemopen(text, sizeof text, "w");
    options_write_reference(out);
    fclose(out);
    static const char *const parts[] = {
        "| `GOGC` | `gogc` | 100 |",
        "| `GOMEMLIMIT` | `memory_limit` | off |",
        "| `GOMAXPROCS` | `max_procs` |",
#define OPTION_DEBUG(word, ...) "| `" #word "=N` | 0 .. ",
#include "options.def"
    };
    for (size_t i = 0; i < COUNT(parts); i++)
        cr_expect_not_null(strstr(text, parts[i]), "%s", parts[i]);
}

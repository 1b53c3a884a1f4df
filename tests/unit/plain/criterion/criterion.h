/* SPDX-License-Identifier: MIT */
/*
 * Stands in for <criterion/criterion.h> where Criterion can't run: under qemu-user and with
 * sanitizers. It has the part of Criterion that tests/unit uses: Test, TestSuite and
 * ParameterizedTest with .init, .fini, .signal, .exit_code, .timeout and .disabled, and the
 * classic assertions. Each test runs in a child process, one after the other; results are
 * printed as TAP, reasons on stderr. The exit status is 1 if a test failed.
 *
 * A test file is a program of its own, so this header holds main(). An argument that does not
 * start with a dash runs only the tests whose "suite.name" contains it.
 */
#ifndef GAIT_TESTS_PLAIN_CRITERION_H
#define GAIT_TESTS_PLAIN_CRITERION_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct plain_options {
    void (*init)(void);
    void (*fini)(void);
    int signal;     /* the test must die of this signal; 0: none */
    int exit_code;  /* the test must exit with this status       */
    double timeout; /* seconds; 0: of the suite, or PLAIN_TIMEOUT_S */
    bool disabled;
    const char *description;
};

struct criterion_test_params {
    size_t size; /* bytes of one parameter */
    void *params;
    size_t length;
};

struct plain_test {
    const char *suite, *name;
    struct plain_options options;
    void (*run)(void);                                /* NULL for a parameterized test */
    void (*run_with)(void *);                         /* NULL for a plain one */
    struct criterion_test_params (*parameters)(void); /* likewise */
    struct plain_test *next;
};

struct plain_suite {
    const char *name;
    struct plain_options options;
    struct plain_suite *next;
};

enum { PLAIN_TIMEOUT_S = 60, PLAIN_FAILED = 101, PLAIN_SKIPPED = 102 };

static struct plain_test *plain_tests, **plain_tests_end = &plain_tests;
static struct plain_suite *plain_suites;
static bool plain_failed; /* in a child: an expectation did not hold */

#define PLAIN_REGISTER(Suite, Name, Run, RunWith, Parameters, ...)                                 \
    __attribute__((constructor)) static void Suite##_##Name##_register(void) {                     \
        static struct plain_test test = {.suite = #Suite,                                          \
                                         .name = #Name,                                            \
                                         .options = {__VA_ARGS__},                                 \
                                         .run = Run,                                               \
                                         .run_with = RunWith,                                      \
                                         .parameters = Parameters};                                \
        *plain_tests_end = &test;                                                                  \
        plain_tests_end = &test.next;                                                              \
    }

#define Test(Suite, Name, ...)                                                                     \
    static void Suite##_##Name##_run(void);                                                        \
    PLAIN_REGISTER(Suite, Name, Suite##_##Name##_run, NULL, NULL, __VA_ARGS__)                     \
    static void Suite##_##Name##_run(void)

#define ParameterizedTestParameters(Suite, Name)                                                   \
    static struct criterion_test_params Suite##_##Name##_parameters(void)

#define cr_make_param_array(Type, Array, Length, ...)                                              \
    ((struct criterion_test_params){sizeof(Type), (void *)(Array), (Length)})

#define ParameterizedTest(Parameter, Suite, Name, ...)                                             \
    static void Suite##_##Name##_run_one(Parameter);                                               \
    static void Suite##_##Name##_run_with(void *parameter) {                                       \
        Suite##_##Name##_run_one(parameter);                                                       \
    }                                                                                              \
    PLAIN_REGISTER(Suite, Name, NULL, Suite##_##Name##_run_with, Suite##_##Name##_parameters,      \
                   __VA_ARGS__)                                                                    \
    static void Suite##_##Name##_run_one(Parameter)

#define TestSuite(Suite, ...)                                                                      \
    __attribute__((constructor)) static void Suite##_suite_register(void) {                        \
        static struct plain_suite suite = {.name = #Suite, .options = {__VA_ARGS__}};              \
        suite.next = plain_suites;                                                                 \
        plain_suites = &suite;                                                                     \
    }

__attribute__((format(printf, 4, 5), unused)) static void
plain_complain(const char *file, int line, const char *claim, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: %s:", file, line, claim);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    fflush(NULL);
    plain_failed = true;
}

/* Written out where it stands, so that the compiler sees that a fatal one does not go on. */
#define PLAIN_CHECK(Fatal, Holds, Claim, ...)                                                      \
    ((Holds) ? (void)0                                                                             \
             : (plain_complain(__FILE__, __LINE__, Claim, " " __VA_ARGS__),                        \
                (Fatal) ? _exit(PLAIN_FAILED) : (void)0))
#define PLAIN_COMPARE(Fatal, A, Relation, B, ...)                                                  \
    PLAIN_CHECK(Fatal, (A)Relation(B), #A " " #Relation " " #B, __VA_ARGS__)
#define PLAIN_FLOAT(Fatal, A, B, Epsilon, ...)                                                     \
    PLAIN_CHECK(Fatal, fabs((double)(A) - (double)(B)) <= (Epsilon), #A " == " #B, __VA_ARGS__)

#define cr_assert(Holds, ...) PLAIN_CHECK(true, Holds, #Holds, __VA_ARGS__)
#define cr_assert_not(Holds, ...) PLAIN_CHECK(true, !(Holds), "not " #Holds, __VA_ARGS__)
#define cr_assert_eq(A, B, ...) PLAIN_COMPARE(true, A, ==, B, __VA_ARGS__)
#define cr_assert_neq(A, B, ...) PLAIN_COMPARE(true, A, !=, B, __VA_ARGS__)
#define cr_assert_lt(A, B, ...) PLAIN_COMPARE(true, A, <, B, __VA_ARGS__)
#define cr_assert_gt(A, B, ...) PLAIN_COMPARE(true, A, >, B, __VA_ARGS__)
#define cr_assert_leq(A, B, ...) PLAIN_COMPARE(true, A, <=, B, __VA_ARGS__)
#define cr_assert_geq(A, B, ...) PLAIN_COMPARE(true, A, >=, B, __VA_ARGS__)
#define cr_assert_null(A, ...) PLAIN_COMPARE(true, A, ==, NULL, __VA_ARGS__)
#define cr_assert_not_null(A, ...) PLAIN_COMPARE(true, A, !=, NULL, __VA_ARGS__)
#define cr_assert_str_eq(A, B, ...) PLAIN_CHECK(true, !strcmp(A, B), #A " is " #B, __VA_ARGS__)
#define cr_assert_str_neq(A, B, ...) PLAIN_CHECK(true, strcmp(A, B), #A " is not " #B, __VA_ARGS__)
#define cr_assert_arr_eq(A, B, Bytes, ...)                                                         \
    PLAIN_CHECK(true, !memcmp(A, B, Bytes), #A " equals " #B, __VA_ARGS__)
#define cr_assert_float_eq(A, B, Epsilon, ...) PLAIN_FLOAT(true, A, B, Epsilon, __VA_ARGS__)
#define cr_assert_fail(...) PLAIN_CHECK(true, false, "failed", __VA_ARGS__)
#define cr_fatal(...) cr_assert_fail(__VA_ARGS__)

#define cr_expect(Holds, ...) PLAIN_CHECK(false, Holds, #Holds, __VA_ARGS__)
#define cr_expect_not(Holds, ...) PLAIN_CHECK(false, !(Holds), "not " #Holds, __VA_ARGS__)
#define cr_expect_eq(A, B, ...) PLAIN_COMPARE(false, A, ==, B, __VA_ARGS__)
#define cr_expect_neq(A, B, ...) PLAIN_COMPARE(false, A, !=, B, __VA_ARGS__)
#define cr_expect_lt(A, B, ...) PLAIN_COMPARE(false, A, <, B, __VA_ARGS__)
#define cr_expect_gt(A, B, ...) PLAIN_COMPARE(false, A, >, B, __VA_ARGS__)
#define cr_expect_leq(A, B, ...) PLAIN_COMPARE(false, A, <=, B, __VA_ARGS__)
#define cr_expect_geq(A, B, ...) PLAIN_COMPARE(false, A, >=, B, __VA_ARGS__)
#define cr_expect_null(A, ...) PLAIN_COMPARE(false, A, ==, NULL, __VA_ARGS__)
#define cr_expect_not_null(A, ...) PLAIN_COMPARE(false, A, !=, NULL, __VA_ARGS__)
#define cr_expect_str_eq(A, B, ...) PLAIN_CHECK(false, !strcmp(A, B), #A " is " #B, __VA_ARGS__)
#define cr_expect_float_eq(A, B, Epsilon, ...) PLAIN_FLOAT(false, A, B, Epsilon, __VA_ARGS__)
#define cr_fail(...) PLAIN_CHECK(false, false, "failed", __VA_ARGS__)

#define cr_skip(...) _exit(PLAIN_SKIPPED)
#define cr_skip_test(...) _exit(PLAIN_SKIPPED)
#define cr_log_info(...) (fprintf(stderr, __VA_ARGS__), fprintf(stderr, "\n"))
#define cr_log_warn(...) cr_log_info(__VA_ARGS__)

static struct plain_options plain_suite_options(const char *name) {
    for (struct plain_suite *suite = plain_suites; suite; suite = suite->next)
        if (!strcmp(suite->name, name))
            return suite->options;
    return (struct plain_options){0};
}

/* In the child: runs the test and exits. */
static void plain_run_child(const struct plain_test *test, void *parameter) {
    struct plain_options suite = plain_suite_options(test->suite);
    void (*init)(void) = test->options.init ? test->options.init : suite.init;
    void (*fini)(void) = test->options.fini ? test->options.fini : suite.fini;
    double timeout_s = test->options.timeout > 0 ? test->options.timeout : suite.timeout;
    alarm(timeout_s > 0 ? (unsigned)ceil(timeout_s) : PLAIN_TIMEOUT_S);
    if (init)
        init();
    if (test->run)
        test->run();
    else
        test->run_with(parameter);
    if (fini)
        fini();
    exit(plain_failed ? PLAIN_FAILED : 0);
}

/* Prints one TAP line; returns whether the test passed or was skipped. */
static bool plain_run(const struct plain_test *test, void *parameter, size_t index, int number) {
    char label[32] = "";
    if (test->run_with)
        snprintf(label, sizeof label, "::%zu", index);
    fflush(NULL);
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        plain_run_child(test, parameter);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fork");
        exit(1);
    }
    bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == PLAIN_SKIPPED;
    bool passed = test->options.signal
                      ? WIFSIGNALED(status) && WTERMSIG(status) == test->options.signal
                      : WIFEXITED(status) && WEXITSTATUS(status) == test->options.exit_code;
    printf("%sok %d - %s::%s%s%s\n", passed || skipped ? "" : "not ", number, test->suite,
           test->name, label, skipped ? " # SKIP" : "");
    if (!passed && !skipped)
        fprintf(stderr, "%s::%s%s: %s %d\n", test->suite, test->name, label,
                WIFSIGNALED(status) ? "died of signal" : "exit status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return passed || skipped;
}

int main(int argc, char **argv) {
    const char *filter = NULL;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            filter = argv[i];
    int number = 0, failed = 0;
    for (struct plain_test *test = plain_tests; test; test = test->next) {
        char name[256];
        snprintf(name, sizeof name, "%s.%s", test->suite, test->name);
        if (test->options.disabled || (filter && !strstr(name, filter)))
            continue;
        struct criterion_test_params all = {0, NULL, 1};
        if (test->parameters)
            all = test->parameters();
        for (size_t i = 0; i < all.length; i++)
            failed += !plain_run(test, (char *)all.params + i * all.size, i, ++number);
    }
    printf("1..%d\n", number);
    return failed ? 1 : 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform/descriptor: what is written and read is whole, past slow pipes and signals, or
 * it is refused with the reason.
 */
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

TestSuite(descriptor, .timeout = 60);

enum { BYTES = 3 << 20 };

static unsigned char *made(size_t count) {
    unsigned char *bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(i * 31 + (i >> 8));
    return bytes;
}

static volatile sig_atomic_t alarms;
static void on_alarm(int signal) {
    (void)signal;
    alarms++;
}

/* Interrupt system calls every so often: they are not restarted by themselves. */
static void alarm_begin(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{0, 500}, {0, 500}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void alarm_end(void) {
    struct itimerval timer = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

struct reader {
    int descriptor;
    size_t piece; /* reads so much at a time, and rests between */
    unsigned char *bytes;
    size_t count;
};

static void *read_slowly(void *argument) {
    struct reader *reader = argument;
    for (ssize_t got = 1; got != 0 && reader->count < BYTES;) {
        got = read(reader->descriptor, reader->bytes + reader->count, reader->piece);
        if (got > 0)
            reader->count += (size_t)got;
        usleep(20);
    }
    return NULL;
}

static void through_pipe(bool blocks) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    if (!blocks)
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
    unsigned char *bytes = made(BYTES);
    struct reader reader = {ends[0], 30011, malloc(BYTES + 30011), 0};
    pthread_t thread;
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &block, NULL); /* the writer alone has the signals */
    cr_assert_eq(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    pthread_sigmask(SIG_UNBLOCK, &block, NULL);
    alarm_begin();
    cr_assert_eq(platform_descriptor_write(ends[1], bytes, BYTES), 0);
    alarm_end();
    pthread_join(thread, NULL);
    cr_assert_eq(reader.count, (size_t)BYTES);
    cr_assert_eq(memcmp(reader.bytes, bytes, BYTES), 0);
    close(ends[0]);
    close(ends[1]);
}

Test(descriptor, writes_all_past_signals_to_a_slow_pipe) { through_pipe(true); }
Test(descriptor, writes_all_to_a_pipe_that_does_not_block) { through_pipe(false); }

static void *write_slowly(void *argument) {
    int descriptor = *(int *)argument;
    unsigned char *bytes = made(BYTES);
    for (size_t next = 0; next < BYTES;) {
        size_t piece = BYTES - next < 20011 ? BYTES - next : 20011;
        ssize_t written = write(descriptor, bytes + next, piece);
        if (written > 0)
            next += (size_t)written;
        usleep(20);
    }
    close(descriptor);
    return NULL;
}

Test(descriptor, reads_all_of_a_slow_pipe_and_tells_its_end) {
    for (int blocks = 0; blocks < 2; blocks++) {
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        if (!blocks)
            fcntl(ends[0], F_SETFL, O_NONBLOCK);
        pthread_t thread;
        sigset_t block;
        sigemptyset(&block);
        sigaddset(&block, SIGALRM);
        pthread_sigmask(SIG_BLOCK, &block, NULL);
        cr_assert_eq(pthread_create(&thread, NULL, write_slowly, &ends[1]), 0);
        pthread_sigmask(SIG_UNBLOCK, &block, NULL);
        alarm_begin();
        unsigned char *bytes = malloc(BYTES), *wanted = made(BYTES);
        size_t done;
        cr_assert_eq(platform_descriptor_read(ends[0], bytes, BYTES - 100, &done), 0);
        cr_assert_eq(done, (size_t)BYTES - 100);
        cr_assert_eq(platform_descriptor_read(ends[0], bytes + done, 1000, &done), 0);
        cr_assert_eq(done, (size_t)100, "it ends");
        alarm_end();
        cr_assert_eq(memcmp(bytes, wanted, BYTES), 0);
        cr_assert_eq(platform_descriptor_read(ends[0], bytes, 1, &done), 0);
        cr_assert_eq(done, (size_t)0);
        pthread_join(thread, NULL);
        close(ends[0]);
    }
}

Test(descriptor, a_full_disk_is_told) {
    int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        return;
    cr_assert_lt(platform_descriptor_write(full, "x", 1), 0);
    cr_assert_eq(errno, ENOSPC);
    close(full);
}

/* Raises SIGPIPE with a plain write: by default the end of the process. */
Test(descriptor, a_closed_pipe_is_told_and_kills_nobody) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_assert_lt(platform_descriptor_write(ends[1], "x", 1), 0);
    cr_assert_eq(errno, EPIPE);
    sigset_t pending;
    sigpending(&pending);
    cr_assert_not(sigismember(&pending, SIGPIPE));
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    cr_assert_not(sigismember(&mask, SIGPIPE));
    close(ends[1]);
}

Test(descriptor, a_limit_of_file_sizes_is_told_and_kills_nobody) {
    char path[] = "/tmp/gait-descriptor-XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    struct rlimit limit = {5000, 5000};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    unsigned char *bytes = made(10000);
    cr_assert_lt(platform_descriptor_write(file, bytes, 10000), 0);
    cr_assert_eq(errno, EFBIG);
    close(file);
    unlink(path);
}

Test(descriptor, one_that_is_none_is_told) {
    size_t done;
    char byte;
    cr_assert_lt(platform_descriptor_write(-1, "x", 1), 0);
    cr_assert_eq(errno, EBADF);
    cr_assert_lt(platform_descriptor_read(-1, &byte, 1, &done), 0);
    cr_assert_eq(errno, EBADF);
    cr_assert_eq(done, (size_t)0);
    cr_assert_eq(platform_descriptor_write(-1, "", 0), 0, "nothing to write");
}

/* A program may be started with its standard streams closed: a file of the library's that took the
 * place of one would get what the program prints. */
Test(descriptor, files_stand_above_the_standard_streams) {
    char name[] = "/tmp/gait-descriptor-XXXXXX";
    const char *why = "";
    close(mkstemp(name));
    close(0);
    int file = platform_file_create(name, &why);
    cr_expect_geq(file, 3, "%s", why);
    cr_expect_eq(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    int log = platform_stream_open(stderr);
    cr_expect_geq(log, 3);
    cr_expect_eq(fcntl(0, F_GETFD), -1, "it was closed again");
    close(file);
    close(log);
    unlink(name);
}

Test(descriptor, a_file_has_one_writer) {
    char name[] = "/tmp/gait-descriptor-XXXXXX";
    const char *why = "";
    close(mkstemp(name));
    int first = platform_file_create(name, &why);
    cr_assert_geq(first, 0, "%s", why);
    cr_expect_eq(write(first, "first", 5), 5);
    cr_expect_lt(platform_file_create(name, &why), 0);
    cr_expect_eq(strcmp(why, "another heap or program writes it"), 0, "%s", why);
    struct stat file;
    cr_expect_eq(stat(name, &file), 0);
    cr_expect_eq(file.st_size, 5, "it was emptied all the same");
    close(first);
    int second = platform_file_create(name, &why);
    cr_expect_geq(second, 0, "%s", why);
    close(second);
    unlink(name);
}

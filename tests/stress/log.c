/* SPDX-License-Identifier: MIT */
/*
 * A trace that goes to a pipe which nobody reads: the program goes on, collects, destroys its heap
 * and exits; what was lost is counted once somebody reads. A file that takes nothing for a while:
 * no line is lost. And the trace of a process that forks: no line is there twice.
 */
#include "stress.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PROCESS_SECONDS 40 /* a process that takes longer hangs */
#define PIPE_BYTES 4096
#define TEXT_BYTES ((size_t)1 << 20)

static struct traced {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind leaf;
    FILE *log;
} traced;

static void heap_begin(FILE *log) {
    gait_config config;
    gait_config_init(&config);
    config.debug = "gctrace=1";
    config.gogc = "100";
    config.log = traced.log = log;
    traced.heap = heap_of(&config);
    traced.mutator = attach(traced.heap);
    traced.leaf = kind_new(traced.heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
}

static void heap_end(void) {
    gait_heap_destroy(traced.heap);
    fclose(traced.log);
}

static void collect(uint64_t times) {
    for (uint64_t i = 0; i < times; i++)
        gait_collect(traced.mutator);
}

/* A heap whose trace goes to a small pipe. @return the pipe's other end. */
static int heap_to_pipe(void) {
    int ends[2];
    CHECK(pipe(ends) == 0, "pipe");
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
    FILE *log = fdopen(ends[1], "w");
    CHECK(log, "fdopen");
    setvbuf(log, NULL, _IOLBF, 0);
    heap_begin(log);
    return ends[0];
}

/* ---- Lines ---- */

static char text[TEXT_BYTES];
static size_t length;

/* Read until nothing comes for a while, or the other end is closed. */
static void read_all(int from) {
    struct pollfd some = {.fd = from, .events = POLLIN};
    while (length < TEXT_BYTES - 1 && poll(&some, 1, 500) > 0) {
        ssize_t count = read(from, text + length, TEXT_BYTES - 1 - length);
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    text[length] = '\0';
}

/* Check that what was read is whole lines, cycles in order. *lost: as a line says.
 * @return how many cycles there are. */
static uint64_t check_lines(uint64_t *lost) {
    uint64_t cycles = 0, last = 0;
    *lost = 0;
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n');
        CHECK(end, "a line is cut: %s", line);
        *end = '\0';
        uint64_t number;
        if (sscanf(line, "gc %" SCNu64 " @", &number) == 1) {
            CHECK(number > last, "cycle %" PRIu64 " after %" PRIu64, number, last);
            CHECK(strstr(line, " P (forced)") || strstr(line, " P"), "a line is cut: %s", line);
            last = number;
            cycles++;
        } else {
            CHECK(sscanf(line, "gait: %" SCNu64 " lines lost", &number) == 1, "a line: %s", line);
            *lost += number;
        }
        line = end + 1;
    }
    return cycles;
}

/* ---- A pipe that nobody reads ---- */

static void program_goes_on(void) {
    int reader = heap_to_pipe();
    /* more than the pipe and the buffers hold */
    collect(1000);
    uint64_t before = stats_of(traced.heap).cycles;
    for (size_t i = 0; i < 20000; i++)
        allocate(traced.mutator, traced.leaf, 4096);
    CHECK(stats_of(traced.heap).cycles > before, "no cycle while nobody reads the log");
    collect(1); /* waits for the end of the last cycle */
    uint64_t cycles = stats_of(traced.heap).cycles, lost;
    read_all(reader);
    collect(1);
    read_all(reader);
    uint64_t told = check_lines(&lost);
    CHECK(lost > 0 && told + lost == cycles + 1,
          "%" PRIu64 " cycles told, %" PRIu64 " lost of %" PRIu64, told, lost, cycles + 1);
    heap_end();
    close(reader);
    printf("%" PRIu64 " cycles told, %" PRIu64 " lost\n", told, lost);
}

static void heap_is_destroyed(void) {
    int reader = heap_to_pipe();
    collect(300);
    int64_t begin_ns = now_ns();
    heap_end();
    printf("destroyed in %.3f s while nobody read\n", (double)(now_ns() - begin_ns) * 1e-9);
    close(reader);
}

static void wait_for(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ended with status %#x",
          (unsigned)status);
}

static void program_exits(void) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        alarm(PROCESS_SECONDS);
        heap_to_pipe();
        collect(300);
        exit(0);
    }
    wait_for(child);
}

/* How often a line of this cycle was read. */
static unsigned count_cycle(uint64_t number) {
    char begin[40];
    unsigned count = 0;
    snprintf(begin, sizeof begin, "gc %" PRIu64 " @", number);
    for (const char *at = text; (at = strstr(at, begin)); at++)
        count += at == text || at[-1] == '\n';
    return count;
}

/* What is in a file: each of so many cycles once. */
static void check_file(int file, uint64_t cycles) {
    ssize_t count = pread(file, text, TEXT_BYTES - 1, 0);
    CHECK(count > 0, "nothing in the log");
    text[count] = '\0';
    close(file);
    for (uint64_t cycle = 1; cycle <= cycles; cycle++)
        CHECK(count_cycle(cycle) == 1, "%u lines of cycle %" PRIu64, count_cycle(cycle), cycle);
}

/* ---- A file that takes nothing for a while ---- */

static void limit_to(int what, rlim_t most) {
    struct rlimit limit;
    CHECK(getrlimit(what, &limit) == 0, "getrlimit");
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    CHECK(setrlimit(what, &limit) == 0, "setrlimit");
}

/* No descriptor is left, or the file must not grow, as on a disk that is full: lines wait. */
static void lines_wait_for(int what, rlim_t most) {
    enum { BEFORE = 5, WITHOUT = 20, AFTER = 5 };
    struct rlimit whole;
    CHECK(getrlimit(what, &whole) == 0, "getrlimit");
    FILE *log = tmpfile();
    CHECK(log, "tmpfile");
    int file = dup(fileno(log));
    heap_begin(log);
    collect(BEFORE);
    sleep_us(20000);
    limit_to(what, most);
    collect(WITHOUT);
    sleep_us(20000);
    limit_to(what, whole.rlim_cur);
    collect(AFTER);
    heap_end();
    check_file(file, BEFORE + WITHOUT + AFTER);
}

/* ---- fork ---- */

static void no_line_comes_twice(void) {
    enum { BEFORE = 50, CHILDS = 5 };
    FILE *log = tmpfile();
    CHECK(log, "tmpfile");
    int file = dup(fileno(log));
    heap_begin(log);
    for (uint64_t cycles = 1; cycles <= BEFORE; cycles++) {
        collect(1);
        if (cycles % 10)
            continue;
        fflush(stdout);
        pid_t child = fork();
        CHECK(child >= 0, "fork");
        if (child == 0) {
            alarm(PROCESS_SECONDS);
            if (cycles == BEFORE)
                collect(CHILDS);
            exit(0);
        }
        wait_for(child);
    }
    heap_end();
    check_file(file, BEFORE + CHILDS);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    alarm(PROCESS_SECONDS);
    signal(SIGPIPE, SIG_IGN);
    program_exits();
    program_goes_on();
    heap_is_destroyed();
    lines_wait_for(RLIMIT_NOFILE, 3);
    lines_wait_for(RLIMIT_FSIZE, 200);
    if (!UNDER_TSAN && !UNDER_ASAN) /* children of threads: forks.c */
        no_line_comes_twice();
}

/* SPDX-License-Identifier: MIT */
/*
 * Use of an arena after its end: a process that touches it dies with the line that says which arena
 * it was; whatever else goes wrong in memory ends a program as it would have without the library.
 * Each case in a process of its own.
 */
#include <gait/arena.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf;
static gait_arena *arena;
static char *bytes;

static void open_heap(uint32_t flags) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    heap = gait_heap_create(&config, NULL, 0);
    mutator = gait_attach(heap);
    leaf =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
}

static void open_arena(uint32_t arena_flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "requests";
    config.flags = arena_flags;
    arena = gait_arena_create(mutator, &config);
    bytes = gait_arena_alloc(mutator, arena, 1000, 8);
    memset(bytes, 1, 1000);
}

static void touch(const volatile char *address) { (void)*address; }

static void open_and_free(void) {
    open_heap(0);
    open_arena(GAIT_ARENA_PINNED);
    gait_arena_free(mutator, arena);
}

/* ---- Use after free ---- */

static void read_freed(void) {
    open_and_free();
    touch(bytes + 500);
}

static void write_freed(void) {
    open_and_free();
    *(volatile char *)bytes = 1;
}

static void alloc_in_freed(void) {
    open_and_free();
    gait_arena_alloc(mutator, arena, 8, 8); /* its inline part reads the handle */
}

static void new_in_freed(void) {
    open_and_free();
    gait_arena_new(mutator, arena, leaf, 8);
}

static void slow_in_freed(void) {
    open_and_free();
    gait_arena_alloc_slow(mutator, arena, 8, 8);
}

static void reset_freed(void) {
    open_and_free();
    gait_arena_reset(mutator, arena);
}

static void free_freed(void) {
    open_and_free();
    gait_arena_free(mutator, arena);
}

static void adopt_freed(void) {
    open_and_free();
    gait_arena_adopt(mutator, arena);
}

static void *touch_in_thread(void *address) {
    touch(address);
    return NULL;
}

static void read_freed_in_thread(void) {
    open_and_free();
    pthread_t thread;
    pthread_create(&thread, NULL, touch_in_thread, bytes);
    pthread_join(thread, NULL);
}

static void read_large_freed(void) {
    open_heap(0);
    open_arena(GAIT_ARENA_PINNED);
    char *large = gait_arena_alloc(mutator, arena, (size_t)3 << 20, 64);
    gait_arena_free(mutator, arena);
    touch(large + ((size_t)2 << 20));
}

/* A reference is found by each cycle: the addresses stay as they are. */
static void read_freed_later(void) {
    open_and_free();
    gait_word root = (gait_word)bytes;
    gait_roots_add(mutator, &root, 1);
    for (unsigned i = 0; i < 4; i++) {
        gait_collect(mutator);
        gait_arena *other = gait_arena_create(mutator, NULL);
        memset(gait_arena_alloc(mutator, other, 50000, 8), 2, 50000);
        gait_arena_free(mutator, other);
    }
    touch(bytes);
}

/* Nothing leads to it: a collection ends it. */
static __attribute__((noinline)) void leak(void) {
    open_heap(0);
    open_arena(0);
    gait_collect(mutator);
}

static void read_leaked(void) {
    leak();
    touch(bytes);
}

static void reset_leaked(void) {
    leak();
    gait_arena_reset(mutator, arena);
}

static void read_in_child_of_fork(void) {
    open_and_free();
    pid_t child = fork();
    if (child == 0)
        touch(bytes);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        abort();
}

static void on_fault(int signal) {
    (void)signal;
    static const char line[] = "the program's handler\n";
    if (write(2, line, sizeof line - 1) < 0)
        _exit(3);
    _exit(2);
}

static void read_freed_handled(void) {
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    open_and_free();
    touch(bytes);
}

/* A handler that comes later asks the library. */
static void on_fault_ask(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (gait_explain_fault(info->si_addr))
        abort();
    on_fault(signal);
}

static void install_later(void) {
    struct sigaction action = {.sa_sigaction = on_fault_ask, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
}

static void read_freed_asked(void) {
    open_heap(GAIT_NO_FAULT_HANDLER);
    install_later();
    open_arena(GAIT_ARENA_PINNED);
    gait_arena_free(mutator, arena);
    touch(bytes);
}

/* ---- Other faults ---- */

/* Not NULL: a sanitizer would see that by itself. */
static char *volatile nowhere = (char *)64;

static void null_dereference(void) {
    open_heap(0);
    open_arena(0);
    touch(nowhere);
}

static void null_dereference_handled(void) {
    signal(SIGSEGV, on_fault);
    null_dereference();
}

static void null_dereference_asked(void) {
    open_heap(GAIT_NO_FAULT_HANDLER);
    install_later();
    open_arena(0);
    touch(nowhere);
}

static void protected_page(void) {
    open_heap(0);
    open_arena(0);
    touch(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void on_fault_once(int signal) { (void)signal; }

static void handler_of_one_shot(void) {
    struct sigaction action = {.sa_handler = on_fault_once, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGSEGV, &action, NULL);
    null_dereference();
}

static void sent_by_kill(void) {
    open_heap(0);
    open_arena(0);
    kill(getpid(), SIGSEGV);
}

static void sent_by_kill_ignored(void) {
    signal(SIGSEGV, SIG_IGN);
    open_heap(0);
    open_arena(0);
    kill(getpid(), SIGSEGV);
    _exit(7);
}

/* On an alternate stack: the thread's own is at its end. */
static char alternate[65536];

static unsigned deep(unsigned depth) {
    volatile char here[4096];
    here[depth % sizeof here] = (char)depth;
    return depth == 0 ? 0 : deep(depth - 1) + (unsigned)here[depth % sizeof here];
}

static void stack_overflow_handled(void) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    open_heap(0);
    open_arena(0);
    if (deep(1000000) == 1) /* 4 GB */
        _exit(3);
}

/* ---- The cases ---- */

#define FREED "\"requests\""

/* Sanitizers have a handler, and a line, of their own for what a program has none for. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static const struct {
    const char *name;
    void (*run)(void);
    int signal;          /* that it ends by; 0: by exit */
    int status;          /* then: with this status */
    const char *says[3]; /* on stderr */
} cases[] = {
#define LEAKED(name)                                                                               \
    {                                                                                              \
#name, name, SIGABRT, 0, {                                                                 \
            "use after free", FREED, "leaked: freed by the collector in cycle 1"                   \
        }                                                                                          \
    }
    LEAKED(read_leaked),
    LEAKED(reset_leaked),
#define USE(name)                                                                                  \
    {                                                                                              \
#name, name, SIGABRT, 0, { "use after free", FREED, "faults.c:" }                          \
    }
    USE(read_freed),
    USE(write_freed),
    USE(alloc_in_freed),
    USE(new_in_freed),
    USE(slow_in_freed),
    USE(reset_freed),
    USE(free_freed),
    USE(adopt_freed),
    USE(read_freed_in_thread),
    USE(read_large_freed),
    USE(read_freed_later),
    USE(read_in_child_of_fork),
    USE(read_freed_handled),
    USE(read_freed_asked),
    {"null_dereference", null_dereference, SIGSEGV, 0, {NULL}},
    {"protected_page", protected_page, SIGSEGV, 0, {NULL}},
    {"handler_of_one_shot", handler_of_one_shot, SIGSEGV, 0, {NULL}},
    {"sent_by_kill", sent_by_kill, SIGSEGV, 0, {NULL}},
    {"stack_overflow_handled", stack_overflow_handled, 0, 2, {"the program's handler"}},
    {"null_dereference_handled", null_dereference_handled, 0, 2, {"the program's handler"}},
    {"null_dereference_asked", null_dereference_asked, 0, 2, {"the program's handler"}},
    {"sent_by_kill_ignored", sent_by_kill_ignored, 0, 7, {NULL}},
};

/* Does it end by the signal's default, or on a stack that sanitizers make larger? */
static bool is_plain(size_t i) {
    return cases[i].signal == SIGSEGV || cases[i].run == stack_overflow_handled;
}

/* @return whether it ended as it should. */
static bool run_case(size_t i) {
    int ends[2], status;
    if (SANITIZED && is_plain(i))
        return true;
    if (pipe(ends) < 0)
        return false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        alarm(30);
        cases[i].run();
        _exit(0);
    }
    close(ends[1]);
    char text[4096] = "";
    size_t length = 0;
    for (ssize_t count; length < sizeof text - 1 &&
                        (count = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)count;
    close(ends[0]);
    waitpid(child, &status, 0);
    bool right = cases[i].signal ? WIFSIGNALED(status) && WTERMSIG(status) == cases[i].signal
                                 : WIFEXITED(status) && WEXITSTATUS(status) == cases[i].status;
    for (unsigned at = 0; at < 3; at++)
        right = right && (!cases[i].says[at] || strstr(text, cases[i].says[at]));
    bool said = strstr(text, "use after free") != NULL;
    right = right && said == (cases[i].says[1] != NULL);
    if (!right)
        printf("%s: status %#x, said: %s\n", cases[i].name, (unsigned)status, text);
    return right;
}

int main(void) {
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        wrong += !run_case(i);
    printf("%zu cases, %u ended otherwise\n", sizeof cases / sizeof cases[0], wrong);
    return wrong != 0;
}

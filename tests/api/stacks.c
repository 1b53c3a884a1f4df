/* SPDX-License-Identifier: MIT */
/*
 * Stacks that an embedder leaves or changes: jumps over frames, out of finalizers and handlers, a
 * root callback beside coroutines, what counts as roots; and C stacks that a heap was not told of.
 * A wrong one runs in a process of its own, and must end by abort() after one line.
 */
#include <gait/gait.h>
#include <gait/stats.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

enum { STACK_BYTES = 256 << 10, STAMP = 0x1234567 };

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf;

static gait_heap *heap_new(uint32_t flags, size_t reserve_bytes) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.debug = "clobberfree=1";
    config.reserve_bytes = reserve_bytes;
    gait_heap *made = gait_heap_create(&config, NULL, 0);
    CHECK(made);
    return made;
}

static void begin(uint32_t flags) {
    heap = heap_new(flags, 0);
    mutator = gait_attach(heap);
    CHECK(mutator);
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    CHECK(kind >= 0);
    leaf = (gait_kind)kind;
}

static void end(void) { gait_heap_destroy(heap); }

static gait_word stamped(void) {
    gait_word *object = gait_alloc(mutator, leaf, 64);
    CHECK(object);
    object[0] = STAMP;
    return (gait_word)object;
}

static bool is_stamped(gait_word object) { return *(gait_word *)object == STAMP; }

/* ---- Jumps ---- */

static jmp_buf caught;
static volatile bool jumps_out = true;

/* Leaves by longjmp, with a frame pushed at each level. */
__attribute__((noinline)) static void jump_from(int depth) {
    gait_word slots[8] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, slots, 8);
    slots[0] = stamped();
    if (depth > 0)
        jump_from(depth - 1);
    else if (jumps_out)
        longjmp(caught, 1);
    gait_pop_frame(mutator);
}

/* Fills the stack where the frames of functions lay that were left. */
__attribute__((noinline)) static void overwrite(int depth) {
    volatile char bytes[4096];
    memset((void *)bytes, 0x7f, sizeof bytes);
    if (depth > 0)
        overwrite(depth - 1);
}

static void jump_over_frames(void) {
    gait_word kept = stamped();
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &kept, 1);
    struct gait_frames frames = gait_frames_save(mutator);
    if (setjmp(caught) == 0)
        jump_from(10);
    gait_frames_restore(mutator, frames);
    overwrite(3);
    gait_collect(mutator);
    CHECK(is_stamped(kept));
    gait_pop_frame(mutator);
}

static volatile unsigned finalized;

static void jump_every_other(gait_mutator *at, void *object, void *data) {
    (void)at, (void)data;
    CHECK(is_stamped((gait_word)object));
    if (++finalized % 2)
        jump_from(3);
}

static void jump_out_of_finalizers(void) {
    enum { OBJECTS = 50 };
    for (int i = 0; i < OBJECTS; i++)
        CHECK(gait_finalizer_set(mutator, (void *)stamped(), jump_every_other, NULL) == 0);
    finalized = 0;
    volatile unsigned jumps = 0;
    struct gait_frames frames = gait_frames_save(mutator);
    for (volatile int round = 0; round < 2 * OBJECTS; round++) {
        gait_collect(mutator);
        if (setjmp(caught) == 0)
            gait_run_finalizers(mutator, 10);
        else
            jumps++;
        gait_frames_restore(mutator, frames);
        overwrite(3);
    }
    CHECK(finalized == OBJECTS && jumps == OBJECTS / 2);
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0 && stats.finalizers_queued == 0);
}

static bool jump_out(gait_mutator *at, size_t bytes, void *data) {
    (void)at, (void)bytes, (void)data;
    longjmp(caught, 1);
}

/* The handler is asked as often as memory runs out, and what it leaves works on. */
static void jump_out_of_memory(void) {
    gait_set_oom_handler(heap, jump_out, NULL);
    struct gait_frames frames = gait_frames_save(mutator);
    for (volatile int round = 0; round < 3; round++) {
        volatile bool jumped = false;
        if (setjmp(caught) == 0)
            CHECK(!gait_alloc(mutator, leaf, (size_t)1 << 50));
        else
            jumped = true;
        gait_frames_restore(mutator, frames);
        CHECK(jumped);
        gait_collect(mutator);
        CHECK(is_stamped(stamped()));
    }
}

/* ---- Callbacks and coroutines ---- */

static gait_word shared_stack[4];
static unsigned visits;

static void visit_shared(gait_visitor *visitor, void *data) {
    (void)data;
    visits++;
    gait_visit_range(visitor, shared_stack, 4);
}

static void visit_word(gait_visitor *visitor, void *word) {
    gait_visit(visitor, *(gait_word *)word);
}

/* The thread's callback is visited whatever runs, and a coroutine's as long as there is one. */
static void callback_of_the_thread(void) {
    gait_word own = 0;
    gait_coroutine *coroutine = gait_coroutine_new(mutator, visit_word, &own, NULL, NULL);
    gait_coroutine *other = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    CHECK(coroutine && other);
    gait_coroutine_switch(mutator, coroutine);
    gait_set_roots_callback(mutator, visit_shared, NULL);
    shared_stack[0] = stamped();
    own = stamped();
    gait_coroutine *turns[] = {coroutine, other, NULL, coroutine};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        gait_coroutine_switch(mutator, turns[i]);
        visits = 0;
        gait_collect(mutator);
        CHECK(visits == 1 && is_stamped(shared_stack[0]) && is_stamped(own));
    }
    gait_set_roots_callback(mutator, NULL, NULL); /* the thread's again, and not the coroutine's */
    gait_collect(mutator);
    CHECK(!is_stamped(shared_stack[0]) && is_stamped(own));
    gait_coroutine_switch(mutator, NULL);
    gait_coroutine_free(mutator, coroutine);
    gait_coroutine_free(mutator, other);
}

/* ---- What counts as roots ---- */

enum { WORDS = 100000 };
static gait_word many[WORDS];

static void visit_many(gait_visitor *visitor, void *data) {
    (void)data;
    gait_visit_range(visitor, many, WORDS / 2);
    gait_visit_conservative(visitor, many + WORDS / 2, WORDS / 2 - 1);
    gait_visit(visitor, many[WORDS - 1]);
}

static size_t stack_bytes(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_collect(mutator);
    CHECK(gait_read_stats(heap, &stats) == 0);
    return stats.stack_bytes;
}

/* Words count as work, be they a frame's, a callback's or a suspended coroutine's. */
static void roots_count(void) {
    CHECK(stack_bytes() == 0);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, many, WORDS);
    CHECK(stack_bytes() == sizeof many);
    gait_pop_frame(mutator);
    gait_set_roots_callback(mutator, visit_many, NULL);
    CHECK(stack_bytes() == sizeof many);
    gait_set_roots_callback(mutator, NULL, NULL);
    gait_coroutine *coroutine = gait_coroutine_new(mutator, visit_many, NULL, NULL, NULL);
    CHECK(stack_bytes() == sizeof many);
    gait_coroutine_switch(mutator, coroutine);
    CHECK(stack_bytes() == sizeof many);
    gait_push_frame(mutator, &frame, many, WORDS);
    gait_coroutine_switch(mutator, NULL);
    CHECK(stack_bytes() == 2 * sizeof many);
    gait_coroutine_switch(mutator, coroutine);
    gait_pop_frame(mutator);
    gait_coroutine_switch(mutator, NULL);
    gait_coroutine_free(mutator, coroutine);
    CHECK(stack_bytes() == 0);
}

/* ---- C stacks that were told of, and that were not ---- */

static ucontext_t scheduler, context;
static char *c_stack;

static void run_on_stack(void (*body)(void)) {
    CHECK(c_stack = malloc(STACK_BYTES));
    CHECK(getcontext(&context) == 0);
    context.uc_stack.ss_sp = c_stack;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = &scheduler;
    makecontext(&context, body, 0);
}

static gait_mutator *second;

static void allocate_and_return(void) {
    gait_word kept = stamped();
    gait_collect(mutator);
    CHECK(is_stamped(kept));
    if (second)
        gait_collect(second);
    gait_coroutine_switch(mutator, NULL);
    if (second)
        gait_coroutine_switch(second, NULL);
    swapcontext(&context, &scheduler);
}

/* Two heaps that scan C stacks are told of the same switch, one after the other. */
static void both_heaps_are_told(void) {
    gait_heap *other = heap_new(GAIT_CONSERVATIVE_STACKS, 0);
    CHECK(second = gait_attach(other));
    run_on_stack(allocate_and_return);
    gait_coroutine *first_of =
        gait_coroutine_new(mutator, NULL, NULL, c_stack, c_stack + STACK_BYTES);
    gait_coroutine *second_of =
        gait_coroutine_new(second, NULL, NULL, c_stack, c_stack + STACK_BYTES);
    CHECK(first_of && second_of);
    gait_coroutine_switch(mutator, first_of);
    gait_coroutine_switch(second, second_of);
    swapcontext(&scheduler, &context);
    gait_coroutine_free(mutator, first_of);
    gait_coroutine_free(second, second_of);
    gait_collect(mutator);
    gait_heap_destroy(other);
    second = NULL;
    free(c_stack);
}

static void nobody_is_told(void) {
    run_on_stack(allocate_and_return);
    swapcontext(&scheduler, &context);
}

static void one_heap_is_told(void) {
    second = gait_attach(heap_new(GAIT_CONSERVATIVE_STACKS, 0));
    run_on_stack(allocate_and_return);
    gait_coroutine_switch(mutator,
                          gait_coroutine_new(mutator, NULL, NULL, c_stack, c_stack + STACK_BYTES));
    swapcontext(&scheduler, &context);
}

static void told_and_not_gone(void) {
    run_on_stack(allocate_and_return);
    gait_coroutine_switch(mutator,
                          gait_coroutine_new(mutator, NULL, NULL, c_stack, c_stack + STACK_BYTES));
    gait_collect(mutator);
}

static void collect_in_handler(int signal) {
    (void)signal;
    gait_collect(mutator);
}

static void on_a_signal_stack(void) {
    stack_t stack = {.ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES};
    CHECK(stack.ss_sp && sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_handler = collect_in_handler, .sa_flags = SA_ONSTACK};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
}

static void empty_stack(void) { gait_coroutine_new(mutator, NULL, NULL, &heap, &heap); }

static void free_running(void) {
    gait_coroutine *coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    gait_coroutine_switch(mutator, coroutine);
    gait_coroutine_free(mutator, coroutine);
}

static void jump_and_forget(void) {
    if (setjmp(caught) == 0)
        jump_from(10);
    gait_collect(mutator);
}

/* Run in a child. It must say one line with these words, and abort. */
static void is_told(const char *title, uint32_t flags, void (*wrong)(void), const char *words) {
    int ends[2], status;
    char text[1000];
    fflush(stdout);
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        alarm(60);
        begin(flags);
        wrong();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = 0;
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (!aborted || !strstr(text, words) || strchr(text, '\n') != text + length - 1) {
        fprintf(stderr, "%s: status %#x: %s\n", title, (unsigned)status, text);
        exit(1);
    }
    printf("%s: told\n", title);
}

static void holds(const char *title, uint32_t flags, void (*right)(void)) {
    begin(flags);
    right();
    end();
    printf("%s: holds\n", title);
}

int main(void) {
    /* the children first: no thread is there to be missed by them */
    is_told("a frame that was left", 0, jump_and_forget, "gait_frames_restore");
    is_told("an unknown stack", GAIT_CONSERVATIVE_STACKS, nobody_is_told, "gait_coroutine_switch");
    is_told("a stack that one heap knows", GAIT_CONSERVATIVE_STACKS, one_heap_is_told,
            "gait_coroutine_switch");
    is_told("a stack not gone to", GAIT_CONSERVATIVE_STACKS, told_and_not_gone,
            "gait_coroutine_switch");
    is_told("a signal stack", GAIT_CONSERVATIVE_STACKS, on_a_signal_stack, "gait_coroutine_switch");
    is_told("an empty stack", GAIT_CONSERVATIVE_STACKS, empty_stack, "gait_coroutine_new: ");
    is_told("freed while it runs", 0, free_running, "gait_coroutine_free: ");
    holds("jumps over frames", 0, jump_over_frames);
    holds("jumps out of finalizers", 0, jump_out_of_finalizers);
    holds("jumps out of the handler", 0, jump_out_of_memory);
    holds("a callback of the thread", 0, callback_of_the_thread);
    holds("a callback of the thread, C stacks", GAIT_CONSERVATIVE_STACKS, callback_of_the_thread);
    holds("roots count", 0, roots_count);
    holds("two heaps", GAIT_CONSERVATIVE_STACKS, both_heaps_are_told);
    return 0;
}

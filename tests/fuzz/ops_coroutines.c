/* SPDX-License-Identifier: MIT */
/*
 * Coroutines: each has an owner, and is run by any thread that takes it. A thread switches to it,
 * does some operations as it, and switches back or straight to another one. With fibers, it has a C
 * stack of its own, and stands in the middle of a function while it is suspended.
 */
#include "ops.h"

#include <sys/mman.h>
#include <ucontext.h>

#if UNDER_TSAN
#include <sanitizer/tsan_interface.h>
#define FIBER_NEW() __tsan_create_fiber(0)
#define FIBER_SELF() __tsan_get_current_fiber()
#define FIBER_SWITCH(fiber) __tsan_switch_to_fiber(fiber, 0)
#define FIBER_END(fiber) __tsan_destroy_fiber(fiber)
#else
#define FIBER_NEW() NULL
#define FIBER_SELF() NULL
#define FIBER_SWITCH(fiber) (void)(fiber)
#define FIBER_END(fiber) (void)(fiber)
#endif

#define C_STACK_BYTES ((size_t)131072)
#define GUARD_BYTES ((size_t)65536) /* below it: more than any frame of this program has */

struct coroutine {
    pthread_mutex_t lock; /* held to run or renew it; all below */
    gait_coroutine *gait;
    struct owner *owner;
    struct context context; /* of the operations that it does now */
    char *c_stack;          /* fibers */
    ucontext_t own, callers;
    void *fiber, *callers_fiber;
    bool started;
};

/* ---- C stacks ---- */

static char *stack_new(void) {
    char *low =
        mmap(NULL, GUARD_BYTES + C_STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(low != MAP_FAILED, "mmap");
    CHECK(mprotect(low + GUARD_BYTES, C_STACK_BYTES, PROT_READ | PROT_WRITE) == 0, "mprotect");
    return low + GUARD_BYTES;
}

static void stack_free(char *stack) {
    if (stack)
        munmap(stack - GUARD_BYTES, GUARD_BYTES + C_STACK_BYTES);
}

/* ---- Beginning and end ---- */

static void begin(struct context *context, struct coroutine *coroutine) {
    struct context own = *context;
    own.owner = coroutine->owner = owner_new(context->heap, true);
    char *low = NULL, *high = NULL;
    if (the_round->plan.fibers) {
        low = coroutine->c_stack = stack_new();
        high = low + C_STACK_BYTES;
    }
    bool scanned = context->heap->plan->flags & GAIT_CONSERVATIVE_STACKS;
    coroutine->gait = gait_coroutine_new(context->mutator, owner_visit, coroutine->owner,
                                         scanned ? low : NULL, scanned ? high : NULL);
    CHECK(coroutine->gait, "gait_coroutine_new");
    owner_open(&own);
    size_t count;
    struct root *roots = owner_roots(coroutine->owner, ROOT_CALLBACK, &count);
    for (size_t i = 0; i < count; i++)
        roots[i].usable = true;
}

/* Wherever it stands, the roots of its stacks go with it. */
static void end(struct context *context, struct coroutine *coroutine) {
    gait_coroutine_free(context->mutator, coroutine->gait);
    owner_end(coroutine->owner);
    if (coroutine->started)
        FIBER_END(coroutine->fiber);
    coroutine->started = false;
    stack_free(coroutine->c_stack);
    coroutine->c_stack = NULL;
}

struct coroutine *coroutine_make(struct context *context) {
    struct coroutine *coroutine = calloc(1, sizeof *coroutine);
    CHECK(coroutine, "calloc");
    pthread_mutex_init(&coroutine->lock, NULL);
    begin(context, coroutine);
    return coroutine;
}

void coroutine_end(struct context *context, struct coroutine *coroutine) {
    end(context, coroutine);
    pthread_mutex_destroy(&coroutine->lock);
    free(coroutine);
}

/* ---- Running as one ---- */

static void run_some(struct coroutine *coroutine) {
    for (size_t n = pick(&coroutine->context.random, 8); n > 0; n--)
        op_run(&coroutine->context, OP_ANY);
}

__attribute__((noinline)) static void fiber_main(unsigned high, unsigned low) {
    struct coroutine *coroutine = (struct coroutine *)((uintptr_t)high << 32 | low);
    volatile gait_word words[STACK_WORDS] = {0}; /* roots, if the stack is scanned */
    if (coroutine->context.heap->plan->flags & GAIT_CONSERVATIVE_STACKS) {
        size_t count;
        struct root *roots = owner_roots(coroutine->owner, ROOT_STACK, &count);
        for (size_t i = 0; i < count; i++) {
            roots[i].slot = (gait_word *)&words[i];
            roots[i].usable = true;
        }
    }
    for (;;) {
        run_some(coroutine);
        gait_coroutine_switch(coroutine->context.mutator, NULL);
        FIBER_SWITCH(coroutine->callers_fiber);
        swapcontext(&coroutine->own, &coroutine->callers);
    }
}

static void fiber_run(struct coroutine *coroutine) {
    if (!coroutine->started) {
        coroutine->started = true;
        coroutine->fiber = FIBER_NEW();
        getcontext(&coroutine->own);
        coroutine->own.uc_stack.ss_sp = coroutine->c_stack;
        coroutine->own.uc_stack.ss_size = C_STACK_BYTES;
        coroutine->own.uc_link = NULL;
        uintptr_t address = (uintptr_t)coroutine;
        makecontext(&coroutine->own, (void (*)(void))fiber_main, 2, (unsigned)(address >> 32),
                    (unsigned)address);
    }
    coroutine->callers_fiber = FIBER_SELF();
    FIBER_SWITCH(coroutine->fiber);
    swapcontext(&coroutine->callers, &coroutine->own);
}

static void run(struct context *context, struct coroutine *coroutine, bool back) {
    gait_coroutine_switch(context->mutator, coroutine->gait);
    coroutine->context = *context;
    coroutine->context.owner = coroutine->owner;
    coroutine->context.random = next_random(&context->random);
    coroutine->context.nested = true;
    if (the_round->plan.fibers) {
        fiber_run(coroutine);
        return; /* it has switched back */
    }
    run_some(coroutine);
    if (back)
        gait_coroutine_switch(context->mutator, NULL);
}

/* One that nobody runs now, or NULL. */
static struct coroutine *take(struct context *context) {
    unsigned count = the_round->plan.coroutines;
    if (count == 0)
        return NULL;
    struct coroutine *coroutine = context->heap->coroutines[pick(&context->random, count)];
    return pthread_mutex_trylock(&coroutine->lock) == 0 ? coroutine : NULL;
}

void op_coroutine(struct context *context) {
    struct coroutine *first = take(context);
    if (!first)
        return;
    struct coroutine *second = one_in(&context->random, 3) ? take(context) : NULL;
    run(context, first, !second);
    if (second) {
        run(context, second, true);
        pthread_mutex_unlock(&second->lock);
    }
    pthread_mutex_unlock(&first->lock);
}

/* End one that is suspended, and have another one in its place. */
void op_coroutine_renew(struct context *context) {
    struct coroutine *coroutine = context->actor->child ? NULL : take(context);
    if (!coroutine)
        return;
    end(context, coroutine);
    begin(context, coroutine);
    pthread_mutex_unlock(&coroutine->lock);
}

/* Words of a suspended one are read and written from outside: stored to as static slots are, and
 * shaded as one is taken out. */
void op_coroutine_poke(struct context *context) {
    struct coroutine *coroutine = take(context);
    if (!coroutine)
        return;
    struct context outside = *context;
    outside.owner = coroutine->owner;
    for (size_t n = 1 + pick(&context->random, 4); n > 0; n--) {
        struct root *from = root_pick(&outside), *to = root_pick(&outside);
        if (!from || !to || from->class < ROOT_CALLBACK || to->class != ROOT_CALLBACK)
            continue;
        gait_word word = from->slot ? *from->slot : gait_handle_get(from->handle);
        CHECK(word == from->word.value, "a suspended coroutine's word is %#zx, not %#zx",
              (size_t)word, (size_t)from->word.value);
        if (root_takes_interior(outside.owner, from) && !root_takes_interior(outside.owner, to))
            word = from->word.target ? from->word.target->address : 0;
        gait_store(context->mutator, to->slot, gait_shade(context->mutator, word));
        to->word = (struct word){word, from->word.target, 0, false};
        if (from->class == ROOT_CALLBACK && from != to && one_in(&context->random, 2)) {
            gait_store(context->mutator, from->slot, 0);
            from->word = (struct word){0};
        }
    }
    pthread_mutex_unlock(&coroutine->lock);
}

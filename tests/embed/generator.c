/* SPDX-License-Identifier: MIT */
/*
 * Generators: a function that runs on a C stack of its own and is left and taken up again. A
 * generator is an object; its stack is C memory, freed by the object's cleanup when nobody has the
 * generator any more, half way or not. The coroutine is tied to the object: what stands on the
 * stack may lead to its own generator, and does not keep it.
 */
#include <gait/tied.h>
#include <ucontext.h>

#include "tiny.h"

enum { STACK_BYTES = 256 << 10 };

struct stack {
    gait_coroutine *coroutine;
    ucontext_t here, caller; /* the stack's own place; that of whoever asked for the next value */
    char *memory;
    value passed; /* roots, visited by a callback: what goes in, what comes out, */
    value function;
    bool begun, ended, failed;     /* failed: passed is the error */
    struct stack *outer;           /* that ran when this one was taken up */
    struct catcher *catcher;       /* likewise */
    struct stack *next, *previous; /* all that are live */
};

static struct stack *all;
static size_t live;

static void visit_stack(gait_visitor *visitor, void *data) {
    const struct stack *stack = data;
    gait_visit_range(visitor, &stack->passed, 1);
    gait_visit_range(visitor, &stack->function, 1);
}

void scan_generator(gait_visitor *visitor, void *object, size_t object_bytes, void *data) {
    (void)object_bytes, (void)data;
    const struct generator *generator = object;
    gait_visit_range(visitor, &generator->function, 1);
    gait_visit_coroutine(visitor, __atomic_load_n(&generator->coroutine, __ATOMIC_ACQUIRE));
}

static void leave(struct stack *stack) {
    tiny.running = stack->outer;
    gait_coroutine_switch(tiny.mutator, stack->outer ? stack->outer->coroutine : NULL);
    swapcontext(&stack->here, &stack->caller);
}

/* Call the function of the stack that runs. */
static value call_function(void) {
    ROOTS(kept, 1);
    kept[0] = cons(tiny.running->passed, 0);
    value given = apply(tiny.running->function, kept[0]);
    UNROOT();
    return given;
}

/* What runs on a stack from its beginning to its end. Errors don't pass by the end: they go on in
 * the caller's stack. */
static void run_stack(void) {
    struct catcher catcher;
    tiny.catcher = NULL;
    try_begin(&catcher);
    if (setjmp(catcher.place) == 0) {
        call_function();
        tiny.running->passed = 0; /* of the stack that runs: a plain store */
        try_end(&catcher);
    } else {
        caught(&catcher);
        tiny.running->passed = tiny.failure;
        tiny.running->failed = true;
    }
    tiny.running->ended = true;
    leave(tiny.running);
    abort();
}

static void stack_forget(struct stack *stack) {
    if (stack->next)
        stack->next->previous = stack->previous;
    if (stack->previous)
        stack->previous->next = stack->next;
    else
        all = stack->next;
    live--;
    free(stack->memory);
    free(stack);
}

static void drop_stack(gait_mutator *mutator, void *data) {
    struct stack *stack = data;
    gait_coroutine_free(mutator, stack->coroutine); /* before what it refers to */
    stack_forget(stack);
}

value generator_new(value function) {
    ROOTS(kept, 2);
    kept[0] = function;
    struct stack *stack = calloc(1, sizeof *stack);
    if (!stack || !(stack->memory = malloc(STACK_BYTES)))
        raise_text("no memory for a stack", 0);
    stack->coroutine = gait_coroutine_new(tiny.mutator, visit_stack, stack, stack->memory,
                                          stack->memory + STACK_BYTES);
    if (!stack->coroutine)
        raise_text("no memory for a coroutine", 0);
    gait_store(tiny.mutator, &stack->function, kept[0]); /* it stands still */
    stack->next = all;
    if (all)
        all->previous = stack;
    all = stack;
    live++;
    struct generator *made = allocate(tiny.generator, sizeof *made, TYPE_GENERATOR);
    made->stack = stack;
    kept[1] = (value)made;
    gait_init(&made->function, kept[0]);
    if (gait_cleanup_add(tiny.mutator, made, drop_stack, stack) < 0)
        raise_text("no memory for a cleanup", 0);
    gait_coroutine_tie(tiny.mutator, stack->coroutine, made);
    __atomic_store_n(&made->coroutine, stack->coroutine, __ATOMIC_RELEASE);
    UNROOT();
    return (value)made;
}

/* Go on with a stack until it yields, ends or fails. */
static void take_up(struct stack *stack) {
    stack->outer = tiny.running;
    stack->catcher = tiny.catcher;
    if (!stack->begun) {
        stack->begun = true;
        getcontext(&stack->here);
        stack->here.uc_stack.ss_sp = stack->memory;
        stack->here.uc_stack.ss_size = STACK_BYTES;
        makecontext(&stack->here, run_stack, 0);
    }
    tiny.running = stack;
    gait_coroutine_switch(tiny.mutator, stack->coroutine);
    swapcontext(&stack->caller, &stack->here);
}

value generator_next(value v, value passed) {
    if (!is_a(v, TYPE_GENERATOR))
        raise_text("not a generator", v);
    ROOTS(kept, 1);
    kept[0] = v; /* its stack stays as long as it runs */
    struct stack *stack = ((struct generator *)v)->stack;
    if (stack->ended) {
        UNROOT();
        return 0;
    }
    for (struct stack *runs = tiny.running; runs; runs = runs->outer)
        if (runs == stack)
            raise_text("the generator runs already", v);
    struct catcher *mine = tiny.catcher;
    gait_store(tiny.mutator, &stack->passed, passed); /* it stands still */
    take_up(stack);
    tiny.catcher = mine;
    value given = stack->passed;
    gait_store(tiny.mutator, &stack->passed, 0); /* taken out: the store shades it */
    UNROOT();
    if (stack->failed) {
        stack->failed = false;
        raise_value(given);
    }
    return given;
}

value generator_yield(value item) {
    struct stack *stack = tiny.running;
    if (!stack)
        raise_text("yield outside of a generator", item);
    struct catcher *inner = tiny.catcher;
    stack->passed = item; /* of the stack that runs: a plain store */
    leave(stack);
    stack = tiny.running;
    tiny.catcher = inner;
    value passed = stack->passed;
    stack->passed = 0;
    return passed;
}

size_t generators_live(void) { return live; }

void generators_end(void) {
    while (all)
        stack_forget(all);
}

/* SPDX-License-Identifier: MIT */
/* Coroutines: many stacks on one thread, each with a shadow stack of its own. */
#include "example.h"

#include <ucontext.h>

enum { COROUTINES = 20, STACK_BYTES = 128 << 10, LENGTH = 2000 };

struct task {
    gait_coroutine *coroutine;
    ucontext_t context;
    char *stack;
    gait_word result; /* visited by its callback */
    gait_word message;
    size_t length; /* of the list that it has built */
    bool finished;
};

static gait_mutator *mutator;
static gait_kind pair;
static ucontext_t scheduler;

/* Go on as another stack: say so, then switch. */
static void resume(struct task *task) {
    gait_coroutine_switch(mutator, task->coroutine);
    swapcontext(&scheduler, &task->context);
}

static void yield(struct task *task) {
    gait_coroutine_switch(mutator, NULL); /* as the thread itself */
    swapcontext(&task->context, &scheduler);
}

static void visit_task(gait_visitor *visitor, void *data) {
    const struct task *task = data;
    gait_visit_range(visitor, &task->result, 1); /* reads beside the stores of the program */
    gait_visit_range(visitor, &task->message, 1);
}

/* Hand a word to a task that stands still. */
static void send(struct task *task, gait_word message) {
    gait_store(mutator, &task->message, message);
}

/* Take a task's result; it stands still. */
static gait_word take_result(struct task *task) {
    gait_word result = task->result;
    gait_store(mutator, &task->result, 0); /* the store shades what it overwrites */
    return result;
}

static struct task tasks[COROUTINES];

static void run(int number) {
    struct task *task = &tasks[number];
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1); /* on this coroutine's shadow stack */
    for (int i = 0; i < LENGTH; i++) {
        gait_word *object = gait_alloc(mutator, pair, 2 * sizeof(gait_word));
        CHECK(object);
        gait_init(&object[0], list);
        list = (gait_word)object;
        if (i % 10 == 0)
            yield(task);
    }
    for (gait_word at = list; at; at = *(gait_word *)at)
        task->length++;
    CHECK(((gait_word *)task->message)[1] == (gait_word)number);
    task->message = 0;   /* while it runs: plain stores */
    task->result = list; /* a root from now on, after the frame */
    gait_pop_frame(mutator);
    task->finished = true;
    yield(task);
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    mutator = gait_attach(heap);
    pair = example_kind(heap, &(gait_kind_info){.name = "pair", .layout = GAIT_REFS});
    for (int i = 0; i < COROUTINES; i++) {
        tasks[i].stack = malloc(STACK_BYTES);
        CHECK(tasks[i].stack && getcontext(&tasks[i].context) == 0);
        tasks[i].context.uc_stack.ss_sp = tasks[i].stack;
        tasks[i].context.uc_stack.ss_size = STACK_BYTES;
        makecontext(&tasks[i].context, (void (*)(void))run, 1, i);
        tasks[i].coroutine = gait_coroutine_new(mutator, visit_task, &tasks[i], tasks[i].stack,
                                                tasks[i].stack + STACK_BYTES);
        CHECK(tasks[i].coroutine);
        gait_word *letter = gait_alloc(mutator, pair, 2 * sizeof(gait_word));
        CHECK(letter);
        gait_init(&letter[1], (gait_word)i);
        send(&tasks[i], (gait_word)letter);
    }
    for (int running = COROUTINES, round = 0; running > 0; round++) {
        if (round % 20 == 0)
            gait_collect(mutator); /* with the lists held by stopped coroutines */
        running = 0;
        for (int i = 0; i < COROUTINES; i++) {
            if (!tasks[i].finished)
                resume(&tasks[i]);
            running += !tasks[i].finished;
        }
    }
    gait_word results[COROUTINES] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, results, COROUTINES);
    for (int i = 0; i < COROUTINES; i++) {
        CHECK(tasks[i].length == LENGTH);
        results[i] = take_result(&tasks[i]);
        gait_coroutine_free(mutator, tasks[i].coroutine); /* before what it refers to */
        free(tasks[i].stack);
    }
    gait_collect(mutator);
    for (int i = 0; i < COROUTINES; i++) {
        size_t length = 0;
        for (gait_word at = results[i]; at; at = *(gait_word *)at)
            length++;
        CHECK(length == LENGTH);
    }
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}

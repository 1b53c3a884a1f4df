/* SPDX-License-Identifier: MIT */
/*
 * References that cross from one stack to another by other ways than the heap: through a C variable
 * between two threads, into and out of the roots of coroutines that stand still, out of coroutines
 * that are freed. Each is done by the rule that gait.h gives for it; without it, objects are lost
 * within a few cycles, since the phases of one thread are stretched:
 *
 *   two threads    the giver passes no safepoint, if it can help it, from the moment that it gives
 *                  until it has dropped what it gave: so the receiver is often scanned in between
 *   one thread     there are so many coroutines that the collector needs a while for them, while
 *                  the thread takes from those that it has not come to
 *
 * Before that, each is done without its rule in a process of its own, where gccheckmark must tell.
 *
 *   handover [SEED [SECONDS [broken PART]]]   leave the rule out, to see the loss
 */
#include "stress.h"

#include <signal.h>
#include <sys/wait.h>

enum { BATCH = 64, KEPT = 4 * BATCH, COROUTINES = 4000 };

static gait_heap *heap;
static gait_kind kind_leaf;
static bool broken;

struct stamped {
    gait_word stamp;
    gait_word self;
};

static gait_word stamped_new(gait_mutator *mutator) {
    struct stamped *object = allocate(mutator, kind_leaf, sizeof *object);
    gait_init(&object->stamp, 0x1234567812345678);
    gait_init(&object->self, (gait_word)object);
    return (gait_word)object;
}

static void stamped_check(gait_word word, const char *where) {
    const struct stamped *object = (const struct stamped *)word;
    CHECK(object->stamp == 0x1234567812345678 && object->self == word,
          "%s: object %p is lost: it reads %#lx", where, (void *)word, (long)object->stamp);
}

static void kept_check(const gait_word *kept, const char *where) {
    for (size_t i = 0; i < KEPT; i++)
        if (kept[i])
            stamped_check(kept[i], where);
}

static void garbage(gait_mutator *mutator) {
    for (int i = 0; i < 8; i++)
        allocate(mutator, kind_leaf, 500);
}

/* ---- Two threads, and what is between them ---- */

static gait_word boxes[BATCH]; /* atomic; plain memory, or a suspended coroutine's roots */
static bool over;              /* atomic */

static bool is_over(void) { return __atomic_load_n(&over, __ATOMIC_RELAXED); }

static gait_word box_get(size_t i) { return __atomic_load_n(&boxes[i], __ATOMIC_ACQUIRE); }
static void box_set(size_t i, gait_word word) {
    __atomic_store_n(&boxes[i], word, __ATOMIC_RELEASE);
}

/* Wait until the word was taken: for a while without a safepoint. */
static void box_await(gait_mutator *mutator, size_t i) {
    for (unsigned looks = 0; box_get(i) && !is_over(); looks++)
        if (looks < 20)
            sched_yield();
        else
            gait_poll(mutator);
}

/* Its frame holds each word until the receiver has got it. */
static void *give(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_word mine[BATCH] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, mine, BATCH);
    while (!is_over()) {
        for (size_t i = 0; i < BATCH; i++)
            mine[i] = stamped_new(mutator);
        for (size_t i = 0; i < BATCH; i++) {
            box_set(i, mine[i]);
            box_await(mutator, i);
            mine[i] = 0;
        }
        garbage(mutator);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

static uint64_t through_plain_memory(void) {
    gait_mutator *mutator = attach(heap);
    gait_word kept[KEPT] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, KEPT);
    pthread_t thread = thread_start(give, NULL);
    uint64_t count = 0;
    while (!time_is_up()) {
        for (size_t i = 0; i < BATCH; i++) {
            gait_word word = box_get(i);
            if (word) {
                kept[count++ % KEPT] = broken ? word : gait_shade(mutator, word);
                box_set(i, 0);
            }
            gait_poll(mutator);
        }
        garbage(mutator);
        kept_check(kept, "through plain memory");
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return count;
}

/* ---- A coroutine between them ---- */

static void visit_boxes(gait_visitor *visitor, void *data) {
    (void)data;
    gait_visit_range(visitor, boxes, BATCH);
}

static pthread_mutex_t boxes_lock = PTHREAD_MUTEX_INITIALIZER; /* held while it runs, or is changed
                                                                  from outside */
/* For a while without a safepoint, too. */
static void boxes_take(gait_mutator *mutator) {
    for (unsigned looks = 0; pthread_mutex_trylock(&boxes_lock) != 0; looks++)
        if (looks < 20)
            sched_yield();
        else
            gait_poll(mutator);
}

/* Puts words into the roots of the coroutine while it stands still, and drops its own. */
static void *put(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_word mine[BATCH] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, mine, BATCH);
    while (!is_over()) {
        for (size_t i = 0; i < BATCH; i++)
            mine[i] = stamped_new(mutator);
        for (size_t i = 0; i < BATCH; i++) {
            box_await(mutator, i);
            boxes_take(mutator);
            if (broken)
                box_set(i, mine[i]);
            else
                gait_store(mutator, &boxes[i], mine[i]);
            mine[i] = 0;
            pthread_mutex_unlock(&boxes_lock);
        }
        garbage(mutator);
    }
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

/* The coroutine moves what it finds in its roots to its frame, by plain stores: it runs. */
static uint64_t into_a_coroutine(void) {
    gait_mutator *mutator = attach(heap);
    gait_coroutine *coroutine = gait_coroutine_new(mutator, visit_boxes, NULL, NULL, NULL);
    CHECK(coroutine, "gait_coroutine_new");
    gait_word kept[KEPT] = {0};
    struct gait_frame frame;
    gait_coroutine_switch(mutator, coroutine);
    gait_push_frame(mutator, &frame, kept, KEPT);
    gait_coroutine_switch(mutator, NULL);
    pthread_t thread = thread_start(put, NULL);
    uint64_t count = 0;
    while (!time_is_up()) {
        for (size_t i = 0; i < BATCH; i++) {
            boxes_take(mutator);
            gait_coroutine_switch(mutator, coroutine);
            for (size_t j = 0; j < BATCH; j++)
                if (box_get(j)) {
                    kept[count++ % KEPT] = box_get(j);
                    box_set(j, 0);
                }
            gait_coroutine_switch(mutator, NULL);
            pthread_mutex_unlock(&boxes_lock);
            gait_poll(mutator);
        }
        garbage(mutator);
        kept_check(kept, "into a coroutine");
    }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    gait_coroutine_free(mutator, coroutine);
    gait_detach(mutator);
    return count;
}

/* ---- Many coroutines of one thread ---- */

struct task {
    gait_coroutine *coroutine;
    gait_word value;
};
static struct task tasks[COROUTINES];

static void visit_value(gait_visitor *visitor, void *data) {
    gait_visit(visitor, __atomic_load_n(&((struct task *)data)->value, __ATOMIC_RELAXED));
}

/* It runs for a moment, and leaves a value. */
static void task_run(gait_mutator *mutator, struct task *task) {
    if (!task->coroutine)
        task->coroutine = gait_coroutine_new(mutator, visit_value, task, NULL, NULL);
    CHECK(task->coroutine, "gait_coroutine_new");
    gait_coroutine_switch(mutator, task->coroutine);
    __atomic_store_n(&task->value, stamped_new(mutator), __ATOMIC_RELAXED);
    gait_coroutine_switch(mutator, NULL);
}

/* Take a value out of each in turn, and have it make the next; freed: out of one that is freed, and
 * another one takes its place. */
static uint64_t out_of_coroutines(bool freed, const char *where) {
    gait_mutator *mutator = attach(heap);
    gait_word kept[KEPT] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, KEPT);
    memset(tasks, 0, sizeof tasks);
    for (size_t i = 0; i < COROUTINES; i++)
        task_run(mutator, &tasks[i]);
    uint64_t count = 0;
    while (!time_is_up()) {
        for (size_t i = 0; i < COROUTINES; i++) {
            struct task *task = &tasks[i];
            gait_poll(mutator);
            kept[count++ % KEPT] = task->value;
            if (freed) {
                gait_coroutine_free(mutator, task->coroutine);
                task->coroutine = NULL;
                __atomic_store_n(&task->value, 0, __ATOMIC_RELAXED);
            } else if (broken) {
                __atomic_store_n(&task->value, 0, __ATOMIC_RELAXED);
            } else {
                gait_store(mutator, &task->value, 0);
            }
            task_run(mutator, task);
            if (i % 64 == 0)
                kept_check(kept, where);
        }
    }
    for (size_t i = 0; i < COROUTINES; i++)
        gait_coroutine_free(mutator, tasks[i].coroutine);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return count;
}

static uint64_t out_of_suspended(void) { return out_of_coroutines(false, "out of suspended ones"); }
static uint64_t out_of_freed(void) { return out_of_coroutines(true, "out of freed ones"); }

static const struct part {
    const char *name;
    uint64_t (*run)(void);
} parts[] = {
    {"memory", through_plain_memory},
    {"put", into_a_coroutine},
    {"take", out_of_suspended},
    {"free", out_of_freed},
};
enum { PARTS = sizeof parts / sizeof *parts };

static void part_run(const struct part *part, const char *debug, double seconds) {
    heap = heap_new(0, debug, "10");
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    memset(boxes, 0, sizeof boxes);
    uint64_t count = 0, cycles = 0;
    for (int64_t end_ns = now_ns() + (int64_t)60 * 1000000000; /* a busy machine takes its time */
         (count == 0 || cycles == 0) && now_ns() < end_ns;) {
        over = false;
        run_for(seconds);
        count += part->run();
        cycles = stats_of(heap).cycles;
    }
    printf("%-8s %-32s %8" PRIu64 " words, %6" PRIu64 " cycles\n", part->name, debug, count,
           cycles);
    fflush(stdout);
    CHECK(count > 0 && cycles > 0, "nothing happened");
    gait_heap_destroy(heap);
}

/* In a child, without the rule: it must abort, and say these words. */
static void is_told(const struct part *part, const char *words) {
    int ends[2], status;
    static char text[1 << 16];
    CHECK(pipe(ends) == 0, "pipe");
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        broken = true;
        part_run(part, "gccheckmark=1", 60);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = 0;
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s, without its rule: status %#x",
          part->name, (unsigned)status);
    CHECK(strstr(text, words), "%s, without its rule: %s", part->name, text);
    printf("%-8s without its rule: told\n", part->name);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    if (argc <= 3) {
        is_told(&parts[0], "reachable, but not marked");
        is_told(&parts[1], "changed without gait_store");
        is_told(&parts[2], "changed without gait_store");
    }
    broken = argc > 4 && strcmp(argv[3], "broken") == 0;
    for (size_t i = 0; i < PARTS; i++) {
        if (broken && strcmp(parts[i].name, argv[4]) != 0)
            continue;
        part_run(&parts[i], "clobberfree=1", run.seconds / (3 * PARTS));
        part_run(&parts[i], "clobberfree=1,gccheckmark=1", run.seconds / (3 * PARTS));
        part_run(&parts[i], "clobberfree=1,gcminor=5,gccheckmark=1", run.seconds / (3 * PARTS));
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * A wrong guess keeps garbage and loses nothing: a word in one thread's roots is, by chance, the
 * address of the cell that another thread takes next, while that thread's roots are not scanned yet
 * and the first one's are. Were the cell marked for that word at once, it would count as scanned
 * before it has any contents, and what only it leads to would be swept.
 */
#include "stress.h"

#define CELL_BYTES 48
#define DEBT_BYTES 16384
#define DEBTS 400 /* enough to be asked to mark */

static gait_heap *heap;
static gait_kind refs, leaf;
static uintptr_t guess; /* atomic, as are these: how far the threads are */
static int guessed, scanning, indebted, collected;

static int is_set(const int *flag) { return __atomic_load_n(flag, __ATOMIC_ACQUIRE); }

static void set(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }

static void poll_until(gait_mutator *mutator, const int *flag) {
    while (!is_set(flag)) {
        gait_poll(mutator);
        sleep_us(50);
    }
}

/* Is scanned first, holds the guess, and gets into debt. */
static void *guess_wrong(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_word slot = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &slot, 1);
    while (!(slot = __atomic_load_n(&guess, __ATOMIC_ACQUIRE)))
        gait_poll(mutator);
    set(&guessed);
    poll_until(mutator, &scanning);
    for (int i = 0; i < 100; i++) { /* answers for its roots */
        gait_poll(mutator);
        sleep_us(50);
    }
    for (int i = 0; i < DEBTS; i++)
        allocate(mutator, leaf, DEBT_BYTES);
    slot = 0;
    set(&indebted);
    poll_until(mutator, &collected);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

static void *collect(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    gait_collect(mutator);
    gait_detach(mutator);
    set(&collected);
    return NULL;
}

/* Up to the third request of the cycle, which is for roots: it is not answered for a while. */
static void stop_before_roots(gait_mutator *mutator) {
    struct gait_mutator_head *head = (struct gait_mutator_head *)mutator;
    for (int answers = 0; answers < 2;)
        if (__atomic_load_n(&head->poll, __ATOMIC_RELAXED)) {
            gait_poll(mutator);
            answers += head->barrier != 0;
        }
    while (!__atomic_load_n(&head->poll, __ATOMIC_RELAXED))
        ;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    heap = heap_new(0, "clobberfree=1", "100");
    refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    gait_word slot = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &slot, 1);
    char *first = allocate(mutator, refs, CELL_BYTES);
    /* the cell after the next one */
    __atomic_store_n(&guess, (uintptr_t)(first + 2 * CELL_BYTES), __ATOMIC_RELEASE);
    pthread_t guesser = thread_start(guess_wrong, NULL);
    poll_until(mutator, &guessed);
    pthread_t collector = thread_start(collect, NULL);
    stop_before_roots(mutator);
    set(&scanning);
    while (!is_set(&indebted))
        sleep_us(50);
    gait_word *kept = allocate(mutator, refs, CELL_BYTES);
    gait_word *holder = allocate(mutator, refs, CELL_BYTES);
    CHECK((uintptr_t)holder == guess, "the guess was not the next cell's address");
    gait_init(&kept[1], 0x1234501);
    gait_init(&holder[0], (gait_word)kept);
    slot = (gait_word)holder;
    while (!is_set(&collected))
        gait_poll(mutator);
    kept = (gait_word *)((gait_word *)slot)[0];
    CHECK(gait_object_base(heap, kept) == kept && kept[1] == 0x1234501, "an object was lost");
    gait_enter_native(mutator);
    pthread_join(collector, NULL);
    pthread_join(guesser, NULL);
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}

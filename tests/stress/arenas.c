/* SPDX-License-Identifier: MIT */
/*
 * Arenas beside the collector: threads fill, verify, reset, trim, free, forget and hand over arenas
 * whose lists are checked word by word, while cycles run. Traced arenas hold objects of the heap
 * and of one another; some arenas are held by an object of the heap that refers to their inside
 * alone. Then the same in heaps with GAIT_OBJECT_BARRIER, where most stores are plain.
 *
 *   program [SEED [SECONDS [DEBUG]]]      DEBUG: as GAIT_DEBUG, such as gccheckmark=1
 */
#include "stress.h"

#include <gait/arena.h>
#include <gait/dirty.h>
#include <sys/wait.h>

#define THREADS 4
#define ARENAS 12 /* of each thread */
#define MAILBOXES 8
#define NODES_MOST 3000

/* A list in an arena. In a traced one each node has an object of the heap, or a node of another
 * arena: both begin with a check. */
struct node {
    gait_word next;
    gait_word other; /* a target */
    uint64_t check;  /* of the node's own address */
    uint64_t other_check;
    gait_word bytes; /* plain bytes of the same arena, filled with this node's check; or 0 */
};

/* The first object of an arena. */
struct list {
    gait_word first;
    uint64_t count;
    uint64_t traced;
    uint64_t check;
};

#define NODE_WORDS 2 /* next, other; bytes is read as well: no reference outside the arena */

struct target { /* an object of the heap */
    uint64_t check;
    gait_word inside; /* an address in an arena, or 0 */
};

static gait_heap *heap;
static gait_kind kind_node, kind_list, kind_target, kind_holder;
static gait_word mailboxes[MAILBOXES]; /* static roots: lists that wait for a thread */
static pthread_mutex_t mail_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t handed_over, resets, frees, forgotten; /* figures; relaxed */
static bool tells; /* stores may be plain, and told of afterwards */

static void figure(uint64_t *count) { __atomic_fetch_add(count, 1, __ATOMIC_RELAXED); }

struct worker {
    gait_mutator *mutator;
    uint64_t random;
    struct gait_frame frame;
    uint64_t kept_check;             /* of what was taken out last */
    gait_word words[2 * ARENAS + 2]; /* roots: lists, then holders in the heap, then temporaries */
};

static void put(struct worker *worker, void *object, gait_word *slot, gait_word value) {
    if (!tells || one_in(&worker->random, 3)) {
        gait_store(worker->mutator, slot, value);
        return;
    }
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    gait_dirty(worker->mutator, object);
}

static uint64_t check_of(gait_word word) { return mix((uint64_t)word ^ UINT64_C(0x5bd1e995)); }

static gait_arena *arena_of(gait_word word) {
    gait_arena *arena = gait_arena_of(heap, (void *)word);
    CHECK(arena, "%#zx is in no live arena", (size_t)word);
    return arena;
}

/* ---- Lists ---- */

static void verify_target(const struct node *node) {
    if (node->other_check)
        CHECK(*(uint64_t *)node->other == node->other_check, "what a node refers to has changed");
}

static void verify(gait_word word) {
    const struct list *list = (struct list *)word;
    CHECK(list->check == check_of(word), "a list has changed");
    uint64_t count = 0;
    for (gait_word at = slot_load(&list->first); at;) {
        const struct node *node = (struct node *)at;
        CHECK(node->check == check_of(at), "a node has changed: %" PRIu64 " of %" PRIu64, count,
              list->count);
        verify_target(node);
        if (node->bytes)
            CHECK(memcmp((void *)node->bytes, &node->check, sizeof node->check) == 0,
                  "plain bytes have changed");
        count++;
        at = slot_load(&node->next);
    }
    CHECK(count == list->count, "a list has %" PRIu64 " nodes, not %" PRIu64, count, list->count);
}

static struct list *list_new(struct worker *worker, gait_arena *arena, bool traced) {
    struct list *list = gait_arena_new(worker->mutator, arena, kind_list, sizeof *list);
    CHECK(list, "no memory");
    list->traced = traced;
    list->check = check_of((gait_word)list);
    return list;
}

/* An object of the heap with a check; it may refer to the inside of an arena. */
static gait_word target_new(struct worker *worker) {
    struct target *target = allocate(worker->mutator, kind_target, sizeof *target);
    target->check = next_random(&worker->random);
    return (gait_word)target;
}

/* What a traced node refers to: a new object, or another arena, which may be freed before: no check
 * then. */
static gait_word other_of(struct worker *worker, uint64_t *check) {
    unsigned choice = (unsigned)pick(&worker->random, 8);
    if (choice == 0)
        return worker->words[pick(&worker->random, ARENAS)];
    if (choice < 3)
        return 0;
    gait_word word = target_new(worker);
    *check = *(uint64_t *)word;
    return word;
}

static void grow(struct worker *worker, gait_word *root) {
    gait_mutator *mutator = worker->mutator;
    struct list *list = (struct list *)*root;
    gait_arena *arena = arena_of(*root);
    for (uint64_t count = pick(&worker->random, 300); count > 0 && list->count < NODES_MOST;
         count--) {
        uint64_t other_check = 0;
        gait_word other = list->traced ? other_of(worker, &other_check) : 0;
        worker->words[2 * ARENAS] = other; /* over the next safepoint */
        struct node *node = gait_arena_new(mutator, arena, kind_node, sizeof *node);
        CHECK(node, "no memory");
        node->check = check_of((gait_word)node);
        gait_init(&node->other, other);
        node->other_check = other_check;
        gait_init(&node->next, slot_load(&list->first));
        put(worker, list, &list->first, (gait_word)node);
        list->count++;
        if (pick(&worker->random, 4) == 0) {
            size_t bytes = 16 + pick(&worker->random, pick(&worker->random, 50) ? 300 : 100000);
            char *plain = gait_arena_alloc(mutator, arena, bytes, 8);
            CHECK(plain, "no memory");
            CHECK(plain[0] == 0 && plain[bytes - 1] == 0, "not zeroed");
            memcpy(plain, &node->check, sizeof node->check);
            plain[bytes - 1] = plain[bytes - 1] ? plain[bytes - 1] : 1;
            node->bytes = (gait_word)plain;
        }
    }
    worker->words[2 * ARENAS] = 0;
}

/* ---- Arenas ---- */

static void create(struct worker *worker, gait_word *root) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "stress";
    bool traced = pick(&worker->random, 2);
    config.flags = traced ? GAIT_ARENA_TRACED : 0;
    if (pick(&worker->random, 8) == 0)
        config.flags |= GAIT_ARENA_DESCRIBED;
    config.chunk_bytes = pick(&worker->random, 2) ? 8192 : 65536;
    gait_arena *arena = gait_arena_create(worker->mutator, &config);
    CHECK(arena, "no memory");
    *root = (gait_word)arena;
    *root = (gait_word)list_new(worker, arena, traced);
}

/* What is taken out of an arena before it is reset or freed stays alive, whatever a cycle has
 * scanned of both. */
static void take_out(struct worker *worker, gait_word root) {
    gait_word *kept = &worker->words[2 * ARENAS + 1];
    if (*kept)
        CHECK(*(uint64_t *)*kept == worker->kept_check, "what was taken out has changed");
    *kept = 0;
    uint64_t skip = pick(&worker->random, 20);
    for (gait_word at = slot_load(&((struct list *)root)->first); at;) {
        const struct node *node = (struct node *)at;
        if (node->other_check && skip-- == 0) {
            *kept = slot_load(&node->other);
            worker->kept_check = node->other_check;
            return;
        }
        at = slot_load(&node->next);
    }
}

static void reset(struct worker *worker, gait_word *root) {
    struct list *list = (struct list *)*root;
    gait_arena *arena = arena_of(*root);
    bool traced = list->traced;
    take_out(worker, *root);
    gait_arena_reset(worker->mutator, arena);
    *root = (gait_word)arena; /* the list is gone */
    *root = (gait_word)list_new(worker, arena, traced);
    figure(&resets);
}

static void end(struct worker *worker, gait_word *root) {
    take_out(worker, *root);
    if (pick(&worker->random, 5) == 0) {
        figure(&forgotten); /* the collector frees it */
    } else {
        gait_arena_free(worker->mutator, arena_of(*root));
        figure(&frees);
    }
    *root = 0;
}

/* Hold an arena by an object of the heap alone, for a while; or take it back. */
static void hold_by_object(struct worker *worker, gait_word *root, gait_word *holder) {
    if (*holder) {
        if (*root)
            return;
        gait_word *slot = &((struct target *)*holder)->inside;
        *root = slot_load(slot);
        put(worker, (void *)*holder, slot, 0);
        *holder = 0;
        verify(*root);
    } else if (*root) {
        struct target *target = allocate(worker->mutator, kind_holder, sizeof *target);
        put(worker, target, &target->inside, *root);
        *holder = (gait_word)target;
        *root = 0;
    }
}

/* Put an arena into a mailbox, or take one out. */
static void hand_over(struct worker *worker, gait_word *root) {
    gait_word *box = &mailboxes[pick(&worker->random, MAILBOXES)];
    pthread_mutex_lock(&mail_lock); /* nobody comes to a safepoint within */
    gait_word word = slot_load(box);
    gait_store(worker->mutator, box, *root);
    *root = word;
    if (word)
        gait_arena_adopt(worker->mutator, arena_of(word));
    pthread_mutex_unlock(&mail_lock);
    if (word) {
        verify(word);
        figure(&handed_over);
    }
}

/* A child goes on with this thread's arenas, and frees them. */
static void fork_child(struct worker *worker) {
    pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (child > 0) {
        int status;
        gait_enter_native(worker->mutator);
        CHECK(waitpid(child, &status, 0) == child, "waitpid");
        gait_leave_native(worker->mutator);
        CHECK(status == 0, "the child ended with status %#x", (unsigned)status);
        return;
    }
    alarm(60);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARENAS; i++) {
            gait_word *root = &worker->words[i];
            if (!*root)
                create(worker, root);
            verify(*root);
            grow(worker, root);
            if (one_in(&worker->random, 3))
                reset(worker, root);
            if (one_in(&worker->random, 3))
                end(worker, root);
        }
        gait_collect(worker->mutator);
    }
    for (size_t i = 0; i < ARENAS; i++)
        if (worker->words[i])
            verify(worker->words[i]);
    _exit(0);
}

static void step(struct worker *worker) {
    size_t i = pick(&worker->random, ARENAS);
    gait_word *root = &worker->words[i], *holder = &worker->words[ARENAS + i];
    unsigned choice = (unsigned)pick(&worker->random, 100);
    if (one_in(&worker->random, 3000) && !UNDER_TSAN && !UNDER_ASAN) {
        fork_child(worker);
        return;
    }
    if (choice < 8) {
        hand_over(worker, root);
    } else if (choice < 16) {
        hold_by_object(worker, root, holder);
    } else if (!*root) {
        create(worker, root);
    } else if (choice < 60) {
        grow(worker, root);
    } else if (choice < 80) {
        verify(*root);
    } else if (choice < 88) {
        reset(worker, root);
    } else if (choice < 92) {
        gait_arena_trim(worker->mutator, arena_of(*root));
    } else if (choice < 98) {
        end(worker, root);
    } else if (choice == 98) {
        gait_collect(worker->mutator);
    } else {
        gait_enter_native(worker->mutator);
        sleep_us((long)pick(&worker->random, 2000));
        gait_leave_native(worker->mutator);
    }
    for (unsigned garbage = 0; garbage < 20; garbage++) /* cycles come by themselves too */
        allocate(worker->mutator, kind_target, sizeof(struct target));
}

static void *work(void *argument) {
    struct worker worker = {.mutator = attach(heap), .random = (uint64_t)(uintptr_t)argument};
    gait_push_frame(worker.mutator, &worker.frame, worker.words, 2 * ARENAS + 2);
    while (!time_is_up())
        step(&worker);
    for (unsigned i = 0; i < ARENAS; i++) {
        if (worker.words[i]) {
            verify(worker.words[i]);
            end(&worker, &worker.words[i]);
        }
        worker.words[ARENAS + i] = 0; /* forgotten */
    }
    gait_pop_frame(worker.mutator);
    gait_detach(worker.mutator);
    return NULL;
}

/* ---- The run ---- */

static gait_kind prefix(const char *name, uint32_t words) {
    return kind_new(heap,
                    (gait_kind_info){.name = name, .layout = GAIT_PREFIX, .head_words = words});
}

static void arenas_test(uint32_t flags, const char *debug, double seconds) {
    run_for(seconds);
    tells = flags & GAIT_OBJECT_BARRIER;
    handed_over = resets = frees = forgotten = 0;
    heap = heap_new(flags, debug, NULL);
    kind_node = prefix("node", NODE_WORDS);
    kind_list = prefix("list", 1);
    kind_holder = kind_new(heap, (gait_kind_info){.name = "holder", .layout = GAIT_REFS});
    kind_target = kind_new(heap, (gait_kind_info){.name = "target", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    CHECK(gait_roots_add(mutator, mailboxes, MAILBOXES) == 0, "gait_roots_add");
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)(uintptr_t)mix(run.seed + i));
    gait_enter_native(mutator);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    for (unsigned i = 0; i < MAILBOXES; i++) {
        if (mailboxes[i]) {
            gait_arena_adopt(mutator, arena_of(mailboxes[i]));
            verify(mailboxes[i]);
        }
        gait_store(mutator, &mailboxes[i], 0);
    }
    for (unsigned i = 0; i < 3; i++)
        gait_collect(mutator);
    gait_stats stats = stats_of(heap);
    printf("%" PRIu64 " cycles; %" PRIu64 " handed over, %" PRIu64 " resets, %" PRIu64
           " freed, %" PRIu64 " forgotten; %" PRIu64 " KiB of arenas are left\n",
           (uint64_t)stats.cycles, handed_over, resets, frees, forgotten,
           (uint64_t)stats.arena_bytes >> 10);
    CHECK(stats.arena_bytes <= (uint64_t)64 << 20, "arenas that nothing leads to were not freed");
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    const char *debug = argc > 3 ? argv[3] : NULL;
    arenas_test(0, debug, run.seconds / 2);
    arenas_test(GAIT_OBJECT_BARRIER, debug, run.seconds / 4);
    arenas_test(GAIT_OBJECT_BARRIER, debug ? debug : "gcminor=3,gccheckmark=1,clobberfree=1",
                run.seconds / 4);
    return 0;
}

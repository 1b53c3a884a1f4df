/* SPDX-License-Identifier: MIT */
/*
 * The timeline: a ring for each thread. See timeline.h; the argument is in docs/design/observe.md.
 *
 *   .inv.own: one thread puts into a ring, its owner, and one takes, the reader. An event is whole
 *   before `put` says that it is there (release, pairs with the reader's acquire), and read before
 *   `taken` says that its slot is free (release, pairs with the owner's acquire).
 *   .inv.pass: a ring is passed on by its `state`. Its thread ends: OWNED to ENDED, released when
 *   all is put. The reader has taken all that an ended thread put: ENDED to FREE, released. Another
 *   thread takes it: FREE to OWNED, by compare-and-swap. So each owner finds the ring empty, and
 *   what the reader knows of a ring's thread is of the one whose events it takes.
 *   .inv.list: rings are pushed on a list and never leave it. There are as many as threads have
 * told something at one time, at most. .inv.within: a signal's handler that tells something while
 * its thread is in the middle of that finds `inside` set: its event is dropped, and counted.
 *
 * Nothing here takes a lock or calls malloc: events are told while others are stopped anywhere, by
 * means of the program's.
 */
#include "timeline.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "perturb.h"

/* Of 32 bytes each. The reader looks every 20 ms: 200 events a millisecond find room. The busiest
 * thread of the bench told 26 (docs/design/observe.md). */
#define SLOTS ((size_t)4096)

/* Steps that are so close are one event, which is no longer than that: guesses. At the default
 * scale of a viewer they could not be told apart; and a thread tells of 1000 a second at most. */
#define STEP_GAP_NS 100000
#define STEPS_MOST_NS 1000000

/* A thread that ends has no more rings after so many ends: that of the last is told by the last
 * round of hooks that may be counted on. */
#define ROUNDS_MOST (PLATFORM_KEY_ROUNDS - 1)

enum { FREE, OWNED, ENDED };

struct ring {
    struct ring *next; /* constant: set before it is pushed */
    AO_t state;        /* .inv.pass */

    /* the owner's; constant for the reader from the first event, or the first dropped one, on */
    struct timeline_thread thread;
    struct timeline_event steps; /* the owner's: not told yet; begin_ns 0: none */

    AO_t put;     /* events that were put; the owner's, released */
    AO_t dropped; /* that found no room; likewise */
    char apart[64];
    AO_t taken; /* events that were taken; the reader's, released */
    AO_t told;  /* of dropped; the reader's alone */
    char apart_too[64];
    struct timeline_event slots[SLOTS];
};

volatile AO_t timeline_reads;

/* How many heaps with this number, modulo their count, somebody reads of. Unordered: an event more
 * or less as a heap begins or ends. */
#define WATCHED ((unsigned)256)
static volatile AO_t watched[WATCHED];

static volatile AO_t rings;    /* the list; pushed by compare-and-swap, released */
static volatile AO_t ringless; /* events of threads without a ring, and of .inv.within; a figure */
static AO_t ringless_told;     /* the reader's */
static platform_key key;       /* constant after the library was loaded */
static bool have_key;          /* likewise */

/* Static: a thread's first event takes no memory for it. */
static _Thread_local struct {
    struct ring *ring; /* NULL: none yet */
    int inside;
    unsigned rounds; /* how often the thread's end was told */
} here __attribute__((tls_model("initial-exec")));

#ifdef GAIT_USDT
/* Where tracers look for them; raised by the kernel for a tracer, never here. */
#define SEMAPHORE(kind, value)                                                                     \
    volatile unsigned short gait_##kind##_semaphore __attribute__((section(".probes")));
TIMELINE_KINDS(SEMAPHORE)
#undef SEMAPHORE
#endif

/* Between the two a handler of a signal finds `inside`. Only the order within the thread counts. */
static bool enter(void) {
    if (here.inside) {
        AO_fetch_and_add1(&ringless);
        return false;
    }
    here.inside = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
}

static void leave(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    here.inside = 0;
}

/* ---- A thread's ring ---- */

static struct ring *first_ring(void) {
    return (struct ring *)AO_load_acquire(&rings); /* pairs with push */
}

static void push(struct ring *ring) {
    AO_t before;
    do {
        before = AO_load(&rings);
        ring->next = (struct ring *)before;
    } while (!AO_compare_and_swap_release(&rings, before, (AO_t)ring));
}

/* One that nobody has any more, else a new one. NULL: no memory. */
static struct ring *ring_for_me(void) {
    for (struct ring *ring = first_ring(); ring; ring = ring->next)
        if (AO_load(&ring->state) == FREE &&
            AO_compare_and_swap_full(&ring->state, FREE, OWNED)) /* pairs with the reader's */
            return ring;
    size_t mapped;
    struct ring *ring = platform_map_some(sizeof *ring, &mapped);
    if (!ring)
        return NULL;
    AO_store(&ring->state, OWNED);
    push(ring);
    return ring;
}

static struct ring *own_ring(void) {
    if (here.ring)
        return here.ring;
    if (!have_key || here.rounds >= ROUNDS_MOST)
        return NULL;
    struct ring *ring = ring_for_me();
    if (!ring)
        return NULL;
    PERTURB(TIMELINE_CLAIM);
    if (platform_key_set(&key, ring) < 0) {
        AO_store_release(&ring->state, FREE); /* as it was found */
        return NULL;
    }
    ring->thread.number = (int)syscall(SYS_gettid);
    prctl(PR_GET_NAME, ring->thread.name);
    ring->steps.begin_ns = 0;
    here.ring = ring;
    return ring;
}

static void put(struct ring *ring, const struct timeline_event *event) {
    AO_t number = AO_load(&ring->put);
    if (number - AO_load_acquire(&ring->taken) == SLOTS) { /* pairs with take_all */
        AO_store_release(&ring->dropped, AO_load(&ring->dropped) + 1);
        return;
    }
    ring->slots[number % SLOTS] = *event;
    PERTURB(TIMELINE_PUT);
    AO_store_release(&ring->put, number + 1); /* pairs with take_all */
}

static void put_steps(struct ring *ring) {
    if (ring->steps.begin_ns) {
        put(ring, &ring->steps);
        ring->steps.begin_ns = 0;
    }
}

/* ---- Telling ---- */

void timeline_watch(unsigned heap) { AO_fetch_and_add1(&watched[heap % WATCHED]); }

void timeline_unwatch(unsigned heap) { AO_fetch_and_sub1(&watched[heap % WATCHED]); }

static bool is_watched(unsigned heap) { return AO_load(&watched[heap % WATCHED]) != 0; }

static bool is_moment(enum timeline_kind kind) { return kind >= TIMELINE_limiter; }

void timeline_add(enum timeline_kind kind, unsigned heap, int64_t begin_ns, uint64_t value) {
    const struct timeline_event event = {
        .begin_ns = begin_ns,
        .end_ns = is_moment(kind) ? begin_ns : platform_now_ns(),
        .value = value,
        .kind = kind,
        .heap = heap,
    };
    if (!is_watched(heap) || !enter())
        return;
    struct ring *ring = own_ring();
    if (ring) {
        put_steps(ring);
        put(ring, &event);
    } else {
        AO_fetch_and_add1(&ringless);
    }
    leave();
}

void timeline_add_step(enum timeline_kind kind, unsigned heap, int64_t begin_ns) {
    int64_t end_ns = platform_now_ns();
    if (!is_watched(heap) || !enter())
        return;
    struct ring *ring = own_ring();
    if (ring) {
        struct timeline_event *steps = &ring->steps;
        bool goes_on = steps->begin_ns && steps->kind == kind && steps->heap == heap &&
                       begin_ns - steps->end_ns <= STEP_GAP_NS &&
                       end_ns - steps->begin_ns <= STEPS_MOST_NS;
        if (!goes_on) {
            put_steps(ring);
            *steps = (struct timeline_event){.begin_ns = begin_ns, .kind = kind, .heap = heap};
        }
        steps->end_ns = end_ns;
        steps->value += (uint64_t)(end_ns - begin_ns);
    } else {
        AO_fetch_and_add1(&ringless);
    }
    leave();
}

void timeline_end_steps(void) {
    if (!here.ring || !enter())
        return;
    put_steps(here.ring);
    leave();
}

/* ---- The end of a thread ---- */

/* What the thread tells after that finds another ring; at last, none. */
static void end_hook(void *value) {
    struct ring *ring = value;
    here.rounds++;
    if (ring != here.ring)
        return;
    timeline_end_steps();
    here.ring = NULL;
    AO_store_release(&ring->state, ENDED); /* pairs with timeline_take */
}

/* After that of mutators, which a thread that ends may still leave. */
__attribute__((constructor)) static void load(void) {
    have_key = platform_key_create(&key, end_hook) == 0;
}

__attribute__((destructor)) static void unload(void) {
    if (have_key)
        platform_key_delete(&key);
    have_key = false;
}

/* ---- The reader ---- */

static void take_all(struct ring *ring, const struct timeline_taker *taker) {
    AO_t end = AO_load_acquire(&ring->put); /* pairs with put */
    for (AO_t at = AO_load(&ring->taken); at != end; at++) {
        if (taker)
            taker->event(taker->data, &ring->thread, &ring->slots[at % SLOTS]);
        PERTURB(TIMELINE_TAKEN);
        AO_store_release(&ring->taken, at + 1); /* pairs with put */
    }
    AO_t dropped = AO_load_acquire(&ring->dropped); /* and whose */
    if (taker && dropped != AO_load(&ring->told))
        taker->dropped(taker->data, &ring->thread, dropped - AO_load(&ring->told));
    AO_store(&ring->told, dropped);
}

/* taker: NULL, all is forgotten. */
static void take(const struct timeline_taker *taker) {
    for (struct ring *ring = first_ring(); ring; ring = ring->next) {
        AO_t state = AO_load_acquire(&ring->state); /* before the look at what was put */
        take_all(ring, taker);
        if (state == ENDED)
            AO_store_release(&ring->state, FREE); /* pairs with ring_for_me */
    }
    static const struct timeline_thread nobody;
    AO_t without = AO_load(&ringless);
    if (taker && without != ringless_told)
        taker->dropped(taker->data, &nobody, without - ringless_told);
    ringless_told = without;
}

void timeline_take(const struct timeline_taker *taker) { take(taker); }

bool timeline_open(void) {
    if (!have_key || timeline_is_open())
        return false;
    take(NULL);
    AO_store(&timeline_reads, 1); /* unordered: an event more or less at the begin */
    return true;
}

void timeline_close(void) { AO_store(&timeline_reads, 0); }

void timeline_forked(void) {
    AO_store(&timeline_reads, 0);
    for (unsigned i = 0; i < WATCHED; i++)
        AO_store(&watched[i], 0);
    for (struct ring *ring = first_ring(); ring; ring = ring->next) {
        AO_store(&ring->put, 0);
        AO_store(&ring->taken, 0);
        AO_store(&ring->told, AO_load(&ring->dropped));
        AO_store(&ring->state, FREE);
    }
    here.ring = NULL;
    here.inside = 0;
    if (have_key)
        platform_key_set(&key, NULL); /* its ring may soon be another thread's */
}

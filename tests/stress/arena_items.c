/* SPDX-License-Identifier: MIT */
/*
 * Threads that use traced arenas in all ways while the collector marks. Each item is an object of
 * the heap that one reference leads to: from a slot of an arena's table, from a cell in the arena
 * that the slot leads to, from a slot that all share, or from a thread's hand. So what marking
 * misses is lost, and seen by the one that takes it.
 */
#include "stress.h"

#include <gait/arena.h>

#define THREADS 3
#define ARENAS 4  /* of each thread */
#define SLOTS 60  /* of a table, behind the arena's handle */
#define BIG 10000 /* of some */
#define HAND 8
#define SHARED 16

static gait_heap *heap;
static gait_kind item_kind, table_kind, cell_kind, weak_kind;
static gait_handle *items, *arenas, *weak; /* slots that all threads share */
static uint64_t stamps, lost, leaked;      /* atomic */

/* Where a thread leaves an arena in plain memory, and keeps it alive until it was taken. */
static struct box {
    pthread_mutex_t lock;
    gait_word table;
    enum { BOX_EMPTY, BOX_FULL, BOX_TAKEN } state;
} boxes[THREADS];

struct user {
    size_t number;
    gait_mutator *mutator;
    uint64_t random;
    uint64_t resets, frees, taken, moves;
    struct gait_frame frame;
    struct {
        gait_word tables[ARENAS];
        gait_word hand[HAND];
        gait_word given;
    } roots;
    gait_word pinned[ARENAS]; /* tables of arenas that need no root; else 0 */
};

/* ---- Items ---- */

static gait_word item_new(struct user *user) {
    gait_word *item = allocate(user->mutator, item_kind, 4 * sizeof *item);
    item[1] = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED);
    item[2] = ~item[1] ^ (gait_word)item;
    return (gait_word)item;
}

static void item_check(gait_word item) {
    const gait_word *words = (const gait_word *)item;
    CHECK(words[2] == (~words[1] ^ item), "an item at %p was freed", (const void *)words);
}

/* What a slot of a table leads to. */
static gait_word slot_item(gait_word word) {
    if (word && gait_arena_of(heap, (void *)word)) {
        gait_word cell = word;
        word = slot_load((gait_word *)cell);
        CHECK(word, "a cell at %p holds nothing", (void *)cell);
    }
    if (word)
        item_check(word);
    return word;
}

/* ---- Tables ---- */

static gait_word *table_of(const struct user *user, size_t which) {
    gait_word table = user->pinned[which] ? user->pinned[which] : user->roots.tables[which];
    return (gait_word *)table;
}

static gait_arena *arena_of(const struct user *user, size_t which) {
    return (gait_arena *)table_of(user, which)[0];
}

static size_t slots_of(const gait_word *table) { return (size_t)table[1] / 8; }

static gait_word *slot_of(struct user *user, size_t which) {
    gait_word *table = table_of(user, which);
    return &table[2 + pick(&user->random, slots_of(table))];
}

static gait_word *free_slot(struct user *user, size_t which) {
    gait_word *table = table_of(user, which);
    size_t count = slots_of(table), from = pick(&user->random, count);
    for (size_t i = 0; i < count; i++) {
        gait_word *slot = &table[2 + (from + i) % count];
        if (!*slot)
            return slot;
    }
    return NULL;
}

/* Fill the arena's chunk to the last word. */
static void fill_chunk(struct user *user, gait_arena *arena) {
    const struct gait_arena_head *head = (const struct gait_arena_head *)(void *)arena;
    while (head->low < head->high)
        CHECK(gait_arena_new(user->mutator, arena, cell_kind, 8), "no memory for a word");
}

/* The arena has a root, or needs none. */
static gait_word table_new(struct user *user, gait_arena *arena) {
    size_t slots = one_in(&user->random, 12) ? BIG : SLOTS;
    if (slots == BIG && one_in(&user->random, 2))
        fill_chunk(user, arena);
    gait_word *table =
        gait_arena_array(user->mutator, arena, table_kind, slots + 2, sizeof(gait_word));
    CHECK(table, "no memory for a table");
    for (size_t i = 0; i < slots + 2; i += 1 + pick(&user->random, 20))
        CHECK(table[i] == 0, "word %zu of a new table is not 0", i);
    gait_init(&table[0], (gait_word)arena);
    gait_init(&table[1], 8 * slots); /* no address of the heap */
    return (gait_word)table;
}

static void arena_new(struct user *user, size_t which) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    bool pinned = one_in(&user->random, 4);
    config.flags = GAIT_ARENA_TRACED | (pinned ? GAIT_ARENA_PINNED : 0);
    config.chunk_bytes = one_in(&user->random, 2) ? 8192 : 0;
    gait_arena *arena = gait_arena_create(user->mutator, &config);
    CHECK(arena, "gait_arena_create");
    user->roots.tables[which] = (gait_word)arena; /* until there is a table */
    gait_word table = table_new(user, arena);
    user->pinned[which] = pinned ? table : 0;
    user->roots.tables[which] = pinned ? 0 : table;
}

/* ---- What a thread does ---- */

static void pause_somehow(struct user *user) {
    switch (pick(&user->random, 24)) {
    case 0:
        gait_enter_native(user->mutator);
        if (one_in(&user->random, 20))
            sleep_us((long)pick(&user->random, 200));
        gait_leave_native(user->mutator);
        break;
    case 1:
        if (one_in(&user->random, 30))
            gait_collect(user->mutator);
        break;
    default:
        gait_poll(user->mutator);
    }
}

static void hand_empty(struct user *user, size_t which) {
    for (size_t i = 0; i < HAND; i++) {
        gait_word item = user->roots.hand[i];
        if (!item)
            continue;
        item_check(item);
        gait_word *slot = free_slot(user, which);
        if (slot)
            gait_store(user->mutator, slot, item);
        else
            __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
        user->roots.hand[i] = 0;
        pause_somehow(user);
    }
}

/* Take some items of a table; the others are lost with what holds them. */
static void hand_fill(struct user *user, size_t which, bool all) {
    gait_word *table = table_of(user, which);
    size_t count = slots_of(table), held = 0;
    for (size_t i = 2; i < count + 2; i++) {
        gait_word item = slot_item(table[i]);
        if (!item)
            continue;
        if (held < HAND && one_in(&user->random, 2)) {
            user->roots.hand[held++] = item;
            gait_store(user->mutator, &table[i], 0);
            pause_somehow(user);
        } else if (all) {
            __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
        }
    }
}

/* An item comes to a slot, or goes behind a cell, or comes from there. */
static void change_slot(struct user *user, size_t which) {
    gait_word *slot = slot_of(user, which), word = *slot, item = slot_item(word);
    if (!item) {
        item = user->roots.hand[0] = item_new(user);
        pause_somehow(user);
        gait_store(user->mutator, slot, item);
        user->roots.hand[0] = 0;
    } else if (item != word) {
        gait_store(user->mutator, slot, item);
    } else {
        gait_word *cell = gait_arena_new(user->mutator, arena_of(user, which), cell_kind, 24);
        CHECK(cell && cell[0] == 0, "a new cell");
        gait_init(cell, item);
        gait_store(user->mutator, slot, (gait_word)cell);
    }
    user->moves++;
}

static void move(struct user *user) {
    gait_word *from = slot_of(user, pick(&user->random, ARENAS));
    gait_word item = user->roots.hand[0] = slot_item(*from);
    if (!item)
        return;
    gait_store(user->mutator, from, 0);
    pause_somehow(user);
    hand_empty(user, pick(&user->random, ARENAS));
    user->moves++;
}

/* Exchange an item with a slot that all share. */
static void share(struct user *user) {
    gait_word *shared = &((gait_word *)gait_handle_get(items))[pick(&user->random, SHARED)];
    gait_word *slot = slot_of(user, pick(&user->random, ARENAS));
    gait_word item = slot_item(*slot), other = slot_load(shared);
    user->roots.hand[0] = item;
    gait_store(user->mutator, slot, 0);
    pause_somehow(user);
    while (!gait_compare_exchange(user->mutator, shared, &other, item))
        gait_poll(user->mutator);
    user->roots.hand[0] = other;
    if (other)
        hand_empty(user, pick(&user->random, ARENAS));
}

static void reset(struct user *user, size_t which) {
    gait_arena *arena = arena_of(user, which);
    hand_fill(user, which, true);
    gait_arena_reset(user->mutator, arena);
    if (one_in(&user->random, 4))
        gait_arena_trim(user->mutator, arena);
    if (!user->pinned[which])
        user->roots.tables[which] = (gait_word)arena;
    pause_somehow(user);
    gait_word table = table_new(user, arena);
    *(user->pinned[which] ? &user->pinned[which] : &user->roots.tables[which]) = table;
    hand_empty(user, which);
    user->resets++;
}

/* The end of an arena, or nothing leads to it any more. */
static void drop(struct user *user, size_t which, bool leak) {
    hand_fill(user, which, true);
    if (leak && !user->pinned[which])
        __atomic_add_fetch(&leaked, 1, __ATOMIC_RELAXED);
    else
        gait_arena_free(user->mutator, arena_of(user, which));
    user->roots.tables[which] = user->pinned[which] = 0;
    user->frees++;
}

static void renew(struct user *user, size_t which, bool leak) {
    drop(user, which, leak);
    pause_somehow(user);
    arena_new(user, which);
    hand_empty(user, which);
}

/* Exchange an arena with a slot that all share. */
static void share_arena(struct user *user, size_t which) {
    if (user->pinned[which])
        return;
    gait_word *shared = &((gait_word *)gait_handle_get(arenas))[pick(&user->random, SHARED)];
    gait_word *weak_slot = &((gait_word *)gait_handle_get(weak))[pick(&user->random, SHARED)];
    gait_weak_set(user->mutator, weak_slot, table_of(user, which)[0]);
    gait_word other = slot_load(shared);
    while (!gait_compare_exchange(user->mutator, shared, &other, user->roots.tables[which]))
        gait_poll(user->mutator);
    user->roots.tables[which] = other;
    pause_somehow(user);
    if (!other) {
        arena_new(user, which);
        return;
    }
    gait_arena_adopt(user->mutator, arena_of(user, which));
    user->taken++;
}

/* Give an arena through plain memory. */
static void give(struct user *user, size_t which) {
    struct box *box = &boxes[user->number];
    if (user->pinned[which])
        return;
    pthread_mutex_lock(&box->lock);
    if (box->state == BOX_TAKEN) {
        user->roots.given = 0;
        box->state = BOX_EMPTY;
    }
    bool given = box->state == BOX_EMPTY;
    if (given) {
        box->table = user->roots.given = user->roots.tables[which];
        box->state = BOX_FULL;
    }
    pthread_mutex_unlock(&box->lock);
    if (given) {
        user->roots.tables[which] = 0;
        arena_new(user, which);
    }
}

static void take(struct user *user, size_t which) {
    struct box *box = &boxes[pick(&user->random, THREADS)];
    gait_word table = 0;
    pthread_mutex_lock(&box->lock);
    if (box->state == BOX_FULL) {
        table = box->table;
        box->table = 0;
        box->state = BOX_TAKEN;
        /* the giver may let go of it from here on */
        gait_arena_adopt(user->mutator, (gait_arena *)*(gait_word *)table);
    }
    pthread_mutex_unlock(&box->lock);
    if (!table)
        return;
    struct gait_frame frame;
    gait_push_frame(user->mutator, &frame, &table, 1);
    drop(user, which, false);
    user->roots.tables[which] = table;
    hand_empty(user, which);
    gait_pop_frame(user->mutator);
    user->taken++;
}

/* What nobody has taken is the giver's again. */
static void take_back(struct user *user) {
    struct box *box = &boxes[user->number];
    pthread_mutex_lock(&box->lock);
    bool full = box->state == BOX_FULL;
    box->state = BOX_EMPTY;
    pthread_mutex_unlock(&box->lock);
    if (full) {
        user->roots.tables[0] = user->roots.given;
        drop(user, 0, false);
    }
    user->roots.given = 0;
}

static void look_at_weak(struct user *user) {
    gait_word *slot = &((gait_word *)gait_handle_get(weak))[pick(&user->random, SHARED)];
    gait_word handle = gait_weak_get(user->mutator, slot);
    if (handle)
        (void)gait_arena_of(heap, (void *)handle);
}

static void look_at_all(struct user *user) {
    const gait_word *table = table_of(user, pick(&user->random, ARENAS));
    for (size_t i = 2; i < slots_of(table) + 2; i++)
        slot_item(table[i]);
}

/* A thread that detaches gives its arenas up. */
static void attach_anew(struct user *user) {
    for (size_t i = 0; i < ARENAS; i++)
        if (!user->pinned[i])
            return; /* what has no root would be found to be leaked */
    if (user->roots.given)
        return;
    gait_pop_frame(user->mutator);
    gait_detach(user->mutator);
    sleep_us(100);
    user->mutator = attach(heap);
    gait_push_frame(user->mutator, &user->frame, (gait_word *)&user->roots,
                    sizeof user->roots / sizeof(gait_word));
    for (size_t i = 0; i < ARENAS; i++)
        gait_arena_adopt(user->mutator, arena_of(user, i));
}

static void step(struct user *user) {
    size_t which = pick(&user->random, ARENAS);
    switch (pick(&user->random, 64)) {
    case 0:
    case 1:
    case 2:
        reset(user, which);
        break;
    case 3:
        renew(user, which, false);
        break;
    case 4:
        renew(user, which, true);
        break;
    case 5:
        share_arena(user, which);
        break;
    case 6:
        give(user, which);
        break;
    case 7:
        take(user, which);
        break;
    case 8:
        look_at_all(user);
        look_at_weak(user);
        break;
    case 9:
        attach_anew(user);
        break;
    case 10:
    case 11:
    case 12:
        share(user);
        break;
    case 13:
        user->roots.hand[0] = item_new(user);
        hand_empty(user, which);
        break;
    default:
        if (one_in(&user->random, 2))
            move(user);
        else
            change_slot(user, which);
    }
}

static void *work(void *argument) {
    struct user *user = argument;
    user->mutator = attach(heap);
    gait_push_frame(user->mutator, &user->frame, (gait_word *)&user->roots,
                    sizeof user->roots / sizeof(gait_word));
    for (size_t i = 0; i < ARENAS; i++)
        arena_new(user, i);
    while (!time_is_up())
        step(user);
    for (size_t i = 0; i < ARENAS; i++)
        drop(user, i, false);
    take_back(user);
    memset(user->roots.hand, 0, sizeof user->roots.hand);
    gait_pop_frame(user->mutator);
    gait_detach(user->mutator);
    return NULL;
}

/* ---- The whole ---- */

static gait_handle *slots_new(gait_mutator *mutator, gait_kind kind) {
    gait_word slots = (gait_word)allocate(mutator, kind, SHARED * sizeof(gait_word));
    gait_handle *handle = gait_handle_new(mutator, slots);
    CHECK(handle, "gait_handle_new");
    return handle;
}

static void arenas_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "20");
    static const uint64_t first_word[] = {1};
    item_kind = kind_new(
        heap, (gait_kind_info){
                  .name = "item", .layout = GAIT_BITMAP, .head_words = 1, .bitmap = first_word});
    table_kind = kind_new(heap, (gait_kind_info){.name = "table", .layout = GAIT_REFS});
    cell_kind = kind_new(heap, (gait_kind_info){.name = "cell", .layout = GAIT_REFS});
    weak_kind = kind_new(heap, (gait_kind_info){.name = "weak", .layout = GAIT_WEAK});
    gait_mutator *mutator = attach(heap);
    items = slots_new(mutator, table_kind);
    arenas = slots_new(mutator, table_kind);
    weak = slots_new(mutator, weak_kind);
    gait_detach(mutator);
    lost = leaked = 0;
    run_for(seconds);
    static struct user users[THREADS];
    pthread_t threads[THREADS];
    memset(users, 0, sizeof users);
    for (size_t i = 0; i < THREADS; i++)
        boxes[i] = (struct box){.lock = PTHREAD_MUTEX_INITIALIZER};
    for (size_t i = 0; i < THREADS; i++) {
        users[i].number = i;
        users[i].random = mix(run.seed + i);
        threads[i] = thread_start(work, &users[i]);
    }
    uint64_t resets = 0, frees = 0, taken = 0, moves = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        resets += users[i].resets;
        frees += users[i].frees;
        taken += users[i].taken;
        moves += users[i].moves;
    }
    mutator = attach(heap);
    gait_handle_free(mutator, items);
    gait_handle_free(mutator, arenas);
    gait_handle_free(mutator, weak);
    for (unsigned i = 0; i < 3; i++) /* found to be leaked; out of quarantine */
        gait_collect(mutator);
    gait_free_os_memory(mutator);
    gait_stats stats = stats_of(heap);
    printf("%-42s %8" PRIu64 " moves, %6" PRIu64 " resets, %5" PRIu64 " ends, %4" PRIu64
           " taken, %5" PRIu64 " cycles, %" PRIu64 " KiB\n",
           debug[0] ? debug : "-", moves, resets, frees, taken, stats.cycles,
           stats.arena_bytes >> 10);
    fflush(stdout);
    if (!(flags & GAIT_CONSERVATIVE_STACKS))
        CHECK(stats.arena_bytes == 0, "%" PRIu64 " bytes of arenas are left", stats.arena_bytes);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    static const struct {
        uint32_t flags;
        const char *debug;
    } settings[] = {
        {0, ""},
        {0, "clobberfree=1"},
        {0, "clobberfree=1,gcstress=20"},
        {0, "clobberfree=1,gcminor=3,gcstress=20"},
        {0, "clobberfree=1,gcminor=7,gccheckmark=1"},
        {GAIT_CONSERVATIVE_STACKS, "clobberfree=1"},
        {GAIT_STOP_THE_WORLD, "clobberfree=1"},
        {0, "clobberfree=1,gcstoptheworld=1"},
        {0, "clobberfree=1,gcstoptheworld=2"},
    };
    size_t count = sizeof settings / sizeof settings[0];
    for (size_t i = 0; i < count; i++)
        arenas_test(settings[i].flags, settings[i].debug, run.seconds / (double)count);
}

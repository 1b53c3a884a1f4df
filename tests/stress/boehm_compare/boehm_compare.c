/* SPDX-License-Identifier: MIT */
/*
 * One seeded random mutator, compiled for several memory managers (shim.h): what is reachable at
 * the end must be the same graph under each.
 *
 * In every round, threads are started anew; thread i works on a graph of its own, which hangs on
 * globals[i] between rounds. What it does depends on the seed only, never on time: it makes, links,
 * cuts and walks objects of all types, and at the end of its round publishes a frozen copy of a
 * part of its graph, which all threads may read and keep in the next round. Weak references are
 * only looked at: one whose target hangs on a root must lead to it, and one that leads anywhere
 * must lead to the right object.
 *
 * At the end each thread's graph is numbered in breadth-first order and hashed; the hashes go to
 * stdout. A weak reference counts in the hash if its target is strongly reachable, and must then
 * be there; after a full collection by an exact collector it must be 0 if not.
 *
 * Usage: boehm_compare [seed [threads [rounds [steps]]]]
 */
#include <pthread.h>
#include <time.h>

#include "graph.h"
#include "object.h"

enum {
    THREADS_MAX = 16,
    ROOTS = 48,           /* of a thread                                                   */
    PRUNE_STEPS = 5000,   /* between cuts of what is far from the roots        */
    KEEP_OBJECTS = 20000, /* that stay then, or a few more                     */
    COPY_OBJECTS = 300,   /* at most in what a thread publishes                */
    COLLECT_STEPS = 20000 /* on average, between collections that it asks for  */
};

/* Roots between rounds. globals[i] and published[i] are written by thread i in a round, by the main
 * thread between rounds; visible is constant in a round. */
static word globals[THREADS_MAX][ROOTS];
static word published[THREADS_MAX];
static word visible[THREADS_MAX];

static unsigned threads;
static uint64_t steps;

/* One thread's mutator; lives over all rounds. */
struct mutator {
    pthread_t pthread;
    shim_thread *thread; /* attached for the round                         */
    word *roots;         /* ROOTS words of a frame of the thread           */
    uint64_t random;     /* state of its generator, never 0                */
    uint64_t objects;    /* made so far                                    */
    uint64_t weak_gone;  /* weak references seen cleared: goes to stderr   */
    unsigned index;
};

static struct mutator mutators[THREADS_MAX];

static uint64_t random_below(struct mutator *mutator, uint64_t bound) {
    uint64_t x = mutator->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    mutator->random = x;
    return (x >> 11) % bound;
}

static word *random_root(struct mutator *mutator) {
    return &mutator->roots[random_below(mutator, ROOTS)];
}

/* A random root's object that may be changed, or NULL. */
static struct object *random_mutable(struct mutator *mutator) {
    struct object *object = (struct object *)*random_root(mutator);
    return object && !object_frozen(object) ? object : NULL;
}

/* Something to store in a reference word: mostly a root's object. */
static word random_value(struct mutator *mutator) {
    uint64_t choice = random_below(mutator, 10);
    if (choice < 7)
        return *random_root(mutator);
    return choice < 9 ? random_below(mutator, 1000) << 1 | 1 : 0;
}

static struct object *object_new(struct mutator *mutator, enum type type, size_t length,
                                 word flags) {
    length = type_length(type, length);
    struct object *object = shim_alloc(mutator->thread, type, HEADER_WORDS + length);
    if (!object)
        fail("out of memory");
    shim_init(&object->header, (word)length << 16 | flags | type);
    shim_init(&object->id, OBJECT_ID | (word)(mutator->index + 1) << 40 | ++mutator->objects);
    for (size_t i = 0; i < length; i++) {
        if (object->words[i])
            fail("a new object is not zeroed");
        if (object_word_is_datum(object, i))
            object->words[i] = object_datum(object, i);
    }
    return object;
}

static size_t random_length(struct mutator *mutator, enum type type) {
    bool huge = random_below(mutator, 400) == 0;
    switch (type) {
    case TYPE_ARRAY:
    case TYPE_LEAF:
    case TYPE_RECORDS:
        return random_below(mutator, huge ? 8000 : 60);
    default:
        return 1 + random_below(mutator, 8);
    }
}

/* ---- Steps ------------------------------------------------------------------------------- */

static void step_make(struct mutator *mutator) {
    enum type type = TYPE_NODE + random_below(mutator, TYPES - TYPE_NODE);
    struct object *object = object_new(mutator, type, random_length(mutator, type), 0);
    for (size_t i = 0; i < object_references(object) && i < 40; i++)
        shim_init(object_slot(object, i), object_encode(object, random_value(mutator)));
    *random_root(mutator) = (word)object;
}

static void step_link(struct mutator *mutator) {
    struct object *object = random_mutable(mutator);
    if (!object || object_references(object) == 0)
        return;
    word *slot = object_slot(object, random_below(mutator, object_references(object)));
    word value = object_encode(object, random_value(mutator));
    if (random_below(mutator, 8))
        shim_store(mutator->thread, slot, value);
    else {
        word expected = *slot;
        if (!shim_exchange(mutator->thread, slot, &expected, value))
            fail("a compare-exchange of a thread's own word failed");
    }
}

static void step_follow(struct mutator *mutator) {
    struct object *object = (struct object *)*random_root(mutator);
    for (uint64_t hops = 1 + random_below(mutator, 6); object && hops; hops--) {
        object_check(object);
        if (object_references(object) == 0)
            break;
        word next = object_read(object, random_below(mutator, object_references(object)));
        if (!word_refers(next))
            break;
        object = (struct object *)next;
    }
    *random_root(mutator) = (word)object;
}

/* Between two objects of one type whose references lie side by side. */
static void step_move(struct mutator *mutator) {
    struct object *to = random_mutable(mutator);
    struct object *from = (struct object *)*random_root(mutator);
    if (!to || !from || object_type(to) != object_type(from) ||
        object_references(to) != object_length(to))
        return;
    size_t room = object_length(to), count = object_length(from);
    if (room == 0 || count == 0)
        return;
    size_t at = random_below(mutator, room), first = random_below(mutator, count);
    size_t fits = room - at < count - first ? room - at : count - first;
    shim_move(mutator->thread, &to->words[at], &from->words[first],
              random_below(mutator, fits + 1));
}

static void step_fill(struct mutator *mutator) {
    struct object *object = random_mutable(mutator);
    if (!object || object_references(object) != object_length(object))
        return;
    size_t length = object_length(object);
    size_t first = random_below(mutator, length + 1);
    word value = object_encode(object, random_value(mutator));
    shim_fill(mutator->thread, &object->words[first], value,
              random_below(mutator, length - first + 1));
}

static void step_chain(struct mutator *mutator) {
    SHIM_FRAME(mutator->thread, head, 1);
    head[0] = *random_root(mutator);
    for (uint64_t i = random_below(mutator, 100); i; i--) {
        struct object *object = object_new(mutator, TYPE_REFS, 2, 0);
        shim_init(&object->words[random_below(mutator, 2)], head[0]);
        head[0] = (word)object;
    }
    *random_root(mutator) = head[0];
    SHIM_FRAME_END(mutator->thread, head);
}

static struct object *tree_new(struct mutator *mutator, unsigned depth) {
    SHIM_FRAME(mutator->thread, children, NODE_REFERENCES);
    for (size_t i = 0; depth && i < NODE_REFERENCES; i++)
        if (random_below(mutator, 3))
            children[i] = (word)tree_new(mutator, depth - 1);
    struct object *object = object_new(mutator, TYPE_NODE, 0, 0);
    for (size_t i = 0; i < NODE_REFERENCES; i++)
        shim_init(&object->words[i], children[i]);
    SHIM_FRAME_END(mutator->thread, children);
    return object;
}

static void step_tree(struct mutator *mutator) {
    struct object *tree = tree_new(mutator, (unsigned)random_below(mutator, 5));
    *random_root(mutator) = (word)tree;
}

static void step_share(struct mutator *mutator) {
    word shared = visible[random_below(mutator, threads)];
    if (shared)
        *random_root(mutator) = shared;
}

static void weak_set(struct mutator *mutator, struct object *object, size_t i) {
    const struct object *target = (const struct object *)*random_root(mutator);
    shim_store(mutator->thread, &object->words[i], target ? target->id : 0);
    shim_weak_set(mutator->thread, &object->words[WEAK_REFERENCES + i], (word)target);
}

static void weak_check(struct mutator *mutator, struct object *object, size_t i) {
    word id = object->words[i];
    const struct object *target =
        (const struct object *)shim_weak_get(mutator->thread, &object->words[WEAK_REFERENCES + i]);
    if (target) {
        object_check(target);
        if (target->id != id)
            fail("a weak reference leads to a wrong object");
    }
    for (size_t j = 0; j < ROOTS && id && !target; j++) {
        const struct object *held = (const struct object *)mutator->roots[j];
        if (held && held->id == id)
            fail("a weak reference was cleared while a root held its target");
    }
    mutator->weak_gone += id && !target;
}

static void step_weak_make(struct mutator *mutator) {
    word *root = random_root(mutator);
    *root = (word)object_new(mutator, TYPE_WEAK, 0, 0);
    for (size_t i = 0; i < WEAK_REFERENCES; i++)
        weak_set(mutator, (struct object *)*root, i);
}

/* Looks at all weak references that hang on roots, and changes some. */
static void step_weak_check(struct mutator *mutator) {
    for (size_t i = 0; i < ROOTS; i++) {
        struct object *object = (struct object *)mutator->roots[i];
        if (!object || object_type(object) != TYPE_WEAK || object_frozen(object))
            continue;
        for (size_t j = 0; j < WEAK_REFERENCES; j++)
            weak_check(mutator, object, j);
        if (random_below(mutator, 2))
            weak_set(mutator, object, random_below(mutator, WEAK_REFERENCES));
    }
}

static void step(struct mutator *mutator) {
    static void (*const choices[])(struct mutator *) = {
        step_make,  step_make, step_make,  step_make,      step_link,       step_link, step_link,
        step_link,  step_link, step_link,  step_follow,    step_follow,     step_move, step_fill,
        step_chain, step_tree, step_share, step_weak_make, step_weak_check,
    };
    choices[random_below(mutator, sizeof choices / sizeof choices[0])](mutator);
    if (random_below(mutator, 20) == 0)
        *random_root(mutator) = 0;
    if (random_below(mutator, COLLECT_STEPS) == 0)
        shim_collect(mutator->thread);
    shim_poll(mutator->thread);
}

/* ---- What bounds the graph ---------------------------------------------------------------- */

/* Keep the KEEP_OBJECTS objects nearest to the roots: cut what leads to others. */
static void prune(struct mutator *mutator) {
    struct graph kept;
    graph_init(&kept);
    for (size_t i = 0; i < ROOTS; i++)
        graph_add(&kept, mutator->roots[i]);
    for (size_t i = 0; i < kept.count && kept.count < KEEP_OBJECTS; i++)
        for (size_t j = 0; j < object_references(kept.objects[i]); j++)
            graph_add(&kept, object_read(kept.objects[i], j));
    for (size_t i = 0; i < kept.count; i++) {
        struct object *object = kept.objects[i];
        for (size_t j = 0; j < object_references(object) && !object_frozen(object); j++) {
            word value = object_read(object, j);
            if (word_refers(value) && graph_find(&kept, value) == GRAPH_NONE)
                shim_store(mutator->thread, object_slot(object, j), 0);
        }
    }
    graph_free(&kept);
}

/* ---- Rounds ------------------------------------------------------------------------------- */

/* Publish a frozen copy of the first objects, breadth first, behind a root. */
static void publish(struct mutator *mutator) {
    word root = *random_root(mutator);
    if (!root)
        return;
    struct graph graph;
    graph_init(&graph);
    graph_add(&graph, root);
    for (size_t i = 0; i < graph.count && graph.count < COPY_OBJECTS; i++)
        for (size_t j = 0; j < object_references(graph.objects[i]); j++)
            if (graph.count < COPY_OBJECTS)
                graph_add(&graph, object_read(graph.objects[i], j));

    SHIM_FRAME(mutator->thread, copies, 1);
    copies[0] = (word)object_new(mutator, TYPE_ARRAY, graph.count, 0);
    word *copied = ((struct object *)copies[0])->words;
    for (size_t i = 0; i < graph.count; i++)
        shim_store(mutator->thread, &copied[i],
                   (word)object_new(mutator, object_type(graph.objects[i]),
                                    object_length(graph.objects[i]), OBJECT_FROZEN));
    for (size_t i = 0; i < graph.count; i++)
        for (size_t j = 0; j < object_references(graph.objects[i]); j++) {
            struct object *copy = (struct object *)copied[i];
            word value = object_read(graph.objects[i], j);
            if (word_refers(value)) {
                size_t number = graph_find(&graph, value);
                value = number == GRAPH_NONE ? 0 : copied[number];
            }
            shim_store(mutator->thread, object_slot(copy, j), object_encode(copy, value));
        }
    shim_store(mutator->thread, &published[mutator->index], copied[0]);
    SHIM_FRAME_END(mutator->thread, copies);
    graph_free(&graph);
}

static void *round_run(void *argument) {
    struct mutator *mutator = argument;
    word *kept = globals[mutator->index];
    mutator->thread = shim_attach();
    SHIM_FRAME(mutator->thread, roots, ROOTS);
    mutator->roots = roots;
    memcpy(roots, kept, sizeof roots);
    for (uint64_t i = 1; i <= steps; i++) {
        step(mutator);
        if (i % PRUNE_STEPS == 0)
            prune(mutator);
    }
    publish(mutator);
    for (size_t i = 0; i < ROOTS; i++)
        shim_store(mutator->thread, &kept[i], roots[i]);
    SHIM_FRAME_END(mutator->thread, roots);
    shim_detach(mutator->thread);
    return NULL;
}

static void rounds_run(shim_thread *self, uint64_t rounds) {
    for (uint64_t round = 0; round < rounds; round++) {
        shim_block(self);
        for (unsigned i = 0; i < threads; i++)
            if (pthread_create(&mutators[i].pthread, NULL, round_run, &mutators[i]))
                fail("no thread");
        for (unsigned i = 0; i < threads; i++)
            pthread_join(mutators[i].pthread, NULL);
        shim_unblock(self);
        for (unsigned i = 0; i < threads; i++)
            shim_store(self, &visible[i], published[i]);
    }
}

/* ---- The graphs at the end ---------------------------------------------------------------- */

static void add_reachable(struct graph *graph, const word *roots, size_t count) {
    size_t next = graph->count;
    for (size_t i = 0; i < count; i++)
        graph_add(graph, roots[i]);
    for (; next < graph->count; next++) {
        object_check(graph->objects[next]);
        for (size_t i = 0; i < object_references(graph->objects[next]); i++)
            graph_add(graph, object_read(graph->objects[next], i));
    }
}

static uint64_t hash_of(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 32;
}

/* Every weak reference of an object, against all objects that are strongly reachable. */
static uint64_t hash_weak(shim_thread *self, uint64_t hash, struct object *object,
                          const struct graph *reachable) {
    for (size_t i = 0; i < WEAK_REFERENCES; i++) {
        word id = object->words[i];
        const struct object *target =
            (const struct object *)shim_weak_get(self, &object->words[WEAK_REFERENCES + i]);
        if (target && target->id != id)
            fail("a weak reference leads to a wrong object");
        const struct object *expected = id ? graph_find_id(reachable, id) : NULL;
        if (expected && target != expected)
            fail("a weak reference to a reachable object was cleared");
        if (SHIM_EXACT && target && !expected)
            fail("a full collection left a weak reference to an unreachable object");
        hash = hash_of(hash, expected ? id : 0);
    }
    return hash;
}

static uint64_t hash_graph(shim_thread *self, const struct graph *graph,
                           const struct graph *reachable) {
    uint64_t hash = 0;
    for (size_t i = 0; i < graph->count; i++) {
        struct object *object = graph->objects[i];
        hash = hash_of(hash_of(hash, object->header), object->id);
        for (size_t j = 0; j < object_references(object); j++) {
            word value = object_read(object, j);
            hash = hash_of(hash, word_refers(value) ? graph_find(graph, value) << 1 : value);
        }
        if (object_type(object) == TYPE_WEAK)
            hash = hash_weak(self, hash, object, reachable);
    }
    return hash;
}

static void report(shim_thread *self) {
    struct graph reachable;
    graph_init(&reachable);
    add_reachable(&reachable, published, threads);
    add_reachable(&reachable, visible, threads);
    for (unsigned i = 0; i < threads; i++)
        add_reachable(&reachable, globals[i], ROOTS);
    graph_index_ids(&reachable);
    for (unsigned i = 0; i < threads; i++) {
        struct graph graph;
        graph_init(&graph);
        add_reachable(&graph, globals[i], ROOTS);
        uint64_t hash = hash_graph(self, &graph, &reachable);
        printf("thread %u: made %llu, reachable %zu, hash %016llx\n", i,
               (unsigned long long)mutators[i].objects, graph.count, (unsigned long long)hash);
        fprintf(stderr, "thread %u: %llu weak references seen cleared\n", i,
                (unsigned long long)mutators[i].weak_gone);
        graph_free(&graph);
    }
    graph_free(&reachable);
    fprintf(stderr, "cycles %llu\n", (unsigned long long)shim_cycles());
}

static uint64_t argument_or(char **argv, int argc, int index, uint64_t otherwise) {
    return argc > index ? strtoull(argv[index], NULL, 0) : otherwise;
}

int main(int argc, char **argv) {
    uint64_t seed = argument_or(argv, argc, 1, (uint64_t)time(NULL));
    threads = (unsigned)argument_or(argv, argc, 2, 4);
    uint64_t rounds = argument_or(argv, argc, 3, 6);
    steps = argument_or(argv, argc, 4, 30000);
    if (threads == 0 || threads > THREADS_MAX)
        fail("threads out of range");
    printf("seed %llu, %u threads, %llu rounds of %llu steps\n", (unsigned long long)seed, threads,
           (unsigned long long)rounds, (unsigned long long)steps);
    fflush(stdout);

    shim_start();
    shim_thread *self = shim_attach();
    shim_globals(self, globals[0], sizeof globals / sizeof(word));
    shim_globals(self, published, THREADS_MAX);
    shim_globals(self, visible, THREADS_MAX);
    for (unsigned i = 0; i < threads; i++)
        mutators[i] = (struct mutator){
            .index = i, .random = (seed * THREADS_MAX + i + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1};
    rounds_run(self, rounds);
    shim_collect(self);
    report(self);
    shim_detach(self);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Snapshots by their public functions: what is saved is loaded elsewhere, in another heap and
 * another process, and all else is refused and leaves nothing behind.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <gait/snapshot.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../random.h"
#include "api/arenas.h"
#include "platform/fault.h"

TestSuite(snapshot, .timeout = 60);

enum { MIB = 1 << 20 };

/* A tree with names: nodes from the low end, as those of a kind with references are, names from the
 * high one. */
struct node {
    uint64_t none; /* a reference, if there were one */
    uint64_t key;
    gait_rel32 left, right;
    gait_rel32 name;
    uint32_t depth;
};

struct heap_of {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind node;
};

static char error[300];

static struct heap_of open_with(gait_word value_mask) {
    gait_config config;
    gait_config_init(&config);
    config.memory_limit = "off";
    config.value_mask = value_mask;
    struct heap_of of = {.heap = gait_heap_create(&config, error, sizeof error)};
    cr_assert_not_null(of.heap, "%s", error);
    of.mutator = gait_attach(of.heap);
    of.node = (gait_kind)gait_kind_register(
        of.heap, &(gait_kind_info){.name = "node", .layout = GAIT_PREFIX, .head_words = 1});
    return of;
}

static struct heap_of open_heap(void) { return open_with(~(gait_word)0); }

static gait_arena *arena_of(struct heap_of of, size_t reserve_bytes, uint32_t flags) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "tree";
    config.flags = GAIT_ARENA_PINNED | GAIT_ARENA_CONTIGUOUS | flags;
    config.reserve_bytes = reserve_bytes;
    gait_arena *arena = gait_arena_create_explained(of.mutator, &config, error, sizeof error);
    cr_assert_not_null(arena, "%s", error);
    return arena;
}

static uint64_t key_of(uint64_t i) { return mix(i + 1); }

static struct node *add(struct heap_of of, gait_arena *arena, struct node *root, uint64_t key) {
    gait_rel32 *link = NULL;
    uint32_t depth = 0;
    for (struct node *at = root; at; depth++) {
        link = key < at->key ? &at->left : &at->right;
        at = gait_rel32_get(link);
    }
    struct node *node = gait_arena_new(of.mutator, arena, of.node, sizeof *node);
    char *name = gait_arena_alloc(of.mutator, arena, 24, 0);
    cr_assert(node && name);
    node->key = key;
    node->depth = depth;
    snprintf(name, 24, "%llx", (unsigned long long)key);
    cr_assert(gait_rel32_set(&node->name, name));
    if (link)
        cr_assert(gait_rel32_set(link, node));
    return root ? root : node;
}

static void grow(struct heap_of of, gait_arena *arena, size_t from, size_t to) {
    struct node *root = gait_arena_root(of.mutator, arena);
    for (size_t i = from; i < to; i++)
        root = add(of, arena, root, key_of(i));
    gait_arena_set_root(of.mutator, arena, root);
}

/* Does it hold the first count keys, and their names? */
static bool holds(struct heap_of of, gait_arena *arena, size_t count) {
    struct node *root = gait_arena_root(of.mutator, arena);
    for (size_t i = 0; i < count; i++) {
        uint64_t key = key_of(i);
        struct node *at = root;
        while (at && at->key != key)
            at = gait_rel32_get(key < at->key ? &at->left : &at->right);
        char name[24];
        snprintf(name, sizeof name, "%llx", (unsigned long long)key);
        if (!at || strcmp(gait_rel32_get(&at->name), name) != 0 ||
            gait_arena_of(of.heap, at) != arena)
            return false;
    }
    return true;
}

static size_t arena_bytes(struct heap_of of) { return AO_load(&of.heap->space.arena_bytes); }

static struct bump *bump_of(struct heap_of of, gait_arena *arena) {
    return &arena_find(of.heap, arena, "test")->bump;
}

struct bytes {
    char *at;
    size_t count;
};

static struct bytes save(struct heap_of of, gait_arena *arena) {
    struct bytes bytes = {NULL, 0};
    cr_assert_eq(gait_arena_save_bytes(of.mutator, arena, NULL, &bytes.count), 0);
    bytes.at = malloc(bytes.count);
    size_t room = bytes.count;
    cr_assert_eq(gait_arena_save_bytes(of.mutator, arena, bytes.at, &room), 0);
    cr_assert_eq(room, bytes.count);
    return bytes;
}

static gait_arena *load(struct heap_of of, struct bytes bytes) {
    error[0] = '\0';
    return gait_arena_load_bytes(of.mutator, NULL, bytes.at, bytes.count, error, sizeof error);
}

/* ---- There and back ---- */

Test(snapshot, is_loaded_in_another_heap_and_goes_on) {
    struct heap_of of = open_heap(), other = open_heap();
    gait_arena *arena = arena_of(of, 64 * MIB, 0);
    grow(of, arena, 0, 20000);
    struct bytes bytes = save(of, arena);
    gait_arena_free(of.mutator, arena);
    gait_heap_destroy(of.heap);

    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    arena =
        gait_arena_load_bytes(other.mutator, &config, bytes.at, bytes.count, error, sizeof error);
    cr_assert_not_null(arena, "%s", error);
    cr_assert(holds(other, arena, 20000));
    cr_assert(bump_check(bump_of(other, arena)));
    cr_assert_eq(bump_of(other, arena)->held_bytes, arena_bytes(other));
    cr_assert_str_eq(arena_find(other.heap, arena, "test")->record.name, "tree");
    grow(other, arena, 20000, 40000);
    cr_assert(holds(other, arena, 40000));
    gait_collect(other.mutator);
    cr_assert(holds(other, arena, 40000));

    struct bytes again = save(other, arena);
    cr_assert_gt(again.count, bytes.count);
    gait_arena *second = load(other, again);
    cr_assert_not_null(second, "%s", error);
    gait_word held = (gait_word)second;
    struct gait_frame frame;
    gait_push_frame(other.mutator, &frame, &held, 1);
    cr_assert(holds(other, second, 40000));
    gait_arena_reset(other.mutator, second);
    cr_assert_null(gait_arena_root(other.mutator, second));
    grow(other, second, 0, 50000);
    cr_assert(holds(other, second, 50000) && holds(other, arena, 40000));
    cr_assert(bump_check(bump_of(other, second)));
    gait_arena_free(other.mutator, second);
    gait_arena_free(other.mutator, arena);
    held = 0;
    gait_pop_frame(other.mutator);
    gait_collect(other.mutator);
    gait_collect(other.mutator);
    chunks_drain(&other.heap->space);
    cr_assert_eq(arena_bytes(other), (size_t)0);
    gait_heap_destroy(other.heap);
}

Test(snapshot, of_an_empty_arena_and_of_a_full_one) {
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 2 * MIB, 0);
    for (int full = 0; full < 2; full++) {
        for (size_t i = 0; full; i++)
            if (!gait_arena_new(of.mutator, arena, of.node, 8 + i % 5000))
                break;
        struct bytes bytes = save(of, arena);
        cr_assert(full ? bytes.count > 2 * MIB - 8192 : bytes.count < 1000);
        gait_arena *loaded = load(of, bytes);
        cr_assert_not_null(loaded, "%s", error);
        struct bytes again = save(of, loaded);
        cr_assert_eq(again.count, bytes.count);
        /* all but the id, the flags and the checksums is the same */
        cr_assert_eq(memcmp(again.at + 128, bytes.at + 128, bytes.count - 132), 0);
        gait_arena_free(of.mutator, loaded);
    }
    gait_heap_destroy(of.heap);
}

Test(snapshot, of_described_objects) {
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 2 * MIB, GAIT_ARENA_DESCRIBED);
    grow(of, arena, 0, 1000);
    gait_arena *loaded = load(of, save(of, arena));
    cr_assert_not_null(loaded, "%s", error);
    cr_assert(holds(of, loaded, 1000));
    cr_assert(arena_find(of.heap, loaded, "test")->record.flags & GAIT_ARENA_DESCRIBED);
    gait_word held = (gait_word)loaded;
    struct gait_frame frame;
    gait_push_frame(of.mutator, &frame, &held, 1);
    grow(of, loaded, 1000, 2000);
    cr_assert(holds(of, loaded, 2000));
    gait_pop_frame(of.mutator);
    gait_heap_destroy(of.heap);
}

/* ---- Descriptors ---- */

Test(snapshot, through_a_file_to_another_process) {
    char path[] = "/tmp/gait-snapshot-XXXXXX";
    int file = mkstemp(path);
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 64 * MIB, 0);
    grow(of, arena, 0, 10000);
    cr_assert_eq(gait_arena_save(of.mutator, arena, file), 0);
    cr_assert_eq(gait_arena_save(of.mutator, arena, file), 0, "one behind the other");
    struct bytes bytes = save(of, arena);
    cr_assert_eq(lseek(file, 0, SEEK_CUR), (off_t)(2 * bytes.count));
    gait_heap_destroy(of.heap);
    pid_t child = fork();
    if (child == 0) {
        /* other addresses: the child's heap is made when others are in the way */
        struct heap_of filler = open_heap(), own = open_heap();
        (void)filler;
        int from = open(path, O_RDONLY);
        bool good = true;
        for (int i = 0; i < 2; i++) {
            gait_arena *loaded = gait_arena_load(own.mutator, NULL, from, error, sizeof error);
            good = good && loaded && holds(own, loaded, 10000);
        }
        good = good && !gait_arena_load(own.mutator, NULL, from, error, sizeof error) &&
               strstr(error, "cut off: 0 bytes");
        _exit(good ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(file);
    unlink(path);
}

struct half {
    struct heap_of of;
    int descriptor;
    bool good;
};

static void *load_from_pipe(void *argument) {
    struct half *half = argument;
    gait_mutator *mutator = gait_attach(half->of.heap);
    char why[200];
    gait_arena *arena = gait_arena_load(mutator, NULL, half->descriptor, why, sizeof why);
    gait_word held = (gait_word)arena;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &held, 1);
    struct heap_of own = {half->of.heap, mutator, half->of.node};
    half->good = arena && holds(own, arena, 30000);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

/* One thread writes what the other reads, and collections go on. */
Test(snapshot, through_a_pipe_from_thread_to_thread) {
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 64 * MIB, 0);
    grow(of, arena, 0, 30000);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    struct half half = {of, ends[0], false};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, load_from_pipe, &half), 0);
    int result = gait_arena_save(of.mutator, arena, ends[1]);
    cr_assert_eq(result, 0, "%d: %s", result, strerror(errno));
    gait_enter_native(of.mutator);
    pthread_join(thread, NULL);
    gait_leave_native(of.mutator);
    cr_assert(half.good);
    gait_collect(of.mutator);
    gait_heap_destroy(of.heap);
}

Test(snapshot, what_cannot_be_written_is_told) {
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 64 * MIB, 0);
    grow(of, arena, 0, 1000);
    int full = open("/dev/full", O_WRONLY), ends[2];
    if (full >= 0) {
        cr_assert_eq(gait_arena_save(of.mutator, arena, full), GAIT_E_FILE);
        cr_assert_eq(errno, ENOSPC);
    }
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_assert_eq(gait_arena_save(of.mutator, arena, ends[1]), GAIT_E_FILE);
    cr_assert_eq(errno, EPIPE);
    cr_assert_eq(gait_arena_save(of.mutator, arena, -1), GAIT_E_FILE);
    cr_assert_eq(errno, EBADF);
    cr_assert_null(gait_arena_load(of.mutator, NULL, -1, error, sizeof error));
    cr_assert_not_null(strstr(error, "can't be read: Bad file descriptor"), "%s", error);
    int null = open("/dev/null", O_WRONLY);
    for (size_t after = 0; after < 5; after++) {
        fault_arm(FAULT_MASK(FAULT_WRITE), after, 0);
        cr_assert_eq(gait_arena_save(of.mutator, arena, null), GAIT_E_FILE, "%zu", after);
        fault_disarm();
        cr_assert_eq(errno, ENOSPC);
    }
    cr_assert_eq(gait_arena_save(of.mutator, arena, null), 0);
    gait_heap_destroy(of.heap);
}

/* ---- Refused ---- */

Test(snapshot, arenas_that_cannot_be_saved_are_refused) {
    struct heap_of of = open_heap();
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    size_t bytes = 0;
    gait_arena *arena = gait_arena_create(of.mutator, &config);
    cr_assert_eq(gait_arena_save_bytes(of.mutator, arena, NULL, &bytes), GAIT_E_INVALID);
    cr_assert_eq(gait_arena_save(of.mutator, arena, 1), GAIT_E_INVALID);
    config.flags |= GAIT_ARENA_TRACED;
    arena = gait_arena_create(of.mutator, &config);
    cr_assert_eq(gait_arena_save_bytes(of.mutator, arena, NULL, &bytes), GAIT_E_INVALID);

    arena = arena_of(of, MIB, 0);
    cr_assert_eq(gait_arena_save_bytes(of.mutator, arena, NULL, &bytes), 0);
    size_t room = bytes - 1;
    char *buffer = malloc(bytes);
    cr_assert_eq(gait_arena_save_bytes(of.mutator, arena, buffer, &room), GAIT_E_FULL);
    cr_assert_eq(room, bytes);
    gait_heap_destroy(of.heap);
}

/* A refusal says why on one line, and leaves no memory behind. */
static void is_refused(struct heap_of of, struct bytes bytes, const char *why) {
    gait_arena *arena = load(of, bytes);
    cr_assert_null(arena, "%s", why);
    cr_assert_not_null(strstr(error, why), "%s: %s", why, error);
    cr_assert_null(strchr(error, '\n'));
}

Test(snapshot, truncated_and_corrupted_ones_are_refused) {
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 16 * MIB, 0);
    grow(of, arena, 0, 40);
    struct bytes whole = save(of, arena);
    chunks_drain(&of.heap->space);
    size_t before = arena_bytes(of);
    for (size_t count = 0; count < whole.count; count += count < 200 ? 1 : 13)
        is_refused(of, (struct bytes){whole.at, count}, "cut off");
    for (size_t i = 0; i < whole.count; i += i < 200 ? 1 : 7) {
        whole.at[i] ^= (char)(1 << i % 8);
        is_refused(of, whole, "snapshot: ");
        whole.at[i] ^= (char)(1 << i % 8);
    }
    is_refused(of, (struct bytes){NULL, 0}, "cut off: 0");
    char *more = calloc(1, whole.count + 3);
    memcpy(more, whole.at, whole.count);
    is_refused(of, (struct bytes){more, whole.count + 3}, "3 bytes follow");
    chunks_drain(&of.heap->space);
    cr_assert_eq(arena_bytes(of), before);
    space_check(&of.heap->space);
    cr_assert_not_null(load(of, whole), "%s", error);
    gait_heap_destroy(of.heap);
}

Test(snapshot, a_heap_that_it_does_not_suit_refuses_it) {
    struct heap_of of = open_heap(), wide = open_with(~(gait_word)15);
    gait_arena *arena = arena_of(of, 2 * MIB, 0);
    struct bytes bytes = save(of, arena);
    is_refused(wide, bytes, "at multiples of 8; this heap's at 16");
    arena = arena_of(wide, 2 * MIB, 0);
    grow(wide, arena, 0, 100);
    gait_arena *loaded = load(of, save(wide, arena));
    cr_assert_not_null(loaded, "%s", error);
    cr_assert(holds(of, loaded, 100));
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED;
    cr_assert_null(gait_arena_load_bytes(of.mutator, &config, bytes.at, bytes.count, error, 200));
    cr_assert_not_null(strstr(error, "GAIT_ARENA_PINNED"), "%s", error);
    cr_assert_null(gait_arena_load_bytes(of.mutator, &config, bytes.at, bytes.count, NULL, 0));
    gait_heap_destroy(of.heap);

    gait_config small;
    gait_config_init(&small);
    small.reserve_bytes = 4 * MIB;
    gait_heap *heap = gait_heap_create(&small, NULL, 0);
    of = open_heap();
    bytes = save(of, arena_of(of, 64 * MIB, 0));
    cr_assert_null(
        gait_arena_load_bytes(gait_attach(heap), NULL, bytes.at, bytes.count, error, sizeof error));
    cr_assert_not_null(strstr(error, "no memory"), "%s", error);
}

Test(snapshot, calls_that_fail_leave_nothing_behind) {
    struct heap_of of = open_heap();
    gait_arena *arena = arena_of(of, 64 * MIB, 0);
    grow(of, arena, 0, 30000);
    struct bytes bytes = save(of, arena);
    char path[] = "/tmp/gait-snapshot-XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(gait_arena_save(of.mutator, arena, file), 0);
    chunks_drain(&of.heap->space);
    size_t before = arena_bytes(of), loaded = 0;
    for (size_t after = 0; after < 12; after++) {
        fault_arm(FAULT_MASK_ALL & ~FAULT_MASK(FAULT_READ), after, 1);
        gait_arena *other = load(of, bytes);
        fault_disarm();
        if (other)
            gait_arena_free(of.mutator, other);
        loaded += other != NULL;
        lseek(file, 0, SEEK_SET);
        fault_arm(FAULT_MASK(FAULT_READ), after, 0);
        other = gait_arena_load(of.mutator, NULL, file, error, sizeof error);
        size_t failed = fault_failures();
        fault_disarm();
        cr_assert(failed ? !other && strstr(error, "can't be read: Input/output error") != NULL
                         : other != NULL,
                  "%s", error);
        if (other)
            gait_arena_free(of.mutator, other);
    }
    cr_assert(loaded > 0 && loaded < 12, "%zu loaded", loaded);
    gait_collect(of.mutator);
    gait_collect(of.mutator);
    chunks_drain(&of.heap->space);
    cr_assert_eq(arena_bytes(of), before);
    space_check(&of.heap->space);
    close(file);
    unlink(path);
    gait_heap_destroy(of.heap);
}

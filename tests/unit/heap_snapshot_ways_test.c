/* SPDX-License-Identifier: MIT */
/*
 * gait/heap_snapshot.h: how a snapshot is taken and written: in the stop and by a copy, in both
 * formats, by any thread; without memory, and to readers that are slow or gone.
 */
#include <gait/links.h>
#include <gait/stats.h>

#include "emulated.h"
#include "platform/fault.h"
#include "platform/platform.h"
#include "seen_heap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

TestSuite(heap_snapshot_ways, .init = open_heap, .fini = close_heap);

/* ---- Ways and formats ---- */

Test(heap_snapshot_ways, a_copy_of_the_process_sees_the_same) {
    if (is_emulated() || !platform_child_can_be())
        return;
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1000);
    for (int i = 0; i < 1000; i++)
        gait_store(mutator, &holder[i], word_of(new_object(leaf, (size_t)i % 20 + 1)));
    look();
    size_t nodes = seen.node_count, edges = seen.edge_count;
    gait_snapshot_result result = look_by(GAIT_SNAPSHOT_FORK);
    cr_assert(result.forked);
    cr_assert_gt(result.stop_ns, 0);
    cr_assert_eq(seen.node_count, nodes);
    cr_assert_eq(seen.edge_count, edges);
    cr_assert_eq(seen.flags, 1u);
    errno = 0;
    cr_assert_lt(waitpid(-1, NULL, WNOHANG), 0, "no process is left over");
    cr_assert_eq(errno, ECHILD);
    let_go();
}

Test(heap_snapshot_ways, counts_what_a_cycle_finds) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 500);
    for (int i = 0; i < 5000; i++)
        gait_store(mutator, &holder[i % 500], word_of(new_object(leaf, (size_t)i % 90 + 1)));
    look();
    size_t nodes = seen.node_count;
    uint64_t bytes = 0;
    for (size_t i = 0; i < nodes; i++)
        bytes += seen.nodes[i].bytes;
    gait_collect(mutator);
    gait_kind_stats kinds[16];
    uint64_t live = 0, live_bytes = 0;
    for (size_t i = 0, count = gait_read_kinds(heap, kinds, 16); i < count; i++) {
        live += kinds[i].objects;
        live_bytes += kinds[i].object_bytes;
    }
    cr_assert_eq(nodes, live);
    cr_assert_eq(bytes, live_bytes);
    let_go();
}

/* How many numbers stand between a name and the next "]". */
static size_t numbers_in(const char *text, const char *name) {
    const char *at = strstr(text, name);
    cr_assert_not_null(at);
    size_t count = 0;
    bool in_number = false;
    for (at += strlen(name); *at != ']'; at++) {
        bool digit = *at >= '0' && *at <= '9';
        count += digit && !in_number;
        in_number = digit;
    }
    return count;
}

Test(heap_snapshot_ways, as_v8_writes_it) {
    gait_word *holder = hold((gait_kind_info){.name = "re\"fs", .layout = GAIT_REFS}, 3);
    gait_word *held = new_object(leaf, 1);
    gait_store(mutator, &holder[0], word_of(held));
    gait_store(mutator, &holder[2], word_of(held));
    gait_snapshot_result result;
    size_t bytes;
    char *text = written(options_of(GAIT_SNAPSHOT_V8, 0), &result, &bytes);
    cr_assert_eq(strncmp(text, "{\"snapshot\":{\"meta\":{\"node_fields\":[\"type\",", 43), 0);
    cr_assert_eq(numbers_in(text, "\n\"nodes\":["), 7u * 4); /* root, frames, two objects */
    cr_assert_eq(numbers_in(text, "\n\"edges\":["), 3u * 4);
    cr_assert_not_null(strstr(text, "\"node_count\":4,\"edge_count\":4,"));
    cr_assert_not_null(strstr(text, "\"re\\u0022fs\""));
    cr_assert_str_eq(text + bytes - 3, "]}\n");
    free(text);
    let_go();
}

/* ---- Failures ---- */

Test(heap_snapshot_ways, options_that_are_not_known) {
    char error[128] = "";
    gait_snapshot_options options = options_of(7, 0);
    options.error = error;
    options.error_bytes = sizeof error;
    cr_assert_eq(gait_write_snapshot(heap, 1, &options, NULL), GAIT_E_INVALID);
    cr_assert_str_eq(error, "gait_write_snapshot: options that are not known");
    options = options_of(GAIT_SNAPSHOT_V8, 1u << 31);
    cr_assert_eq(gait_write_snapshot(heap, 1, &options, NULL), GAIT_E_INVALID);
    options = options_of(GAIT_SNAPSHOT_V8, 0);
    options.idle_ns = -1;
    cr_assert_eq(gait_write_snapshot(heap, 1, &options, NULL), GAIT_E_INVALID);
}

/* A heap whose snapshot is larger than a pipe takes. */
static void fill(gait_word *holder, size_t count) {
    for (size_t i = 0; i < count; i++)
        gait_store(mutator, &holder[i], word_of(new_object(leaf, 1)));
}

static void try_descriptor(int descriptor, uint32_t flags, int expected_errno) {
    for (uint32_t format = GAIT_SNAPSHOT_V8; format <= GAIT_SNAPSHOT_COMPACT; format++) {
        char error[128] = "";
        gait_snapshot_result result;
        gait_snapshot_options options = options_of(format, flags);
        options.idle_ns = 50000000;
        options.error = error;
        options.error_bytes = sizeof error;
        cr_assert_eq(gait_write_snapshot(heap, descriptor, &options, &result), GAIT_E_FILE);
        cr_assert_eq(errno, expected_errno, "%s", strerror(errno));
        cr_assert_not_null(strstr(error, strerror(expected_errno)), "%s", error);
        cr_assert_not(result.whole);
        cr_assert_gt(result.stop_ns, 0);
    }
}

Test(heap_snapshot_ways, readers_that_are_gone_or_slow) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 40000);
    fill(holder, 40000);
    uint32_t ways = is_emulated() ? 0 : GAIT_SNAPSHOT_FORK;
    for (uint32_t flags = 0; flags <= ways; flags++) {
        int gone[2], slow[2];
        cr_assert_eq(pipe(gone), 0);
        close(gone[0]);
        try_descriptor(gone[1], flags, EPIPE);
        close(gone[1]);
        cr_assert_eq(pipe(slow), 0);
        try_descriptor(slow[1], flags, ETIMEDOUT);
        close(slow[0]);
        close(slow[1]);
        try_descriptor(-1, flags, EBADF);
    }
    let_go();
}

Test(heap_snapshot_ways, a_copy_is_not_waited_for) {
    if (is_emulated() || !platform_child_can_be())
        return;
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 40000);
    fill(holder, 40000);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    gait_snapshot_result result;
    gait_snapshot_options options = options_of(GAIT_SNAPSHOT_COMPACT, GAIT_SNAPSHOT_FORK);
    options.wait_ns = 0;
    cr_assert_eq(gait_write_snapshot(heap, ends[1], &options, &result), 0);
    cr_assert_not(result.whole);
    cr_assert(result.forked);
    close(ends[1]);
    size_t bytes = 0, room = 1 << 22;
    char *text = malloc(room);
    for (ssize_t some; (some = read(ends[0], text + bytes, room - bytes)) > 0;)
        bytes += (size_t)some;
    seen_read(&seen, text, bytes);
    cr_assert_null(seen.complaint, "%s", seen.complaint);
    cr_assert_eq(seen.node_count, 40001u);
    cr_assert_eq(seen.process, (uint64_t)getpid());
    free(text);
    close(ends[0]);
    let_go();
}

static bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }

/* While another thread waits for its copy. */
Test(heap_snapshot_ways, a_forks_child_has_not_the_pipes_of_copies) {
    gait_heap *other = gait_heap_create(NULL, NULL, 0); /* forks are followed */
    struct platform_child copy;
    cr_assert_eq(platform_child_prepare(&copy), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(is_open(copy.report_in) || is_open(copy.report_out));
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert(is_open(copy.report_in) && is_open(copy.report_out));
    platform_child_finish(&copy);
    gait_heap_destroy(other);
}

Test(heap_snapshot_ways, a_copy_that_dies_is_told_of) {
    if (is_emulated() || !platform_child_can_be())
        return;
    hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1);
    /* larger than what the copy takes for itself, and may get there */
    size_t bytes = (size_t)64 << 20;
    char *excepted = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gait_word *hidden = (gait_word *)(excepted + bytes / 2);
    cr_assert_eq(madvise(excepted, bytes, MADV_DONTFORK), 0);
    cr_assert_eq(gait_roots_add(mutator, hidden, 1), 0);
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    gait_snapshot_options options = options_of(GAIT_SNAPSHOT_COMPACT, GAIT_SNAPSHOT_FORK);
    cr_assert_eq(gait_write_snapshot(heap, file, &options, NULL), GAIT_E_FILE);
    cr_assert_eq(errno, ECHILD);
    close(file);
    look(); /* in the stop it can be read */
    cr_assert_eq(gait_roots_remove(mutator, hidden), 0);
    munmap(excepted, bytes);
    let_go();
}

static void do_nothing(gait_mutator *own, void *data) { (void)own, (void)data; }

Test(heap_snapshot_ways, without_memory) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1001);
    fill(holder, 1000);
    cr_assert_eq(gait_link_register(mutator, &holder[1000], holder, 0), 0);
    cr_assert_eq(gait_cleanup_add(mutator, holder, do_nothing, NULL), 0);
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    bool whole = false;
    for (size_t after = 0; !whole; after++) {
        gait_snapshot_options options = options_of(GAIT_SNAPSHOT_V8, 0);
        fault_arm(FAULT_MASK(FAULT_MAP), after, 0);
        int status = gait_write_snapshot(heap, file, &options, NULL);
        whole = fault_failures() == 0;
        fault_disarm();
        cr_assert(status == GAIT_E_MEMORY || (whole && status == 0), "%d after %zu", status, after);
    }
    if (platform_child_can_be()) {
        gait_snapshot_options options = options_of(GAIT_SNAPSHOT_V8, GAIT_SNAPSHOT_FORK);
        fault_arm(FAULT_MASK(FAULT_FORK), 0, 1);
        cr_assert_eq(gait_write_snapshot(heap, file, &options, NULL), GAIT_E_MEMORY);
        fault_disarm();
    }
    close(file);
    let_go();
}

/* ---- Threads ---- */

static size_t open_descriptors(void) {
    size_t count = 0;
    for (int i = 0; i < 256; i++)
        count += is_open(i);
    return count;
}

static int slow[2];
static unsigned waits; /* atomic */

/* A pipe that nobody reads. */
static __attribute__((noinline)) void write_to_nobody(uint32_t flags) {
    gait_mutator *own = gait_attach(heap);
    gait_snapshot_options options = options_of(GAIT_SNAPSHOT_COMPACT, flags);
    options.idle_ns = 300000000;
    __atomic_store_n(&waits, 1, __ATOMIC_RELEASE);
    gait_write_snapshot(heap, slow[1], &options, NULL);
    gait_detach(own);
}

/* It ends in a frame without variables, else AddressSanitizer takes what was in them for such. */
static void *end_behind_it(void *flags) {
    write_to_nobody((uint32_t)(uintptr_t)flags);
    pthread_testcancel();
    return NULL;
}

Test(heap_snapshot_ways, a_thread_that_is_cancelled_leaves_nothing) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 40000);
    fill(holder, 40000);
    cr_assert_eq(pipe(slow), 0);
    size_t before = open_descriptors();
    for (uint32_t flags = 0; flags <= (is_emulated() ? 0 : GAIT_SNAPSHOT_FORK); flags++) {
        pthread_t thread;
        void *end;
        __atomic_store_n(&waits, 0, __ATOMIC_RELAXED);
        gait_enter_native(mutator);
        cr_assert_eq(pthread_create(&thread, NULL, end_behind_it, (void *)(uintptr_t)flags), 0);
        while (!__atomic_load_n(&waits, __ATOMIC_ACQUIRE))
            usleep(1000);
        usleep(100000); /* it waits for the reader; if not yet, this test finds less */
        cr_assert_eq(pthread_cancel(thread), 0);
        cr_assert_eq(pthread_join(thread, &end), 0);
        gait_leave_native(mutator);
        cr_assert_eq(end, PTHREAD_CANCELED);
        cr_assert_eq(open_descriptors(), before);
        errno = 0;
        cr_assert_lt(waitpid(-1, NULL, WNOHANG | __WALL), 0, "no process is left over");
        cr_assert_eq(errno, ECHILD);
    }
    close(slow[0]);
    close(slow[1]);
    let_go();
}

Test(heap_snapshot_ways, a_thread_that_is_not_attached_takes_one) {
    gait_word *holder = hold((gait_kind_info){.name = "refs", .layout = GAIT_REFS}, 1);
    gait_detach(mutator);
    look();
    cr_assert_eq(seen_find(&seen, holder), 0u);
    mutator = gait_attach(heap);
}

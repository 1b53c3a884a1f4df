/* SPDX-License-Identifier: MIT */
/*
 * Address space: under a limit of any size (ulimit -v) a heap is created, works, and leaves half of
 * the addresses that there were to malloc, mmap and threads. Each limit in a process of its own.
 */
#include "stress.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MIB ((size_t)1 << 20)
#define PIECE_BYTES MIB
#define PIECES_MOST 8192
/* What a heap takes beside its range: stacks, tables, what the C library maps; and one piece of the
 * measurement at each end. */
#define BESIDE_BYTES (6 * MIB)

/* How much can be mapped now, in pieces; all is given back. */
static size_t free_addresses(void) {
    static void *pieces[PIECES_MOST];
    size_t count = 0;
    for (; count < PIECES_MOST; count++) {
        pieces[count] = mmap(NULL, PIECE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pieces[count] == MAP_FAILED)
            break;
    }
    for (size_t i = 0; i < count; i++)
        munmap(pieces[i], PIECE_BYTES);
    return count * PIECE_BYTES;
}

static void *nothing(void *argument) { return argument; }

static void limited(size_t bytes) {
    alarm(50);
    struct rlimit limit = {bytes, bytes};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
#ifdef M_ARENA_MAX
    /* Else the GNU C library reserves 64 MiB for the thread that starts helpers, wherever they fit:
     * addresses that malloc hands out later, but not to mmap. */
    CHECK(mallopt(M_ARENA_MAX, 1), "mallopt");
#endif
    size_t before = free_addresses();
    gait_heap *heap = heap_new(0, NULL, NULL);
    gait_mutator *mutator = attach(heap);
    gait_kind refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_word list = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &list, 1);
    for (size_t i = 0; i < 4 * MIB / 64; i++) {
        gait_word *node = allocate(mutator, refs, 64);
        gait_init(node, i % 20000 ? list : 0);
        list = (gait_word)node;
    }
    gait_collect(mutator);
    size_t after = free_addresses();
    CHECK(2 * (after + BESIDE_BYTES) >= before, "of %zu MiB of addresses %zu are left",
          before / MIB, after / MIB);
    void *block = malloc(after / 4);
    CHECK(block, "malloc of %zu MiB", after / 4 / MIB);
    pthread_t thread = thread_start(nothing, NULL);
    pthread_join(thread, NULL);
    free(block);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    if (UNDER_ASAN || UNDER_TSAN) /* their shadow memory is larger than any limit */
        return 0;
    size_t limits = 0;
    for (size_t bytes = 64 * MIB; bytes < 6000 * MIB; bytes += bytes / 3 + pick(&run.seed, MIB)) {
        fflush(stdout);
        pid_t pid = fork();
        CHECK(pid >= 0, "fork");
        if (pid == 0) {
            limited(bytes & ~(size_t)4095);
            _exit(0);
        }
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && status == 0, "at %zu MiB: status %#x", bytes / MIB,
              (unsigned)status);
        limits++;
    }
    printf("%zu limits\n", limits);
}

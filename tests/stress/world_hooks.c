/* SPDX-License-Identifier: MIT */
/*
 * Threads that don't poll, and are stopped by a signal, wherever they are. They build lists by
 * plain stores, with no root but their stacks and registers; they hold malloc's and stdio's locks
 * as often as they can; they come and go, fork, have finalizers, weak words and native code.
 *
 * What stops threads is at the beginning: an example of what the library asks for.
 */
#include "stress.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#define WORKERS 4
#define LISTS 6
#define STOP_SIGNAL SIGUSR2
#define CHILD_SECONDS 20 /* a child that takes longer hangs */

/* ---- The program's own means ---- */

struct member {
    pthread_t thread;
    gait_mutator *mutator;
    char *top, *high; /* of the stack, while it stands still */
    struct member *next;
};

static pthread_mutex_t members_lock = PTHREAD_MUTEX_INITIALIZER; /* held over a stop */
static struct member *members;
static _Thread_local struct member *self;
static unsigned stops; /* atomic: odd while threads stand still */
static sem_t standing;
static bool by_library; /* the library is told of stacks, and scans them */
static uint64_t stop_count;

/* Registers are in the frame that the kernel made for the handler. */
static void on_signal(int signal) {
    (void)signal;
    int error = errno;
    unsigned stop = __atomic_load_n(&stops, __ATOMIC_ACQUIRE);
    self->top = __builtin_frame_address(0);
    if (by_library)
        gait_stopped_at(self->mutator, self->top);
    sem_post(&standing);
    while (__atomic_load_n(&stops, __ATOMIC_ACQUIRE) == stop)
        sleep_us(20);
    errno = error;
}

static void stop(void *data) {
    CHECK(data == &stops, "stop gets other data");
    pthread_mutex_lock(&members_lock);
    CHECK(__atomic_fetch_add(&stops, 1, __ATOMIC_RELEASE) % 2 == 0, "a stop within a stop");
    stop_count++;
    size_t count = 0;
    for (struct member *member = members; member; member = member->next, count++)
        CHECK(pthread_kill(member->thread, STOP_SIGNAL) == 0, "pthread_kill");
    while (count > 0)
        count -= sem_wait(&standing) == 0;
}

static void start(void *data) {
    (void)data;
    __atomic_fetch_add(&stops, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&members_lock);
}

static void visit_stopped(gait_visitor *visitor, void *data) {
    (void)data;
    for (struct member *member = members; member; member = member->next)
        gait_visit_conservative(visitor, (gait_word *)member->top,
                                (size_t)(member->high - member->top) / sizeof(gait_word));
}

/* Attached first, then known; no more known, then detached. */
static void join(struct member *member, gait_heap *heap, void *high) {
    member->mutator = attach(heap);
    member->thread = pthread_self();
    member->high = (char *)((uintptr_t)high & ~(uintptr_t)7);
    member->top = member->high;
    self = member;
    pthread_mutex_lock(&members_lock);
    member->next = members;
    members = member;
    pthread_mutex_unlock(&members_lock);
}

static void leave(struct member *member) {
    pthread_mutex_lock(&members_lock);
    struct member **link = &members;
    while (*link != member)
        link = &(*link)->next;
    *link = member->next;
    pthread_mutex_unlock(&members_lock);
    gait_detach(member->mutator);
}

/* ---- What threads do ---- */

struct item {
    gait_word stamp;
    gait_word next;
    gait_word check;
};

struct worker {
    gait_heap *heap;
    uint64_t random;
    uint64_t operations;
    struct member member;
};

static gait_kind kind_item, kind_leaf, kind_weak;
static uint64_t stamps, finalized; /* atomic */
static FILE *nowhere;

static void item_check(const struct item *item) {
    CHECK(item->check == (mix(item->stamp ^ (gait_word)item) | 1), "item %p is lost",
          (const void *)item);
}

static size_t list_check(gait_word first) {
    size_t length = 0;
    for (; first; first = ((struct item *)first)->next, length++)
        item_check((struct item *)first);
    return length;
}

static void *take(gait_kind kind, size_t bytes) { return allocate(self->mutator, kind, bytes); }

static struct item *item_new(gait_word next) {
    struct item *item = take(kind_item, sizeof *item);
    CHECK(item->stamp == 0 && item->next == 0 && item->check == 0, "%p is not zero: %#zx %#zx %#zx",
          (void *)item, (size_t)item->stamp, (size_t)item->next, (size_t)item->check);
    item->stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1;
    item->check = mix(item->stamp ^ (gait_word)item) | 1;
    item->next = next;
    return item;
}

static void on_final(gait_mutator *mutator, void *object, void *data) {
    (void)data;
    item_check(object);
    struct item *other = allocate(mutator, kind_item, sizeof *other);
    CHECK(other->stamp == 0, "not zero");
    __atomic_fetch_add(&finalized, 1, __ATOMIC_RELAXED);
}

static void on_cleanup(gait_mutator *mutator, void *data) {
    (void)mutator;
    free(data);
}

/* Holds what a signal finds locked if it comes at the right moment. */
static void use_libc(uint64_t *random) {
    for (size_t i = 0; i < 50; i++) {
        void *block = malloc(1 + pick(random, 3000));
        CHECK(block, "malloc");
        fprintf(nowhere, "%p", block);
        free(block);
    }
}

static void use_weak(void) {
    gait_word *weak = take(kind_weak, 2 * sizeof *weak);
    struct item *dropped = item_new(0);
    gait_weak_set(self->mutator, &weak[0], (gait_word)dropped);
    dropped = NULL;
    struct item *kept = item_new(0);
    gait_weak_set(self->mutator, &weak[1], (gait_word)kept);
    for (size_t i = 0; i < 30; i++)
        take(kind_leaf, 256);
    struct item *found = (struct item *)gait_weak_get(self->mutator, &weak[0]);
    for (size_t i = 0; i < 30; i++)
        take(kind_leaf, 256);
    if (found)
        item_check(found);
    CHECK(gait_weak_get(self->mutator, &weak[1]) == (gait_word)kept, "a weak word is lost");
    item_check(kept);
}

static void use_finalizers(struct worker *worker) {
    struct item *item = item_new(0);
    CHECK(gait_finalizer_set(self->mutator, item, on_final, NULL) == 0, "finalizer");
    item = item_new(0);
    CHECK(gait_cleanup_add(self->mutator, item, on_cleanup, malloc(100)) == 0, "cleanup");
    if (one_in(&worker->random, 4))
        gait_run_finalizers(self->mutator, 100);
}

static void use_settings(struct worker *worker) {
    gait_stats stats = stats_of(worker->heap);
    CHECK(stats.mutators > 0, "no mutators");
    gait_set_gogc(worker->heap, GAIT_KEEP);
    struct item *item = item_new(0);
    CHECK(gait_object_base(worker->heap, item) == item, "no base");
}

static void in_child(struct worker *worker, const gait_word *lists) {
    alarm(CHILD_SECONDS);
    members = &worker->member;
    worker->member.next = NULL;
    for (size_t i = 0; i < 500; i++)
        item_new(0);
    gait_collect(self->mutator);
    for (size_t i = 0; i < LISTS; i++)
        list_check(lists[i]);
    _exit(0);
}

/* members_lock: else another thread may hold it in the child. Not over the fork's own handlers,
 * which wait for a stop that waits for it. */
static void use_fork(struct worker *worker, const gait_word *lists) {
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_init(&members_lock, NULL);
        in_child(worker, lists);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        CHECK(errno == EINTR, "waitpid");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %#x",
          (unsigned)status);
}

__attribute__((noinline)) static void work_attached(struct worker *worker) {
    gait_word lists[LISTS] = {0};
    size_t lengths[LISTS] = {0};
    join(&worker->member, worker->heap, __builtin_frame_address(0));
    for (size_t n = 200 + pick(&worker->random, 400); n > 0 && !time_is_up(); n--) {
        size_t at = pick(&worker->random, LISTS);
        worker->operations++;
        switch (pick(&worker->random, 16)) {
        case 0:
            lists[at] = lengths[at] = 0;
            break;
        case 1:
            use_libc(&worker->random);
            break;
        case 2:
            take(kind_leaf, 30000 + pick(&worker->random, 200000));
            break;
        case 3:
            use_weak();
            break;
        case 4:
            use_finalizers(worker);
            break;
        case 5:
            use_settings(worker);
            break;
        case 6:
            if (one_in(&worker->random, 20))
                gait_collect(self->mutator);
            break;
        case 7:
            gait_enter_native(self->mutator);
            sleep_us((long)pick(&worker->random, 300));
            gait_leave_native(self->mutator);
            break;
        case 8:
            for (size_t i = 0; i < 20000; i++)
                next_random(&worker->random);
            break;
        case 9: {
            struct item *item = item_new(0);
            gait_handle *handle = gait_handle_new(self->mutator, (gait_word)item);
            gait_poll(self->mutator);
            item_check((struct item *)gait_handle_get(handle));
            gait_handle_free(self->mutator, handle);
            break;
        }
        case 10:
            /* AddressSanitizer's allocator may be locked in the child by a thread that it lacks:
             * here threads stand anywhere. */
            if (!UNDER_ASAN && one_in(&worker->random, 60))
                use_fork(worker, lists);
            break;
        default:
            for (size_t i = 0; i < 40; i++, lengths[at]++)
                lists[at] = (gait_word)item_new(lists[at]);
            CHECK(list_check(lists[at]) == lengths[at], "a list has another length");
        }
    }
    for (size_t i = 0; i < LISTS; i++)
        CHECK(list_check(lists[i]) == lengths[i], "a list has another length");
    leave(&worker->member);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    while (!time_is_up())
        work_attached(worker);
    return NULL;
}

static void hooks_test(bool library, const char *debug, double seconds) {
    by_library = library;
    stop_count = finalized = 0;
    gait_config config;
    gait_config_init(&config);
    config.flags = library ? GAIT_CONSERVATIVE_STACKS : GAIT_DATA_SEGMENTS;
    config.debug = debug;
    config.gogc = "20";
    config.stop = stop;
    config.start = start;
    config.stopped_roots = library ? NULL : visit_stopped;
    config.stop_data = &stops;
    gait_heap *heap = heap_of(&config);
    kind_item = kind_new(heap, (gait_kind_info){.name = "item", .layout = GAIT_REFS});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    kind_weak = kind_new(heap, (gait_kind_info){.name = "weak", .layout = GAIT_WEAK});
    run_for(seconds);
    static struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    uint64_t operations = 0;
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.heap = heap, .random = mix(run.seed + i)};
        threads[i] = thread_start(work, &workers[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        operations += workers[i].operations;
    }
    gait_stats stats = stats_of(heap);
    CHECK(stop_count >= stats.cycles && stats.cycles > 1, "%" PRIu64 " stops, %" PRIu64 " cycles",
          stop_count, stats.cycles);
    printf("%-13s %-32s %8" PRIu64 " operations, %6" PRIu64 " cycles, %5" PRIu64
           " finalized, longest pause %.1f ms\n",
           library ? "gait_stopped_at," : "stopped_roots,", debug, operations, stats.cycles,
           finalized, (double)stats.pause_max_ns / 1e6);
    fflush(stdout);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    nowhere = fopen("/dev/null", "w");
    CHECK(nowhere && sem_init(&standing, 0, 0) == 0, "sem_init");
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    CHECK(sigaction(STOP_SIGNAL, &action, NULL) == 0, "sigaction");
    static const char *const debugs[] = {"clobberfree=1",
                                         "gccheckmark=1,clobberfree=1",
                                         "gcstress=16,clobberfree=1",
                                         "gcstoptheworld=2,clobberfree=1",
                                         "gcminor=7,gccheckmark=1,clobberfree=1",
                                         "gcminor=30,gcstress=16,clobberfree=1",
                                         "gcdirty=1,clobberfree=1",
                                         "gcdirty=1,gccheckmark=1,clobberfree=1",
                                         "gcdirty=1,gcstress=16,clobberfree=1"};
    double part = run.seconds / 18;
    for (size_t i = 0; i < sizeof debugs / sizeof debugs[0]; i++) {
        if (!UNDER_ASAN) /* it knows whole stacks as objects with borders, which a callback reads */
            hooks_test(false, debugs[i], part);
        hooks_test(true, debugs[i], part);
    }
    return 0;
}

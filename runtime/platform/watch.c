/* SPDX-License-Identifier: MIT */
/*
 * Which pages were written, as the kernel says (Linux 6.7 and newer): write-protection that it
 * takes away by itself at the first store (userfaultfd, WP_ASYNC), and a scan of the page tables
 * that reports such pages and protects them again, page by page (PAGEMAP_SCAN). No thread waits for
 * another one, and no signal is sent.
 *
 * Two descriptors are kept: of userfaultfd, and of the page tables, which is opened anew only if
 * it is gone: to open a file takes the lowest free number for a moment, on which another thread of
 * the program may count. A fork's child has neither: the second one is of its parent's memory, and
 * would protect that. Numbers are used only while they are those files: one that the program
 * closes may come again as another's. Each has an inode of its own. (Between the look and the use
 * another thread may close it still: a program that does so beside a collection is not guarded
 * against.) The kernel is called without the C library's functions, in whose place a program may
 * have its own: some of this is done while its threads stand.
 *
 * The constants are the kernel's, for C libraries that are older.
 */
#include "fault.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of linux/userfaultfd.h. */
#define WATCH_USER_MODE_ONLY 1
#define WATCH_WP_UNPOPULATED (UINT64_C(1) << 13)
#define WATCH_WP_ASYNC (UINT64_C(1) << 15)

/* Of linux/fs.h. */
struct scan_region {
    uint64_t start, end, categories;
};
struct scan {
    uint64_t size, flags, start, end, walk_end, regions, regions_count, pages_most;
    uint64_t inverted, all_of, any_of, returned;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan)
#define SCAN_PROTECT (UINT64_C(1) << 0) /* what is found is protected again */
#define SCAN_CHECK (UINT64_C(1) << 1)   /* fails where pages are not watched */
#define SCAN_IS_WRITTEN (UINT64_C(1) << 1)
#define SCAN_REGIONS 256 /* 6 KiB of stack */

/* By the thread: a process whose first thread has ended has no memory by its own entry, which
 * Linux 6.7 to 6.15 look at all the same. */
#define PAGE_TABLES "/proc/thread-self/pagemap"

/* More than programs open that count on low ones; less than what the kernel's first table of a
 * process has room for, 64: for a larger one a process with threads waits some 15 ms. */
#define HIGH_DESCRIPTOR 48

static void close_number(int number) { syscall(SYS_close, number); }

/* Where a fork is under way, and nobody waits for it, the number stays on the list: the child may
 * get the descriptor, and the list as it is later. */
static void close_file(struct platform_file *file, bool waits) {
    bool began = platform_own_begin(waits);
    if (platform_file_is_open(file)) {
        if (began)
            platform_own_close(file->number);
        else
            close_number(file->number);
    }
    file->number = -1;
    if (began)
        platform_own_end();
}

static void close_files(struct platform_watch *watch, bool waits) {
    close_file(&watch->faults, waits);
    close_file(&watch->pages, waits);
}

/* Programs rely on which numbers they get next: theirs are the low ones. @return false: there is
 * none, and the number is closed. */
static bool keep_high(int number, struct platform_file *file) {
    file->number = -1;
    if (number < 0)
        return false;
    int high = (int)syscall(SYS_fcntl, number, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (high >= 0)
        close_number(number);
    else
        high = number; /* not so many are allowed */
    if (platform_file_of(high, file))
        return platform_own(high) >= 0;
    close_number(high);
    return false;
}

static int userfaultfd(void) {
    /* the first is for processes with the right to watch the kernel's own accesses as well; with
     * WP_ASYNC none of them is sent anywhere, so either will do */
    long number = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (number < 0)
        number = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | WATCH_USER_MODE_ONLY);
    return (int)number;
}

/* A process may have many heaps, and wants most of its descriptors for itself. */
#define OWN_SHARE 4

static bool are_few(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           platform_own_count() < limit.rlim_cur / OWN_SHARE;
}

/* @return the page tables' descriptor; negative: there is none. */
static int pages_of(struct platform_watch *watch) {
    if (fault_hits(FAULT_WATCH) || watch->process != getpid())
        return -1;
    if (platform_file_is_open(&watch->pages))
        return watch->pages.number;
    watch->pages.number = -1;
    if (platform_own_begin(false)) {
        keep_high((int)syscall(SYS_openat, AT_FDCWD, PAGE_TABLES, O_RDONLY | O_CLOEXEC),
                  &watch->pages);
        platform_own_end();
    }
    return watch->pages.number;
}

int platform_watch_open(struct platform_watch *watch, void *start, size_t bytes) {
    watch->faults.number = watch->pages.number = -1;
    watch->process = getpid();
    if (fault_hits(FAULT_WATCH) || !platform_own_begin(false))
        return -1;
    bool there = are_few() && keep_high(userfaultfd(), &watch->faults);
    platform_own_end();
    if (!there)
        return -1;
    struct uffdio_api api = {.api = UFFD_API, .features = WATCH_WP_ASYNC | WATCH_WP_UNPOPULATED};
    struct uffdio_register range = {.range = {(uintptr_t)start, bytes},
                                    .mode = UFFDIO_REGISTER_MODE_WP};
    /* Linux before 6.9 leaves pages protected whose descriptor was closed, and lets them be written
     * all the same: they would seem to be watched */
    struct uffdio_writeprotect none = {.range = range.range};
    if (ioctl(watch->faults.number, UFFDIO_API, &api) == 0 &&
        ioctl(watch->faults.number, UFFDIO_REGISTER, &range) == 0 &&
        ioctl(watch->faults.number, UFFDIO_WRITEPROTECT, &none) == 0 && pages_of(watch) >= 0)
        return 0;
    close_files(watch, false);
    return -1;
}

void platform_watch_close(struct platform_watch *watch) { close_files(watch, true); }

void platform_watch_replace(struct platform_watch *old) { close_files(old, false); }

/* @return negative: refused. */
static long scan_once(int pagemap, struct scan *scan) {
    long found;
    do
        found = ioctl(pagemap, SCAN_IOCTL, scan);
    while (found < 0 && errno == EINTR);
    return found;
}

static struct scan scan_of(const void *start, const void *end, uint64_t flags) {
    return (struct scan){.size = sizeof(struct scan),
                         .flags = flags | SCAN_CHECK,
                         .start = (uintptr_t)start,
                         .end = (uintptr_t)end,
                         .all_of = SCAN_IS_WRITTEN};
}

static int scan_all(struct platform_watch *watch, const void *start, size_t bytes, uint64_t flags,
                    void (*seen)(void *data, struct platform_range range), void *data) {
    struct scan_region regions[SCAN_REGIONS];
    struct scan scan = scan_of(start, (const char *)start + bytes, flags);
    int pages = pages_of(watch);
    if (pages < 0)
        return -1;
    scan.regions = (uintptr_t)regions;
    scan.regions_count = SCAN_REGIONS;
    scan.returned = SCAN_IS_WRITTEN;
    while (scan.start < scan.end) {
        long found = scan_once(pages, &scan);
        if (found < 0)
            return -1;
        for (long i = 0; i < found; i++)
            seen(data, (struct platform_range){(char *)(uintptr_t)regions[i].start,
                                               (char *)(uintptr_t)regions[i].end});
        /* with room left it has come to the end, wherever it says that it has been */
        if (found < SCAN_REGIONS)
            break;
        if (scan.walk_end <= scan.start)
            return -1;
        scan.start = scan.walk_end;
    }
    return 0;
}

int platform_watch(struct platform_watch *watch, const struct platform_range *ranges,
                   size_t count) {
    int pages = pages_of(watch);
    if (pages < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct scan scan = scan_of(ranges[i].low, ranges[i].high, SCAN_PROTECT);
        if (scan_once(pages, &scan) < 0)
            return -1;
    }
    return 0;
}

int platform_written(struct platform_watch *watch, const void *start, size_t bytes,
                     void (*seen)(void *data, struct platform_range range), void *data) {
    return scan_all(watch, start, bytes, SCAN_PROTECT, seen, data);
}

int platform_written_so_far(struct platform_watch *watch, const void *start, size_t bytes,
                            void (*seen)(void *data, struct platform_range range), void *data) {
    return scan_all(watch, start, bytes, 0, seen, data);
}

void platform_unwatch(const struct platform_watch *watch, void *start, size_t bytes) {
    struct uffdio_writeprotect range = {.range = {(uintptr_t)start, bytes}};
    /* else, or refused: stores go on to fault once a page */
    if (platform_file_is_open(&watch->faults))
        ioctl(watch->faults.number, UFFDIO_WRITEPROTECT, &range);
}

/* SPDX-License-Identifier: MIT */
/*
 * Which pages were written, as the kernel says (Linux 6.7 and newer): write-protection that it
 * takes away by itself at the first store (userfaultfd, WP_ASYNC), and a scan of the page tables
 * that reports such pages and protects them again, page by page (PAGEMAP_SCAN). No thread waits for
 * another one, and no signal is sent.
 *
 * Each scan opens /proc/self/pagemap anew: a descriptor that is kept would be of the parent's
 * memory in a fork's child. The one of userfaultfd has to be kept, and the child has none. Its
 * number is used only while it is that file: one that the program closes may come again as
 * another's. Each userfaultfd has an inode of its own in these kernels. (Between the look and the
 * use another thread may close it still: a program that does so beside a collection is not guarded
 * against.)
 *
 * The constants are the kernel's, for C libraries that are older.
 */
#include "fault.h"
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
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

/* More than programs open that count on low ones; less than what the kernel's first table of a
 * process has room for, 64: for a larger one a process with threads waits some 15 ms. */
#define HIGH_DESCRIPTOR 48

static int give_up(int descriptor) {
    close(descriptor);
    return -1;
}

static bool descriptor_file(int descriptor, uint64_t *device, uint64_t *file) {
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        return false;
    *device = status.st_dev;
    *file = status.st_ino;
    return true;
}

static bool is_open(const struct platform_watch *watch) {
    uint64_t device, file;
    return descriptor_file(watch->descriptor, &device, &file) && device == watch->device &&
           file == watch->file;
}

/* Programs rely on which numbers they get next: theirs are the low ones. */
static int out_of_the_way(int descriptor) {
    int high = fcntl(descriptor, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (high < 0)
        return descriptor; /* not so many are allowed */
    close(descriptor);
    return high;
}

int platform_watch_open(struct platform_watch *watch, void *start, size_t bytes) {
    watch->descriptor = -1;
    if (fault_hits(FAULT_WATCH))
        return -1;
    /* the first is for processes with the right to watch the kernel's own accesses as well; with
     * WP_ASYNC none of them is sent anywhere, so either will do */
    long descriptor = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        descriptor = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | WATCH_USER_MODE_ONLY);
    if (descriptor < 0)
        return -1;
    struct uffdio_api api = {.api = UFFD_API, .features = WATCH_WP_ASYNC | WATCH_WP_UNPOPULATED};
    struct uffdio_register range = {.range = {(uintptr_t)start, bytes},
                                    .mode = UFFDIO_REGISTER_MODE_WP};
    if (ioctl((int)descriptor, UFFDIO_API, &api) < 0 ||
        ioctl((int)descriptor, UFFDIO_REGISTER, &range) < 0 ||
        !descriptor_file((int)descriptor, &watch->device, &watch->file))
        return give_up((int)descriptor);
    watch->descriptor = out_of_the_way((int)descriptor);
    return 0;
}

void platform_watch_close(struct platform_watch *watch) {
    if (is_open(watch))
        close(watch->descriptor);
    watch->descriptor = -1;
}

/* @return negative: refused. */
static long scan_once(int pagemap, struct scan *scan) {
    long found;
    do
        found = ioctl(pagemap, SCAN_IOCTL, scan);
    while (found < 0 && errno == EINTR);
    return found;
}

static int pagemap_open(void) {
    return fault_hits(FAULT_WATCH) ? -1 : open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

static struct scan scan_of(const void *start, const void *end, uint64_t flags) {
    return (struct scan){.size = sizeof(struct scan),
                         .flags = flags | SCAN_CHECK,
                         .start = (uintptr_t)start,
                         .end = (uintptr_t)end,
                         .all_of = SCAN_IS_WRITTEN};
}

static int scan_all(const void *start, size_t bytes, uint64_t flags,
                    void (*seen)(void *data, struct platform_range range), void *data) {
    struct scan_region regions[SCAN_REGIONS];
    struct scan scan = scan_of(start, (const char *)start + bytes, flags);
    int pagemap = pagemap_open();
    if (pagemap < 0)
        return -1;
    scan.regions = (uintptr_t)regions;
    scan.regions_count = SCAN_REGIONS;
    scan.returned = SCAN_IS_WRITTEN;
    while (scan.start < scan.end) {
        long found = scan_once(pagemap, &scan);
        if (found < 0)
            return give_up(pagemap);
        for (long i = 0; i < found; i++)
            seen(data, (struct platform_range){(char *)(uintptr_t)regions[i].start,
                                               (char *)(uintptr_t)regions[i].end});
        /* with room left it has come to the end, wherever it says that it has been */
        if (found < SCAN_REGIONS)
            break;
        if (scan.walk_end <= scan.start)
            return give_up(pagemap);
        scan.start = scan.walk_end;
    }
    close(pagemap);
    return 0;
}

int platform_watch(const struct platform_range *ranges, size_t count) {
    int pagemap = pagemap_open();
    if (pagemap < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct scan scan = scan_of(ranges[i].low, ranges[i].high, SCAN_PROTECT);
        if (scan_once(pagemap, &scan) < 0)
            return give_up(pagemap);
    }
    close(pagemap);
    return 0;
}

int platform_written(const void *start, size_t bytes,
                     void (*seen)(void *data, struct platform_range range), void *data) {
    return scan_all(start, bytes, SCAN_PROTECT, seen, data);
}

int platform_written_so_far(const void *start, size_t bytes,
                            void (*seen)(void *data, struct platform_range range), void *data) {
    return scan_all(start, bytes, 0, seen, data);
}

void platform_unwatch(const struct platform_watch *watch, void *start, size_t bytes) {
    struct uffdio_writeprotect range = {.range = {(uintptr_t)start, bytes}};
    if (is_open(watch)) /* else, or refused: stores go on to fault once a page */
        ioctl(watch->descriptor, UFFDIO_WRITEPROTECT, &range);
}

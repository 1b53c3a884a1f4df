/* SPDX-License-Identifier: MIT */
/*
 * Memory from the OS. Reserved addresses are a private mapping without access, which costs neither
 * memory nor commit charge; committing makes it writable, and the kernel supplies zeroed pages as
 * they are touched. Releasing drops the pages at once (MADV_DONTNEED, not MADV_FREE), so that what
 * the heap no longer counts is no longer resident either. No state is kept here, and no lock.
 */
#include "fault.h"
#include "platform.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

size_t platform_page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* Only asserted. */
__attribute__((unused)) static bool is_paged(const void *start, size_t bytes) {
    return bytes != 0 && (((uintptr_t)start | bytes) & (platform_page_bytes() - 1)) == 0;
}

static void *map(size_t bytes, int protection, int flags) {
    void *start = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

void *platform_reserve(size_t bytes, size_t alignment) {
    size_t page_bytes = platform_page_bytes();
    assert(is_paged(NULL, bytes) && alignment && (alignment & (alignment - 1)) == 0);
    if (fault_hits(FAULT_RESERVE))
        return NULL;
    size_t slack = alignment > page_bytes ? alignment - page_bytes : 0;
    if (bytes > SIZE_MAX - slack)
        return NULL;
    char *start = map(bytes + slack, PROT_NONE, MAP_NORESERVE);
    if (!start || !slack)
        return start;
    /* What lies before the first aligned address, and after the range, goes back. */
    size_t before = -(uintptr_t)start & (alignment - 1);
    if (before)
        platform_unreserve(start, before);
    if (before < slack)
        platform_unreserve(start + before + bytes, slack - before);
    return start + before;
}

void platform_unreserve(void *start, size_t bytes) {
    assert(is_paged(start, bytes));
    if (munmap(start, bytes) == 0)
        return;
    if (errno != ENOMEM)
        platform_fatal("platform_unreserve: %p, %zu bytes: not a mapping", start, bytes);
    /* The process has as many mappings as the OS allows, and this would split one more. The
       addresses are lost; the memory behind them need not be. */
    madvise(start, bytes, MADV_DONTNEED);
}

int platform_commit(void *start, size_t bytes) {
    assert(is_paged(start, bytes));
    if (fault_hits(FAULT_COMMIT))
        return -1;
    return mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0 ? 0 : -1;
}

int platform_protect(void *start, size_t bytes) {
    assert(is_paged(start, bytes));
    if (fault_hits(FAULT_PROTECT))
        return -1;
    return mprotect(start, bytes, PROT_NONE) == 0 ? 0 : -1;
}

int platform_release(void *start, size_t bytes) {
    assert(is_paged(start, bytes));
    if (fault_hits(FAULT_RELEASE))
        return -1;
    int result;
    do
        result = madvise(start, bytes, MADV_DONTNEED);
    while (result != 0 && (errno == EINTR || errno == EAGAIN));
    return result == 0 ? 0 : -1;
}

int platform_pages_in_memory(const void *start, size_t bytes, unsigned char *pages) {
    assert(is_paged(start, bytes));
    if (mincore((void *)(uintptr_t)start, bytes, pages) != 0)
        return -1;
    for (size_t i = 0; i < bytes / platform_page_bytes(); i++)
        pages[i] &= 1; /* the other bits are not defined */
    return 0;
}

void *platform_map(size_t bytes) {
    assert(is_paged(NULL, bytes));
    if (fault_hits(FAULT_MAP))
        return NULL;
    return map(bytes, PROT_READ | PROT_WRITE, 0);
}

void *platform_map_some(size_t bytes, size_t *mapped) {
    size_t page_bytes = platform_page_bytes();
    *mapped = (bytes + page_bytes) & ~(page_bytes - 1); /* of nothing, a page */
    return platform_map(*mapped);
}

void *platform_map_sparse(size_t bytes) {
    assert(is_paged(NULL, bytes));
    if (fault_hits(FAULT_MAP))
        return NULL;
    return map(bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
}

void platform_disable_thp(void *start, size_t bytes) {
    assert(is_paged(start, bytes));
    madvise(start, bytes, MADV_NOHUGEPAGE); /* a kernel without huge pages refuses: all the same */
}

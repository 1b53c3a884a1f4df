/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: memory. Reservations, what is committed and what the OS gets back.
 */
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

/** Can the kernel read a byte there? Asks without touching it. */
static bool is_readable(const void *address) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    bool readable = write(ends[1], address, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return readable;
}

Test(memory, page_is_a_power_of_two) {
    size_t bytes = platform_page_bytes();
    cr_assert(bytes >= 4096 && bytes <= 65536 && (bytes & (bytes - 1)) == 0, "%zu", bytes);
}

Test(memory, reservations_are_aligned_and_not_accessible) {
    for (size_t alignment = platform_page_bytes(); alignment <= (size_t)1 << 30; alignment *= 4) {
        size_t bytes = 64 * MIB;
        char *start = platform_reserve(bytes, alignment);
        cr_assert_not_null(start);
        cr_assert_eq((uintptr_t)start % alignment, 0);
        cr_assert_not(is_readable(start));
        cr_assert_not(is_readable(start + bytes - 1));
        platform_unreserve(start, bytes);
    }
}

/** Are there pages, be they accessible or not? */
static bool is_mapped(void *address) {
    size_t page = platform_page_bytes();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void *there = mmap(address, page, PROT_NONE, flags, -1, 0);
    if (there != MAP_FAILED)
        munmap(there, page);
    return there != address;
}

Test(memory, trimming_leaves_no_addresses_behind) {
    /* Of so much slack a part lies on either side, except for one case in 10^4. */
    size_t bytes = 16 * MIB, page = platform_page_bytes();
    char *start = platform_reserve(bytes, (size_t)1 << 30);
    cr_assert(is_mapped(start) && is_mapped(start + bytes - page));
    cr_assert_not(is_mapped(start - page));
    cr_assert_not(is_mapped(start + bytes));
    platform_unreserve(start, bytes);
    cr_assert_not(is_mapped(start));
    cr_assert_not(is_mapped(start + bytes - page));
}

Test(memory, impossible_sizes_are_refused) {
    size_t page = platform_page_bytes();
    cr_assert_null(platform_reserve((size_t)1 << 62, page));
    cr_assert_null(platform_reserve(~(page - 1), (size_t)1 << 30));
    cr_assert_null(platform_map((size_t)1 << 62));
}

Test(memory, commit_gives_zeroed_memory_and_keeps_it) {
    size_t page = platform_page_bytes();
    char *start = platform_reserve(16 * page, page);
    cr_assert_eq(platform_commit(start + 4 * page, 8 * page), 0);
    cr_assert_not(is_readable(start + 4 * page - 1));
    cr_assert_not(is_readable(start + 12 * page));
    for (size_t i = 0; i < 8 * page; i++)
        cr_assert_eq(start[4 * page + i], 0);
    start[5 * page] = 7;
    cr_assert_eq(platform_commit(start, 16 * page), 0);
    cr_assert_eq(start[5 * page], 7);
    start[0] = start[16 * page - 1] = 1;
    platform_unreserve(start, 16 * page);
}

Test(memory, release_lowers_resident_memory_and_zeroes) {
    size_t bytes = 64 * MIB;
    unsigned char *start = platform_reserve(bytes, 2 * MIB);
    cr_assert_eq(platform_commit(start, bytes), 0);
    platform_disable_thp(start, bytes);
    int64_t before = platform_resident_bytes();
    memset(start, 0xa5, bytes);
    int64_t full = platform_resident_bytes();
    cr_assert_eq(platform_release(start, bytes / 2), 0);
    int64_t half = platform_resident_bytes();
    cr_assert(full - before > 60 * MIB, "%lld", (long long)(full - before));
    cr_assert(full - half > 30 * MIB && full - half < 34 * MIB, "%lld", (long long)(full - half));
    cr_assert_eq(start[0], 0);
    cr_assert_eq(start[bytes / 2 - 1], 0);
    cr_assert_eq(start[bytes / 2], 0xa5);
    start[0] = 1; /* usable without another commit */
    platform_unreserve(start, bytes);
    cr_assert(platform_resident_bytes() < full - 60 * MIB);
}

Test(memory, pages_in_memory_are_those_that_were_touched) {
    enum { PAGES = 64 };
    size_t page = platform_page_bytes();
    unsigned char in_memory[PAGES];
    char *start = platform_map(PAGES * page);
    platform_disable_thp(start, PAGES * page);
    cr_assert_eq(platform_pages_in_memory(start, PAGES * page, in_memory), 0);
    for (size_t i = 0; i < PAGES; i++)
        cr_assert_eq(in_memory[i], 0);
    for (size_t i = 0; i < PAGES; i += 3)
        start[i * page] = 1;
    cr_assert_eq(platform_pages_in_memory(start, PAGES * page, in_memory), 0);
    for (size_t i = 0; i < PAGES; i++)
        cr_assert_eq(in_memory[i], i % 3 == 0);
    platform_unreserve(start, PAGES * page);
    cr_assert(platform_pages_in_memory(start, PAGES * page, in_memory) < 0);
}

Test(memory, map_is_zeroed_and_writable) {
    size_t bytes = 4 * platform_page_bytes();
    char *start = platform_map(bytes);
    for (size_t i = 0; i < bytes; i++)
        cr_assert_eq(start[i], 0);
    memset(start, 1, bytes);
    platform_unreserve(start, bytes);
}

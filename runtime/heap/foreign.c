/* SPDX-License-Identifier: MIT */
/*
 * Foreign memory. See foreign.h.
 */
#include "foreign.h"

#include "../platform/platform.h"

/* Threads have their own things a power of two apart: what the golden ratio makes of the address
 * differs in the upper bits. */
struct foreign_stripe *foreign_stripe(struct foreign *foreign, const void *own) {
    uint64_t hash = (uint64_t)(uintptr_t)own * UINT64_C(0x9E3779B97F4A7C15);
    return &foreign->stripes[(hash >> 32) % FOREIGN_STRIPES];
}

uint64_t foreign_added(const struct foreign *foreign) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < FOREIGN_STRIPES; i++)
        bytes += AO_load_acquire(&foreign->stripes[i].added_bytes);
    return bytes;
}

int64_t foreign_read(const struct foreign *foreign) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < FOREIGN_STRIPES; i++)
        bytes -= AO_load_acquire(&foreign->stripes[i].taken_bytes);
    return (int64_t)(bytes + foreign_added(foreign));
}

uint64_t foreign_unnamed(const struct foreign *foreign) {
    int64_t bytes = 0; /* what is named is there, too: read before, and taken off */
    for (unsigned i = 0; i < FOREIGN_STRIPES; i++)
        bytes -= (int64_t)AO_load(&foreign->stripes[i].named_bytes);
    bytes += foreign_read(foreign);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

size_t foreign_check(const struct foreign *foreign, const char *call) {
    int64_t bytes = foreign_read(foreign);
    if (bytes < 0)
        platform_fatal("%s: %lld bytes more were taken back than added", call, (long long)-bytes);
    return (size_t)bytes;
}

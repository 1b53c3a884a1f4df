/* SPDX-License-Identifier: MIT */
/*
 * Zeroing of large objects. See zero.h.
 *
 * What a page costs, per 4 KiB (Linux 6, a virtual machine; us of CPU): to write one that is in
 * memory 0.1, to give it back 0.28, to touch one that the OS has 1.4. So what is in memory is
 * written. What is not, since the program never touched it or the OS has it back, would take 1.5 to
 * write, and become resident: it is given back, which costs nothing then, and also drops what was
 * swapped out.
 */
#include "zero.h"

#include <string.h>

#include "../instance.h"

/* Between two safepoints, some 10 us; 60 us if each page had to be fetched all the same. */
#define WRITE_BYTES ((size_t)65536)
/* Between two questions to the OS: it tells of 4 MiB in some 5 us. */
#define LOOK_BYTES ((size_t)4194304)
#define LOOK_PAGES (LOOK_BYTES / 4096)

static void write_zeros(gait_mutator *mutator, char *start, size_t bytes) {
    for (size_t at = 0; at < bytes; at += WRITE_BYTES) {
        memset(start + at, 0, bytes - at < WRITE_BYTES ? bytes - at : WRITE_BYTES);
        world_poll(mutator);
    }
}

static void give_back(gait_mutator *mutator, char *start, size_t bytes) {
    if (platform_release(start, bytes) < 0)
        write_zeros(mutator, start, bytes);
    else
        world_poll(mutator);
}

/* At most LOOK_BYTES of whole OS pages, in stretches that are in memory or not. */
static void zero_piece(gait_mutator *mutator, char *start, size_t bytes) {
    unsigned char in_memory[LOOK_PAGES];
    size_t page_bytes = platform_page_bytes(), count = bytes / page_bytes;
    if (platform_pages_in_memory(start, bytes, in_memory) < 0) {
        write_zeros(mutator, start, bytes);
        return;
    }
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && in_memory[end] == in_memory[first];)
            end++;
        char *at = start + first * page_bytes;
        (in_memory[first] ? write_zeros : give_back)(mutator, at, (end - first) * page_bytes);
    }
}

void zero_pages(gait_mutator *mutator, char *start, size_t bytes) {
    /* where the OS's pages are larger than the space's, the first and the last may be shared */
    size_t page_bytes = platform_page_bytes();
    size_t before = -(uintptr_t)start & (page_bytes - 1);
    before = before < bytes ? before : bytes;
    write_zeros(mutator, start, before);
    for (size_t at = before; at < bytes; at += LOOK_BYTES) {
        size_t piece = bytes - at < LOOK_BYTES ? bytes - at : LOOK_BYTES;
        size_t whole = piece / page_bytes * page_bytes;
        if (whole > 0)
            zero_piece(mutator, start + at, whole);
        write_zeros(mutator, start + at + whole, piece - whole);
    }
}

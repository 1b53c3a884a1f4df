/* SPDX-License-Identifier: MIT */
/*
 * Foreign memory: the program's own, that objects of the heap stand for. It counts under the limit,
 * and is part of the live heap.
 *
 * Each thread counts in one of a few stripes, so that no two meet on the way. What the pacer looks
 * at is a sum, which hears of changes when those of a mutator come to a step, and so of large ones
 * at once.
 *
 *   .inv.slack: the sum lags by less than FOREIGN_STEP_BYTES for each mutator.
 *   .inv.flow: what was added and what was taken back, ever, is counted apart and never moved. Who
 *   takes back has had word of the addition: so a thread that reads all that was taken, and then
 *   all that was added, finds less than nothing left only if the program took back too much.
 */
#ifndef GAIT_FOREIGN_MEMORY_H
#define GAIT_FOREIGN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

/* Guesses: as many as few CPUs have threads; the pages of some spans. */
#define FOREIGN_STRIPES 32
#define FOREIGN_STEP_BYTES ((size_t)32768)

/* Bytes since the heap was created. */
struct foreign_stripe {
    AO_t added_bytes; /* release; read with acquire after taken_bytes of all stripes */
    AO_t taken_bytes; /* likewise, before */
    AO_t named_bytes; /* of both, what heap profiles tell by a name, or leave out; signed. A figure
                       */
    char unshared[128 - 3 * sizeof(AO_t)];
};

struct foreign {
    AO_t sum_bytes; /* unordered: a figure. Signed: below nothing for a moment, where it has heard
                       of what one thread took back before of what another one added */
    struct foreign_stripe stripes[FOREIGN_STRIPES];
};

/** A stripe for a thread, by the address of anything that it has for itself. */
struct foreign_stripe *foreign_stripe(struct foreign *foreign, const void *own);

/** What there is to the last byte; negative: more was taken back than added. Any thread. */
int64_t foreign_read(const struct foreign *foreign);

/** All that was added since the heap was created. Any thread. */
uint64_t foreign_added(const struct foreign *foreign);

/** Of it, what has no name: a figure. Any thread. */
uint64_t foreign_unnamed(const struct foreign *foreign);

/** What there is; the program stops, with a line that names the call, where that is negative. */
size_t foreign_check(const struct foreign *foreign, const char *call);

/** What there is, as the sum has heard of it. */
static inline size_t foreign_sum(const struct foreign *foreign) {
    AO_t bytes = AO_load(&foreign->sum_bytes);
    return (intptr_t)bytes > 0 ? bytes : 0;
}

#endif

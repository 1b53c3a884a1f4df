/* SPDX-License-Identifier: MIT */
/*
 * A table of steps. See unwind_steps.h.
 *
 * An entry is one word, so it is whole while threads write it: an address of 47 bits above the
 * step's length in words. Addresses of one place take it from each other.
 */
#include "unwind_steps.h"

#include "atomic.h"

/* 32 KiB: some thousands of calls on the way to allocations. Guess. */
#define ENTRIES 4096

#define LENGTH_BITS 16
#define END 0                            /* no frame calls this one */
#define VARIES ((1u << LENGTH_BITS) - 1) /* .inv.varies             */
#define ADDRESS_MOST ((uint64_t)1 << 47) /* of a program, on x86-64 */

static volatile AO_t entries[ENTRIES]; /* unordered: each is true for itself; 0: none */

static volatile AO_t *entry_of(uintptr_t at) {
    return &entries[((uint64_t)at * UINT64_C(0x9E3779B97F4A7C15) >> 32) % ENTRIES];
}

static void note(uintptr_t at, size_t words) {
    if ((uint64_t)at >= ADDRESS_MOST || words > VARIES)
        return;
    volatile AO_t *entry = entry_of(at);
    AO_t before = AO_load(entry);
    if (before >> LENGTH_BITS == at && (before & VARIES) != words)
        words = VARIES;
    AO_store(entry, (AO_t)at << LENGTH_BITS | words);
}

__attribute__((no_sanitize("address", "thread"))) static uintptr_t word_below(uintptr_t pointer) {
    return *(const volatile uintptr_t *)(pointer - sizeof(uintptr_t));
}

void steps_learn(const struct steps_frame *frames, size_t count, bool ended) {
    for (size_t i = 0; i + 1 < count; i++) {
        const struct steps_frame *frame = &frames[i], *caller = &frames[i + 1];
        size_t bytes = caller->pointer - frame->pointer;
        bool known = caller->pointer > frame->pointer && bytes % sizeof(uintptr_t) == 0 &&
                     bytes / sizeof(uintptr_t) < VARIES &&
                     word_below(caller->pointer) == caller->at;
        note(frame->at, known ? bytes / sizeof(uintptr_t) : VARIES);
    }
    if (count > 0 && ended)
        note(frames[count - 1].at, END);
}

size_t steps_walk(struct steps_frame frame, uintptr_t top, uintptr_t *addresses, size_t most) {
    for (size_t count = 0; count < most;) {
        AO_t entry = AO_load(entry_of(frame.at));
        size_t words = entry & VARIES;
        if (entry == 0 || entry >> LENGTH_BITS != frame.at || words == VARIES)
            return 0;
        addresses[count++] = frame.at;
        if (words == END)
            return count;
        frame.pointer += words * sizeof(uintptr_t);
        if (frame.pointer >= top)
            return 0;
        frame.at = word_below(frame.pointer);
    }
    return most;
}

/* SPDX-License-Identifier: MIT */
/*
 * Locks, call stacks. See system.h. Call stacks are the C library's: backtrace.
 */
#include "system.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void system_lock_init(struct offheap_lock *lock) { pthread_mutex_init(&lock->mutex, NULL); }

void system_lock_destroy(struct offheap_lock *lock) { pthread_mutex_destroy(&lock->mutex); }

void system_lock(struct offheap_lock *lock) { pthread_mutex_lock(&lock->mutex); }

void system_unlock(struct offheap_lock *lock) { pthread_mutex_unlock(&lock->mutex); }

size_t system_call_stack(void **frames, size_t most, size_t skipped) {
    void *all[64];
    size_t room = most + skipped < 64 ? most + skipped : 64;
    int found = backtrace(all, (int)room);
    size_t count = found > 0 && (size_t)found > skipped ? (size_t)found - skipped : 0;
    memcpy(frames, all + skipped, count * sizeof *frames);
    return count;
}

/* Of "path/program(name+0x12) [0x55…]": name+0x12; without a name program+0x12. */
static int describe_one(const char *symbol, char *text, size_t text_bytes) {
    const char *open = strrchr(symbol, '('), *close = open ? strchr(open, ')') : NULL;
    if (!open || !close || close == open + 1)
        return snprintf(text, text_bytes, "%s", symbol);
    if (open[1] != '+')
        return snprintf(text, text_bytes, "%.*s", (int)(close - open - 1), open + 1);
    const char *start = symbol;
    for (const char *at = symbol; at < open; at++)
        if (*at == '/')
            start = at + 1;
    return snprintf(text, text_bytes, "%.*s%.*s", (int)(open - start), start,
                    (int)(close - open - 1), open + 1);
}

void system_describe(void *const *frames, size_t count, char *text, size_t text_bytes) {
    char **symbols = count > 0 ? backtrace_symbols(frames, (int)count) : NULL;
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; symbols && i < count && length + 4 < text_bytes; i++) {
        if (i > 0)
            length += (size_t)snprintf(text + length, text_bytes - length, " < ");
        int added = describe_one(symbols[i], text + length, text_bytes - length);
        length += added > 0 ? (size_t)added : 0;
    }
    free(symbols);
}

/* SPDX-License-Identifier: MIT */
/*
 * Names of files that heaps write. See log_name.h.
 */
#include "log_name.h"

#include <stdio.h>

#include "../platform/platform.h"

int64_t log_names_next(struct log_names *names, const char *asked, char path[LOG_NAME_BYTES]) {
    int64_t number = (int64_t)AO_fetch_and_add1_full(&names->heaps) + 1;
    unsigned long child = AO_load(&names->child);
    int length = snprintf(path, LOG_NAME_BYTES, child ? "%s.%lu" : "%s", asked, child);
    if (number > 1)
        snprintf(path + length, LOG_NAME_BYTES - (size_t)length, ".%lld", (long long)number);
    return number;
}

void log_names_forked(struct log_names *names) {
    if (AO_load(&names->heaps) == 0 && AO_load(&names->child) == 0)
        return;
    AO_store(&names->heaps, 0);
    AO_store(&names->child, platform_process_id());
}

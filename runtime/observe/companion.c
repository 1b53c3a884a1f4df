/* SPDX-License-Identifier: MIT */
/*
 * Libraries beside this one. See companion.h.
 */
#include "companion.h"

#include <gait/stats.h>

#include "../platform/platform.h"

void (*companion_find(const char *library, const char *function, const char **why))(void) {
    if ((void (*)(void))gait_read_stats != platform_find_function(NULL, "gait_read_stats", NULL)) {
        *why = "the program has not the shared library libgait.so.0, nor exports its functions";
        return NULL;
    }
    void (*found)(void) = platform_find_function(NULL, function, NULL);
    return found ? found : platform_find_function(library, function, why);
}

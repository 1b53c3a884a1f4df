/* SPDX-License-Identifier: MIT */
/*
 * Shared libraries.
 */
#include "platform.h"

#include <dlfcn.h>
#include <string.h>

void (*platform_find_function(const char *library, const char *function, const char **why))(void) {
    void (*found)(void) = NULL;
    void *handle = dlopen(library, RTLD_NOW);
    void *symbol = handle ? dlsym(handle, function) : NULL;
    memcpy(&found, &symbol, sizeof found); /* C knows no way from one to the other */
    if (!found && why)
        *why = dlerror();
    return found;
}

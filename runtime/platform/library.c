/* SPDX-License-Identifier: MIT */
/*
 * Shared libraries.
 */
#include "platform.h"

#include <dlfcn.h>
#include <stdio.h>
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

bool platform_module(const void *address, char *name, size_t name_bytes, uintptr_t *offset) {
    Dl_info found;
    if (!dladdr(address, &found) || !found.dli_fname)
        return false;
    const char *folder = strrchr(found.dli_fname, '/');
    snprintf(name, name_bytes, "%s", folder ? folder + 1 : found.dli_fname);
    *offset = (uintptr_t)address - (uintptr_t)found.dli_fbase;
    return true;
}

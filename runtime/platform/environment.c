/* SPDX-License-Identifier: MIT */
/*
 * The environment, of which a privileged process believes nothing.
 */
#include "environment.h"

#include "platform.h"

#include <stdlib.h>
#include <sys/auxv.h>

static bool pretended; /* for tests */

void environment_pretend_privileged(bool privileged) { pretended = privileged; }

/* The kernel says so: set-uid, set-gid, capabilities of the file, or a security module's word. */
bool platform_is_privileged(void) { return pretended || getauxval(AT_SECURE) != 0; }

const char *platform_environment(const char *name) {
    const char *text = platform_is_privileged() ? NULL : getenv(name);
    return text && *text ? text : NULL;
}

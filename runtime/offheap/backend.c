/* SPDX-License-Identifier: MIT */
/*
 * Failures on purpose, for tests. See backend.h.
 */
#include "backend.h"

#include <atomic_ops.h>

static AO_t armed; /* release: what follows is set; unordered otherwise: tests arm it alone */
static AO_t fail_after, fail_every, calls;

void backend_fail(size_t after, size_t every) {
    AO_store(&fail_after, after);
    AO_store(&fail_every, every);
    AO_store(&calls, 0);
    AO_store_release(&armed, after != SIZE_MAX);
}

int backend_is_to_fail(void) {
    if (__builtin_expect(AO_load(&armed) == 0, 1))
        return 0;
    size_t call = AO_fetch_and_add1(&calls), after = AO_load(&fail_after);
    size_t every = AO_load(&fail_every);
    return call >= after && (every ? (call - after) % every == 0 : call == after);
}

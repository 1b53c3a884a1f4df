/* SPDX-License-Identifier: MIT */
/*
 * The stack of the calling thread, by the unwinder that the compiler's runtime has for exceptions:
 * it needs no frame pointers, and stops where code has no tables.
 */
#include "platform.h"

#include <unwind.h>

struct unwinding {
    uintptr_t *addresses;
    size_t most, count;
    uintptr_t from; /* 0: it was met */
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data) {
    struct unwinding *unwinding = data;
    uintptr_t address = (uintptr_t)_Unwind_GetIP(context);
    if (address == 0 || unwinding->count == unwinding->most)
        return _URC_END_OF_STACK;
    if (address == unwinding->from)
        unwinding->from = 0;
    if (!unwinding->from)
        unwinding->addresses[unwinding->count++] = address;
    return _URC_NO_REASON;
}

size_t platform_unwind(uintptr_t *addresses, size_t most, const void *from) {
    struct unwinding unwinding = {addresses, most, 0, (uintptr_t)from};
    _Unwind_Backtrace(visit, &unwinding);
    return unwinding.count;
}

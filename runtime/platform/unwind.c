/* SPDX-License-Identifier: MIT */
/*
 * The stack of the calling thread, by the unwinder that the compiler's runtime has for exceptions:
 * it needs no frame pointers, and stops where code has no tables. Steps that it took once are known
 * the next time: unwind_steps.h.
 */
#include "platform.h"

#include <unwind.h>

#include "unwind_steps.h"

/* Frames in all: what is asked for, and some between that and the unwinder. */
#define FRAMES_MOST 96

struct unwinding {
    struct steps_frame frames[FRAMES_MOST];
    size_t count;
    bool cut;
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data) {
    struct unwinding *unwinding = data;
    uintptr_t at = (uintptr_t)_Unwind_GetIP(context);
    if (at == 0)
        return _URC_END_OF_STACK;
    if (unwinding->count == FRAMES_MOST) {
        unwinding->cut = true;
        return _URC_END_OF_STACK;
    }
    unwinding->frames[unwinding->count++] =
        (struct steps_frame){at, (uintptr_t)_Unwind_GetCFA(context)};
    return _URC_NO_REASON;
}

/* All frames, this one's first. */
static __attribute__((noinline)) size_t by_tables(uintptr_t *addresses) {
    struct unwinding unwinding;
    unwinding.count = 0;
    unwinding.cut = false;
    _Unwind_Backtrace(visit, &unwinding);
    steps_learn(unwinding.frames, unwinding.count, !unwinding.cut);
    for (size_t i = 0; i < unwinding.count; i++)
        addresses[i] = unwinding.frames[i].at;
    return unwinding.count;
}

/* What a thread knows of its own stack. */
struct own_stack {
    void *low, *high; /* NULL: the system does not say; not asked yet if walks is 0 */
    uint32_t walks;
};

/* Where steps are known: the frames from platform_unwind's caller on. 0: they are not. Not on the
 * stack of a coroutine. */
static size_t by_steps(struct steps_frame caller, uintptr_t *addresses) {
    static _Thread_local struct own_stack own;
    if (own.walks++ == 0 && platform_stack_bounds(&own.low, &own.high) < 0)
        own.low = own.high = NULL;
    uintptr_t low = (uintptr_t)own.low, high = (uintptr_t)own.high;
    if (own.walks % STEPS_CHECKED_EACH == 0 || caller.pointer < low || caller.pointer >= high)
        return 0;
    return steps_walk(caller, high, addresses, FRAMES_MOST);
}

__attribute__((noinline)) size_t platform_unwind(uintptr_t *addresses, size_t most,
                                                 const void *from) {
    uintptr_t all[FRAMES_MOST];
    struct steps_frame caller = {(uintptr_t)__builtin_return_address(0),
                                 (uintptr_t)__builtin_dwarf_cfa()};
    size_t count = by_steps(caller, all), first = 0;
    if (count == 0)
        count = by_tables(all);
    while (first < count && all[first] != (uintptr_t)from)
        first++;
    count -= first;
    count = count < most ? count : most;
    for (size_t i = 0; i < count; i++)
        addresses[i] = all[first + i];
    return count;
}

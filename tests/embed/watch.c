/* SPDX-License-Identifier: MIT */
/*
 * Watches: C structures that know an object and don't keep it, by links. The word is hidden, as
 * that of a program with tags of its own.
 */
#include <gait/links.h>

#include "tiny.h"

enum { WATCHES = 4096 };

static struct {
    gait_word hidden; /* ~object; 0: it is gone */
    uint32_t flags;
} watches[WATCHES];
static size_t count;

value watch(value object, bool until_gone) {
    if (count == WATCHES)
        raise_text("too many watches", object);
    watches[count].hidden = ~object;
    watches[count].flags = until_gone ? GAIT_LINK_LONG : 0;
    if (gait_link_register(tiny.mutator, &watches[count].hidden, (void *)object,
                           watches[count].flags) < 0)
        raise_text("can't be watched", object);
    return NUMBER(count++);
}

/* The object, or nil. */
value watched(intptr_t number) {
    if (number < 0 || (size_t)number >= count)
        raise_text("no such watch", NUMBER(number));
    return (value)gait_link_get(tiny.mutator, &watches[number].hidden, watches[number].flags);
}

void unwatch(intptr_t number) {
    if (number < 0 || (size_t)number >= count)
        raise_text("no such watch", NUMBER(number));
    gait_link_unregister(tiny.mutator, &watches[number].hidden, watches[number].flags);
}

/* SPDX-License-Identifier: MIT */
/*
 * Toggle references: at each stop the program's function says of each whether it is strong, weak or
 * gone. A weak one is cleared by a link of Gait's, as long as it is listed; what is dropped during
 * a stop is unlisted by the next thread that runs notices.
 */
#include "compat.h"

#include <stdlib.h>

struct toggle {
    void *object; /* cleared by a link */
    bool dropped;
    struct toggle *next; /* lock TABLES */
};

static struct toggle *toggles;   /* lock TABLES */
static GC_toggleref_func choose; /* lock TABLES */

void GC_set_toggleref_func(GC_toggleref_func function) {
    compat_tables_lock();
    choose = function;
    compat_tables_unlock();
}
GC_toggleref_func GC_get_toggleref_func(void) { return choose; }

int GC_toggleref_add(void *object, int strong) {
    (void)strong; /* the function says, at each stop */
    struct thread *thread = compat_thread_mine();
    struct toggle *toggle = calloc(1, sizeof *toggle);
    if (!toggle)
        return GC_NO_MEMORY;
    toggle->object = object;
    if (GC_general_register_disappearing_link(&toggle->object, object) != GC_SUCCESS) {
        free(toggle);
        return GC_NO_MEMORY;
    }
    compat_tables_lock();
    toggle->next = toggles;
    toggles = toggle;
    compat_tables_unlock();
    GC_reachable_here(thread);
    return GC_SUCCESS;
}

/* With the program stopped. A second visit of the same stop asks again. */
void compat_toggles_visit(gait_visitor *visitor) {
    for (struct toggle *toggle = toggles; toggle; toggle = toggle->next) {
        if (!toggle->object || toggle->dropped)
            continue;
        switch (choose ? choose(toggle->object) : GC_TOGGLE_REF_STRONG) {
        case GC_TOGGLE_REF_DROP:
            toggle->dropped = true;
            compat_notices_due = 1;
            break;
        case GC_TOGGLE_REF_STRONG:
            compat_roots_visit_memory(visitor, &toggle->object, &toggle->object + 1);
            break;
        case GC_TOGGLE_REF_WEAK:
            break;
        }
    }
}

/* One that is dropped, or whose object is gone; it is no longer listed. */
static struct toggle *take_dead(void) {
    compat_tables_lock();
    struct toggle **link = &toggles, *toggle;
    while ((toggle = *link) && toggle->object && !toggle->dropped)
        link = &toggle->next;
    if (toggle)
        *link = toggle->next;
    compat_tables_unlock();
    return toggle;
}

void compat_toggles_forget_dead(void) {
    for (struct toggle *toggle; (toggle = take_dead()); free(toggle))
        GC_unregister_disappearing_link(&toggle->object);
}

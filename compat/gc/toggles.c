/* SPDX-License-Identifier: MIT */
/*
 * Toggle references: before each stop the program's function says of each whether it is strong,
 * weak or gone. A weak one is cleared by a link of Gait's, as long as it is listed, when its object
 * is about to go: as of libgc's, its finalizer has run before. What is dropped is unlisted by the
 * next thread that runs notices.
 */
#include "compat.h"

#include <stdlib.h>

struct toggle {
    void *object;         /* cleared by a link */
    bool strong, dropped; /* lock TABLES */
    struct toggle *next;  /* lock TABLES */
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
    compat_thread_mine();
    if (!choose)
        return GC_SUCCESS; /* nobody would say when it is to be dropped */
    struct toggle *toggle = calloc(1, sizeof *toggle);
    if (!toggle)
        return GC_NO_MEMORY;
    *toggle = (struct toggle){.object = object, .strong = strong != 0};
    if (GC_register_long_link(&toggle->object, object) == GC_NO_MEMORY) {
        free(toggle);
        return GC_NO_MEMORY;
    }
    compat_tables_lock();
    toggle->next = toggles;
    toggles = toggle;
    compat_tables_unlock();
    return GC_SUCCESS;
}

/* Before the program is stopped: its function may use what threads lock. Objects are there: those
 * that died were taken out as the last cycle ended. */
void compat_toggles_decide(void) {
    for (struct toggle *toggle = toggles; toggle && choose; toggle = toggle->next) {
        if (!toggle->object || toggle->dropped)
            continue;
        GC_ToggleRefStatus status = choose(toggle->object);
        toggle->strong = status == GC_TOGGLE_REF_STRONG;
        toggle->dropped = status == GC_TOGGLE_REF_DROP;
        if (toggle->dropped)
            __atomic_store_n(&compat_notices_due, 1, __ATOMIC_RELAXED);
    }
}

void compat_toggles_visit(gait_visitor *visitor) {
    for (struct toggle *toggle = toggles; toggle; toggle = toggle->next)
        if (toggle->strong)
            compat_roots_visit_memory(visitor, &toggle->object, &toggle->object + 1);
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
        GC_unregister_long_link(&toggle->object);
}

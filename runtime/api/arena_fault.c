/* SPDX-License-Identifier: MIT */
/*
 * Use of an arena after its end: the line that says which one it was.
 *
 * Called in a signal handler, so nothing here takes a lock or memory, or formats by stdio. What it
 * reads stays readable: the list of heaps, the tables of a space, records of arenas. A heap that
 * another thread destroys at the same moment may be missed, or be what the process dies of.
 */
#include <string.h>

#include "../platform/platform.h"
#include "arenas.h"
#include "fork.h"

#define LINE_BYTES 400
#define WRITE_WAIT_NS 1000000000

struct text {
    char bytes[LINE_BYTES];
    size_t length;
};

static void add(struct text *text, const char *more) {
    for (; *more && text->length < LINE_BYTES - 1; more++) {
        char before = text->length ? text->bytes[text->length - 1] : 0;
        text->bytes[text->length++] = platform_steers(before, *more) ? '?' : *more;
    }
}

static void add_number(struct text *text, uint64_t number, unsigned base) {
    char digits[24], *at = digits + sizeof digits;
    *--at = 0;
    do
        *--at = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    add(text, at);
}

/* "arena "name" (number 3), created at …, freed at …" */
static void add_arena(struct text *text, const struct arena_own *own) {
    const struct arena *record = &own->record;
    add(text, "arena \"");
    add(text, record->name);
    add(text, "\" (number ");
    add_number(text, record->id, 10);
    add(text, "), created at ");
    add(text, own->created[0] ? own->created : "an unknown place");
    if (own->freed[0]) {
        add(text, ", freed at ");
        add(text, own->freed);
    } else {
        add(text, ", leaked: freed by the collector in cycle ");
        add_number(text, record->freed_cycle, 10);
        add(text, ", since nothing led to it");
    }
}

void arena_ended(const struct arena_own *own, const char *call) {
    struct text text = {.length = 0};
    add_arena(&text, own);
    text.bytes[text.length] = 0;
    platform_fatal("%s: use after free: %s", call, text.bytes);
}

static const struct arena_own *find_ended(const void *address) {
    for (gait_heap *heap = fork_heaps(); heap; heap = fork_next(heap)) {
        if (!space_holds(&heap->space, (uintptr_t)address))
            continue;
        struct arena *record = arenas_of(&heap->space, (uintptr_t)address);
        return record && arena_state(record) == ARENA_FREED ? arena_own(record) : NULL;
    }
    return NULL;
}

bool gait_explain_fault(const void *address) {
    const struct arena_own *own = find_ended(address);
    if (!own)
        return false;
    struct text text = {.length = 0};
    add(&text, "gait: use after free: address 0x");
    add_number(&text, (uintptr_t)address, 16);
    add(&text, " is in ");
    add_arena(&text, own);
    text.bytes[text.length++] = '\n';
    platform_file_write_all(2, text.bytes, text.length, WRITE_WAIT_NS);
    return true;
}

void arenas_trap_faults(const gait_heap *heap) {
    if (!(heap->flags & GAIT_NO_FAULT_HANDLER))
        platform_trap_faults(gait_explain_fault);
}

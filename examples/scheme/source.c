/* SPDX-License-Identifier: MIT */
/*
 * Where a program's pairs were read from: a file's name, a table of the lines, and the arena that
 * they lie in: (name lines . arena). The arena's handle, or FALSE, is no value for programs.
 *
 * The table is open addressing in leaf memory: what it holds keeps no pair alive.
 */
#include "port.h"

struct lines {
    uint64_t header; /* of a bytevector, as is the next */
    uint8_t *bytes;
    uint64_t count;
    uint64_t captures; /* continuations captured when it was last read from */
    struct {
        value pair;
        uint64_t line;
    } slots[];
};

#define FIRST_LINES 256
#define LINES_BYTES (sizeof(struct lines) - sizeof(struct bytevector)) /* without slots */

static struct lines *lines_of(value source) { return (struct lines *)car(cdr(source)); }

static size_t lines_room(const struct lines *lines) {
    return (length_of((value)lines) - LINES_BYTES) / sizeof *lines->slots;
}

static value make_lines(struct vm *vm, size_t room) {
    return make_bytevector_inside(vm, LINES_BYTES + room * sizeof(((struct lines *)0)->slots[0]));
}

value make_source(struct vm *vm, value name) {
    value live[1] = {name};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    value source = cons(vm, make_lines(vm, FIRST_LINES), FALSE);
    source = cons(vm, live[0], source);
    gait_pop_frame(vm->mutator);
    return source;
}

static size_t lines_slot(const struct lines *lines, value pair) {
    size_t i = pair * 0x9e3779b97f4a7c15u >> 24, room = lines_room(lines);
    while (lines->slots[i & (room - 1)].pair && lines->slots[i & (room - 1)].pair != pair)
        i++;
    return i & (room - 1);
}

unsigned source_line(value source, value pair) {
    if (!is_pair(source))
        return 0;
    const struct lines *lines = lines_of(source);
    return (unsigned)lines->slots[lines_slot(lines, pair)].line; /* 0 in a free slot */
}

void source_note(struct vm *vm, value source, value pair, uint64_t line) {
    struct lines *lines = lines_of(source);
    if (2 * lines->count >= lines_room(lines)) {
        size_t room = lines_room(lines);
        struct lines *grown = (struct lines *)make_lines(vm, 2 * room);
        for (size_t i = 0; i < room; i++)
            if (lines->slots[i].pair)
                grown->slots[lines_slot(grown, lines->slots[i].pair)] = lines->slots[i];
        grown->count = lines->count;
        grown->captures = lines->captures;
        store(vm, &pair_of(cdr(source))->car, (value)grown);
        lines = grown;
    }
    size_t i = lines_slot(lines, pair);
    lines->count += !lines->slots[i].pair;
    lines->slots[i].pair = pair;
    lines->slots[i].line = line;
}

void source_set_arena(struct vm *vm, value source, gait_arena *arena) {
    lines_of(source)->captures = vm->captures;
    store(vm, &pair_of(cdr(source))->cdr, arena ? (value)arena : FALSE);
}

bool source_is_read_once(struct vm *vm, value source) {
    return is_pair(source) && lines_of(source)->captures == vm->captures;
}

gait_arena *source_take_arena(struct vm *vm, value source) {
    value arena = cdr(cdr(source));
    store(vm, &pair_of(cdr(source))->cdr, FALSE);
    return arena == FALSE ? NULL : (gait_arena *)arena;
}

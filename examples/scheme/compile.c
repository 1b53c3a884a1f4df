/* SPDX-License-Identifier: MIT */
/*
 * Compiling one form: the arena, the way out of errors, the steps.
 */
#include "compile.h"

#include <stdio.h>

#define BLOCK_BYTES 32768

struct block {
    struct block *next;
    size_t used, room;
    char bytes[];
};

void *arena_alloc(struct compiler *c, size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    if (!c->blocks || c->blocks->room - c->blocks->used < bytes) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct block *block = calloc(1, sizeof *block + room);
        if (!block)
            vm_out_of_memory(c->vm);
        block->room = room;
        block->next = c->blocks;
        c->blocks = block;
    }
    void *memory = c->blocks->bytes + c->blocks->used;
    c->blocks->used += bytes;
    return memory;
}

/* Raise "MESSAGE irritant", with file and line in front when they are known. */
void syntax_error(struct compiler *c, const char *message, value irritant) {
    struct vm *vm = c->vm;
    char text[512], *file = NULL;
    if (c->line && is_pair(vm->source)) {
        file = string_utf8(car(vm->source), NULL);
        snprintf(text, sizeof text, "%s:%u: %s", file, c->line, message);
    } else {
        snprintf(text, sizeof text, "%s", message);
    }
    free(file);
    keep(vm, irritant);
    value string = keep(vm, make_text(vm, text));
    value irritants = irritant == FALSE ? NIL : keep(vm, cons(vm, irritant, NIL));
    raise_value(vm, make_condition(vm, CONDITION_ERROR | (file ? CONDITION_LOCATED : 0), string,
                                   irritants));
    longjmp(c->escape, 1);
}

static void free_blocks(struct compiler *c) {
    while (c->blocks) {
        struct block *next = c->blocks->next;
        free(c->blocks);
        c->blocks = next;
    }
}

static value compile_guarded(struct compiler *c, value form) {
    struct gait_frames frames = gait_frames_save(c->vm->mutator);
    if (setjmp(c->escape)) {
        /* an error may come from below frames: of reading a constant, of making a number */
        gait_frames_restore(c->vm->mutator, frames);
        return RAISED;
    }
    struct lambda *toplevel = arena_alloc(c, sizeof *toplevel);
    toplevel->name = FALSE;
    toplevel->toplevel = is_pair(c->vm->source);
    toplevel->body = parse(c, form, NULL);
    resolve(c, toplevel);
    return make_closure(c->vm, generate(c, toplevel), 0);
}

value compile_form(struct vm *vm, value form, unsigned line, value environment, value source) {
    struct compiler c = {.vm = vm, .environment = environment, .line = line};
    size_t mark = vm->keep.count;
    vm->source = source;
    keep(vm, form);
    keep(vm, environment);
    value procedure = compile_guarded(&c, form);
    free_blocks(&c);
    vm->source = FALSE;
    vm->keep.count = mark;
    return procedure;
}

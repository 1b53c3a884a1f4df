/* SPDX-License-Identifier: MIT */
/*
 * Compiling one form: the way out of errors, the steps.
 */
#include "compile.h"

#include <stdio.h>

/* "MESSAGE irritant", with file and line in front when they are known. */
void syntax_raise(struct compiler *c, const char *message, value irritant) {
    struct vm *vm = c->vm;
    char *text = NULL, *file = NULL;
    if (c->line && is_pair(vm->source)) {
        file = string_utf8(car(vm->source), NULL);
        if (asprintf(&text, "%s:%u: %s", file, c->line, message) < 0)
            vm_out_of_memory(vm);
    }
    free(file);
    irritant = keep(vm, survive(c, irritant));
    value string = keep(vm, make_text(vm, text ? text : message));
    free(text);
    value irritants = irritant == FALSE ? NIL : keep(vm, cons(vm, irritant, NIL));
    raise_value(vm, make_condition(vm, CONDITION_ERROR | (file ? CONDITION_LOCATED : 0), string,
                                   irritants));
}

void syntax_escape(struct compiler *c) { longjmp(c->escape, 1); }

void syntax_error(struct compiler *c, const char *message, value irritant) {
    syntax_raise(c, message, irritant);
    syntax_escape(c);
}

static value compile_guarded(struct compiler *c, value form) {
    struct gait_frames frames = gait_frames_save(c->vm->mutator);
    if (setjmp(c->escape)) {
        /* an error may come from below frames: of reading a constant, of making a number */
        gait_frames_restore(c->vm->mutator, frames);
        return RAISED;
    }
    struct lambda *toplevel = syntax_alloc(c, sizeof *toplevel);
    toplevel->name = FALSE;
    toplevel->toplevel = is_pair(c->vm->source);
    toplevel->body = parse(c, form, NULL);
    resolve(c, toplevel);
    return make_closure(c->vm, generate(c, toplevel), 0);
}

value compile_form(struct vm *vm, value form, unsigned line, value environment, value source,
                   bool last) {
    struct compiler c = {.vm = vm, .environment = environment, .line = line};
    size_t mark = vm->keep.count;
    vm->source = source;
    keep(vm, form);
    keep(vm, environment);
    syntax_begin(&c, form);
    value procedure = compile_guarded(&c, form);
    syntax_end(&c, form, source, last);
    vm->source = FALSE;
    vm->keep.count = mark;
    return procedure;
}

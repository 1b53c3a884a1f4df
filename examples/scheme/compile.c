/* SPDX-License-Identifier: MIT */
/*
 * Compiling one form: the way out of errors, the steps.
 */
#include "compile.h"

#include <stdio.h>

#define ITEMS_SHOWN 8

/* ---- Errors -------------------------------------------------------------------------------- */

/* Make a condition vm->raised, with file and line in front when they are known. */
static void raise_located(struct compiler *c, unsigned kind, const char *message, value irritants) {
    struct vm *vm = c->vm;
    char *text = NULL, *file = NULL;
    if (c->line && is_pair(vm->source)) {
        file = string_utf8(car(vm->source), NULL);
        if (asprintf(&text, "%s:%u: %s", file, c->line, message) < 0)
            vm_out_of_memory(vm);
        kind |= CONDITION_LOCATED;
    }
    free(file);
    value string = keep(vm, make_text(vm, text ? text : message));
    free(text);
    raise_value(vm, make_condition(vm, kind, string, irritants));
}

/* A form for a message, cut to a few items of each list and a few levels; the heap's. */
static value shortened(struct compiler *c, value form, int levels) {
    struct vm *vm = c->vm;
    if (!is_pair(form))
        return is_vector(form) ? survive(c, form) : form;
    value items[ITEMS_SHOWN + 1];
    int count = 0;
    for (; is_pair(form) && count < ITEMS_SHOWN; form = cdr(form))
        items[count++] =
            levels ? keep(vm, shortened(c, car(form), levels - 1)) : vm->known[KNOWN_ellipsis];
    value list = is_pair(form) ? keep(vm, list_of(vm, 1, &vm->known[KNOWN_ellipsis]))
                 : form == NIL ? NIL
                               : survive(c, form);
    while (count--)
        list = keep(vm, cons(vm, items[count], list));
    return list;
}

/* "MESSAGE irritant" */
void syntax_raise(struct compiler *c, const char *message, value irritant) {
    struct vm *vm = c->vm;
    c->expanding = false;
    irritant = keep(vm, shortened(c, irritant, 3));
    value irritants = irritant == FALSE ? NIL : keep(vm, cons(vm, irritant, NIL));
    raise_located(c, CONDITION_ERROR, message, irritants);
}

void syntax_escape(struct compiler *c) { longjmp(c->escape, 1); }

void syntax_error(struct compiler *c, const char *message, value irritant) {
    syntax_raise(c, message, irritant);
    syntax_escape(c);
}

void syntax_raised(struct compiler *c) {
    value v = keep(c->vm, c->vm->raised);
    if (has_type(v, TYPE_CONDITION) && !(length_of(v) & CONDITION_LOCATED)) {
        char *message = string_utf8(condition_of(v)->message, NULL);
        raise_located(c, condition_kind(v), message, condition_of(v)->irritants);
        free(message);
    }
    syntax_escape(c);
}

/* Raise "macro NAME, in an expansion of NAME: MESSAGE"; where no macro is expanded, the message
 * alone. */
static _Noreturn void macro_error(struct compiler *c, const char *message) {
    if (c->macro == FALSE)
        syntax_error(c, message, FALSE);
    char *name = string_utf8(symbol_of(c->macro)->name, NULL);
    char *around = string_utf8(symbol_of(c->outermost)->name, NULL);
    bool inside = c->macro != c->outermost;
    char *text;
    if (asprintf(&text, "macro %s%s%s: %s", name, inside ? ", in an expansion of " : "",
                 inside ? around : "", message) < 0)
        vm_out_of_memory(c->vm);
    syntax_raise(c, text, FALSE);
    free(text);
    free(name);
    free(around);
    syntax_escape(c);
}

void nesting_error(struct compiler *c) {
    macro_error(c, c->macro == FALSE ? "forms are nested too deeply"
                                     : "what it expands to is nested too deeply");
}

void expansion_error(struct compiler *c) {
    char message[120];
    snprintf(message, sizeof message,
             "its expansion has no end, or takes more than %llu MiB (--expansion)",
             (unsigned long long)(c->vm->expansion_max >> 20));
    macro_error(c, message);
}

/* ---- Forms --------------------------------------------------------------------------------- */

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
    struct compiler c = {
        .vm = vm, .environment = environment, .line = line, .macro = FALSE, .outermost = FALSE};
    size_t mark = vm->keep.count;
    vm->source = source;
    keep(vm, form);
    keep(vm, environment);
    /* A form that fails leaves no library: the code of its body may not be there. */
    bool outermost = vm->loading == NIL;
    if (outermost)
        vm->libraries_before = vm->libraries;
    syntax_begin(&c, form);
    value procedure = compile_guarded(&c, form);
    if (outermost && procedure == RAISED)
        vm->libraries = vm->libraries_before;
    if (outermost)
        vm->libraries_before = 0;
    syntax_end(&c, form, source, last);
    vm->source = FALSE;
    vm->keep.count = mark;
    return procedure;
}

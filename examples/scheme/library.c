/* SPDX-License-Identifier: MIT */
/*
 * Environments and libraries.
 *
 * All that is built in lives in one environment, system, and every (scheme …) library is that
 * environment. Its globals are constant: a program that defines or assigns one of these names gets
 * a global of its own, in its own environment, whose parent is system. Libraries that programs
 * define have an environment each, and a list of exports.
 */
#include "compile.h"

/* Built-in libraries, by the second part of their name. */
/* clang-format off */
static const char *const scheme_libraries[] = {
    "base",  "case-lambda", "char",    "complex", "cxr",  "eval", "file", "hash-table",
    "inexact", "lazy",      "list",    "load",    "process-context", "r5rs", "read", "repl",
    "sort",  "time",        "write",   "vector",  "box"};
static const int srfi_libraries[] = {0, 1, 2, 6, 8, 9, 11, 16, 23, 26, 28, 30, 31, 39, 46, 60, 62,
                                     69, 87, 98, 132, 133, 143, 151};
/* clang-format on */

/* ---- Import -------------------------------------------------------------------------------- */

static bool is_built_in(struct vm *vm, value name) {
    if (list_length(name) < 2 || !is_symbol(car(name)))
        return false;
    if (car(name) == intern_text(vm, "srfi") && is_fixnum(car(cdr(name)))) {
        for (size_t i = 0; i < sizeof srfi_libraries / sizeof *srfi_libraries; i++)
            if (fixnum(srfi_libraries[i]) == car(cdr(name)))
                return true;
        return false;
    }
    if (car(name) != intern_text(vm, "scheme"))
        return false;
    for (size_t i = 0; i < sizeof scheme_libraries / sizeof *scheme_libraries; i++)
        if (car(cdr(name)) == intern_text(vm, scheme_libraries[i]))
            return true;
    return false;
}

/* The environment of a library, or 0. */
static value find_library(struct vm *vm, value name) {
    for (value l = vm->libraries; l != NIL; l = cdr(l))
        if (is_equal(car(car(l)), name))
            return cdr(car(l));
    return is_built_in(vm, name) ? vm->system : 0;
}

struct bindings {
    struct compiler *c;
    value list; /* of (symbol . meaning) */
};

static void collect(value key, value content, void *data) {
    struct bindings *b = data;
    b->list = build(b->c, build(b->c, key, content), b->list);
}

/* What a library exports, as a list of (symbol . meaning). */
static value library_bindings(struct compiler *c, value library) {
    struct vm *vm = c->vm;
    struct bindings b = {c, NIL};
    if (library == vm->system) {
        table_walk(environment_of(library)->names, collect, &b);
        return b.list;
    }
    for (value e = environment_of(library)->exports; e != NIL; e = cdr(e)) {
        value meaning = environment_lookup(library, cdr(car(e)));
        if (!meaning)
            syntax_error(c, "exported but not defined:", cdr(car(e)));
        collect(car(car(e)), meaning, &b);
    }
    return b.list;
}

static value find_binding(value bindings, value name) {
    for (; bindings != NIL; bindings = cdr(bindings))
        if (car(car(bindings)) == name)
            return car(bindings);
    return FALSE;
}

static bool is_among(value name, value list) {
    for (; is_pair(list); list = cdr(list))
        if (car(list) == name)
            return true;
    return false;
}

static value add_prefix(struct compiler *c, value prefix, value name) {
    struct vm *vm = c->vm;
    value front = symbol_of(prefix)->name, back = symbol_of(name)->name;
    size_t length = length_of(front);
    value text = keep(vm, make_string(vm, length + length_of(back), 0));
    memcpy(string_of(text)->chars, string_of(front)->chars, length * sizeof(uint32_t));
    memcpy(string_of(text)->chars + length, string_of(back)->chars,
           length_of(back) * sizeof(uint32_t));
    return keep(vm, intern(vm, text));
}

static value set_bindings(struct compiler *c, value set);

/* (only set name …), (except set name …), (prefix set name), (rename set (from to) …) */
static value modified_bindings(struct compiler *c, value set, enum known_symbol modifier) {
    value bindings = set_bindings(c, car(cdr(set))), words = cdr(cdr(set)), result = NIL;
    if (modifier == KNOWN_only) {
        for (; is_pair(words); words = cdr(words)) {
            value binding = find_binding(bindings, car(words));
            if (binding == FALSE)
                syntax_error(c, "not exported:", car(words));
            result = build(c, binding, result);
        }
        return result;
    }
    for (; bindings != NIL; bindings = cdr(bindings)) {
        value name = car(car(bindings)), meaning = cdr(car(bindings));
        if (modifier == KNOWN_except && is_among(name, words))
            continue;
        if (modifier == KNOWN_prefix && is_pair(words) && is_symbol(car(words)))
            name = add_prefix(c, car(words), name);
        if (modifier == KNOWN_rename)
            for (value pair = words; is_pair(pair); pair = cdr(pair))
                if (form_item(c, car(pair), 0) == name) {
                    name = form_item(c, car(pair), 1);
                    break;
                }
        result = build(c, build(c, name, meaning), result);
    }
    return result;
}

static bool is_modified(struct vm *vm, value set, enum known_symbol *modifier) {
    static const enum known_symbol modifiers[] = {KNOWN_only, KNOWN_except, KNOWN_prefix,
                                                  KNOWN_rename};
    if (list_length(set) < 2 || !is_pair(car(cdr(set))))
        return false;
    for (size_t i = 0; i < sizeof modifiers / sizeof *modifiers; i++)
        if (car(set) == vm->known[modifiers[i]]) {
            *modifier = modifiers[i];
            return true;
        }
    return false;
}

static value set_bindings(struct compiler *c, value set) {
    enum known_symbol modifier;
    if (is_modified(c->vm, set, &modifier))
        return modified_bindings(c, set, modifier);
    value library = find_library(c->vm, set);
    if (!library)
        syntax_error(c, "unknown library:", set);
    return library_bindings(c, library);
}

void import_sets(struct compiler *c, value sets) {
    struct vm *vm = c->vm;
    for (; is_pair(sets); sets = cdr(sets)) {
        enum known_symbol modifier;
        struct environment *environment = environment_of(c->environment);
        if (!is_modified(vm, car(sets), &modifier) && find_library(vm, car(sets)) == vm->system) {
            store(vm, &environment->parent, vm->system);
            continue;
        }
        for (value b = set_bindings(c, car(sets)); b != NIL; b = cdr(b))
            environment_bind(vm, c->environment, car(car(b)), cdr(car(b)));
    }
}

/* ---- cond-expand --------------------------------------------------------------------------- */

bool feature_holds(struct compiler *c, value requirement) {
    struct vm *vm = c->vm;
    static const char *const features[] = {"r7rs",   "exact-closed", "ieee-float", "full-unicode",
                                           "ratios", "gait",         "else"};
    if (is_symbol(requirement)) {
        for (size_t i = 0; i < sizeof features / sizeof *features; i++)
            if (requirement == intern_text(vm, features[i]))
                return true;
        return false;
    }
    value head = form_item(c, requirement, 0), rest = cdr(requirement);
    if (head == vm->known[KNOWN_not])
        return !feature_holds(c, form_item(c, requirement, 1));
    if (head == vm->known[KNOWN_library])
        return find_library(vm, form_item(c, requirement, 1));
    bool all = head == vm->known[KNOWN_and];
    if (!all && head != vm->known[KNOWN_or])
        syntax_error(c, "malformed requirement:", requirement);
    for (; is_pair(rest); rest = cdr(rest))
        if (feature_holds(c, car(rest)) != all)
            return !all;
    return all;
}

/* ---- define-library ------------------------------------------------------------------------ */

static void add_export(struct compiler *c, value spec) {
    struct vm *vm = c->vm;
    value inside = spec, outside = spec;
    if (is_pair(spec)) { /* (rename inside outside) */
        inside = form_item(c, spec, 1);
        outside = form_item(c, spec, 2);
    }
    struct environment *library = environment_of(c->environment);
    value exports = build(c, build(c, outside, inside), library->exports);
    store(vm, &library->exports, exports);
}

/* Act on exports and imports; collect the forms of the body in front of *body, last first. */
static void declare(struct compiler *c, value declarations, value *body) {
    struct vm *vm = c->vm;
    for (; is_pair(declarations); declarations = cdr(declarations)) {
        value declaration = car(declarations), head = form_item(c, declaration, 0);
        value rest = cdr(declaration);
        if (head == vm->known[KNOWN_export]) {
            for (; is_pair(rest); rest = cdr(rest))
                add_export(c, car(rest));
        } else if (head == vm->known[KNOWN_import]) {
            import_sets(c, rest);
        } else if (head == vm->known[KNOWN_begin]) {
            for (; is_pair(rest); rest = cdr(rest))
                *body = build(c, car(rest), *body);
        } else if (head == vm->known[KNOWN_include] || head == vm->known[KNOWN_include_ci]) {
            for (rest = included_forms(c, declaration); is_pair(rest); rest = cdr(rest))
                *body = build(c, car(rest), *body);
        } else if (head == vm->known[KNOWN_include_declarations]) {
            declare(c, included_forms(c, declaration), body);
        } else if (head == vm->known[KNOWN_cond_expand]) {
            declare(c, cond_expand_forms(c, declaration, NULL), body);
        } else {
            syntax_error(c, "unknown declaration:", declaration);
        }
    }
}

struct node *parse_library(struct compiler *c, value form) {
    struct vm *vm = c->vm;
    value name = form_item(c, form, 1), outer = c->environment, reversed = NIL, body = NIL;
    c->environment = keep(vm, make_environment(vm, name, FALSE));
    declare(c, cdr(cdr(form)), &reversed);
    for (; reversed != NIL; reversed = cdr(reversed))
        body = build(c, car(reversed), body);
    definitions_announce(vm, body, c->environment);
    struct node *node = parse_sequence(c, body, NULL);
    vm->libraries = cons(vm, build(c, name, c->environment), vm->libraries);
    c->environment = outer;
    return node;
}

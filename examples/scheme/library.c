/* SPDX-License-Identifier: MIT */
/*
 * Libraries: import, cond-expand, define-library.
 *
 * A library is an environment with a list of exports. Those that are built in
 * (standard_libraries.c) are made when they are first asked for; others that no program defines are
 * looked for in files (library_file.c).
 */
#include "compile.h"

/* ---- Import -------------------------------------------------------------------------------- */

/* The list in a text. */
static value read_list_text(struct vm *vm, const char *text) {
    value string = keep(vm, make_text(vm, text));
    value port = keep(vm, port_open_buffer(vm, string, PORT_INPUT));
    return keep(vm, read_datum(vm, port, FALSE));
}

static char *written(struct vm *vm, value datum) {
    value buffer = keep(vm, make_string(vm, 32, 0));
    value port = keep(vm, port_open_buffer(vm, buffer, PORT_OUTPUT));
    print_value(vm, port, datum, PRINT_WRITE);
    return string_utf8(port_contents(vm, port), NULL);
}

/* A pair that outlives the form, kept. */
static value lasting(struct compiler *c, value head, value tail) {
    return keep(c->vm, cons(c->vm, head, tail));
}

static value remember(struct compiler *c, value name, value library) {
    c->vm->libraries = cons(c->vm, lasting(c, survive(c, name), library), c->vm->libraries);
    return library;
}

struct collection {
    struct compiler *c;
    value exports;
};

static void collect(value name, value meaning, void *data) {
    struct collection *collection = data;
    struct compiler *c = collection->c;
    (void)meaning;
    value text = symbol_of(name)->name;
    if (!length_of(text) || string_of(text)->chars[0] != '%')
        collection->exports = lasting(c, lasting(c, name, name), collection->exports);
}

/* The exports of (gait): all that is built in, except for what is internal. */
static value all_exports(struct compiler *c) {
    struct collection collection = {c, NIL};
    table_walk(environment_of(c->vm->system)->names, collect, &collection);
    return collection.exports;
}

/* A library that is built in, or 0: an environment that sees what the system's does. */
static value standard_library(struct compiler *c, value name) {
    struct vm *vm = c->vm;
    char *text = written(vm, name);
    const struct standard_library *found = NULL;
    for (size_t i = 0; i < standard_library_count && !found; i++)
        if (!strcmp(standard_libraries[i].name, text))
            found = &standard_libraries[i];
    bool all = !strcmp(text, "(gait)");
    free(text);
    if (!found && !all)
        return 0;
    value exports = all ? all_exports(c) : NIL;
    value library = keep(vm, make_environment(vm, survive(c, name), vm->system));
    for (value names = all ? NIL : read_list_text(vm, found->exports); names != NIL;
         names = cdr(names))
        exports = lasting(c, lasting(c, car(names), car(names)), exports);
    store(vm, &environment_of(library)->exports, exports);
    return remember(c, name, library);
}

value library_find(struct compiler *c, value name) {
    for (value l = c->vm->libraries; l != NIL; l = cdr(l))
        if (is_equal(car(car(l)), name))
            return cdr(car(l));
    return standard_library(c, name);
}

/* A form that runs the body of a library, unless it was. */
static value instantiate_form(struct compiler *c, value library) {
    value hook = global_of(c->vm->hooks[HOOK_instantiate])->content;
    return build_list(c, 2, build_list(c, 2, keyword(FORM_QUOTE), hook),
                      build_list(c, 2, keyword(FORM_QUOTE), library));
}

/* What a library exports, as a list of (symbol . meaning). */
static value library_bindings(struct compiler *c, value library) {
    value bindings = NIL;
    for (value e = environment_of(library)->exports; e != NIL; e = cdr(e)) {
        value meaning = environment_lookup(library, cdr(car(e)));
        if (!meaning)
            syntax_error(c, "exported but not defined:", cdr(car(e)));
        bindings = build(c, build(c, car(car(e)), meaning), bindings);
    }
    return bindings;
}

/* The binding of a name, which has to be there. */
static value find_binding(struct compiler *c, value bindings, value name) {
    for (; bindings != NIL; bindings = cdr(bindings))
        if (car(car(bindings)) == name)
            return car(bindings);
    syntax_error(c, "not exported:", name);
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

static value set_bindings(struct compiler *c, value set, value *forms);

/* (only set name …), (except set name …), (prefix set name), (rename set (from to) …) */
static value modified_bindings(struct compiler *c, value set, enum known_symbol modifier,
                               value *forms) {
    value bindings = set_bindings(c, car(cdr(set)), forms), words = cdr(cdr(set)), result = NIL;
    if (modifier == KNOWN_prefix && (list_length(words) != 1 || !is_symbol(car(words))))
        syntax_error(c, "malformed import set:", set);
    for (value rest = words; modifier != KNOWN_prefix && is_pair(rest); rest = cdr(rest)) {
        value word = modifier == KNOWN_rename ? form_item(c, car(rest), 0) : car(rest);
        value binding = find_binding(c, bindings, word);
        if (modifier == KNOWN_only)
            result = build(c, binding, result);
    }
    if (modifier == KNOWN_only)
        return result;
    for (; bindings != NIL; bindings = cdr(bindings)) {
        value name = car(car(bindings)), meaning = cdr(car(bindings));
        if (modifier == KNOWN_except && is_among(name, words))
            continue;
        if (modifier == KNOWN_prefix)
            name = add_prefix(c, car(words), name);
        for (value rest = words; modifier == KNOWN_rename && is_pair(rest); rest = cdr(rest))
            if (form_item(c, car(rest), 0) == name) {
                name = form_item(c, car(rest), 1);
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

/* What an import set binds; in front of *forms, what runs its library. */
static value set_bindings(struct compiler *c, value set, value *forms) {
    check_nesting(c);
    enum known_symbol modifier;
    if (is_modified(c->vm, set, &modifier))
        return modified_bindings(c, set, modifier, forms);
    value library = library_find(c, set);
    if (!library)
        library = library_load(c, set);
    if (environment_of(library)->body != FALSE)
        *forms = build(c, instantiate_form(c, library), *forms);
    return library_bindings(c, library);
}

value import_sets(struct compiler *c, value sets, value forms) {
    for (; is_pair(sets); sets = cdr(sets))
        for (value b = set_bindings(c, car(sets), &forms); b != NIL; b = cdr(b))
            environment_bind(c->vm, c->environment, car(car(b)), cdr(car(b)));
    return forms;
}

/* ---- cond-expand --------------------------------------------------------------------------- */

const char *const features[] = {"r7rs",         "exact-closed", "exact-complex", "ieee-float",
                                "full-unicode", "ratios",       "gait",          NULL};

bool feature_holds(struct compiler *c, value requirement) {
    check_nesting(c);
    struct vm *vm = c->vm;
    if (is_symbol(requirement)) {
        char *name = string_utf8(symbol_of(requirement)->name, NULL);
        bool holds = !strcmp(name, "else");
        for (const char *const *feature = features; *feature; feature++)
            holds = holds || !strcmp(name, *feature);
        free(name);
        return holds;
    }
    value head = form_item(c, requirement, 0), rest = cdr(requirement);
    if (head == vm->known[KNOWN_not])
        return !feature_holds(c, form_item(c, requirement, 1));
    if (head == vm->known[KNOWN_library]) {
        value name = form_item(c, requirement, 1);
        return library_find(c, name) || library_file_exists(c, name);
    }
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
    value exports = lasting(c, lasting(c, outside, inside), library->exports);
    store(vm, &library->exports, exports);
}

/* Act on exports and imports; collect the forms of the body in front of *body, last first, and in
 * front of *needs those that run what it imports. */
static void declare(struct compiler *c, value declarations, value *body, value *needs) {
    check_nesting(c);
    struct vm *vm = c->vm;
    for (; is_pair(declarations); declarations = cdr(declarations)) {
        value declaration = car(declarations), head = form_item(c, declaration, 0);
        value rest = cdr(declaration);
        unsigned line = source_line(vm->source, declarations);
        c->line = line ? line : c->line;
        if (head == vm->known[KNOWN_export]) {
            for (; is_pair(rest); rest = cdr(rest))
                add_export(c, car(rest));
        } else if (head == vm->known[KNOWN_import]) {
            *needs = import_sets(c, rest, *needs);
        } else if (head == vm->known[KNOWN_begin]) {
            for (; is_pair(rest); rest = cdr(rest))
                *body = build(c, car(rest), *body);
        } else if (head == vm->known[KNOWN_include] || head == vm->known[KNOWN_include_ci]) {
            rest = included_forms(c, declaration, head == vm->known[KNOWN_include_ci]);
            for (; is_pair(rest); rest = cdr(rest))
                *body = build(c, car(rest), *body);
        } else if (head == vm->known[KNOWN_include_declarations]) {
            declare(c, included_forms(c, declaration, false), body, needs);
        } else if (head == vm->known[KNOWN_cond_expand]) {
            declare(c, cond_expand_forms(c, declaration, NULL), body, needs);
        } else {
            syntax_error(c, "unknown declaration:", declaration);
        }
    }
}

struct node *parse_library(struct compiler *c, value form) {
    struct vm *vm = c->vm;
    value name = survive(c, form_item(c, form, 1)), outer = c->environment, reversed = NIL,
          body = NIL, needs = NIL;
    c->environment = keep(vm, make_environment(vm, name, FALSE));
    declare(c, cdr(cdr(form)), &reversed, &needs);
    for (; reversed != NIL; reversed = cdr(reversed))
        body = build(c, car(reversed), body);
    environment_announce(vm, c->environment, body);
    for (; needs != NIL; needs = cdr(needs))
        body = build(c, car(needs), body);
    struct node *node = parse_sequence(c, body, NULL);
    remember(c, name, c->environment);
    c->environment = outer;
    return node;
}

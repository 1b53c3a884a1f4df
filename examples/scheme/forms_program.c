/* SPDX-License-Identifier: MIT */
/*
 * What programs are put together with: include, cond-expand, import, define-library, syntax-error.
 */
#include "forms.h"
#include "port.h"

value included_forms(struct compiler *c, value form, bool fold_case) {
    struct vm *vm = c->vm;
    value forms = NIL, last = NIL;
    for (value names = cdr(form); is_pair(names); names = cdr(names)) {
        value name = car(names);
        if (!is_string(name))
            syntax_error(c, "a file name is no string:", name);
        value includer = is_pair(vm->source) ? car(vm->source) : FALSE;
        value full = keep(vm, folder_beside(vm, includer, name));
        value port = port_open_file(vm, full, PORT_INPUT | (fold_case ? PORT_FOLD_CASE : 0));
        if (port == RAISED)
            syntax_raised(c);
        keep(vm, port);
        value datum, source = keep(vm, make_source(vm, full));
        while ((datum = read_datum_in(vm, port, source, c->arena)) != END_OF_FILE) {
            if (datum == RAISED) {
                port_close(vm, port);
                syntax_raised(c); /* with the place in the included file */
            }
            value pair = build(c, datum, NIL);
            if (last == NIL)
                forms = pair;
            else
                store(vm, &pair_of(last)->cdr, pair);
            last = pair;
        }
        port_close(vm, port);
    }
    return forms;
}

struct node *parse_include(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, included_forms(c, form, false), scope);
}

struct node *parse_include_ci(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, included_forms(c, form, true), scope);
}

value cond_expand_forms(struct compiler *c, value form, struct scope *scope) {
    for (value clauses = cdr(form); is_pair(clauses); clauses = cdr(clauses)) {
        value clause = car(clauses);
        if (!is_pair(clause))
            syntax_error(c, "malformed clause", strip(c, clause));
        if (is_word(c, car(clause), scope, FORM_ELSE) || feature_holds(c, strip(c, car(clause))))
            return cdr(clause);
    }
    return NIL;
}

struct node *parse_cond_expand(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, cond_expand_forms(c, form, scope), scope);
}

struct node *parse_import(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value forms = build(c, UNSPECIFIED, NIL);
    for (value needs = import_sets(c, strip(c, cdr(form)), NIL); needs != NIL; needs = cdr(needs))
        forms = build(c, car(needs), forms);
    return parse_sequence(c, forms, NULL);
}

struct node *parse_library_form(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    return parse_library(c, form);
}

struct node *parse_syntax_error(struct compiler *c, value form, struct scope *scope) {
    (void)scope;
    value message = second(c, form);
    char *text = is_string(message) ? string_utf8(message, NULL) : strdup("syntax error");
    char copy[200];
    strncpy(copy, text, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    free(text);
    syntax_error(c, copy, strip(c, cdr(cdr(form))));
}

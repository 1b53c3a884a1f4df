/* SPDX-License-Identifier: MIT */
/*
 * The special forms that bind names to a body: let and its kin, do, parameterize; and promises.
 */
#include "forms.h"

void split_bindings(struct compiler *c, value bindings, value *names, value *inits) {
    if (list_length(bindings) < 0)
        syntax_error(c, "malformed bindings", strip(c, bindings));
    *names = *inits = NIL;
    for (bindings = reversed(c, bindings); bindings != NIL; bindings = cdr(bindings)) {
        value binding = car(bindings);
        if (list_length(binding) != 2)
            syntax_error(c, "malformed binding", strip(c, binding));
        *names = build(c, car(binding), *names);
        *inits = build(c, second(c, binding), *inits);
    }
}

struct node *parse_let(struct compiler *c, value form, struct scope *scope) {
    value target = second(c, form), names, inits;
    if (!is_identifier(target)) {
        split_bindings(c, target, &names, &inits);
        value lambda = build(c, F(LAMBDA), build(c, names, cdr(cdr(form))));
        return parse(c, build(c, lambda, inits), scope);
    }
    /* ((letrec ((name (lambda …))) name) init …), the initializers outside of name's scope */
    split_bindings(c, third(c, form), &names, &inits);
    value lambda =
        build(c, F(NAMED_LAMBDA), build(c, build(c, target, names), cdr(cdr(cdr(form)))));
    size_t count = (size_t)list_length(inits);
    struct node *call = make_node(c, NODE_CALL);
    call->list.items = syntax_alloc(c, (count + 1) * sizeof *call->list.items);
    call->list.count = count;
    for (size_t i = 0; i < count; i++, inits = cdr(inits))
        call->list.items[i] = parse(c, car(inits), scope);
    struct scope *inner = syntax_alloc(c, sizeof *inner);
    inner->parent = scope;
    struct variable **variable = syntax_alloc(c, sizeof *variable);
    struct node **init = syntax_alloc(c, sizeof *init);
    variable[0] = make_variable(c, target);
    bind_variable(c, inner, target, variable[0]);
    init[0] = parse(c, lambda, inner);
    call->list.callee = make_node(c, NODE_LOCAL);
    call->list.callee->variable = variable[0];
    return parse_letrec(c, variable, init, 1, call);
}

struct node *parse_let_star(struct compiler *c, value form, struct scope *scope) {
    value bindings = second(c, form), body = cdr(cdr(form));
    if (bindings == NIL || (is_pair(bindings) && cdr(bindings) == NIL))
        return parse_let(c, form, scope);
    if (!is_pair(bindings))
        syntax_error(c, "malformed bindings", strip(c, form));
    value inner = build(c, F(LET_STAR), build(c, cdr(bindings), body));
    value first = build_list(c, 1, car(bindings));
    return parse_let(c, build_list(c, 3, F(LET), first, inner), scope);
}

struct node *parse_letrec_form(struct compiler *c, value form, struct scope *scope) {
    value body = build_list(c, 1, build(c, F(LET), build(c, NIL, cdr(cdr(form)))));
    value names, inits;
    split_bindings(c, second(c, form), &names, &inits);
    names = reversed(c, names);
    inits = reversed(c, inits);
    for (; names != NIL; names = cdr(names), inits = cdr(inits))
        body = build(c, build_list(c, 3, F(DEFINE), car(names), car(inits)), body);
    return parse_body(c, body, scope);
}

struct node *parse_do(struct compiler *c, value form, struct scope *scope) {
    value specs = second(c, form), exit = third(c, form), loop = fresh(c, "loop");
    if (list_length(specs) < 0 || list_length(exit) < 1)
        syntax_error(c, "malformed do", strip(c, form));
    value bindings = NIL, steps = NIL;
    for (specs = reversed(c, specs); specs != NIL; specs = cdr(specs)) {
        value spec = car(specs);
        bool has_step = list_length(spec) == 3;
        bindings = build(c, build_list(c, 2, form_item(c, spec, 0), second(c, spec)), bindings);
        steps = build(c, has_step ? third(c, spec) : car(spec), steps);
    }
    value again = build(c, loop, steps);
    value body = build_list(c, 1, again);
    for (value rest = reversed(c, cdr(cdr(cdr(form)))); rest != NIL; rest = cdr(rest))
        body = build(c, car(rest), body);
    body = build(c, F(BEGIN), body);
    value result =
        cdr(exit) == NIL ? build_list(c, 2, F(QUOTE), UNSPECIFIED) : build(c, F(BEGIN), cdr(exit));
    value choice = build_list(c, 4, F(IF), car(exit), result, body);
    return parse(c, build_list(c, 4, F(LET), loop, bindings, choice), scope);
}

static struct node *parse_let_syntax(struct compiler *c, value form, struct scope *outer,
                                     bool recursive) {
    struct scope *scope = syntax_alloc(c, sizeof *scope);
    scope->parent = outer;
    value names, specs;
    split_bindings(c, second(c, form), &names, &specs);
    for (; names != NIL; names = cdr(names), specs = cdr(specs))
        bind_macro(c, scope, car(names), make_macro(c, car(specs), recursive ? scope : outer));
    return parse_body(c, cdr(cdr(form)), scope);
}

struct node *parse_let_syntax_form(struct compiler *c, value form, struct scope *scope) {
    return parse_let_syntax(c, form, scope, false);
}

struct node *parse_letrec_syntax(struct compiler *c, value form, struct scope *scope) {
    return parse_let_syntax(c, form, scope, true);
}

struct node *parse_parameterize(struct compiler *c, value form, struct scope *scope) {
    value names, inits, pairs = NIL;
    split_bindings(c, second(c, form), &names, &inits);
    for (; names != NIL; names = cdr(names), inits = cdr(inits))
        pairs = build(c, build_list(c, 3, builtin(c, "cons"), car(names), car(inits)), pairs);
    value list = build(c, builtin(c, "list"), reversed(c, pairs));
    value thunk = build(c, F(LAMBDA), build(c, NIL, cdr(cdr(form))));
    return parse(c, build_list(c, 3, builtin(c, "%parameterize"), list, thunk), scope);
}

struct node *parse_promise(struct compiler *c, value form, struct scope *scope) {
    value thunk = build_list(c, 3, F(LAMBDA), NIL, second(c, form));
    return parse(c, build_list(c, 3, builtin(c, "%make-promise"), FALSE, thunk), scope);
}

struct node *parse_delay(struct compiler *c, value form, struct scope *scope) {
    value promise = build_list(c, 3, builtin(c, "%make-promise"), TRUE, second(c, form));
    return parse_promise(c, build_list(c, 2, F(DELAY_FORCE), promise), scope);
}

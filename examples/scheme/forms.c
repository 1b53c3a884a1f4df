/* SPDX-License-Identifier: MIT */
/*
 * The special forms. Many are rewritten into simpler ones: such source is built with the form
 * numbers themselves in head position, with builtin procedures as constants and with fresh aliases
 * as names, so that nothing in a program can capture them.
 */
#include "compile.h"

#include <stdarg.h>

#define F(name) keyword(FORM_##name)

static value builtin(struct compiler *c, const char *name) {
    struct vm *vm = c->vm;
    value symbol = keep(vm, intern_text(vm, name));
    value global = environment_lookup(vm->system, symbol);
    return build_list(c, 2, F(QUOTE), global_of(global)->content);
}

static value fresh(struct compiler *c, const char *name) {
    return make_alias(c, keep(c->vm, intern_text(c->vm, name)), c->environment, NULL);
}

static value second(struct compiler *c, value form) { return form_item(c, form, 1); }
static value third(struct compiler *c, value form) { return form_item(c, form, 2); }

/* ---- Constants ----------------------------------------------------------------------------- */

static struct node *parse_quote(struct compiler *c, value form, struct scope *scope) {
    (void)scope;
    return make_constant(c, strip(c, second(c, form)));
}

static value quasi(struct compiler *c, value v, int depth, struct scope *scope);

/* (unquote x) and the like below the outermost level: their parts are quasiquoted. */
static value quasi_nested(struct compiler *c, value v, int depth, struct scope *scope) {
    value quoted = build_list(c, 2, F(QUOTE), car(v));
    return build_list(c, 3, builtin(c, "cons"), quoted, quasi(c, cdr(v), depth, scope));
}

static value quasi(struct compiler *c, value v, int depth, struct scope *scope) {
    if (is_vector(v)) {
        value list = NIL;
        for (size_t i = length_of(v); i-- > 0;)
            list = build(c, vector_of(v)->items[i], list);
        return build_list(c, 2, builtin(c, "list->vector"), quasi(c, list, depth, scope));
    }
    if (!is_pair(v))
        return build_list(c, 2, F(QUOTE), v);
    if (is_known(c, car(v), scope, KNOWN_unquote) && is_pair(cdr(v)))
        return depth == 1 ? second(c, v) : quasi_nested(c, v, depth - 1, scope);
    if (is_known(c, car(v), scope, KNOWN_quasiquote))
        return quasi_nested(c, v, depth + 1, scope);
    value item = car(v);
    if (is_pair(item) && is_known(c, car(item), scope, KNOWN_unquote_splicing) && depth == 1) {
        if (cdr(v) == NIL)
            return second(c, item);
        return build_list(c, 3, builtin(c, "append"), second(c, item),
                          quasi(c, cdr(v), depth, scope));
    }
    value head = is_pair(item) && is_known(c, car(item), scope, KNOWN_unquote_splicing)
                     ? quasi_nested(c, item, depth - 1, scope)
                     : quasi(c, item, depth, scope);
    return build_list(c, 3, builtin(c, "cons"), head, quasi(c, cdr(v), depth, scope));
}

static struct node *parse_quasiquote(struct compiler *c, value form, struct scope *scope) {
    return parse(c, quasi(c, second(c, form), 1, scope), scope);
}

/* ---- Functions ----------------------------------------------------------------------------- */

static struct node *parse_lambda_form(struct compiler *c, value form, struct scope *scope) {
    return parse_lambda(c, second(c, form), cdr(cdr(form)), FALSE, scope);
}

static struct node *parse_named_lambda(struct compiler *c, value form, struct scope *scope) {
    value target = second(c, form);
    if (!is_pair(target))
        syntax_error(c, "malformed named-lambda", strip(c, form));
    return parse_lambda(c, cdr(target), cdr(cdr(form)), car(target), scope);
}

static struct node *parse_case_lambda(struct compiler *c, value form, struct scope *scope) {
    struct node *node = make_node(c, NODE_CASE_LAMBDA);
    node->list.count = (size_t)list_length(form) - 1;
    node->list.items = arena_alloc(c, (node->list.count + 1) * sizeof *node->list.items);
    value clause = cdr(form);
    for (size_t i = 0; i < node->list.count; i++, clause = cdr(clause)) {
        if (!is_pair(car(clause)))
            syntax_error(c, "malformed clause", strip(c, car(clause)));
        node->list.items[i] = parse_lambda(c, car(car(clause)), cdr(car(clause)), FALSE, scope);
    }
    return node;
}

/* ---- Control ------------------------------------------------------------------------------- */

static struct node *make_if(struct compiler *c, struct node *test, struct node *then,
                            struct node *otherwise) {
    struct node *node = make_node(c, NODE_IF);
    node->branch.test = test;
    node->branch.then = then;
    node->branch.otherwise = otherwise ? otherwise : make_constant(c, UNSPECIFIED);
    return node;
}

static struct node *make_or(struct compiler *c, struct node *test, struct node *otherwise) {
    struct node *node = make_node(c, NODE_OR);
    node->branch.test = test;
    node->branch.otherwise = otherwise;
    return node;
}

static struct node *parse_if(struct compiler *c, value form, struct scope *scope) {
    int64_t length = list_length(form);
    if (length != 3 && length != 4)
        syntax_error(c, "malformed if", strip(c, form));
    struct node *test = parse(c, second(c, form), scope);
    struct node *then = parse(c, third(c, form), scope);
    return make_if(c, test, then, length == 4 ? parse(c, form_item(c, form, 3), scope) : NULL);
}

static struct node *parse_begin(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, cdr(form), scope);
}

static struct node *parse_when(struct compiler *c, value form, struct scope *scope) {
    struct node *test = parse(c, second(c, form), scope);
    return make_if(c, test, parse_sequence(c, cdr(cdr(form)), scope), NULL);
}

static struct node *parse_unless(struct compiler *c, value form, struct scope *scope) {
    struct node *test = parse(c, second(c, form), scope);
    struct node *body = parse_sequence(c, cdr(cdr(form)), scope);
    return make_if(c, test, make_constant(c, UNSPECIFIED), body);
}

static struct node *parse_and_rest(struct compiler *c, value tests, struct scope *scope) {
    if (tests == NIL)
        return make_constant(c, TRUE);
    struct node *first = parse(c, car(tests), scope);
    if (cdr(tests) == NIL)
        return first;
    return make_if(c, first, parse_and_rest(c, cdr(tests), scope), make_constant(c, FALSE));
}

static struct node *parse_and(struct compiler *c, value form, struct scope *scope) {
    return parse_and_rest(c, cdr(form), scope);
}

static struct node *parse_or_rest(struct compiler *c, value tests, struct scope *scope) {
    if (tests == NIL)
        return make_constant(c, FALSE);
    struct node *first = parse(c, car(tests), scope);
    if (cdr(tests) == NIL)
        return first;
    return make_or(c, first, parse_or_rest(c, cdr(tests), scope));
}

static struct node *parse_or(struct compiler *c, value form, struct scope *scope) {
    return parse_or_rest(c, cdr(form), scope);
}

/* What follows a => clause: call its procedure on the temporary, else go on with the rest. */
static struct node *parse_arrow(struct compiler *c, value test, value receiver, value rest_form,
                                struct scope *scope) {
    value temporary = fresh(c, "t");
    value call = build_list(c, 2, receiver, temporary);
    value choice = build_list(c, 4, F(IF), temporary, call, rest_form);
    value binding = build_list(c, 1, build_list(c, 2, temporary, test));
    return parse(c, build_list(c, 3, F(LET), binding, choice), scope);
}

static struct node *parse_clauses(struct compiler *c, value clauses, struct scope *scope) {
    if (clauses == NIL)
        return make_constant(c, UNSPECIFIED);
    value clause = car(clauses);
    if (list_length(clause) < 1)
        syntax_error(c, "malformed clause", strip(c, clause));
    unsigned line = source_line(c->vm->source, clause);
    if (line)
        c->line = line;
    if (is_known(c, car(clause), scope, KNOWN_else))
        return parse_sequence(c, cdr(clause), scope);
    if (list_length(clause) == 3 && is_known(c, second(c, clause), scope, KNOWN_arrow))
        return parse_arrow(c, car(clause), third(c, clause), build(c, F(COND), cdr(clauses)),
                           scope);
    struct node *test = parse(c, car(clause), scope);
    if (cdr(clause) == NIL)
        return make_or(c, test, parse_clauses(c, cdr(clauses), scope));
    struct node *body = parse_sequence(c, cdr(clause), scope);
    return make_if(c, test, body, parse_clauses(c, cdr(clauses), scope));
}

static struct node *parse_cond(struct compiler *c, value form, struct scope *scope) {
    return parse_clauses(c, cdr(form), scope);
}

/* (or (eqv? key 'a) …), with eq? where that is the same. */
static value case_test(struct compiler *c, value key, value data) {
    value tests = NIL;
    for (; is_pair(data); data = cdr(data)) {
        value datum = car(data);
        bool simple =
            is_fixnum(datum) || is_identifier(datum) || (datum & TAG_MASK) == TAG_IMMEDIATE;
        value test = build_list(c, 3, builtin(c, simple ? "eq?" : "eqv?"), key,
                                build_list(c, 2, F(QUOTE), datum));
        tests = build(c, test, tests);
    }
    return build(c, F(OR), tests);
}

static struct node *parse_case(struct compiler *c, value form, struct scope *scope) {
    value key = fresh(c, "key"), clauses = NIL;
    value reversed = NIL;
    for (value rest = cdr(cdr(form)); is_pair(rest); rest = cdr(rest))
        reversed = build(c, car(rest), reversed);
    for (; reversed != NIL; reversed = cdr(reversed)) {
        value clause = car(reversed);
        if (list_length(clause) < 1)
            syntax_error(c, "malformed clause", strip(c, clause));
        bool is_else = is_known(c, car(clause), scope, KNOWN_else);
        value body = cdr(clause);
        if (is_pair(body) && is_known(c, car(body), scope, KNOWN_arrow))
            body = build_list(c, 1, build_list(c, 2, second(c, body), key));
        if (body == NIL)
            body = build_list(c, 1, build_list(c, 2, F(QUOTE), UNSPECIFIED));
        value test = is_else ? TRUE : case_test(c, key, car(clause));
        clauses = build(c, build(c, test, body), clauses);
    }
    value binding = build_list(c, 1, build_list(c, 2, key, second(c, form)));
    return parse(c, build_list(c, 3, F(LET), binding, build(c, F(COND), clauses)), scope);
}

static struct node *parse_assert(struct compiler *c, value form, struct scope *scope) {
    value message = keep(c->vm, make_text(c->vm, "assertion failed:"));
    value datum = build_list(c, 2, F(QUOTE), second(c, form));
    value failure = build_list(c, 3, builtin(c, "error"), message, datum);
    return parse(c, build_list(c, 4, F(IF), second(c, form), UNSPECIFIED, failure), scope);
}

/* ---- Binding ------------------------------------------------------------------------------- */

/* Split ((name init) …) into *names and *inits. */
static void split_bindings(struct compiler *c, value bindings, value *names, value *inits) {
    if (list_length(bindings) < 0)
        syntax_error(c, "malformed bindings", strip(c, bindings));
    if (bindings == NIL) {
        *names = *inits = NIL;
        return;
    }
    value binding = car(bindings);
    if (list_length(binding) != 2)
        syntax_error(c, "malformed binding", strip(c, binding));
    split_bindings(c, cdr(bindings), names, inits);
    *names = build(c, car(binding), *names);
    *inits = build(c, second(c, binding), *inits);
}

static struct node *parse_let(struct compiler *c, value form, struct scope *scope) {
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
    call->list.items = arena_alloc(c, (count + 1) * sizeof *call->list.items);
    call->list.count = count;
    for (size_t i = 0; i < count; i++, inits = cdr(inits))
        call->list.items[i] = parse(c, car(inits), scope);
    struct scope *inner = arena_alloc(c, sizeof *inner);
    inner->parent = scope;
    struct variable **variable = arena_alloc(c, sizeof *variable);
    struct node **init = arena_alloc(c, sizeof *init);
    variable[0] = make_variable(c, target);
    bind_variable(c, inner, target, variable[0]);
    init[0] = parse(c, lambda, inner);
    call->list.callee = make_node(c, NODE_LOCAL);
    call->list.callee->variable = variable[0];
    return parse_letrec(c, variable, init, 1, call);
}

static struct node *parse_let_star(struct compiler *c, value form, struct scope *scope) {
    value bindings = second(c, form), body = cdr(cdr(form));
    if (bindings == NIL || (is_pair(bindings) && cdr(bindings) == NIL))
        return parse_let(c, form, scope);
    if (!is_pair(bindings))
        syntax_error(c, "malformed bindings", strip(c, form));
    value inner = build(c, F(LET_STAR), build(c, cdr(bindings), body));
    value first = build_list(c, 1, car(bindings));
    return parse_let(c, build_list(c, 3, F(LET), first, inner), scope);
}

static struct node *parse_letrec_form(struct compiler *c, value form, struct scope *scope) {
    value body = build_list(c, 1, build(c, F(LET), build(c, NIL, cdr(cdr(form)))));
    value names, inits;
    split_bindings(c, second(c, form), &names, &inits);
    value definitions = body, reversed = NIL;
    for (; names != NIL; names = cdr(names), inits = cdr(inits))
        reversed = build(c, build_list(c, 3, F(DEFINE), car(names), car(inits)), reversed);
    for (; reversed != NIL; reversed = cdr(reversed))
        definitions = build(c, car(reversed), definitions);
    return parse_body(c, definitions, scope);
}

static struct node *parse_do(struct compiler *c, value form, struct scope *scope) {
    value specs = second(c, form), exit = third(c, form), loop = fresh(c, "loop");
    if (list_length(specs) < 0 || list_length(exit) < 1)
        syntax_error(c, "malformed do", strip(c, form));
    value reversed = NIL, bindings = NIL, steps = NIL;
    for (; specs != NIL; specs = cdr(specs))
        reversed = build(c, car(specs), reversed);
    for (; reversed != NIL; reversed = cdr(reversed)) {
        value spec = car(reversed);
        bool has_step = list_length(spec) == 3;
        bindings = build(c, build_list(c, 2, form_item(c, spec, 0), second(c, spec)), bindings);
        steps = build(c, has_step ? third(c, spec) : car(spec), steps);
    }
    value again = build(c, loop, steps);
    value body = build(c, F(BEGIN), NIL), *end = &pair_of(body)->cdr;
    for (value rest = cdr(cdr(cdr(form))); is_pair(rest); rest = cdr(rest)) {
        store(c->vm, end, build(c, car(rest), NIL));
        end = &pair_of(*end)->cdr;
    }
    store(c->vm, end, build(c, again, NIL));
    value result =
        cdr(exit) == NIL ? build_list(c, 2, F(QUOTE), UNSPECIFIED) : build(c, F(BEGIN), cdr(exit));
    value choice = build_list(c, 4, F(IF), car(exit), result, body);
    return parse(c, build_list(c, 4, F(LET), loop, bindings, choice), scope);
}

static struct node *parse_let_syntax(struct compiler *c, value form, struct scope *outer,
                                     bool recursive) {
    struct scope *scope = arena_alloc(c, sizeof *scope);
    scope->parent = outer;
    value names, specs;
    split_bindings(c, second(c, form), &names, &specs);
    for (; names != NIL; names = cdr(names), specs = cdr(specs))
        bind_macro(c, scope, car(names), make_macro(c, car(specs), recursive ? scope : outer));
    return parse_body(c, cdr(cdr(form)), scope);
}

static struct node *parse_let_syntax_form(struct compiler *c, value form, struct scope *scope) {
    return parse_let_syntax(c, form, scope, false);
}

static struct node *parse_letrec_syntax(struct compiler *c, value form, struct scope *scope) {
    return parse_let_syntax(c, form, scope, true);
}

static struct node *parse_parameterize(struct compiler *c, value form, struct scope *scope) {
    value names, inits, pairs = NIL, reversed = NIL;
    split_bindings(c, second(c, form), &names, &inits);
    for (; names != NIL; names = cdr(names), inits = cdr(inits))
        reversed = build(c, build_list(c, 3, builtin(c, "cons"), car(names), car(inits)), reversed);
    for (; reversed != NIL; reversed = cdr(reversed))
        pairs = build(c, car(reversed), pairs);
    value list = build(c, builtin(c, "list"), pairs);
    value thunk = build(c, F(LAMBDA), build(c, NIL, cdr(cdr(form))));
    return parse(c, build_list(c, 3, builtin(c, "%parameterize"), list, thunk), scope);
}

static struct node *parse_promise(struct compiler *c, value form, struct scope *scope) {
    value thunk = build_list(c, 3, F(LAMBDA), NIL, second(c, form));
    return parse(c, build_list(c, 3, builtin(c, "%make-promise"), FALSE, thunk), scope);
}

static struct node *parse_delay(struct compiler *c, value form, struct scope *scope) {
    value promise = build_list(c, 3, builtin(c, "%make-promise"), TRUE, second(c, form));
    return parse_promise(c, build_list(c, 2, F(DELAY_FORCE), promise), scope);
}

/* ---- Assignment and definitions ------------------------------------------------------------ */

static struct node *parse_set(struct compiler *c, value form, struct scope *scope) {
    value id = second(c, form);
    if (!is_identifier(id) || list_length(form) != 3)
        syntax_error(c, "malformed set!", strip(c, form));
    struct meaning meaning = lookup(c, id, scope);
    struct node *content = parse(c, third(c, form), scope);
    if (meaning.kind == MEANS_VARIABLE) {
        struct node *node = make_node(c, NODE_SET_LOCAL);
        node->set.variable = meaning.variable;
        node->set.content = content;
        meaning.variable->assigned = true;
        return node;
    }
    if (meaning.kind != MEANS_GLOBAL)
        syntax_error(c, "a keyword can't be assigned:", base_symbol(id));
    value global = environment_global(c->vm, meaning.environment, meaning.symbol);
    if (length_of(global) & GLOBAL_CONSTANT) /* a program's own variable from here on */
        global = environment_define(c->vm, meaning.environment, meaning.symbol);
    struct node *node = make_node(c, NODE_SET_GLOBAL);
    node->set.global = keep(c->vm, global);
    node->set.content = content;
    return node;
}

value define_target(struct compiler *c, value form, value *content) {
    value target = second(c, form);
    if (!is_pair(target)) {
        *content = cdr(cdr(form)) == NIL ? build_list(c, 2, F(QUOTE), UNSPECIFIED) : third(c, form);
        return target;
    }
    /* (define ((f a) b) …) is a function that returns a function. */
    value body = cdr(cdr(form));
    while (is_pair(car(target))) {
        body = build_list(c, 1, build(c, F(LAMBDA), build(c, cdr(target), body)));
        target = car(target);
    }
    *content = build(c, F(NAMED_LAMBDA), build(c, target, body));
    return car(target);
}

static struct node *make_definition(struct compiler *c, value id, struct node *content) {
    if (!is_identifier(id))
        syntax_error(c, "can't be defined:", strip(c, id));
    struct node *node = make_node(c, NODE_DEFINE);
    node->set.global = keep(c->vm, environment_define(c->vm, c->environment, base_symbol(id)));
    node->set.content = content;
    return node;
}

static void need_toplevel(struct compiler *c, struct scope *scope, value form) {
    if (scope)
        syntax_error(c, "a definition is out of place:", strip(c, form));
}

static struct node *parse_define(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value content, id = define_target(c, form, &content);
    if (is_identifier(id)) /* known before its body is compiled */
        environment_define(c->vm, c->environment, base_symbol(id));
    struct node *node = parse(c, content, NULL);
    if (node->type == NODE_LAMBDA && node->lambda->name == FALSE)
        node->lambda->name = base_symbol(id);
    return make_definition(c, id, node);
}

value define_values_names(struct compiler *c, value formals) {
    value names = NIL;
    for (; is_pair(formals); formals = cdr(formals))
        names = build(c, car(formals), names);
    return formals == NIL ? names : build(c, formals, names);
}

/* (%apply-values (lambda temporaries (set! name temporary) …) expression) */
value define_values_setter(struct compiler *c, value form) {
    value sets = build_list(c, 1, build_list(c, 2, F(QUOTE), UNSPECIFIED));
    value formals = second(c, form), temporaries = NIL, reversed = NIL;
    for (; is_pair(formals); formals = cdr(formals))
        reversed = build(c, car(formals), reversed);
    if (formals != NIL) {
        temporaries = fresh(c, "rest");
        sets = build(c, build_list(c, 3, F(SET), formals, temporaries), sets);
    }
    for (; reversed != NIL; reversed = cdr(reversed)) {
        value temporary = fresh(c, "t");
        temporaries = build(c, temporary, temporaries);
        sets = build(c, build_list(c, 3, F(SET), car(reversed), temporary), sets);
    }
    value receiver = build(c, F(LAMBDA), build(c, temporaries, sets));
    value producer = build_list(c, 3, F(LAMBDA), NIL, third(c, form));
    return build_list(c, 3, builtin(c, "call-with-values"), producer, receiver);
}

static struct node *parse_define_values(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value forms = build_list(c, 1, define_values_setter(c, form));
    for (value names = define_values_names(c, second(c, form)); names != NIL; names = cdr(names))
        forms = build(c, build_list(c, 3, F(DEFINE), car(names), UNSPECIFIED), forms);
    return parse_sequence(c, forms, NULL);
}

static struct node *parse_define_syntax(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value id = second(c, form);
    if (!is_identifier(id))
        syntax_error(c, "malformed define-syntax", strip(c, form));
    value macro = make_macro(c, third(c, form), NULL);
    environment_bind(c->vm, c->environment, base_symbol(id), macro);
    return make_constant(c, base_symbol(id));
}

/* Where field `name` is among the fields of a record type. */
static int64_t field_index(struct compiler *c, value fields, value name) {
    int64_t index = 0;
    for (; is_pair(fields); fields = cdr(fields), index++)
        if ((is_pair(car(fields)) ? car(car(fields)) : car(fields)) == name)
            return index;
    syntax_error(c, "no such field:", base_symbol(name));
}

/* (define name (named-lambda (name . parameters) body)) */
static value definition(struct compiler *c, value name, value parameters, value body) {
    value lambda = build_list(c, 3, F(NAMED_LAMBDA), build(c, name, parameters), body);
    return build_list(c, 3, F(DEFINE), name, lambda);
}

value record_definitions(struct compiler *c, value form, struct scope *scope) {
    struct vm *vm = c->vm;
    (void)scope;
    value spec = second(c, form), constructor = third(c, form);
    value predicate = form_item(c, form, 3), fields = cdr(cdr(cdr(cdr(form))));
    value type = is_pair(spec) ? car(spec) : spec;
    value names = NIL, all = NIL;
    for (value f = fields; is_pair(f); f = cdr(f))
        all = build(c, is_pair(car(f)) ? car(car(f)) : car(f), all);
    for (; all != NIL; all = cdr(all))
        names = build(c, car(all), names);

    value definitions = NIL;
    for (value f = fields; is_pair(f); f = cdr(f)) {
        value field = car(f), object = fresh(c, "record"), item = fresh(c, "value");
        if (!is_pair(field))
            continue;
        value index = fixnum(field_index(c, fields, car(field)));
        if (is_pair(cdr(field))) {
            value body = build_list(c, 4, builtin(c, "%record-ref"), object, type, index);
            definitions = build(c, definition(c, second(c, field), build_list(c, 1, object), body),
                                definitions);
        }
        if (is_pair(cdr(field)) && is_pair(cdr(cdr(field)))) {
            value body = build_list(c, 5, builtin(c, "%record-set!"), object, type, item, index);
            definitions =
                build(c, definition(c, third(c, field), build_list(c, 2, object, item), body),
                      definitions);
        }
    }
    if (is_identifier(predicate)) {
        value object = fresh(c, "object");
        value body = build_list(c, 3, builtin(c, "%record?"), object, type);
        definitions =
            build(c, definition(c, predicate, build_list(c, 1, object), body), definitions);
    }
    if (is_identifier(constructor))
        constructor = build(c, constructor, names);
    if (is_pair(constructor)) {
        /* (%make-record type field …): a parameter, or nothing */
        value parameters = NIL, fill = NIL, reversed = NIL;
        for (value p = cdr(constructor); is_pair(p); p = cdr(p)) {
            field_index(c, fields, car(p));
            reversed = build(c, build(c, car(p), fresh(c, "field")), reversed);
        }
        for (value p = reversed; p != NIL; p = cdr(p))
            parameters = build(c, cdr(car(p)), parameters);
        value backwards = NIL;
        for (value n = names; n != NIL; n = cdr(n))
            backwards = build(c, car(n), backwards);
        for (; backwards != NIL; backwards = cdr(backwards)) {
            value content = build_list(c, 2, F(QUOTE), FALSE);
            for (value p = reversed; p != NIL; p = cdr(p))
                if (car(car(p)) == car(backwards))
                    content = cdr(car(p));
            fill = build(c, content, fill);
        }
        value body = build(c, builtin(c, "%make-record"), build(c, type, fill));
        definitions = build(c, definition(c, car(constructor), parameters, body), definitions);
    }
    value quoted_name = build_list(c, 2, F(QUOTE), type);
    value quoted_fields = build_list(c, 2, F(QUOTE), names);
    value make = build_list(c, 3, builtin(c, "%make-record-type"), quoted_name, quoted_fields);
    definitions = build(c, build_list(c, 3, F(DEFINE), type, make), definitions);
    (void)vm;
    return definitions;
}

static struct node *parse_define_record(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    return parse_sequence(c, record_definitions(c, form, scope), NULL);
}

/* ---- Files and libraries ------------------------------------------------------------------- */

value included_forms(struct compiler *c, value form) {
    struct vm *vm = c->vm;
    value forms = NIL, last = NIL;
    for (value names = cdr(form); is_pair(names); names = cdr(names)) {
        value name = car(names);
        if (!is_string(name))
            syntax_error(c, "a file name is no string:", name);
        /* Relative to the including file. */
        char *path = string_utf8(name, NULL);
        if (*path != '/' && is_pair(vm->source)) {
            char *base = string_utf8(car(vm->source), NULL), *slash = strrchr(base, '/');
            if (slash) {
                size_t room = strlen(base) + strlen(path) + 2;
                char *joined = malloc(room);
                slash[1] = 0;
                strcat(strcpy(joined, base), path);
                free(path);
                path = joined;
            }
            free(base);
        }
        value full = keep(vm, make_text(vm, path));
        free(path);
        bool fold =
            is_identifier(car(form)) && base_symbol(car(form)) == vm->known[KNOWN_include_ci];
        value port = port_open_file(vm, full, PORT_INPUT | (fold ? PORT_FOLD_CASE : 0));
        if (port == RAISED)
            syntax_error(c, "can't be included:", name);
        keep(vm, port);
        value datum;
        while ((datum = read_datum(vm, port, FALSE)) != END_OF_FILE) {
            if (datum == RAISED)
                syntax_error(c, "malformed file is included:", name);
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

static struct node *parse_include(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, included_forms(c, form), scope);
}

value cond_expand_forms(struct compiler *c, value form, struct scope *scope) {
    for (value clauses = cdr(form); is_pair(clauses); clauses = cdr(clauses)) {
        value clause = car(clauses);
        if (!is_pair(clause))
            syntax_error(c, "malformed clause", strip(c, clause));
        if (is_known(c, car(clause), scope, KNOWN_else) || feature_holds(c, strip(c, car(clause))))
            return cdr(clause);
    }
    return NIL;
}

static struct node *parse_cond_expand(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, cond_expand_forms(c, form, scope), scope);
}

static struct node *parse_import(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    import_sets(c, strip(c, cdr(form)));
    return make_constant(c, UNSPECIFIED);
}

static struct node *parse_library_form(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    return parse_library(c, form);
}

static struct node *parse_syntax_error(struct compiler *c, value form, struct scope *scope) {
    (void)scope;
    value message = second(c, form);
    char *text = is_string(message) ? string_utf8(message, NULL) : strdup("syntax error");
    char copy[200];
    strncpy(copy, text, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    free(text);
    syntax_error(c, copy, strip(c, cdr(cdr(form))));
}

static struct node *parse_misplaced(struct compiler *c, value form, struct scope *scope) {
    (void)scope;
    syntax_error(c, "a keyword is out of place:", strip(c, form));
}

const form_parser form_parsers[FORM_COUNT] = {
    [FORM_QUOTE] = parse_quote,
    [FORM_QUASIQUOTE] = parse_quasiquote,
    [FORM_LAMBDA] = parse_lambda_form,
    [FORM_NAMED_LAMBDA] = parse_named_lambda,
    [FORM_CASE_LAMBDA] = parse_case_lambda,
    [FORM_IF] = parse_if,
    [FORM_SET] = parse_set,
    [FORM_BEGIN] = parse_begin,
    [FORM_LET] = parse_let,
    [FORM_LET_STAR] = parse_let_star,
    [FORM_LETREC] = parse_letrec_form,
    [FORM_LETREC_STAR] = parse_letrec_form,
    [FORM_COND] = parse_cond,
    [FORM_CASE] = parse_case,
    [FORM_AND] = parse_and,
    [FORM_OR] = parse_or,
    [FORM_WHEN] = parse_when,
    [FORM_UNLESS] = parse_unless,
    [FORM_DO] = parse_do,
    [FORM_DELAY] = parse_delay,
    [FORM_DELAY_FORCE] = parse_promise,
    [FORM_PARAMETERIZE] = parse_parameterize,
    [FORM_LET_SYNTAX] = parse_let_syntax_form,
    [FORM_LETREC_SYNTAX] = parse_letrec_syntax,
    [FORM_SYNTAX_RULES] = parse_misplaced,
    [FORM_SYNTAX_ERROR] = parse_syntax_error,
    [FORM_COND_EXPAND] = parse_cond_expand,
    [FORM_INCLUDE] = parse_include,
    [FORM_INCLUDE_CI] = parse_include,
    [FORM_DEFINE] = parse_define,
    [FORM_DEFINE_VALUES] = parse_define_values,
    [FORM_DEFINE_SYNTAX] = parse_define_syntax,
    [FORM_DEFINE_RECORD] = parse_define_record,
    [FORM_IMPORT] = parse_import,
    [FORM_DEFINE_LIBRARY] = parse_library_form,
    [FORM_ASSERT] = parse_assert,
};

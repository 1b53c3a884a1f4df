/* SPDX-License-Identifier: MIT */
/*
 * The special forms that bind nothing: constants, functions, conditionals. And the table of all.
 */
#include "forms.h"

value builtin(struct compiler *c, const char *name) {
    struct vm *vm = c->vm;
    value symbol = keep(vm, intern_text(vm, name));
    value global = environment_lookup(vm->system, symbol);
    return build_list(c, 2, F(QUOTE), global_of(global)->content);
}

value fresh(struct compiler *c, const char *name) {
    return make_alias(c, keep(c->vm, intern_text(c->vm, name)), c->environment, NULL);
}

value reversed(struct compiler *c, value list) {
    value result = NIL;
    for (; is_pair(list); list = cdr(list))
        result = build(c, car(list), result);
    return result;
}

/* ---- Constants ----------------------------------------------------------------------------- */

struct node *parse_quote(struct compiler *c, value form, struct scope *scope) {
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
    check_nesting(c);
    if (is_vector(v))
        return build_list(c, 2, builtin(c, "list->vector"),
                          quasi(c, vector_list(c, v), depth, scope));
    if (!is_pair(v))
        return build_list(c, 2, F(QUOTE), v);
    if (is_word(c, car(v), scope, FORM_UNQUOTE) && is_pair(cdr(v)))
        return depth == 1 ? second(c, v) : quasi_nested(c, v, depth - 1, scope);
    if (is_word(c, car(v), scope, FORM_QUASIQUOTE))
        return quasi_nested(c, v, depth + 1, scope);
    value item = car(v);
    if (is_pair(item) && is_word(c, car(item), scope, FORM_UNQUOTE_SPLICING) && depth == 1) {
        if (cdr(v) == NIL)
            return second(c, item);
        return build_list(c, 3, builtin(c, "append"), second(c, item),
                          quasi(c, cdr(v), depth, scope));
    }
    value head = is_pair(item) && is_word(c, car(item), scope, FORM_UNQUOTE_SPLICING)
                     ? quasi_nested(c, item, depth - 1, scope)
                     : quasi(c, item, depth, scope);
    return build_list(c, 3, builtin(c, "cons"), head, quasi(c, cdr(v), depth, scope));
}

struct node *parse_quasiquote(struct compiler *c, value form, struct scope *scope) {
    return parse(c, quasi(c, second(c, form), 1, scope), scope);
}

/* ---- Functions ----------------------------------------------------------------------------- */

struct node *parse_lambda_form(struct compiler *c, value form, struct scope *scope) {
    return parse_lambda(c, second(c, form), cdr(cdr(form)), FALSE, scope);
}

struct node *parse_named_lambda(struct compiler *c, value form, struct scope *scope) {
    value target = second(c, form);
    if (!is_pair(target))
        syntax_error(c, "malformed named-lambda", strip(c, form));
    return parse_lambda(c, cdr(target), cdr(cdr(form)), car(target), scope);
}

struct node *parse_case_lambda(struct compiler *c, value form, struct scope *scope) {
    struct node *node = make_node(c, NODE_CASE_LAMBDA);
    node->list.count = (size_t)list_length(form) - 1;
    node->list.items = syntax_alloc(c, (node->list.count + 1) * sizeof *node->list.items);
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

struct node *parse_if(struct compiler *c, value form, struct scope *scope) {
    int64_t length = list_length(form);
    if (length != 3 && length != 4)
        syntax_error(c, "malformed if", strip(c, form));
    struct node *test = parse(c, second(c, form), scope);
    struct node *then = parse(c, third(c, form), scope);
    return make_if(c, test, then, length == 4 ? parse(c, form_item(c, form, 3), scope) : NULL);
}

struct node *parse_begin(struct compiler *c, value form, struct scope *scope) {
    return parse_sequence(c, cdr(form), scope);
}

struct node *parse_when(struct compiler *c, value form, struct scope *scope) {
    struct node *test = parse(c, second(c, form), scope);
    return make_if(c, test, parse_sequence(c, cdr(cdr(form)), scope), NULL);
}

struct node *parse_unless(struct compiler *c, value form, struct scope *scope) {
    struct node *test = parse(c, second(c, form), scope);
    struct node *body = parse_sequence(c, cdr(cdr(form)), scope);
    return make_if(c, test, make_constant(c, UNSPECIFIED), body);
}

static struct node *parse_and_rest(struct compiler *c, value tests, struct scope *scope) {
    check_nesting(c);
    if (tests == NIL)
        return make_constant(c, TRUE);
    struct node *first = parse(c, car(tests), scope);
    if (cdr(tests) == NIL)
        return first;
    return make_if(c, first, parse_and_rest(c, cdr(tests), scope), make_constant(c, FALSE));
}

struct node *parse_and(struct compiler *c, value form, struct scope *scope) {
    return parse_and_rest(c, cdr(form), scope);
}

static struct node *parse_or_rest(struct compiler *c, value tests, struct scope *scope) {
    check_nesting(c);
    if (tests == NIL)
        return make_constant(c, FALSE);
    struct node *first = parse(c, car(tests), scope);
    if (cdr(tests) == NIL)
        return first;
    return make_or(c, first, parse_or_rest(c, cdr(tests), scope));
}

struct node *parse_or(struct compiler *c, value form, struct scope *scope) {
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
    check_nesting(c);
    if (clauses == NIL)
        return make_constant(c, UNSPECIFIED);
    value clause = car(clauses);
    if (list_length(clause) < 1)
        syntax_error(c, "malformed clause", strip(c, clause));
    unsigned line = source_line(c->vm->source, clause);
    if (line)
        c->line = line;
    if (is_word(c, car(clause), scope, FORM_ELSE))
        return parse_sequence(c, cdr(clause), scope);
    if (list_length(clause) == 3 && is_word(c, second(c, clause), scope, FORM_ARROW))
        return parse_arrow(c, car(clause), third(c, clause), build(c, F(COND), cdr(clauses)),
                           scope);
    struct node *test = parse(c, car(clause), scope);
    if (cdr(clause) == NIL)
        return make_or(c, test, parse_clauses(c, cdr(clauses), scope));
    struct node *body = parse_sequence(c, cdr(clause), scope);
    return make_if(c, test, body, parse_clauses(c, cdr(clauses), scope));
}

struct node *parse_cond(struct compiler *c, value form, struct scope *scope) {
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

struct node *parse_case(struct compiler *c, value form, struct scope *scope) {
    value key = fresh(c, "key"), clauses = NIL;
    for (value rest = reversed(c, cdr(cdr(form))); rest != NIL; rest = cdr(rest)) {
        value clause = car(rest);
        if (list_length(clause) < 1)
            syntax_error(c, "malformed clause", strip(c, clause));
        bool is_else = is_word(c, car(clause), scope, FORM_ELSE);
        value body = cdr(clause);
        if (is_pair(body) && is_word(c, car(body), scope, FORM_ARROW))
            body = build_list(c, 1, build_list(c, 2, second(c, body), key));
        if (body == NIL)
            body = build_list(c, 1, build_list(c, 2, F(QUOTE), UNSPECIFIED));
        value test = is_else ? TRUE : case_test(c, key, car(clause));
        clauses = build(c, build(c, test, body), clauses);
    }
    value binding = build_list(c, 1, build_list(c, 2, key, second(c, form)));
    return parse(c, build_list(c, 3, F(LET), binding, build(c, F(COND), clauses)), scope);
}

struct node *parse_assert(struct compiler *c, value form, struct scope *scope) {
    value message = keep(c->vm, make_text(c->vm, "assertion failed:"));
    value datum = build_list(c, 2, F(QUOTE), second(c, form));
    value failure = build_list(c, 3, builtin(c, "error"), message, datum);
    return parse(c, build_list(c, 4, F(IF), second(c, form), UNSPECIFIED, failure), scope);
}

struct node *parse_misplaced(struct compiler *c, value form, struct scope *scope) {
    (void)scope;
    syntax_error(c, "a keyword is out of place:", strip(c, form));
}

const form_parser form_parsers[FORM_COUNT] = {
#define X(name, spelling, parser) [FORM_##name] = parser,
    SPECIAL_FORMS(X)
#undef X
};

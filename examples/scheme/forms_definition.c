/* SPDX-License-Identifier: MIT */
/*
 * Assignment and definitions: of variables, of several at once, of syntax, of record types.
 */
#include "forms.h"

struct node *parse_set(struct compiler *c, value form, struct scope *scope) {
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

void need_toplevel(struct compiler *c, struct scope *scope, value form) {
    if (scope)
        syntax_error(c, "a definition is out of place:", strip(c, form));
}

struct node *parse_define(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value content, id = define_target(c, form, &content);
    if (is_identifier(id)) /* known before its body is compiled */
        environment_define(c->vm, c->environment, base_symbol(id));
    struct node *node = parse(c, content, NULL);
    name_function(node, id);
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
    value formals = second(c, form), temporaries = NIL, names = reversed(c, formals);
    while (is_pair(formals))
        formals = cdr(formals);
    if (formals != NIL) {
        temporaries = fresh(c, "rest");
        sets = build(c, build_list(c, 3, F(SET), formals, temporaries), sets);
    }
    for (; names != NIL; names = cdr(names)) {
        value temporary = fresh(c, "t");
        temporaries = build(c, temporary, temporaries);
        sets = build(c, build_list(c, 3, F(SET), car(names), temporary), sets);
    }
    value receiver = build(c, F(LAMBDA), build(c, temporaries, sets));
    value producer = build_list(c, 3, F(LAMBDA), NIL, third(c, form));
    return build_list(c, 3, builtin(c, "call-with-values"), producer, receiver);
}

struct node *parse_define_values(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value forms = build_list(c, 1, define_values_setter(c, form));
    for (value names = define_values_names(c, second(c, form)); names != NIL; names = cdr(names))
        forms = build(c, build_list(c, 3, F(DEFINE), car(names), UNSPECIFIED), forms);
    return parse_sequence(c, forms, NULL);
}

struct node *parse_define_syntax(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    value id = second(c, form);
    if (!is_identifier(id))
        syntax_error(c, "malformed define-syntax", strip(c, form));
    value macro = make_macro(c, third(c, form), NULL);
    environment_bind(c->vm, c->environment, base_symbol(id), macro);
    return make_constant(c, UNSPECIFIED);
}

/* ---- Record types --------------------------------------------------------------------------- */

/* A field is (name [accessor [modifier]]), or the name alone. */
static value field_name(value field) { return is_pair(field) ? car(field) : field; }

/* Where field `name` is among the fields of a record type. */
static int64_t field_index(struct compiler *c, value fields, value name) {
    int64_t index = 0;
    for (; is_pair(fields); fields = cdr(fields), index++)
        if (field_name(car(fields)) == name)
            return index;
    syntax_error(c, "no such field:", base_symbol(name));
}

/* (define name (named-lambda (name . parameters) body)) */
static value definition(struct compiler *c, value name, value parameters, value body) {
    value lambda = build_list(c, 3, F(NAMED_LAMBDA), build(c, name, parameters), body);
    return build_list(c, 3, F(DEFINE), name, lambda);
}

/* Put the definitions of a field's procedures in front. */
static value field_definitions(struct compiler *c, value type, value field, value index,
                               value definitions) {
    value object = fresh(c, "record"), item = fresh(c, "value");
    if (!is_pair(field) || !is_pair(cdr(field)))
        return definitions;
    value body = build_list(c, 4, builtin(c, "%record-ref"), object, type, index);
    definitions =
        build(c, definition(c, second(c, field), build_list(c, 1, object), body), definitions);
    if (!is_pair(cdr(cdr(field))))
        return definitions;
    body = build_list(c, 5, builtin(c, "%record-set!"), object, type, item, index);
    return build(c, definition(c, third(c, field), build_list(c, 2, object, item), body),
                 definitions);
}

/* (define (name parameter …) (%make-record type content …)): a content is a parameter, or #f */
static value constructor_definition(struct compiler *c, value type, value names, value spec) {
    value parameters = NIL, contents = NIL;
    for (value p = reversed(c, cdr(spec)); p != NIL; p = cdr(p)) {
        field_index(c, names, car(p));
        parameters = build(c, build(c, car(p), fresh(c, "field")), parameters);
    }
    for (value n = reversed(c, names); n != NIL; n = cdr(n)) {
        value content = build_list(c, 2, F(QUOTE), FALSE);
        for (value p = parameters; p != NIL; p = cdr(p))
            if (car(car(p)) == car(n))
                content = cdr(car(p));
        contents = build(c, content, contents);
    }
    value formals = NIL;
    for (value p = reversed(c, parameters); p != NIL; p = cdr(p))
        formals = build(c, cdr(car(p)), formals);
    value body = build(c, builtin(c, "%make-record"), build(c, type, contents));
    return definition(c, car(spec), formals, body);
}

value record_definitions(struct compiler *c, value form) {
    value spec = second(c, form), constructor = third(c, form);
    value predicate = form_item(c, form, 3), fields = cdr(cdr(cdr(cdr(form))));
    value type = is_pair(spec) ? car(spec) : spec;
    value names = NIL, definitions = NIL;
    for (value f = reversed(c, fields); f != NIL; f = cdr(f))
        names = build(c, field_name(car(f)), names);
    for (value f = fields; is_pair(f); f = cdr(f)) {
        value index = fixnum(field_index(c, fields, field_name(car(f))));
        definitions = field_definitions(c, type, car(f), index, definitions);
    }
    if (is_identifier(predicate)) {
        value object = fresh(c, "object");
        value body = build_list(c, 3, builtin(c, "%record?"), object, type);
        definitions =
            build(c, definition(c, predicate, build_list(c, 1, object), body), definitions);
    }
    if (is_identifier(constructor))
        constructor = build(c, constructor, names);
    if (is_pair(constructor))
        definitions = build(c, constructor_definition(c, type, names, constructor), definitions);
    value make = build_list(c, 3, builtin(c, "%make-record-type"), build_list(c, 2, F(QUOTE), type),
                            build_list(c, 2, F(QUOTE), names));
    return build(c, build_list(c, 3, F(DEFINE), type, make), definitions);
}

struct node *parse_define_record(struct compiler *c, value form, struct scope *scope) {
    need_toplevel(c, scope, form);
    return parse_sequence(c, record_definitions(c, form), NULL);
}

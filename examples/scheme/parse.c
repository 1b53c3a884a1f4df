/* SPDX-License-Identifier: MIT */
/*
 * From source data to trees: calls, functions, bodies, loops. The special forms are in forms.c.
 */
#include "compile.h"

#include <stdarg.h>

#define DEEPEST 5000 /* nested forms: each looks names up in the scopes of all around it */

/* ---- Building ------------------------------------------------------------------------------ */

struct node *make_node(struct compiler *c, enum node_type type) {
    struct node *node = syntax_alloc(c, sizeof *node);
    node->type = type;
    node->line = c->line;
    return node;
}

struct node *make_constant(struct compiler *c, value v) {
    struct node *node = make_node(c, NODE_CONSTANT);
    node->constant = keep(c->vm, survive(c, v));
    return node;
}

struct node *make_sequence(struct compiler *c, struct node **items, size_t count) {
    if (count == 1)
        return items[0];
    struct node *node = make_node(c, NODE_SEQUENCE);
    node->list.items = items;
    node->list.count = count;
    return count ? node : make_constant(c, UNSPECIFIED);
}

struct variable *make_variable(struct compiler *c, value name) {
    struct variable *variable = syntax_alloc(c, sizeof *variable);
    variable->name = base_symbol(name);
    return variable;
}

value build(struct compiler *c, value head, value tail) {
    charge_expansion(c, sizeof(struct pair) + sizeof(value));
    return keep(c->vm, cons_in(c->vm, c->arena, head, tail));
}

value build_list(struct compiler *c, int count, ...) {
    value items[8];
    va_list arguments;
    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        items[i] = keep(c->vm, va_arg(arguments, value));
    va_end(arguments);
    value list = NIL;
    while (count--)
        list = build(c, items[count], list);
    return list;
}

value vector_list(struct compiler *c, value vector) {
    value list = NIL;
    for (size_t i = length_of(vector); i-- > 0;)
        list = build(c, vector_of(vector)->items[i], list);
    return list;
}

value form_item(struct compiler *c, value form, int index) {
    value rest = form;
    while (index-- && is_pair(rest))
        rest = cdr(rest);
    if (!is_pair(rest))
        syntax_error(c, "malformed form", strip(c, form));
    return car(rest);
}

/* ---- Identifiers --------------------------------------------------------------------------- */

static struct node *parse_identifier(struct compiler *c, value id, struct scope *scope) {
    struct meaning meaning = lookup(c, id, scope);
    switch (meaning.kind) {
    case MEANS_VARIABLE: {
        struct node *node = make_node(c, NODE_LOCAL);
        node->variable = meaning.variable;
        return node;
    }
    case MEANS_GLOBAL: {
        struct node *node = make_node(c, NODE_GLOBAL);
        node->global = keep(c->vm, environment_global(c->vm, meaning.environment, meaning.symbol));
        return node;
    }
    case MEANS_MACRO:
    case MEANS_FORM:
        break;
    }
    syntax_error(c, "a keyword is no value:", base_symbol(id));
}

/* ---- Functions ----------------------------------------------------------------------------- */

struct node *parse_lambda(struct compiler *c, value formals, value body, value name,
                          struct scope *outer) {
    struct lambda *lambda = syntax_alloc(c, sizeof *lambda);
    struct scope *scope = syntax_alloc(c, sizeof *scope);
    scope->parent = outer;
    lambda->name = is_identifier(name) ? base_symbol(name) : FALSE;
    lambda->line = c->line;
    size_t count = 0;
    value rest = formals;
    for (; is_pair(rest); rest = cdr(rest))
        count++;
    lambda->rest = rest != NIL;
    lambda->count = count + lambda->rest;
    lambda->parameters = syntax_alloc(c, (lambda->count + 1) * sizeof *lambda->parameters);
    rest = formals;
    for (size_t i = 0; i < lambda->count; i++) {
        value id = is_pair(rest) ? car(rest) : rest;
        if (!is_identifier(id))
            syntax_error(c, "malformed parameters", strip(c, formals));
        for (struct binding *b = scope->bindings; b; b = b->next)
            if (b->identifier == id)
                syntax_error(c, "parameter is there twice:", base_symbol(id));
        lambda->parameters[i] = make_variable(c, id);
        bind_variable(c, scope, id, lambda->parameters[i]);
        rest = is_pair(rest) ? cdr(rest) : NIL;
    }
    lambda->body = parse_body(c, body, scope);
    struct node *node = make_node(c, NODE_LAMBDA);
    node->lambda = lambda;
    node->line = lambda->line;
    return node;
}

void name_function(struct node *node, value id) {
    if (!is_identifier(id))
        return;
    if (node->type == NODE_LAMBDA && node->lambda->name == FALSE)
        node->lambda->name = base_symbol(id);
    for (size_t i = 0; node->type == NODE_CASE_LAMBDA && i < node->list.count; i++)
        name_function(node->list.items[i], id);
}

/* ---- Calls --------------------------------------------------------------------------------- */

/* ((lambda (x …) body) argument …) */
static struct node *make_let(struct compiler *c, struct lambda *lambda, struct node **inits) {
    for (size_t i = 0; i < lambda->count; i++)
        name_function(inits[i], lambda->parameters[i]->name);
    struct node *node = make_node(c, NODE_LET);
    node->list.variables = lambda->parameters;
    node->list.items = inits;
    node->list.count = lambda->count;
    node->list.body = lambda->body;
    return node;
}

/* The first item of a list, which may be an atom: the list knows its line. */
static struct node *parse_at(struct compiler *c, value list, struct scope *scope) {
    unsigned outer = c->line, line = source_line(c->vm->source, list);
    if (line)
        c->line = line;
    struct node *node = parse(c, car(list), scope);
    c->line = outer;
    return node;
}

static struct node *parse_call(struct compiler *c, value form, struct scope *scope) {
    int64_t length = list_length(form);
    if (length < 0)
        syntax_error(c, "a call is no proper list", strip(c, form));
    size_t count = (size_t)length - 1;
    unsigned line = c->line;
    struct node *callee = parse(c, car(form), scope);
    struct node **arguments = syntax_alloc(c, (count + 1) * sizeof *arguments);
    value rest = cdr(form);
    for (size_t i = 0; i < count; i++, rest = cdr(rest))
        arguments[i] = parse_at(c, rest, scope);
    c->line = line;
    if (callee->type == NODE_LAMBDA && !callee->lambda->rest && callee->lambda->count == count)
        return make_let(c, callee->lambda, arguments);
    struct node *node = make_node(c, NODE_CALL);
    node->list.callee = callee;
    node->list.items = arguments;
    node->list.count = count;
    return node;
}

/* Is this a form that is built in, in a program that has not imported it? */
static bool is_missing_form(struct compiler *c, struct meaning meaning) {
    if (meaning.kind != MEANS_GLOBAL || environment_lookup(meaning.environment, meaning.symbol))
        return false;
    value built_in = environment_lookup(c->vm->system, meaning.symbol);
    return built_in && !has_type(built_in, TYPE_GLOBAL);
}

struct node *parse(struct compiler *c, value form, struct scope *scope) {
    check_nesting(c);
    if (c->depth == DEEPEST)
        nesting_error(c);
    c->depth++;
    unsigned outer_line = c->line;
    value outer_macro = c->macro;
    struct node *node;
    for (;;) {
        if (is_identifier(form)) {
            node = parse_identifier(c, form, scope);
            break;
        }
        if (!is_pair(form)) {
            if (form == NIL)
                syntax_error(c, "() is no expression", form);
            node = make_constant(c, strip(c, form));
            break;
        }
        unsigned line = source_line(c->vm->source, form);
        if (line)
            c->line = line;
        value head = car(form);
        struct meaning meaning = {.kind = MEANS_VARIABLE};
        if (is_form(head))
            meaning = (struct meaning){MEANS_FORM, .form = form_number(head)};
        else if (is_identifier(head))
            meaning = lookup(c, head, scope);
        if (is_missing_form(c, meaning))
            syntax_error(c, "not imported:", meaning.symbol);
        if (meaning.kind == MEANS_MACRO) {
            enter_macro(c, head);
            form = expand_macro(c, meaning.macro, form, scope);
            continue;
        }
        if (meaning.kind == MEANS_FORM) {
            if (list_length(form) < 0)
                syntax_error(c, "a form is no proper list", strip(c, form));
            node = form_parsers[meaning.form](c, form, scope);
        } else {
            node = parse_call(c, form, scope);
        }
        break;
    }
    c->depth--;
    c->line = outer_line;
    c->macro = outer_macro;
    return node;
}

struct node *parse_sequence(struct compiler *c, value forms, struct scope *scope) {
    size_t count = 0;
    for (value rest = forms; is_pair(rest); rest = cdr(rest))
        count++;
    struct node **items = syntax_alloc(c, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++, forms = cdr(forms))
        items[i] = parse_at(c, forms, scope);
    return make_sequence(c, items, count);
}

/* ---- Loops --------------------------------------------------------------------------------- */

/*
 * A function that is only called, with the right number of arguments, in tail position of its own
 * body: nothing but the first call needs to know where to return to, so it is a loop. The calls
 * become AGAIN nodes once all of them are seen to be such.
 */
struct loop_search {
    struct compiler *c;
    struct variable *name;
    size_t count;
    struct node *loop; /* NULL: only look */
};

static bool is_loop_part(struct loop_search *s, struct node *node, bool tail);

static bool are_loop_parts(struct loop_search *s, struct node **items, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!is_loop_part(s, items[i], false))
            return false;
    return true;
}

static bool is_loop_part(struct loop_search *s, struct node *node, bool tail) {
    check_nesting(s->c);
    switch (node->type) {
    case NODE_CONSTANT:
    case NODE_GLOBAL:
        return true;
    case NODE_LOCAL:
        return node->variable != s->name;
    case NODE_SET_LOCAL:
    case NODE_SET_GLOBAL:
    case NODE_DEFINE:
        return node->set.variable != s->name && is_loop_part(s, node->set.content, false);
    case NODE_IF:
        return is_loop_part(s, node->branch.test, false) &&
               is_loop_part(s, node->branch.then, tail) &&
               is_loop_part(s, node->branch.otherwise, tail);
    case NODE_OR:
        return is_loop_part(s, node->branch.test, false) &&
               is_loop_part(s, node->branch.otherwise, tail);
    case NODE_LAMBDA:
        return is_loop_part(s, node->lambda->body, false);
    case NODE_CASE_LAMBDA:
        return are_loop_parts(s, node->list.items, node->list.count);
    case NODE_SEQUENCE:
        return are_loop_parts(s, node->list.items, node->list.count - 1) &&
               is_loop_part(s, node->list.items[node->list.count - 1], tail);
    case NODE_LET:
    case NODE_LETREC:
    case NODE_LOOP:
        return are_loop_parts(s, node->list.items, node->list.count) &&
               is_loop_part(s, node->list.body, tail);
    case NODE_AGAIN:
        return are_loop_parts(s, node->list.items, node->list.count);
    case NODE_CALL:
        if (!are_loop_parts(s, node->list.items, node->list.count))
            return false;
        if (node->list.callee->type != NODE_LOCAL || node->list.callee->variable != s->name)
            return is_loop_part(s, node->list.callee, false);
        if (!tail || node->list.count != s->count)
            return false;
        if (s->loop) {
            node->type = NODE_AGAIN;
            node->list.target = s->loop;
        }
        return true;
    }
    return false;
}

struct node *parse_letrec(struct compiler *c, struct variable **variables, struct node **inits,
                          size_t count, struct node *body) {
    struct node *node = make_node(c, NODE_LETREC);
    node->list.variables = variables;
    node->list.items = inits;
    node->list.count = count;
    node->list.body = body;
    bool calls_it = count == 1 && inits[0]->type == NODE_LAMBDA && !inits[0]->lambda->rest &&
                    !variables[0]->assigned && body->type == NODE_CALL &&
                    body->list.callee->type == NODE_LOCAL &&
                    body->list.callee->variable == variables[0] &&
                    body->list.count == inits[0]->lambda->count;
    if (!calls_it)
        return node;
    struct lambda *lambda = inits[0]->lambda;
    struct loop_search search = {.c = c, .name = variables[0], .count = lambda->count};
    if (!are_loop_parts(&search, body->list.items, body->list.count) ||
        !is_loop_part(&search, lambda->body, true))
        return node;
    search.loop = node;
    is_loop_part(&search, lambda->body, true);
    node->type = NODE_LOOP;
    node->list.variables = lambda->parameters;
    node->list.items = body->list.items;
    node->list.count = lambda->count;
    node->list.body = lambda->body;
    return node;
}

/* ---- Bodies -------------------------------------------------------------------------------- */

/* One item of a body: a definition, or an expression (variable NULL). */
struct item {
    struct variable *variable;
    value form;             /* expression, or what the variable gets */
    value name;             /* for functions */
    value macro, outermost; /* what it came from */
    unsigned line;
    struct item *next;
};

struct body {
    struct compiler *c;
    struct scope *scope;
    struct item *first, **end;
    size_t count, definitions; /* items up to the last definition */
};

static void add_item(struct body *b, struct variable *variable, value form, value name) {
    struct item *item = syntax_alloc(b->c, sizeof *item);
    *item = (struct item){variable, form, name, b->c->macro, b->c->outermost, b->c->line, NULL};
    *b->end = item;
    b->end = &item->next;
    b->count++;
    if (variable)
        b->definitions = b->count;
}

static struct variable *define_local(struct body *b, value id) {
    if (!is_identifier(id))
        syntax_error(b->c, "can't be defined:", strip(b->c, id));
    for (struct binding *old = b->scope->bindings; old; old = old->next)
        if (old->identifier == id)
            syntax_error(b->c, "is defined twice:", base_symbol(id));
    struct variable *variable = make_variable(b->c, id);
    bind_variable(b->c, b->scope, id, variable);
    return variable;
}

static void scan_forms(struct body *b, value forms);

static void scan_define_values(struct body *b, value form) {
    struct compiler *c = b->c;
    for (value names = define_values_names(c, form_item(c, form, 1)); names != NIL;
         names = cdr(names))
        define_local(b, car(names))->assigned = true;
    for (value names = define_values_names(c, form_item(c, form, 1)); names != NIL;
         names = cdr(names))
        add_item(b, lookup(c, car(names), b->scope).variable,
                 build_list(c, 2, keyword(FORM_QUOTE), UNDEFINED), FALSE);
    add_item(b, make_variable(c, c->vm->known[KNOWN_underscore]), define_values_setter(c, form),
             FALSE);
}

/* Find what a form of a body defines; macros are expanded as far as that needs. */
static void scan_form(struct body *b, value form) {
    struct compiler *c = b->c;
    check_nesting(c);
    for (;;) {
        unsigned line = is_pair(form) ? source_line(c->vm->source, form) : 0;
        if (line)
            c->line = line;
        struct meaning meaning = {.kind = MEANS_GLOBAL};
        if (is_pair(form) && is_form(car(form)))
            meaning = (struct meaning){MEANS_FORM, .form = form_number(car(form))};
        else if (is_pair(form) && is_identifier(car(form)))
            meaning = lookup(c, car(form), b->scope);
        if (meaning.kind == MEANS_MACRO) {
            enter_macro(c, car(form));
            form = expand_macro(c, meaning.macro, form, b->scope);
            continue;
        }
        if (meaning.kind != MEANS_FORM) {
            add_item(b, NULL, form, FALSE);
            return;
        }
        if (list_length(form) < 0)
            syntax_error(c, "a form is no proper list", strip(c, form));
        value content;
        switch (meaning.form) {
        case FORM_DEFINE: {
            value name = define_target(c, form, &content);
            add_item(b, define_local(b, name), content, name);
            return;
        }
        case FORM_BEGIN:
            scan_forms(b, cdr(form));
            return;
        case FORM_DEFINE_SYNTAX: {
            value name = form_item(c, form, 1);
            bind_macro(c, b->scope, name, make_macro(c, form_item(c, form, 2), b->scope));
            return;
        }
        case FORM_DEFINE_RECORD:
            scan_forms(b, record_definitions(c, form));
            return;
        case FORM_DEFINE_VALUES:
            scan_define_values(b, form);
            return;
        case FORM_INCLUDE:
        case FORM_INCLUDE_CI:
            scan_forms(b, included_forms(c, form, meaning.form == FORM_INCLUDE_CI));
            return;
        case FORM_COND_EXPAND:
            scan_forms(b, cond_expand_forms(c, form, b->scope));
            return;
        default:
            add_item(b, NULL, form, FALSE);
            return;
        }
    }
}

static void scan_forms(struct body *b, value forms) {
    value outer_macro = b->c->macro;
    for (; is_pair(forms); forms = cdr(forms)) {
        scan_form(b, car(forms));
        b->c->macro = outer_macro;
    }
}

/* The initializer of a definition; functions learn their name. */
static struct node *parse_item(struct body *b, struct item *item) {
    b->c->line = item->line;
    b->c->macro = item->macro;
    b->c->outermost = item->outermost;
    struct node *node = parse(b->c, item->form, b->scope);
    name_function(node, item->name);
    return node;
}

struct node *parse_body(struct compiler *c, value forms, struct scope *outer) {
    if (!is_pair(forms))
        syntax_error(c, "a body is empty", FALSE);
    unsigned line = c->line;
    value macro = c->macro, outermost = c->outermost;
    struct scope *scope = syntax_alloc(c, sizeof *scope);
    scope->parent = outer;
    struct body b = {.c = c, .scope = scope};
    b.end = &b.first;
    scan_forms(&b, forms);
    if (!scope->bindings)
        b.scope = outer; /* lookups are shorter */
    struct variable **variables = syntax_alloc(c, (b.definitions + 1) * sizeof *variables);
    struct node **inits = syntax_alloc(c, (b.definitions + 1) * sizeof *inits);
    struct item *item = b.first;
    for (size_t i = 0; i < b.definitions; i++, item = item->next) {
        variables[i] =
            item->variable ? item->variable : make_variable(c, c->vm->known[KNOWN_underscore]);
        inits[i] = parse_item(&b, item);
    }
    size_t count = b.count - b.definitions;
    struct node **rest = syntax_alloc(c, (count + 1) * sizeof *rest);
    for (size_t i = 0; i < count; i++, item = item->next)
        rest[i] = parse_item(&b, item);
    c->line = line;
    c->macro = macro;
    c->outermost = outermost;
    struct node *body = make_sequence(c, rest, count);
    return b.definitions ? parse_letrec(c, variables, inits, b.definitions, body) : body;
}

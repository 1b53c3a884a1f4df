/* SPDX-License-Identifier: MIT */
/*
 * Identifiers and syntax-rules.
 *
 * Hygiene: a symbol that a template brings in becomes an alias, made anew for each expansion. An
 * alias that gets bound is found by its own identity; one that is not stands for its symbol as
 * seen from where the macro was defined. quote turns aliases back into symbols.
 */
#include "compile.h"

/* ---- Identifiers --------------------------------------------------------------------------- */

value base_symbol(value id) {
    while (has_type(id, TYPE_ALIAS))
        id = alias_of(id)->name;
    return id;
}

static struct meaning bound_meaning(const struct binding *b) {
    if (b->variable)
        return (struct meaning){MEANS_VARIABLE, .variable = b->variable};
    if (is_form(b->macro))
        return (struct meaning){MEANS_FORM, .form = form_number(b->macro)};
    return (struct meaning){MEANS_MACRO, .macro = b->macro};
}

struct meaning lookup(struct compiler *c, value id, struct scope *scope) {
    value environment = c->environment;
    for (;;) {
        for (struct scope *s = scope; s; s = s->parent)
            for (struct binding *b = s->bindings; b; b = b->next)
                if (b->identifier == id)
                    return bound_meaning(b);
        if (!has_type(id, TYPE_ALIAS))
            break;
        scope = alias_of(id)->scope;
        environment = alias_of(id)->environment;
        id = alias_of(id)->name;
    }
    value meaning = environment_lookup(environment, id);
    if (meaning && is_form(meaning))
        return (struct meaning){MEANS_FORM, .form = form_number(meaning), .symbol = id};
    if (meaning && has_type(meaning, TYPE_MACRO))
        return (struct meaning){MEANS_MACRO, .macro = meaning, .symbol = id};
    return (struct meaning){MEANS_GLOBAL, .symbol = id, .environment = environment};
}

/* Is v a word that forms look for, such as else, not bound to anything else? */
bool is_word(struct compiler *c, value v, struct scope *scope, enum special_form form) {
    if (!is_identifier(v))
        return false;
    struct meaning meaning = lookup(c, v, scope);
    return meaning.kind == MEANS_FORM && meaning.form == form;
}

static void bind(struct compiler *c, struct scope *scope, struct binding binding) {
    struct binding *b = syntax_alloc(c, sizeof *b);
    *b = binding;
    b->next = scope->bindings;
    scope->bindings = b;
}

void bind_variable(struct compiler *c, struct scope *scope, value id, struct variable *variable) {
    bind(c, scope, (struct binding){.identifier = id, .variable = variable});
}

void bind_macro(struct compiler *c, struct scope *scope, value id, value macro) {
    bind(c, scope, (struct binding){.identifier = id, .macro = macro});
}

value make_alias(struct compiler *c, value name, value environment, struct scope *scope) {
    struct vm *vm = c->vm;
    charge_expansion(c, sizeof(struct alias) + sizeof(value));
    vm->made[0] = name;
    vm->made[1] = environment;
    struct alias *alias = allocate(vm, TYPE_ALIAS, sizeof *alias);
    alias->header = HEADER(TYPE_ALIAS, 0);
    alias->scope = scope;
    gait_init(&alias->name, name);
    gait_init(&alias->environment, environment);
    c->expanded = true;
    return keep(vm, (value)alias);
}

/* Is there an alias in the datum? Past `budget` steps, what was seen is remembered: data that a
 * program quotes may be cyclic. */
struct alias_search {
    struct compiler *c;
    int budget;
    value seen; /* table, or 0 */
};

static bool was_seen(struct alias_search *s, value datum) {
    struct vm *vm = s->c->vm;
    if (s->budget-- > 0)
        return false;
    if (!s->seen)
        s->seen = keep(vm, make_table(vm, TABLE_EQ));
    if (table_get(s->seen, datum, FALSE) == TRUE)
        return true;
    table_put(vm, s->seen, datum, TRUE);
    return false;
}

static bool has_alias(struct alias_search *s, value datum) {
    check_nesting(s->c);
    for (; is_pair(datum); datum = cdr(datum)) {
        if (was_seen(s, datum))
            return false;
        if (has_alias(s, car(datum)))
            return true;
    }
    if (is_vector(datum) && !was_seen(s, datum))
        for (size_t i = 0; i < length_of(datum); i++)
            if (has_alias(s, vector_of(datum)->items[i]))
                return true;
    return has_type(datum, TYPE_ALIAS);
}

static value strip_copy(struct compiler *c, value datum) {
    check_nesting(c);
    if (has_type(datum, TYPE_ALIAS))
        return base_symbol(datum);
    if (is_vector(datum)) {
        value copy = keep(c->vm, make_vector_in(c->vm, c->arena, length_of(datum), FALSE));
        for (size_t i = 0; i < length_of(datum); i++)
            store(c->vm, &vector_of(copy)->items[i], strip_copy(c, vector_of(datum)->items[i]));
        return copy;
    }
    if (!is_pair(datum))
        return datum;
    value first = build(c, strip_copy(c, car(datum)), NIL), last = first;
    for (datum = cdr(datum); is_pair(datum); datum = cdr(datum)) {
        value pair = build(c, strip_copy(c, car(datum)), NIL);
        store(c->vm, &pair_of(last)->cdr, pair);
        last = pair;
    }
    store(c->vm, &pair_of(last)->cdr, strip_copy(c, datum));
    return first;
}

value strip(struct compiler *c, value datum) {
    struct alias_search search = {.c = c, .budget = 10000};
    return c->expanded && has_alias(&search, datum) ? strip_copy(c, datum) : datum;
}

/* ---- Macros -------------------------------------------------------------------------------- */

value make_macro(struct compiler *c, value spec, struct scope *scope) {
    struct vm *vm = c->vm;
    if (is_identifier(spec)) {
        struct meaning meaning = lookup(c, spec, scope);
        if (meaning.kind == MEANS_MACRO)
            return meaning.macro;
        if (meaning.kind == MEANS_FORM)
            return keyword(meaning.form);
    }
    value outer = c->macro;
    while (is_pair(spec) && is_identifier(car(spec)) &&
           lookup(c, car(spec), scope).kind == MEANS_MACRO) {
        enter_macro(c, car(spec));
        spec = expand_macro(c, lookup(c, car(spec), scope).macro, spec, scope);
    }
    c->macro = outer;
    if (!is_pair(spec) || !is_identifier(car(spec)) ||
        lookup(c, car(spec), scope).kind != MEANS_FORM ||
        lookup(c, car(spec), scope).form != FORM_SYNTAX_RULES)
        syntax_error(c, "expected syntax-rules", spec);
    value ellipsis = vm->known[KNOWN_ellipsis], rest = cdr(spec);
    if (lookup(c, ellipsis, scope).kind == MEANS_VARIABLE)
        ellipsis = FALSE; /* a program's own variable */
    if (is_pair(rest) && is_identifier(car(rest))) {
        ellipsis = car(rest);
        rest = cdr(rest);
    }
    if (!is_pair(rest) || list_length(car(rest)) < 0 || list_length(cdr(rest)) < 0)
        syntax_error(c, "malformed syntax-rules", spec);
    for (value rule = cdr(rest); rule != NIL; rule = cdr(rule))
        if (list_length(car(rule)) != 2)
            syntax_error(c, "malformed rule", car(rule));
    value literals = car(rest), rules = cdr(rest);
    if (!scope) { /* one of the top level outlives its form */
        literals = survive(c, literals);
        rules = survive(c, rules);
    }
    struct macro *macro = allocate(vm, TYPE_MACRO, sizeof *macro);
    macro->header = HEADER(TYPE_MACRO, 0);
    macro->scope = scope;
    gait_init(&macro->ellipsis, ellipsis);
    gait_init(&macro->literals, literals);
    gait_init(&macro->rules, rules);
    gait_init(&macro->environment, c->environment);
    return keep(vm, (value)macro);
}

/* What a pattern variable was matched with: a datum, or one match per repetition. */
struct match {
    value name;
    bool repeats;
    value datum;
    struct match **items;
    size_t count;
    struct match *next;
};

struct expansion {
    struct compiler *c;
    struct macro *macro;
    struct scope *scope; /* of the use */
    struct match *matches;
    struct match *renamed; /* symbols of the template, with their aliases */
    value ellipsis;        /* FALSE within (... …) */
};

static bool is_ellipsis(struct expansion *e, value v) {
    return is_identifier(v) &&
           (v == e->ellipsis ||
            (e->ellipsis == e->c->vm->known[KNOWN_ellipsis] && base_symbol(v) == e->ellipsis));
}

static bool is_literal(struct expansion *e, value id) {
    for (value l = e->macro->literals; is_pair(l); l = cdr(l))
        if (car(l) == id)
            return true;
    return false;
}

static bool same_meaning(struct meaning a, struct meaning b) {
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case MEANS_VARIABLE:
        return a.variable == b.variable;
    case MEANS_MACRO:
        return a.macro == b.macro;
    case MEANS_FORM:
        return a.form == b.form;
    case MEANS_GLOBAL:
        break;
    }
    value meant = environment_lookup(a.environment, a.symbol);
    return a.symbol == b.symbol || (meant && meant == environment_lookup(b.environment, b.symbol));
}

static bool matches_literal(struct expansion *e, value literal, value v) {
    if (!is_identifier(v))
        return false;
    struct compiler *c = e->c;
    value environment = c->environment;
    struct meaning used = lookup(c, v, e->scope);
    c->environment = e->macro->environment;
    struct meaning meant = lookup(c, literal, e->macro->scope);
    c->environment = environment;
    return same_meaning(used, meant);
}

static struct match *add_match(struct expansion *e, value name, value datum) {
    struct match *m = syntax_alloc(e->c, sizeof *m);
    *m = (struct match){.name = name, .datum = datum, .next = e->matches};
    e->matches = m;
    return m;
}

static struct match *find_match(struct match *matches, value name) {
    while (matches && matches->name != name)
        matches = matches->next;
    return matches;
}

/* Give every variable of a repeated pattern a match with room for count items. */
static void add_repeats(struct expansion *e, value pattern, size_t count) {
    check_nesting(e->c);
    if (is_pair(pattern)) {
        for (; is_pair(pattern); pattern = cdr(pattern))
            add_repeats(e, car(pattern), count);
        add_repeats(e, pattern, count);
    } else if (is_vector(pattern)) {
        for (size_t i = 0; i < length_of(pattern); i++)
            add_repeats(e, vector_of(pattern)->items[i], count);
    } else if (is_identifier(pattern) && !is_literal(e, pattern) && !is_ellipsis(e, pattern)) {
        struct match *m = add_match(e, pattern, FALSE);
        m->repeats = true;
        m->count = count;
        m->items = syntax_alloc(e->c, (count + 1) * sizeof *m->items);
    }
}

static bool match(struct expansion *e, value pattern, value v);

/* (pattern ... . tail) against v, whose first `count` items are the repetitions. */
static bool match_repeats(struct expansion *e, value pattern, value *v, size_t count) {
    struct match *outer = e->matches;
    add_repeats(e, pattern, count);
    struct match *all = e->matches;
    for (size_t i = 0; i < count; i++, *v = cdr(*v)) {
        e->matches = NULL;
        if (!match(e, pattern, car(*v)))
            return false;
        for (struct match *m = all; m != outer; m = m->next)
            m->items[i] = find_match(e->matches, m->name);
    }
    e->matches = all;
    return true;
}

/* Of a circular list, none: it matches no pattern with an ellipsis. */
static size_t count_pairs(value list) {
    size_t count = 0;
    for (bool ends = list_length(list) != -2; ends && is_pair(list); list = cdr(list))
        count++;
    return count;
}

static bool match(struct expansion *e, value pattern, value v) {
    check_nesting(e->c);
    for (; is_pair(pattern); pattern = cdr(pattern)) {
        if (is_pair(cdr(pattern)) && is_ellipsis(e, car(cdr(pattern)))) {
            size_t tail = count_pairs(cdr(cdr(pattern))), have = count_pairs(v);
            if (have < tail || !match_repeats(e, car(pattern), &v, have - tail))
                return false;
            pattern = cdr(pattern);
            continue;
        }
        if (!is_pair(v) || !match(e, car(pattern), car(v)))
            return false;
        v = cdr(v);
    }
    if (is_identifier(pattern)) {
        if (is_literal(e, pattern))
            return matches_literal(e, pattern, v);
        if (base_symbol(pattern) != e->c->vm->known[KNOWN_underscore])
            add_match(e, pattern, v);
        return true;
    }
    if (is_vector(pattern))
        return is_vector(v) && match(e, vector_list(e->c, pattern), vector_list(e->c, v));
    return is_equal(pattern, v);
}

/* ---- Templates ----------------------------------------------------------------------------- */

static value instantiate(struct expansion *e, value template);

static value rename_symbol(struct expansion *e, value id) {
    struct match *known = find_match(e->renamed, id);
    if (known)
        return known->datum;
    struct match *m = syntax_alloc(e->c, sizeof *m);
    value alias = make_alias(e->c, id, e->macro->environment, e->macro->scope);
    *m = (struct match){.name = id, .datum = alias, .next = e->renamed};
    e->renamed = m;
    return alias;
}

/* Add one level's items of all repeated variables in the template; the most repetitions. */
static void collect_repeats(struct expansion *e, value template, struct match **found,
                            size_t *most) {
    check_nesting(e->c);
    for (; is_pair(template); template = cdr(template))
        collect_repeats(e, car(template), found, most);
    if (is_vector(template)) {
        for (size_t i = 0; i < length_of(template); i++)
            collect_repeats(e, vector_of(template)->items[i], found, most);
        return;
    }
    struct match *m = is_identifier(template) ? find_match(e->matches, template) : NULL;
    if (!m || !m->repeats || find_match(*found, template))
        return;
    struct match *copy = syntax_alloc(e->c, sizeof *copy);
    *copy = *m;
    copy->next = *found;
    *found = copy;
    if (m->count > *most)
        *most = m->count;
}

/* Put the instances of template, repeated by `depth` ellipses, in front of the list in *tail. */
static void instantiate_repeats(struct expansion *e, value template, int depth, value **tail) {
    if (!depth) {
        value pair = build(e->c, instantiate(e, template), NIL);
        store(e->c->vm, *tail, pair);
        *tail = &pair_of(pair)->cdr;
        return;
    }
    struct match *outer = e->matches, *found = NULL;
    size_t most = 0;
    collect_repeats(e, template, &found, &most);
    if (!found)
        syntax_error(e->c, "nothing to repeat in a template", strip(e->c, template));
    for (size_t i = 0; i < most; i++) {
        for (struct match *m = found; m; m = m->next)
            if (i < m->count) {
                struct match *copy = syntax_alloc(e->c, sizeof *copy);
                *copy = *m->items[i];
                copy->next = e->matches;
                e->matches = copy;
            }
        instantiate_repeats(e, template, depth - 1, tail);
        e->matches = outer;
    }
}

static value instantiate_list(struct expansion *e, value template) {
    if (is_ellipsis(e, car(template)) && is_pair(cdr(template))) {
        value saved = e->ellipsis;
        e->ellipsis = FALSE;
        value result = instantiate(e, car(cdr(template)));
        e->ellipsis = saved;
        return result;
    }
    value first = build(e->c, FALSE, NIL), last = first;
    while (is_pair(template)) {
        if (last != first && is_ellipsis(e, car(template)))
            break; /* (a . (... b)) */
        value item = car(template);
        int depth = 0;
        template = cdr(template);
        while (is_pair(template) && is_ellipsis(e, car(template))) {
            depth++;
            template = cdr(template);
        }
        value head = NIL, *tail = &head;
        instantiate_repeats(e, item, depth, &tail);
        store(e->c->vm, &pair_of(last)->cdr, head);
        while (is_pair(cdr(last)))
            last = cdr(last);
    }
    if (template != NIL)
        store(e->c->vm, &pair_of(last)->cdr, instantiate(e, template));
    return cdr(first);
}

static value instantiate(struct expansion *e, value template) {
    struct compiler *c = e->c;
    check_nesting(c);
    if (is_pair(template))
        return instantiate_list(e, template);
    if (is_identifier(template)) {
        struct match *m = find_match(e->matches, template);
        if (!m)
            return rename_symbol(e, template);
        if (m->repeats)
            syntax_error(c, "an ellipsis is missing after", base_symbol(template));
        return m->datum;
    }
    if (is_vector(template)) {
        value list = instantiate(e, vector_list(c, template));
        value vector = keep(c->vm, make_vector_in(c->vm, c->arena, count_pairs(list), FALSE));
        for (size_t i = 0; is_pair(list); list = cdr(list), i++)
            store(c->vm, &vector_of(vector)->items[i], car(list));
        return vector;
    }
    return template;
}

/* Macros of the prelude's own, with a %, are part of the one that the program used. */
void enter_macro(struct compiler *c, value id) {
    value name = symbol_of(base_symbol(id))->name;
    if (c->macro == FALSE)
        c->outermost = base_symbol(id);
    if (c->macro == FALSE || !length_of(name) || string_of(name)->chars[0] != '%')
        c->macro = base_symbol(id);
}

static value expand(struct compiler *c, value macro, value form, struct scope *scope) {
    struct expansion e = {.c = c, .macro = macro_of(macro), .scope = scope};
    e.ellipsis = e.macro->ellipsis;
    if (is_literal(&e, e.ellipsis))
        e.ellipsis = FALSE;
    for (value rule = e.macro->rules; rule != NIL; rule = cdr(rule)) {
        value pattern = car(car(rule));
        e.matches = NULL;
        if (!is_pair(pattern) || !is_pair(form))
            syntax_error(c, "malformed use of a macro", strip(c, form));
        if (match(&e, cdr(pattern), cdr(form)))
            return instantiate(&e, car(cdr(car(rule))));
    }
    c->expanding = false;
    char *name = string_utf8(symbol_of(base_symbol(car(form)))->name, NULL), *message;
    if (asprintf(&message, "macro %s: no rule matches", name) < 0)
        vm_out_of_memory(c->vm);
    syntax_raise(c, message, strip(c, form));
    free(name);
    free(message);
    syntax_escape(c);
}

value expand_macro(struct compiler *c, value macro, value form, struct scope *scope) {
    c->expanding = true;
    charge_expansion(c, sizeof(struct expansion)); /* none is free */
    value result = expand(c, macro, form, scope);
    c->expanding = false;
    return result;
}

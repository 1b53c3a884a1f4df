/* SPDX-License-Identifier: MIT */
/*
 * Environments: what names mean where no scope binds them.
 *
 * All that is built in lives in one environment, system, whose globals are constant. A program sees
 * all of it, as the parent of its environment, unless it starts with an import: then its
 * environment has what it imports and nothing else, as that of a library. A global that was
 * imported is shared with its home; a program that defines or assigns the name of something built
 * in, or defines that of anything imported, gets a global of its own.
 */
#include "vm.h"

value make_environment(struct vm *vm, value name, value parent) {
    value live[3] = {name, parent, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[2] = make_table(vm, TABLE_EQ);
    struct environment *environment = allocate(vm, TYPE_ENVIRONMENT, sizeof *environment);
    environment->header = HEADER(TYPE_ENVIRONMENT, 0);
    gait_init(&environment->name, name);
    gait_init(&environment->parent, parent);
    gait_init(&environment->names, live[2]);
    gait_init(&environment->exports, NIL);
    gait_init(&environment->body, FALSE);
    gait_pop_frame(vm->mutator);
    return (value)environment;
}

value environment_lookup(value environment, value symbol) {
    for (; environment != FALSE; environment = environment_of(environment)->parent) {
        value meaning = table_get(environment_of(environment)->names, symbol, 0);
        if (meaning)
            return meaning;
    }
    return 0;
}

void environment_bind(struct vm *vm, value environment, value symbol, value meaning) {
    table_put(vm, environment_of(environment)->names, symbol, meaning);
}

static value bind_global(struct vm *vm, value environment, value symbol, value content) {
    value live[3] = {environment, symbol, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    live[2] = make_global(vm, symbol, content, environment);
    environment_bind(vm, environment, symbol, live[2]);
    gait_pop_frame(vm->mutator);
    return live[2];
}

value environment_define(struct vm *vm, value environment, value symbol) {
    value own = table_get(environment_of(environment)->names, symbol, 0);
    if (own && has_type(own, TYPE_GLOBAL) && global_of(own)->home == environment)
        return own;
    /* Until it is defined, it is what it was. */
    value known = environment_lookup(environment, symbol);
    bool global = known && has_type(known, TYPE_GLOBAL);
    return bind_global(vm, environment, symbol, global ? global_of(known)->content : UNDEFINED);
}

value environment_global(struct vm *vm, value environment, value symbol) {
    value known = environment_lookup(environment, symbol);
    if (known && has_type(known, TYPE_GLOBAL))
        return known;
    return bind_global(vm, environment, symbol, UNDEFINED);
}

void environment_announce(struct vm *vm, value environment, value forms) {
    value define = vm->known[KNOWN_define], begin = vm->known[KNOWN_begin];
    for (; is_pair(forms); forms = cdr(forms)) {
        value form = car(forms);
        if (!is_pair(form) || !is_pair(cdr(form)))
            continue;
        if (car(form) == begin && !c_stack_is_low(vm)) /* else it won't compile */
            environment_announce(vm, environment, cdr(form));
        if (car(form) != define)
            continue;
        value target = car(cdr(form));
        while (is_pair(target))
            target = car(target);
        if (is_symbol(target) && environment_lookup(environment, target))
            environment_define(vm, environment, target);
    }
}

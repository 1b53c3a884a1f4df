/* SPDX-License-Identifier: MIT */
/*
 * Evaluation: a tree of lists. A scope is a pair: its bindings, a list of (name . value), and the
 * scope around it.
 */
#include "tiny.h"

/* The pair (name . value), or nil. */
static value find_binding(value name, value scope) {
    for (; scope; scope = tail_of(scope))
        for (value at = head_of(scope); at; at = tail_of(at))
            if (head_of(head_of(at)) == name)
                return head_of(at);
    return 0;
}

static value look_up(value name, value scope) {
    value binding = find_binding(name, scope);
    if (!binding)
        raise_text("not defined", name);
    return tail_of(binding);
}

void define(value scope, value name, value item) {
    ROOTS(kept, 2);
    kept[0] = scope;
    kept[1] = cons(name, item);
    kept[1] = cons(kept[1], head_of(scope));
    store((void *)kept[0], &((struct pair *)kept[0])->head, kept[1]);
    UNROOT();
}

void assign(value scope, value name, value item) {
    value binding = find_binding(name, scope);
    if (!binding)
        raise_text("not defined", name);
    store((void *)binding, &((struct pair *)binding)->tail, item);
}

/* All forms of a list; the last one's value. */
value evaluate_all(value forms, value scope) {
    ROOTS(kept, 3);
    kept[0] = forms;
    kept[1] = scope;
    for (; kept[0]; kept[0] = tail_of(kept[0]))
        kept[2] = evaluate(head_of(kept[0]), kept[1]);
    value last = kept[2];
    UNROOT();
    return last;
}

/* A new list of the values of a list's forms. */
static value evaluate_each(value forms, value scope) {
    ROOTS(kept, 4);
    kept[0] = forms;
    kept[1] = scope;
    for (; kept[0]; kept[0] = tail_of(kept[0])) {
        value fresh = cons(evaluate(head_of(kept[0]), kept[1]), 0);
        if (kept[3])
            store((void *)kept[3], &((struct pair *)kept[3])->tail, fresh);
        else
            kept[2] = fresh;
        kept[3] = fresh;
    }
    value first = kept[2];
    UNROOT();
    return first;
}

value apply(value callee, value arguments) {
    if (is_a(callee, TYPE_BUILTIN))
        return call_builtin(((struct builtin *)callee)->index, arguments);
    if (!is_a(callee, TYPE_FUNCTION))
        raise_text("can't be called", callee);
    ROOTS(kept, 4);
    kept[0] = callee;
    kept[1] = arguments;
    kept[2] = cons(0, ((struct function *)callee)->scope);
    kept[3] = ((struct function *)kept[0])->parameters;
    for (; kept[3] && kept[1]; kept[3] = tail_of(kept[3]), kept[1] = tail_of(kept[1]))
        define(kept[2], head_of(kept[3]), head_of(kept[1]));
    value result = evaluate_all(((struct function *)kept[0])->body, kept[2]);
    UNROOT();
    return result;
}

value evaluate(value form, value scope) {
    gait_poll(
        tiny.mutator); /* a call may loop without allocating: form and scope are the caller's */
    if (is_a(form, TYPE_NAME))
        return look_up(form, scope);
    if (!is_a(form, TYPE_PAIR))
        return form;
    ROOTS(kept, 4);
    kept[0] = form;
    kept[1] = scope;
    kept[2] = evaluate(head_of(form), scope);
    value result;
    if (is_special(kept[2])) {
        result = evaluate_special(kept[2], tail_of(kept[0]), kept[1]);
    } else {
        kept[3] = evaluate_each(tail_of(kept[0]), kept[1]);
        result = apply(kept[2], kept[3]);
    }
    UNROOT();
    return result;
}

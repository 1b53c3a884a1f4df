/* SPDX-License-Identifier: MIT */
/* What programs can call: special forms, which get their forms as they are, and functions. */
#include "tiny.h"

/* ---- Special forms ---- */

static value do_quote(value forms, value scope) {
    (void)scope;
    return head_of(forms);
}

static value do_if(value forms, value scope) {
    value rest = tail_of(forms);
    if (evaluate(head_of(forms), scope))
        return evaluate(head_of(rest), scope);
    return evaluate_all(tail_of(rest), scope);
}

static value do_def(value forms, value scope) {
    ROOTS(kept, 1);
    kept[0] = evaluate(head_of(tail_of(forms)), scope);
    define(scope, head_of(forms), kept[0]);
    UNROOT();
    return 0;
}

static value do_set(value forms, value scope) {
    value item = evaluate(head_of(tail_of(forms)), scope);
    assign(scope, head_of(forms), item);
    return item;
}

static value do_fn(value forms, value scope) {
    struct function *made = allocate(tiny.function, sizeof *made, TYPE_FUNCTION);
    gait_init(&made->parameters, head_of(forms));
    gait_init(&made->body, tail_of(forms));
    gait_init(&made->scope, scope);
    return (value)made;
}

static value do_do(value forms, value scope) {
    ROOTS(kept, 1);
    kept[0] = cons(0, scope);
    value last = evaluate_all(forms, kept[0]);
    UNROOT();
    return last;
}

static value do_while(value forms, value scope) {
    while (evaluate(head_of(forms), scope)) {
        evaluate_all(tail_of(forms), scope);
        if (gait_finalizers_pending(tiny.heap))
            run_finalizers(); /* where the language lets them run */
    }
    return 0;
}

/* (try form handler): the handler gets the error. */
static value do_try(value forms, value scope) {
    struct catcher catcher;
    try_begin(&catcher);
    if (setjmp(catcher.place) == 0) {
        value item = evaluate(head_of(forms), scope);
        try_end(&catcher);
        return item;
    }
    caught(&catcher);
    ROOTS(kept, 2);
    kept[0] = evaluate(head_of(tail_of(forms)), scope);
    kept[1] = cons(tiny.failure, 0);
    tiny.failure = 0;
    value item = apply(kept[0], kept[1]);
    UNROOT();
    return item;
}

/* ---- Functions ---- */

static value argument(value arguments, int index) {
    for (; index > 0 && arguments; index--)
        arguments = tail_of(arguments);
    return arguments ? head_of(arguments) : 0;
}
static intptr_t number_at(value arguments, int index) {
    value v = argument(arguments, index);
    if (!is_number(v))
        raise_text("not a number", v);
    return number_of(v);
}
#define FIRST argument(arguments, 0)
#define SECOND argument(arguments, 1)
#define THIRD argument(arguments, 2)
#define TRUTH(condition) ((condition) ? NUMBER(1) : 0)

static value do_array(value arguments) {
    ROOTS(kept, 2);
    kept[0] = arguments;
    kept[1] = array_new();
    for (; kept[0]; kept[0] = tail_of(kept[0]))
        array_push(kept[1], head_of(kept[0]));
    value made = kept[1];
    UNROOT();
    return made;
}
static value do_push(value arguments) {
    array_push(FIRST, SECOND);
    return FIRST;
}
static value do_put_at(value arguments) {
    array_put(FIRST, number_at(arguments, 1), THIRD);
    return FIRST;
}
static value do_length(value arguments) {
    if (!is_a(FIRST, TYPE_ARRAY))
        raise_text("not an array", FIRST);
    return NUMBER(((struct array *)FIRST)->count);
}
static value do_put(value arguments) {
    table_put(FIRST, SECOND, THIRD);
    return FIRST;
}
static value do_mode(value arguments) {
    table_mode(FIRST, (unsigned)number_at(arguments, 1));
    return FIRST;
}
static value do_set_tail(value arguments) {
    value pair = FIRST;
    if (!is_a(pair, TYPE_PAIR))
        raise_text("not a pair", pair);
    store((void *)pair, &((struct pair *)pair)->tail, SECOND);
    return pair;
}
static value do_name(value arguments) {
    char text[40];
    int length = snprintf(text, sizeof text, "name-%ld", (long)number_at(arguments, 0));
    return name_of(text, (size_t)length);
}
static value do_text(value arguments) {
    return text_of("text", (size_t)(number_at(arguments, 0) & 3) + 1);
}
static value do_finalize(value arguments) {
    finalize(FIRST, SECOND, true);
    return FIRST;
}
static value do_finalize_any(value arguments) {
    finalize(FIRST, SECOND, false);
    return FIRST;
}
static value do_register(value arguments) {
    registry_put(FIRST, SECOND, (unsigned)number_at(arguments, 2));
    return SECOND;
}
static value do_unwatch(value arguments) {
    unwatch(number_at(arguments, 0));
    return 0;
}
static value do_cleanup(value arguments) {
    cleanup(FIRST, SECOND);
    return FIRST;
}
static value do_collect(value arguments) {
    (void)arguments;
    gait_collect(tiny.mutator);
    return 0;
}
static value do_check(value arguments) {
    tiny.checks++;
    if (!FIRST)
        raise_text("not so", SECOND);
    return FIRST;
}
static value do_print(value arguments) {
    print_value(stdout, FIRST);
    printf("\n");
    return FIRST;
}
static _Noreturn value do_error(value arguments) { raise_value(FIRST); }

#define SIMPLE(name, what)                                                                         \
    static value name(value arguments) {                                                           \
        (void)arguments;                                                                           \
        return what;                                                                               \
    }
SIMPLE(do_add, NUMBER(number_at(arguments, 0) + number_at(arguments, 1)))
SIMPLE(do_subtract, NUMBER(number_at(arguments, 0) - number_at(arguments, 1)))
SIMPLE(do_less, TRUTH(number_at(arguments, 0) < number_at(arguments, 1)))
SIMPLE(do_same, TRUTH(FIRST == SECOND))
SIMPLE(do_not, TRUTH(!FIRST))
SIMPLE(do_cons, cons(FIRST, SECOND))
SIMPLE(do_list, arguments)
SIMPLE(do_head, head_of(FIRST))
SIMPLE(do_tail, tail_of(FIRST))
SIMPLE(do_copy, array_copy(FIRST))
SIMPLE(do_at, *array_at(FIRST, number_at(arguments, 1)))
SIMPLE(do_table, table_new())
SIMPLE(do_get, table_get(FIRST, SECOND))
SIMPLE(do_count, NUMBER(table_count(FIRST)))
SIMPLE(do_names, NUMBER(names_live()))
SIMPLE(do_gen, generator_new(FIRST))
SIMPLE(do_next, generator_next(FIRST, SECOND))
SIMPLE(do_yield, generator_yield(FIRST))
SIMPLE(do_generators, NUMBER(generators_live()))
SIMPLE(do_registered, registry_get(FIRST))
SIMPLE(do_registry, NUMBER(registry_count()))
SIMPLE(do_watch, watch(FIRST, SECOND != 0))
SIMPLE(do_watched, watched(number_at(arguments, 0)))
SIMPLE(do_run, NUMBER(run_finalizers()))
SIMPLE(do_finalized, NUMBER(tiny.finalized))

static const struct {
    const char *name;
    value (*special)(value forms, value scope);
    value (*function)(value arguments);
} builtins[] = {
    {"quote", do_quote, NULL},
    {"if", do_if, NULL},
    {"def", do_def, NULL},
    {"set", do_set, NULL},
    {"fn", do_fn, NULL},
    {"do", do_do, NULL},
    {"while", do_while, NULL},
    {"try", do_try, NULL},
    {"+", NULL, do_add},
    {"-", NULL, do_subtract},
    {"<", NULL, do_less},
    {"same", NULL, do_same},
    {"not", NULL, do_not},
    {"cons", NULL, do_cons},
    {"list", NULL, do_list},
    {"head", NULL, do_head},
    {"tail", NULL, do_tail},
    {"set-tail", NULL, do_set_tail},
    {"array", NULL, do_array},
    {"push", NULL, do_push},
    {"at", NULL, do_at},
    {"put-at", NULL, do_put_at},
    {"length", NULL, do_length},
    {"copy", NULL, do_copy},
    {"table", NULL, do_table},
    {"get", NULL, do_get},
    {"put", NULL, do_put},
    {"mode", NULL, do_mode},
    {"count", NULL, do_count},
    {"name", NULL, do_name},
    {"names", NULL, do_names},
    {"text", NULL, do_text},
    {"gen", NULL, do_gen},
    {"next", NULL, do_next},
    {"yield", NULL, do_yield},
    {"generators", NULL, do_generators},
    {"finalize", NULL, do_finalize},
    {"finalize-any", NULL, do_finalize_any},
    {"register", NULL, do_register},
    {"registered", NULL, do_registered},
    {"registry", NULL, do_registry},
    {"watch", NULL, do_watch},
    {"watched", NULL, do_watched},
    {"unwatch", NULL, do_unwatch},
    {"cleanup", NULL, do_cleanup},
    {"run", NULL, do_run},
    {"finalized", NULL, do_finalized},
    {"collect", NULL, do_collect},
    {"check", NULL, do_check},
    {"print", NULL, do_print},
    {"error", NULL, do_error},
};

bool is_special(value v) {
    return is_a(v, TYPE_BUILTIN) && builtins[((struct builtin *)v)->index].special;
}

value evaluate_special(value v, value forms, value scope) {
    return builtins[((struct builtin *)v)->index].special(forms, scope);
}

value call_builtin(size_t index, value arguments) {
    if (!builtins[index].function)
        raise_text("a special form can't be handed over", 0);
    return builtins[index].function(arguments);
}

void builtins_define(void) {
    ROOTS(kept, 2);
    tiny.scope = cons(0, 0);
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
        kept[0] = name_of(builtins[i].name, strlen(builtins[i].name));
        struct builtin *made = allocate(tiny.leaf, sizeof *made, TYPE_BUILTIN);
        made->index = i;
        kept[1] = (value)made;
        define(tiny.scope, kept[0], kept[1]);
    }
    UNROOT();
}

/* SPDX-License-Identifier: MIT */
/*
 * How errors are made, and what they say.
 *
 * A message begins with the name of the procedure that was called, and a colon. Then:
 *
 *   car: not a pair: 5                              the wrong type, of the only argument
 *   vector-ref: argument 1 is not a vector: 5       of one of several
 *   vector-ref: index is out of range 0..2: 10      what is accepted
 *   f: takes at least 2 arguments, got 1            a wrong count
 *   procedure at FILE:LINE: takes 1 argument, got 2 of one without a name
 *
 * What follows the last colon are the error object's irritants; a count has none.
 */
#include "vm.h"

#include <stdarg.h>
#include <stdio.h>

value raise_value(struct vm *vm, value condition) {
    vm->raised = condition;
    return RAISED;
}

value call_instead(struct vm *vm, enum hook hook) {
    vm->instead = global_of(vm->hooks[hook])->content;
    return RAISED;
}

value raise_error(struct vm *vm, const char *who, const char *message, int count, ...) {
    value live[6] = {0};
    va_list arguments;
    va_start(arguments, count);
    for (int i = 0; i < count; i++)
        live[i] = va_arg(arguments, value);
    va_end(arguments);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 6);
    live[4] = list_of(vm, count, live);
    live[5] = make_formatted(vm, "%s%s%s", who ? who : "", who ? ": " : "", message);
    value condition = make_condition(vm, CONDITION_ERROR, live[5], live[4]);
    gait_pop_frame(vm->mutator);
    return raise_value(vm, condition);
}

/* ---- Arguments ------------------------------------------------------------------------------ */

value raise_argument(struct vm *vm, const char *procedure, int position, const char *expected,
                     value got) {
    char message[120], which[40] = "";
    const char *article = strchr("aeiou", expected[0]) ? "an" : "a";
    if (position)
        snprintf(which, sizeof which, "argument %d is ", position);
    snprintf(message, sizeof message, "%snot %s %s:", which, article, expected);
    return raise_error(vm, procedure, message, 1, got);
}

value raise_type(struct vm *vm, const char *procedure, const char *expected, value got) {
    return raise_argument(vm, procedure, 0, expected, got);
}

value raise_index(struct vm *vm, const char *procedure, size_t limit, value got) {
    char message[80];
    if (limit)
        snprintf(message, sizeof message, "index is out of range 0..%zu:", limit - 1);
    else
        snprintf(message, sizeof message, "there is nothing at an index:");
    return raise_error(vm, procedure, message, 1, got);
}

/* ---- Counts --------------------------------------------------------------------------------- */

#define NAME_BYTES 200
#define ANY UINT64_MAX

static void name_symbol(char *name, value symbol) {
    char *text = string_utf8(symbol_of(symbol)->name, NULL);
    snprintf(name, NAME_BYTES, "%s", text);
    free(text);
}

/* What a message calls a procedure. */
static void name_procedure(char *name, value procedure) {
    if (has_type(procedure, TYPE_CASE_LAMBDA) && length_of(procedure))
        procedure = case_lambda_of(procedure)->closures[0];
    if (has_type(procedure, TYPE_BUILTIN)) {
        name_symbol(name, builtin_of(procedure)->name);
    } else if (has_type(procedure, TYPE_CLOSURE)) {
        value code = closure_of(procedure)->code;
        if (is_symbol(code_of(code)->name)) {
            name_symbol(name, code_of(code)->name);
        } else if (is_string(code_of(code)->file)) {
            char *file = string_utf8(code_of(code)->file, NULL);
            snprintf(name, NAME_BYTES, "procedure at %s:%u", file,
                     code_line(code, code_of(code)->start + 1));
            free(file);
        } else {
            snprintf(name, NAME_BYTES, "procedure without a name");
        }
    } else {
        snprintf(name, NAME_BYTES, "%s",
                 has_type(procedure, TYPE_PARAMETER) ? "parameter" : "procedure");
    }
}

/* Append to a text of that size; what does not fit is left out. */
static void append(char *text, size_t room, const char *more) {
    size_t used = strlen(text);
    snprintf(text + used, room - used, "%s", more);
}

/* "2", "at least 2", "2 or 3", "2 to 4" */
static void append_accepted(char *text, size_t room, uint64_t least, uint64_t most) {
    char accepted[64];
    if (most == ANY)
        snprintf(accepted, sizeof accepted, "at least %llu", (unsigned long long)least);
    else if (most != least)
        snprintf(accepted, sizeof accepted, "%llu %s %llu", (unsigned long long)least,
                 most == least + 1 ? "or" : "to", (unsigned long long)most);
    else
        snprintf(accepted, sizeof accepted, "%llu", (unsigned long long)least);
    append(text, room, accepted);
}

static void append_closure(char *text, size_t room, value closure) {
    uint64_t arity = code_of(closure_of(closure)->code)->arity;
    append_accepted(text, room, arity >> 1, arity & 1 ? ANY : arity >> 1);
}

value raise_count(struct vm *vm, value procedure, size_t count) {
    char name[NAME_BYTES], accepted[200] = "";
    name_procedure(name, procedure);
    if (has_type(procedure, TYPE_BUILTIN)) {
        struct builtin *builtin = builtin_of(procedure);
        append_accepted(accepted, sizeof accepted, (uint64_t)builtin->least,
                        builtin->most < 0 ? ANY : (uint64_t)builtin->most);
    } else if (has_type(procedure, TYPE_CLOSURE)) {
        append_closure(accepted, sizeof accepted, procedure);
    } else if (has_type(procedure, TYPE_CASE_LAMBDA)) {
        size_t choices = length_of(procedure);
        for (size_t i = 0; i < choices; i++) {
            if (i)
                append(accepted, sizeof accepted, i + 1 < choices ? ", " : " or ");
            append_closure(accepted, sizeof accepted, case_lambda_of(procedure)->closures[i]);
        }
    }
    const char *some = *accepted && strcmp(accepted, "0") ? accepted : "no";
    size_t length = strlen(some);
    bool one = some[length - 1] == '1' && (length == 1 || some[length - 2] == ' ');
    char text[NAME_BYTES + 300];
    snprintf(text, sizeof text, "%s: takes %s argument%s, got %zu", name, some, one ? "" : "s",
             count);
    return raise_error(vm, NULL, text, 0);
}

/* ---- Records -------------------------------------------------------------------------------- */

/* The procedure that runs is the accessor or modifier. */
value raise_record(struct vm *vm, value type, value got) {
    char name[NAME_BYTES], type_name[NAME_BYTES], message[NAME_BYTES + 40];
    name_procedure(name, vm->self);
    if (!has_type(type, TYPE_RECORD_TYPE))
        return raise_error(vm, name, "not a record type:", 1, type);
    name_symbol(type_name, record_type_of(type)->name);
    snprintf(message, sizeof message, "not a record of type %s:", type_name);
    return raise_error(vm, name, message, 1, got);
}

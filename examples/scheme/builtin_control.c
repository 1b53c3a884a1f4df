/* SPDX-License-Identifier: MIT */
/*
 * Equality, booleans, procedures, records, promises, parameters, conditions, and the registers that
 * the prelude builds dynamic-wind and exception handlers on.
 */
#include "builtin.h"
#include "compile.h"

bool is_procedure(value v) {
    if (!is_object(v))
        return false;
    switch (header_of(v) & 0xff) {
    case TYPE_CLOSURE:
    case TYPE_CASE_LAMBDA:
    case TYPE_BUILTIN:
    case TYPE_CONTINUATION:
    case TYPE_PARAMETER:
        return true;
    default:
        return false;
    }
}

/* (%accepts? procedure n): can it be called with n arguments? */
BUILTIN(accepts_p) {
    int64_t wanted = fixnum_value(a[1]);
    if (has_type(a[0], TYPE_BUILTIN)) {
        struct builtin *builtin = builtin_of(a[0]);
        return boolean(wanted >= builtin->least && (builtin->most < 0 || wanted <= builtin->most));
    }
    /* A case-lambda is assumed to have a clause for it. */
    return boolean(!has_type(a[0], TYPE_CLOSURE) || closure_accepts(a[0], (uint64_t)wanted));
}

static bool is_promise(value v) { return has_type(v, TYPE_PROMISE); }
static bool is_parameter(value v) { return has_type(v, TYPE_PARAMETER); }
static bool is_condition(value v) { return has_type(v, TYPE_CONDITION); }

PREDICATE(eq_p, a[0] == a[1])
PREDICATE(eqv_p, is_eqv(a[0], a[1]))
PREDICATE(equal_p, is_equal(a[0], a[1]))
PREDICATE(not_, a[0] == FALSE)
PREDICATE(boolean_p, is_boolean(a[0]))
PREDICATE(procedure_p, is_procedure(a[0]))
PREDICATE(eof_object_p, a[0] == END_OF_FILE)
PREDICATE(default_object_p, a[0] == ABSENT)

BUILTIN(booleans_equal_p) {
    NEED_ALL(is_boolean, "boolean=?", "boolean");
    return all_same(count, a);
}

BUILTIN(eof_object) { return END_OF_FILE; }

BUILTIN(unspecified) { return UNSPECIFIED; }

BUILTIN(values) { return count == 1 ? a[0] : make_values(vm, (size_t)count, a); }

/* ---- Boxes --------------------------------------------------------------------------------- */

static bool is_box(value v) { return has_type(v, TYPE_BOX); }

BUILTIN(box) { return make_box(vm, a[0]); }
PREDICATE(box_p, is_box(a[0]))

BUILTIN(unbox) {
    NEED(is_box, "unbox", "box", a[0]);
    return box_of(a[0])->content;
}

BUILTIN(set_box) {
    NEED(is_box, "set-box!", "box", a[0]);
    store(vm, &box_of(a[0])->content, a[1]);
    return UNSPECIFIED;
}

/* ---- Records ------------------------------------------------------------------------------- */

static bool is_record_type(value v) { return has_type(v, TYPE_RECORD_TYPE); }

BUILTIN(make_record_type) {
    struct record_type *type = allocate(vm, TYPE_RECORD_TYPE, sizeof *type);
    type->header = HEADER(TYPE_RECORD_TYPE, 0);
    gait_init(&type->name, a[0]);
    gait_init(&type->fields, a[1]);
    return (value)type;
}

/* (%make-record type field …) */
BUILTIN(make_record) {
    NEED(is_record_type, "make-record", "record type", a[0]);
    size_t fields = (size_t)count - 1;
    struct record *record = allocate(vm, TYPE_RECORD, sizeof *record + fields * sizeof(value));
    record->header = HEADER(TYPE_RECORD, fields);
    gait_init(&record->type, a[0]);
    for (size_t i = 0; i < fields; i++)
        gait_init(&record->fields[i], a[i + 1]);
    return (value)record;
}

PREDICATE(record_p, has_type(a[0], TYPE_RECORD) && (count == 1 || record_of(a[0])->type == a[1]))

static bool is_field(value *a, value index) {
    return has_type(a[0], TYPE_RECORD) && record_of(a[0])->type == a[1] && is_fixnum(index) &&
           (uint64_t)fixnum_value(index) < length_of(a[0]);
}

BUILTIN(record_ref) {
    if (!is_field(a, a[2]))
        return raise_record(vm, a[1], a[0]);
    return record_of(a[0])->fields[fixnum_value(a[2])];
}

BUILTIN(record_set) {
    if (!is_field(a, a[3]))
        return raise_record(vm, a[1], a[0]);
    store(vm, &record_of(a[0])->fields[fixnum_value(a[3])], a[2]);
    return UNSPECIFIED;
}

/* ---- Promises: a shared box of (done? . value or thunk) ------------------------------------ */

BUILTIN(make_promise) {
    a[1] = cons(vm, a[0], a[1]);
    a[1] = make_box(vm, a[1]);
    struct promise *promise = allocate(vm, TYPE_PROMISE, sizeof *promise);
    promise->header = HEADER(TYPE_PROMISE, 0);
    gait_init(&promise->box, a[1]);
    return (value)promise;
}

PREDICATE(promise_p, is_promise(a[0]))

BUILTIN(promise_content) {
    NEED(is_promise, "force", "promise", a[0]);
    return box_of(promise_of(a[0])->box)->content;
}

/* The first promise becomes what the second one is, and they share their fate from now on. */
BUILTIN(promise_join) {
    NEED(is_promise, "force", "promise", a[0]);
    NEED(is_promise, "delay-force", "promise", a[1]);
    struct pair *to = pair_of(box_of(promise_of(a[0])->box)->content);
    struct pair *from = pair_of(box_of(promise_of(a[1])->box)->content);
    store(vm, &to->car, from->car);
    store(vm, &to->cdr, from->cdr);
    store(vm, &promise_of(a[1])->box, promise_of(a[0])->box);
    return UNSPECIFIED;
}

/* ---- Parameters ---------------------------------------------------------------------------- */

BUILTIN(make_parameter) {
    struct parameter *parameter = allocate(vm, TYPE_PARAMETER, sizeof *parameter);
    parameter->header = HEADER(TYPE_PARAMETER, 0);
    gait_init(&parameter->content, a[0]);
    gait_init(&parameter->converter, a[1]);
    return (value)parameter;
}

BUILTIN(parameter_converter) {
    NEED(is_parameter, "parameterize", "parameter", a[0]);
    return parameter_of(a[0])->converter;
}

BUILTIN(parameter_set) {
    NEED(is_parameter, "parameterize", "parameter", a[0]);
    store(vm, &parameter_of(a[0])->content, a[1]);
    return UNSPECIFIED;
}

/* ---- Conditions ---------------------------------------------------------------------------- */

/* (error message irritant …) without the raising. */
BUILTIN(make_condition_) {
    a[0] = make_condition(vm, CONDITION_ERROR, a[0], list_of(vm, count - 1, a + 1));
    return a[0];
}

BUILTIN(error) { return raise_value(vm, make_condition_(vm, count, a)); }

PREDICATE(error_object_p, is_condition(a[0]))
PREDICATE(file_error_p, is_condition(a[0]) && condition_kind(a[0]) == CONDITION_FILE)
PREDICATE(read_error_p, is_condition(a[0]) && condition_kind(a[0]) == CONDITION_READ)
PREDICATE(stack_overflow_p, is_condition(a[0]) && condition_kind(a[0]) == CONDITION_STACK)

BUILTIN(condition_message) {
    NEED(is_condition, "error-object-message", "error object", a[0]);
    return condition_of(a[0])->message;
}

BUILTIN(condition_irritants) {
    NEED(is_condition, "error-object-irritants", "error object", a[0]);
    return condition_of(a[0])->irritants;
}

/* ---- Registers ----------------------------------------------------------------------------- */

#define REGISTER(name)                                                                             \
    BUILTIN(name) { return vm->name; }                                                             \
    BUILTIN(set_##name) {                                                                          \
        vm->name = a[0];                                                                           \
        return UNSPECIFIED;                                                                        \
    }
REGISTER(handlers)
REGISTER(winders)

BUILTIN(continuation_winders) { return continuation_of(a[0])->winders; }

/* ---- Instructions: %apply and its kin are inlined where they are in tail position, which is the
 * only place where they are any good. */

BUILTIN(tail_only) { return raise_error(vm, NULL, "is only for tail calls", 0); }

/* ---- eval ---------------------------------------------------------------------------------- */

static bool is_environment(value v) { return has_type(v, TYPE_ENVIRONMENT); }

/* (%compile forms environment source): the first of them as a procedure without arguments. */
BUILTIN(compile) {
    NEED(is_pair, "eval", "list", a[0]);
    NEED(is_environment, "eval", "environment", a[1]);
    return compile_form(vm, car(a[0]), source_line(a[2], a[0]), a[1], a[2], cdr(a[0]) == NIL);
}

/* (%announce environment forms): see environment_announce */
BUILTIN(announce) {
    NEED(is_environment, "load", "environment", a[0]);
    environment_announce(vm, a[0], a[1]);
    return UNSPECIFIED;
}

/* (%library-body! library): its body that was not run yet, or #f; from now on it was. */
BUILTIN(library_body) {
    NEED(is_environment, "import", "environment", a[0]);
    value body = environment_of(a[0])->body;
    store(vm, &environment_of(a[0])->body, FALSE);
    return body;
}

BUILTIN(library_forget_) {
    library_forget(vm, a[0]);
    return UNSPECIFIED;
}

/* (%beside file name): see folder_beside */
BUILTIN(beside) {
    NEED(is_string, "load", "string", a[1]);
    return folder_beside(vm, a[0], a[1]);
}

BUILTIN(interaction_environment) { return vm->interaction; }

/* An environment that has only what it will import. */
BUILTIN(new_environment) { return make_environment(vm, FALSE, vm->bare); }

/* The same for the program's: it starts with an import. */
BUILTIN(only_import) {
    store(vm, &environment_of(vm->interaction)->parent, vm->bare);
    return UNSPECIFIED;
}

void builtin_control_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"eq?", eq_p, 2, 2},
        {"eqv?", eqv_p, 2, 2},
        {"equal?", equal_p, 2, 2},
        {"not", not_, 1, 1},
        {"boolean?", boolean_p, 1, 1},
        {"boolean=?", booleans_equal_p, 1, -1},
        {"procedure?", procedure_p, 1, 1},
        {"%accepts?", accepts_p, 2, 2},
        {"eof-object", eof_object, 0, 0},
        {"eof-object?", eof_object_p, 1, 1},
        {"default-object?", default_object_p, 1, 1},
        {"void", unspecified, 0, -1},
        {"values", values, 0, -1},
        {"box", box, 1, 1},
        {"box?", box_p, 1, 1},
        {"unbox", unbox, 1, 1},
        {"set-box!", set_box, 2, 2},
        {"%make-record-type", make_record_type, 2, 2},
        {"%make-record", make_record, 1, -1},
        {"%record?", record_p, 1, 2},
        {"%record-ref", record_ref, 3, 3},
        {"%record-set!", record_set, 4, 4},
        {"%make-promise", make_promise, 2, 2},
        {"promise?", promise_p, 1, 1},
        {"%promise-content", promise_content, 1, 1},
        {"%promise-join!", promise_join, 2, 2},
        {"%make-parameter", make_parameter, 2, 2},
        {"%parameter-converter", parameter_converter, 1, 1},
        {"%parameter-set!", parameter_set, 2, 2},
        {"%make-condition", make_condition_, 1, -1},
        {"error", error, 0, -1},
        {"error-object?", error_object_p, 1, 1},
        {"file-error?", file_error_p, 1, 1},
        {"read-error?", read_error_p, 1, 1},
        {"%stack-overflow?", stack_overflow_p, 1, 1},
        {"error-object-message", condition_message, 1, 1},
        {"error-object-irritants", condition_irritants, 1, 1},
        {"condition/report-string", condition_message, 1, 1},
        {"%handlers", handlers, 0, 0},
        {"%set-handlers!", set_handlers, 1, 1},
        {"%winders", winders, 0, 0},
        {"%set-winders!", set_winders, 1, 1},
        {"%continuation-winders", continuation_winders, 1, 1},
        {"%apply", tail_only, 2, 2},
        {"%apply-values", tail_only, 2, 2},
        {"%call/cc", tail_only, 1, 1},
        {"%throw", tail_only, 2, 2},
        {"%compile", compile, 3, 3},
        {"%announce", announce, 2, 2},
        {"%library-body!", library_body, 1, 1},
        {"%library-forget!", library_forget_, 1, 1},
        {"%beside", beside, 2, 2},
        {"interaction-environment", interaction_environment, 0, 0},
        {"%new-environment", new_environment, 0, 0},
        {"%only-import!", only_import, 0, 0},
    };
    DEFINE_BUILTINS(vm, entries);
}

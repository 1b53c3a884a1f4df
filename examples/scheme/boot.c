/* SPDX-License-Identifier: MIT */
/*
 * What there is before a program runs: the ports, the names of forms and builtins, the prelude.
 */
#include "compile.h"
#include "prelude.h"

#include <unistd.h>

static value make_port_parameter(struct vm *vm, const char *name, int descriptor, unsigned flags) {
    value port = keep(vm, port_open_descriptor(vm, descriptor, name, flags));
    struct parameter *parameter = allocate(vm, TYPE_PARAMETER, sizeof *parameter);
    parameter->header = HEADER(TYPE_PARAMETER, 0);
    gait_init(&parameter->content, port);
    gait_init(&parameter->converter, FALSE);
    vm->keep.count--;
    return (value)parameter;
}

static void define_names(struct vm *vm) {
    static const char *const known[] = {
#define X(name, spelling) spelling,
        KNOWN_SYMBOLS(X)
#undef X
    };
    static const char *const hooks[] = {
#define X(name, spelling) spelling,
        HOOKS(X)
#undef X
    };
    static const char *const forms[] = {
#define X(name, spelling, parser) spelling,
        SPECIAL_FORMS(X)
#undef X
    };
    for (int i = 0; i < KNOWN_COUNT; i++)
        vm->known[i] = intern_text(vm, known[i]);
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        value symbol = keep(vm, intern_text(vm, forms[i]));
        environment_bind(vm, vm->system, symbol, keyword(i));
        vm->keep.count--;
    }
    for (int i = 0; i < HOOK_COUNT; i++) {
        value symbol = keep(vm, intern_text(vm, hooks[i]));
        vm->hooks[i] = environment_global(vm, vm->system, symbol);
        vm->keep.count--;
    }
}

static void seal(value key, value content, void *data) {
    (void)key;
    (void)data;
    if (has_type(content, TYPE_GLOBAL))
        header_change(content, 0, GLOBAL_CONSTANT);
}

static bool run_prelude(struct vm *vm) {
    value text = keep(vm, make_string_utf8(vm, prelude_text, sizeof prelude_text));
    value port = keep(vm, port_open_buffer(vm, text, PORT_INPUT));
    value form;
    while ((form = read_datum_in(vm, port, FALSE, vm->syntax)) != END_OF_FILE) {
        value procedure = form ? compile_form(vm, form, 0, vm->system, FALSE, true) : RAISED;
        if (procedure == RAISED || machine_run(vm, procedure) == RAISED)
            return false;
    }
    vm->keep.count -= 2;
    struct environment *system = environment_of(vm->system);
    table_walk(system->names, seal, NULL);
    return true;
}

bool vm_boot(struct vm *vm, uint64_t stack_words) {
    vm_stack_init(vm, stack_words);
    vm->winders = vm->handlers = vm->libraries = vm->command_line = vm->library_path = vm->loading =
        NIL;
    vm->source = vm->instead = vm->library_folder = FALSE;
    vm->system = make_environment(vm, FALSE, FALSE);
    define_names(vm);
    vm->input = make_port_parameter(vm, "standard input", STDIN_FILENO, PORT_INPUT);
    vm->output = make_port_parameter(vm, "standard output", STDOUT_FILENO, PORT_OUTPUT);
    vm->error = make_port_parameter(vm, "standard error", STDERR_FILENO, PORT_OUTPUT);
    define_system(vm, "current-input-port", vm->input);
    define_system(vm, "current-output-port", vm->output);
    define_system(vm, "current-error-port", vm->error);
    builtin_lists_init(vm);
    builtin_numbers_init(vm);
    builtin_functions_init(vm);
    builtin_bitwise_init(vm);
    builtin_strings_init(vm);
    builtin_characters_init(vm);
    builtin_vectors_init(vm);
    builtin_control_init(vm);
    builtin_ports_init(vm);
    builtin_tables_init(vm);
    builtin_random_init(vm);
    builtin_system_init(vm);
    vm->interaction = make_environment(vm, FALSE, vm->system);
    vm->bare = make_environment(vm, FALSE, FALSE);
    environment_bind(vm, vm->bare, vm->known[KNOWN_import], keyword(FORM_IMPORT));
    environment_bind(vm, vm->bare, vm->known[KNOWN_define_library], keyword(FORM_DEFINE_LIBRARY));
    value message = keep(vm, make_text(vm, "out of memory"));
    vm->memory_condition = make_condition(vm, CONDITION_ERROR, message, NIL);
    vm->keep.count--;
    return run_prelude(vm);
}

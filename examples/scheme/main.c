/* SPDX-License-Identifier: MIT */
/*
 * The command: scheme [option…] [FILE…] [-- ARGUMENT…]
 *
 * Exit status: that of (exit), 1 after an error in a program, 2 for a command line or a setting in
 * the environment that is no good.
 */
#include "compile.h"
#include "prelude.h"

#include <gait/stats.h>
#include <stdio.h>
#include <unistd.h>

#define DEFAULT_STACK_MIB 512

static const char usage[] =
    "usage: scheme [OPTION...] [FILE...] [-- ARGUMENT...]\n"
    "  FILE           run a program; without one, what standard input holds\n"
    "  -e EXPRESSION  evaluate, and print the value\n"
    "  --stats        print the collector's figures at exit, to standard error\n"
    "  --stack MIB    how deep recursion may go (512)\n"
    "  --syntax WHERE where programs are read and compiled: arena (the default), apart (an arena\n"
    "                 for each form, to find what outlives it), or heap\n"
    "  --offheap SIZE bytevectors of so many bytes (65536) and more live off-heap; or none\n"
    "  --help         this\n";

/* ---- Starting ------------------------------------------------------------------------------ */

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

static bool boot(struct vm *vm, uint64_t stack_words) {
    vm_stack_init(vm, stack_words);
    vm->winders = vm->handlers = vm->libraries = vm->command_line = NIL;
    vm->source = vm->instead = FALSE;
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
    builtin_strings_init(vm);
    builtin_characters_init(vm);
    builtin_vectors_init(vm);
    builtin_control_init(vm);
    builtin_ports_init(vm);
    builtin_tables_init(vm);
    builtin_system_init(vm);
    vm->interaction = make_environment(vm, FALSE, vm->system);
    vm->bare = make_environment(vm, FALSE, FALSE);
    environment_bind(vm, vm->bare, vm->known[KNOWN_import], keyword(FORM_IMPORT));
    environment_bind(vm, vm->bare, keep(vm, intern_text(vm, "define-library")),
                     keyword(FORM_DEFINE_LIBRARY));
    vm->keep.count--;
    return run_prelude(vm);
}

/* ---- Running ------------------------------------------------------------------------------- */

/* Run the form (head argument …), whose parts are values. */
static value run_call(struct vm *vm, int count, const value *parts) {
    value form = list_of(vm, count, parts);
    keep(vm, form);
    value procedure = compile_form(vm, form, 0, vm->interaction, FALSE, true);
    vm->keep.count--;
    return procedure == RAISED ? RAISED : machine_run(vm, procedure);
}

static value run_file(struct vm *vm, const char *name) {
    value parts[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, parts, 2);
    parts[1] = make_text(vm, name);
    parts[0] = global_of(vm->hooks[HOOK_run_program])->content;
    value result = run_call(vm, 2, parts);
    gait_pop_frame(vm->mutator);
    return result;
}

/* The forms of a port, one by one: standard input, or the text of -e. */
static value run_port(struct vm *vm, value port, const char *name, bool show) {
    value parts[5] = {global_of(vm->hooks[HOOK_repl])->content, port, FALSE,
                      boolean(vm->interactive), boolean(show)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, parts, 5);
    parts[2] = make_text(vm, name);
    value result;
    do
        result = run_call(vm, 5, parts);
    while (vm->abandoned && !vm->halted);
    gait_pop_frame(vm->mutator);
    return result;
}

static value run_text(struct vm *vm, const char *text) {
    value port = port_open_buffer(vm, make_text(vm, text), PORT_INPUT);
    return run_port(vm, port, "-e", true);
}

static void set_command_line(struct vm *vm, int count, char **arguments) {
    for (int i = count; i-- > 0;) {
        value text = make_text(vm, arguments[i]);
        vm->command_line = cons(vm, text, vm->command_line);
    }
}

static void print_stats(struct vm *vm) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    if (gait_read_stats(vm->heap, &stats))
        return;
#define FIGURE(name, text)                                                                         \
    fprintf(stderr, "%-20s %15llu  %s\n", #name, (unsigned long long)stats.name, text);
    GAIT_STATS(FIGURE)
#undef FIGURE
    fprintf(stderr, "%-20s %15.4f  %s\n", "gc_cpu_fraction", stats.gc_cpu_fraction,
            "the collector's part of the CPU time");
}

/* ---- The command line ---------------------------------------------------------------------- */

struct options {
    const char *expression;
    bool stats;
    enum syntax_place syntax;
    uint64_t stack_mib;
    size_t offheap_least;     /* 0: as it is; SIZE_MAX: none */
    int first_file, file_end; /* in argv */
    int first_argument;       /* after -- */
};

static int reject(const char *what, const char *argument) {
    fprintf(stderr, PROGRAM_NAME ": %s: %s\n%s", what, argument, usage);
    return 2;
}

static bool parse_syntax(const char *word, enum syntax_place *place) {
    static const char *const words[] = {
        [SYNTAX_HEAP] = "heap", [SYNTAX_ARENA] = "arena", [SYNTAX_APART] = "apart"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(word, words[i])) {
            *place = (enum syntax_place)i;
            return true;
        }
    return false;
}

static bool parse_offheap(const char *word, size_t *least) {
    char *end;
    if (!strcmp(word, "none")) {
        *least = SIZE_MAX;
        return true;
    }
    *least = strtoull(word, &end, 10);
    return *least && word[0] != '-' && !*end;
}

/* @return -1 to go on, or an exit status. */
static int parse_options(struct options *options, int argc, char **argv) {
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            return 0;
        } else if (!strcmp(argv[i], "--stats")) {
            options->stats = true;
        } else if (!strcmp(argv[i], "--syntax") && i + 1 < argc) {
            if (!parse_syntax(argv[++i], &options->syntax))
                return reject("neither arena, apart nor heap", argv[i]);
        } else if (!strcmp(argv[i], "-e") && i + 1 < argc) {
            options->expression = argv[++i];
        } else if (!strcmp(argv[i], "--stack") && i + 1 < argc) {
            char *end;
            options->stack_mib = strtoull(argv[++i], &end, 10);
            if (*end || !options->stack_mib || options->stack_mib > 1 << 20)
                return reject("not a number of MiB", argv[i]);
        } else if (!strcmp(argv[i], "--offheap") && i + 1 < argc) {
            if (!parse_offheap(argv[++i], &options->offheap_least))
                return reject("neither none nor a number of bytes from 1", argv[i]);
        } else {
            return reject("unknown option", argv[i]);
        }
    }
    options->first_file = i;
    while (i < argc && strcmp(argv[i], "--"))
        i++;
    options->file_end = i;
    options->first_argument = i < argc ? i + 1 : argc;
    return -1;
}

/* The command line that the program sees: its file, then what follows --. */
static void give_command_line(struct vm *vm, const struct options *options, int argc, char **argv) {
    set_command_line(vm, argc - options->first_argument, argv + options->first_argument);
    char *name = options->first_file < options->file_end ? argv[options->first_file] : argv[0];
    set_command_line(vm, 1, &name);
}

static void run_all(struct vm *vm, const struct options *options, char **argv) {
    value result = TRUE;
    if (options->expression)
        result = run_text(vm, options->expression);
    for (int i = options->first_file; result && i < options->file_end; i++)
        result = run_file(vm, argv[i]);
    if (options->first_file == options->file_end && !options->expression) {
        vm->interactive = isatty(STDIN_FILENO);
        run_port(vm, parameter_of(vm->input)->content, "standard input", vm->interactive);
    }
}

int main(int argc, char **argv) {
    struct options options = {.stack_mib = DEFAULT_STACK_MIB, .syntax = SYNTAX_ARENA};
    int status = parse_options(&options, argc, argv);
    if (status >= 0)
        return status;
    static struct vm vm;
    char error[256];
    if (!vm_create(&vm, options.syntax, error, sizeof error)) {
        fprintf(stderr, PROGRAM_NAME ": %s\n", error);
        return 2;
    }
    if (options.offheap_least)
        vm.offheap_least = options.offheap_least;
    if (!boot(&vm, options.stack_mib * (1 << 20) / sizeof(value))) {
        fprintf(stderr, PROGRAM_NAME ": the prelude does not compile\n");
        return 2;
    }
    give_command_line(&vm, &options, argc, argv);
    run_all(&vm, &options, argv);
    port_flush_all(&vm);
    if (options.stats)
        print_stats(&vm);
    status = vm.status;
    gait_heap_destroy(vm.heap);
    return status;
}

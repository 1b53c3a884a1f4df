/* SPDX-License-Identifier: MIT */
/*
 * The command: what it runs, in which order (options.h), and how it ends.
 *
 * Exit status: that of (exit), 1 after an error in a program, 2 for a command line or a setting in
 * the environment that is no good.
 */
#include "compile.h"
#include "options.h"
#include "utf8.h"

#include <gait/stats.h>
#include <stdio.h>
#include <unistd.h>

/* ---- Running ------------------------------------------------------------------------------- */

/* Run the form (head argument …), whose parts are values. */
static value run_call(struct vm *vm, int count, const value *parts) {
    value form = list_of(vm, count, parts);
    keep(vm, form);
    value procedure = compile_form(vm, form, 0, vm->interaction, FALSE, true);
    vm->keep.count--;
    return procedure == RAISED ? RAISED : machine_run(vm, procedure);
}

static value run_file(struct vm *vm, enum hook how, const char *name) {
    value parts[2] = {0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, parts, 2);
    parts[1] = make_text(vm, name);
    parts[0] = global_of(vm->hooks[how])->content;
    value result = run_call(vm, 2, parts);
    gait_pop_frame(vm->mutator);
    return result;
}

/* The forms of a port, one by one: standard input, or the text of -e, whose values are shown. */
static value run_port(struct vm *vm, value port, const char *name, bool show) {
    value parts[4] = {global_of(vm->hooks[HOOK_run_port])->content, port, FALSE, boolean(show)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, parts, 4);
    parts[2] = make_text(vm, name);
    value result = run_call(vm, 4, parts);
    gait_pop_frame(vm->mutator);
    return result;
}

/* A prompt comes back after errors by itself, except for those that leave it no memory. */
static value run_prompt(struct vm *vm, value port, const char *name) {
    value parts[3] = {global_of(vm->hooks[HOOK_repl])->content, port, FALSE};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, parts, 3);
    parts[2] = make_text(vm, name);
    vm->interactive = true;
    port_write_text(vm, parameter_of(vm->output)->content, PROGRAM_NAME " (Gait) ");
    port_write_text(vm, parameter_of(vm->output)->content, gait_version());
    port_write_text(vm, parameter_of(vm->output)->content,
                    ": Ctrl-D or (exit) leaves, Ctrl-C comes back to the prompt\n");
    value result;
    do
        result = run_call(vm, 3, parts);
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

/* The command line that the program sees: its name, or the command's, and what follows it. */
static void give_command_line(struct vm *vm, const struct options *options, char *command) {
    int count = 0;
    while (options->arguments[count])
        count++;
    set_command_line(vm, count, options->arguments);
    set_command_line(vm, 1, options->file ? &options->arguments[-1] : &command);
}

/* Where libraries are looked for: the folders of -I, then those of SCHEME_PATH. */
static void set_library_path(struct vm *vm, const struct options *options) {
    const char *rest = getenv("SCHEME_PATH");
    value live[1] = {NIL}; /* last first */
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    for (size_t i = 0; i < options->library_folder_count; i++)
        live[0] = cons(vm, make_text(vm, options->library_folders[i]), live[0]);
    while (rest && *rest) {
        size_t length = strcspn(rest, ":");
        if (length)
            live[0] = cons(vm, make_string_utf8(vm, rest, length), live[0]);
        rest += length + (rest[length] == ':');
    }
    for (; live[0] != NIL; live[0] = cdr(live[0]))
        vm->library_path = cons(vm, car(live[0]), vm->library_path);
    gait_pop_frame(vm->mutator);
}

static value run_standard_input(struct vm *vm) {
    static const char name[] = "standard input";
    value port = parameter_of(vm->input)->content;
    return isatty(STDIN_FILENO) ? run_prompt(vm, port, name) : run_port(vm, port, name, false);
}

static void run_all(struct vm *vm, const struct options *options) {
    value result = TRUE;
    for (size_t i = 0; result != RAISED && i < options->action_count; i++) {
        const struct action *action = &options->actions[i];
        result = action->kind == ACTION_EVALUATE ? run_text(vm, action->text)
                                                 : run_file(vm, HOOK_load, action->text);
    }
    if (result == RAISED || (!options->file && options->evaluates))
        return;
    if (!options->file || !strcmp(options->file, "-"))
        run_standard_input(vm);
    else
        run_file(vm, HOOK_run_program, options->file);
}

/* Names of files and what programs get are strings: text. */
static bool is_text(const char *what, const char *text) {
    size_t bad;
    if (!text || utf8_count(text, strlen(text), &bad))
        return true;
    fprintf(stderr, PROGRAM_NAME ": %s: not UTF-8 at byte %zu\n", what, bad);
    return false;
}

static bool is_all_text(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char what[32];
        snprintf(what, sizeof what, "argument %d", i);
        if (!is_text(what, argv[i]))
            return false;
    }
    return is_text("SCHEME_PATH", getenv("SCHEME_PATH"));
}

int main(int argc, char **argv) {
    struct options options;
    files_init();
    if (!is_all_text(argc, argv))
        return 2;
    int status = options_parse(&options, argc, argv);
    if (status >= 0)
        return status;
    static struct vm vm;
    char error[256];
    if (!vm_create(&vm, options.syntax, options.heap_mib << 20, error, sizeof error)) {
        fprintf(stderr, PROGRAM_NAME ": %s\n", error);
        return 2;
    }
    if (options.offheap_least)
        vm.offheap_least = options.offheap_least;
    vm.expansion_max = options.expansion_mib << 20;
    if (!vm_boot(&vm, options.stack_mib * (1 << 20) / sizeof(value))) {
        fprintf(stderr, PROGRAM_NAME ": the prelude does not compile\n");
        return 2;
    }
    give_command_line(&vm, &options, argv[0]);
    set_library_path(&vm, &options);
    run_all(&vm, &options);
    bool written = file_finish_all(&vm);
    if (options.stats)
        print_stats(&vm);
    status = vm.status || (written && !ferror(stderr)) ? vm.status : 1;
    gait_heap_destroy(vm.heap);
    free(options.actions);
    free(options.library_folders);
    return status;
}

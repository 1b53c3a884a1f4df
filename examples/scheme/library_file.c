/* SPDX-License-Identifier: MIT */
/*
 * Libraries that lie in files: (my lib 2) is my/lib/2.sld in the first folder that has it, of
 *   - those of -I and then of SCHEME_PATH (vm->library_path);
 *   - that of the file that imports it; for a library, the one along whose path it was found;
 *   - the current one.
 *
 * A file is read and compiled while the form that imports it is, once. The work on that form waits:
 * so the inner forms get an arena of their own, since what the outer one has in vm->syntax must
 * stay. The library's body is run when the outer form is (%instantiate), before it, also once:
 * until then environment.body has it. A library whose body did not come to its end is forgotten, so
 * that it is read anew when it is imported again.
 */
#include "compile.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define SUFFIX ".sld"

/* A text that grows. */
struct text {
    char *chars;
    size_t length;
};

static void text_add(struct text *text, const char *more) {
    size_t length = strlen(more);
    text->chars = checked(realloc(text->chars, text->length + length + 1));
    memcpy(text->chars + text->length, more, length + 1);
    text->length += length;
}

/* ---- Names --------------------------------------------------------------------------------- */

/* A part of a name that can be that of a file or a folder: nothing leads out of the path. */
static bool part_is_sound(const char *part) {
    return *part && !strchr(part, '/') && strcmp(part, ".") && strcmp(part, "..");
}

/* The file's name of a library, below a folder of the path, malloc'ed; NULL: it can't have one. */
static char *file_name(value name) {
    struct text text = {0};
    bool sound = list_length(name) > 0;
    for (; sound && is_pair(name); name = cdr(name)) {
        char number[24], *part = number;
        size_t bytes = 0;
        if (is_symbol(car(name)))
            part = string_utf8(symbol_of(car(name))->name, &bytes);
        else if (is_fixnum(car(name)) && fixnum_value(car(name)) >= 0)
            bytes =
                (size_t)snprintf(number, sizeof number, "%lld", (long long)fixnum_value(car(name)));
        sound = bytes && bytes == strlen(part) && part_is_sound(part);
        if (sound) {
            text_add(&text, text.length ? "/" : "");
            text_add(&text, part);
        }
        if (part != number)
            free(part);
    }
    if (sound)
        text_add(&text, SUFFIX);
    else
        free(text.chars);
    return sound ? text.chars : NULL;
}

/* ---- Looking along the path ---------------------------------------------------------------- */

/* Has this folder the file? Then its path, malloc'ed. Note that it was searched. */
static char *look_in(const char *folder, const char *file, struct text *searched) {
    char *path = folder_join(folder, file);
    if (!access(path, F_OK))
        return path;
    free(path);
    text_add(searched, searched->length ? ", " : "");
    text_add(searched, folder);
    return NULL;
}

/* @return the library's path and *folder, in which it was found, malloc'ed; NULL: nowhere. */
static char *look_along(struct vm *vm, const char *file, char **folder, struct text *searched) {
    char *path = NULL;
    for (value l = vm->library_path; !path && l != NIL; l = cdr(l)) {
        *folder = string_utf8(car(l), NULL);
        path = look_in(*folder, file, searched);
        if (!path)
            free(*folder);
    }
    if (path)
        return path;
    if (is_string(vm->library_folder)) {
        *folder = string_utf8(vm->library_folder, NULL);
    } else {
        char *importer =
            is_pair(vm->source) ? string_utf8(car(vm->source), NULL) : checked(strdup(""));
        *folder = folder_of(importer);
        free(importer);
    }
    path = look_in(*folder, file, searched);
    if (path || !strcmp(*folder, ".")) {
        if (!path)
            free(*folder);
        return path;
    }
    free(*folder);
    *folder = checked(strdup("."));
    path = look_in(*folder, file, searched);
    if (!path)
        free(*folder);
    return path;
}

bool library_file_exists(struct compiler *c, value name) {
    char *file = file_name(name), *folder = NULL;
    struct text searched = {0};
    char *path = file ? look_along(c->vm, file, &folder, &searched) : NULL;
    bool exists = path;
    if (path)
        free(folder);
    free(path);
    free(searched.chars);
    free(file);
    return exists;
}

/* ---- Reading and compiling ----------------------------------------------------------------- */

static bool is_headed(struct vm *vm, value form, enum known_symbol symbol) {
    return is_pair(form) && car(form) == vm->known[symbol];
}

/* Compile the libraries that a file defines. @return false: raised. */
static bool compile_all(struct compiler *c, value forms, value source) {
    struct vm *vm = c->vm;
    for (size_t mark = vm->keep.count; is_pair(forms); forms = cdr(forms)) {
        unsigned line = source_line(source, forms);
        if (!is_headed(vm, car(forms), KNOWN_define_library)) {
            struct compiler here = {.vm = vm, .line = line};
            vm->source = source;
            syntax_raise(&here, "a file of a library holds define-library only, not", car(forms));
            return false;
        }
        keep(vm, forms);
        value body = compile_form(vm, car(forms), line, vm->bare, source, cdr(forms) == NIL);
        if (body == RAISED)
            return false;
        store(vm, &environment_of(cdr(car(vm->libraries)))->body, body);
        vm->keep.count = mark;
    }
    return true;
}

/* Read and compile a file. @return false: raised. */
static bool compile_file(struct compiler *c, const char *path) {
    struct vm *vm = c->vm;
    value name = keep(vm, make_text(vm, path)), port = port_open_file(vm, name, PORT_INPUT);
    if (port == RAISED)
        return false;
    keep(vm, port);
    value source = keep(vm, make_source(vm, name)), forms = syntax_read_all(vm, port, source);
    port_close(vm, port);
    return forms != RAISED && compile_all(c, keep(vm, forms), source);
}

static _Noreturn void reject(struct compiler *c, struct text *message, value name) {
    char copy[2048];
    snprintf(copy, sizeof copy, "%s:", message->chars);
    free(message->chars);
    syntax_error(c, copy, name);
}

static void reject_circular(struct compiler *c, value name) {
    for (value l = c->vm->loading; l != NIL; l = cdr(l))
        if (is_equal(car(l), name))
            syntax_error(c, "library imports itself, perhaps by way of others:", name);
}

value library_load(struct compiler *c, value name) {
    struct vm *vm = c->vm;
    reject_circular(c, name);
    char *file = file_name(name), *folder;
    if (!file)
        syntax_error(c, "unknown library, and its name can't be that of a file:", name);
    struct text searched = {0};
    char *path = look_along(vm, file, &folder, &searched);
    if (!path) {
        struct text message = {0};
        text_add(&message, "unknown library, and no ");
        text_add(&message, file);
        text_add(&message, " in ");
        text_add(&message, searched.chars);
        free(searched.chars);
        free(file);
        reject(c, &message, name);
    }
    free(searched.chars);
    free(file);
    /* What the outer form is about, while the inner ones are compiled. */
    value outer_source = keep(vm, vm->source), outer_folder = keep(vm, vm->library_folder),
          outer_loading = keep(vm, vm->loading);
    gait_arena *outer_syntax = vm->syntax;
    keep(vm, (value)outer_syntax);
    vm->library_folder = make_text(vm, folder);
    free(folder);
    vm->loading = cons(vm, survive(c, name), vm->loading);
    if (outer_syntax)
        vm->syntax = syntax_arena_new(vm);
    bool compiled = compile_file(c, path);
    if (outer_syntax)
        gait_arena_free(vm->mutator, vm->syntax);
    vm->syntax = outer_syntax;
    vm->loading = outer_loading;
    vm->library_folder = outer_folder;
    vm->source = outer_source;
    if (!compiled) {
        free(path);
        syntax_escape(c);
    }
    value library = library_find(c, name);
    if (!library) {
        struct text message = {0};
        text_add(&message, path);
        text_add(&message, " does not define the library that it is there for");
        free(path);
        reject(c, &message, name);
    }
    free(path);
    return library;
}

void library_forget(struct vm *vm, value library) {
    value before = 0;
    for (value l = vm->libraries; l != NIL; l = cdr(l)) {
        if (cdr(car(l)) != library)
            before = l;
        else if (before)
            store(vm, &pair_of(before)->cdr, cdr(l));
        else
            vm->libraries = cdr(l);
    }
}

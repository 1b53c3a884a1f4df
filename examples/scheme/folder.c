/* SPDX-License-Identifier: MIT */
/*
 * Where the files lie that programs name: include, load, and libraries (library_file.c).
 *
 * A name that is no absolute path is looked for beside the file that says it, and if it is not
 * there, in the current folder.
 */
#include "scratch.h"
#include "vm.h"

#include <unistd.h>

char *folder_of(const char *file) {
    const char *slash = strrchr(file, '/');
    return checked(slash ? strndup(file, slash == file ? 1 : (size_t)(slash - file)) : strdup("."));
}

char *folder_join(const char *folder, const char *name) {
    size_t length = strlen(folder), room = length + strlen(name) + 2;
    char *path = checked(malloc(room));
    if (!strcmp(folder, "."))
        return strcpy(path, name);
    memcpy(path, folder, length);
    if (!length || path[length - 1] != '/')
        path[length++] = '/';
    strcpy(path + length, name);
    return path;
}

value folder_beside(struct vm *vm, value file, value name) {
    if (!is_string(file))
        return name;
    char *text = string_utf8(name, NULL), *path = NULL;
    if (*text != '/') {
        char *base = string_utf8(file, NULL), *folder = folder_of(base);
        path = folder_join(folder, text);
        free(folder);
        free(base);
    }
    if (path && !access(path, F_OK))
        name = make_text(vm, path);
    free(path);
    free(text);
    return name;
}

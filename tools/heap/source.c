/* SPDX-License-Identifier: MIT */
/*
 * A snapshot's file. See source.h.
 */
#include "source.h"

#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void source_open(struct source *source, const char *path) {
    source->file = command_input(path);
    source->path = path;
    source->before = 0;
    source->at = source->size = 0;
}

void source_close(struct source *source) {
    if (source->file != stdin)
        fclose(source->file);
}

bool source_next(struct source *source) {
    source->before += source->size;
    source->at = 0;
    errno = 0;
    source->size = fread(source->piece, 1, sizeof(source->piece), source->file);
    if (source->size == 0 && ferror(source->file))
        command_fail("%s: byte %" PRIu64 ": %s", source->path, source->before, strerror(errno));
    return source->size > 0;
}

_Noreturn void source_fail(const struct source *source, uint64_t offset, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    command_fail("%s: byte %" PRIu64 ": %s", source->path, offset, what);
}

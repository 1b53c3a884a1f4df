/* SPDX-License-Identifier: MIT */
/*
 * The end of the process. Takes no lock and no memory, and bypasses stdio: what is wrong may be
 * wrong there.
 */
#include "platform.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long stderr may have no room: a process that is wrong must end, read or not. */
#define WAIT_NS 1000000000

void platform_fatal(const char *format, ...) {
    char line[512] = "gait: ";
    size_t length = strlen(line);
    size_t room = sizeof line - length - 1; /* one byte is for the newline */
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + length, room, format, arguments);
    va_end(arguments);
    if (wanted > 0)
        length += (size_t)wanted < room ? (size_t)wanted : room - 1;
    /* what it quotes is not for a terminal to obey */
    for (size_t i = 0; i < length; i++)
        if (platform_steers(i ? line[i - 1] : 0, line[i]))
            line[i] = '?';
    line[length++] = '\n';

    platform_file_write_all(STDERR_FILENO, line, length, WAIT_NS);
    abort();
}

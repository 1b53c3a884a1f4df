/* SPDX-License-Identifier: MIT */
/*
 * Heap profiles in terms of the program: its functions, with file and line, in place of the
 * interpreter's own. Gait asks within an allocation that it samples, where the registers are in vm
 * as at each safepoint. Names are strings of the heap; they are copied to memory of this file's, as
 * nothing may be allocated.
 */
#include "utf8.h"
#include "vm.h"

#include <gait/profile.h>
#include <stdio.h>

#define TEXT_BYTES 8192

/* One interpreter runs in a process. */
static char text[TEXT_BYTES];

struct told {
    gait_profile_frame *frames;
    size_t count, most;
    size_t text_bytes; /* in use */
};

/* A string as UTF-8. NULL: no room. */
static const char *tell_string(struct told *told, value string) {
    char *start = text + told->text_bytes, *at = start, *end = text + TEXT_BYTES - UTF8_LONGEST - 1;
    for (size_t i = 0; i < length_of(string); i++) {
        if (at > end)
            return NULL;
        at += utf8_encode(at, string_of(string)->chars[i]);
    }
    if (at > end)
        return NULL;
    *at++ = '\0';
    told->text_bytes = (size_t)(at - text);
    return start;
}

/* A function without a name is told from others by the line that it begins in. */
static const char *tell_anonymous(struct told *told, unsigned line) {
    char *start = text + told->text_bytes;
    size_t room = TEXT_BYTES - told->text_bytes;
    int length = snprintf(start, room, line ? "lambda at line %u" : "lambda", line);
    if (length < 0 || (size_t)length >= room)
        return NULL;
    told->text_bytes += (size_t)length + 1;
    return start;
}

/* @return whether there is no room for more. */
static bool tell_frame(void *data, value closure, const uint32_t *pc) {
    struct told *told = data;
    value code = closure_of(closure)->code, name = code_of(code)->name, file = code_of(code)->file;
    gait_profile_frame *frame = &told->frames[told->count];
    frame->line = is_string(file) ? code_line(code, pc) : 0;
    frame->file = is_string(file) ? tell_string(told, file) : "(built in)";
    if (is_symbol(name))
        frame->function = tell_string(told, symbol_of(name)->name);
    else
        frame->function =
            tell_anonymous(told, is_string(file) ? code_line(code, code_of(code)->start + 1) : 0);
    if (!frame->function || !frame->file)
        return true;
    return ++told->count == told->most;
}

static size_t tell_frames(gait_mutator *mutator, gait_profile_frame *frames, size_t most,
                          void *data) {
    (void)mutator;
    struct told told = {frames, 0, most, 0};
    control_frames(data, tell_frame, &told);
    return told.count;
}

void profile_init(struct vm *vm) { gait_set_profile_frames(vm->heap, tell_frames, vm); }

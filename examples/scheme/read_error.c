/* SPDX-License-Identifier: MIT */
/*
 * The reader's errors. One of a program's text begins with FILE:LINE, and says the column: of the
 * item, or of what was opened and has no end. Other errors of reading say line and column.
 */
#include "read.h"

#include <inttypes.h>
#include <stdio.h>

/* The name of the program that is read, in malloc'ed memory; NULL: it is not a program. */
static char *program_name(struct reader *r) {
    return is_pair(r->source) ? string_utf8(car(r->source), NULL) : NULL;
}

static value raise_read(struct reader *r, unsigned kind, const char *text, bool located) {
    struct vm *vm = r->vm;
    value path = port_of(r->port)->path, live[2] = {path, NIL};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (is_string(path) && (!located || kind == CONDITION_FILE))
        live[1] = cons(vm, path, NIL);
    live[0] = make_text(vm, text);
    live[0] = make_condition(vm, kind | (located ? CONDITION_LOCATED : 0), live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return raise_value(vm, live[0]);
}

/* The text could not be read any further. */
value read_fail_port(struct reader *r) {
    char *program = program_name(r);
    if (!program)
        return port_raise(r->vm, r->port);
    char text[512], what[FILE_TELL_BYTES];
    unsigned kind = port_of(r->port)->file->error ? CONDITION_FILE : CONDITION_READ;
    port_tell(r->port, what);
    snprintf(text, sizeof text, "%s:%" PRIu64 ": %s%s", program, port_of(r->port)->line, what,
             kind == CONDITION_FILE ? ":" : "");
    free(program);
    return raise_read(r, kind, text, true);
}

value read_fail_at(struct reader *r, const char *message, uint64_t line, uint64_t column) {
    if (port_failed(r->port))
        return read_fail_port(r);
    char text[512], *program = program_name(r);
    if (program)
        snprintf(text, sizeof text, "%s:%" PRIu64 ": read: %s in column %" PRIu64, program, line,
                 message, column);
    else
        snprintf(text, sizeof text, "read: %s in line %" PRIu64 ", column %" PRIu64, message, line,
                 column);
    bool located = program;
    free(program);
    return raise_read(r, CONDITION_READ, text, located);
}

value read_fail(struct reader *r, const char *message) {
    return read_fail_at(r, message, r->line, r->column);
}

/* The end came before that of what was opened last; say also where the form began. */
value read_fail_open(struct reader *r) {
    static const char *const openers[] = {
        [LEVEL_LIST] = "no ) closes the (",      [LEVEL_VECTOR] = "no ) closes the #(",
        [LEVEL_BYTES] = "no ) closes the #u8(",  [LEVEL_QUOTE] = "nothing follows the quote",
        [LEVEL_SKIP] = "nothing follows the #;", [LEVEL_LABEL] = "nothing follows the label"};
    const struct level *inner = &r->levels[r->level_count - 1], *outer = r->levels;
    char message[128];
    if (outer == inner)
        snprintf(message, sizeof message, "%s", openers[inner->kind]);
    else
        snprintf(message, sizeof message, "the form that begins in line %" PRIu64 " has no end: %s",
                 outer->line, openers[inner->kind]);
    return read_fail_at(r, message, inner->line, inner->column);
}

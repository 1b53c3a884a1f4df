/* SPDX-License-Identifier: MIT */
/*
 * Ports: text or bytes, from and to files, strings and bytevectors.
 *
 * A finalizer closes the file of a port that was dropped. Files are read and written as UTF-8; a
 * byte order mark at the beginning of one is skipped. The caller holds ports in roots: reading may
 * block, and writing allocate.
 *
 * What fails is noted in the port's file (file.h). Whoever works on a port ends with port_result,
 * which raises that. What the system refuses is a file error (file-error?); text that is no UTF-8
 * is a read error (read-error?), as malformed data are, and is passed over by what reads it.
 */
#ifndef SCHEME_PORT_H
#define SCHEME_PORT_H

#include "file.h"

enum port_flags {
    PORT_INPUT = 1,
    PORT_OUTPUT = 2,
    PORT_BINARY = 4,
    PORT_OPEN = 8,
    PORT_APPEND = 16,
    PORT_FOLD_CASE = 32,
    PORT_BOTH = 64 /* a textual port that takes and gives bytes too: those of the console */
};

struct port {
    uint64_t header;   /* enum port_flags */
    value buffer;      /* string or bytevector of a port without file */
    value path;        /* string: the file's name, or FALSE */
    size_t position;   /* in buffer: next to be read, or count written */
    struct file *file; /* NULL: none */
    uint64_t line;     /* of the next character, from 1 */
    uint64_t column;   /* in its line, from 1, counted in characters */
};

static inline struct port *port_of(value v) { return (struct port *)v; }
static inline bool is_port(value v) { return has_type(v, TYPE_PORT); }
static inline bool port_is(value v, unsigned flags) {
    return is_port(v) && (length_of(v) & flags) == flags;
}

value port_open_file(struct vm *vm, value path, unsigned flags); /* RAISED when it can't */
value port_open_descriptor(struct vm *vm, int descriptor, const char *name, unsigned flags);
value port_open_buffer(struct vm *vm, value source, unsigned flags);
value port_contents(struct vm *vm, value port); /* of an output port without file */
value port_close(struct vm *vm, value port);    /* UNSPECIFIED or RAISED; the same: */
value port_flush(struct vm *vm, value port);

/** A file's name, in malloc'ed memory; NULL: raised. */
char *file_name_utf8(struct vm *vm, value path);

/** Raise "WHAT: the errno's text: name", a file error. */
value raise_file_error(struct vm *vm, const char *what, int error, const char *name);

/** Has something failed that was not raised yet? */
bool port_failed(value port);
value port_raise(struct vm *vm, value port);            /* raises it; */
void port_tell(value port, char text[FILE_TELL_BYTES]); /* or says it */

/** The end of work on a port: flush it where output is wanted at once. @return result, or RAISED
 * when something failed. */
value port_result(struct vm *vm, value port, value result);

/** The same for what failed as dropped ports were closed. */
value port_lost(struct vm *vm, value result);

/* Reading: a character or byte, END or FAULT. */
int32_t port_read_char(struct vm *vm, value port);
int32_t port_peek_char(struct vm *vm, value port);
int32_t port_read_byte(struct vm *vm, value port);
int32_t port_peek_byte(struct vm *vm, value port);
bool port_ready(struct vm *vm, value port, bool character); /* or byte */

/** Drop what was read of a file and not taken: the rest of a line of a terminal. */
void port_drop_input(value port);

/** Take white space of what was read of a file. @return is there more, or the end, without waiting?
 */
bool port_skip_blank(struct vm *vm, value port);

/** The end was taken after other characters: the next read meets it again. */
void port_keep_end(value port);

/** Read as many bytes as there are, up to count. @return how many; END or FAULT when there are
 * none. */
int64_t port_read_bytes(struct vm *vm, value port, uint8_t *to, size_t count);

void port_write_char(struct vm *vm, value port, uint32_t c);
void port_write_text(struct vm *vm, value port, const char *ascii);
void port_write_string(struct vm *vm, value port, value string, size_t from, size_t to);
void port_write_byte(struct vm *vm, value port, uint8_t byte);
void port_write_bytes(struct vm *vm, value port, const uint8_t *bytes, size_t count);

/* ---- print.c, read.c ----------------------------------------------------------------------- */

enum print_style { PRINT_DISPLAY, PRINT_WRITE, PRINT_SHARED, PRINT_SIMPLE };
void print_value(struct vm *vm, value port, value v, enum print_style style);

/**
 * Read a datum. The lines of its pairs are noted in source, unless that is FALSE.
 * @return END_OF_FILE at the end, RAISED for a malformed one.
 */
value read_datum(struct vm *vm, value port, value source);

/** The same, with pairs and vectors in an arena (NULL: on the heap), which the caller holds. */
value read_datum_in(struct vm *vm, value port, value source, gait_arena *arena);

/**
 * The same for a form of a program, with a pair around it whose line is noted too: a list of one,
 * on the heap.
 */
value read_form(struct vm *vm, value port, value source, gait_arena *arena);

/** A source: a list that begins with a file's name; it knows the lines of the pairs read from it.
 */
value make_source(struct vm *vm, value name);
unsigned source_line(value source, value pair); /* 0: not known, or no source */
void source_note(struct vm *vm, value source, value pair, uint64_t line);

/** Note that forms were read from it into this arena (or NULL). */
void source_set_arena(struct vm *vm, value source, gait_arena *arena);

/** Was no continuation captured since? By one the program may come back to forms that were
 * compiled. */
bool source_is_read_once(struct vm *vm, value source);

/** Take its arena, to free it; NULL: it has none. */
gait_arena *source_take_arena(struct vm *vm, value source);

#endif

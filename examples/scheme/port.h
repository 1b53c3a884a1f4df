/* SPDX-License-Identifier: MIT */
/*
 * Ports: text or bytes, from and to files, strings and bytevectors.
 *
 * A file's buffer is malloc'ed memory, so that the program can block in read and write as native
 * code; a finalizer closes the file of a port that was dropped. Files are read and written as
 * UTF-8. The caller holds ports in roots: all but the peeks may allocate or block.
 */
#ifndef SCHEME_PORT_H
#define SCHEME_PORT_H

#include "vm.h"

enum port_flags {
    PORT_INPUT = 1,
    PORT_OUTPUT = 2,
    PORT_BINARY = 4,
    PORT_OPEN = 8,
    PORT_APPEND = 16,
    PORT_FOLD_CASE = 32
};

struct port {
    uint64_t header;   /* enum port_flags */
    value buffer;      /* string or bytevector of a port without file */
    value path;        /* string: the file's name, or FALSE */
    size_t position;   /* in buffer: next to be read, or count written */
    struct file *file; /* NULL: none */
    uint64_t line;     /* of the next character, from 1 */
};

#define END (-1)

static inline struct port *port_of(value v) { return (struct port *)v; }
static inline bool is_port(value v) { return has_type(v, TYPE_PORT); }
static inline bool port_is(value v, unsigned flags) {
    return is_port(v) && (length_of(v) & flags) == flags;
}

value port_open_file(struct vm *vm, value path, unsigned flags); /* RAISED when it can't */
value port_open_descriptor(struct vm *vm, int descriptor, const char *name, unsigned flags);
value port_open_buffer(struct vm *vm, value source, unsigned flags);
value port_contents(struct vm *vm, value port); /* of an output port without file */
void port_close(struct vm *vm, value port);
void port_flush(struct vm *vm, value port);
void port_flush_all(struct vm *vm);

int32_t port_read_char(struct vm *vm, value port);
int32_t port_peek_char(struct vm *vm, value port);
int32_t port_read_byte(struct vm *vm, value port);
int32_t port_peek_byte(struct vm *vm, value port);
bool port_ready(struct vm *vm, value port);

void port_write_char(struct vm *vm, value port, uint32_t c);
void port_write_text(struct vm *vm, value port, const char *ascii);
void port_write_string(struct vm *vm, value port, value string, size_t from, size_t to);
void port_write_byte(struct vm *vm, value port, uint8_t byte);

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

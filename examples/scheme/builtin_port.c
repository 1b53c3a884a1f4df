/* SPDX-License-Identifier: MIT */
/*
 * Ports, reading and writing.
 */
#include "builtin.h"
#include "port.h"
#include "scratch.h"

#include <errno.h>
#include <unistd.h>

#define STRING_PORT_CHARS 32
#define LONGEST ((size_t)1 << 40)
#define READ_AT_ONCE_BYTES ((size_t)1 << 20) /* a count that is asked for may be far too large */

/* ---- The port of a call -------------------------------------------------------------------- */

static value check_port(struct vm *vm, const char *who, value port, unsigned flags) {
    if (!is_port(port) || !port_is(port, flags & (PORT_INPUT | PORT_OUTPUT)))
        return raise_type(vm, who, flags & PORT_INPUT ? "input port" : "output port", port);
    if (!port_is(port, PORT_OPEN))
        return raise_error(vm, who, "port is closed:", 1, port);
    if ((length_of(port) & PORT_BINARY) != (flags & PORT_BINARY) && !port_is(port, PORT_BOTH))
        return raise_type(vm, who, flags & PORT_BINARY ? "binary port" : "textual port", port);
    return port;
}

/* The port is argument `index`, or the current one. */
static value input_port(struct vm *vm, const char *who, int count, value *a, int index,
                        unsigned flags) {
    value port = index < count ? a[index] : parameter_of(vm->input)->content;
    return check_port(vm, who, port, PORT_INPUT | flags);
}

static value output_port(struct vm *vm, const char *who, int count, value *a, int index,
                         unsigned flags) {
    value port = index < count ? a[index] : parameter_of(vm->output)->content;
    return check_port(vm, who, port, PORT_OUTPUT | flags);
}

#define INPUT(who, index, flags)                                                                   \
    value port = input_port(vm, who, count, a, index, flags);                                      \
    if (port == RAISED)                                                                            \
    return RAISED
#define OUTPUT(who, index, flags)                                                                  \
    value port = output_port(vm, who, count, a, index, flags);                                     \
    if (port == RAISED)                                                                            \
    return RAISED

/* ---- Opening and closing ------------------------------------------------------------------- */

#define OPEN(name, who, flags)                                                                     \
    BUILTIN(name) {                                                                                \
        NEED(is_string, who, "string", a[0]);                                                      \
        return port_open_file(vm, a[0], flags);                                                    \
    }
OPEN(open_input_file, "open-input-file", PORT_INPUT)
OPEN(open_binary_input_file, "open-binary-input-file", PORT_INPUT | PORT_BINARY)
OPEN(open_output_file, "open-output-file", PORT_OUTPUT)
OPEN(open_binary_output_file, "open-binary-output-file", PORT_OUTPUT | PORT_BINARY)
OPEN(open_append_file, "open-append-output-file", PORT_OUTPUT | PORT_APPEND)

BUILTIN(open_input_string) {
    NEED(is_string, "open-input-string", "string", a[0]);
    a[0] = make_substring(vm, a[0], 0, length_of(a[0]));
    return port_open_buffer(vm, a[0], PORT_INPUT);
}

BUILTIN(open_input_bytevector) {
    NEED(is_bytevector, "open-input-bytevector", "bytevector", a[0]);
    return port_open_buffer(vm, a[0], PORT_INPUT | PORT_BINARY);
}

BUILTIN(open_output_string) {
    return port_open_buffer(vm, make_string(vm, STRING_PORT_CHARS, 0), PORT_OUTPUT);
}

BUILTIN(open_output_bytevector) {
    return port_open_buffer(vm, make_bytevector(vm, STRING_PORT_CHARS), PORT_OUTPUT | PORT_BINARY);
}

BUILTIN(get_output_string) {
    if (!port_is(a[0], PORT_OUTPUT) || !is_string(port_of(a[0])->buffer))
        return raise_type(vm, "get-output-string", "string port", a[0]);
    return port_contents(vm, a[0]);
}

BUILTIN(get_output_bytevector) {
    if (!port_is(a[0], PORT_OUTPUT) || !is_bytevector(port_of(a[0])->buffer))
        return raise_type(vm, "get-output-bytevector", "bytevector port", a[0]);
    return port_contents(vm, a[0]);
}

/* A port is closed only once; again it does nothing, as R7RS has it. */
static value close_ports(struct vm *vm, const char *who, value port, unsigned flags) {
    if (!port_is(port, flags))
        return raise_type(vm, who,
                          !flags               ? "port"
                          : flags & PORT_INPUT ? "input port"
                                               : "output port",
                          port);
    return port_lost(vm, port_close(vm, port));
}
BUILTIN(close_port) { return close_ports(vm, "close-port", a[0], 0); }
BUILTIN(close_input_port) { return close_ports(vm, "close-input-port", a[0], PORT_INPUT); }
BUILTIN(close_output_port) { return close_ports(vm, "close-output-port", a[0], PORT_OUTPUT); }

BUILTIN(flush_output) {
    value port = count ? a[0] : parameter_of(vm->output)->content;
    if (!port_is(port, PORT_OUTPUT))
        return raise_type(vm, "flush-output-port", "output port", port);
    if (!port_is(port, PORT_OPEN))
        return raise_error(vm, "flush-output-port", "port is closed:", 1, port);
    return port_lost(vm, port_flush(vm, port));
}

PREDICATE(port_p, is_port(a[0]))
PREDICATE(input_port_p, port_is(a[0], PORT_INPUT))
PREDICATE(output_port_p, port_is(a[0], PORT_OUTPUT))
PREDICATE(textual_port_p, is_port(a[0]) && !port_is(a[0], PORT_BINARY))
PREDICATE(binary_port_p, port_is(a[0], PORT_BINARY) || port_is(a[0], PORT_BOTH))
PREDICATE(input_port_open_p, port_is(a[0], PORT_INPUT | PORT_OPEN))
PREDICATE(output_port_open_p, port_is(a[0], PORT_OUTPUT | PORT_OPEN))

/* ---- Input --------------------------------------------------------------------------------- */

/* The results of builtins that read. */
static value read_result(struct vm *vm, value port, int32_t c) {
    return c >= 0 ? character((uint32_t)c) : port_result(vm, port, END_OF_FILE);
}
static value byte_result(struct vm *vm, value port, int32_t byte) {
    return byte >= 0 ? fixnum(byte) : port_result(vm, port, END_OF_FILE);
}

BUILTIN(read_) {
    INPUT("read", 0, 0);
    return read_datum(vm, port, FALSE);
}

BUILTIN(read_char) {
    INPUT("read-char", 0, 0);
    return read_result(vm, port, port_read_char(vm, port));
}

BUILTIN(peek_char) {
    INPUT("peek-char", 0, 0);
    return read_result(vm, port, port_peek_char(vm, port));
}

BUILTIN(char_ready) {
    INPUT("char-ready?", 0, 0);
    return boolean(port_ready(vm, port, true));
}

/* Characters up to the line's end, or at most `most`. */
static value read_characters(struct vm *vm, value port, bool line, size_t most) {
    size_t count = 0, room = 0;
    uint32_t *text = NULL;
    int32_t c = 0;
    while (count < most && (c = port_read_char(vm, port)) >= 0 &&
           !(line && (c == '\n' || c == '\r'))) {
        if (count == room) {
            room = room ? 2 * room : 128;
            text = scratch_resize(text, room * sizeof *text);
        }
        text[count++] = (uint32_t)c;
    }
    /* The ends of lines of all systems: R7RS. */
    if (line && c == '\r') {
        int32_t after = port_peek_char(vm, port);
        if (after == '\n')
            port_read_char(vm, port);
        else if (after == FAULT)
            c = FAULT;
    }
    value result = END_OF_FILE;
    if (c == FAULT) {
        result = port_raise(vm, port);
    } else if (c != END || count) {
        result = make_string(vm, count, 0);
        if (count)
            memcpy(string_of(result)->chars, text, count * sizeof *text);
        if (c == END)
            port_keep_end(port);
    }
    scratch_free(text);
    return result;
}

BUILTIN(read_line) {
    INPUT("read-line", 0, 0);
    return read_characters(vm, port, true, SIZE_MAX);
}

BUILTIN(read_string) {
    if (is_port(a[0]) && count == 2) { /* the order of other Schemes */
        value swap = a[0];
        a[0] = a[1];
        a[1] = swap;
    }
    INPUT("read-string", 1, 0);
    TAKE_INDEX("read-string", a[0], LONGEST, most);
    return read_characters(vm, port, false, most);
}

BUILTIN(read_u8) {
    INPUT("read-u8", 0, PORT_BINARY);
    return byte_result(vm, port, port_read_byte(vm, port));
}

BUILTIN(peek_u8) {
    INPUT("peek-u8", 0, PORT_BINARY);
    return byte_result(vm, port, port_peek_byte(vm, port));
}

BUILTIN(u8_ready) {
    INPUT("u8-ready?", 0, PORT_BINARY);
    return boolean(port_ready(vm, port, false));
}

BUILTIN(read_bytevector) {
    INPUT("read-bytevector", 1, PORT_BINARY);
    TAKE_INDEX("read-bytevector", a[0], LONGEST, most);
    size_t count_read = 0, room = 0;
    uint8_t *bytes = NULL;
    int64_t n = 0;
    while (count_read < most) {
        size_t more =
            most - count_read < READ_AT_ONCE_BYTES ? most - count_read : READ_AT_ONCE_BYTES;
        if (room - count_read < more) {
            room = room && 2 * room < most ? 2 * room : count_read + more;
            bytes = scratch_resize(bytes, room);
        }
        n = port_read_bytes(vm, port, bytes + count_read, more);
        if (n <= 0)
            break;
        count_read += (size_t)n;
        if ((size_t)n < more)
            break;
    }
    value result = END_OF_FILE;
    if (port_failed(port)) {
        result = port_raise(vm, port);
    } else if (count_read || !most) {
        result = make_bytevector(vm, count_read);
        if (count_read)
            memcpy(bytevector_of(result)->bytes, bytes, count_read);
    }
    scratch_free(bytes);
    return result;
}

BUILTIN(read_bytevector_in_place) {
    NEED(is_bytevector, "read-bytevector!", "bytevector", a[0]);
    INPUT("read-bytevector!", 1, PORT_BINARY);
    TAKE_RANGE("read-bytevector!", 2, length_of(a[0]));
    int64_t n = port_read_bytes(vm, port, bytevector_of(a[0])->bytes + from, to - from);
    return port_result(vm, port, n < 0 ? END_OF_FILE : fixnum(n));
}

/* ---- Output -------------------------------------------------------------------------------- */

#define PRINTER(name, who, style)                                                                  \
    BUILTIN(name) {                                                                                \
        OUTPUT(who, 1, 0);                                                                         \
        print_value(vm, port, a[0], style);                                                        \
        return port_result(vm, port, UNSPECIFIED);                                                 \
    }
PRINTER(display, "display", PRINT_DISPLAY)
PRINTER(write_, "write", PRINT_WRITE)
PRINTER(write_shared, "write-shared", PRINT_SHARED)
PRINTER(write_simple, "write-simple", PRINT_SIMPLE)

BUILTIN(newline) {
    OUTPUT("newline", 0, 0);
    port_write_char(vm, port, '\n');
    return port_result(vm, port, UNSPECIFIED);
}

BUILTIN(write_char) {
    NEED(is_character, "write-char", "character", a[0]);
    OUTPUT("write-char", 1, 0);
    port_write_char(vm, port, character_code(a[0]));
    return port_result(vm, port, UNSPECIFIED);
}

BUILTIN(write_string) {
    NEED(is_string, "write-string", "string", a[0]);
    OUTPUT("write-string", 1, 0);
    TAKE_RANGE("write-string", 2, length_of(a[0]));
    port_write_string(vm, port, a[0], from, to);
    return port_result(vm, port, UNSPECIFIED);
}

BUILTIN(write_u8) {
    if (!is_fixnum(a[0]) || fixnum_value(a[0]) < 0 || fixnum_value(a[0]) > 255)
        return raise_type(vm, "write-u8", "byte", a[0]);
    OUTPUT("write-u8", 1, PORT_BINARY);
    port_write_byte(vm, port, (uint8_t)fixnum_value(a[0]));
    return port_result(vm, port, UNSPECIFIED);
}

BUILTIN(write_bytevector) {
    NEED(is_bytevector, "write-bytevector", "bytevector", a[0]);
    OUTPUT("write-bytevector", 1, PORT_BINARY);
    TAKE_RANGE("write-bytevector", 2, length_of(a[0]));
    port_write_bytes(vm, port, bytevector_of(a[0])->bytes + from, to - from);
    return port_result(vm, port, UNSPECIFIED);
}

/* ---- Files --------------------------------------------------------------------------------- */

BUILTIN(file_exists) {
    NEED(is_string, "file-exists?", "string", a[0]);
    char *path = file_name_utf8(vm, a[0]);
    if (!path)
        return RAISED;
    bool exists = !access(path, F_OK);
    free(path);
    return boolean(exists);
}

BUILTIN(delete_file) {
    NEED(is_string, "delete-file", "string", a[0]);
    char *path = file_name_utf8(vm, a[0]);
    if (!path)
        return RAISED;
    value result = unlink(path) ? raise_file_error(vm, "can't delete", errno, path) : UNSPECIFIED;
    free(path);
    return result;
}

/* (%read-form port source): a list of one datum, or the end of the file. */
BUILTIN(read_form_) {
    NEED(is_port, "read", "port", a[0]);
    return syntax_read_form(vm, a[0], a[1]);
}

BUILTIN(make_source_) { return make_source(vm, a[0]); }

/* (%read-source port source): a list of all its data, with their lines noted. */
BUILTIN(read_source) {
    NEED(is_port, "load", "port", a[0]);
    return syntax_read_all(vm, a[0], a[1]);
}

void builtin_ports_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"open-input-file", open_input_file, 1, 1},
        {"open-binary-input-file", open_binary_input_file, 1, 1},
        {"open-output-file", open_output_file, 1, 1},
        {"open-binary-output-file", open_binary_output_file, 1, 1},
        {"open-append-output-file", open_append_file, 1, 1},
        {"open-input-string", open_input_string, 1, 1},
        {"open-output-string", open_output_string, 0, 0},
        {"get-output-string", get_output_string, 1, 1},
        {"open-input-bytevector", open_input_bytevector, 1, 1},
        {"open-output-bytevector", open_output_bytevector, 0, 0},
        {"get-output-bytevector", get_output_bytevector, 1, 1},
        {"close-port", close_port, 1, 1},
        {"close-input-port", close_input_port, 1, 1},
        {"close-output-port", close_output_port, 1, 1},
        {"flush-output-port", flush_output, 0, 1},
        {"flush-output", flush_output, 0, 1},
        {"port?", port_p, 1, 1},
        {"input-port?", input_port_p, 1, 1},
        {"output-port?", output_port_p, 1, 1},
        {"textual-port?", textual_port_p, 1, 1},
        {"binary-port?", binary_port_p, 1, 1},
        {"input-port-open?", input_port_open_p, 1, 1},
        {"output-port-open?", output_port_open_p, 1, 1},
        {"read", read_, 0, 1},
        {"read-char", read_char, 0, 1},
        {"peek-char", peek_char, 0, 1},
        {"char-ready?", char_ready, 0, 1},
        {"read-line", read_line, 0, 1},
        {"read-string", read_string, 1, 2},
        {"read-u8", read_u8, 0, 1},
        {"peek-u8", peek_u8, 0, 1},
        {"u8-ready?", u8_ready, 0, 1},
        {"read-bytevector", read_bytevector, 1, 2},
        {"read-bytevector!", read_bytevector_in_place, 1, 4},
        {"display", display, 1, 2},
        {"write", write_, 1, 2},
        {"write-shared", write_shared, 1, 2},
        {"write-simple", write_simple, 1, 2},
        {"newline", newline, 0, 1},
        {"write-char", write_char, 1, 2},
        {"write-string", write_string, 1, 4},
        {"write-u8", write_u8, 1, 2},
        {"write-bytevector", write_bytevector, 1, 4},
        {"file-exists?", file_exists, 1, 1},
        {"delete-file", delete_file, 1, 1},
        {"%read-form", read_form_, 2, 2},
        {"%make-source", make_source_, 1, 1},
        {"%read-source", read_source, 2, 2},
    };
    DEFINE_BUILTINS(vm, entries);
}

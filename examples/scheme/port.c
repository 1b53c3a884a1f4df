/* SPDX-License-Identifier: MIT */
/*
 * Ports. See port.h.
 */
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_BUFFER_BYTES 16384
#define FINALIZERS_AT_ONCE 64

struct file {
    struct file *next, **link; /* list of open files: vm->files */
    int descriptor;
    bool output;
    size_t at, end; /* input: unread bytes; output: end is the count to be written */
    char data[FILE_BUFFER_BYTES];
};

/* ---- Files --------------------------------------------------------------------------------- */

static struct file *file_open(struct vm *vm, int descriptor, bool output) {
    struct file *file = malloc(sizeof *file);
    if (!file)
        vm_out_of_memory(vm);
    file->descriptor = descriptor;
    file->output = output;
    file->at = file->end = 0;
    file->next = vm->files;
    file->link = &vm->files;
    if (file->next)
        file->next->link = &file->next;
    vm->files = file;
    return file;
}

static void file_flush(struct vm *vm, struct file *file) {
    size_t written = 0;
    gait_enter_native(vm->mutator);
    while (written < file->end) {
        ssize_t n = write(file->descriptor, file->data + written, file->end - written);
        if (n < 0 && errno != EINTR)
            break; /* what can't be written is lost */
        written += n > 0 ? (size_t)n : 0;
    }
    gait_leave_native(vm->mutator);
    file->end = 0;
}

static void file_close(struct vm *vm, struct file *file) {
    if (file->output)
        file_flush(vm, file);
    if (file->descriptor > STDERR_FILENO)
        close(file->descriptor);
    *file->link = file->next;
    if (file->next)
        file->next->link = file->link;
    free(file);
}

/* Have unread bytes, if there are any more. */
static bool file_fill(struct vm *vm, struct file *file) {
    if (file->at < file->end)
        return true;
    if (file->descriptor == STDIN_FILENO)
        port_flush_all(vm);
    ssize_t n;
    gait_enter_native(vm->mutator);
    do
        n = read(file->descriptor, file->data, sizeof file->data);
    while (n < 0 && errno == EINTR);
    gait_leave_native(vm->mutator);
    file->at = 0;
    file->end = n > 0 ? (size_t)n : 0;
    return file->end;
}

static void file_put(struct vm *vm, struct file *file, uint8_t byte) {
    if (file->end == sizeof file->data)
        file_flush(vm, file);
    file->data[file->end++] = (char)byte;
}

void port_flush_all(struct vm *vm) {
    for (struct file *file = vm->files; file; file = file->next)
        if (file->output && file->end)
            file_flush(vm, file);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

/* A port that nothing refers to any more: its file is closed. */
static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator;
    port_close(data, (value)object);
}

static value make_port(struct vm *vm, value buffer, value path, struct file *file, unsigned flags) {
    vm->made[0] = buffer;
    vm->made[1] = path;
    struct port *port = allocate(vm, TYPE_PORT, sizeof *port);
    port->header = HEADER(TYPE_PORT, flags | PORT_OPEN);
    port->file = file;
    port->line = 1;
    gait_init(&port->buffer, buffer);
    gait_init(&port->path, path);
    if (file)
        gait_finalizer_set(vm->mutator, port, finalize, vm);
    return (value)port;
}

value port_open_descriptor(struct vm *vm, int descriptor, const char *name, unsigned flags) {
    value path = make_text(vm, name);
    return make_port(vm, FALSE, path, file_open(vm, descriptor, flags & PORT_OUTPUT), flags);
}

value port_open_file(struct vm *vm, value path, unsigned flags) {
    gait_run_finalizers(vm->mutator, FINALIZERS_AT_ONCE);
    char *name = string_utf8(path, NULL);
    int mode = O_RDONLY | O_CLOEXEC;
    if (flags & PORT_OUTPUT)
        mode = O_WRONLY | O_CREAT | O_CLOEXEC | (flags & PORT_APPEND ? O_APPEND : O_TRUNC);
    int descriptor = open(name, mode, 0666);
    if (descriptor < 0 && errno == EMFILE) {
        /* Ports that were dropped may hold the descriptors. */
        gait_collect(vm->mutator);
        while (gait_run_finalizers(vm->mutator, FINALIZERS_AT_ONCE))
            ;
        descriptor = open(name, mode, 0666);
    }
    free(name);
    if (descriptor < 0) {
        value live[2] = {make_text(vm, strerror(errno)), path};
        struct gait_frame frame;
        gait_push_frame(vm->mutator, &frame, live, 2);
        live[1] = cons(vm, path, NIL);
        live[0] = make_condition(vm, CONDITION_FILE, live[0], live[1]);
        gait_pop_frame(vm->mutator);
        return raise_value(vm, live[0]);
    }
    return make_port(vm, FALSE, path, file_open(vm, descriptor, flags & PORT_OUTPUT), flags);
}

value port_open_buffer(struct vm *vm, value source, unsigned flags) {
    return make_port(vm, source, FALSE, NULL, flags);
}

void port_close(struct vm *vm, value v) {
    struct port *port = port_of(v);
    header_change(v, PORT_OPEN, 0);
    if (port->file) {
        file_close(vm, port->file);
        port->file = NULL;
    }
}

void port_flush(struct vm *vm, value v) {
    if (port_of(v)->file)
        file_flush(vm, port_of(v)->file);
}

/* ---- Input --------------------------------------------------------------------------------- */

int32_t port_peek_byte(struct vm *vm, value v) {
    struct port *port = port_of(v);
    if (port->file)
        return file_fill(vm, port->file) ? (uint8_t)port->file->data[port->file->at] : END;
    if (!is_bytevector(port->buffer) || port->position >= length_of(port->buffer))
        return END;
    return bytevector_of(port->buffer)->bytes[port->position];
}

int32_t port_read_byte(struct vm *vm, value v) {
    struct port *port = port_of(v);
    int32_t byte = port_peek_byte(vm, v);
    if (byte != END) {
        if (port->file)
            port->file->at++;
        else
            port->position++;
    }
    return byte;
}

/* The bytes of a character that starts with this one. */
static size_t sequence_bytes(uint8_t first) {
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 1;
}

/* Decode the character at file->at; *bytes is how many it takes. */
static int32_t file_decode(struct vm *vm, struct file *file, size_t *bytes) {
    *bytes = 1;
    if (!file_fill(vm, file))
        return END;
    uint8_t first = (uint8_t)file->data[file->at];
    size_t need = sequence_bytes(first);
    if (need == 1)
        return first;
    if (file->end - file->at < need) {
        /* Cut by the end of the buffer: move it to the front and read on. */
        size_t have = file->end - file->at;
        memmove(file->data, file->data + file->at, have);
        file->at = 0;
        file->end = have;
        gait_enter_native(vm->mutator);
        while (file->end < need) {
            ssize_t n = read(file->descriptor, file->data + file->end, need - file->end);
            if (n == 0 || (n < 0 && errno != EINTR))
                break;
            file->end += n > 0 ? (size_t)n : 0;
        }
        gait_leave_native(vm->mutator);
        if (file->end < need)
            return first;
    }
    const uint8_t *p = (const uint8_t *)file->data + file->at;
    int32_t code = first & (0x7f >> need);
    for (size_t i = 1; i < need; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return first;
        code = code << 6 | (p[i] & 0x3f);
    }
    *bytes = need;
    return code;
}

int32_t port_peek_char(struct vm *vm, value v) {
    struct port *port = port_of(v);
    if (port->file) {
        size_t bytes;
        return file_decode(vm, port->file, &bytes);
    }
    if (!is_string(port->buffer) || port->position >= length_of(port->buffer))
        return END;
    return (int32_t)string_of(port->buffer)->chars[port->position];
}

int32_t port_read_char(struct vm *vm, value v) {
    struct port *port = port_of(v);
    int32_t c;
    if (port->file) {
        size_t bytes;
        c = file_decode(vm, port->file, &bytes);
        port->file->at += c == END ? 0 : bytes;
    } else {
        c = port_peek_char(vm, v);
        port->position += c != END;
    }
    port->line += c == '\n';
    return c;
}

bool port_ready(struct vm *vm, value v) {
    struct port *port = port_of(v);
    (void)vm;
    if (!port->file || port->file->at < port->file->end)
        return true;
    struct pollfd poll_fd = {.fd = port->file->descriptor, .events = POLLIN};
    return poll(&poll_fd, 1, 0) != 0;
}

/* ---- Output -------------------------------------------------------------------------------- */

/* Room for one more character or byte in the buffer of a port without file. */
static void reserve(struct vm *vm, value v, size_t more) {
    size_t room = length_of(port_of(v)->buffer), need = port_of(v)->position + more;
    if (need <= room)
        return;
    room = 2 * room > need ? 2 * room : need;
    value old = port_of(v)->buffer, buffer;
    if (is_string(old)) {
        buffer = make_string(vm, room, 0);
        memcpy(string_of(buffer)->chars, string_of(old)->chars,
               port_of(v)->position * sizeof(uint32_t));
    } else {
        buffer = make_bytevector(vm, room);
        memcpy(bytevector_of(buffer)->bytes, bytevector_of(old)->bytes, port_of(v)->position);
    }
    store(vm, &port_of(v)->buffer, buffer);
}

void port_write_byte(struct vm *vm, value v, uint8_t byte) {
    struct port *port = port_of(v);
    if (port->file) {
        file_put(vm, port->file, byte);
        return;
    }
    reserve(vm, v, 1);
    bytevector_of(port->buffer)->bytes[port->position++] = byte;
}

void port_write_char(struct vm *vm, value v, uint32_t c) {
    struct port *port = port_of(v);
    if (!port->file) {
        reserve(vm, v, 1);
        string_of(port->buffer)->chars[port->position++] = c;
        return;
    }
    if (c < 0x80) {
        file_put(vm, port->file, (uint8_t)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    file_put(vm, port->file, (uint8_t)(lead[more] | c >> 6 * more));
    while (more-- > 0)
        file_put(vm, port->file, (uint8_t)(0x80 | (c >> 6 * more & 0x3f)));
}

void port_write_text(struct vm *vm, value port, const char *ascii) {
    for (; *ascii; ascii++)
        port_write_char(vm, port, (uint8_t)*ascii);
}

void port_write_string(struct vm *vm, value v, value string, size_t from, size_t to) {
    struct port *port = port_of(v);
    if (port->file) {
        for (size_t i = from; i < to; i++)
            port_write_char(vm, v, string_of(string)->chars[i]);
        return;
    }
    reserve(vm, v, to - from);
    memcpy(string_of(port->buffer)->chars + port->position, string_of(string)->chars + from,
           (to - from) * sizeof(uint32_t));
    port->position += to - from;
}

value port_contents(struct vm *vm, value v) {
    size_t count = port_of(v)->position;
    if (is_string(port_of(v)->buffer))
        return make_substring(vm, port_of(v)->buffer, 0, count);
    value bytes = make_bytevector(vm, count);
    memcpy(bytevector_of(bytes)->bytes, bytevector_of(port_of(v)->buffer)->bytes, count);
    return bytes;
}

/* SPDX-License-Identifier: MIT */
/*
 * Ports. See port.h.
 */
#include "port.h"

#include "scratch.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINALIZERS_AT_ONCE 64
#define FAILURE_BYTES (FILE_TELL_BYTES + 32) /* with the line */

/* ---- What fails ---------------------------------------------------------------------------- */

/* Raise "MESSAGE: name", a file error or a read error. */
static value raise_failure(struct vm *vm, unsigned kind, const char *message, const char *name) {
    char text[256];
    snprintf(text, sizeof text, "%s:", message);
    value live[2] = {make_text(vm, text), 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    live[1] = make_text(vm, name);
    live[1] = cons(vm, live[1], NIL);
    live[0] = make_condition(vm, kind, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return raise_value(vm, live[0]);
}

value raise_file_error(struct vm *vm, const char *what, int error, const char *name) {
    char text[200];
    snprintf(text, sizeof text, "%s: %s", what, strerror(error));
    return raise_failure(vm, CONDITION_FILE, text, name);
}

/* What a file says, with the line where text is no UTF-8; 0: none. @return the condition's kind. */
static unsigned take_failure(struct vm *vm, struct file *file, unsigned line,
                             char text[FAILURE_BYTES]) {
    char what[FILE_TELL_BYTES];
    bool is_text = !file->error;
    file_tell(file, what);
    if (is_text && line)
        snprintf(text, FAILURE_BYTES, "%s, line %u", what, line);
    else
        snprintf(text, FAILURE_BYTES, "%s", what);
    if (file->descriptor <= STDOUT_FILENO)
        vm->console_lost = true;
    return is_text ? CONDITION_READ : CONDITION_FILE;
}

/* The last that is heard of a file, which was closed. It is gone before the condition is made, for
 * which there may be no memory. */
static value raise_last(struct vm *vm, struct file *file) {
    char text[FAILURE_BYTES];
    char *name = strcpy(scratch_resize(NULL, strlen(file->name) + 1), file->name);
    unsigned kind = take_failure(vm, file, 0, text);
    file_free(file);
    raise_failure(vm, kind, text, name);
    scratch_free(name);
    return RAISED;
}

bool port_failed(value port) { return port_of(port)->file && port_of(port)->file->failed; }

value port_raise(struct vm *vm, value port) {
    char text[FAILURE_BYTES];
    struct file *file = port_of(port)->file;
    unsigned kind = take_failure(vm, file, (unsigned)port_of(port)->line, text);
    return raise_failure(vm, kind, text, file->name);
}

void port_tell(value port, char text[FILE_TELL_BYTES]) { file_tell(port_of(port)->file, text); }

value port_result(struct vm *vm, value port, value result) {
    struct file *file = port_of(port)->file;
    if (!file)
        return result;
    if (file->end && file->output &&
        (file->flush == FLUSH_ALWAYS ||
         (file->flush == FLUSH_LINES && memchr(file->data, '\n', file->end))))
        file_flush(vm, file);
    return file->failed ? port_raise(vm, port) : result;
}

value port_lost(struct vm *vm, value result) {
    return vm->lost && result != RAISED ? raise_last(vm, vm->lost) : result;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

static struct file *take_file(value v) {
    struct file *file = port_of(v)->file;
    header_change(v, PORT_OPEN, 0);
    port_of(v)->file = NULL;
    return file;
}

/* A port that nothing refers to any more: its file is closed. */
static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator;
    struct file *file = take_file((value)object);
    if (file && file_close(data, file))
        file_free(file);
}

static value make_port(struct vm *vm, value buffer, value path, unsigned flags) {
    vm->made[0] = buffer;
    vm->made[1] = path;
    struct port *port = allocate(vm, TYPE_PORT, sizeof *port);
    port->header = HEADER(TYPE_PORT, flags | PORT_OPEN);
    port->file = NULL;
    port->line = port->column = 1;
    gait_init(&port->buffer, buffer);
    gait_init(&port->path, path);
    return (value)port;
}

/* A port that gets a file: all that may fail is done before something is opened. */
static value make_file_port(struct vm *vm, value path, unsigned flags) {
    value port = make_port(vm, FALSE, path, flags);
    if (gait_finalizer_set(vm->mutator, (void *)port, finalize, vm))
        vm_out_of_memory(vm);
    return port;
}

value port_open_descriptor(struct vm *vm, int descriptor, const char *name, unsigned flags) {
    value port = make_file_port(vm, make_text(vm, name), flags | PORT_BOTH);
    port_of(port)->file = file_open(vm, descriptor, name, flags & PORT_OUTPUT);
    return port;
}

/* Open a file, perhaps one that somebody else is to open too. @return the descriptor, or the error
 * negated. A directory can be opened, but not read. */
static int open_descriptor(struct vm *vm, const char *name, int mode) {
    int descriptor;
    gait_enter_native(vm->mutator);
    do
        descriptor = open(name, mode, 0666);
    while (descriptor < 0 && errno == EINTR);
    int error = errno;
    gait_leave_native(vm->mutator);
    if (descriptor < 0)
        return -error;
    struct stat status;
    if (!fstat(descriptor, &status) && S_ISDIR(status.st_mode)) {
        close(descriptor);
        return -EISDIR;
    }
    return descriptor;
}

char *file_name_utf8(struct vm *vm, value path) {
    size_t bytes;
    char *name = string_utf8(path, &bytes);
    if (strlen(name) == bytes)
        return name;
    free(name);
    raise_error(vm, NULL, "a file's name has no null character:", 1, path);
    return NULL;
}

value port_open_file(struct vm *vm, value path, unsigned flags) {
    value live[2] = {path, RAISED};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    gait_run_finalizers(vm->mutator, FINALIZERS_AT_ONCE);
    char *name = port_lost(vm, TRUE) == RAISED ? NULL : file_name_utf8(vm, path);
    if (name) {
        int mode = O_RDONLY | O_CLOEXEC;
        if (flags & PORT_OUTPUT)
            mode = O_WRONLY | O_CREAT | O_CLOEXEC | (flags & PORT_APPEND ? O_APPEND : O_TRUNC);
        live[1] = make_file_port(vm, path, flags);
        int descriptor = open_descriptor(vm, name, mode);
        if (descriptor == -EMFILE || descriptor == -ENFILE) {
            /* Ports that were dropped may hold the descriptors. */
            gait_collect(vm->mutator);
            while (gait_run_finalizers(vm->mutator, FINALIZERS_AT_ONCE))
                ;
            descriptor = open_descriptor(vm, name, mode);
        }
        if (descriptor < 0)
            live[1] = raise_file_error(vm, "can't open", -descriptor, name);
        else
            port_of(live[1])->file = file_open(vm, descriptor, name, flags & PORT_OUTPUT);
        free(name);
    }
    gait_pop_frame(vm->mutator);
    return live[1];
}

value port_open_buffer(struct vm *vm, value source, unsigned flags) {
    return make_port(vm, source, FALSE, flags);
}

value port_close(struct vm *vm, value port) {
    struct file *file = take_file(port);
    if (!file)
        return UNSPECIFIED;
    if (!file_close(vm, file))
        return raise_last(vm, file);
    file_free(file);
    return UNSPECIFIED;
}

value port_flush(struct vm *vm, value port) {
    if (port_of(port)->file)
        file_flush(vm, port_of(port)->file);
    return port_result(vm, port, UNSPECIFIED);
}

/* ---- Input --------------------------------------------------------------------------------- */

/* Bytes that are available at once: unread ones of the buffer; 0: the end, or a failure. */
static size_t bytes_ahead(struct vm *vm, value v, const uint8_t **bytes) {
    struct port *port = port_of(v);
    if (port->file) {
        if (!file_fill(vm, port->file))
            return 0;
        *bytes = (const uint8_t *)port->file->data + port->file->at;
        return port->file->end - port->file->at;
    }
    if (!is_bytevector(port->buffer))
        return 0;
    *bytes = bytevector_of(port->buffer)->bytes + port->position;
    return length_of(port->buffer) - port->position;
}

static void skip_bytes(value v, size_t count) {
    struct port *port = port_of(v);
    if (port->file)
        port->file->at += count;
    else
        port->position += count;
}

/* The end or a failure, where there was nothing to be read. */
static int32_t end_of(value v, bool taken) {
    struct file *file = port_of(v)->file;
    return file ? file_end(file, taken) : END;
}

int32_t port_peek_byte(struct vm *vm, value v) {
    const uint8_t *bytes;
    return bytes_ahead(vm, v, &bytes) ? *bytes : end_of(v, false);
}

int32_t port_read_byte(struct vm *vm, value v) {
    const uint8_t *bytes;
    if (!bytes_ahead(vm, v, &bytes))
        return end_of(v, true);
    int32_t byte = *bytes;
    skip_bytes(v, 1);
    return byte;
}

int64_t port_read_bytes(struct vm *vm, value v, uint8_t *to, size_t count) {
    size_t read = 0, ahead;
    const uint8_t *bytes;
    while (read < count && (ahead = bytes_ahead(vm, v, &bytes))) {
        size_t n = ahead < count - read ? ahead : count - read;
        memcpy(to + read, bytes, n);
        skip_bytes(v, n);
        read += n;
    }
    return read || !count ? (int64_t)read : end_of(v, true);
}

int32_t port_peek_char(struct vm *vm, value v) {
    struct port *port = port_of(v);
    struct file *file = port->file;
    if (file) {
        size_t bytes;
        if (file->at < file->end && file->data[file->at] >= 0)
            return file->data[file->at];
        return file_decode(vm, file, &bytes);
    }
    if (!is_string(port->buffer) || port->position >= length_of(port->buffer))
        return END;
    return (int32_t)string_of(port->buffer)->chars[port->position];
}

int32_t port_read_char(struct vm *vm, value v) {
    struct port *port = port_of(v);
    struct file *file = port->file;
    int32_t c;
    if (file) {
        size_t bytes = 0;
        if (file->at < file->end && file->data[file->at] >= 0) {
            bytes = 1;
            c = file->data[file->at];
        } else {
            c = file_decode(vm, file, &bytes);
            if (c == END)
                file_end(file, true);
        }
        file->at += bytes; /* what is no character is passed over */
    } else {
        c = port_peek_char(vm, v);
        port->position += c != END;
    }
    if (c == '\n') {
        port->line++;
        port->column = 1;
    } else {
        port->column += c >= 0;
    }
    return c;
}

void port_drop_input(value port) {
    if (port_of(port)->file)
        port_of(port)->file->at = port_of(port)->file->end;
}

bool port_skip_blank(struct vm *vm, value port) {
    struct file *file = port_of(port)->file;
    while (file && file->at < file->end && memchr(" \t\r\n", file->data[file->at], 4))
        port_read_char(vm, port);
    return file && (file->at < file->end || file->ended);
}

void port_keep_end(value port) {
    if (port_of(port)->file)
        port_of(port)->file->ended = true;
}

bool port_ready(struct vm *vm, value v, bool character) {
    struct file *file = port_of(v)->file;
    if (!file)
        return true;
    /* Without the last of its bytes a character is not there. */
    uint32_t c;
    while (file->at == file->end ||
           (character && !utf8_decode(file->data + file->at, file->end - file->at, &c))) {
        if (!file_ready(file))
            return false;
        if (file->failed || file->ended || !file_fill_more(vm, file))
            return true;
    }
    return true;
}

/* ---- Output -------------------------------------------------------------------------------- */

/* Room for so many more characters or bytes in the buffer of a port without file. */
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

void port_write_byte(struct vm *vm, value v, uint8_t byte) { port_write_bytes(vm, v, &byte, 1); }

/* The bytes don't move when memory is allocated. */
void port_write_bytes(struct vm *vm, value v, const uint8_t *bytes, size_t count) {
    struct port *port = port_of(v);
    if (port->file) {
        file_put_bytes(vm, port->file, bytes, count);
        return;
    }
    reserve(vm, v, count);
    memcpy(bytevector_of(port->buffer)->bytes + port->position, bytes, count);
    port->position += count;
}

void port_write_char(struct vm *vm, value v, uint32_t c) {
    struct port *port = port_of(v);
    if (!port->file) {
        reserve(vm, v, 1);
        string_of(port->buffer)->chars[port->position++] = c;
    } else if (c < 0x80) {
        file_put(vm, port->file, (uint8_t)c);
    } else {
        char bytes[UTF8_LONGEST];
        file_put_bytes(vm, port->file, bytes, utf8_encode(bytes, c));
    }
}

void port_write_text(struct vm *vm, value v, const char *ascii) {
    struct port *port = port_of(v);
    size_t count = strlen(ascii);
    if (port->file) {
        file_put_bytes(vm, port->file, ascii, count);
        return;
    }
    reserve(vm, v, count);
    for (size_t i = 0; i < count; i++)
        string_of(port->buffer)->chars[port->position++] = (uint8_t)ascii[i];
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

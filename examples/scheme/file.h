/* SPDX-License-Identifier: MIT */
/*
 * Files of ports: a descriptor with a buffer.
 *
 * The buffer is malloc'ed memory, so that the program can block in read and write as native code.
 *
 * What fails. No result of the operating system is dropped. What failed is noted in the file, and
 * stays there until it is told, once:
 *   - by the operation on its port that is under way or comes next, which raises it (port_result);
 *   - for a port that nothing referred to any more, and which a finalizer closed, by the next call
 *     that opens, flushes or closes a port, or by (gc);
 *   - at exit, by a line to standard error, and status 1 (file_finish_all).
 * Bytes that could not be written are lost. As long as a failure has not been told, more of them go
 * the same way, so that nothing is written with a hole in it.
 *
 * A read or a write that a signal interrupts is tried again; one that would block, waits. A closed
 * pipe and a file that is too large are failures like others, not signals (files_init).
 */
#ifndef SCHEME_FILE_H
#define SCHEME_FILE_H

#include "vm.h"

/* What reading returns when there is no byte or character. */
#define END (-1)
#define FAULT (-2) /* the file says what failed */

#define FILE_BUFFER_BYTES 16384
#define FILE_TELL_BYTES 200 /* for any text of file_tell */

enum file_flush { FLUSH_FULL, FLUSH_LINES, FLUSH_ALWAYS };

struct file {
    struct file *next, **link; /* of vm->files, or of vm->lost */
    char *name;                /* for messages; UTF-8 */
    int descriptor;
    bool output;
    enum file_flush flush;
    const char *failed; /* what: "can't write" and the like; NULL: nothing is to be told */
    int error;          /* its errno; 0: text that is no UTF-8 */
    uint64_t error_at;  /* which begins at this byte of the file */
    bool ended;         /* the end was met, and not yet taken by a read */
    uint64_t before;    /* input: bytes of the file before data */
    size_t at, end;     /* input: unread bytes; output: end is the count to be written */
    char data[FILE_BUFFER_BYTES];
};

/** Once, before anything is opened: signals, and descriptors 0 to 2, which no file may get. */
void files_init(void);

struct file *file_open(struct vm *vm, int descriptor, const char *name, bool output);

/**
 * Flush and close; 0 to 2 are never closed before the end.
 * @return false: something of it is still to be told; then it is in vm->lost.
 */
bool file_close(struct vm *vm, struct file *file);

/** Free one that was closed, in vm->lost or not. */
void file_free(struct file *file);

/** Have unread bytes. @return false: the end, or a failure. */
bool file_fill(struct vm *vm, struct file *file);

/** Have more unread bytes than there are. @return the same. */
bool file_fill_more(struct vm *vm, struct file *file);

/** Is there a byte, the end or a failure available without waiting? */
bool file_ready(struct file *file);

/** Decode the character that is next. *bytes is what it takes. @return it, END or FAULT. */
int32_t file_decode(struct vm *vm, struct file *file, size_t *bytes);

/** Why there was no byte: END or FAULT. The end is there for one read. */
int32_t file_end(struct file *file, bool taken);

void file_flush(struct vm *vm, struct file *file);
void file_put_bytes(struct vm *vm, struct file *file, const void *bytes, size_t count);

static inline void file_put(struct vm *vm, struct file *file, uint8_t byte) {
    if (file->end == sizeof file->data)
        file_flush(vm, file);
    file->data[file->end++] = (char)byte;
}

/** Flush all output: before standard input is waited for, and before the program ends. */
void file_flush_all(struct vm *vm);

/** What failed, in words; then it counts as told. */
void file_tell(struct file *file, char text[FILE_TELL_BYTES]);

/**
 * At exit: flush and close all, and say on standard error what failed and was not raised.
 * @return false: there was such.
 */
bool file_finish_all(struct vm *vm);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The reader's state, and its tokens (token.c), for read.c.
 */
#ifndef SCHEME_READ_H
#define SCHEME_READ_H

#include "port.h"

struct label {
    int64_t number;
    value datum; /* a box until it is known */
    struct label *next;
};

struct reader {
    struct vm *vm;
    value port;
    value source;
    gait_arena *arena; /* of pairs and vectors; NULL: the heap */
    struct label *labels;
    bool has_references;
    int depth;
    char *token; /* UTF-8, malloc'ed */
    size_t token_bytes, token_room;
};

static inline int32_t peek(struct reader *r) { return port_peek_char(r->vm, r->port); }
static inline int32_t next(struct reader *r) { return port_read_char(r->vm, r->port); }

/** Raise a read error. */
value read_fail(struct reader *r, const char *message);

bool is_space(int32_t c);

/* ---- The token: text in r->token, with a zero at its end ----------------------------------- */

void token_clear(struct reader *r);
void token_add(struct reader *r, uint32_t c);

/** Take what comes up to a delimiter. */
void token_take(struct reader *r);

/** Take text up to the closing quote or bar. @return false: malformed */
bool token_take_quoted(struct reader *r, int32_t quote);

/** The character of a name such as space or x41; -1: there is none. */
int32_t token_character(struct reader *r);

#endif

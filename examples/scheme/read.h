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

/* What has begun and is not complete. Those up to LEVEL_BYTES end with a parenthesis, the others
 * with one datum. */
enum level_kind { LEVEL_LIST, LEVEL_VECTOR, LEVEL_BYTES, LEVEL_QUOTE, LEVEL_SKIP, LEVEL_LABEL };
enum level_dot { DOT_NONE, DOT_SEEN, DOT_DONE };

struct level {
    enum level_kind kind;
    enum level_dot dot;
    uint64_t line, column; /* where it begins */
    size_t keep;           /* vm->keep.items[keep] is the list so far */
    union {
        value tail; /* its last pair; NIL: none */
        enum known_symbol symbol;
        struct label *label;
    };
};

struct reader {
    struct vm *vm;
    value port;
    value source;      /* FALSE: what is read is no program */
    gait_arena *arena; /* of pairs and vectors; NULL: the heap */
    struct level *levels;
    size_t level_count, level_room;
    uint64_t line, column; /* where the last item begins */
    uint64_t item_line;    /* where the datum begins that it completes */
    struct label *labels;
    size_t labelled; /* vm->keep.items[labelled] is a list of all that has a label */
    bool has_references;
    char *token; /* UTF-8, malloc'ed */
    size_t token_bytes, token_room;
    bool at_end; /* the last character taken was the end */
};

static inline int32_t peek(struct reader *r) { return port_peek_char(r->vm, r->port); }
static inline int32_t next(struct reader *r) {
    int32_t c = port_read_char(r->vm, r->port);
    r->at_end = c == END;
    return c;
}

/** Raise a read error at the last item, or what failed in the port. */
value read_fail(struct reader *r, const char *message);

/** The same with another place. */
value read_fail_at(struct reader *r, const char *message, uint64_t line, uint64_t column);

/** What failed in the port. */
value read_fail_port(struct reader *r);

/** The end came before that of what was opened last: raise where that, and the form, began. */
value read_fail_open(struct reader *r);

/** Put what the labels stand for in the place of boxes. `seen`, a table, holds what was walked. */
void read_resolve(struct vm *vm, value datum, value seen);

bool is_space(int32_t c);

/* ---- The token: text in r->token, with a zero at its end ----------------------------------- */

void token_clear(struct reader *r);
void token_add(struct reader *r, uint32_t c);

/** Take what comes up to a delimiter. */
void token_take(struct reader *r);

/** Take text up to the closing quote or bar. @return NULL, or what is wrong. */
const char *token_take_quoted(struct reader *r, int32_t quote);

/** The character of a name such as space or x41; -1: there is none. */
int32_t token_character(struct reader *r);

#endif

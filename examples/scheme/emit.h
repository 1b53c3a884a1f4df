/* SPDX-License-Identifier: MIT */
/*
 * A function's code while it is made: emit.c keeps the arrays, generate.c says what goes in.
 */
#ifndef SCHEME_EMIT_H
#define SCHEME_EMIT_H

#include "compile.h"
#include "opcodes.h"

struct function {
    struct compiler *c;
    struct lambda *lambda;
    uint32_t *code;
    size_t count, room;
    uint32_t *lines; /* pairs: instruction, line */
    size_t line_count, line_room;
    value *constants;
    size_t constant_count, constant_room;
    int depth, deepest; /* words above the frame pointer */
};

/* Pending jumps to one place. */
struct jumps {
    size_t *items;
    size_t count, room;
};

void emit(struct function *f, enum opcode opcode, int64_t operand);
void emit_word(struct function *f, uint32_t word);

/** From here on, instructions are of this line. */
void mark_line(struct function *f, unsigned line);

/** There are that many words above the frame pointer now. */
void set_depth(struct function *f, int depth);

/** The index of a constant. */
int64_t constant(struct function *f, value v);

/** A jump forward, to be aimed by land. @return the index of its word */
size_t emit_jump(struct function *f, enum opcode opcode);
void land(struct function *f, size_t jump);
void land_at(struct function *f, size_t jump, size_t target);
void add_jump(struct function *f, struct jumps *jumps, size_t jump);
void land_all(struct function *f, struct jumps *jumps);

/** The code object. */
value emit_code(struct function *f);

/* ---- inline.c: calls that are an instruction ----------------------------------------------- */

struct inline_builtin {
    const char *name;
    size_t count; /* of arguments */
    enum opcode opcode;
    int jump; /* the conditional jump, or -1 */
    int jump_int;
};

/** The builtin that a call is certain to reach, or 0. */
value called_builtin(struct node *node);

/** How a call is inlined, or NULL. */
const struct inline_builtin *called_inline(struct node *node);

bool is_small_constant(struct node *node);

#endif

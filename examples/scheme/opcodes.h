/* SPDX-License-Identifier: MIT */
/*
 * The machine's instructions. One is a 32-bit word, opcode in bits 0..7, operand A (signed) above;
 * some take further words. "local i" is word i above the frame pointer. acc is the accumulator,
 * pop what is taken off the stack. Jumps are relative to the word after the opcode.
 */
#ifndef SCHEME_OPCODES_H
#define SCHEME_OPCODES_H

/* A table. */
/* clang-format off */
#define OPCODES(X)                                                                                 \
    /* acc = constant A, the fixnum A, local A, what its box holds, free variable A, … */          \
    X(CONST) X(INT) X(LOCAL) X(LOCAL_BOX) X(FREE) X(FREE_BOX) X(GLOBAL)                            \
    /* the same, pushed; PUSH: acc; PUSH_BOX: a new box that holds nothing yet */                  \
    X(PUSH) X(PUSH_CONST) X(PUSH_INT) X(PUSH_LOCAL) X(PUSH_FREE) X(PUSH_GLOBAL) X(PUSH_BOX)        \
    /* assign acc; BOX_LOCAL: put local A into a box */                                            \
    X(SET_LOCAL) X(SET_LOCAL_BOX) X(SET_FREE_BOX) X(SET_GLOBAL) X(DEFINE) X(BOX_LOCAL) X(POP)      \
    /* acc = closure of constant A; next: count, then sources: index << 2 | enum source */         \
    X(CLOSURE)                                                                                     \
    X(PATCH)       /* free variable A of the closure in acc = local (next word) */                 \
    X(CASE_LAMBDA) /* acc = choice of the A closures that are popped */                            \
    /* FRAME: push what RETURN goes back to, at A; CALL: acc, with A arguments; AGAIN: move the    \
       (next word) top words to local (the word after), drop the rest, jump */                     \
    X(FRAME) X(CALL) X(CALL_TAIL) X(RETURN) X(AGAIN)                                               \
    X(BUILTIN) /* acc = builtin of constant A called with (next word) arguments, popped */         \
    X(JUMP) X(JUMP_FALSE) X(JUMP_TRUE)                                                             \
    /* acc = f(acc) */                                                                             \
    X(CAR) X(CDR) X(CAAR) X(CADR) X(CDAR) X(CDDR) X(IS_NULL) X(IS_PAIR) X(NOT) X(IS_ZERO)          \
    X(VECTOR_LENGTH) X(LOCAL_CAR) X(LOCAL_CDR)                                                     \
    /* acc = f(pop, acc) */                                                                        \
    X(CONS) X(IS_EQ) X(IS_EQV) X(ADD) X(SUBTRACT) X(MULTIPLY) X(IS_NUM_EQ) X(IS_LESS)              \
    X(IS_GREATER) X(IS_LESS_EQ) X(IS_GREATER_EQ) X(QUOTIENT) X(REMAINDER) X(MODULO)                \
    X(VECTOR_REF) X(STRING_REF) X(SET_CAR) X(SET_CDR) X(CHAR_EQ)                                   \
    X(VECTOR_SET)                 /* pop, pop, acc */                                              \
    X(RECORD_REF) X(RECORD_SET)   /* field A; pop the record (and before, the value's type) */     \
    X(ADD_INT)                    /* acc += A */                                                   \
    /* Jump if the test of acc, or of pop and acc, or of acc and the number in the next word,      \
       holds; with NOT_, if it does not */                                                         \
    X(JUMP_NULL) X(JUMP_NOT_NULL) X(JUMP_PAIR) X(JUMP_NOT_PAIR) X(JUMP_ZERO) X(JUMP_NOT_ZERO)      \
    X(JUMP_EQ) X(JUMP_NOT_EQ) X(JUMP_NUM_EQ) X(JUMP_NOT_NUM_EQ) X(JUMP_LESS) X(JUMP_NOT_LESS)      \
    X(JUMP_GREATER) X(JUMP_NOT_GREATER) X(JUMP_LESS_EQ) X(JUMP_NOT_LESS_EQ)                        \
    X(JUMP_GREATER_EQ) X(JUMP_NOT_GREATER_EQ)                                                      \
    X(JUMP_NUM_EQ_INT) X(JUMP_NOT_NUM_EQ_INT) X(JUMP_LESS_INT) X(JUMP_NOT_LESS_INT)                \
    X(JUMP_GREATER_INT) X(JUMP_NOT_GREATER_INT) X(JUMP_LESS_EQ_INT) X(JUMP_NOT_LESS_EQ_INT)        \
    X(JUMP_GREATER_EQ_INT) X(JUMP_NOT_GREATER_EQ_INT)                                              \
    /* In tail position, for the prelude: apply pop to the list acc; apply pop to the values acc;  \
       call acc with the continuation; go on at the continuation pop with acc */                   \
    X(APPLY) X(APPLY_VALUES) X(CALL_CC) X(THROW)                                                   \
    X(UNDERFLOW) /* the stack is empty: fetch a frame from the chunk below */
/* clang-format on */

enum opcode {
#define X(name) OP_##name,
    OPCODES(X)
#undef X
        OP_COUNT
};

enum source { SOURCE_LOCAL, SOURCE_FREE, SOURCE_LATER };

#define OPERAND_MIN (-(1 << 23))
#define OPERAND_MAX ((1 << 23) - 1)

#endif

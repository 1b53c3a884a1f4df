/* SPDX-License-Identifier: MIT */
/*
 * Calls of builtins that are instructions of their own.
 */
#include "emit.h"

#define PLAIN(name, count, op)                                                                     \
    { name, count, OP_##op, -1, -1 }
#define TEST(name, count, op, jump)                                                                \
    { name, count, OP_##op, OP_JUMP_##jump, -1 }
#define COMPARE(name, op)                                                                          \
    { name, 2, OP_IS_##op, OP_JUMP_##op, OP_JUMP_##op##_INT }

static const struct inline_builtin inlines[] = {
    PLAIN("car", 1, CAR),
    PLAIN("cdr", 1, CDR),
    PLAIN("caar", 1, CAAR),
    PLAIN("cadr", 1, CADR),
    PLAIN("cdar", 1, CDAR),
    PLAIN("cddr", 1, CDDR),
    TEST("null?", 1, IS_NULL, NULL),
    TEST("pair?", 1, IS_PAIR, PAIR),
    PLAIN("not", 1, NOT),
    TEST("zero?", 1, IS_ZERO, ZERO),
    PLAIN("vector-length", 1, VECTOR_LENGTH),
    PLAIN("cons", 2, CONS),
    TEST("eq?", 2, IS_EQ, EQ),
    PLAIN("eqv?", 2, IS_EQV),
    PLAIN("+", 2, ADD),
    PLAIN("-", 2, SUBTRACT),
    PLAIN("*", 2, MULTIPLY),
    COMPARE("=", NUM_EQ),
    COMPARE("<", LESS),
    COMPARE(">", GREATER),
    COMPARE("<=", LESS_EQ),
    COMPARE(">=", GREATER_EQ),
    PLAIN("quotient", 2, QUOTIENT),
    PLAIN("truncate-quotient", 2, QUOTIENT),
    PLAIN("remainder", 2, REMAINDER),
    PLAIN("truncate-remainder", 2, REMAINDER),
    PLAIN("modulo", 2, MODULO),
    PLAIN("floor-remainder", 2, MODULO),
    PLAIN("vector-ref", 2, VECTOR_REF),
    PLAIN("string-ref", 2, STRING_REF),
    PLAIN("set-car!", 2, SET_CAR),
    PLAIN("set-cdr!", 2, SET_CDR),
    PLAIN("char=?", 2, CHAR_EQ),
    PLAIN("vector-set!", 3, VECTOR_SET),
    PLAIN("%record-ref", 3, RECORD_REF),
    PLAIN("%record-set!", 4, RECORD_SET),
    PLAIN("%apply", 2, APPLY),
    PLAIN("%apply-values", 2, APPLY_VALUES),
    PLAIN("%call/cc", 1, CALL_CC),
    PLAIN("%throw", 2, THROW),
};

value called_builtin(struct node *node) {
    if (node->type != NODE_CALL)
        return 0;
    struct node *callee = node->list.callee;
    value v = 0;
    if (callee->type == NODE_CONSTANT)
        v = callee->constant;
    else if (callee->type == NODE_GLOBAL && length_of(callee->global) & GLOBAL_CONSTANT)
        v = global_of(callee->global)->content;
    return v && has_type(v, TYPE_BUILTIN) ? v : 0;
}

unsigned inline_index(const char *name) {
    for (unsigned i = 0; i < sizeof inlines / sizeof *inlines; i++)
        if (!strcmp(inlines[i].name, name))
            return i + 1;
    return 0;
}

const struct inline_builtin *called_inline(struct node *node) {
    value builtin = called_builtin(node);
    unsigned index = builtin ? builtin_of(builtin)->inline_index : 0;
    return index && inlines[index - 1].count == node->list.count ? &inlines[index - 1] : NULL;
}

bool is_small_constant(struct node *node) {
    return node->type == NODE_CONSTANT && is_fixnum(node->constant) &&
           llabs(fixnum_value(node->constant)) < OPERAND_MAX;
}

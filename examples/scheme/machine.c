/* SPDX-License-Identifier: MIT */
/*
 * The machine: an accumulator, a stack, and bytecode (opcodes.h).
 *
 *   base                                           fp                       sp        limit
 *    | pc self delta | arguments and locals | pc self delta | arguments, … |
 *      link to below    of the caller         link to the caller
 *
 * A frame starts at fp. Below it is the link that RETURN follows: the caller's next instruction,
 * its closure, and the distance between the two frame pointers, as a fixnum. All is relative, so
 * frames can be moved to chunks on the heap and back (control.c). The lowest link leads to
 * UNDERFLOW, which fetches a frame from the chunk below. The stack has a fixed size: it is what the
 * collector scans in one go.
 *
 * sp, fp, pc, self and acc are in registers; SYNC writes them to vm before any safepoint. That is
 * why the file is long: instructions share these registers by being one function.
 */
#include "machine.h"
#include "scratch.h"

static const uint32_t underflow[] = {OP_UNDERFLOW};

/* The second argument is no index of the first one. */
static value raise_bad_index(struct vm *vm, const char *who, value v, value index) {
    return is_fixnum(index) ? raise_index(vm, who, length_of(v), index)
                            : raise_argument(vm, who, 2, "index", index);
}

/* Call a procedure without arguments; or (escape) go on where C code was left in the middle, with
 * the registers of vm. */
static value run(struct vm *vm, value procedure, enum escape escape) {
    static const void *const labels[] = {
#define X(name) &&do_##name,
        OPCODES(X)
#undef X
    };
    struct gait_mutator_head *head = (struct gait_mutator_head *)vm->mutator;
    value *const base = vm->base, *const limit = vm->limit;
    value *sp = base, *fp;
    const uint32_t *pc = underflow;
    const value *constants = NULL;
    value acc = procedure, self;
    uint32_t word;
    size_t count;

    if (escape != ESCAPE_NONE) {
        sp = vm->sp;
        fp = vm->fp;
        pc = vm->pc;
        self = vm->self;
        acc = vm->acc;
        if (escape == ESCAPE_INTERRUPT)
            goto interrupt;
        goto raise;
    }
    vm->sp = sp;
    vm->acc = acc;
    vm_make_bottom(vm);
    self = vm->bottom;
    vm->under = FALSE;
    vm->under_top = 0;
    vm->abandoned = false;
    base[0] = (value)underflow;
    base[1] = vm->bottom;
    base[2] = fixnum(0);
    sp = fp = base + 3;
    count = 0;
    goto call;

    /* ---- Calls: acc is called with `count` arguments on the stack, above a link ---- */
call:
    if (GAIT_UNLIKELY(!is_object(acc)))
        goto not_procedure;
    switch (header_of(acc) & 0xff) {
    case TYPE_CLOSURE: {
        struct code *code = code_of(closure_of(acc)->code);
        if (GAIT_UNLIKELY(code->arity != count << 1)) {
            size_t required = code->arity >> 1;
            if (!(code->arity & 1) || count < required)
                goto wrong_count;
            SYNC();
            value rest = NIL;
            for (; count > required; count--)
                rest = cons(vm, *--sp, rest);
            *sp++ = rest;
            count++;
            code = code_of(closure_of(acc)->code);
        }
        fp = sp - count;
        self = acc;
        pc = code->start;
        constants = code->constants;
        if (GAIT_UNLIKELY(fp + code->frame_size > limit)) {
            SPILL();
            if (fp + code->frame_size > limit)
                FAIL(raise_error(vm, NULL, "a function is too large for the stack", 0));
        }
        POLL();
        NEXT;
    }
    case TYPE_BUILTIN: {
        struct builtin *builtin = builtin_of(acc);
        if ((int64_t)count < builtin->least ||
            (builtin->most >= 0 && (int64_t)count > builtin->most))
            goto wrong_count;
        SYNC();
        value result = builtin->apply(vm, (int)count, sp - count);
        if (GAIT_UNLIKELY(result == RAISED)) {
            if (vm->instead == FALSE)
                goto raise;
            goto call_instead;
        }
        acc = result;
        fp = sp - count;
        goto return_to_link;
    }
    case TYPE_CASE_LAMBDA: {
        struct case_lambda *choice = case_lambda_of(acc);
        for (size_t i = 0; i < length_of(acc); i++)
            if (closure_accepts(choice->closures[i], count)) {
                acc = choice->closures[i];
                goto call;
            }
        goto wrong_count;
    }
    case TYPE_CONTINUATION: {
        SYNC();
        struct continuation *k = continuation_of(acc);
        if (k->winders == vm->winders) {
            acc = count == 1 ? sp[-1] : make_values(vm, count, sp - count);
            sp = base + 3;
            vm->under = k->chunk;
            vm->under_top = k->top;
            vm->handlers = k->handlers;
            goto fetch_frame;
        }
        value list = list_of(vm, (int)count, sp - count);
        sp -= count;
        *sp++ = acc;
        *sp++ = list;
        acc = global_of(vm->hooks[HOOK_rewind])->content;
        count = 2;
        goto call;
    }
    case TYPE_PARAMETER:
        if (count)
            goto wrong_count;
        acc = parameter_of(acc)->content;
        fp = sp;
        goto return_to_link;
    default:
        goto not_procedure;
    }

call_instead:
    acc = vm->instead;
    vm->instead = FALSE;
    goto call;

not_procedure:
    FAIL(raise_error(vm, NULL, "not a procedure:", 1, acc));

wrong_count:
    FAIL(raise_count(vm, acc, count));

raise:
    if (vm->halted || vm->abandoned)
        return RAISED;
    /* Call the prelude's raise, as if the instruction had done so. */
    LINK(sp, pc);
    sp += 3;
    *sp++ = vm->raised;
    acc = global_of(vm->hooks[HOOK_raise])->content;
    count = 1;
    goto call;

interrupt:
    /* The same with what brings the prompt back. */
    interrupt_pending = 0;
    LINK(sp, pc);
    sp += 3;
    acc = global_of(vm->hooks[HOOK_interrupted])->content;
    count = 0;
    goto call;

    /* clang-format takes labels before a brace for bit-fields. */
    /* clang-format off */
return_to_link:
do_RETURN: {
    value *link = fp - 3;
    pc = (const uint32_t *)link[0];
    self = link[1];
    fp -= fixnum_value(link[2]);
    sp = link;
    constants = code_of(closure_of(self)->code)->constants;
    NEXT;
}

do_UNDERFLOW:
    sp = base + 3;
fetch_frame:
    if (vm->under == FALSE) {
        vm->sp = sp;
        vm->acc = acc;
        return acc;
    } else {
        struct chunk *chunk = chunk_of(vm->under);
        value *top = chunk->words + vm->under_top;
        size_t size = (size_t)fixnum_value(top[-1]);
        pc = (const uint32_t *)top[-3];
        self = top[-2];
        fp = base + 3;
        memcpy(fp, top - size, (size - 3) * sizeof *fp);
        sp = fp + size - 3;
        constants = code_of(closure_of(self)->code)->constants;
        vm->under_top -= size;
        if (!vm->under_top) {
            vm->under_top = chunk->next_top;
            vm->under = chunk->next;
        }
        NEXT;
    }

    /* ---- Loads and stores ---- */
#define LOAD(name, v)                                                                              \
    do_##name : acc = v;                                                                           \
    NEXT;
    LOAD(CONST, constants[A])
    LOAD(INT, fixnum(A))
    LOAD(LOCAL, fp[A])
    LOAD(FREE, FREE_WORDS[A])
#define PUSH(name, v)                                                                              \
    do_##name : *sp++ = v;                                                                         \
    NEXT;
    PUSH(PUSH, acc)
    PUSH(PUSH_CONST, constants[A])
    PUSH(PUSH_INT, fixnum(A))
    PUSH(PUSH_LOCAL, fp[A])
    PUSH(PUSH_FREE, FREE_WORDS[A])
#undef PUSH
do_LOCAL_BOX:
    acc = box_of(fp[A])->content;
    if (GAIT_UNLIKELY(acc == UNDEFINED))
        goto too_early;
    NEXT;
do_FREE_BOX:
    acc = box_of(FREE_WORDS[A])->content;
    if (GAIT_UNLIKELY(acc == UNDEFINED))
        goto too_early;
    NEXT;
do_GLOBAL:
    acc = global_of(constants[A])->content;
    NEED_BOUND(acc);
    NEXT;
too_early:
    FAIL(raise_error(vm, NULL, "variable is used before its definition", 0));

do_PUSH_GLOBAL: {
    value content = global_of(constants[A])->content;
    NEED_BOUND(content);
    *sp++ = content;
    NEXT;
}
do_PUSH_BOX: {
    SYNC();
    value box = make_box(vm, UNDEFINED);
    *sp++ = box;
    NEXT;
}
do_SET_LOCAL:
    fp[A] = acc;
    NEXT;
do_SET_LOCAL_BOX:
    store(vm, &box_of(fp[A])->content, acc);
    NEXT;
do_SET_FREE_BOX:
    store(vm, &box_of(FREE_WORDS[A])->content, acc);
    NEXT;
do_SET_GLOBAL:
    NEED_BOUND(global_of(constants[A])->content);
    store(vm, &global_of(constants[A])->content, acc);
    NEXT;
do_DEFINE:
    store(vm, &global_of(constants[A])->content, acc);
    NEXT;
do_BOX_LOCAL: {
    SYNC();
    value box = make_box(vm, fp[A]);
    fp[A] = box;
    NEXT;
}
do_POP:
    sp -= A;
    NEXT;

    /* ---- Closures ---- */
do_CLOSURE: {
    SYNC();
    size_t free_count = *pc++;
    acc = make_closure(vm, constants[A], free_count);
    for (size_t i = 0; i < free_count; i++) {
        uint32_t source = *pc++;
        value v = UNDEFINED;
        if ((source & 3) == SOURCE_LOCAL)
            v = fp[source >> 2];
        else if ((source & 3) == SOURCE_FREE)
            v = FREE_WORDS[source >> 2];
        gait_init(&closure_of(acc)->free[i], v);
    }
    NEXT;
}
do_PATCH:
    store(vm, &closure_of(acc)->free[A], fp[*pc++]);
    NEXT;
do_CASE_LAMBDA: {
    SYNC();
    size_t closures = (size_t)A;
    struct case_lambda *choice =
        allocate(vm, TYPE_CASE_LAMBDA, sizeof *choice + closures * sizeof(value));
    choice->header = HEADER(TYPE_CASE_LAMBDA, closures);
    sp -= closures;
    for (size_t i = 0; i < closures; i++)
        gait_init(&choice->closures[i], sp[i]);
    acc = (value)choice;
    NEXT;
}

    /* ---- Control ---- */
do_FRAME:
    LINK(sp, pc + A);
    sp += 3;
    NEXT;
do_CALL:
    count = (size_t)A;
    goto call;
do_CALL_TAIL:
    count = (size_t)A;
    for (size_t i = 0; i < count; i++)
        fp[i] = sp[i - count];
    sp = fp + count;
    goto call;
do_AGAIN: {
    size_t arguments = pc[0];
    value *to = fp + pc[1];
    for (size_t i = 0; i < arguments; i++)
        to[i] = sp[i - arguments];
    sp = to + arguments;
    POLL(); /* here, where the line is known, not at the loop's begin */
    pc += A;
    NEXT;
}
do_BUILTIN: {
    struct builtin *builtin = builtin_of(constants[A]);
    count = *pc++;
    if (GAIT_UNLIKELY((int64_t)count < builtin->least ||
                      (builtin->most >= 0 && (int64_t)count > builtin->most))) {
        acc = (value)builtin;
        goto wrong_count;
    }
    SYNC();
    value result = builtin->apply(vm, (int)count, sp - count);
    if (GAIT_UNLIKELY(result == RAISED)) {
        if (vm->instead == FALSE)
            goto raise;
        /* Put a link below the arguments, as FRAME would have. */
        value *arguments = sp - count;
        memmove(arguments + 3, arguments, count * sizeof *arguments);
        LINK(arguments, pc);
        sp += 3;
        goto call_instead;
    }
    acc = result;
    sp -= count;
    NEXT;
}
do_JUMP:
    pc += A;
    NEXT;
do_JUMP_FALSE:
    JUMP_IF(acc == FALSE);
do_JUMP_TRUE:
    JUMP_IF(acc != FALSE);

do_APPLY: {
    int64_t length = list_length(acc);
    if (length < 0)
        FAIL(raise_type(vm, "apply", "list", acc));
    if (fp + length + APPLY_MARGIN > limit) {
        if (length > APPLY_MOST_ON_STACK && has_type(sp[-1], TYPE_BUILTIN)) {
            TRY(acc, control_apply(vm, sp[-1], acc, length));
            goto return_to_link;
        }
        SPILL();
        if (fp + length + APPLY_MARGIN > limit)
            FAIL(raise_error(vm, "apply", "too many arguments:", 1, fixnum(length)));
    }
    value callee = sp[-1];
    sp = fp;
    for (; is_pair(acc); acc = cdr(acc))
        *sp++ = car(acc);
    acc = callee;
    count = (size_t)length;
    goto call;
}
do_APPLY_VALUES: {
    value callee = sp[-1];
    sp = fp;
    count = 1;
    if (has_type(acc, TYPE_VALUES)) {
        count = length_of(acc);
        if (fp + count + APPLY_MARGIN > limit) {
            *sp++ = callee;
            SPILL();
            if (fp + count + APPLY_MARGIN > limit)
                FAIL(raise_error(vm, "call-with-values", "too many values", 0));
            sp = fp;
        }
        for (size_t i = 0; i < count; i++)
            *sp++ = values_of(acc)->items[i];
    } else {
        *sp++ = acc;
    }
    acc = callee;
    goto call;
}
do_CALL_CC:
    SPILL();
    sp = fp;
    SYNC();
    *sp++ = control_continuation(vm);
    count = 1;
    goto call;
do_THROW: {
    struct continuation *k = continuation_of(sp[-1]);
    vm->under = k->chunk;
    vm->under_top = k->top;
    vm->winders = k->winders;
    vm->handlers = k->handlers;
    sp = base + 3;
    goto fetch_frame;
}

    /* ---- Inline builtins ---- */
#define PART(name, text, v, part)                                                                  \
    do_##name : if (GAIT_UNLIKELY(!is_pair(v)))                                                    \
        FAIL(raise_type(vm, text, "pair", v));                                                     \
    acc = part(v);                                                                                 \
    NEXT;
    PART(CAR, "car", acc, car)
    PART(CDR, "cdr", acc, cdr)
    PART(LOCAL_CAR, "car", fp[A], car)
    PART(LOCAL_CDR, "cdr", fp[A], cdr)
#undef PART
#define DOUBLE(name, text, first, second)                                                          \
    do_##name : if (GAIT_UNLIKELY(!is_pair(acc) || !is_pair(first(acc))))                          \
        FAIL(raise_type(vm, text, "list", acc));                                                   \
    acc = second(first(acc));                                                                      \
    NEXT;
    DOUBLE(CAAR, "caar", car, car)
    DOUBLE(CADR, "cadr", cdr, car)
    DOUBLE(CDAR, "cdar", car, cdr)
    DOUBLE(CDDR, "cddr", cdr, cdr)
#undef DOUBLE
    LOAD(IS_NULL, boolean(acc == NIL))
    LOAD(IS_PAIR, boolean(is_pair(acc)))
    LOAD(NOT, boolean(acc == FALSE))
#undef LOAD
do_IS_ZERO:
    NEED_NUMBER("zero?");
    acc = boolean(IS_ZERO);
    NEXT;
do_VECTOR_LENGTH:
    if (GAIT_UNLIKELY(!is_vector(acc)))
        FAIL(raise_type(vm, "vector-length", "vector", acc));
    acc = fixnum((int64_t)length_of(acc));
    NEXT;
do_CONS:
    SYNC();
    acc = cons(vm, sp[-1], acc);
    sp--;
    NEXT;
do_IS_EQ:
    acc = boolean(*--sp == acc);
    NEXT;
do_IS_EQV:
    acc = boolean(is_eqv(*--sp, acc));
    NEXT;
do_ADD:
    ARITHMETIC(ADD, __builtin_add_overflow((int64_t)a, (int64_t)acc - 1, &sum), +);
do_SUBTRACT:
    ARITHMETIC(SUBTRACT, __builtin_sub_overflow((int64_t)a, (int64_t)acc - 1, &sum), -);
do_MULTIPLY:
    /* (a - 1) is twice the number: times the other's number, plus the tag */
    ARITHMETIC(MULTIPLY,
               __builtin_mul_overflow((int64_t)a - 1, fixnum_value(acc), &sum) || (sum |= 1, false),
               *);
do_ADD_INT: {
    int64_t sum;
    if (is_fixnum(acc) && !__builtin_add_overflow((int64_t)acc, (int64_t)A * 2, &sum)) {
        acc = (value)sum;
    } else {
        int64_t operand = A;
        if (operand < 0)
            TRY(acc, number_arithmetic(vm, SUBTRACT, acc, fixnum(-operand)));
        else
            TRY(acc, number_arithmetic(vm, ADD, acc, fixnum(operand)));
    }
    NEXT;
}
do_IS_NUM_EQ:
    COMPARE(==, "=", acc = boolean(holds));
do_IS_LESS:
    COMPARE(<, "<", acc = boolean(holds));
do_IS_GREATER:
    COMPARE(>, ">", acc = boolean(holds));
do_IS_LESS_EQ:
    COMPARE(<=, "<=", acc = boolean(holds));
do_IS_GREATER_EQ:
    COMPARE(>=, ">=", acc = boolean(holds));
#define DIVISION(name, text, expression)                                                           \
    do_##name : {                                                                                  \
        int64_t n = fixnum_value(sp[-1]), d = fixnum_value(acc);                                   \
        if ((sp[-1] & acc & 1) && d != 0 && d != -1)                                               \
            acc = fixnum(expression);                                                              \
        else                                                                                       \
            TRY(acc, number_divide(vm, text, name, sp[-1], acc));                                  \
        sp--;                                                                                      \
        NEXT;                                                                                      \
    }
    DIVISION(QUOTIENT, "quotient", n / d)
    DIVISION(REMAINDER, "remainder", n % d)
    DIVISION(MODULO, "modulo", n % d + (n % d && (n % d < 0) != (d < 0) ? d : 0))
#undef DIVISION
#define INDEXED(name, text, type, item)                                                            \
    do_##name : {                                                                                  \
        value v = sp[-1];                                                                          \
        if (GAIT_UNLIKELY(!is_##type(v)))                                                          \
            FAIL(raise_argument(vm, text, 1, #type, v));                                           \
        if (GAIT_UNLIKELY(!is_fixnum(acc) || (uint64_t)fixnum_value(acc) >= length_of(v)))         \
            FAIL(raise_bad_index(vm, text, v, acc));                                               \
        acc = item;                                                                                \
        sp--;                                                                                      \
        NEXT;                                                                                      \
    }
    INDEXED(VECTOR_REF, "vector-ref", vector, vector_of(v)->items[fixnum_value(acc)])
    INDEXED(STRING_REF, "string-ref", string, character(string_of(v)->chars[fixnum_value(acc)]))
#undef INDEXED
#define SET_PART(name, text, part)                                                                 \
    do_##name : if (GAIT_UNLIKELY(!is_pair(sp[-1])))                                               \
        FAIL(raise_argument(vm, text, 1, "pair", sp[-1]));                                         \
    store(vm, &pair_of(*--sp)->part, acc);                                                         \
    acc = UNSPECIFIED;                                                                             \
    NEXT;
    SET_PART(SET_CAR, "set-car!", car)
    SET_PART(SET_CDR, "set-cdr!", cdr)
#undef SET_PART
do_CHAR_EQ:
    if (GAIT_UNLIKELY(!is_character(acc) || !is_character(sp[-1])))
        FAIL(raise_argument(vm, "char=?", is_character(sp[-1]) ? 2 : 1, "character",
                            is_character(sp[-1]) ? acc : sp[-1]));
    acc = boolean(*--sp == acc);
    NEXT;
do_VECTOR_SET: {
    value v = sp[-2], index = sp[-1];
    if (GAIT_UNLIKELY(!is_vector(v)))
        FAIL(raise_argument(vm, "vector-set!", 1, "vector", v));
    if (GAIT_UNLIKELY(!is_fixnum(index) || (uint64_t)fixnum_value(index) >= length_of(v)))
        FAIL(raise_bad_index(vm, "vector-set!", v, index));
    store(vm, &vector_of(v)->items[fixnum_value(index)], acc);
    sp -= 2;
    acc = UNSPECIFIED;
    NEXT;
}
do_RECORD_REF: {
    value v = sp[-1];
    if (GAIT_UNLIKELY(!has_type(v, TYPE_RECORD) || record_of(v)->type != acc))
        FAIL(raise_record(vm, acc, v));
    acc = record_of(v)->fields[A];
    sp--;
    NEXT;
}
do_RECORD_SET: {
    value v = sp[-2];
    if (GAIT_UNLIKELY(!has_type(v, TYPE_RECORD) || record_of(v)->type != sp[-1]))
        FAIL(raise_record(vm, sp[-1], v));
    store(vm, &record_of(v)->fields[A], acc);
    sp -= 2;
    acc = UNSPECIFIED;
    NEXT;
}

    /* ---- Tests that jump ---- */
do_JUMP_NULL:
    JUMP_IF(acc == NIL);
do_JUMP_NOT_NULL:
    JUMP_IF(acc != NIL);
do_JUMP_PAIR:
    JUMP_IF(is_pair(acc));
do_JUMP_NOT_PAIR:
    JUMP_IF(!is_pair(acc));
do_JUMP_ZERO:
    NEED_NUMBER("zero?");
    JUMP_IF(IS_ZERO);
do_JUMP_NOT_ZERO:
    NEED_NUMBER("zero?");
    JUMP_IF(!IS_ZERO);
do_JUMP_EQ:
    JUMP_IF(*--sp == acc);
do_JUMP_NOT_EQ:
    JUMP_IF(*--sp != acc);
#define COMPARE_JUMPS(name, test, text)                                                            \
    do_JUMP_##name : COMPARE(test, text, if (holds) pc += A);                                      \
    do_JUMP_NOT_##name : COMPARE(test, text, if (!holds) pc += A);                                 \
    do_JUMP_##name##_INT : COMPARE_INT(test, text, true);                                          \
    do_JUMP_NOT_##name##_INT : COMPARE_INT(test, text, false);
    COMPARE_JUMPS(NUM_EQ, ==, "=")
    COMPARE_JUMPS(LESS, <, "<")
    COMPARE_JUMPS(GREATER, >, ">")
    COMPARE_JUMPS(LESS_EQ, <=, "<=")
    COMPARE_JUMPS(GREATER_EQ, >=, ">=")
#undef COMPARE_JUMPS
    /* clang-format on */
}

value machine_run(struct vm *vm, value procedure) {
    vm->landing_frames = gait_frames_save(vm->mutator);
    vm->landing_keep = vm->keep.count;
    vm->landing_scratch = scratch_mark();
    vm->escape = ESCAPE_NONE;
    if (setjmp(vm->landing))
        escape_land(vm);
    vm->can_escape = true;
    value result = RAISED;
    if (vm->escape == ESCAPE_PROMPT)
        vm->abandoned = true;
    else
        result = run(vm, procedure, vm->escape);
    vm->can_escape = false;
    if (vm->abandoned)
        vm->winders = vm->handlers = NIL;
    return result;
}

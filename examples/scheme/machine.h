/* SPDX-License-Identifier: MIT */
/*
 * The machine's registers and steps, for machine.c alone: macros, so that all of them work on the
 * loop's local variables and each instruction ends with a jump of its own.
 */
#ifndef SCHEME_MACHINE_H
#define SCHEME_MACHINE_H

#include "escape.h"
#include "number.h"
#include "opcodes.h"

#define APPLY_MARGIN 64
#define APPLY_MOST_ON_STACK 65536 /* arguments; a builtin gets more in other memory */
#define FINALIZERS_AT_ONCE 16

#define SYNC()                                                                                     \
    do {                                                                                           \
        vm->sp = sp;                                                                               \
        vm->fp = fp;                                                                               \
        vm->pc = pc;                                                                               \
        vm->self = self;                                                                           \
        vm->acc = acc;                                                                             \
    } while (0)

#define NEXT                                                                                       \
    do {                                                                                           \
        word = *pc++;                                                                              \
        goto *labels[word & 0xff];                                                                 \
    } while (0)

#define A ((int32_t)word >> 8)
#define FREE_WORDS (closure_of(self)->free)

/* Raise what a C function returned RAISED for. */
#define TRY(target, call)                                                                          \
    do {                                                                                           \
        SYNC();                                                                                    \
        value result_ = (call);                                                                    \
        if (GAIT_UNLIKELY(result_ == RAISED))                                                      \
            goto raise;                                                                            \
        target = result_;                                                                          \
    } while (0)

#define FAIL(call)                                                                                 \
    do {                                                                                           \
        SYNC();                                                                                    \
        call;                                                                                      \
        goto raise;                                                                                \
    } while (0)

/* Empty the stack except the running frame. */
#define SPILL()                                                                                    \
    do {                                                                                           \
        SYNC();                                                                                    \
        bool fits_ = control_spill(vm);                                                            \
        sp = vm->sp;                                                                               \
        fp = vm->fp;                                                                               \
        if (!fits_)                                                                                \
            goto raise;                                                                            \
    } while (0)

/* The word stays up from each cycle's end until gait_poll: what cycles leave to be done is seen
 * here, also where the collector was answered within allocations. */
#define POLL()                                                                                     \
    do {                                                                                           \
        if (GAIT_UNLIKELY(__atomic_load_n(&head->poll, __ATOMIC_RELAXED) |                         \
                          (uint32_t)interrupt_pending | (uint32_t)vm->more_finalizers)) {          \
            SYNC();                                                                                \
            gait_poll(vm->mutator);                                                                \
            vm->more_finalizers =                                                                  \
                gait_run_finalizers(vm->mutator, FINALIZERS_AT_ONCE) == FINALIZERS_AT_ONCE;        \
            escape_take_reserve(vm);                                                               \
            if (interrupt_pending)                                                                 \
                goto interrupt;                                                                    \
        }                                                                                          \
    } while (0)

/* acc = pop OPERATION acc, fixnums and flonums in place. */
#define ARITHMETIC(operation, fixnums, flonums)                                                    \
    do {                                                                                           \
        value a = sp[-1];                                                                          \
        int64_t sum;                                                                               \
        if ((a & acc & 1) && !(fixnums)) {                                                         \
            acc = (value)sum;                                                                      \
        } else if (is_flonum(a) && is_flonum(acc)) {                                               \
            SYNC();                                                                                \
            acc = make_flonum(vm, flonum_value(a) flonums flonum_value(acc));                      \
        } else {                                                                                   \
            TRY(acc, number_arithmetic(vm, operation, sp[-1], acc));                               \
        }                                                                                          \
        sp--;                                                                                      \
        NEXT;                                                                                      \
    } while (0)

/* Is pop TEST acc? Then the statement, with `holds`. */
#define COMPARE(test, who, statement)                                                              \
    do {                                                                                           \
        value a = sp[-1];                                                                          \
        bool holds;                                                                                \
        if (a & acc & 1) {                                                                         \
            holds = (int64_t)a test(int64_t) acc;                                                  \
        } else if (is_flonum(a) && is_flonum(acc)) {                                               \
            holds = flonum_value(a) test flonum_value(acc);                                        \
        } else {                                                                                   \
            SYNC();                                                                                \
            int order = number_compare(vm, who, a, acc);                                           \
            if (order == 3)                                                                        \
                goto raise;                                                                        \
            holds = order != 2 && order test 0;                                                    \
        }                                                                                          \
        sp--;                                                                                      \
        statement;                                                                                 \
        NEXT;                                                                                      \
    } while (0)

/* The same for acc and a small number. */
#define COMPARE_INT(test, who, sense)                                                              \
    do {                                                                                           \
        int64_t number = (int32_t)*pc;                                                             \
        bool holds;                                                                                \
        if (is_fixnum(acc)) {                                                                      \
            holds = fixnum_value(acc) test number;                                                 \
        } else if (is_flonum(acc)) {                                                               \
            holds = flonum_value(acc) test(double) number;                                         \
        } else {                                                                                   \
            SYNC();                                                                                \
            int order = number_compare(vm, who, acc, fixnum(number));                              \
            if (order == 3)                                                                        \
                goto raise;                                                                        \
            holds = order != 2 && order test 0;                                                    \
        }                                                                                          \
        pc += holds == sense ? A : 1;                                                              \
        NEXT;                                                                                      \
    } while (0)

#define JUMP_IF(condition)                                                                         \
    do {                                                                                           \
        if (condition)                                                                             \
            pc += A;                                                                               \
        NEXT;                                                                                      \
    } while (0)

/* Is the content that of a global, constant A, with a value? */
#define NEED_BOUND(content)                                                                        \
    do {                                                                                           \
        if (GAIT_UNLIKELY((content) == UNDEFINED))                                                 \
            FAIL(raise_error(vm, NULL, "unbound variable:", 1, global_of(constants[A])->name));    \
    } while (0)

#define NEED_NUMBER(who)                                                                           \
    do {                                                                                           \
        if (!is_fixnum(acc) && !is_number(acc))                                                    \
            FAIL(raise_type(vm, who, "number", acc));                                              \
    } while (0)
#define IS_ZERO (is_fixnum(acc) ? acc == fixnum(0) : number_is_zero(acc))

/* Write the link that returns to an instruction of the running frame. */
#define LINK(at, instruction)                                                                      \
    do {                                                                                           \
        (at)[0] = (value)(instruction);                                                            \
        (at)[1] = self;                                                                            \
        (at)[2] = fixnum((at) + 3 - fp);                                                           \
    } while (0)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Exact integers as bits, in two's complement.
 */
#include "builtin.h"
#include "number.h"

static value bitwise(struct vm *vm, const char *who, enum bitwise operation, int count, value *a,
                     int64_t unit) {
    value live[1] = {fixnum(unit)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    for (int i = 0; i < count && live[0]; i++)
        live[0] = is_exact_integer(a[i]) ? integer_bitwise(vm, operation, live[0], a[i])
                                         : raise_type(vm, who, "exact integer", a[i]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

BUILTIN(bitwise_and) { return bitwise(vm, "bitwise-and", BITWISE_AND, count, a, -1); }
BUILTIN(bitwise_or) { return bitwise(vm, "bitwise-ior", BITWISE_OR, count, a, 0); }
BUILTIN(bitwise_xor) { return bitwise(vm, "bitwise-xor", BITWISE_XOR, count, a, 0); }

BUILTIN(bitwise_not) {
    NEED(is_exact_integer, "bitwise-not", "exact integer", a[0]);
    return integer_arithmetic(vm, SUBTRACT, fixnum(-1), a[0]);
}

BUILTIN(arithmetic_shift) {
    NEED(is_exact_integer, "arithmetic-shift", "exact integer", a[0]);
    NEED(is_fixnum, "arithmetic-shift", "count", a[1]);
    return integer_shift(vm, a[0], fixnum_value(a[1]));
}

BUILTIN(bit_count) {
    NEED(is_exact_integer, "bit-count", "exact integer", a[0]);
    return fixnum((int64_t)integer_bit_count(a[0]));
}

BUILTIN(integer_length_) {
    NEED(is_exact_integer, "integer-length", "exact integer", a[0]);
    return fixnum((int64_t)integer_length(a[0]));
}

void builtin_bitwise_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"bitwise-and", bitwise_and, 0, -1},          {"bitwise-ior", bitwise_or, 0, -1},
        {"bitwise-xor", bitwise_xor, 0, -1},          {"bitwise-not", bitwise_not, 1, 1},
        {"arithmetic-shift", arithmetic_shift, 2, 2}, {"bit-count", bit_count, 1, 1},
        {"integer-length", integer_length_, 1, 1},
    };
    DEFINE_BUILTINS(vm, entries);
}

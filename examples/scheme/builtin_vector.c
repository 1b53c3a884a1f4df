/* SPDX-License-Identifier: MIT */
/*
 * Vectors and bytevectors.
 */
#include "builtin.h"

#define LONGEST ((size_t)1 << 40)

/* ---- Vectors ------------------------------------------------------------------------------- */

PREDICATE(vector_p, is_vector(a[0]))

BUILTIN(make_vector_) {
    TAKE_INDEX("make-vector", a[0], LONGEST, length);
    return make_vector(vm, length, count > 1 ? a[1] : UNSPECIFIED);
}

BUILTIN(vector) {
    value result = make_vector(vm, (size_t)count, FALSE);
    for (int i = 0; i < count; i++)
        gait_init(&vector_of(result)->items[i], a[i]);
    return result;
}

BUILTIN(vector_length) {
    NEED(is_vector, "vector-length", "vector", a[0]);
    return fixnum((int64_t)length_of(a[0]));
}

BUILTIN(vector_ref) {
    NEED(is_vector, "vector-ref", "vector", a[0]);
    TAKE_INDEX("vector-ref", a[1], length_of(a[0]), index);
    return vector_of(a[0])->items[index];
}

BUILTIN(vector_set) {
    NEED(is_vector, "vector-set!", "vector", a[0]);
    TAKE_INDEX("vector-set!", a[1], length_of(a[0]), index);
    store(vm, &vector_of(a[0])->items[index], a[2]);
    return UNSPECIFIED;
}

BUILTIN(vector_to_list) {
    NEED(is_vector, "vector->list", "vector", a[0]);
    TAKE_RANGE("vector->list", 1, length_of(a[0]));
    value list = NIL;
    while (to-- > from)
        list = cons(vm, vector_of(a[0])->items[to], list);
    return list;
}

BUILTIN(list_to_vector) {
    int64_t length = list_length(a[0]);
    if (length < 0)
        return raise_type(vm, "list->vector", "list", a[0]);
    value vector = make_vector(vm, (size_t)length, FALSE), rest = a[0];
    for (int64_t i = 0; i < length; i++, rest = cdr(rest))
        gait_init(&vector_of(vector)->items[i], car(rest));
    return vector;
}

BUILTIN(vector_fill) {
    NEED(is_vector, "vector-fill!", "vector", a[0]);
    TAKE_RANGE("vector-fill!", 2, length_of(a[0]));
    gait_fill(vm->mutator, vector_of(a[0])->items + from, a[1], to - from);
    return UNSPECIFIED;
}

BUILTIN(vector_copy) {
    NEED(is_vector, "vector-copy", "vector", a[0]);
    TAKE_RANGE("vector-copy", 1, length_of(a[0]));
    value copy = make_vector(vm, to - from, FALSE);
    for (size_t i = from; i < to; i++)
        gait_init(&vector_of(copy)->items[i - from], vector_of(a[0])->items[i]);
    return copy;
}

/* (vector-copy! to at from [start [end]]) */
BUILTIN(vector_copy_in_place) {
    NEED(is_vector, "vector-copy!", "vector", a[0]);
    NEED(is_vector, "vector-copy!", "vector", a[2]);
    TAKE_COPY("vector-copy!");
    gait_move(vm->mutator, vector_of(a[0])->items + at, vector_of(a[2])->items + from, to - from);
    return UNSPECIFIED;
}

BUILTIN(vector_append) {
    NEED_ALL(is_vector, "vector-append", "vector");
    size_t at = 0;
    value result = make_vector(vm, total_length(count, a), FALSE);
    for (int i = 0; i < count; i++)
        for (size_t k = 0; k < length_of(a[i]); k++)
            gait_init(&vector_of(result)->items[at++], vector_of(a[i])->items[k]);
    return result;
}

/* ---- Bytevectors --------------------------------------------------------------------------- */

static bool is_byte(value v) {
    return is_fixnum(v) && fixnum_value(v) >= 0 && fixnum_value(v) <= 255;
}

PREDICATE(bytevector_p, is_bytevector(a[0]))

BUILTIN(make_bytevector_) {
    TAKE_INDEX("make-bytevector", a[0], LONGEST, length);
    if (count > 1)
        NEED(is_byte, "make-bytevector", "byte", a[1]);
    value result = make_bytevector(vm, length);
    if (count > 1)
        memset(bytevector_of(result)->bytes, (int)fixnum_value(a[1]), length);
    return result;
}

BUILTIN(bytevector) {
    NEED_ALL(is_byte, "bytevector", "byte");
    value result = make_bytevector(vm, (size_t)count);
    for (int i = 0; i < count; i++)
        bytevector_of(result)->bytes[i] = (uint8_t)fixnum_value(a[i]);
    return result;
}

BUILTIN(bytevector_length) {
    NEED(is_bytevector, "bytevector-length", "bytevector", a[0]);
    return fixnum((int64_t)length_of(a[0]));
}

BUILTIN(bytevector_ref) {
    NEED(is_bytevector, "bytevector-u8-ref", "bytevector", a[0]);
    TAKE_INDEX("bytevector-u8-ref", a[1], length_of(a[0]), index);
    return fixnum(bytevector_of(a[0])->bytes[index]);
}

BUILTIN(bytevector_set) {
    NEED(is_bytevector, "bytevector-u8-set!", "bytevector", a[0]);
    NEED(is_byte, "bytevector-u8-set!", "byte", a[2]);
    TAKE_INDEX("bytevector-u8-set!", a[1], length_of(a[0]), index);
    bytevector_of(a[0])->bytes[index] = (uint8_t)fixnum_value(a[2]);
    return UNSPECIFIED;
}

BUILTIN(bytevector_copy) {
    NEED(is_bytevector, "bytevector-copy", "bytevector", a[0]);
    TAKE_RANGE("bytevector-copy", 1, length_of(a[0]));
    value copy = make_bytevector(vm, to - from);
    memcpy(bytevector_of(copy)->bytes, bytevector_of(a[0])->bytes + from, to - from);
    return copy;
}

BUILTIN(bytevector_copy_in_place) {
    NEED(is_bytevector, "bytevector-copy!", "bytevector", a[0]);
    NEED(is_bytevector, "bytevector-copy!", "bytevector", a[2]);
    TAKE_COPY("bytevector-copy!");
    memmove(bytevector_of(a[0])->bytes + at, bytevector_of(a[2])->bytes + from, to - from);
    return UNSPECIFIED;
}

BUILTIN(bytevector_append) {
    NEED_ALL(is_bytevector, "bytevector-append", "bytevector");
    size_t at = 0;
    value result = make_bytevector(vm, total_length(count, a));
    for (int i = 0; i < count; i++) {
        memcpy(bytevector_of(result)->bytes + at, bytevector_of(a[i])->bytes, length_of(a[i]));
        at += length_of(a[i]);
    }
    return result;
}

BUILTIN(bytevector_fill) {
    NEED(is_bytevector, "bytevector-fill!", "bytevector", a[0]);
    NEED(is_byte, "bytevector-fill!", "byte", a[1]);
    TAKE_RANGE("bytevector-fill!", 2, length_of(a[0]));
    memset(bytevector_of(a[0])->bytes + from, (int)fixnum_value(a[1]), to - from);
    return UNSPECIFIED;
}

void builtin_vectors_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"vector?", vector_p, 1, 1},
        {"make-vector", make_vector_, 1, 2},
        {"vector", vector, 0, -1},
        {"vector-length", vector_length, 1, 1},
        {"vector-ref", vector_ref, 2, 2},
        {"vector-set!", vector_set, 3, 3},
        {"vector->list", vector_to_list, 1, 3},
        {"list->vector", list_to_vector, 1, 1},
        {"vector-fill!", vector_fill, 2, 4},
        {"vector-copy", vector_copy, 1, 3},
        {"subvector", vector_copy, 3, 3},
        {"vector-copy!", vector_copy_in_place, 3, 5},
        {"vector-append", vector_append, 0, -1},
        {"bytevector?", bytevector_p, 1, 1},
        {"make-bytevector", make_bytevector_, 1, 2},
        {"bytevector", bytevector, 0, -1},
        {"bytevector-length", bytevector_length, 1, 1},
        {"bytevector-u8-ref", bytevector_ref, 2, 2},
        {"bytevector-u8-set!", bytevector_set, 3, 3},
        {"bytevector-copy", bytevector_copy, 1, 3},
        {"bytevector-copy!", bytevector_copy_in_place, 3, 5},
        {"bytevector-append", bytevector_append, 0, -1},
        {"bytevector-fill!", bytevector_fill, 2, 4},
    };
    DEFINE_BUILTINS(vm, entries);
}

/* SPDX-License-Identifier: MIT */
/*
 * Hash tables: a vector of chains. Objects never move, so identity is hashed by address.
 */
#include "character.h"
#include "vm.h"

#include <math.h>

#define FIRST_BUCKETS 8

static struct table *table_of(value v) { return (struct table *)v; }
static struct table_entry *entry_of(value v) { return (struct table_entry *)v; }

value make_table(struct vm *vm, enum table_test test) {
    value buckets = make_vector(vm, FIRST_BUCKETS, 0);
    vm->made[0] = buckets;
    struct table *table = allocate(vm, TYPE_TABLE, sizeof *table);
    table->header = HEADER(TYPE_TABLE, test);
    gait_init(&table->buckets, buckets);
    return (value)table;
}

value make_custom_table(struct vm *vm, value parts) {
    vm->made[0] = parts;
    struct table *table = allocate(vm, TYPE_TABLE, sizeof *table);
    table->header = HEADER(TYPE_TABLE, TABLE_CUSTOM);
    gait_init(&table->buckets, parts);
    return (value)table;
}

/* A multiplicative hash whose high bits are folded in: bucket counts are powers of two. */
static uint64_t mix(uint64_t bits) {
    bits *= 0x9e3779b97f4a7c15u;
    return bits ^ bits >> 32;
}

static uint64_t hash_number(value v) {
    if (is_flonum(v)) {
        union {
            double number;
            uint64_t bits;
        } u = {isnan(flonum_value(v)) ? NAN : flonum_value(v)}; /* all NaNs are eqv */
        return mix(u.bits);
    }
    if (has_type(v, TYPE_BIGNUM)) {
        uint64_t hash = header_of(v);
        for (size_t i = 0; i < length_of(v) >> 1; i++)
            hash = mix(hash ^ bignum_of(v)->limbs[i]);
        return hash;
    }
    if (has_type(v, TYPE_RATIO))
        return hash_number(ratio_of(v)->numerator) + 3 * hash_number(ratio_of(v)->denominator);
    if (has_type(v, TYPE_COMPLEX))
        return hash_number(complex_number_of(v)->real) +
               5 * hash_number(complex_number_of(v)->imaginary);
    return mix(v);
}

/* Structures are hashed to a small depth, so that cycles and long lists do no harm. */
static uint64_t hash_equal(value v, int budget) {
    if (is_pair(v)) {
        uint64_t hash = 17;
        for (; is_pair(v) && budget > 0; v = cdr(v), budget--)
            hash = mix(hash + hash_equal(car(v), budget / 2));
        return budget > 0 ? hash + hash_equal(v, budget / 2) : hash;
    }
    if (is_string(v))
        return string_hash(v);
    if (is_vector(v)) {
        uint64_t hash = mix(length_of(v));
        for (size_t i = 0; i < length_of(v) && (int)i < budget; i++)
            hash = mix(hash + hash_equal(vector_of(v)->items[i], budget / 2));
        return hash;
    }
    if (is_bytevector(v)) {
        uint64_t hash = length_of(v);
        for (size_t i = 0; i < length_of(v); i++)
            hash = mix(hash ^ bytevector_of(v)->bytes[i]);
        return hash;
    }
    return hash_number(v);
}

uint64_t hash_value(value v, enum table_test test) {
    switch (test) {
    case TABLE_EQ:
        return is_symbol(v) ? symbol_of(v)->hash : mix(v);
    case TABLE_EQV:
        return hash_number(v);
    case TABLE_STRING:
        return is_string(v) ? string_hash(v) : mix(v);
    case TABLE_STRING_CI:
        return is_string(v) ? string_hash_ci(v) : mix(v);
    case TABLE_EQUAL:
    case TABLE_CUSTOM:
        break;
    }
    return hash_equal(v, 16);
}

static bool same(value a, value b, enum table_test test) {
    if (a == b)
        return true;
    switch (test) {
    case TABLE_EQ:
        return false;
    case TABLE_EQV:
        return is_eqv(a, b);
    case TABLE_STRING:
        return is_string(a) && is_string(b) && string_equal(a, b);
    case TABLE_STRING_CI:
        return is_string(a) && is_string(b) && string_compare_ci(a, b) == 0;
    case TABLE_EQUAL:
    case TABLE_CUSTOM:
        break;
    }
    return is_equal(a, b);
}

/* The slot that holds the key's entry, or the 0 that ends its chain. */
static value *find(value v, value key, uint64_t hash) {
    struct table *table = table_of(v);
    enum table_test test = (enum table_test)length_of(v);
    value *slot = &vector_of(table->buckets)->items[hash & (length_of(table->buckets) - 1)];
    while (*slot && !(entry_of(*slot)->hash == hash && same(entry_of(*slot)->key, key, test)))
        slot = &entry_of(*slot)->next;
    return slot;
}

value table_get(value table, value key, value missing) {
    value *slot = find(table, key, hash_value(key, (enum table_test)length_of(table)));
    return *slot ? entry_of(*slot)->content : missing;
}

static void grow(struct vm *vm, value v) {
    struct table *table = table_of(v);
    size_t old_count = length_of(table->buckets), count = 2 * old_count;
    value buckets = make_vector(vm, count, 0);
    for (size_t i = 0; i < old_count; i++) {
        for (value e = vector_of(table->buckets)->items[i], next; e; e = next) {
            struct table_entry *entry = entry_of(e);
            next = entry->next;
            value *bucket = &vector_of(buckets)->items[entry->hash & (count - 1)];
            store(vm, &entry->next, *bucket);
            store(vm, bucket, e);
        }
    }
    store(vm, &table->buckets, buckets);
}

void table_put(struct vm *vm, value v, value key, value content) {
    struct table *table = table_of(v);
    uint64_t hash = hash_value(key, (enum table_test)length_of(v));
    value *slot = find(v, key, hash);
    if (*slot) {
        store(vm, &entry_of(*slot)->content, content);
        return;
    }
    value live[3] = {v, key, content};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    if (table->count >= length_of(table->buckets))
        grow(vm, v);
    struct table_entry *entry = allocate(vm, TYPE_TABLE_ENTRY, sizeof *entry);
    value *bucket = &vector_of(table->buckets)->items[hash & (length_of(table->buckets) - 1)];
    gait_init(&entry->key, key);
    gait_init(&entry->content, content);
    gait_init(&entry->next, *bucket);
    entry->hash = hash;
    store(vm, bucket, (value)entry);
    table->count++;
    gait_pop_frame(vm->mutator);
}

bool table_remove(struct vm *vm, value v, value key) {
    value *slot = find(v, key, hash_value(key, (enum table_test)length_of(v)));
    if (!*slot)
        return false;
    store(vm, slot, entry_of(*slot)->next);
    table_of(v)->count--;
    return true;
}

/* visit may change what keys are mapped to, and nothing else about the table. It may allocate: the
 * caller holds the table. */
void table_walk(value v, void (*visit)(value key, value content, void *data), void *data) {
    value buckets = table_of(v)->buckets;
    for (size_t i = 0; i < length_of(buckets); i++)
        for (value e = vector_of(buckets)->items[i]; e; e = entry_of(e)->next)
            visit(entry_of(e)->key, entry_of(e)->content, data);
}

void table_clear(struct vm *vm, value v) {
    value buckets = make_vector(vm, FIRST_BUCKETS, 0);
    store(vm, &table_of(v)->buckets, buckets);
    table_of(v)->count = 0;
}

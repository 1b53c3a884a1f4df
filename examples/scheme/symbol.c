/* SPDX-License-Identifier: MIT */
/*
 * The symbol table: weak, so that a symbol which nothing else refers to is collected.
 *
 * A vector of chains of links. A link is strong in what comes next, and weak in its symbol: once
 * the symbol is gone the link is empty, and is dropped by the next walk along its chain.
 */
#include "vm.h"

struct symbol_link {
    uint64_t hash;
    value next;   /* link or 0 */
    value symbol; /* weak */
};

#define FIRST_BUCKETS 1024 /* guess: the prelude has about as many names */

static struct symbol_link *link_of(value v) { return (struct symbol_link *)v; }

/* Find the symbol in the chain from *slot on, and drop empty links on the way. */
static value find(struct vm *vm, value *slot, uint64_t hash, value name) {
    while (*slot) {
        struct symbol_link *link = link_of(*slot);
        value symbol = gait_weak_get(vm->mutator, &link->symbol);
        if (!symbol) {
            store(vm, slot, link->next);
            vm->symbol_count--;
            continue;
        }
        if (link->hash == hash && string_equal(symbol_of(symbol)->name, name))
            return symbol;
        slot = &link->next;
    }
    return 0;
}

/* Move the links with living symbols to a table of twice the buckets. */
static void grow(struct vm *vm) {
    size_t old_count = length_of(vm->symbols), count = 2 * old_count;
    value table = make_vector(vm, count, 0);
    vm->symbol_count = 0;
    for (size_t i = 0; i < old_count; i++) {
        for (value v = vector_of(vm->symbols)->items[i], next; v; v = next) {
            struct symbol_link *link = link_of(v);
            next = link->next;
            if (!gait_weak_get(vm->mutator, &link->symbol))
                continue;
            value *bucket = &vector_of(table)->items[link->hash & (count - 1)];
            store(vm, &link->next, *bucket);
            store(vm, bucket, v);
            vm->symbol_count++;
        }
    }
    vm->symbols = table;
}

static value make_symbol(struct vm *vm, value name, uint64_t hash) {
    vm->made[0] = name;
    struct symbol *symbol = allocate(vm, TYPE_SYMBOL, sizeof *symbol);
    symbol->header = HEADER(TYPE_SYMBOL, 0);
    symbol->hash = hash;
    gait_init(&symbol->name, name);
    return (value)symbol;
}

value intern(struct vm *vm, value string) {
    uint64_t hash = string_hash(string);
    if (!vm->symbols)
        vm->symbols = make_vector(vm, FIRST_BUCKETS, 0);
    value *bucket = &vector_of(vm->symbols)->items[hash & (length_of(vm->symbols) - 1)];
    value symbol = find(vm, bucket, hash, string);
    if (symbol)
        return symbol;

    value live[2] = {string, 0};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (vm->symbol_count >= length_of(vm->symbols))
        grow(vm);
    value name = make_substring(vm, string, 0, length_of(string));
    live[1] = symbol = make_symbol(vm, name, hash);
    struct symbol_link *link = allocate(vm, TYPE_SYMBOL_LINK, sizeof *link);
    bucket = &vector_of(vm->symbols)->items[hash & (length_of(vm->symbols) - 1)];
    link->hash = hash;
    gait_init(&link->next, *bucket);
    gait_weak_set(vm->mutator, &link->symbol, symbol);
    store(vm, bucket, (value)link);
    vm->symbol_count++;
    gait_pop_frame(vm->mutator);
    return symbol;
}

value make_symbol_apart(struct vm *vm, value string) {
    value name = make_substring(vm, string, 0, length_of(string));
    return make_symbol(vm, name, string_hash(name));
}

value intern_text(struct vm *vm, const char *text) {
    value name = make_text(vm, text);
    value live[1] = {name};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    value symbol = intern(vm, name);
    gait_pop_frame(vm->mutator);
    return symbol;
}

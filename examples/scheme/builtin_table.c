/* SPDX-License-Identifier: MIT */
/*
 * Hash tables, by their SRFI 69 names. What calls procedures is in the prelude.
 */
#include "builtin.h"

static bool is_table(value v) { return has_type(v, TYPE_TABLE); }

/* The tests that tables know, by the names of the procedures. */
static const struct {
    const char *procedure;
    enum table_test test;
} tests[] = {{"eq?", TABLE_EQ},          {"eqv?", TABLE_EQV},
             {"=", TABLE_EQV},           {"char=?", TABLE_EQV},
             {"symbol=?", TABLE_EQ},     {"equal?", TABLE_EQUAL},
             {"string=?", TABLE_STRING}, {"string-ci=?", TABLE_STRING_CI}};

/* (make-hash-table [test [hash …]]): the hash function is the table's own. */
BUILTIN(make) {
    if (!count)
        return make_table(vm, TABLE_EQUAL);
    if (has_type(a[0], TYPE_BUILTIN))
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
            if (intern_text(vm, tests[i].procedure) == builtin_of(a[0])->name)
                return make_table(vm, tests[i].test);
    return raise_error(vm, "make-hash-table", "unknown equivalence:", 1, a[0]);
}

PREDICATE(table_p, is_table(a[0]))

/* (hash-table-ref/default table key default) */
BUILTIN(ref_default) {
    NEED(is_table, "hash-table-ref", "hash table", a[0]);
    return table_get(a[0], a[1], a[2]);
}

BUILTIN(set) {
    NEED(is_table, "hash-table-set!", "hash table", a[0]);
    table_put(vm, a[0], a[1], a[2]);
    return UNSPECIFIED;
}

BUILTIN(delete) {
    NEED(is_table, "hash-table-delete!", "hash table", a[0]);
    table_remove(vm, a[0], a[1]);
    return UNSPECIFIED;
}

BUILTIN(contains) {
    NEED(is_table, "hash-table-contains?", "hash table", a[0]);
    return boolean(table_get(a[0], a[1], 0));
}

BUILTIN(size) {
    NEED(is_table, "hash-table-size", "hash table", a[0]);
    return fixnum((int64_t)((struct table *)a[0])->count);
}

BUILTIN(clear) {
    NEED(is_table, "hash-table-clear!", "hash table", a[0]);
    table_clear(vm, a[0]);
    return UNSPECIFIED;
}

/* A list under construction. */
struct collection {
    struct vm *vm;
    value list;
};

static void add_association(value key, value content, void *data) {
    struct collection *c = data;
    c->list = cons(c->vm, cons(c->vm, key, content), c->list);
}

static void add_key(value key, value content, void *data) {
    struct collection *c = data;
    (void)content;
    c->list = cons(c->vm, key, c->list);
}

static void add_content(value key, value content, void *data) {
    struct collection *c = data;
    (void)key;
    c->list = cons(c->vm, content, c->list);
}

static value collect(struct vm *vm, const char *who, value table,
                     void (*add)(value, value, void *)) {
    NEED(is_table, who, "hash table", table);
    struct collection c = {vm, NIL};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, &c.list, 1);
    table_walk(table, add, &c);
    gait_pop_frame(vm->mutator);
    return c.list;
}

BUILTIN(to_alist) { return collect(vm, "hash-table->alist", a[0], add_association); }

BUILTIN(keys) { return collect(vm, "hash-table-keys", a[0], add_key); }

BUILTIN(contents) { return collect(vm, "hash-table-values", a[0], add_content); }

struct copy {
    struct vm *vm;
    value table;
};

static void copy_entry(value key, value content, void *data) {
    struct copy *copy = data;
    table_put(copy->vm, copy->table, key, content);
}

BUILTIN(copy) {
    NEED(is_table, "hash-table-copy", "hash table", a[0]);
    struct copy copy = {vm, make_table(vm, (enum table_test)length_of(a[0]))};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, &copy.table, 1);
    table_walk(a[0], copy_entry, &copy);
    gait_pop_frame(vm->mutator);
    return copy.table;
}

/* ---- Hash functions: (hash v [bound]) ------------------------------------------------------ */

static value bounded(uint64_t hash, int count, value *a) {
    hash &= (uint64_t)FIXNUM_MAX;
    if (count > 1 && is_fixnum(a[1]) && fixnum_value(a[1]) > 0)
        hash %= (uint64_t)fixnum_value(a[1]);
    return fixnum((int64_t)hash);
}

#define HASH(name, test)                                                                           \
    BUILTIN(name) { return bounded(hash_value(a[0], test), count, a); }
HASH(hash_eq, TABLE_EQ)
HASH(hash_eqv, TABLE_EQV)
HASH(hash_equal, TABLE_EQUAL)
HASH(hash_string, TABLE_STRING)
HASH(hash_string_ci, TABLE_STRING_CI)

void builtin_tables_init(struct vm *vm) {
    static const struct builtin_entry entries[] = {
        {"make-hash-table", make, 0, -1},
        {"hash-table?", table_p, 1, 1},
        {"hash-table-ref/default", ref_default, 3, 3},
        {"hash-table-set!", set, 3, 3},
        {"hash-table-delete!", delete, 2, 2},
        {"hash-table-contains?", contains, 2, 2},
        {"hash-table-exists?", contains, 2, 2},
        {"hash-table-size", size, 1, 1},
        {"hash-table-count", size, 1, 1},
        {"hash-table-clear!", clear, 1, 1},
        {"hash-table->alist", to_alist, 1, 1},
        {"hash-table-keys", keys, 1, 1},
        {"hash-table-values", contents, 1, 1},
        {"hash-table-copy", copy, 1, 2},
        {"hash", hash_equal, 1, 2},
        {"equal-hash", hash_equal, 1, 2},
        {"eqv-hash", hash_eqv, 1, 2},
        {"eq-hash", hash_eq, 1, 2},
        {"hash-by-identity", hash_eq, 1, 2},
        {"string-hash", hash_string, 1, 2},
        {"string-ci-hash", hash_string_ci, 1, 2},
    };
    DEFINE_BUILTINS(vm, entries);
}

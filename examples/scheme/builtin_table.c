/* SPDX-License-Identifier: MIT */
/*
 * Hash tables, by their SRFI 69 names. What calls procedures is in the prelude.
 */
#include "builtin.h"

static bool is_table(value v) { return has_type(v, TYPE_TABLE); }
static bool is_custom(value v) { return is_table(v) && length_of(v) == TABLE_CUSTOM; }

/* The first argument is a table; what is to be done with a custom one is a hook's. */
#define NEED_TABLE(who, hook)                                                                      \
    NEED(is_table, who, "hash table", a[0]);                                                       \
    if (is_custom(a[0]))                                                                           \
    return call_instead(vm, hook)

/* The tests that tables know, by the names of the procedures; by test first. */
static const struct {
    enum table_test test;
    const char *procedure;
} tests[] = {{TABLE_EQ, "eq?"},
             {TABLE_EQV, "eqv?"},
             {TABLE_EQUAL, "equal?"},
             {TABLE_STRING, "string=?"},
             {TABLE_STRING_CI, "string-ci=?"},
             {TABLE_EQV, "="},
             {TABLE_EQV, "char=?"},
             {TABLE_EQ, "symbol=?"}};

/* (make-hash-table [test [hash …]]): for the tests above, the hash function is the table's own. */
BUILTIN(make) {
    if (!count)
        return make_table(vm, TABLE_EQUAL);
    if (has_type(a[0], TYPE_BUILTIN))
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
            if (intern_text(vm, tests[i].procedure) == builtin_of(a[0])->name)
                return make_table(vm, tests[i].test);
    return call_instead(vm, HOOK_make_custom_table);
}

BUILTIN(wrap_custom) { return make_custom_table(vm, a[0]); }
PREDICATE(custom_p, is_custom(a[0]))

BUILTIN(custom_parts) {
    NEED(is_custom, "hash-table", "custom hash table", a[0]);
    return ((struct table *)a[0])->buckets;
}

/* (%table-test table): the procedure, of a table that is not custom */
BUILTIN(table_test) {
    NEED(is_table, "hash-table-equivalence-function", "hash table", a[0]);
    value name = keep(vm, intern_text(vm, tests[length_of(a[0])].procedure));
    vm->keep.count--;
    return global_of(environment_lookup(vm->system, name))->content;
}

PREDICATE(table_p, is_table(a[0]))

/* (hash-table-ref/default table key default) */
BUILTIN(ref_default) {
    NEED_TABLE("hash-table-ref/default", HOOK_custom_ref);
    return table_get(a[0], a[1], a[2]);
}

BUILTIN(set) {
    NEED_TABLE("hash-table-set!", HOOK_custom_set);
    table_put(vm, a[0], a[1], a[2]);
    return UNSPECIFIED;
}

BUILTIN(delete) {
    NEED_TABLE("hash-table-delete!", HOOK_custom_delete);
    table_remove(vm, a[0], a[1]);
    return UNSPECIFIED;
}

BUILTIN(contains) {
    NEED_TABLE("hash-table-contains?", HOOK_custom_contains);
    return boolean(table_get(a[0], a[1], 0));
}

BUILTIN(size) {
    NEED_TABLE("hash-table-size", HOOK_custom_size);
    return fixnum((int64_t)((struct table *)a[0])->count);
}

BUILTIN(clear) {
    NEED_TABLE("hash-table-clear!", HOOK_custom_clear);
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

static value collect(struct vm *vm, value table, void (*add)(value, value, void *)) {
    struct collection c = {vm, NIL};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, &c.list, 1);
    table_walk(table, add, &c);
    gait_pop_frame(vm->mutator);
    return c.list;
}

BUILTIN(to_alist) {
    NEED_TABLE("hash-table->alist", HOOK_custom_to_alist);
    return collect(vm, a[0], add_association);
}

BUILTIN(keys) {
    NEED_TABLE("hash-table-keys", HOOK_custom_keys);
    return collect(vm, a[0], add_key);
}

BUILTIN(contents) {
    NEED_TABLE("hash-table-values", HOOK_custom_values);
    return collect(vm, a[0], add_content);
}

struct copy {
    struct vm *vm;
    value table;
};

static void copy_entry(value key, value content, void *data) {
    struct copy *copy = data;
    table_put(copy->vm, copy->table, key, content);
}

BUILTIN(copy) {
    NEED_TABLE("hash-table-copy", HOOK_custom_copy);
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
        {"%wrap-custom-table", wrap_custom, 1, 1},
        {"%custom-table?", custom_p, 1, 1},
        {"%custom-parts", custom_parts, 1, 1},
        {"%table-test", table_test, 1, 1},
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

/* SPDX-License-Identifier: MIT */
/*
 * Where syntax lives. The pairs and vectors of a program's text, what macros and forms expand to,
 * and the compiler's trees are needed until their form is compiled, and never again: they go into
 * arenas that end then.
 *
 *   vm->syntax   the work on one form: trees, expansions, and the text of one that comes from a
 *                prompt or the prelude. Reset after each
 *   a source's   the text of a file, which is read as a whole. Freed after its last form
 *
 * Apart (vm->syntax_apart), each form is read into an arena of its own, compiled there, and freed:
 * then what refers to a form that has ended faults, where after a reset it would see another form.
 *
 * The arenas are traced: syntax refers to symbols, strings and numbers, which are on the heap.
 *
 * What may outlive the form never stays in an arena: survive() copies it. That are
 *   - constants: quoted data and vectors (make_constant);
 *   - the rules of macros of the top level (make_macro);
 *   - the irritants of syntax errors (syntax_error);
 *   - names of libraries (library.c).
 * Identifiers of macros (aliases), strings and exports are the heap's from the start, as is all
 * that the program reads by `read`, makes itself and evaluates.
 *
 * A continuation that was captured while a file was run may come back and compile its later forms
 * again. So text is freed only if none was captured since it was read; else it is left to the
 * collector, which frees it when nothing leads to it any more.
 */
#include "compile.h"

#define BLOCK_BYTES 32768
#define FORM_CHUNK_BYTES 16384 /* apart, a file has as many arenas as forms */

struct block {
    struct block *next;
    size_t used, room;
    char bytes[];
};

/* ---- Arenas --------------------------------------------------------------------------------- */

gait_arena *syntax_arena_new(struct vm *vm) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "syntax";
    config.flags = GAIT_ARENA_TRACED;
    config.chunk_bytes = vm->syntax_apart ? FORM_CHUNK_BYTES : 0;
    gait_arena *arena = gait_arena_create(vm->mutator, &config);
    if (!arena)
        vm_out_of_memory(vm);
    return arena;
}

static void *address_of(value datum) { return (void *)(datum & ~(value)TAG_MASK); }

gait_arena *syntax_arena_of(struct vm *vm, value datum) {
    if (!vm->syntax || !(is_pair(datum) || is_vector(datum)))
        return NULL;
    return gait_arena_of(vm->heap, address_of(datum));
}

static void *allocate_in(struct vm *vm, gait_arena *arena, enum object_type type, size_t bytes) {
    void *object = gait_alloc_or_arena(vm->mutator, arena, type, bytes);
    if (GAIT_UNLIKELY(!object))
        vm_out_of_memory(vm);
    return object;
}

value cons_in(struct vm *vm, gait_arena *arena, value a, value d) {
    vm->made[0] = a;
    vm->made[1] = d;
    struct pair *pair = allocate_in(vm, arena, TYPE_PAIR, sizeof *pair);
    gait_init(&pair->car, a);
    gait_init(&pair->cdr, d);
    return (value)pair + TAG_PAIR;
}

value make_vector_in(struct vm *vm, gait_arena *arena, size_t length, value fill) {
    vm->made[0] = fill;
    struct vector *vector =
        allocate_in(vm, arena, TYPE_VECTOR, sizeof *vector + length * sizeof(value));
    vector->header = HEADER(TYPE_VECTOR, length);
    for (size_t i = 0; i < length; i++)
        gait_init(&vector->items[i], fill);
    return (value)vector;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static bool is_form_list(value forms) { return forms != RAISED && forms != END_OF_FILE; }

value syntax_read_form(struct vm *vm, value port, value source) {
    gait_arena *arena = vm->syntax_apart ? syntax_arena_new(vm) : vm->syntax;
    value live[2] = {source, (value)arena};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    value forms = read_form(vm, port, source, arena);
    if (vm->syntax_apart && !(is_form_list(forms) && syntax_arena_of(vm, car(forms))))
        gait_arena_free(vm->mutator, arena); /* an atom, or nothing */
    source_set_arena(vm, source, NULL);
    gait_pop_frame(vm->mutator);
    return forms;
}

value syntax_read_all(struct vm *vm, value port, value source) {
    gait_arena *arena = vm->syntax && !vm->syntax_apart ? syntax_arena_new(vm) : NULL;
    value live[5] = {port, source, (value)arena, NIL, NIL}; /* first and last form */
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 5);
    value forms;
    while (is_form_list(forms = vm->syntax_apart ? syntax_read_form(vm, port, source)
                                                 : read_form(vm, port, source, arena))) {
        if (live[3] == NIL)
            live[3] = forms;
        else
            store(vm, &pair_of(live[4])->cdr, forms);
        live[4] = forms;
    }
    if (arena && (forms == RAISED || live[3] == NIL))
        gait_arena_free(vm->mutator, arena);
    else
        source_set_arena(vm, source, arena);
    gait_pop_frame(vm->mutator);
    return forms == RAISED ? RAISED : live[3];
}

/* ---- A form's memory ------------------------------------------------------------------------ */

void syntax_begin(struct compiler *c, value form) {
    struct vm *vm = c->vm;
    c->arena = vm->syntax_apart ? syntax_arena_of(vm, form) : vm->syntax;
    if (!c->arena)
        c->arena = vm->syntax;
}

void syntax_end(struct compiler *c, value form, value source, bool last) {
    struct vm *vm = c->vm;
    gait_arena *text = NULL;
    if (vm->syntax_apart && source_is_read_once(vm, source))
        text = syntax_arena_of(vm, form);
    else if (last && source_is_read_once(vm, source))
        text = source_take_arena(vm, source);
    if (text && text != vm->syntax)
        gait_arena_free(vm->mutator, text);
    if (vm->syntax)
        gait_arena_reset(vm->mutator, vm->syntax);
    while (c->blocks) {
        struct block *next = c->blocks->next;
        free(c->blocks);
        c->blocks = next;
    }
}

void *syntax_alloc(struct compiler *c, size_t bytes) {
    charge_expansion(c, bytes);
    if (c->arena) {
        void *memory = gait_arena_alloc(c->vm->mutator, c->arena, bytes, sizeof(void *));
        if (!memory)
            vm_out_of_memory(c->vm);
        return memory;
    }
    bytes = (bytes + 15) & ~(size_t)15;
    if (!c->blocks || c->blocks->room - c->blocks->used < bytes) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct block *block = calloc(1, sizeof *block + room);
        if (!block)
            vm_out_of_memory(c->vm);
        block->room = room;
        block->next = c->blocks;
        c->blocks = block;
    }
    void *memory = c->blocks->bytes + c->blocks->used;
    c->blocks->used += bytes;
    return memory;
}

/* ---- What outlives it ----------------------------------------------------------------------- */

static bool ends(struct compiler *c, value datum) { return syntax_arena_of(c->vm, datum) != NULL; }

/* A copy whose parts are still the original's. */
static value clone(struct compiler *c, value datum, enum object_type type, size_t bytes) {
    struct vm *vm = c->vm;
    void *copy = gait_arena_clone(vm->mutator, address_of(datum), type, bytes);
    if (!copy)
        vm_out_of_memory(vm);
    value result = keep(vm, (value)copy + (datum & TAG_MASK));
    table_put(vm, c->survivors, datum, result);
    return result;
}

/* Data may be shared and cyclic: what was copied is in a table. */
value survive(struct compiler *c, value datum) {
    struct vm *vm = c->vm;
    if (!ends(c, datum))
        return datum;
    check_nesting(c);
    if (!c->survivors)
        c->survivors = keep(vm, make_table(vm, TABLE_EQ));
    value known = table_get(c->survivors, datum, 0);
    if (known)
        return known;
    if (is_vector(datum)) {
        size_t length = length_of(datum);
        value copy = clone(c, datum, TYPE_VECTOR, sizeof(struct vector) + length * sizeof(value));
        for (size_t i = 0; i < length; i++)
            store(vm, &vector_of(copy)->items[i], survive(c, vector_of(datum)->items[i]));
        return copy;
    }
    value first = clone(c, datum, TYPE_PAIR, sizeof(struct pair)), last = first;
    for (;;) {
        store(vm, &pair_of(last)->car, survive(c, car(datum)));
        datum = cdr(datum);
        if (!is_pair(datum) || !ends(c, datum) || table_get(c->survivors, datum, 0))
            break;
        value pair = clone(c, datum, TYPE_PAIR, sizeof(struct pair));
        store(vm, &pair_of(last)->cdr, pair);
        last = pair;
    }
    store(vm, &pair_of(last)->cdr, survive(c, datum));
    return first;
}

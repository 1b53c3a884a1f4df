/* SPDX-License-Identifier: MIT */
/*
 * How the interpreter lives on a Gait heap: the kinds, the roots, the constructors.
 *
 * A constructor that takes values keeps them in vm->made while it allocates. Fresh objects are
 * filled by gait_init before anything else can happen.
 */
#include "escape.h"
#include "scratch.h"
#include "utf8.h"

#include <gait/offheap.h>
#include <stdarg.h>
#include <stdio.h>

/* Bytevectors of so many bytes and more live off-heap, unless the command line says otherwise.
 * Guess: some pages, of which the heap gives none back before a cycle. */
#define OFFHEAP_LEAST 65536
#define FINALIZERS_AT_ONCE 16

/* Objects that their constructors write whole: the heap need not zero them. */
#define IS_RAW(type) (type == TYPE_FLONUM || type == TYPE_STRING || type == TYPE_BIGNUM)

static const gait_kind_info kinds[TYPE_COUNT] = {
#define X(type, text, kind_layout, words)                                                          \
    [TYPE_##type] = {                                                                              \
        .name = text, .layout = kind_layout, .head_words = words, .raw = IS_RAW(TYPE_##type)},
    OBJECT_TYPES(X)
#undef X
};

/* The roots that no shadow-stack frame holds. The value stack is scanned up to its top only. */
static void visit_roots(gait_visitor *visitor, void *data) {
    struct vm *vm = data;
    gait_visit_range(visitor, vm->base, (size_t)(vm->sp - vm->base));
    gait_visit_range(visitor, vm->keep.items, vm->keep.count);
    gait_visit_range(visitor, vm->made, sizeof vm->made / sizeof *vm->made);
    gait_visit_range(visitor, vm->known, KNOWN_COUNT);
    gait_visit_range(visitor, vm->hooks, HOOK_COUNT);
    const value registers[] = {
        vm->self,          vm->acc,
        vm->under,         vm->winders,
        vm->handlers,      vm->raised,
        vm->bottom,        vm->bare,
        vm->symbols,       vm->system,
        vm->interaction,   vm->libraries,
        vm->command_line,  vm->input,
        vm->output,        vm->error,
        vm->source,        vm->instead,
        (value)vm->syntax, (value)vm->syntax_own,
        vm->library_path,  vm->library_folder,
        vm->loading,       vm->memory_condition,
        vm->reserve,       vm->libraries_before,
    };
    gait_visit_range(visitor, registers, sizeof registers / sizeof *registers);
}

/* The off-heap memory of bytevectors that nobody refers to any more, and what else is due. */
static bool run_finalizers(gait_mutator *mutator, size_t bytes, void *data) {
    (void)bytes, (void)data;
    return gait_run_finalizers(mutator, SIZE_MAX) > 0;
}

bool vm_create(struct vm *vm, enum syntax_place syntax, uint64_t heap_bytes, char *error,
               size_t error_bytes) {
    gait_config config;
    gait_config_init(&config);
    config.value_mask = ~(gait_word)TAG_MASK;
    config.reserve_bytes = heap_bytes;
    memset(vm, 0, sizeof *vm);
    vm->heap = gait_heap_create(&config, error, error_bytes);
    if (!vm->heap)
        return false;
    for (int type = 0; type < TYPE_COUNT; type++)
        if (gait_kind_register(vm->heap, &kinds[type]) != type) {
            snprintf(error, error_bytes, "kinds can't be registered");
            return false;
        }
    vm->mutator = gait_attach(vm->heap);
    if (!vm->mutator) {
        snprintf(error, error_bytes, "no memory to attach to the heap");
        return false;
    }
    if (syntax != SYNTAX_HEAP)
        vm->syntax = vm->syntax_own = syntax_arena_new(vm);
    vm->syntax_apart = syntax == SYNTAX_APART;
    vm->offheap_least = OFFHEAP_LEAST;
    vm->bytevector_tag = gait_offheap_tag(vm->heap, "bytevectors");
    if (vm->bytevector_tag < 0) {
        snprintf(error, error_bytes, "no memory for off-heap memory");
        return false;
    }
    gait_set_oom_handler(vm->heap, run_finalizers, NULL);
    scratch_init(vm);
    gait_set_roots_callback(vm->mutator, visit_roots, vm);
    profile_init(vm);
    label_init(vm);
    return true;
}

value keep(struct vm *vm, value v) {
    struct keep *k = &vm->keep;
    if (k->count == k->room) {
        size_t room = k->room ? 2 * k->room : 1024;
        k->items = checked(realloc(k->items, room * sizeof *k->items));
        k->room = room;
    }
    k->items[k->count++] = v;
    return v;
}

/* ---- Strings ------------------------------------------------------------------------------- */

static struct string *new_string(struct vm *vm, size_t length) {
    struct string *string = allocate(vm, TYPE_STRING, sizeof *string + length * sizeof(uint32_t));
    string->header = HEADER(TYPE_STRING, length);
    return string;
}

value make_string(struct vm *vm, size_t length, uint32_t fill) {
    struct string *string = new_string(vm, length);
    for (size_t i = 0; i < length; i++)
        string->chars[i] = fill;
    return (value)string;
}

/* The next character, U+FFFD in the place of what is none. */
static uint32_t decode(const char *text, size_t bytes, size_t *at) {
    uint32_t c = 0xfffd;
    int taken = utf8_decode(text + *at, bytes - *at, &c);
    *at += taken > 0 ? (size_t)taken : taken < 0 ? (size_t)-taken : bytes - *at;
    return c;
}

value make_string_utf8(struct vm *vm, const char *text, size_t bytes) {
    size_t length = 0;
    for (size_t at = 0; at < bytes; length++)
        decode(text, bytes, &at);
    struct string *string = new_string(vm, length);
    size_t at = 0;
    for (size_t i = 0; i < length; i++)
        string->chars[i] = decode(text, bytes, &at);
    return (value)string;
}

value make_text(struct vm *vm, const char *text) {
    return make_string_utf8(vm, text, strlen(text));
}

value make_formatted(struct vm *vm, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t length = (size_t)vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = checked(malloc(length + 1));
    vsnprintf(text, length + 1, format, again);
    va_end(again);
    value string = make_string_utf8(vm, text, length);
    free(text);
    return string;
}

value make_substring(struct vm *vm, value from, size_t start, size_t end) {
    vm->made[0] = from;
    struct string *string = new_string(vm, end - start);
    memcpy(string->chars, string_of(from)->chars + start, (end - start) * sizeof(uint32_t));
    return (value)string;
}

char *string_utf8(value string, size_t *bytes) {
    size_t length = length_of(string);
    const uint32_t *chars = string_of(string)->chars;
    char *text = checked(malloc(UTF8_LONGEST * length + 1)), *p = text;
    for (size_t i = 0; i < length; i++)
        p += utf8_encode(p, chars[i]);
    *p = 0;
    if (bytes)
        *bytes = (size_t)(p - text);
    return text;
}

bool string_equal(value a, value b) {
    return length_of(a) == length_of(b) &&
           !memcmp(string_of(a)->chars, string_of(b)->chars, length_of(a) * sizeof(uint32_t));
}

int string_compare(value a, value b) {
    size_t m = length_of(a), n = length_of(b);
    for (size_t i = 0; i < m && i < n; i++) {
        uint32_t x = string_of(a)->chars[i], y = string_of(b)->chars[i];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (m > n) - (m < n);
}

uint64_t string_hash(value string) {
    uint64_t hash = STRING_HASH_START;
    for (size_t i = 0, n = length_of(string); i < n; i++)
        hash = string_hash_step(hash, string_of(string)->chars[i]);
    return string_hash_end(hash);
}

/* ---- Other objects ------------------------------------------------------------------------- */

value make_vector(struct vm *vm, size_t length, value fill) {
    vm->made[0] = fill;
    struct vector *vector = allocate(vm, TYPE_VECTOR, sizeof *vector + length * sizeof(value));
    vector->header = HEADER(TYPE_VECTOR, length);
    for (size_t i = 0; i < length; i++)
        gait_init(&vector->items[i], fill);
    return (value)vector;
}

value make_bytevector_inside(struct vm *vm, size_t length) {
    struct bytevector *bytevector = allocate(vm, TYPE_BYTEVECTOR, sizeof *bytevector + length);
    bytevector->header = HEADER(TYPE_BYTEVECTOR, length);
    bytevector->bytes = bytevector->inside;
    return (value)bytevector;
}

value make_bytevector(struct vm *vm, size_t length) {
    if (length < vm->offheap_least)
        return make_bytevector_inside(vm, length);
    gait_run_finalizers(vm->mutator, FINALIZERS_AT_ONCE);
    vm->made[0] = make_bytevector_inside(vm, 0);
    uint8_t *bytes = gait_offheap_calloc(vm->heap, length, 1, vm->bytevector_tag);
    if (!bytes || gait_offheap_own(vm->mutator, (void *)vm->made[0], bytes) < 0)
        vm_out_of_memory(vm);
    struct bytevector *bytevector = bytevector_of(vm->made[0]);
    bytevector->header = HEADER(TYPE_BYTEVECTOR, length);
    bytevector->bytes = bytes;
    return (value)bytevector;
}

value make_closure(struct vm *vm, value code, size_t free_count) {
    vm->made[0] = code;
    struct closure *closure =
        allocate(vm, TYPE_CLOSURE, sizeof *closure + free_count * sizeof(value));
    closure->header = HEADER(TYPE_CLOSURE, free_count);
    gait_init(&closure->code, code);
    return (value)closure;
}

value make_box(struct vm *vm, value content) {
    vm->made[0] = content;
    struct box *box = allocate(vm, TYPE_BOX, sizeof *box);
    box->header = HEADER(TYPE_BOX, 0);
    gait_init(&box->content, content);
    return (value)box;
}

value make_global(struct vm *vm, value name, value content, value home) {
    vm->made[0] = name;
    vm->made[1] = content;
    vm->made[2] = home;
    struct global *global = allocate(vm, TYPE_GLOBAL, sizeof *global);
    global->header = HEADER(TYPE_GLOBAL, 0);
    gait_init(&global->name, name);
    gait_init(&global->content, content);
    gait_init(&global->home, home);
    return (value)global;
}

value make_values(struct vm *vm, size_t count, const value *items) {
    struct values *values = allocate(vm, TYPE_VALUES, sizeof *values + count * sizeof(value));
    values->header = HEADER(TYPE_VALUES, count);
    for (size_t i = 0; i < count; i++)
        gait_init(&values->items[i], items[i]);
    return (value)values;
}

value make_builtin(struct vm *vm, const char *name, builtin_fn apply, int least, int most) {
    value symbol = intern_text(vm, name);
    vm->made[0] = symbol;
    struct builtin *builtin = allocate(vm, TYPE_BUILTIN, sizeof *builtin);
    builtin->header = HEADER(TYPE_BUILTIN, 0);
    builtin->apply = apply;
    builtin->least = least;
    builtin->most = most;
    builtin->inline_index = inline_index(name);
    gait_init(&builtin->name, symbol);
    return (value)builtin;
}

value make_condition(struct vm *vm, unsigned kind, value message, value irritants) {
    vm->made[0] = message;
    vm->made[1] = irritants;
    struct condition *condition = allocate(vm, TYPE_CONDITION, sizeof *condition);
    condition->header = HEADER(TYPE_CONDITION, kind);
    gait_init(&condition->message, message);
    gait_init(&condition->irritants, irritants);
    return (value)condition;
}

value list_of(struct vm *vm, int count, const value *items) {
    value list = NIL;
    for (int i = count; i-- > 0;)
        list = cons(vm, items[i], list);
    return list;
}

int64_t list_length(value list) {
    int64_t length = 0;
    for (value slow = list; is_pair(list); length += 2, slow = cdr(slow)) {
        list = cdr(list);
        if (!is_pair(list))
            return list == NIL ? length + 1 : -1;
        list = cdr(list);
        if (list == slow)
            return -2;
    }
    return list == NIL ? length : -1;
}

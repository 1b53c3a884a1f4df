/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's state, and what every part of it uses: constructors, errors, roots.
 *
 * Rooting. What must live across an allocation is held in one of:
 *   - the value stack: a builtin's arguments stay there while it runs, and may be overwritten;
 *   - a shadow-stack frame on the C stack (gait_push_frame);
 *   - vm->keep, where reader and compiler leave all that they make until they are done.
 * Constructors keep their own arguments alive.
 */
#ifndef SCHEME_VM_H
#define SCHEME_VM_H

#include "object.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* What each line to standard error begins with. */
#define PROGRAM_NAME "scheme"

/* Symbols that the reader, the printer and the libraries know: X(C name, spelling). */
#define KNOWN_SYMBOLS(X)                                                                           \
    X(quote, "quote")                                                                              \
    X(quasiquote, "quasiquote")                                                                    \
    X(unquote, "unquote")                                                                          \
    X(unquote_splicing, "unquote-splicing")                                                        \
    X(ellipsis, "...")                                                                             \
    X(underscore, "_")                                                                             \
    X(define, "define")                                                                            \
    X(define_library, "define-library")                                                            \
    X(begin, "begin")                                                                              \
    X(import, "import")                                                                            \
    X(export, "export")                                                                            \
    X(include, "include")                                                                          \
    X(include_ci, "include-ci")                                                                    \
    X(include_declarations, "include-library-declarations")                                        \
    X(cond_expand, "cond-expand")                                                                  \
    X(only, "only")                                                                                \
    X(except, "except")                                                                            \
    X(prefix, "prefix")                                                                            \
    X(rename, "rename")                                                                            \
    X(and, "and")                                                                                  \
    X(or, "or")                                                                                    \
    X(not, "not")                                                                                  \
    X(library, "library")

enum known_symbol {
#define X(name, spelling) KNOWN_##name,
    KNOWN_SYMBOLS(X)
#undef X
        KNOWN_COUNT
};

/* Procedures of the prelude that the machine and builtins call: X(C name, Scheme name). */
#define HOOKS(X)                                                                                   \
    X(raise, "raise")                                                                              \
    X(rewind, "%rewind")                                                                           \
    X(make_custom_table, "%make-custom-table")                                                     \
    X(custom_ref, "%custom-ref")                                                                   \
    X(custom_contains, "%custom-contains?")                                                        \
    X(custom_set, "%custom-set!")                                                                  \
    X(custom_delete, "%custom-delete!")                                                            \
    X(custom_clear, "%custom-clear!")                                                              \
    X(custom_size, "%custom-size")                                                                 \
    X(custom_to_alist, "%custom->alist")                                                           \
    X(custom_keys, "%custom-keys")                                                                 \
    X(custom_values, "%custom-values")                                                             \
    X(custom_copy, "%custom-copy")                                                                 \
    X(load, "load")                                                                                \
    X(interrupted, "%interrupted")                                                                 \
    X(instantiate, "%instantiate")                                                                 \
    X(run_program, "%run-program")                                                                 \
    X(run_port, "%run-port")                                                                       \
    X(repl, "%repl")

enum hook {
#define X(name, spelling) HOOK_##name,
    HOOKS(X)
#undef X
        HOOK_COUNT
};

struct keep {
    value *items;
    size_t count, room;
};

/* How C code was left in the middle: escape.h. */
enum escape {
    ESCAPE_NONE,
    ESCAPE_RAISE,     /* vm->raised is raised */
    ESCAPE_INTERRUPT, /* the prompt's way out is called */
    ESCAPE_PROMPT     /* all that runs ends */
};

struct vm {
    gait_heap *heap;
    gait_mutator *mutator;

    /* The value stack, see machine.c. sp, fp, pc, self and acc are exact at safepoints only. */
    value *base, *limit;
    value *sp, *fp;
    const uint32_t *pc;
    value self;         /* the running closure */
    value acc;          /* the accumulator */
    value under;        /* frames below the stack: a chunk, or FALSE */
    uint64_t under_top; /* words of it that are still to be returned to */
    uint64_t depth_max; /* words that the chunks may have: --stack */
    uint64_t depth_top; /* the same, and room for handlers since that was passed: control.c */
    value winders;      /* list of (before . after), innermost first */
    value handlers;     /* list of exception handlers, innermost first */
    value raised;       /* what a builtin that returned RAISED wants to raise */
    value instead;      /* or the procedure that it wants called in its place, not FALSE */
    value bottom;       /* closure that the lowest frame on the stack returns to */

    value made[3];              /* constructors: their arguments */
    value symbols;              /* weak symbol table: see symbol.c */
    value known[KNOWN_COUNT];   /* symbols */
    value hooks[HOOK_COUNT];    /* globals */
    value system;               /* environment of all that is built in */
    value bare;                 /* environment of import and define-library alone */
    value interaction;          /* environment of programs */
    value libraries;            /* list of (name . environment) */
    value library_path;         /* folders, strings: see library_file.c */
    value library_folder;       /* along which the library was found that is compiled; or FALSE */
    value loading;              /* names of libraries whose files are being compiled */
    value libraries_before;     /* what libraries was before the form that is compiled; or 0 */
    value command_line;         /* list of strings */
    value input, output, error; /* parameters: the current ports */
    struct keep keep;

    char *c_stack_end;      /* recursion in C ends above this address: compile.h */
    uint64_t expansion_max; /* bytes that macros may expand to in one form: --expansion */
    gait_arena *syntax; /* of the form that is compiled: see syntax_memory.c; NULL: syntax is on the
                           heap and in malloc'ed memory */
    gait_arena *syntax_own; /* the one that there is when no library's file is being read */
    bool syntax_apart;      /* each form has an arena of its own */
    uint64_t captures;      /* continuations captured so far */

    size_t offheap_least; /* bytevectors of so many bytes live off-heap; SIZE_MAX: none */
    int bytevector_tag;   /* of that memory */

    struct file *files; /* of open ports: see file.h */
    struct file *lost;  /* of ports that were dropped, and could not be written */
    bool console_lost;  /* standard input or output failed: there is no going back to a prompt */

    jmp_buf landing; /* where C code that is left comes back to, see escape.h; with this: */
    struct gait_frames landing_frames;
    size_t landing_keep;
    uint64_t landing_scratch;
    bool can_escape;        /* the machine runs */
    bool more_finalizers;   /* there may be: for the next poll */
    enum escape escape;     /* why it came back there */
    value memory_condition; /* what is raised when there is no memory */
    value reserve;          /* a leaf, for handlers of that; or 0 */
    uint64_t reserve_cycle; /* cycles ended when it was used, or last tried */

    size_t symbol_count;      /* entries in symbols, dead ones included */
    value source;             /* what is being compiled was read from it: make_source */
    mpz_t integer, remainder; /* scratch of bignum arithmetic */
    bool interactive;         /* errors return to the prompt */
    bool abandoned;           /* an error ended the form that was typed in */
    bool halted;              /* (exit) was called */
    int status;               /* with this status */
};

/* ---- Construction: heap.c, symbol.c -------------------------------------------------------- */

/**
 * Create a heap with all kinds and an empty vm.
 * @param heap_bytes  what the heap may have at most; 0: what the library takes
 * @return false with *error filled.
 */
enum syntax_place { SYNTAX_HEAP, SYNTAX_ARENA, SYNTAX_APART };
bool vm_create(struct vm *vm, enum syntax_place syntax, uint64_t heap_bytes, char *error,
               size_t error_bytes);

/** Define all that is built in, and compile the prelude: boot.c. @return false: it does not. */
bool vm_boot(struct vm *vm, uint64_t stack_words);

/** Have "out of memory" raised; or, where that can't be, say so and exit: escape.c. */
_Noreturn void vm_out_of_memory(struct vm *vm);

static inline void *allocate(struct vm *vm, enum object_type type, size_t bytes) {
    void *object = gait_alloc(vm->mutator, type, bytes);
    if (GAIT_UNLIKELY(!object))
        vm_out_of_memory(vm);
    return object;
}

static inline void store(struct vm *vm, value *slot, value v) { gait_store(vm->mutator, slot, v); }

static inline value cons(struct vm *vm, value a, value d) {
    vm->made[0] = a;
    vm->made[1] = d;
    struct pair *pair = allocate(vm, TYPE_PAIR, sizeof *pair);
    gait_init(&pair->car, a);
    gait_init(&pair->cdr, d);
    return (value)pair + TAG_PAIR;
}

static inline value make_flonum(struct vm *vm, double number) {
    double *flonum = allocate(vm, TYPE_FLONUM, sizeof *flonum);
    *flonum = number;
    return (value)flonum + TAG_FLONUM;
}

value make_string(struct vm *vm, size_t length, uint32_t fill);

/** From UTF-8. What is none becomes U+FFFD: whoever has text from outside checks it first
 * (utf8_count). */
value make_string_utf8(struct vm *vm, const char *text, size_t bytes);
value make_text(struct vm *vm, const char *text);
/** As printf. */
__attribute__((format(printf, 2, 3))) value make_formatted(struct vm *vm, const char *format, ...);
value make_substring(struct vm *vm, value from, size_t start, size_t end);
value make_vector(struct vm *vm, size_t length, value fill);

/** A bytevector of zeros. One of vm->offheap_least bytes and more owns off-heap memory, which is
 * counted, never looked at, and freed as the bytevector is gone. */
value make_bytevector(struct vm *vm, size_t length);

/** One that holds its bytes, whatever its length: for leaf memory of the interpreter's own. */
value make_bytevector_inside(struct vm *vm, size_t length);

value make_closure(struct vm *vm, value code, size_t free_count);
value make_box(struct vm *vm, value content);
value make_global(struct vm *vm, value name, value content, value home);
value make_values(struct vm *vm, size_t count, const value *items);
value make_builtin(struct vm *vm, const char *name, builtin_fn apply, int least, int most);
value make_condition(struct vm *vm, unsigned kind, value message, value irritants);
value make_environment(struct vm *vm, value name, value parent);
value list_of(struct vm *vm, int count, const value *items);

/** Length of a list; -1: improper, -2: circular. */
int64_t list_length(value list);

/** A C string of it in malloc'ed memory. */
char *string_utf8(value string, size_t *bytes);

bool string_equal(value a, value b);
int string_compare(value a, value b);
uint64_t string_hash(value string);

/* Its steps: FNV-1a over characters. */
#define STRING_HASH_START 0xcbf29ce484222325u
static inline uint64_t string_hash_step(uint64_t hash, uint32_t c) {
    return (hash ^ c) * 0x100000001b3u;
}
static inline uint64_t string_hash_end(uint64_t hash) { return hash ^ hash >> 32; }

value intern(struct vm *vm, value string);
value intern_text(struct vm *vm, const char *text);
/** One that no other has the name of, even if it is spelled the same. */
value make_symbol_apart(struct vm *vm, value string);

/* ---- Roots of reader and compiler ---------------------------------------------------------- */

/** Keep v until keep.count is set back. @return v */
value keep(struct vm *vm, value v);

/* ---- Syntax: syntax_memory.c --------------------------------------------------------------- */

/** A new arena for syntax; the caller holds it. */
gait_arena *syntax_arena_new(struct vm *vm);

/** The arena that a datum lies in; NULL: in none. */
gait_arena *syntax_arena_of(struct vm *vm, value datum);

/** The next form of a port, as read_form, where syntax is; all of them, as a list. */
value syntax_read_form(struct vm *vm, value port, value source);
value syntax_read_all(struct vm *vm, value port, value source);

/** A pair, or a vector, in an arena; NULL: on the heap. */
value cons_in(struct vm *vm, gait_arena *arena, value a, value d);
value make_vector_in(struct vm *vm, gait_arena *arena, size_t length, value fill);

/* ---- Errors: error.c ----------------------------------------------------------------------- */

/** Have "WHO: MESSAGE" raised (who may be NULL): a builtin returns what this returns. The varargs
 * are the irritants. */
value raise_error(struct vm *vm, const char *who, const char *message, int count, ...);
value raise_value(struct vm *vm, value condition);

/** Have a hook called with the arguments of the builtin, which returns what this returns. */
value call_instead(struct vm *vm, enum hook hook);

/** The argument at that position (from 1; 0: it is the only one, or part of one) has the wrong
 * type. */
value raise_argument(struct vm *vm, const char *procedure, int position, const char *expected,
                     value got);
value raise_type(struct vm *vm, const char *procedure, const char *expected, value got);
/** It is no index below limit. */
value raise_index(struct vm *vm, const char *procedure, size_t limit, value got);
value raise_count(struct vm *vm, value procedure, size_t count);
value raise_record(struct vm *vm, value type, value got);

/* ---- The machine: machine.c, control.c ----------------------------------------------------- */

/** Call a procedure without arguments and run to its end. @return its value, or RAISED when the
 * program was left by exit (vm->halted) or, interactive, by an error. */
value machine_run(struct vm *vm, value procedure);

/** The instruction index's line, 0: unknown. */
unsigned code_line(value code, const uint32_t *pc);

/** Prepare the stack; once. */
void vm_stack_init(struct vm *vm, uint64_t depth_max);

/** Make the closure that the lowest link names, unless it is there. */
void vm_make_bottom(struct vm *vm);

/** Move all frames but the running one into a chunk below. vm->sp and vm->fp are moved.
 * @return false: that is too deep, which is raised. */
bool control_spill(struct vm *vm);

/** Call a builtin with the items of a list of that length, however many. */
value control_apply(struct vm *vm, value builtin, value list, int64_t length);

/** The continuation of the running frame, which has been spilled. */
value control_continuation(struct vm *vm);

/** Visit all frames, the innermost first, until a visit says true: a closure, and the instruction
 * that it goes on with. @return whether one did. Allocates nothing. */
typedef bool (*frame_fn)(void *data, value closure, const uint32_t *pc);
bool control_frames(const struct vm *vm, frame_fn visit, void *data);

/** Have heap profiles show the program's functions: profile.c. */
void profile_init(struct vm *vm);

/** Have heap snapshots name the program's globals, functions and records: label.c. */
void label_init(struct vm *vm);

/** Where the program is: file (FALSE: nowhere) and line of the innermost frame that has a file. */
value control_location(struct vm *vm, unsigned *line);

/* ---- Tables: table.c ----------------------------------------------------------------------- */

/* TABLE_CUSTOM: by procedures of the program, see prelude/table.scm; buckets is its vector. */
enum table_test { TABLE_EQ, TABLE_EQV, TABLE_EQUAL, TABLE_STRING, TABLE_STRING_CI, TABLE_CUSTOM };

struct table {
    uint64_t header; /* enum table_test */
    value buckets;   /* vector of entries (object words) or 0 */
    uint64_t count;
};

struct table_entry {
    value key, content;
    value next; /* entry or 0 */
    uint64_t hash;
};

value make_table(struct vm *vm, enum table_test test);
value make_custom_table(struct vm *vm, value parts);
value table_get(value table, value key, value missing);
void table_put(struct vm *vm, value table, value key, value content);
bool table_remove(struct vm *vm, value table, value key);
uint64_t hash_value(value v, enum table_test test);
void table_walk(value table, void (*visit)(value key, value content, void *data), void *data);
void table_clear(struct vm *vm, value table);

/* ---- Equality: equal.c --------------------------------------------------------------------- */

bool is_eqv(value a, value b);
bool is_equal(value a, value b);

/* ---- Libraries and environments: library.c ------------------------------------------------- */

/** What a symbol means in an environment: a global, a macro or a form; 0: nothing. */
value environment_lookup(value environment, value symbol);

/** The global of a name that is about to be defined there; made when need be. */
value environment_define(struct vm *vm, value environment, value symbol);

/** The global of a name that is used there; made, unbound, when need be. */
value environment_global(struct vm *vm, value environment, value symbol);

void environment_bind(struct vm *vm, value environment, value symbol, value meaning);

/**
 * Give names of their own to what a program is going to define, before any of it is compiled: a
 * function may refer to a definition further down that has the name of something imported.
 */
void environment_announce(struct vm *vm, value environment, value forms);

/** Have a library read anew when it is imported again: library_file.c. */
void library_forget(struct vm *vm, value library);

/* ---- Names of files: folder.c -------------------------------------------------------------- */

/** The folder of a file, and a file's path in it; malloc'ed. */
char *folder_of(const char *file);
char *folder_join(const char *folder, const char *name);

/** A file's name as said in another file (a string, or FALSE): beside it, if it is there. */
value folder_beside(struct vm *vm, value file, value name);

/** What cond-expand and (features) know, up to a NULL. */
extern const char *const features[];

/* ---- Builtins: builtin_*.c ----------------------------------------------------------------- */

struct builtin_entry {
    const char *name;
    builtin_fn apply;
    int least, most;
};

/** How the compiler inlines calls of the builtin with this name: generate.c; 0: it does not. */
unsigned inline_index(const char *name);

void builtins_define(struct vm *vm, const struct builtin_entry *entries, size_t count);
#define DEFINE_BUILTINS(vm, table) builtins_define(vm, table, sizeof(table) / sizeof *(table))

/** Bind a name of the system environment to a constant global with this content. */
void define_system(struct vm *vm, const char *name, value content);

/** Is the C stack nearly used up? Functions that call themselves ask. */
static inline bool c_stack_is_low(const struct vm *vm) {
    return (char *)__builtin_frame_address(0) < vm->c_stack_end;
}

/** A procedure, of any kind? */
bool is_procedure(value v);

void builtin_lists_init(struct vm *vm);
void builtin_numbers_init(struct vm *vm);
void builtin_functions_init(struct vm *vm);
void builtin_bitwise_init(struct vm *vm);
void builtin_strings_init(struct vm *vm);
void builtin_characters_init(struct vm *vm);
void builtin_vectors_init(struct vm *vm);
void builtin_control_init(struct vm *vm);
void builtin_ports_init(struct vm *vm);
void builtin_tables_init(struct vm *vm);
void builtin_random_init(struct vm *vm);
void builtin_system_init(struct vm *vm);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The compiler: source data -> tree (syntax.c, forms.c) -> tree with places (resolve.c) -> bytecode
 * (generate.c).
 *
 * Trees, scopes and matches, and what macros and forms expand to, live in an arena that ends when a
 * form is compiled; syntax_memory.c says what outlives it, and how. Values in trees are kept by
 * vm->keep, or are part of the source form, which is kept too. An error leaves by longjmp to
 * compile_form.
 *
 * Bounds. A form may be nested 5,000 deep, if the C stack holds that: every function that calls
 * itself, in whatever roundabout way, asks check_nesting first. And what macros expand to in one
 * form, which is held until the form is compiled, may take as many bytes as --expansion says: all
 * that is allocated in expand_macro is charged to the form. No expansion is free, so one without
 * end is found, too.
 */
#ifndef SCHEME_COMPILE_H
#define SCHEME_COMPILE_H

#include "port.h"
#include "vm.h"

#include <setjmp.h>

/* ---- Trees --------------------------------------------------------------------------------- */

struct lambda;

struct variable {
    value name;
    struct lambda *owner; /* the function whose frame holds it */
    bool assigned;        /* by set!: lives in a box */
    bool boxed;
    int slot; /* in that frame */
    /* letrec only: */
    const int *current; /* index of the initializer that is being resolved; NULL: not in letrec */
    int index;          /* its own */
    int early;          /* first initializer that refers to it and doesn't come after its own */
};

enum node_type {
    NODE_CONSTANT,
    NODE_LOCAL,
    NODE_GLOBAL,
    NODE_SET_LOCAL,
    NODE_SET_GLOBAL,
    NODE_DEFINE,
    NODE_IF,
    NODE_OR,
    NODE_LAMBDA,
    NODE_CASE_LAMBDA,
    NODE_SEQUENCE,
    NODE_CALL,
    NODE_LET,
    NODE_LETREC, /* letrec* */
    NODE_LOOP,   /* a named let that is only called in tail position: variables are set anew */
    NODE_AGAIN   /* the call that does so */
};

struct node {
    enum node_type type;
    unsigned line;
    union {
        value constant;
        value global;
        struct variable *variable;
        struct lambda *lambda;
        struct {
            struct variable *variable;
            value global;
            struct node *content;
        } set;
        struct {
            struct node *test, *then, *otherwise; /* OR: test, otherwise */
        } branch;
        struct {
            struct node **items; /* SEQUENCE; clauses of CASE_LAMBDA; initializers of let */
            size_t count;
            struct node *body;           /* let */
            struct node *callee;         /* CALL */
            struct variable **variables; /* let */
            int *label;                  /* LOOP: where AGAIN jumps to; AGAIN: see target */
            struct node *target;         /* AGAIN: its LOOP */
            int base;                    /* LOOP: slot of the first variable */
        } list;
    };
};

struct lambda {
    value name;
    struct variable **parameters;
    size_t count; /* the rest parameter included */
    bool rest;
    bool toplevel; /* of a program: no call is a tail call, so that errors have a place */
    struct node *body;
    unsigned line;
    struct lambda *parent;
    struct variable **free; /* what it captures, in the order of the closure's words */
    size_t free_count, free_room;
};

/* ---- Scopes -------------------------------------------------------------------------------- */

struct binding {
    value identifier;
    struct variable *variable; /* or NULL: */
    value macro;
    struct binding *next;
};

struct scope {
    struct scope *parent;
    struct binding *bindings;
};

enum meaning_kind { MEANS_VARIABLE, MEANS_MACRO, MEANS_FORM, MEANS_GLOBAL };

/* What an identifier stands for. */
struct meaning {
    enum meaning_kind kind;
    struct variable *variable;
    value macro;
    unsigned form;
    value symbol, environment; /* GLOBAL */
};

struct block;

struct compiler {
    struct vm *vm;
    value environment;
    unsigned line;
    int depth;         /* of parse */
    value macro;       /* the name of the macro whose expansion is parsed, or FALSE */
    value outermost;   /* and of that around all */
    bool expanding;    /* expand_macro runs: */
    size_t expansion;  /* what it allocated for this form, bytes */
    bool expanded;     /* aliases may be about */
    gait_arena *arena; /* NULL: trees are in blocks, pairs on the heap */
    struct block *blocks;
    value survivors; /* table: what outlives the arena -> its copy; 0: none yet */
    jmp_buf escape;
};

/* ---- syntax_memory.c: what ends with the form, and what does not ---------------------------- */

/** Zeroed memory that ends with the form. */
void *syntax_alloc(struct compiler *c, size_t bytes);

/** Begin and end the memory of a form that is compiled. last: none of those that were read with it
 * comes after it. */
void syntax_begin(struct compiler *c, value form);
void syntax_end(struct compiler *c, value form, value source, bool last);

/** A datum that outlives the form: itself, or a copy of the parts that end with it. The same for
 * the same datum. */
value survive(struct compiler *c, value datum);

/* ---- The special forms, and the words that mean something inside of them only -------------- */

/* X(name, spelling, parser) */
#define SPECIAL_FORMS(X)                                                                           \
    X(QUOTE, "quote", parse_quote)                                                                 \
    X(QUASIQUOTE, "quasiquote", parse_quasiquote)                                                  \
    X(LAMBDA, "lambda", parse_lambda_form)                                                         \
    X(NAMED_LAMBDA, "named-lambda", parse_named_lambda)                                            \
    X(CASE_LAMBDA, "case-lambda", parse_case_lambda)                                               \
    X(IF, "if", parse_if)                                                                          \
    X(SET, "set!", parse_set)                                                                      \
    X(BEGIN, "begin", parse_begin)                                                                 \
    X(LET, "let", parse_let)                                                                       \
    X(LET_STAR, "let*", parse_let_star)                                                            \
    X(LETREC, "letrec", parse_letrec_form)                                                         \
    X(LETREC_STAR, "letrec*", parse_letrec_form)                                                   \
    X(COND, "cond", parse_cond)                                                                    \
    X(CASE, "case", parse_case)                                                                    \
    X(AND, "and", parse_and)                                                                       \
    X(OR, "or", parse_or)                                                                          \
    X(WHEN, "when", parse_when)                                                                    \
    X(UNLESS, "unless", parse_unless)                                                              \
    X(DO, "do", parse_do)                                                                          \
    X(DELAY, "delay", parse_delay)                                                                 \
    X(DELAY_FORCE, "delay-force", parse_promise)                                                   \
    X(PARAMETERIZE, "parameterize", parse_parameterize)                                            \
    X(LET_SYNTAX, "let-syntax", parse_let_syntax_form)                                             \
    X(LETREC_SYNTAX, "letrec-syntax", parse_letrec_syntax)                                         \
    X(SYNTAX_RULES, "syntax-rules", parse_misplaced)                                               \
    X(SYNTAX_ERROR, "syntax-error", parse_syntax_error)                                            \
    X(ELSE, "else", parse_misplaced)                                                               \
    X(ARROW, "=>", parse_misplaced)                                                                \
    X(UNQUOTE, "unquote", parse_misplaced)                                                         \
    X(UNQUOTE_SPLICING, "unquote-splicing", parse_misplaced)                                       \
    X(ELLIPSIS, "...", parse_misplaced)                                                            \
    X(UNDERSCORE, "_", parse_misplaced)                                                            \
    X(COND_EXPAND, "cond-expand", parse_cond_expand)                                               \
    X(INCLUDE, "include", parse_include)                                                           \
    X(INCLUDE_CI, "include-ci", parse_include_ci)                                                  \
    X(DEFINE, "define", parse_define)                                                              \
    X(DEFINE_VALUES, "define-values", parse_define_values)                                         \
    X(DEFINE_SYNTAX, "define-syntax", parse_define_syntax)                                         \
    X(DEFINE_RECORD, "define-record-type", parse_define_record)                                    \
    X(IMPORT, "import", parse_import)                                                              \
    X(DEFINE_LIBRARY, "define-library", parse_library_form)                                        \
    X(ASSERT, "assert", parse_assert)

enum special_form {
#define X(name, spelling, parser) FORM_##name,
    SPECIAL_FORMS(X)
#undef X
        FORM_COUNT
};

/* ---- syntax.c: identifiers and macros ------------------------------------------------------ */

struct meaning lookup(struct compiler *c, value identifier, struct scope *scope);
bool is_word(struct compiler *c, value v, struct scope *scope, enum special_form form);
void bind_variable(struct compiler *c, struct scope *scope, value id, struct variable *variable);
void bind_macro(struct compiler *c, struct scope *scope, value id, value macro);
value make_alias(struct compiler *c, value name, value environment, struct scope *scope);
value strip(struct compiler *c, value datum); /* aliases become symbols */
value base_symbol(value identifier);
value make_macro(struct compiler *c, value rules, struct scope *scope);
void enter_macro(struct compiler *c, value identifier); /* errors name it from here on */
value expand_macro(struct compiler *c, value macro, value form, struct scope *scope);

/* ---- compile.c: errors ---------------------------------------------------------------------- */

/** Raise "FILE:LINE: MESSAGE irritant"; FALSE is none. */
_Noreturn void syntax_error(struct compiler *c, const char *message, value irritant);
_Noreturn void nesting_error(struct compiler *c);
_Noreturn void expansion_error(struct compiler *c);

static inline void check_nesting(struct compiler *c) {
    if (GAIT_UNLIKELY(c_stack_is_low(c->vm)))
        nesting_error(c);
}

static inline void charge_expansion(struct compiler *c, size_t bytes) {
    if (c->expanding && (c->expansion += bytes) > c->vm->expansion_max)
        expansion_error(c);
}

/* ---- parse.c: what forms have in common ---------------------------------------------------- */

/** Make what syntax_error would raise vm->raised, and return. */
void syntax_raise(struct compiler *c, const char *message, value irritant);

/** End the form with what was raised already. */
_Noreturn void syntax_escape(struct compiler *c);

/** Give up the form for what was raised already, with its file and line in front. */
_Noreturn void syntax_raised(struct compiler *c);

struct node *make_node(struct compiler *c, enum node_type type);
struct node *make_constant(struct compiler *c, value v);
struct node *make_sequence(struct compiler *c, struct node **items, size_t count);
struct variable *make_variable(struct compiler *c, value name);

/** What a definition gets, if it is a function without a name, has this one. */
void name_function(struct node *node, value id);

struct node *parse(struct compiler *c, value form, struct scope *scope);
struct node *parse_body(struct compiler *c, value forms, struct scope *scope);
struct node *parse_sequence(struct compiler *c, value forms, struct scope *scope);
struct node *parse_lambda(struct compiler *c, value formals, value body, value name,
                          struct scope *scope);
struct node *parse_letrec(struct compiler *c, struct variable **variables, struct node **inits,
                          size_t count, struct node *body);

value build(struct compiler *c, value head, value tail); /* a pair that ends with the form, kept */
value build_list(struct compiler *c, int count, ...);
value vector_list(struct compiler *c, value vector);
value form_item(struct compiler *c, value form, int index); /* error when there is none */

/* ---- forms.c: the special forms ------------------------------------------------------------ */

typedef struct node *(*form_parser)(struct compiler *c, value form, struct scope *scope);
extern const form_parser form_parsers[FORM_COUNT];

/** (define (f . x) body…) and its kin: the name, and the form or lambda that it gets. */
value define_target(struct compiler *c, value form, value *content);
/** define-record-type as a list of define forms. */
value record_definitions(struct compiler *c, value form);
/** define-values as a list of (name…) to be bound, and the form that sets them. */
value define_values_names(struct compiler *c, value formals);
value define_values_setter(struct compiler *c, value form);
/** The forms that an include or cond-expand stands for. */
value included_forms(struct compiler *c, value form, bool fold_case);
value cond_expand_forms(struct compiler *c, value form, struct scope *scope);

/* ---- resolve.c, generate.c ----------------------------------------------------------------- */

/** Find for every variable its frame, what functions capture, and what needs a box. */
void resolve(struct compiler *c, struct lambda *toplevel);

/** Is this initializer of a letrec one of those functions that are linked after they are made? */
bool is_linked_function(const struct node *letrec, size_t index);

/** The code of a function: a TYPE_CODE object. */
value generate(struct compiler *c, struct lambda *lambda);

/* ---- compile.c ----------------------------------------------------------------------------- */

/**
 * Compile a form to a procedure without arguments.
 * @param line    where it starts; 0: not known
 * @param source  where it was read from (make_source), or FALSE
 * @param last    of the forms that were read from it at once
 * @return RAISED for a malformed one.
 */
value compile_form(struct vm *vm, value form, unsigned line, value environment, value source,
                   bool last);

/* ---- library.c ----------------------------------------------------------------------------- */

/* One that is built in. */
struct standard_library {
    const char *name, *exports; /* lists, as they are written */
};
extern const struct standard_library standard_libraries[];
extern const size_t standard_library_count;

/** Bind what is imported. @return forms that run the bodies of libraries from files, in front of
 * others. */
value import_sets(struct compiler *c, value sets, value forms);

/** The environment of a library that is there already; 0: it is not. */
value library_find(struct compiler *c, value name);

/* ---- library_file.c ------------------------------------------------------------------------ */

/** Read and compile a library's file. @return its environment; its body was not run yet. */
value library_load(struct compiler *c, value name);
bool library_file_exists(struct compiler *c, value name);
struct node *parse_library(struct compiler *c, value form);
bool feature_holds(struct compiler *c, value requirement);

#endif

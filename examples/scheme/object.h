/* SPDX-License-Identifier: MIT */
/*
 * Values and the layouts of objects.
 *
 * A value is one word. Its low three bits are a tag that the heap's value mask drops:
 *
 *   ..1  fixnum, 63 bits          010  pair (a cell of two words, no header)
 *   000  object with a header     110  flonum (a cell of one double, no header)
 *   100  immediate: characters, booleans, () and other constants; all below 2^40, where no heap is
 *
 * A header is one word: the type in bits 0..7, a length or flags above. A value is never 0: that is
 * what builtins return when they raise, and what fresh memory holds before it is filled.
 */
#ifndef SCHEME_OBJECT_H
#define SCHEME_OBJECT_H

#include <gait/arena.h>
#include <gait/gait.h>
#include <gmp.h>

typedef gait_word value;

/* ---- Tags ---------------------------------------------------------------------------------- */

enum { TAG_OBJECT = 0, TAG_PAIR = 2, TAG_IMMEDIATE = 4, TAG_FLONUM = 6, TAG_MASK = 7 };

#define CONSTANT(n) ((value)(n) << 8 | TAG_IMMEDIATE)
#define FALSE CONSTANT(0)
#define TRUE CONSTANT(1)
#define NIL CONSTANT(2)
#define END_OF_FILE CONSTANT(3)
#define UNSPECIFIED CONSTANT(4)
#define UNDEFINED CONSTANT(5) /* an unbound global, a letrec variable before its time */
#define ABSENT CONSTANT(6)    /* an optional argument that was not given */
#define RAISED ((value)0)     /* not a value: "an exception is pending in vm->raised" */

#define CHARACTER_TAG 0x0c
#define FORM_TAG 0x14

static inline bool is_fixnum(value v) { return v & 1; }
static inline bool is_pair(value v) { return (v & TAG_MASK) == TAG_PAIR; }
static inline bool is_flonum(value v) { return (v & TAG_MASK) == TAG_FLONUM; }
static inline bool is_object(value v) { return (v & TAG_MASK) == TAG_OBJECT; }
static inline bool is_character(value v) { return (v & 0xff) == CHARACTER_TAG; }
static inline bool is_form(value v) { return (v & 0xff) == FORM_TAG; }
static inline bool is_true(value v) { return v != FALSE; }
static inline bool is_boolean(value v) { return v == TRUE || v == FALSE; }

static inline value boolean(bool b) { return b ? TRUE : FALSE; }

#define FIXNUM_MAX (INT64_MAX >> 1)
#define FIXNUM_MIN (INT64_MIN >> 1)

static inline value fixnum(int64_t n) { return (value)n << 1 | 1; }
static inline int64_t fixnum_value(value v) { return (int64_t)v >> 1; }
static inline value character(uint32_t code) { return (value)code << 8 | CHARACTER_TAG; }
static inline uint32_t character_code(value v) { return (uint32_t)(v >> 8); }

/* A special form of the compiler, as the value of a name in an environment. */
static inline value keyword(unsigned number) { return (value)number << 8 | FORM_TAG; }
static inline unsigned form_number(value v) { return (unsigned)(v >> 8); }

/* ---- Types --------------------------------------------------------------------------------- */

/*
 * X(TYPE, name in profiles, layout, words that may be references). Each type is a kind of the heap,
 * registered in this order, so that allocations name their kind by a constant.
 */
#define OBJECT_TYPES(X)                                                                            \
    X(PAIR, "pair", GAIT_REFS, 0)                                                                  \
    X(FLONUM, "flonum", GAIT_LEAF, 0)                                                              \
    X(STRING, "string", GAIT_LEAF, 0)                                                              \
    X(BYTEVECTOR, "bytevector", GAIT_LEAF, 0)                                                      \
    X(BIGNUM, "bignum", GAIT_LEAF, 0)                                                              \
    X(RATIO, "ratio", GAIT_REFS, 0)                                                                \
    X(COMPLEX, "complex number", GAIT_REFS, 0)                                                     \
    X(SYMBOL, "symbol", GAIT_PREFIX, 2)                                                            \
    X(SYMBOL_LINK, "symbol link", GAIT_WEAK, 2)                                                    \
    X(VECTOR, "vector", GAIT_REFS, 0)                                                              \
    X(CLOSURE, "closure", GAIT_REFS, 0)                                                            \
    X(CODE, "code", GAIT_REFS, 0)                                                                  \
    X(CASE_LAMBDA, "case-lambda", GAIT_REFS, 0)                                                    \
    X(BUILTIN, "builtin", GAIT_PREFIX, 2)                                                          \
    X(CONTINUATION, "continuation", GAIT_REFS, 0)                                                  \
    X(CHUNK, "stack chunk", GAIT_REFS, 0)                                                          \
    X(PARAMETER, "parameter", GAIT_REFS, 0)                                                        \
    X(BOX, "box", GAIT_REFS, 0)                                                                    \
    X(GLOBAL, "global", GAIT_REFS, 0)                                                              \
    X(VALUES, "values", GAIT_REFS, 0)                                                              \
    X(RECORD_TYPE, "record type", GAIT_REFS, 0)                                                    \
    X(RECORD, "record", GAIT_REFS, 0)                                                              \
    X(PROMISE, "promise", GAIT_REFS, 0)                                                            \
    X(CONDITION, "condition", GAIT_REFS, 0)                                                        \
    X(PORT, "port", GAIT_PREFIX, 3)                                                                \
    X(TABLE, "hash table", GAIT_PREFIX, 2)                                                         \
    X(TABLE_ENTRY, "hash table entry", GAIT_PREFIX, 3)                                             \
    X(ENVIRONMENT, "environment", GAIT_REFS, 0)                                                    \
    X(MACRO, "macro", GAIT_PREFIX, 5)                                                              \
    X(ALIAS, "alias", GAIT_PREFIX, 3)

enum object_type {
#define X(type, name, layout, head_words) TYPE_##type,
    OBJECT_TYPES(X)
#undef X
        TYPE_COUNT
};

#define HEADER(type, length) ((uint64_t)(length) << 8 | (type))

static inline uint64_t header_of(value v) { return *(const uint64_t *)v; }
static inline bool has_type(value v, enum object_type type) {
    return is_object(v) && (header_of(v) & 0xff) == (uint64_t)type;
}
static inline size_t length_of(value v) { return (size_t)(header_of(v) >> 8); }

/* Change flags in the header. Atomic: a marker may read the word. */
static inline void header_change(value v, uint64_t clear, uint64_t set) {
    __atomic_store_n((uint64_t *)v, (header_of(v) & ~(clear << 8)) | set << 8, __ATOMIC_RELAXED);
}

struct pair {
    value car, cdr;
};

struct string {
    uint64_t header; /* length, characters */
    uint32_t chars[];
};

struct symbol {
    uint64_t header; /* 0 */
    value name;      /* a string that nobody changes */
    uint64_t hash;   /* of the name */
};

struct vector {
    uint64_t header; /* length, items */
    value items[];
};

/* Short ones hold their bytes; long ones own off-heap memory (make_bytevector). */
struct bytevector {
    uint64_t header; /* length, bytes */
    uint8_t *bytes;
    uint8_t inside[];
};

/* An integer that is no fixnum. The limbs are collected memory, which GMP reads in place. */
struct bignum {
    uint64_t header; /* limbs << 1 | negative */
    mp_limb_t limbs[];
};

struct ratio {
    uint64_t header;
    value numerator, denominator; /* exact integers without common factor; denominator > 1 */
};

/* A number that is not real. Both parts are flonums, or both are exact and imaginary is not 0. */
struct complex_number {
    uint64_t header;
    value real, imaginary;
};

/*
 * Compiled code. Every word is scanned; start and arity are no heap addresses of objects (start
 * points inside the bytevector).
 */
struct code {
    uint64_t header;     /* number of constants */
    value name;          /* symbol or FALSE */
    value file;          /* string, or FALSE in the prelude */
    value lines;         /* bytevector of pairs of uint32_t: instruction index, line */
    value instructions;  /* bytevector */
    uint32_t *start;     /* its bytes */
    uint64_t arity;      /* required arguments << 1 | takes more */
    uint64_t frame_size; /* words above the frame pointer at most */
    value constants[];
};

struct closure {
    uint64_t header; /* number of free variables */
    value code;
    value free[];
};

struct case_lambda {
    uint64_t header; /* number of closures */
    value closures[];
};

struct vm;
typedef value (*builtin_fn)(struct vm *vm, int count, value *arguments);

struct builtin {
    uint64_t header;
    value name;            /* a symbol */
    builtin_fn apply;      /* raw */
    int32_t least, most;   /* arguments; most < 0: any number */
    uint32_t inline_index; /* raw: how the compiler inlines it; 0: it does not */
};

/* Frames that were moved off the stack: see control.c. */
struct chunk {
    uint64_t header;   /* number of words */
    value next;        /* chunk below, or FALSE */
    uint64_t next_top; /* words of it that belong to this continuation */
    uint64_t depth;    /* words of this chunk and all below */
    value words[];
};

struct continuation {
    uint64_t header;
    value chunk;
    uint64_t top; /* words of the chunk that belong to it */
    value winders;
    value handlers;
};

struct parameter {
    uint64_t header;
    value content;
    value converter; /* procedure or FALSE */
};

struct box {
    uint64_t header;
    value content;
};

struct global {
    uint64_t header; /* GLOBAL_CONSTANT: a builtin library's, which programs can't change */
    value content;
    value name;
    value home; /* the environment that it was made for; others may have imported it */
};
#define GLOBAL_CONSTANT 1

struct values {
    uint64_t header; /* count, never 1 */
    value items[];
};

struct record_type {
    uint64_t header;
    value name;   /* symbol */
    value fields; /* vector of symbols */
};

struct record {
    uint64_t header; /* number of fields */
    value type;
    value fields[];
};

/* Promises share a box, so that chains of delay-force run in constant space. */
struct promise {
    uint64_t header;
    value box; /* box of a pair (done? . value or thunk) */
};

struct condition {
    uint64_t header; /* enum condition_kind, and CONDITION_LOCATED: the message says where */
    value message;
    value irritants;
};
enum condition_kind { CONDITION_ERROR, CONDITION_FILE, CONDITION_READ, CONDITION_STACK };
#define CONDITION_LOCATED 4

struct environment {
    uint64_t header; /* ENVIRONMENT_SEALED */
    value name;      /* library name or FALSE */
    value names;     /* table: symbol -> global, macro or form */
    value parent;    /* environment where names are looked up that are not in this one, or FALSE */
    value exports;   /* list of (external . internal) of a library */
    value body;      /* of one from a file: procedure that was not run yet, or FALSE */
};

struct scope;

struct macro {
    uint64_t header;
    value literals;
    value ellipsis;
    value rules; /* list of (pattern template) */
    value environment;
    struct scope *scope; /* raw: where it was defined, while that form is being compiled */
};

/* A name that a macro brought in: stands for `name` as seen from the macro's definition. */
struct alias {
    uint64_t header;
    value name; /* symbol or alias */
    value environment;
    struct scope *scope; /* raw */
};

/* ---- Access -------------------------------------------------------------------------------- */

#define ACCESSOR(name)                                                                             \
    static inline struct name *name##_of(value v) { return (struct name *)v; }
ACCESSOR(string)
ACCESSOR(symbol)
ACCESSOR(vector)
ACCESSOR(bytevector)
ACCESSOR(bignum)
ACCESSOR(ratio)
ACCESSOR(complex_number)
ACCESSOR(code)
ACCESSOR(closure)
ACCESSOR(case_lambda)
ACCESSOR(builtin)
ACCESSOR(chunk)
ACCESSOR(continuation)
ACCESSOR(parameter)
ACCESSOR(box)
ACCESSOR(global)
ACCESSOR(values)
ACCESSOR(record_type)
ACCESSOR(record)
ACCESSOR(promise)
ACCESSOR(condition)
ACCESSOR(environment)
ACCESSOR(macro)
ACCESSOR(alias)
#undef ACCESSOR

/* Can a closure be called with that many arguments? */
static inline bool closure_accepts(value closure, uint64_t count) {
    uint64_t arity = code_of(closure_of(closure)->code)->arity;
    return count == arity >> 1 || (arity & 1 && count > arity >> 1);
}

static inline struct pair *pair_of(value v) { return (struct pair *)(v - TAG_PAIR); }
static inline value car(value v) { return pair_of(v)->car; }
static inline value cdr(value v) { return pair_of(v)->cdr; }
static inline double flonum_value(value v) { return *(const double *)(v - TAG_FLONUM); }

static inline enum condition_kind condition_kind(value v) {
    return (enum condition_kind)(length_of(v) & ~(size_t)CONDITION_LOCATED);
}

static inline bool is_string(value v) { return has_type(v, TYPE_STRING); }
static inline bool is_symbol(value v) { return has_type(v, TYPE_SYMBOL); }
static inline bool is_vector(value v) { return has_type(v, TYPE_VECTOR); }
static inline bool is_bytevector(value v) { return has_type(v, TYPE_BYTEVECTOR); }
static inline bool is_identifier(value v) { return is_symbol(v) || has_type(v, TYPE_ALIAS); }

#endif

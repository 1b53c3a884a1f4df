/* SPDX-License-Identifier: MIT */
/*
 * A small language that embeds Gait as real ones do: each pattern of memory that interpreters have
 * is in it once. Programs (programs/) use all of them and check what they find; meson.build runs
 * them under torture.
 *
 *   errors by longjmp, over pushed frames and out of finalizers      error.c
 *   a table of names that keeps none of them                         names.c
 *   tables whose weakness is set late, for keys, values or both,
 *   and whose old parts are freed at once                            table.c
 *   arrays whose items are resized as they grow                      array.c
 *   generators, each with a C stack of its own                       generator.c
 *   finalizers in order or in any, cleanups, also of cycles          finalize.c
 *   C structures that know objects and don't keep them               watch.c
 *   stores that say which object was written, and no more            store, below
 *   a table in C memory, each entry of it weak in its own way        registry.c
 *
 * A value is a word: nil (0), a number (the lowest bit is 1), or a reference to an object, whose
 * first word is its type. Local variables of C that hold values over an allocation stand in a
 * frame: ROOTS. The public headers are all that is used; there is one thread.
 */
#ifndef TINY_H
#define TINY_H

#include <gait/dirty.h>
#include <gait/gait.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef gait_word value;

enum type {
    TYPE_NAME,
    TYPE_TEXT,
    TYPE_PAIR,
    TYPE_ARRAY,
    TYPE_TABLE,
    TYPE_FUNCTION,
    TYPE_BUILTIN,
    TYPE_GENERATOR
};

/* Every object begins with its type; what follows is said by its kind. */
struct object {
    gait_word type;
};
struct name {
    gait_word type, hash, length;
    char text[];
}; /* a leaf */
struct pair {
    gait_word type;
    value head, tail;
}; /* bitmap */
struct array {
    gait_word type, count, room;
    value items;
}; /* bitmap; items: of kind refs */
struct function {
    gait_word type;
    value parameters, body, scope;
}; /* bitmap */
struct builtin {
    gait_word type, index;
}; /* a leaf */
struct table {
    gait_word type, mode, used, room;
    value keys, values, states;
}; /* bitmap */
struct generator {
    gait_word type;
    struct stack *stack;
    gait_coroutine *coroutine; /* tied to this object; 0 at first */
    value function;
}; /* callback */

/* A place where errors arrive. */
struct catcher {
    jmp_buf place;
    struct gait_frames frames;
    struct catcher *outer;
};

/* The running program: one. Its values are visited by a root callback. */
struct tiny {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind leaf, refs, pair, array, function, table, generator, weak, ephemeron, slots;
    value scope, names, failure, ballast;
    struct catcher *catcher;
    struct stack *running; /* NULL: the thread's own */
    unsigned long finalized;
    int checks;
    bool says_objects; /* the heap has GAIT_OBJECT_BARRIER; constant */
};
extern struct tiny tiny;

/* count words that are roots until UNROOT. */
#define ROOTS(name, count)                                                                         \
    value name[count] = {0};                                                                       \
    struct gait_frame name##_frame;                                                                \
    gait_push_frame(tiny.mutator, &name##_frame, name, count)
#define UNROOT() gait_pop_frame(tiny.mutator)

#define NUMBER(n) ((value)((intptr_t)(n)*2 + 1))
#define TOMBSTONE NUMBER(-1) /* what a slot of the table of names reads as whose name is gone */
static inline bool is_number(value v) { return v & 1; }
static inline intptr_t number_of(value v) { return (intptr_t)v >> 1; }
static inline bool is_a(value v, enum type type) {
    return v && !is_number(v) && ((struct object *)v)->type == (gait_word)type;
}

/* Store into an object: by a barrier for the word, or by one for the whole object after it. */
static inline void store(void *object, value *slot, value v) {
    if (!tiny.says_objects) {
        gait_store(tiny.mutator, slot, v);
        return;
    }
    __atomic_store_n(slot, v, __ATOMIC_RELEASE); /* a marker may read it */
    gait_dirty(tiny.mutator, object);
}

/* memory.c */
void memory_start(const gait_config *config);
void memory_end(void);
void *allocate(gait_kind kind, size_t bytes, enum type type); /* zeroed; an error without memory */
value cons(value head, value tail);
value head_of(value list); /* an error unless it is a pair */
value tail_of(value list);

/* names.c: equal texts are the same name */
value name_of(const char *text, size_t length);
value text_of(const char *text, size_t length); /* not in the table */
size_t names_live(void);

/* error.c */
void try_begin(struct catcher *catcher); /* before setjmp(catcher->place) */
void try_end(struct catcher *catcher);   /* without an error */
void caught(struct catcher *catcher);    /* first thing where one arrives: the frames are cut off */
_Noreturn void raise_value(value failure);
_Noreturn void raise_text(const char *what, value about);

/* array.c */
value array_new(void);
void array_push(value array, value item);
value *array_at(value array, intptr_t index); /* of its items, until the next allocation */
void array_put(value array, intptr_t index, value item);
value array_copy(value array);

/* table.c */
value table_new(void);
value table_get(value table, value key);
void table_put(value table, value key, value item);
void table_mode(value table, unsigned weak); /* MODE_KEYS | MODE_VALUES; at any time */
size_t table_count(value table);
enum { MODE_KEYS = 1, MODE_VALUES = 2 };

/* generator.c */
value generator_new(value function);
value generator_next(value generator, value passed); /* what it yields; nil after its end */
value generator_yield(value item);
size_t generators_live(void);
void generators_end(void); /* the heap is gone */
void scan_generator(gait_visitor *visitor, void *object, size_t object_bytes, void *data);

/* finalize.c */
void finalize(value object, value function, bool ordered); /* called with it when it is dead */
void cleanup(value object, value function); /* called after it is gone; the function is kept */
size_t run_finalizers(void);
void finalize_all(void); /* at the end */

/* watch.c */
value watch(value object, bool until_gone); /* a number; else until it is unreachable */
value watched(intptr_t number);
void unwatch(intptr_t number);

/* registry.c */
void registry_start(void);
void registry_put(value key, value item, unsigned weak); /* MODE_KEYS | MODE_VALUES */
value registry_get(value key);
size_t registry_count(void);

/* read.c, evaluate.c, builtins.c */
value read_form(FILE *in);               /* nil at the end */
value evaluate(value form, value scope); /* both are kept by the caller, as in the next four */
value evaluate_all(value forms, value scope);
void define(value scope, value name, value item);
void assign(value scope, value name, value item);
value apply(value callee, value arguments);
bool is_special(value v); /* gets its forms as they are */
value evaluate_special(value v, value forms, value scope);
value call_builtin(size_t index, value arguments);
void builtins_define(void);
void print_value(FILE *out, value v);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The reader. Lists under construction are kept in vm->keep; everything read hangs on them. Pairs
 * and vectors of a program's text may go into an arena; symbols, strings and numbers are the
 * heap's. Nesting is followed on the C stack, down to a limit.
 */
#include "read.h"
#include "character.h"
#include "number.h"

#include <stdio.h>
#include <strings.h>

#define DEEPEST 20000 /* levels; each takes about 200 bytes of the C stack */

/* Results of read_item that are no data. */
#define CLOSING CONSTANT(32)
#define DOT CONSTANT(33)
#define COMMENT CONSTANT(34)

value read_fail(struct reader *r, const char *message) {
    struct vm *vm = r->vm;
    value path = port_of(r->port)->path, live[2] = {path, NIL};
    bool program = r->source != FALSE && is_string(path);
    char *file = is_string(path) ? string_utf8(path, NULL) : NULL, text[512];
    unsigned line = (unsigned)port_of(r->port)->line;
    if (program)
        snprintf(text, sizeof text, "%s:%u: read: %s", file, line, message);
    else
        snprintf(text, sizeof text, "read: %s in line %u", message, line);
    free(file);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (is_string(path) && !program)
        live[1] = cons(vm, path, NIL);
    live[0] = make_text(vm, text);
    live[0] =
        make_condition(vm, CONDITION_READ | (program ? CONDITION_LOCATED : 0), live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return raise_value(vm, live[0]);
}

static value read_symbol_or_number(struct reader *r, int32_t first) {
    struct vm *vm = r->vm;
    bool barred = false;
    token_clear(r);
    token_add(r, (uint32_t)first);
    if (first == '|') {
        token_clear(r);
        barred = true;
        if (!token_take_quoted(r, '|'))
            return read_fail(r, "symbol without end");
    }
    token_take(r);
    if (!barred) {
        value number = number_parse(vm, r->token, 10);
        if (number != FALSE)
            return number;
        if (!strcmp(r->token, "."))
            return DOT;
    }
    value live[1] = {make_string_utf8(vm, r->token, r->token_bytes)};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    if (!barred && port_is(r->port, PORT_FOLD_CASE))
        live[0] = string_foldcase(vm, live[0]);
    live[0] = intern(vm, live[0]);
    gait_pop_frame(vm->mutator);
    return live[0];
}

static value read_character(struct reader *r) {
    int32_t first = next(r);
    if (first == END)
        return read_fail(r, "end of file in a character");
    token_clear(r);
    token_add(r, (uint32_t)first);
    size_t first_bytes = r->token_bytes;
    token_take(r);
    int32_t code = r->token_bytes == first_bytes ? first : token_character(r);
    return code < 0 ? read_fail(r, "unknown character name") : character((uint32_t)code);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static value read_item(struct reader *r);

/* A datum, comments skipped. @return RAISED also for a closing parenthesis and the end. */
static value read_inner(struct reader *r) {
    value v;
    do
        v = read_item(r);
    while (v == COMMENT);
    if (v == CLOSING || v == DOT)
        return read_fail(r, v == DOT ? "unexpected dot" : "unexpected )");
    if (v == END_OF_FILE)
        return read_fail(r, "end of file in a datum");
    return v;
}

static void skip_space(struct reader *r) {
    while (is_space(peek(r)))
        next(r);
}

static value read_list(struct reader *r) {
    struct vm *vm = r->vm;
    size_t mark = vm->keep.count;
    value head = NIL, tail = NIL;
    unsigned first_line = (unsigned)port_of(r->port)->line;
    for (;;) {
        skip_space(r);
        unsigned line = (unsigned)port_of(r->port)->line;
        value v = read_item(r);
        if (v == COMMENT)
            continue;
        if (v == RAISED)
            break;
        if (v == CLOSING) {
            vm->keep.count = mark;
            return head;
        }
        if (v == END_OF_FILE) {
            read_fail(r, "end of file in a list");
            break;
        }
        if (v == DOT) {
            if (tail == NIL) {
                read_fail(r, "unexpected dot");
                break;
            }
            v = read_inner(r);
            if (v == RAISED)
                break;
            store(vm, &pair_of(tail)->cdr, v);
            do
                v = read_item(r);
            while (v == COMMENT);
            if (v == CLOSING) {
                vm->keep.count = mark;
                return head;
            }
            if (v != RAISED)
                read_fail(r, "more than one datum after a dot");
            break;
        }
        value pair = cons_in(vm, r->arena, v, NIL);
        if (tail == NIL)
            head = keep(vm, pair);
        else
            store(vm, &pair_of(tail)->cdr, pair);
        if (r->source != FALSE)
            source_note(vm, r->source, pair, tail == NIL ? first_line : line);
        tail = pair;
    }
    vm->keep.count = mark;
    return RAISED;
}

static value read_vector(struct reader *r) {
    struct vm *vm = r->vm;
    value list = read_list(r);
    int64_t length = list == RAISED ? 0 : list_length(list);
    if (list == RAISED || length < 0)
        return list == RAISED ? RAISED : read_fail(r, "dot in a vector");
    keep(vm, list);
    value vector = make_vector_in(vm, r->arena, (size_t)length, UNSPECIFIED);
    vm->keep.count--;
    for (size_t i = 0; is_pair(list); list = cdr(list), i++)
        gait_init(&vector_of(vector)->items[i], car(list));
    return vector;
}

static value read_bytevector(struct reader *r) {
    struct vm *vm = r->vm;
    value list = read_list(r);
    int64_t length = list == RAISED ? 0 : list_length(list);
    if (list == RAISED)
        return RAISED;
    keep(vm, list);
    value bytes = make_bytevector(vm, (size_t)(length < 0 ? 0 : length));
    vm->keep.count--;
    for (size_t i = 0; is_pair(list); list = cdr(list), i++) {
        if (!is_fixnum(car(list)) || car(list) > fixnum(255))
            return read_fail(r, "not a byte in a bytevector");
        bytevector_of(bytes)->bytes[i] = (uint8_t)fixnum_value(car(list));
    }
    return bytes;
}

static value read_abbreviation(struct reader *r, enum known_symbol symbol) {
    struct vm *vm = r->vm;
    unsigned line = (unsigned)port_of(r->port)->line;
    value v = read_inner(r);
    if (v == RAISED)
        return RAISED;
    v = cons_in(vm, r->arena, v, NIL);
    v = cons_in(vm, r->arena, vm->known[symbol], v);
    if (r->source != FALSE) {
        keep(vm, v);
        source_note(vm, r->source, v, line);
        vm->keep.count--;
    }
    return v;
}

/* #N= and #N#, after the number. */
static value read_label(struct reader *r) {
    struct vm *vm = r->vm;
    int64_t number = 0;
    while (peek(r) >= '0' && peek(r) <= '9')
        number = number * 10 + next(r) - '0';
    int32_t c = next(r);
    if (c == '#') {
        r->has_references = true;
        for (struct label *label = r->labels; label; label = label->next)
            if (label->number == number)
                return label->datum;
        return read_fail(r, "reference to an unknown label");
    }
    if (c != '=')
        return read_fail(r, "malformed datum label");
    struct label *label = malloc(sizeof *label);
    if (!label)
        vm_out_of_memory(vm);
    label->number = number;
    label->next = r->labels;
    label->datum = keep(vm, make_box(vm, UNDEFINED)); /* kept until the whole datum is read */
    value box = label->datum;
    r->labels = label;
    value datum = read_inner(r);
    if (datum == RAISED)
        return RAISED;
    gait_store(vm->mutator, &box_of(box)->content, datum);
    label->datum = datum;
    return keep(vm, datum);
}

static value skip_block_comment(struct reader *r) {
    for (int depth = 1; depth;) {
        int32_t c = next(r);
        if (c == END)
            return read_fail(r, "end of file in a comment");
        if (c == '|' && peek(r) == '#')
            depth--, next(r);
        else if (c == '#' && peek(r) == '|')
            depth++, next(r);
    }
    return COMMENT;
}

/* #!fold-case and the like; other #! lines are comments up to the end of the line. */
static value read_directive(struct reader *r) {
    struct port *port = port_of(r->port);
    if (port->line == 1 && (peek(r) == '/' || peek(r) == ' ')) {
        while (peek(r) != '\n' && peek(r) != END)
            next(r);
        return COMMENT;
    }
    token_clear(r);
    token_take(r);
    if (!strcmp(r->token, "fold-case"))
        header_change(r->port, 0, PORT_FOLD_CASE);
    else if (!strcmp(r->token, "no-fold-case"))
        header_change(r->port, PORT_FOLD_CASE, 0);
    else if (!strcmp(r->token, "eof"))
        return END_OF_FILE;
    else if (!strcmp(r->token, "default"))
        return ABSENT;
    else if (!strcmp(r->token, "unspecific"))
        return UNSPECIFIED;
    return COMMENT;
}

static value read_hash(struct reader *r) {
    int32_t c = peek(r);
    switch (c) {
    case '(':
        next(r);
        return read_vector(r);
    case '\\':
        next(r);
        return read_character(r);
    case '|':
        next(r);
        return skip_block_comment(r);
    case '!':
        next(r);
        return read_directive(r);
    case ';':
        next(r);
        return read_inner(r) == RAISED ? RAISED : COMMENT;
    }
    if (c >= '0' && c <= '9')
        return read_label(r);
    token_clear(r);
    token_add(r, '#');
    token_take(r);
    if (!strcasecmp(r->token, "#t") || !strcasecmp(r->token, "#true"))
        return TRUE;
    if (!strcasecmp(r->token, "#f") || !strcasecmp(r->token, "#false"))
        return FALSE;
    if (!strcasecmp(r->token, "#u8") && peek(r) == '(') {
        next(r);
        return read_bytevector(r);
    }
    value number = number_parse(r->vm, r->token, 10);
    return number == FALSE ? read_fail(r, "unknown # syntax") : number;
}

static value read_item_inner(struct reader *r) {
    skip_space(r);
    int32_t c = next(r);
    switch (c) {
    case END:
        return END_OF_FILE;
    case '(':
        return read_list(r);
    case ')':
        return CLOSING;
    case '\'':
        return read_abbreviation(r, KNOWN_quote);
    case '`':
        return read_abbreviation(r, KNOWN_quasiquote);
    case ',':
        if (peek(r) != '@')
            return read_abbreviation(r, KNOWN_unquote);
        next(r);
        return read_abbreviation(r, KNOWN_unquote_splicing);
    case ';':
        while (peek(r) != '\n' && peek(r) != END)
            next(r);
        return COMMENT;
    case '"':
        if (!token_take_quoted(r, '"'))
            return read_fail(r, "string without end");
        return make_string_utf8(r->vm, r->token, r->token_bytes);
    case '#':
        return read_hash(r);
    default:
        return read_symbol_or_number(r, c);
    }
}

static value read_item(struct reader *r) {
    if (r->depth == DEEPEST)
        return read_fail(r, "datum is nested too deeply");
    r->depth++;
    value v = read_item_inner(r);
    r->depth--;
    return v;
}

/* ---- Datum labels -------------------------------------------------------------------------- */

static bool is_placeholder(value v) { return has_type(v, TYPE_BOX); }

/* Put what the labels stand for in the place of boxes. `seen` holds what was walked already. */
static void resolve(struct vm *vm, value v, value seen) {
    for (;;) {
        if (!is_pair(v) && !is_vector(v))
            return;
        if (table_get(seen, v, FALSE) == TRUE)
            return;
        table_put(vm, seen, v, TRUE);
        if (is_vector(v)) {
            for (size_t i = 0; i < length_of(v); i++) {
                value *item = &vector_of(v)->items[i];
                if (is_placeholder(*item))
                    store(vm, item, box_of(*item)->content);
                else
                    resolve(vm, *item, seen);
            }
            return;
        }
        struct pair *pair = pair_of(v);
        if (is_placeholder(pair->car))
            store(vm, &pair->car, box_of(pair->car)->content);
        else
            resolve(vm, pair->car, seen);
        if (is_placeholder(pair->cdr)) {
            store(vm, &pair->cdr, box_of(pair->cdr)->content);
            return;
        }
        v = pair->cdr;
    }
}

value read_datum_in(struct vm *vm, value port, value source, gait_arena *arena) {
    struct reader r = {.vm = vm, .port = port, .source = source, .arena = arena};
    size_t mark = vm->keep.count;
    keep(vm, port);
    keep(vm, source);
    value v;
    do
        v = read_item(&r);
    while (v == COMMENT);
    if (v == CLOSING || v == DOT)
        v = read_fail(&r, v == DOT ? "unexpected dot" : "unexpected )");
    if (v != RAISED && r.has_references) {
        keep(vm, v);
        resolve(vm, v, keep(vm, make_table(vm, TABLE_EQ)));
    }
    while (r.labels) {
        struct label *label = r.labels;
        r.labels = label->next;
        free(label);
    }
    free(r.token);
    vm->keep.count = mark;
    return v;
}

value read_datum(struct vm *vm, value port, value source) {
    return read_datum_in(vm, port, source, NULL);
}

value read_form(struct vm *vm, value port, value source, gait_arena *arena) {
    value live[3] = {port, source, (value)arena};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 3);
    value datum = read_datum_in(vm, port, source, arena);
    if (datum != END_OF_FILE && datum != RAISED) {
        unsigned line = source_line(source, datum);
        datum = live[0] = cons(vm, datum, NIL);
        source_note(vm, source, datum, line ? line : port_of(port)->line);
    }
    gait_pop_frame(vm->mutator);
    return datum;
}

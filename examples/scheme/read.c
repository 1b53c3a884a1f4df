/* SPDX-License-Identifier: MIT */
/*
 * The reader. What was opened and is not closed yet is on a list of its own (struct level), so that
 * depth costs no C stack, and an error can say where it was opened. Lists under construction are
 * kept in vm->keep; everything read hangs on them. Pairs and vectors of a program's text may go
 * into an arena; symbols, strings and numbers are the heap's.
 */
#include "read.h"
#include "character.h"
#include "number.h"
#include "scratch.h"

#include <strings.h>

#define DEEPEST 20000 /* levels of a program's text: the compiler follows it on the C stack */
#define LARGEST_LABEL 1000000000

/* Results of read_item that are no data. */
#define CLOSING CONSTANT(32)
#define DOT CONSTANT(33)
#define COMMENT CONSTANT(34)
#define OPENED CONSTANT(35) /* a level */
#define END_OF_TEXT CONSTANT(36)

/* ---- Atoms --------------------------------------------------------------------------------- */

static value read_symbol_or_number(struct reader *r, int32_t first) {
    struct vm *vm = r->vm;
    bool barred = false;
    token_clear(r);
    token_add(r, (uint32_t)first);
    if (first == '|') {
        token_clear(r);
        barred = true;
        const char *wrong = token_take_quoted(r, '|');
        if (wrong)
            return read_fail(r, wrong);
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
    if (first < 0)
        return read_fail(r, "no character follows the #\\");
    token_clear(r);
    token_add(r, (uint32_t)first);
    size_t first_bytes = r->token_bytes;
    token_take(r);
    int32_t code = r->token_bytes == first_bytes ? first : token_character(r);
    return code < 0 ? read_fail(r, "unknown character name") : character((uint32_t)code);
}

/* ---- Levels -------------------------------------------------------------------------------- */

/* Begin what the item that is read opens. */
static value open_level(struct reader *r, enum level_kind kind) {
    struct vm *vm = r->vm;
    if (r->level_count == r->level_room) {
        r->level_room = r->level_room ? 2 * r->level_room : 16;
        r->levels = scratch_resize(r->levels, r->level_room * sizeof *r->levels);
    }
    if (r->level_count == DEEPEST && r->source != FALSE)
        return read_fail(r, "datum is nested too deeply");
    r->levels[r->level_count++] = (struct level){
        .kind = kind, .line = r->line, .column = r->column, .keep = vm->keep.count, .tail = NIL};
    keep(vm, NIL); /* the head of a list */
    return OPENED;
}

static struct level *top_level(struct reader *r) {
    return r->level_count ? &r->levels[r->level_count - 1] : NULL;
}

/* Add a datum that began at r->line to the list of the level. */
static value add_item(struct reader *r, struct level *level, value v) {
    struct vm *vm = r->vm;
    if (level->dot == DOT_DONE)
        return read_fail(r, "more than one datum after a dot");
    if (level->dot == DOT_SEEN) {
        store(vm, &pair_of(level->tail)->cdr, v);
        level->dot = DOT_DONE;
        return OPENED;
    }
    value pair = cons_in(vm, r->arena, v, NIL);
    bool first = level->tail == NIL;
    if (first)
        vm->keep.items[level->keep] = pair;
    else
        store(vm, &pair_of(level->tail)->cdr, pair);
    level->tail = pair;
    if (r->source != FALSE)
        source_note(vm, r->source, pair, first ? level->line : r->item_line);
    return OPENED;
}

static value finish_vector(struct reader *r, value list) {
    struct vm *vm = r->vm;
    value vector = make_vector_in(vm, r->arena, (size_t)list_length(list), UNSPECIFIED);
    for (size_t i = 0; is_pair(list); list = cdr(list), i++)
        gait_init(&vector_of(vector)->items[i], car(list));
    return vector;
}

static value finish_bytevector(struct reader *r, const struct level *level, value list) {
    value bytes = make_bytevector(r->vm, (size_t)list_length(list));
    for (size_t i = 0; is_pair(list); list = cdr(list), i++) {
        if (!is_fixnum(car(list)) || car(list) > fixnum(255))
            return read_fail_at(r, "not only bytes in the bytevector", level->line, level->column);
        bytevector_of(bytes)->bytes[i] = (uint8_t)fixnum_value(car(list));
    }
    return bytes;
}

/* A closing parenthesis. @return what it completes. */
static value close_level(struct reader *r) {
    struct level *level = top_level(r);
    if (!level || level->kind > LEVEL_BYTES)
        return read_fail(r,
                         level ? "nothing to quote, label or skip before the )" : "unexpected )");
    if (level->dot == DOT_SEEN)
        return read_fail(r, "no datum after a dot before the )");
    if (level->dot == DOT_DONE && level->kind != LEVEL_LIST)
        return read_fail_at(r, "a dot in the vector", level->line, level->column);
    value v = r->vm->keep.items[level->keep];
    if (level->kind == LEVEL_VECTOR)
        v = finish_vector(r, v);
    else if (level->kind == LEVEL_BYTES)
        v = finish_bytevector(r, level, v);
    r->item_line = level->line;
    r->vm->keep.count = level->keep;
    r->level_count--;
    return v;
}

static value finish_quote(struct reader *r, const struct level *level, value v) {
    struct vm *vm = r->vm;
    v = cons_in(vm, r->arena, v, NIL);
    v = cons_in(vm, r->arena, vm->known[level->symbol], v);
    if (r->source != FALSE) {
        vm->keep.items[level->keep] = v;
        source_note(vm, r->source, v, level->line);
    }
    return v;
}

/* Data with labels are kept until the whole is read: what refers to one may be in another part. */
static value finish_label(struct reader *r, const struct level *level, value v) {
    struct vm *vm = r->vm;
    if (v == level->label->datum) /* its box is all that it stands for */
        return read_fail_at(r, "a label stands for itself alone", level->line, level->column);
    store(vm, &box_of(level->label->datum)->content, v);
    level->label->datum = v;
    vm->keep.items[level->keep] = v;
    vm->keep.items[r->labelled] = cons(vm, v, vm->keep.items[r->labelled]);
    return v;
}

/* A datum is complete: it goes into what is open. @return what is complete with it at last, or
 * OPENED when there is more to come. */
static value deliver(struct reader *r, value v) {
    struct level *level;
    while (v != RAISED && (level = top_level(r))) {
        if (level->kind <= LEVEL_BYTES)
            return add_item(r, level, v);
        if (level->kind == LEVEL_SKIP)
            v = OPENED;
        else if (level->kind == LEVEL_QUOTE)
            v = finish_quote(r, level, v);
        else
            v = finish_label(r, level, v);
        r->item_line = level->line;
        r->vm->keep.count = level->keep;
        r->level_count--;
        if (v == OPENED)
            return OPENED;
    }
    return v;
}

/* A dot between data. */
static value take_dot(struct reader *r) {
    struct level *level = top_level(r);
    if (!level || level->kind > LEVEL_BYTES || level->tail == NIL || level->dot != DOT_NONE)
        return read_fail(r, "unexpected dot");
    level->dot = DOT_SEEN;
    return OPENED;
}

/* ---- Items --------------------------------------------------------------------------------- */

static value open_quote(struct reader *r, enum known_symbol symbol) {
    value v = open_level(r, LEVEL_QUOTE);
    if (v != RAISED)
        top_level(r)->symbol = symbol;
    return v;
}

/* #N= and #N#, after the #. */
static value read_label(struct reader *r) {
    struct vm *vm = r->vm;
    int64_t number = 0;
    while (peek(r) >= '0' && peek(r) <= '9') {
        number = number * 10 + next(r) - '0';
        if (number > LARGEST_LABEL)
            return read_fail(r, "datum label is too large");
    }
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
    if (open_level(r, LEVEL_LABEL) == RAISED)
        return RAISED;
    struct label *label = scratch_resize(NULL, sizeof *label);
    label->number = number;
    label->next = r->labels;
    label->datum = make_box(vm, UNDEFINED);
    vm->keep.items[r->labelled] = cons(vm, label->datum, vm->keep.items[r->labelled]);
    r->labels = label;
    top_level(r)->label = label;
    return OPENED;
}

static value skip_block_comment(struct reader *r) {
    for (int64_t depth = 1; depth;) {
        int32_t c = next(r);
        if (c < 0)
            return read_fail(r, "no |# closes the #|");
        if (c == '|' && peek(r) == '#')
            depth--, next(r);
        else if (c == '#' && peek(r) == '|')
            depth++, next(r);
    }
    return COMMENT;
}

static value skip_line(struct reader *r) {
    while (peek(r) != '\n' && peek(r) >= 0)
        next(r);
    return COMMENT;
}

/* #!fold-case and the like; other #! lines are comments up to the end of the line. */
static value read_directive(struct reader *r) {
    struct port *port = port_of(r->port);
    if (port->line == 1 && (peek(r) == '/' || peek(r) == ' '))
        return skip_line(r);
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
        return open_level(r, LEVEL_VECTOR);
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
        return open_level(r, LEVEL_SKIP);
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
        return open_level(r, LEVEL_BYTES);
    }
    value number = number_parse(r->vm, r->token, 10);
    return number == FALSE ? read_fail(r, "unknown # syntax") : number;
}

/* The next thing in the text: an atom, or one of the results above. */
static value read_item(struct reader *r) {
    while (is_space(peek(r)))
        next(r);
    r->line = r->item_line = port_of(r->port)->line;
    r->column = port_of(r->port)->column;
    int32_t c = next(r);
    switch (c) {
    case END:
        return END_OF_TEXT;
    case FAULT:
        return read_fail_port(r);
    case '(':
        return open_level(r, LEVEL_LIST);
    case ')':
        return CLOSING;
    case '\'':
        return open_quote(r, KNOWN_quote);
    case '`':
        return open_quote(r, KNOWN_quasiquote);
    case ',':
        if (peek(r) != '@')
            return open_quote(r, KNOWN_unquote);
        next(r);
        return open_quote(r, KNOWN_unquote_splicing);
    case ';':
        return skip_line(r);
    case '"': {
        const char *wrong = token_take_quoted(r, '"');
        return wrong ? read_fail(r, wrong) : make_string_utf8(r->vm, r->token, r->token_bytes);
    }
    case '#':
        return read_hash(r);
    default:
        return read_symbol_or_number(r, c);
    }
}

/* A whole datum. @return END_OF_TEXT, or RAISED. */
static value read_whole(struct reader *r) {
    for (;;) {
        value v = read_item(r);
        if (v == COMMENT || v == OPENED)
            continue;
        if (v == END_OF_TEXT)
            return r->level_count ? read_fail_open(r) : v;
        if (v == DOT)
            v = take_dot(r);
        else if (v == CLOSING)
            v = deliver(r, close_level(r));
        else
            v = deliver(r, v);
        if (v != OPENED)
            return v;
    }
}

/* ---- Whole data ------------------------------------------------------------------------------ */

value read_datum_in(struct vm *vm, value port, value source, gait_arena *arena) {
    struct reader r = {.vm = vm, .port = port, .source = source, .arena = arena};
    size_t mark = vm->keep.count;
    keep(vm, port);
    keep(vm, source);
    r.labelled = vm->keep.count;
    keep(vm, NIL);
    value v = read_whole(&r);
    if (v == RAISED && r.at_end)
        port_keep_end(port); /* within a datum it is still the end for what reads on */
    if (v != RAISED && r.has_references) {
        keep(vm, v);
        read_resolve(vm, v, keep(vm, make_table(vm, TABLE_EQ)));
    }
    while (r.labels) {
        struct label *label = r.labels;
        r.labels = label->next;
        scratch_free(label);
    }
    scratch_free(r.levels);
    scratch_free(r.token);
    vm->keep.count = mark;
    return v == END_OF_TEXT ? END_OF_FILE : v;
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

/* SPDX-License-Identifier: MIT */
/*
 * The reader. Lists under construction are kept in vm->keep; everything read hangs on them.
 * Nesting is followed on the C stack, down to a limit.
 */
#include "character.h"
#include "number.h"
#include "port.h"

#include <stdio.h>

#define DEEPEST 20000 /* levels; each takes about 200 bytes of the C stack */
#define TOKEN_FIRST_BYTES 64

/* Results of read_item that are no data. */
#define CLOSING CONSTANT(32)
#define DOT CONSTANT(33)
#define COMMENT CONSTANT(34)

struct label {
    int64_t number;
    value datum; /* a box until it is known */
    struct label *next;
};

struct reader {
    struct vm *vm;
    value port;
    value source;
    struct label *labels;
    bool has_references;
    int depth;
    char *token; /* UTF-8, malloc'ed */
    size_t token_bytes, token_room;
};

/* ---- Lines of pairs ------------------------------------------------------------------------ */

/* A table of open addressing in leaf memory: what it holds keeps no pair alive. */
struct lines {
    uint64_t header; /* of a bytevector */
    uint64_t count;
    struct {
        value pair;
        uint64_t line;
    } slots[];
};

#define FIRST_LINES 256

static struct lines *lines_of(value source) { return (struct lines *)cdr(source); }

static size_t lines_room(const struct lines *lines) {
    return (length_of((value)lines) - sizeof lines->count) / sizeof *lines->slots;
}

static value make_lines(struct vm *vm, size_t room) {
    return make_bytevector(vm, sizeof(uint64_t) + room * sizeof(((struct lines *)0)->slots[0]));
}

value make_source(struct vm *vm, value name) {
    value live[1] = {name};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 1);
    value source = cons(vm, name, make_lines(vm, FIRST_LINES));
    gait_pop_frame(vm->mutator);
    return source;
}

static size_t lines_slot(const struct lines *lines, value pair) {
    size_t i = pair * 0x9e3779b97f4a7c15u >> 24, room = lines_room(lines);
    while (lines->slots[i & (room - 1)].pair && lines->slots[i & (room - 1)].pair != pair)
        i++;
    return i & (room - 1);
}

unsigned source_line(value source, value pair) {
    if (!is_pair(source))
        return 0;
    const struct lines *lines = lines_of(source);
    return (unsigned)lines->slots[lines_slot(lines, pair)].line; /* 0 in a free slot */
}

static void note_line(struct vm *vm, value source, value pair, uint64_t line) {
    struct lines *lines = lines_of(source);
    if (2 * lines->count >= lines_room(lines)) {
        size_t room = lines_room(lines);
        struct lines *grown = (struct lines *)make_lines(vm, 2 * room);
        for (size_t i = 0; i < room; i++)
            if (lines->slots[i].pair)
                grown->slots[lines_slot(grown, lines->slots[i].pair)] = lines->slots[i];
        grown->count = lines->count;
        store(vm, &pair_of(source)->cdr, (value)grown);
        lines = grown;
    }
    size_t i = lines_slot(lines, pair);
    lines->count += !lines->slots[i].pair;
    lines->slots[i].pair = pair;
    lines->slots[i].line = line;
}

/* ---- Characters and tokens ----------------------------------------------------------------- */

static int32_t peek(struct reader *r) { return port_peek_char(r->vm, r->port); }
static int32_t next(struct reader *r) { return port_read_char(r->vm, r->port); }

static value fail(struct reader *r, const char *message) {
    struct vm *vm = r->vm;
    char text[200];
    snprintf(text, sizeof text, "read: %s in line %u", message, (unsigned)port_of(r->port)->line);
    value live[2] = {make_text(vm, text), NIL};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (is_string(port_of(r->port)->path))
        live[1] = cons(vm, port_of(r->port)->path, NIL);
    live[0] = make_condition(vm, CONDITION_READ, live[0], live[1]);
    gait_pop_frame(vm->mutator);
    return raise_value(vm, live[0]);
}

static bool is_space(int32_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0xfeff;
}

static bool is_delimiter(int32_t c) {
    return c == END || is_space(c) || c == '(' || c == ')' || c == '"' || c == ';' || c == '|' ||
           c == '\'';
}

static void token_add(struct reader *r, uint32_t c) {
    if (r->token_bytes + 5 > r->token_room) {
        r->token_room = r->token_room ? 2 * r->token_room : TOKEN_FIRST_BYTES;
        r->token = realloc(r->token, r->token_room);
        if (!r->token)
            vm_out_of_memory(r->vm);
    }
    char *p = r->token + r->token_bytes;
    if (c < 0x80) {
        *p++ = (char)c;
    } else if (c < 0x800) {
        *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *p++ = (char)(0xe0 | c >> 12);
        *p++ = (char)(0x80 | (c >> 6 & 0x3f));
        *p++ = (char)(0x80 | (c & 0x3f));
    } else {
        *p++ = (char)(0xf0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 0x3f));
        *p++ = (char)(0x80 | (c >> 6 & 0x3f));
        *p++ = (char)(0x80 | (c & 0x3f));
    }
    *p = 0;
    r->token_bytes = (size_t)(p - r->token);
}

static void token_clear(struct reader *r) {
    r->token_bytes = 0;
    token_add(r, ' '); /* has room from now on */
    r->token_bytes = 0;
    r->token[0] = 0;
}

/* The hexadecimal digits up to a semicolon. @return the character, or END when malformed. */
static int32_t read_hex_escape(struct reader *r) {
    int32_t code = 0;
    for (;;) {
        int32_t c = next(r);
        if (c == ';')
            return code;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0 || code > 0x10ffff)
            return END;
        code = code << 4 | digit;
    }
}

/* The ends of lines of all systems are one character in a string. */
static int32_t line_end(struct reader *r, int32_t c) {
    if (c != '\r')
        return c;
    if (peek(r) == '\n')
        next(r);
    return '\n';
}

/* Text up to the closing quote or bar, into the token. */
static bool read_quoted(struct reader *r, int32_t quote) {
    static const char letters[] = "abtnr", codes[] = "\a\b\t\n\r";
    token_clear(r);
    for (;;) {
        int32_t c = next(r);
        if (c == END)
            return false;
        if (c == quote)
            return true;
        c = line_end(r, c);
        if (c != '\\') {
            token_add(r, (uint32_t)c);
            continue;
        }
        c = line_end(r, next(r));
        const char *letter = c > 0 && c < 128 ? strchr(letters, c) : NULL;
        if (letter) {
            token_add(r, (uint32_t)codes[letter - letters]);
        } else if (c == 'x' || c == 'X') {
            c = read_hex_escape(r);
            if (c == END)
                return false;
            token_add(r, (uint32_t)c);
        } else if (is_space(c)) {
            /* A line that goes on: white space, the line's end, white space. */
            while (is_space(c) && c != '\n')
                c = line_end(r, next(r));
            if (c != '\n')
                return false;
            while (is_space(peek(r)) && peek(r) != '\n')
                next(r);
        } else if (c == END) {
            return false;
        } else {
            token_add(r, (uint32_t)c);
        }
    }
}

static value read_symbol_or_number(struct reader *r, int32_t first) {
    struct vm *vm = r->vm;
    bool barred = false;
    token_clear(r);
    token_add(r, (uint32_t)first);
    if (first == '|') {
        token_clear(r);
        barred = true;
        if (!read_quoted(r, '|'))
            return fail(r, "symbol without end");
    }
    while (!is_delimiter(peek(r)))
        token_add(r, (uint32_t)next(r));
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
    static const struct {
        const char *name;
        uint32_t code;
    } names[] = {{"alarm", 7},    {"backspace", 8}, {"delete", 127},  {"escape", 27},
                 {"newline", 10}, {"null", 0},      {"return", 13},   {"space", 32},
                 {"tab", 9},      {"nul", 0},       {"linefeed", 10}, {"altmode", 27},
                 {"rubout", 127}};
    int32_t first = next(r);
    if (first == END)
        return fail(r, "end of file in a character");
    token_clear(r);
    token_add(r, (uint32_t)first);
    size_t count = 1;
    for (; !is_delimiter(peek(r)); count++)
        token_add(r, (uint32_t)next(r));
    if (count == 1)
        return character((uint32_t)first);
    if (first == 'x' || first == 'U') {
        char *end;
        unsigned long code = strtoul(r->token + (r->token[1] == '+' ? 2 : 1), &end, 16);
        if (!*end && code <= 0x10ffff)
            return character((uint32_t)code);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(r->token, names[i].name))
            return character(names[i].code);
    return fail(r, "unknown character name");
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
        return fail(r, v == DOT ? "unexpected dot" : "unexpected )");
    if (v == END_OF_FILE)
        return fail(r, "end of file in a datum");
    return v;
}

static value read_list(struct reader *r) {
    struct vm *vm = r->vm;
    size_t mark = vm->keep.count;
    value head = NIL, tail = NIL;
    unsigned first_line = (unsigned)port_of(r->port)->line;
    for (;;) {
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
            fail(r, "end of file in a list");
            break;
        }
        if (v == DOT) {
            if (tail == NIL) {
                fail(r, "unexpected dot");
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
                fail(r, "more than one datum after a dot");
            break;
        }
        value pair = cons(vm, v, NIL);
        if (tail == NIL)
            head = keep(vm, pair);
        else
            store(vm, &pair_of(tail)->cdr, pair);
        if (r->source != FALSE)
            note_line(vm, r->source, pair, tail == NIL ? first_line : line);
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
        return list == RAISED ? RAISED : fail(r, "dot in a vector");
    keep(vm, list);
    value vector = make_vector(vm, (size_t)length, UNSPECIFIED);
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
            return fail(r, "not a byte in a bytevector");
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
    v = cons(vm, v, NIL);
    v = cons(vm, vm->known[symbol], v);
    if (r->source != FALSE) {
        keep(vm, v);
        note_line(vm, r->source, v, line);
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
        return fail(r, "reference to an unknown label");
    }
    if (c != '=')
        return fail(r, "malformed datum label");
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
            return fail(r, "end of file in a comment");
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
    while (!is_delimiter(peek(r)))
        token_add(r, (uint32_t)next(r));
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
    while (!is_delimiter(peek(r)))
        token_add(r, (uint32_t)next(r));
    if (!strcasecmp(r->token, "#t") || !strcasecmp(r->token, "#true"))
        return TRUE;
    if (!strcasecmp(r->token, "#f") || !strcasecmp(r->token, "#false"))
        return FALSE;
    if (!strcasecmp(r->token, "#u8") && peek(r) == '(') {
        next(r);
        return read_bytevector(r);
    }
    value number = number_parse(r->vm, r->token, 10);
    return number == FALSE ? fail(r, "unknown # syntax") : number;
}

static value read_item_inner(struct reader *r) {
    int32_t c = next(r);
    while (is_space(c))
        c = next(r);
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
        if (!read_quoted(r, '"'))
            return fail(r, "string without end");
        return make_string_utf8(r->vm, r->token, r->token_bytes);
    case '#':
        return read_hash(r);
    default:
        return read_symbol_or_number(r, c);
    }
}

static value read_item(struct reader *r) {
    if (r->depth == DEEPEST)
        return fail(r, "datum is nested too deeply");
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

value read_datum(struct vm *vm, value port, value source) {
    struct reader r = {.vm = vm, .port = port, .source = source};
    size_t mark = vm->keep.count;
    keep(vm, port);
    keep(vm, source);
    value v;
    do
        v = read_item(&r);
    while (v == COMMENT);
    if (v == CLOSING || v == DOT)
        v = fail(&r, v == DOT ? "unexpected dot" : "unexpected )");
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

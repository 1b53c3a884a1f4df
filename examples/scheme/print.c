/* SPDX-License-Identifier: MIT */
/*
 * The printer. What is left to print is kept on a list of its own, so that depth costs no C stack.
 *
 * What needs a label (#0=) is found before (sharing.h). While printing, output may allocate; the
 * values on the list are reachable from the datum, which the caller holds.
 */
#include "number.h"
#include "port.h"
#include "scratch.h"
#include "sharing.h"

#include <stdio.h>
#include <strings.h>
#include <wctype.h>

enum task_kind { TASK_DATUM, TASK_TAIL, TASK_ITEMS };

struct task {
    value v;
    enum task_kind kind;
    size_t index;
};

struct printer {
    struct vm *vm;
    value port;
    enum print_style style;
    struct task *tasks;
    size_t count, room;
    struct sharing *sharing; /* NULL: nothing needs a label */
};

static void push(struct printer *p, enum task_kind kind, value v, size_t index) {
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->tasks = scratch_resize(p->tasks, p->room * sizeof *p->tasks);
    }
    p->tasks[p->count++] = (struct task){v, kind, index};
}

static bool needs_label(struct printer *p, value v) {
    return p->sharing && sharing_has(p->sharing, v);
}

/* ---- Atoms --------------------------------------------------------------------------------- */

static void put(struct printer *p, const char *text) { port_write_text(p->vm, p->port, text); }
static void put_char(struct printer *p, uint32_t c) { port_write_char(p->vm, p->port, c); }

static void put_hex(struct printer *p, const char *prefix, uint32_t code, const char *suffix) {
    char text[20];
    snprintf(text, sizeof text, "%s%x%s", prefix, code, suffix);
    put(p, text);
}

static void put_quoted(struct printer *p, value string, uint32_t quote) {
    put_char(p, quote);
    for (size_t i = 0; i < length_of(string); i++) {
        uint32_t c = string_of(string)->chars[i];
        static const char codes[] = "\a\b\t\n\r", letters[] = "abtnr";
        const char *code = c && c < 128 ? strchr(codes, (int)c) : NULL;
        if (c == quote || c == '\\') {
            put_char(p, '\\');
            put_char(p, c);
        } else if (code) {
            put_char(p, '\\');
            put_char(p, (uint8_t)letters[code - codes]);
        } else if (c < 32 || c == 127) {
            put_hex(p, "\\x", c, ";");
        } else {
            put_char(p, c);
        }
    }
    put_char(p, quote);
}

static bool needs_bars(struct vm *vm, value name) {
    size_t length = length_of(name);
    if (!length)
        return true;
    for (size_t i = 0; i < length; i++) {
        uint32_t c = string_of(name)->chars[i];
        if (c <= ' ' || c == 127 || c == 0xa0 || (c < 128 && strchr("()\";'`,|\\", (int)c)))
            return true;
    }
    uint32_t first = string_of(name)->chars[0];
    if (first == '#' && !(length > 1 && strchr("%!", (int)string_of(name)->chars[1])))
        return true;
    if (first >= 128 || !strchr("+-.0123456789", (int)first))
        return false;
    char *text = string_utf8(name, NULL);
    bool number = !strcmp(text, ".") || !strcasecmp(text, "+i") || !strcasecmp(text, "-i") ||
                  number_parse(vm, text, 10) != FALSE;
    free(text);
    return number;
}

static void put_name(struct printer *p, value symbol) {
    while (has_type(symbol, TYPE_ALIAS))
        symbol = alias_of(symbol)->name;
    value name = symbol_of(symbol)->name;
    if (p->style != PRINT_DISPLAY && needs_bars(p->vm, name))
        put_quoted(p, name, '|');
    else
        port_write_string(p->vm, p->port, name, 0, length_of(name));
}

static void put_character(struct printer *p, uint32_t c) {
    static const struct {
        uint32_t code;
        const char *name;
    } names[] = {{7, "alarm"}, {8, "backspace"}, {127, "delete"}, {27, "escape"}, {10, "newline"},
                 {0, "null"},  {13, "return"},   {32, "space"},   {9, "tab"}};
    if (p->style == PRINT_DISPLAY) {
        put_char(p, c);
        return;
    }
    put(p, "#\\");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == c) {
            put(p, names[i].name);
            return;
        }
    if (c < 32 || (c >= 0xd800 && c < 0xe000))
        put_hex(p, "x", c, "");
    else
        put_char(p, c);
}

static void put_bytes(struct printer *p, value v) {
    put(p, "#u8(");
    for (size_t i = 0; i < length_of(v); i++) {
        char text[8];
        snprintf(text, sizeof text, i ? " %u" : "%u", bytevector_of(v)->bytes[i]);
        put(p, text);
    }
    put(p, ")");
}

static void put_named(struct printer *p, const char *what, value name) {
    put(p, "#<");
    put(p, what);
    if (is_identifier(name)) {
        put(p, " ");
        put_name(p, name);
    }
    put(p, ">");
}

static void put_constant(struct printer *p, value v) {
    static const char *const names[] = {
        "#f", "#t", "()", "#<eof>", "#<unspecified>", "#<undefined>", "#!default"};
    put(p, v >> 8 < sizeof names / sizeof *names ? names[v >> 8] : "#<constant>");
}

static void put_object(struct printer *p, value v) {
    switch (header_of(v) & 0xff) {
    case TYPE_STRING:
        if (p->style == PRINT_DISPLAY)
            port_write_string(p->vm, p->port, v, 0, length_of(v));
        else
            put_quoted(p, v, '"');
        break;
    case TYPE_SYMBOL:
    case TYPE_ALIAS:
        put_name(p, v);
        break;
    case TYPE_BYTEVECTOR:
        put_bytes(p, v);
        break;
    case TYPE_VECTOR:
        put(p, "#()"); /* the others are compound */
        break;
    case TYPE_CLOSURE:
        put_named(p, "procedure", code_of(closure_of(v)->code)->name);
        break;
    case TYPE_BUILTIN:
        put_named(p, "procedure", builtin_of(v)->name);
        break;
    case TYPE_CASE_LAMBDA:
    case TYPE_CONTINUATION:
    case TYPE_PARAMETER:
        put(p, "#<procedure>");
        break;
    case TYPE_RECORD:
        put_named(p, "record", record_type_of(record_of(v)->type)->name);
        break;
    case TYPE_RECORD_TYPE:
        put_named(p, "record-type", record_type_of(v)->name);
        break;
    case TYPE_CONDITION:
        put(p, "#<condition ");
        if (is_string(condition_of(v)->message))
            port_write_string(p->vm, p->port, condition_of(v)->message, 0,
                              length_of(condition_of(v)->message));
        put(p, ">");
        break;
    case TYPE_PORT:
        put(p, "#<port");
        if (is_string(port_of(v)->path)) {
            put(p, " ");
            put_quoted(p, port_of(v)->path, '"');
        }
        put(p, ">");
        break;
    case TYPE_PROMISE:
        put(p, "#<promise>");
        break;
    case TYPE_TABLE:
        put(p, "#<hash-table>");
        break;
    case TYPE_ENVIRONMENT:
        put(p, "#<environment>");
        break;
    case TYPE_VALUES:
        put(p, "#<values>");
        break;
    default:
        put(p, "#<object>");
    }
}

static void put_fixnum(struct printer *p, int64_t number) {
    char text[24], *at = text + sizeof text;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    *--at = 0;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    put(p, at);
}

static void put_atom(struct printer *p, value v) {
    if (is_fixnum(v)) {
        put_fixnum(p, fixnum_value(v));
    } else if (is_number(v)) {
        char *text = number_text(v, 10);
        put(p, text);
        free(text);
    } else if (is_character(v)) {
        put_character(p, character_code(v));
    } else if (is_object(v)) {
        put_object(p, v);
    } else {
        put_constant(p, v);
    }
}

/* ---- Structures ---------------------------------------------------------------------------- */

/* Write #N= or #N#. @return true when that is all. */
static bool put_label(struct printer *p, value v) {
    bool fresh;
    int64_t label = sharing_label(p->sharing, v, &fresh);
    char text[32];
    snprintf(text, sizeof text, "#%lld%c", (long long)label, fresh ? '=' : '#');
    put(p, text);
    return !fresh;
}

/* ' and the like before what the list (quote x) quotes. */
static const char *abbreviation(struct printer *p, value v) {
    struct vm *vm = p->vm;
    if (!is_pair(cdr(v)) || cdr(cdr(v)) != NIL || needs_label(p, cdr(v)))
        return NULL;
    return car(v) == vm->known[KNOWN_quote]              ? "'"
           : car(v) == vm->known[KNOWN_quasiquote]       ? "`"
           : car(v) == vm->known[KNOWN_unquote]          ? ","
           : car(v) == vm->known[KNOWN_unquote_splicing] ? ",@"
                                                         : NULL;
}

static void put_datum(struct printer *p, value v) {
    if (!is_compound(v)) {
        put_atom(p, v);
        return;
    }
    if (needs_label(p, v) && put_label(p, v))
        return;
    if (is_vector(v)) {
        put(p, "#(");
        push(p, TASK_ITEMS, v, 0);
        return;
    }
    const char *mark = abbreviation(p, v);
    if (mark) {
        put(p, mark);
        push(p, TASK_DATUM, car(cdr(v)), 0);
        return;
    }
    put(p, "(");
    push(p, TASK_TAIL, cdr(v), 0);
    push(p, TASK_DATUM, car(v), 0);
}

static void put_tail(struct printer *p, value v) {
    if (v == NIL) {
        put(p, ")");
    } else if (is_pair(v) && !needs_label(p, v)) {
        put(p, " ");
        push(p, TASK_TAIL, cdr(v), 0);
        push(p, TASK_DATUM, car(v), 0);
    } else {
        put(p, " . ");
        push(p, TASK_TAIL, NIL, 0);
        push(p, TASK_DATUM, v, 0);
    }
}

static void put_items(struct printer *p, value v, size_t index) {
    if (index == length_of(v)) {
        put(p, ")");
        return;
    }
    if (index)
        put(p, " ");
    push(p, TASK_ITEMS, v, index + 1);
    push(p, TASK_DATUM, vector_of(v)->items[index], 0);
}

void print_value(struct vm *vm, value port, value v, enum print_style style) {
    struct printer p = {.vm = vm, .port = port, .style = style};
    value live[2] = {port, v};
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, live, 2);
    if (is_compound(v) && style != PRINT_SIMPLE)
        p.sharing = sharing_find(v, style == PRINT_SHARED);
    push(&p, TASK_DATUM, v, 0);
    while (p.count && !port_failed(port)) {
        struct task task = p.tasks[--p.count];
        switch (task.kind) {
        case TASK_DATUM:
            put_datum(&p, task.v);
            break;
        case TASK_TAIL:
            put_tail(&p, task.v);
            break;
        case TASK_ITEMS:
            put_items(&p, task.v, task.index);
            break;
        }
    }
    scratch_free(p.tasks);
    sharing_free(p.sharing);
    gait_pop_frame(vm->mutator);
}

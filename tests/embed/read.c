/* SPDX-License-Identifier: MIT */
/* Text to values: (lists), 'quoted, numbers, "texts", names; a comment is from ; to the line's end.
 */
#include <ctype.h>

#include "tiny.h"

enum { WORD_MOST = 200 };

static int skip_space(FILE *in) {
    int c;
    while ((c = getc(in)) != EOF) {
        if (c == ';')
            while ((c = getc(in)) != EOF && c != '\n')
                ;
        else if (!isspace(c))
            break;
    }
    return c;
}

static value read_list(FILE *in) {
    int c = skip_space(in);
    if (c == ')')
        return 0;
    if (c == EOF)
        raise_text("a list without an end", 0);
    ungetc(c, in);
    ROOTS(kept, 2);
    kept[0] = read_form(in);
    kept[1] = read_list(in);
    value list = cons(kept[0], kept[1]);
    UNROOT();
    return list;
}

static value read_text(FILE *in) {
    char text[WORD_MOST];
    size_t length = 0;
    for (int c; (c = getc(in)) != EOF && c != '"' && length < WORD_MOST;)
        text[length++] = (char)c;
    return text_of(text, length);
}

static value read_word(FILE *in, int c) {
    char word[WORD_MOST + 1];
    size_t length = 0;
    for (; c != EOF && !isspace(c) && c != '(' && c != ')' && length < WORD_MOST; c = getc(in))
        word[length++] = (char)c;
    ungetc(c, in);
    word[length] = 0;
    char *end;
    long number = strtol(word, &end, 10);
    return *end ? name_of(word, length) : NUMBER(number);
}

value read_form(FILE *in) {
    int c = skip_space(in);
    if (c == EOF)
        return 0;
    if (c == '(')
        return read_list(in);
    if (c == '"')
        return read_text(in);
    if (c != '\'')
        return read_word(in, c);
    ROOTS(kept, 1);
    kept[0] = read_form(in);
    gait_no_collect_begin(tiny.mutator); /* waits for a cycle that marks: kept is a root still */
    value name = name_of("quote", 5), rest = cons(kept[0], 0); /* neither is a root */
    value quoted = cons(name, rest);
    gait_no_collect_end(tiny.mutator);
    UNROOT();
    return quoted;
}

void print_value(FILE *out, value v) {
    if (v == 0)
        fprintf(out, "nil");
    else if (is_number(v))
        fprintf(out, "%ld", (long)number_of(v));
    else if (is_a(v, TYPE_NAME) || is_a(v, TYPE_TEXT))
        fprintf(out, "%.*s", (int)((struct name *)v)->length, ((struct name *)v)->text);
    else if (is_a(v, TYPE_PAIR)) {
        const char *before = "(";
        for (; is_a(v, TYPE_PAIR); v = tail_of(v), before = " ") {
            fputs(before, out);
            print_value(out, head_of(v));
        }
        fputs(")", out);
    } else
        fprintf(out, "<object of type %zu>", (size_t)((struct object *)v)->type);
}

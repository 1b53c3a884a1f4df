/* SPDX-License-Identifier: MIT */
/*
 * A parser of texts: JSON documents become trees of lists, tables, strings and numbers; the last
 * ones are kept, as a server keeps what it is asked for again. Parsing goes deep, so that much is
 * held by frames. Every tree's numbers are added up and compared with the text's.
 *
 * Parameters: documents (8000) to be parsed, of `texts` (32) different ones; branches (6) of a list
 * or table, at most; depth (5); kept (400).
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 12 };

struct text {
    char *bytes; /* malloc'ed, ended by 0 */
    size_t length, room;
    uint64_t sum;
};

/* ---- Texts ---------------------------------------------------------------------------------- */

static void text_add(struct text *text, const char *piece) {
    size_t length = strlen(piece);
    while (text->length + length + 1 > text->room) {
        text->room = text->room * 2 + 4096;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes)
            bench_die("out of memory");
    }
    memcpy(text->bytes + text->length, piece, length + 1);
    text->length += length;
}

static void text_add_value(struct text *text, uint64_t *seed, uint64_t branches, uint64_t depth) {
    char piece[32];
    uint64_t sort = bench_random(seed) % 4, number = bench_random(seed) % 100000;
    if (depth == 0) {
        snprintf(piece, sizeof piece, sort < 2 ? "%u" : "\"text of %u\"", (unsigned)number);
        text_add(text, piece);
        text->sum += sort < 2 ? number : strlen(piece) - 2;
        return;
    }
    uint64_t count = 1 + branches / 2 + bench_random(seed) % (branches - branches / 2);
    text_add(text, sort < 2 ? "[" : "{");
    for (uint64_t i = 0; i < count; i++) {
        text_add(text, i ? "," : "");
        snprintf(piece, sizeof piece, "\"key %u\":", (unsigned)i);
        text_add(text, sort < 2 ? "" : piece);
        text_add_value(text, seed, branches, depth - 1);
    }
    text_add(text, sort < 2 ? "]" : "}");
}

/* ---- Trees ---------------------------------------------------------------------------------- */

enum sort { NUMBER, STRING, LIST };

/* HEAD3. A list's or table's first member; of a member, its key and the one before it. */
struct value {
    peer_word content, next, key;
    uint64_t sort, number;
};

static void expect(const char **at, char wanted) {
    if (*(*at)++ != wanted)
        bench_die("documents: a malformed text");
}

static peer_word parse_string(peer_thread *thread, const char **at, uint64_t *length) {
    expect(at, '"');
    const char *end = strchr(*at, '"');
    if (!end)
        bench_die("documents: a malformed text");
    *length = (uint64_t)(end - *at);
    char *string = peer_alloc(thread, PEER_LEAF, *length + 1);
    memcpy(string, *at, *length);
    *at = end + 1;
    return (peer_word)string;
}

static peer_word parse(peer_thread *thread, const char **at);

/* @param value  a root of the caller's */
static void parse_members(peer_thread *thread, const char **at, peer_word *value) {
    bool table = *(*at)++ == '{';
    PEER_ROOTS(thread, key, 1);
    do {
        uint64_t length;
        key[0] = 0;
        if (table) {
            key[0] = parse_string(thread, at, &length);
            expect(at, ':');
        }
        struct value *member = (struct value *)parse(thread, at), *list = (struct value *)*value;
        peer_store(thread, &member->key, key[0]);
        peer_store(thread, &member->next, list->content);
        peer_store(thread, &list->content, (peer_word)member);
    } while (*(*at)++ == ',');
    PEER_ROOTS_END(thread, key);
}

static peer_word parse(peer_thread *thread, const char **at) {
    PEER_ROOTS(thread, made, 1);
    struct value *value = peer_alloc(thread, PEER_HEAD3, sizeof *value);
    made[0] = (peer_word)value;
    if (**at == '[' || **at == '{') {
        value->sort = LIST;
        parse_members(thread, at, &made[0]);
    } else if (**at == '"') {
        value->sort = STRING;
        uint64_t length;
        peer_word string = parse_string(thread, at, &length);
        value = (struct value *)made[0];
        value->number = length;
        peer_store(thread, &value->content, string);
    } else {
        char *end;
        value->number = strtoull(*at, &end, 10);
        *at = end;
    }
    PEER_ROOTS_END(thread, made);
    return made[0];
}

static uint64_t tree_sum(const struct value *value) {
    uint64_t sum = value->number;
    if (value->sort == LIST)
        for (value = (void *)value->content; value; value = (void *)value->next)
            sum += tree_sum(value);
    return sum;
}

void documents_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t documents = bench_parameter("documents", 8000), texts = bench_parameter("texts", 32);
    uint64_t branches = bench_parameter("branches", 6), depth = bench_parameter("depth", 5);
    uint64_t kept = bench_parameter("kept", 400), seed = 88172645463325252u;
    struct text *text = texts ? calloc(texts, sizeof *text) : NULL;
    if (PEER_FREES)
        bench_die("documents: for peers that collect");
    if (!text || branches == 0 || depth > 12 || kept == 0)
        bench_die("documents: a parameter is out of its range");
    for (uint64_t i = 0; i < texts; i++)
        text_add_value(&text[i], &seed, branches, depth);
    PEER_ROOTS(thread, held, 1);
    held[0] = (peer_word)peer_alloc(thread, PEER_REFS, kept * sizeof(peer_word));
    for (uint64_t i = 0; i < documents; i++) {
        const char *at = text[i % texts].bytes;
        peer_word tree = parse(thread, &at);
        if (tree_sum((struct value *)tree) != text[i % texts].sum)
            bench_die("documents: a document came out wrong");
        peer_store(thread, (peer_word *)held[0] + i % kept, tree);
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, held);
    for (uint64_t i = 0; i < texts; i++)
        free(text[i].bytes);
    free(text);
    peer_detach(thread);
}

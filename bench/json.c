/* SPDX-License-Identifier: MIT */
/* JSON documents. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Texts ---------------------------------------------------------------------------------- */

static void text_add(struct json_text *text, const char *piece) {
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

void json_text_add(struct json_text *text, uint64_t *seed, uint64_t branches, uint64_t depth) {
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
        json_text_add(text, seed, branches, depth - 1);
    }
    text_add(text, sort < 2 ? "]" : "}");
}

struct json_text *json_texts_new(uint64_t count, uint64_t *seed, uint64_t branches,
                                 uint64_t depth) {
    struct json_text *texts = count ? calloc(count, sizeof *texts) : NULL;
    if (!texts || branches == 0 || depth > 12)
        bench_die("json: a parameter is out of its range");
    for (uint64_t i = 0; i < count; i++)
        json_text_add(&texts[i], seed, branches, depth);
    return texts;
}

void json_texts_free(struct json_text *texts, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        free(texts[i].bytes);
    free(texts);
}

/* ---- Trees ---------------------------------------------------------------------------------- */

static void expect(const char **at, char wanted) {
    if (*(*at)++ != wanted)
        bench_die("json: a malformed text");
}

static peer_word parse_string(peer_thread *thread, const char **at, uint64_t *length) {
    expect(at, '"');
    const char *end = strchr(*at, '"');
    if (!end)
        bench_die("json: a malformed text");
    *length = (uint64_t)(end - *at);
    char *string = peer_alloc(thread, PEER_LEAF, *length + 1);
    memcpy(string, *at, *length);
    *at = end + 1;
    return (peer_word)string;
}

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
        struct json *member = (struct json *)json_parse(thread, at), *list = (struct json *)*value;
        peer_store(thread, &member->key, key[0]);
        peer_store(thread, &member->next, list->content);
        peer_store(thread, &list->content, (peer_word)member);
    } while (*(*at)++ == ',');
    PEER_ROOTS_END(thread, key);
}

peer_word json_parse(peer_thread *thread, const char **at) {
    PEER_ROOTS(thread, made, 1);
    struct json *value = peer_alloc(thread, PEER_HEAD3, sizeof *value);
    made[0] = (peer_word)value;
    if (**at == '[' || **at == '{') {
        value->sort = JSON_LIST;
        parse_members(thread, at, &made[0]);
    } else if (**at == '"') {
        value->sort = JSON_STRING;
        uint64_t length;
        peer_word string = parse_string(thread, at, &length);
        value = (struct json *)made[0];
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

uint64_t json_sum(const struct json *value) {
    uint64_t sum = value->number;
    if (value->sort == JSON_LIST)
        for (value = (void *)value->content; value; value = (void *)value->next)
            sum += json_sum(value);
    return sum;
}

static peer_word copy_string(peer_thread *thread, const peer_word *string) {
    size_t bytes = strlen((const char *)*string) + 1;
    char *copy = peer_alloc(thread, PEER_LEAF, bytes);
    memcpy(copy, (const char *)*string, bytes);
    return (peer_word)copy;
}

peer_word json_copy(peer_thread *thread, const peer_word *value) {
    enum { COPY, MEMBER, LAST, ROOTS };
    PEER_ROOTS(thread, held, ROOTS);
    struct json *copy = peer_alloc(thread, PEER_HEAD3, sizeof *copy);
    const struct json *from = (const struct json *)*value;
    copy->sort = from->sort;
    copy->number = from->number;
    held[COPY] = (peer_word)copy;
    if (from->key)
        peer_store(thread, &copy->key, copy_string(thread, &from->key));
    if (from->sort == JSON_STRING)
        peer_store(thread, &copy->content, copy_string(thread, &from->content));
    if (from->sort == JSON_LIST)
        for (held[MEMBER] = from->content; held[MEMBER];
             held[MEMBER] = ((struct json *)held[MEMBER])->next) {
            peer_word member = json_copy(thread, &held[MEMBER]);
            peer_store(thread,
                       held[LAST] ? &((struct json *)held[LAST])->next
                                  : &((struct json *)held[COPY])->content,
                       member);
            held[LAST] = member;
        }
    PEER_ROOTS_END(thread, held);
    return held[COPY];
}

void json_free(struct json *value) {
    if (!PEER_FREES || !value)
        return;
    peer_free((void *)value->key);
    if (value->sort == JSON_STRING)
        peer_free((void *)value->content);
    if (value->sort == JSON_LIST)
        for (struct json *member = (struct json *)value->content, *next; member; member = next) {
            next = (struct json *)member->next;
            json_free(member);
        }
    peer_free(value);
}

/* SPDX-License-Identifier: MIT */
/*
 * JSON documents: random texts, and the trees of lists, tables, strings and numbers that they are
 * parsed to. Parsing goes deep, so that much is held by frames.
 */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include "peer.h"

struct json_text {
    char *bytes; /* malloc'ed, ended by 0 */
    size_t length, room;
    uint64_t sum; /* what json_sum says of its tree */
};

/** Append a random value: lists and tables of at most so many branches, down to a depth. */
void json_text_add(struct json_text *text, uint64_t *seed, uint64_t branches, uint64_t depth);

/** `count` texts, each of one random document; to be freed by json_texts_free. */
struct json_text *json_texts_new(uint64_t count, uint64_t *seed, uint64_t branches, uint64_t depth);
void json_texts_free(struct json_text *texts, uint64_t count);

enum json_sort { JSON_NUMBER, JSON_STRING, JSON_LIST };

/* HEAD3. A list's or table's last member; of a member, its key and the one before it. */
struct json {
    peer_word content, next, key;
    uint64_t sort, number;
};

/** The tree of a text; *at ends behind it. */
peer_word json_parse(peer_thread *thread, const char **at);

/** A copy of a tree that a root holds. */
peer_word json_copy(peer_thread *thread, const peer_word *value);

/** Free a tree, where that is to be done. NULL: nothing. */
void json_free(struct json *value);

/** All numbers of a tree, and the lengths of its strings. */
uint64_t json_sum(const struct json *value);

#endif

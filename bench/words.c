/* SPDX-License-Identifier: MIT */
/*
 * A program of strings, as scripts are: lines are built, split into words, each word is written in
 * capitals and counted in a table that grows, and the words are joined again, the last one first.
 *
 * Parameters: lines (150000); words (12) of a line; distinct (60000) words, some much more frequent
 * than others.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64, WORD_BYTES_MAX = 24, FIRST_SLOTS = 256 };

struct string { /* LEAF */
    uint64_t length;
    char bytes[];
};

struct count { /* HEAD2 */
    peer_word chain, word;
    uint64_t hash, times;
};

static peer_word table; /* REFS, of table_slots chains; one thread */
static uint64_t table_slots, table_count;

static struct string *string_new(peer_thread *thread, uint64_t length) {
    struct string *string = peer_alloc(thread, PEER_LEAF, sizeof *string + length);
    string->length = length;
    return string;
}

/* The letters of word `number`: frequent ones are short. */
static uint64_t spell(uint64_t number, char *to) {
    uint64_t length = 0, mixed = (number + 1) * 0x9e3779b97f4a7c15u;
    for (uint64_t left = number + 1; left || length < 3; left /= 8, length++)
        to[length] = (char)('a' + (left % 8 + (mixed >> length) % 18) % 26);
    do
        to[length++] = (char)('a' + number % 26);
    while ((number /= 26) && length < WORD_BYTES_MAX);
    return length;
}

static uint64_t hash_of(const struct string *string) {
    uint64_t hash = 14695981039346656037u;
    for (uint64_t i = 0; i < string->length; i++)
        hash = (hash ^ (unsigned char)string->bytes[i]) * 1099511628211u;
    return hash;
}

static void table_grow(peer_thread *thread) {
    uint64_t slots = table_slots ? 2 * table_slots : FIRST_SLOTS;
    PEER_ROOTS(thread, grown, 1);
    grown[0] = (peer_word)peer_alloc(thread, PEER_REFS, slots * sizeof(peer_word));
    for (uint64_t i = 0; i < table_slots; i++)
        for (struct count *count = ((struct count **)table)[i], *next; count; count = next) {
            peer_word *slot = (peer_word *)grown[0] + count->hash % slots;
            next = (struct count *)count->chain;
            peer_store(thread, &count->chain, *slot);
            peer_store(thread, slot, (peer_word)count);
        }
    peer_free((void *)table);
    peer_store(thread, &table, grown[0]);
    table_slots = slots;
    PEER_ROOTS_END(thread, grown);
}

/* Count a word. @param word  a root of the caller's; @return whether the table keeps it */
static bool table_add(peer_thread *thread, const peer_word *word) {
    struct string *string = (struct string *)*word;
    uint64_t hash = hash_of(string);
    if (table_count >= table_slots)
        table_grow(thread);
    struct count *count = ((struct count **)table)[hash % table_slots];
    for (; count; count = (struct count *)count->chain) {
        struct string *known = (struct string *)count->word;
        if (count->hash == hash && known->length == string->length &&
            memcmp(known->bytes, string->bytes, known->length) == 0) {
            count->times++;
            return false;
        }
    }
    count = peer_alloc(thread, PEER_HEAD2, sizeof *count);
    peer_word *slot = (peer_word *)table + hash % table_slots;
    peer_init(&count->chain, *slot);
    peer_init(&count->word, *word);
    count->hash = hash;
    count->times = 1;
    peer_store(thread, slot, (peer_word)count);
    table_count++;
    return true;
}

/* words: 1 or more. */
static struct string *line_new(peer_thread *thread, uint64_t *seed, uint64_t words,
                               uint64_t distinct) {
    char text[WORDS_MAX * (WORD_BYTES_MAX + 2)];
    uint64_t length = 0;
    uint64_t left = words;
    do {
        uint64_t at = bench_random(seed) % distinct + 1;
        length += spell(bench_random(seed) % at * (bench_random(seed) % at) / at, text + length);
        text[length++] = --left > 0 ? ' ' : '\n';
    } while (left > 0);
    struct string *line = string_new(thread, length);
    memcpy(line->bytes, text, length);
    return line;
}

static struct string *capitals(peer_thread *thread, const peer_word *word) {
    struct string *copy = string_new(thread, ((struct string *)*word)->length);
    const struct string *from = (const struct string *)*word;
    for (uint64_t i = 0; i < copy->length; i++)
        copy->bytes[i] = (char)(from->bytes[i] - 'a' + 'A');
    return copy;
}

/* Split the line held[0] into words, held[1 …]. @return how many */
static uint64_t split(peer_thread *thread, peer_word *held) {
    uint64_t count = 0, start = 0;
    for (uint64_t end = 0; end < ((struct string *)held[0])->length; end++) {
        char at = ((struct string *)held[0])->bytes[end];
        if (at != ' ' && at != '\n')
            continue;
        struct string *word = string_new(thread, end - start);
        memcpy(word->bytes, ((struct string *)held[0])->bytes + start, end - start);
        held[++count] = (peer_word)word;
        start = end + 1;
    }
    return count;
}

static struct string *join_backwards(peer_thread *thread, const peer_word *words, uint64_t count,
                                     uint64_t length) {
    struct string *joined = string_new(thread, length);
    uint64_t at = 0;
    while (count-- > 0) {
        const struct string *word = (const struct string *)words[count];
        memcpy(joined->bytes + at, word->bytes, word->length);
        at += word->length;
        joined->bytes[at++] = count ? ' ' : '\n';
    }
    if (at != length)
        bench_die("words: a line was split wrong");
    return joined;
}

void words_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t lines = bench_parameter("lines", 150000), words = bench_parameter("words", 12);
    uint64_t distinct = bench_parameter("distinct", 60000), seed = 88172645463325252u, total = 0;
    if (words == 0 || words > WORDS_MAX || distinct == 0)
        bench_die("words: a parameter is out of its range");
    peer_globals(thread, &table, 1);
    table_grow(thread);
    PEER_ROOTS(thread, held, WORDS_MAX + 2); /* the line, its words, a word in capitals */
    for (uint64_t i = 0; i < lines; i++) {
        held[0] = (peer_word)line_new(thread, &seed, words, distinct);
        uint64_t count = split(thread, held);
        for (uint64_t j = 1; j <= count; j++) {
            held[WORDS_MAX + 1] = (peer_word)capitals(thread, &held[j]);
            if (!table_add(thread, &held[WORDS_MAX + 1]))
                peer_free((void *)held[WORDS_MAX + 1]);
        }
        uint64_t length = ((struct string *)held[0])->length;
        struct string *joined = join_backwards(thread, held + 1, count, length);
        bench_keep(joined);
        peer_free(joined);
        for (uint64_t j = 0; j <= count; j++)
            peer_free((void *)held[j]);
        total += count;
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, held);
    for (uint64_t i = 0; i < table_slots; i++)
        for (struct count *count = ((struct count **)table)[i]; count; count = (void *)count->chain)
            total -= count->times;
    if (total || lines * words == 0)
        bench_die("words: some were not counted");
    bench_figure("distinct_words", (double)table_count);
    peer_detach(thread);
}

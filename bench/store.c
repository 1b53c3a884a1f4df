/* SPDX-License-Identifier: MIT */
/*
 * A store of JSON documents: most requests read one; others put a small value in the place of an
 * old one, somewhere in a document, copy a document, or put a new one in its place. So what is old
 * is written to, and what dies is of all ages.
 *
 * Parameters: documents (20000); texts (64) different ones, of `branches` (5) and `depth` (3);
 * requests (1500000); percent of them that change a value (20), copy (2), parse a new document (3).
 */
#include "json.h"

#include <stdlib.h>

static peer_word store; /* REFS, the documents; one thread */
static uint64_t *sums;  /* of each */
static uint64_t seed = 88172645463325252u;

static uint64_t below(uint64_t bound) { return bench_random(&seed) % bound; }

/* The slot of a value that is in no other, taken at random. */
static peer_word *find(uint64_t document) {
    peer_word *slot = (peer_word *)store + document;
    for (;;) {
        struct json *value = (struct json *)*slot;
        if (value->sort != JSON_LIST || !value->content)
            return slot;
        slot = &value->content;
        for (uint64_t steps = below(8); steps && ((struct json *)*slot)->next; steps--)
            slot = &((struct json *)*slot)->next;
    }
}

static void replace(peer_thread *thread, uint64_t document, peer_word tree, uint64_t sum) {
    peer_word *slot = (peer_word *)store + document;
    json_free((struct json *)*slot);
    peer_store(thread, slot, tree);
    sums[document] = sum;
}

/* A new number or string where there was another, in front of the members that follow it. */
static void change(peer_thread *thread, uint64_t document) {
    static const char *const pieces[] = {"17", "\"a text\"", "4711", "\"\""};
    const char *at = pieces[below(4)];
    struct json *value = (struct json *)json_parse(thread, &at);
    peer_word *slot = find(document);
    struct json *old = (struct json *)*slot;
    sums[document] += json_sum(value) - json_sum(old);
    peer_store(thread, &value->next, old->next);
    peer_store(thread, &value->key, old->key);
    peer_store(thread, slot, (peer_word)value);
    if (PEER_FREES)
        old->key = 0; /* the new one has it */
    json_free(old);
}

static void parse(peer_thread *thread, uint64_t document, const struct json_text *text) {
    const char *at = text->bytes;
    replace(thread, document, json_parse(thread, &at), text->sum);
}

void store_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t documents = bench_parameter("documents", 20000), texts = bench_parameter("texts", 64);
    uint64_t requests = bench_parameter("requests", 1500000);
    uint64_t changes = bench_parameter("changes", 20), copies = bench_parameter("copies", 2),
             parses = bench_parameter("parses", 3);
    struct json_text *text =
        json_texts_new(texts, &seed, bench_parameter("branches", 5), bench_parameter("depth", 3));
    sums = documents ? calloc(documents, sizeof *sums) : NULL;
    if (!sums || changes + copies + parses > 100)
        bench_die("store: a parameter is out of its range");
    peer_globals(thread, &store, 1);
    peer_store(thread, &store,
               (peer_word)peer_alloc(thread, PEER_REFS, documents * sizeof(peer_word)));
    for (uint64_t i = 0; i < documents; i++)
        parse(thread, i, &text[i % texts]);
    uint64_t found = 0;
    for (uint64_t i = 0; i < requests; i++) {
        uint64_t document = below(documents), what = below(100);
        if (what < changes)
            change(thread, document);
        else if (what < changes + copies) {
            uint64_t from = below(documents);
            replace(thread, document, json_copy(thread, (peer_word *)store + from), sums[from]);
        } else if (what < changes + copies + parses)
            parse(thread, document, &text[below(texts)]);
        else
            found += ((struct json *)*find(document))->number;
        peer_poll(thread);
    }
    bench_figure("found", (double)found);
    for (uint64_t i = 0; i < documents; i++)
        if (json_sum(((struct json **)store)[i]) != sums[i])
            bench_die("store: a document is not what it should be");
    json_texts_free(text, texts);
    free(sums);
    peer_detach(thread);
}

/* SPDX-License-Identifier: MIT */
/*
 * A parser of texts: JSON documents become trees; the last ones are kept, as a server keeps what it
 * is asked for again. Every tree's numbers are added up and compared with the text's.
 *
 * Parameters: documents (8000) to be parsed, of `texts` (32) different ones; branches (6) of a list
 * or table, at most; depth (5); kept (400).
 */
#include "json.h"

void documents_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t documents = bench_parameter("documents", 8000), texts = bench_parameter("texts", 32);
    uint64_t branches = bench_parameter("branches", 6), depth = bench_parameter("depth", 5);
    uint64_t kept = bench_parameter("kept", 400), seed = 88172645463325252u;
    struct json_text *text = json_texts_new(texts, &seed, branches, depth);
    if (kept == 0)
        bench_die("documents: a parameter is out of its range");
    PEER_ROOTS(thread, held, 1);
    held[0] = (peer_word)peer_alloc(thread, PEER_REFS, kept * sizeof(peer_word));
    for (uint64_t i = 0; i < documents; i++) {
        const char *at = text[i % texts].bytes;
        peer_word tree = json_parse(thread, &at);
        if (json_sum((struct json *)tree) != text[i % texts].sum)
            bench_die("documents: a document came out wrong");
        peer_word *slot = (peer_word *)held[0] + i % kept;
        json_free((struct json *)*slot);
        peer_store(thread, slot, tree);
        peer_poll(thread);
    }
    PEER_ROOTS_END(thread, held);
    json_texts_free(text, texts);
    peer_detach(thread);
}

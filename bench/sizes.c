/* SPDX-License-Identifier: MIT */
/*
 * Sizes that change over time: so many bytes are live, always; in each round objects are of another
 * size, and those that go are taken at random, so that for long a few old ones hold on to memory
 * that the new ones can't use.
 *
 * Parameters: mib (64) live; rounds (12); least_bytes (24): of the first round, each next one half
 * as much again, up to most_bytes (8192), then from the start; percent (150): of the live bytes, so
 * much is allocated in a round.
 *
 * Figures: rss_per_live, RSS over live bytes as a round ends, the most and the last.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

struct table {
    peer_word *objects; /* an object, held by a root */
    uint32_t *bytes;    /* of each */
    uint64_t count, room, live_bytes;
};

static void drop_one(peer_thread *thread, struct table *table, uint64_t *seed) {
    uint64_t at = bench_random(seed) % table->count, last = --table->count;
    peer_free((void *)table->objects[at]);
    table->live_bytes -= table->bytes[at];
    peer_store(thread, &table->objects[at], table->objects[last]);
    table->bytes[at] = table->bytes[last];
    peer_store(thread, &table->objects[last], 0);
}

static void add_one(peer_thread *thread, struct table *table, uint64_t bytes) {
    char *object = peer_alloc(thread, PEER_LEAF, bytes);
    memset(object, (int)(bytes & 0xff), bytes);
    table->bytes[table->count] = (uint32_t)bytes;
    table->live_bytes += bytes;
    peer_store(thread, &table->objects[table->count++], (peer_word)object);
}

static void check(const struct table *table) {
    for (uint64_t i = 0; i < table->count; i++) {
        const unsigned char *object = (const unsigned char *)table->objects[i];
        unsigned char wanted = table->bytes[i] & 0xff;
        if (object[0] != wanted || object[table->bytes[i] - 1] != wanted)
            bench_die("sizes: an object is not what was written");
    }
}

void sizes_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t live = bench_parameter("mib", 64) << 20, rounds = bench_parameter("rounds", 12);
    uint64_t least = bench_parameter("least_bytes", 24), most = bench_parameter("most_bytes", 8192);
    uint64_t percent = bench_parameter("percent", 150), seed = 88172645463325252u, bytes = least;
    if (least < 8 || most < least || most > UINT32_MAX || live < most || rounds == 0)
        bench_die("sizes: a parameter is out of its range");
    struct table table = {.room = live / least + 1};
    table.bytes = calloc(table.room, sizeof *table.bytes);
    if (!table.bytes)
        bench_die("out of memory");
    PEER_ROOTS(thread, held, 1);
    held[0] = (peer_word)peer_alloc(thread, PEER_REFS, table.room * sizeof(peer_word));
    table.objects = (peer_word *)held[0];
    double rss_per_live = 0, rss_per_live_most = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint64_t made = 0; made < live * percent / 100; made += bytes) {
            while (table.live_bytes + bytes > live)
                drop_one(thread, &table, &seed);
            add_one(thread, &table, bytes);
            peer_poll(thread);
        }
        uint64_t tables = table.room * (sizeof *table.objects + sizeof *table.bytes);
        rss_per_live = bench_rss_mib() * (1 << 20) / (double)(table.live_bytes + tables);
        rss_per_live_most = rss_per_live > rss_per_live_most ? rss_per_live : rss_per_live_most;
        bytes = bytes + bytes / 2 > most ? least : bytes + bytes / 2;
    }
    bench_figure("rss_per_live_most", rss_per_live_most);
    bench_figure("rss_per_live", rss_per_live);
    check(&table);
    free(table.bytes);
    PEER_ROOTS_END(thread, held);
    peer_detach(thread);
}

/* SPDX-License-Identifier: MIT */
/*
 * Texts: a table of objects without references, of many sizes, each as likely as its double; in
 * each iteration one, taken at random, is replaced by a new one. So a few large ones are most of
 * the bytes, and marking has next to nothing to do for them.
 *
 * Parameters: mib (64) live, about; least_bytes (1024), most_bytes (2 MiB); iterations (20000).
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* Of text i, its length; a reader of them has no need to look at the objects. */
static uint32_t *lengths;
static uint64_t seed = 88172645463325252u; /* one thread */

/* From least to most: a power of two between them, then evenly to the next. */
static uint64_t length_random(uint64_t least, uint64_t most) {
    unsigned doublings = 0;
    while (least << (doublings + 1) <= most)
        doublings++;
    if (doublings == 0)
        return least;
    uint64_t base = least << bench_random(&seed) % doublings;
    return base + bench_random(&seed) % base;
}

static void replace(peer_thread *thread, peer_word *table, uint64_t slot, uint64_t length) {
    char *text = peer_alloc(thread, PEER_LEAF, length);
    memset(text, (int)(length & 0xff), length);
    peer_free((void *)table[slot]);
    peer_store(thread, &table[slot], (peer_word)text);
    lengths[slot] = (uint32_t)length;
}

void texts_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t live = bench_parameter("mib", 64) << 20,
             iterations = bench_parameter("iterations", 20000);
    uint64_t least = bench_parameter("least_bytes", 1024),
             most = bench_parameter("most_bytes", 2 << 20);
    if (least == 0 || most < least || most > UINT32_MAX)
        bench_die("texts: no lengths between least_bytes and most_bytes");
    uint64_t sum = 0, samples = 100000;
    for (uint64_t i = 0; i < samples; i++)
        sum += length_random(least, most);
    uint64_t slots = live / (sum / samples) + 1;
    lengths = calloc(slots, sizeof *lengths);
    if (!lengths)
        bench_die("out of memory");
    PEER_ROOTS(thread, table, 1);
    table[0] = (peer_word)peer_alloc(thread, PEER_REFS, slots * sizeof(peer_word));
    for (uint64_t i = 0; i < slots; i++)
        replace(thread, (peer_word *)table[0], i, length_random(least, most));
    for (uint64_t i = 0; i < iterations; i++) {
        replace(thread, (peer_word *)table[0], bench_random(&seed) % slots,
                length_random(least, most));
        peer_poll(thread);
    }
    for (uint64_t i = 0; i < slots; i++) {
        const unsigned char *text = ((unsigned char **)table[0])[i];
        if (text[0] != (lengths[i] & 0xff) || text[lengths[i] - 1] != (lengths[i] & 0xff))
            bench_die("texts: one is not what was written");
    }
    free(lengths);
    PEER_ROOTS_END(thread, table);
    peer_detach(thread);
}

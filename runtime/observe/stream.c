/* SPDX-License-Identifier: MIT */
/*
 * Texts of a compact heap snapshot. See stream.h.
 */
#include "stream.h"

#include <string.h>

struct text_node {
    struct address_node node; /* key: a hash of it */
    const struct stream_text *text;
};

bool stream_begin(struct stream *stream, AO_t *metadata_bytes) {
    memset(stream, 0, sizeof *stream);
    stream->bytes.item_bytes = 1;
    stream->kept.item_bytes = 1;
    stream->list.item_bytes = sizeof(struct stream_text);
    pool_init(&stream->text_nodes, sizeof(struct text_node), metadata_bytes);
    stream->failed = address_map_init(&stream->texts, metadata_bytes, true) < 0;
    return !stream->failed;
}

void stream_free(struct stream *stream) {
    if (stream->texts.buckets > 0)
        address_map_destroy(&stream->texts);
    pool_destroy(&stream->text_nodes);
    pile_free(&stream->bytes);
    pile_free(&stream->kept);
    pile_free(&stream->list);
}

void stream_text(struct stream *stream, const char *text, size_t bytes) {
    stream_number(stream, bytes);
    for (size_t i = 0; i < bytes; i++)
        stream_byte(stream, (unsigned char)text[i]);
}

/* FNV-1a. */
static uintptr_t hash_of(const char *text, size_t bytes) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return (uintptr_t)(hash ^ hash >> 32);
}

/* A copy that stays, in one piece. NULL: no memory. */
static const char *keep(struct pile *kept, const char *text, size_t bytes) {
    kept->item_bytes = bytes;
    char *copy = pile_add(kept);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

static const struct stream_text *find(const struct stream *stream, uintptr_t key, const char *text,
                                      size_t bytes) {
    for (struct address_node *node = address_map_find((struct address_map *)&stream->texts, key);
         node; node = node->next) {
        const struct stream_text *known = ((struct text_node *)node)->text;
        if (node->key == key && known->bytes == bytes && memcmp(known->text, text, bytes) == 0)
            return known;
    }
    return NULL;
}

uint32_t stream_intern(struct stream *stream, const char *text, size_t bytes) {
    if (bytes == 0 || stream->failed)
        return 0;
    uintptr_t key = hash_of(text, bytes);
    const struct stream_text *known = find(stream, key, text, bytes);
    if (known)
        return known->number;
    struct text_node *node = pool_take(&stream->text_nodes);
    struct stream_text *fresh = pile_add(&stream->list);
    const char *copy = node && fresh ? keep(&stream->kept, text, bytes) : NULL;
    if (!copy) {
        stream->failed = true;
        return 0;
    }
    *fresh = (struct stream_text){copy, (uint32_t)bytes, (uint32_t)stream->list.count};
    node->node.key = key;
    node->text = fresh;
    address_map_add(&stream->texts, &node->node);
    stream_byte(stream, 'T');
    stream_text(stream, text, bytes);
    return fresh->number;
}

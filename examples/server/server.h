/* SPDX-License-Identifier: MIT */
/*
 * A request server that uses every kind of memory for what it is good at:
 *
 *   arena      what a request is parsed into: reset when it is answered, so it costs no cycle
 *   heap       the cache that outlives requests: copies of what arenas hold, shared by all threads
 *   off-heap   the bytes that come and go: a buffer for each connection, and the blobs of entries,
 *              each owned by its entry and freed with it
 *
 * A request and a reply are frames: four bytes of length, and so many bytes.
 *
 *   put NAME \n FIELD VALUE \n … \n \n BLOB     reply: ok
 *   get NAME \n                                 reply: FIELD VALUE \n … \n BLOB, or none
 */
#ifndef SERVER_H
#define SERVER_H

#include "../embedding/example.h"

#include <gait/arena.h>
#include <gait/offheap.h>
#include <string.h>

/* References first: see kinds in server.c. The same in an arena and on the heap. */
struct text {
    size_t length;
    char bytes[];
};

struct field {
    gait_word next, name, value; /* struct text */
};

struct request {
    gait_word name, fields;
    const char *blob; /* in the connection's buffer; NULL: a get */
    size_t blob_bytes;
};

struct entry {
    gait_word name, fields;
    char *blob; /* off-heap, owned by the entry: freed when this is collected */
    size_t blob_bytes;
};

struct buffer {
    char *bytes; /* off-heap */
    size_t length, room;
};

struct server {
    gait_heap *heap;
    gait_kind text, field, request, entry, table;
    int receive, send, blobs; /* tags */
};
extern struct server server; /* constant once threads run */

/* ---- buffer.c: off-heap buffers that grow ---------------------------------------------------- */

void buffer_reserve(struct buffer *buffer, size_t bytes, int tag);
void buffer_add(struct buffer *buffer, const char *bytes, size_t length, int tag);
void buffer_free(struct buffer *buffer);

/* ---- request.c ------------------------------------------------------------------------------- */

/** Parse a frame into an arena, or onto the heap where `arena` is NULL. NULL: it is malformed. */
struct request *request_parse(gait_mutator *mutator, gait_arena *arena, const char *bytes,
                              size_t length);

/* ---- cache.c: shared by all threads ---------------------------------------------------------- */

void cache_open(gait_mutator *mutator);

/** Put copies of what a request holds into the cache. */
void cache_put(gait_mutator *mutator, const struct request *request);

/** Write an entry's fields and blob to a buffer. @return whether there is one of this name. */
bool cache_get(gait_mutator *mutator, const struct text *name, struct buffer *to);

/* ---- server.c -------------------------------------------------------------------------------- */

void server_start(void);

/** Answer requests of a connection until the other side closes it: a thread's function. */
void *server_connection(void *descriptor);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A server that parses requests: messages of many small records are parsed into objects of one
 * region, all are looked at, and a few records go into a cache that outlives the request. The
 * parser is written once, for every memory manager.
 *
 * Parameters: requests (20000) to be parsed, of `messages` (64) different ones; records (200) of
 * each, with up to `tags` (2) strings and `attributes` (2) messages each, and strings of up to
 * text_bytes (16); exact: 1: of each so many, and no times; cache (100000) records, of which each
 * request changes one for every keep_percent (3) of its records; seed.
 *
 * cpu_us_per_request is the process's CPU time, the collector's included.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "message.h"

struct text {
    size_t length;
    char bytes[];
};

/* References first, as the kinds say: HEAD3 for all but tags. */
struct attribute {
    peer_word next, key, text;
    uint64_t number;
};

struct tag { /* HEAD2 */
    peer_word next, text;
};

struct record { /* HEAD4 */
    peer_word next, name, tags, attributes;
    uint64_t id, time;
};

struct request {
    peer_word user, session, records;
    uint64_t id;
};

struct parser {
    peer_thread *thread;
    peer_region *region;
    uint64_t objects; /* made so far */
};

struct bytes {
    const unsigned char *at, *end;
};

/* ---- The wire ------------------------------------------------------------------------------ */

static uint64_t take_varint(struct bytes *from) {
    uint64_t value = 0;
    for (unsigned shift = 0; from->at < from->end && shift < 64; shift += 7) {
        unsigned char byte = *from->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    bench_die("parser: a malformed number");
}

static struct bytes take_bytes(struct bytes *from) {
    uint64_t length = take_varint(from);
    if (length > (uint64_t)(from->end - from->at))
        bench_die("parser: a field passes the end");
    struct bytes taken = {from->at, from->at + length};
    from->at += length;
    return taken;
}

static uint64_t take_eight(struct bytes *from) {
    uint64_t value;
    if (from->end - from->at < (ptrdiff_t)sizeof value)
        bench_die("parser: a field passes the end");
    memcpy(&value, from->at, sizeof value);
    from->at += sizeof value;
    return value;
}

/* ---- Parsing: each object hangs on the request before the next is made ---------------------- */

static inline __attribute__((always_inline)) void *make(struct parser *parser, enum peer_kind kind,
                                                        size_t bytes) {
    parser->objects++;
    return peer_region_alloc(parser->thread, parser->region, kind, bytes);
}

static void parse_text(struct parser *parser, struct bytes *from, peer_word *slot) {
    struct bytes bytes = take_bytes(from);
    size_t length = (size_t)(bytes.end - bytes.at);
    struct text *text = make(parser, PEER_LEAF, sizeof *text + length);
    text->length = length;
    memcpy(text->bytes, bytes.at, length);
    peer_store(parser->thread, slot, (peer_word)text);
}

static void parse_attribute(struct parser *parser, struct bytes from, struct record *record) {
    struct attribute *attribute = make(parser, PEER_HEAD3, sizeof *attribute);
    peer_init(&attribute->next, record->attributes);
    peer_init(&attribute->key, 0);
    peer_init(&attribute->text, 0);
    attribute->number = 0;
    peer_store(parser->thread, &record->attributes, (peer_word)attribute);
    while (from.at < from.end)
        switch (take_varint(&from)) {
        case ATTRIBUTE_KEY << 3 | WIRE_BYTES:
            parse_text(parser, &from, &attribute->key);
            break;
        case ATTRIBUTE_TEXT << 3 | WIRE_BYTES:
            parse_text(parser, &from, &attribute->text);
            break;
        case ATTRIBUTE_NUMBER << 3 | WIRE_VARINT:
            attribute->number = take_varint(&from);
            break;
        default:
            bench_die("parser: an unknown field of an attribute");
        }
}

static void parse_tag(struct parser *parser, struct bytes *from, struct record *record) {
    struct tag *tag = make(parser, PEER_HEAD2, sizeof *tag);
    parser->objects--; /* a link; what counts is its string */
    peer_init(&tag->next, record->tags);
    peer_init(&tag->text, 0);
    peer_store(parser->thread, &record->tags, (peer_word)tag);
    parse_text(parser, from, &tag->text);
}

static void parse_record(struct parser *parser, struct bytes from, struct request *request) {
    struct record *record = make(parser, PEER_HEAD4, sizeof *record);
    peer_init(&record->next, request->records);
    peer_init(&record->name, 0);
    peer_init(&record->tags, 0);
    peer_init(&record->attributes, 0);
    record->id = record->time = 0;
    peer_store(parser->thread, &request->records, (peer_word)record);
    while (from.at < from.end)
        switch (take_varint(&from)) {
        case RECORD_ID << 3 | WIRE_VARINT:
            record->id = take_varint(&from);
            break;
        case RECORD_NAME << 3 | WIRE_BYTES:
            parse_text(parser, &from, &record->name);
            break;
        case RECORD_TAG << 3 | WIRE_BYTES:
            parse_tag(parser, &from, record);
            break;
        case RECORD_ATTRIBUTE << 3 | WIRE_BYTES:
            parse_attribute(parser, take_bytes(&from), record);
            break;
        case RECORD_TIME << 3 | WIRE_EIGHT:
            record->time = take_eight(&from);
            break;
        default:
            bench_die("parser: an unknown field of a record");
        }
}

/* @param held  a root of the caller's, which gets the request. */
static struct request *parse_request(struct parser *parser, struct bytes from, peer_word *held) {
    struct request *request = make(parser, PEER_HEAD3, sizeof *request);
    peer_init(&request->user, 0);
    peer_init(&request->session, 0);
    peer_init(&request->records, 0);
    request->id = 0;
    *held = (peer_word)request;
    while (from.at < from.end)
        switch (take_varint(&from)) {
        case REQUEST_ID << 3 | WIRE_VARINT:
            request->id = take_varint(&from);
            break;
        case REQUEST_USER << 3 | WIRE_BYTES:
            parse_text(parser, &from, &request->user);
            break;
        case REQUEST_SESSION << 3 | WIRE_BYTES:
            parse_text(parser, &from, &request->session);
            break;
        case REQUEST_RECORD << 3 | WIRE_BYTES:
            parse_record(parser, take_bytes(&from), request);
            break;
        default:
            bench_die("parser: an unknown field of a request");
        }
    return request;
}

/* ---- What is done with a request ------------------------------------------------------------ */

static uint64_t text_sum(peer_word text) { return text ? ((struct text *)text)->length : 0; }

static uint64_t record_sum(const struct record *record) {
    uint64_t sum = record->id + record->time + text_sum(record->name);
    for (const struct tag *tag = (void *)record->tags; tag; tag = (void *)tag->next)
        sum += text_sum(tag->text);
    for (const struct attribute *attribute = (void *)record->attributes; attribute;
         attribute = (void *)attribute->next)
        sum += attribute->number + text_sum(attribute->key) + text_sum(attribute->text);
    return sum;
}

static void text_free(peer_word text) {
    if (text)
        peer_free((void *)text);
}

static void record_free(struct record *record) {
    text_free(record->name);
    for (struct tag *tag = (void *)record->tags, *next; tag; tag = next) {
        next = (void *)tag->next;
        text_free(tag->text);
        peer_free(tag);
    }
    for (struct attribute *attribute = (void *)record->attributes, *next; attribute;
         attribute = next) {
        next = (void *)attribute->next;
        text_free(attribute->key);
        text_free(attribute->text);
        peer_free(attribute);
    }
    peer_free(record);
}

static void text_survive(peer_thread *thread, peer_word *slot) {
    struct text *text = (struct text *)*slot;
    if (text)
        peer_store(thread, slot,
                   (peer_word)peer_survivor(thread, text, PEER_LEAF, sizeof *text + text->length));
}

/* Put a record into a slot of the cache; one of a region's as a copy, piece by piece: each copy is
 * stored where it belongs before the next one is made. */
static void record_keep(peer_thread *thread, peer_region *region, struct record *record,
                        peer_word *slot) {
    if (!peer_region_ends(region)) {
        peer_store(thread, slot, (peer_word)record);
        return;
    }
    record = peer_survivor(thread, record, PEER_HEAD4, sizeof *record);
    peer_store(thread, slot, (peer_word)record);
    text_survive(thread, &record->name);
    for (peer_word *at = &record->tags; *at; at = &((struct tag *)*at)->next) {
        struct tag *tag = peer_survivor(thread, (void *)*at, PEER_HEAD2, sizeof *tag);
        peer_store(thread, at, (peer_word)tag);
        text_survive(thread, &tag->text);
    }
    for (peer_word *at = &record->attributes; *at; at = &((struct attribute *)*at)->next) {
        struct attribute *attribute =
            peer_survivor(thread, (void *)*at, PEER_HEAD3, sizeof *attribute);
        peer_store(thread, at, (peer_word)attribute);
        text_survive(thread, &attribute->key);
        text_survive(thread, &attribute->text);
    }
}

struct cache {
    peer_word *slots;
    uint64_t size, next;
    uint64_t every, until; /* a record in so many is kept; how many to go */
};

/* Look at all records, which leave the request one by one. @return the sum of what is in it. */
static uint64_t request_handle(peer_thread *thread, peer_region *region, struct request *request,
                               struct cache *cache) {
    uint64_t sum = request->id + text_sum(request->user) + text_sum(request->session);
    for (struct record *record; (record = (struct record *)request->records);) {
        peer_store(thread, &request->records, record->next);
        peer_store(thread, &record->next, 0);
        sum += record_sum(record);
        bool kept = cache->every && --cache->until == 0;
        if (kept) {
            cache->until = cache->every;
            peer_word *slot = &cache->slots[cache->next++ % cache->size];
            if (PEER_FREES && *slot)
                record_free((struct record *)*slot);
            record_keep(thread, region, record, slot);
        }
        if (PEER_FREES && !kept && !peer_region_ends(region))
            record_free(record);
    }
    if (PEER_FREES && !peer_region_ends(region)) {
        text_free(request->user);
        text_free(request->session);
        peer_free(request);
    }
    return sum;
}

/* ---- The loop ------------------------------------------------------------------------------- */

static struct message *messages_make(uint64_t count) {
    struct message_shape shape = {.records = bench_parameter("records", 200),
                                  .tags = bench_parameter("tags", 2),
                                  .attributes = bench_parameter("attributes", 2),
                                  .text_bytes = bench_parameter("text_bytes", 16),
                                  .exact = bench_parameter("exact", 0) != 0};
    uint64_t seed = bench_parameter("seed", 88172645463325252u);
    struct message *messages = count ? malloc(count * sizeof *messages) : NULL;
    if (!messages || !seed)
        bench_die("parser: messages and seed are not 0");
    uint64_t objects = 0, bytes = 0;
    for (uint64_t i = 0; i < count; i++) {
        messages[i] = message_make(&shape, &seed);
        objects += messages[i].objects;
        bytes += messages[i].length;
    }
    bench_figure("objects_per_request", (double)objects / (double)count);
    bench_figure("bytes_per_request", (double)bytes / (double)count);
    return messages;
}

static double cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void parser_main(void) {
    uint64_t requests = bench_parameter("requests", 20000);
    uint64_t count = bench_parameter("messages", 64), percent = bench_parameter("keep_percent", 3);
    struct message *messages = messages_make(count);
    struct cache cache = {.size = bench_parameter("cache", 100000)};
    if (!requests || !cache.size || percent > 100)
        bench_die("parser: a parameter is out of its range");
    cache.every = cache.until = percent ? 100 / percent : 0;
    struct parser parser = {.thread = peer_attach()};
    PEER_ROOTS(parser.thread, held, 3); /* request, cache, region */
    cache.slots = peer_alloc(parser.thread, PEER_REFS, cache.size * sizeof *cache.slots);
    held[1] = (peer_word)cache.slots;
    double start_us = cpu_us();
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < requests; i++) {
        const struct message *message = &messages[i % count];
        bool fresh = i == 0 || peer_region_each(parser.region);
        if (fresh) {
            parser.region = peer_region_new(parser.thread);
            held[2] = (peer_word)parser.region;
        }
        parser.objects = 0;
        struct bytes bytes = {message->bytes, message->bytes + message->length};
        struct request *request = parse_request(&parser, bytes, &held[0]);
        uint64_t sum = request_handle(parser.thread, parser.region, request, &cache);
        held[0] = 0;
        if (sum != message->sum || parser.objects != message->objects)
            bench_die("parser: a request came out wrong");
        if (peer_region_each(parser.region))
            peer_region_free(parser.thread, parser.region);
        else
            peer_region_reset(parser.thread, parser.region);
        peer_poll(parser.thread);
    }
    bench_figure("requests", (double)requests);
    bench_figure("us_per_request", (double)(bench_now_ns() - start_ns) / 1e3 / (double)requests);
    bench_figure("cpu_us_per_request", (cpu_us() - start_us) / (double)requests);
    PEER_ROOTS_END(parser.thread, held);
    peer_detach(parser.thread);
}

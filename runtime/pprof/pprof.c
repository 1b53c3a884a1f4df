/* SPDX-License-Identifier: MIT */
/*
 * A heap profile as a message of pprof's format. See gait/pprof.h.
 *
 * Sites are visited once: each becomes a sample, its frames become locations, functions and texts,
 * each of them once. Then the message is put together, packed and compressed.
 */
#include <gait/pprof.h>
#include <gait/stats.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "names.h"
#include "profile.pb-c.h"
#include "table.h"

enum { VALUES = 4 };

struct text {
    struct numbered numbered;
    const char *text;
};

struct function {
    struct numbered numbered;
    int64_t name, file; /* numbers of texts */
};

struct mapping {
    struct numbered numbered;
    uint64_t start, end;
    int64_t file, build_id;
};

/* Of an address, or, where it is 0, of a function and a line. */
struct location {
    struct numbered numbered;
    uint64_t address;
    size_t function; /* a number, from 1; 0: not known; what it is found by if address is 0 */
    int64_t line;
    size_t mapping; /* likewise */
};

struct sample {
    struct numbered numbered;
    int64_t values[VALUES];
    int64_t kind;
    size_t depth;
    uint64_t locations[GAIT_PROFILE_DEPTH];
};

struct builder {
    struct table texts, functions, mappings, locations, samples;
    struct names *names;
    const gait_kind_stats *kinds;
    size_t kinds_count;
    bool failed; /* no memory */
};

static int order(uint64_t one, uint64_t other) { return (one > other) - (one < other); }

static int compare_texts(const void *one, const void *other) {
    return strcmp(((const struct text *)one)->text, ((const struct text *)other)->text);
}

static int compare_functions(const void *one, const void *other) {
    const struct function *a = one, *b = other;
    int names = order((uint64_t)a->name, (uint64_t)b->name);
    return names ? names : order((uint64_t)a->file, (uint64_t)b->file);
}

static int compare_mappings(const void *one, const void *other) {
    return order(((const struct mapping *)one)->start, ((const struct mapping *)other)->start);
}

static int compare_locations(const void *one, const void *other) {
    const struct location *a = one, *b = other;
    int first = order(a->address, b->address);
    if (first || a->address)
        return first;
    first = order(a->function, b->function);
    return first ? first : order((uint64_t)a->line, (uint64_t)b->line);
}

/* Never equal: each site is a sample. */
static int compare_samples(const void *one, const void *other) {
    return order((uintptr_t)one, (uintptr_t)other);
}

static void *add(struct builder *builder, struct table *table, const void *thing, size_t bytes) {
    void *added = table_add(table, thing, bytes);
    builder->failed |= !added;
    return added;
}

/* ---- Texts, functions, mappings, locations: each by its number ---- */

static int64_t text_of(struct builder *builder, const char *text) {
    const struct text like = {.text = text ? text : ""};
    struct text *found = table_find(&builder->texts, &like);
    if (found)
        return (int64_t)found->numbered.number;
    size_t length = strlen(like.text) + 1;
    char *copy = malloc(length);
    builder->failed |= !copy;
    if (!copy)
        return 0;
    memcpy(copy, like.text, length);
    const struct text fresh = {.text = copy};
    found = add(builder, &builder->texts, &fresh, sizeof fresh);
    if (!found)
        free(copy);
    return found ? (int64_t)found->numbered.number : 0;
}

static size_t function_of(struct builder *builder, const char *name, const char *file) {
    const struct function like = {.name = text_of(builder, name), .file = text_of(builder, file)};
    struct function *found = table_find(&builder->functions, &like);
    if (!found)
        found = add(builder, &builder->functions, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

static int64_t build_id_of(struct builder *builder, const struct name *name) {
    char text[129] = "";
    for (int i = 0; i < name->build_id_bytes && i < 64; i++)
        snprintf(text + 2 * i, 3, "%02x", name->build_id[i]);
    return text_of(builder, text);
}

static size_t mapping_of(struct builder *builder, const struct name *name) {
    if (!name->mapped)
        return 0;
    const struct mapping like = {.start = name->start,
                                 .end = name->end,
                                 .file = text_of(builder, name->mapped),
                                 .build_id = build_id_of(builder, name)};
    struct mapping *found = table_find(&builder->mappings, &like);
    if (!found)
        found = add(builder, &builder->mappings, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

static uint64_t location_of_frame(struct builder *builder, const gait_profile_frame *frame) {
    const struct location like = {.function = function_of(builder, frame->function, frame->file),
                                  .line = frame->line};
    struct location *found = table_find(&builder->locations, &like);
    if (!found)
        found = add(builder, &builder->locations, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

/* An address to which a function returns: the call is before it. */
static uint64_t location_of_address(struct builder *builder, uintptr_t address) {
    struct location like = {.address = address - 1};
    struct location *found = table_find(&builder->locations, &like);
    if (found)
        return found->numbered.number + 1;
    struct name name = names_find(builder->names, address - 1);
    if (name.function)
        like.function = function_of(builder, name.function, name.file);
    like.line = name.line;
    like.mapping = mapping_of(builder, &name);
    found = add(builder, &builder->locations, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

/* ---- Samples ---- */

static int64_t whole(double value) { return value < 9e18 ? llround(value) : INT64_MAX; }

static void visit_site(const gait_profile_site *site, void *data) {
    struct builder *builder = data;
    const char *kind = site->kind < builder->kinds_count ? builder->kinds[site->kind].name : "";
    struct sample sample = {
        .values = {whole(site->alloc_objects), whole(site->alloc_bytes), whole(site->live_objects),
                   whole(site->live_bytes)},
        .kind = text_of(builder, kind),
        .depth = site->depth,
    };
    for (size_t i = 0; i < site->depth; i++)
        sample.locations[i] = site->frames ? location_of_frame(builder, &site->frames[i])
                                           : location_of_address(builder, site->addresses[i]);
    add(builder, &builder->samples, &sample, sizeof sample);
}

/* ---- The message ---- */

/* Room for so many messages of one kind and the list of pointers to them. */
static void **messages(struct builder *builder, size_t count, size_t bytes) {
    void **list = calloc(count + 1, sizeof *list + bytes);
    builder->failed |= !list;
    for (size_t i = 0; list && i < count; i++)
        list[i] = (char *)(list + count + 1) + i * bytes;
    return list;
}

#define MESSAGES(builder, list, count) ((list) = (void *)messages(builder, count, sizeof **(list)))

static void put_texts(struct builder *builder, Gait__Pprof__Profile *profile) {
    profile->n_string_table = builder->texts.count;
    profile->string_table = calloc(builder->texts.count + 1, sizeof *profile->string_table);
    builder->failed |= !profile->string_table;
    for (size_t i = 0; profile->string_table && i < builder->texts.count; i++)
        profile->string_table[i] = (char *)((struct text *)builder->texts.items[i])->text;
}

static void put_functions(struct builder *builder, Gait__Pprof__Profile *profile) {
    if (!MESSAGES(builder, profile->function, builder->functions.count))
        return;
    profile->n_function = builder->functions.count;
    for (size_t i = 0; i < builder->functions.count; i++) {
        const struct function *function = (struct function *)builder->functions.items[i];
        gait__pprof__function__init(profile->function[i]);
        profile->function[i]->id = i + 1;
        profile->function[i]->name = profile->function[i]->system_name = function->name;
        profile->function[i]->filename = function->file;
    }
}

static void put_mappings(struct builder *builder, Gait__Pprof__Profile *profile) {
    if (!MESSAGES(builder, profile->mapping, builder->mappings.count))
        return;
    profile->n_mapping = builder->mappings.count;
    for (size_t i = 0; i < builder->mappings.count; i++) {
        const struct mapping *mapping = (struct mapping *)builder->mappings.items[i];
        gait__pprof__mapping__init(profile->mapping[i]);
        profile->mapping[i]->id = i + 1;
        profile->mapping[i]->memory_start = mapping->start;
        profile->mapping[i]->memory_limit = mapping->end;
        profile->mapping[i]->filename = mapping->file;
        profile->mapping[i]->build_id = mapping->build_id;
        profile->mapping[i]->has_functions = true; /* what is not named here has no name */
    }
}

static void put_locations(struct builder *builder, Gait__Pprof__Profile *profile,
                          Gait__Pprof__Line **lines) {
    if (!lines || !MESSAGES(builder, profile->location, builder->locations.count))
        return;
    profile->n_location = builder->locations.count;
    for (size_t i = 0; i < builder->locations.count; i++) {
        const struct location *location = (struct location *)builder->locations.items[i];
        Gait__Pprof__Location *message = profile->location[i];
        gait__pprof__location__init(message);
        message->id = i + 1;
        message->address = location->address;
        message->mapping_id = location->mapping;
        if (location->function == 0)
            continue;
        gait__pprof__line__init(lines[i]);
        lines[i]->function_id = location->function;
        lines[i]->line = location->line;
        message->n_line = 1;
        message->line = &lines[i];
    }
}

static void put_samples(struct builder *builder, Gait__Pprof__Profile *profile,
                        Gait__Pprof__Label **labels, int64_t kind) {
    if (!labels || !MESSAGES(builder, profile->sample, builder->samples.count))
        return;
    profile->n_sample = builder->samples.count;
    for (size_t i = 0; i < builder->samples.count; i++) {
        struct sample *sample = (struct sample *)builder->samples.items[i];
        Gait__Pprof__Sample *message = profile->sample[i];
        gait__pprof__sample__init(message);
        gait__pprof__label__init(labels[i]);
        labels[i]->key = kind;
        labels[i]->str = sample->kind;
        message->n_label = 1;
        message->label = &labels[i];
        message->n_value = VALUES;
        message->value = sample->values;
        message->n_location_id = sample->depth;
        message->location_id = sample->locations;
    }
}

/* The message, packed. NULL: no memory. */
static unsigned char *pack(struct builder *builder, int64_t rate, unsigned view, size_t *bytes) {
    static const char *const views[VALUES][2] = {{"alloc_objects", "count"},
                                                 {"alloc_space", "bytes"},
                                                 {"inuse_objects", "count"},
                                                 {"inuse_space", "bytes"}};
    Gait__Pprof__Profile profile = GAIT__PPROF__PROFILE__INIT;
    Gait__Pprof__ValueType types[VALUES], period = GAIT__PPROF__VALUE_TYPE__INIT;
    Gait__Pprof__ValueType *type_list[VALUES];
    for (int i = 0; i < VALUES; i++) {
        gait__pprof__value_type__init(&types[i]);
        types[i].type = text_of(builder, views[i][0]);
        types[i].unit = text_of(builder, views[i][1]);
        type_list[i] = &types[i];
    }
    period.type = text_of(builder, "space");
    period.unit = text_of(builder, "bytes");
    profile.n_sample_type = VALUES;
    profile.sample_type = type_list;
    profile.period_type = &period;
    profile.period = rate;
    profile.default_sample_type = text_of(builder, views[view == GAIT_PPROF_ALLOCATED ? 1 : 3][0]);
    profile.time_nanos = (int64_t)time(NULL) * 1000000000;
    int64_t kind = text_of(builder, "kind");

    Gait__Pprof__Line **lines;
    Gait__Pprof__Label **labels;
    MESSAGES(builder, lines, builder->locations.count);
    MESSAGES(builder, labels, builder->samples.count);
    put_samples(builder, &profile, labels, kind);
    put_locations(builder, &profile, lines);
    put_functions(builder, &profile);
    put_mappings(builder, &profile);
    put_texts(builder, &profile);
    unsigned char *packed = NULL;
    if (!builder->failed) {
        *bytes = gait__pprof__profile__get_packed_size(&profile);
        packed = malloc(*bytes + 1);
        if (packed)
            gait__pprof__profile__pack(&profile, packed);
    }
    free(profile.sample), free(profile.location), free(profile.function), free(profile.mapping);
    free(profile.string_table), free(lines), free(labels);
    return packed;
}

/* As gzip does it. NULL: no memory. */
static void *compress_all(unsigned char *from, size_t count, size_t *bytes) {
    z_stream stream = {.next_in = from, .avail_in = (unsigned)count};
    if (count > UINT32_MAX / 2 || deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16,
                                               8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t room = deflateBound(&stream, count);
    unsigned char *to = malloc(room);
    stream.next_out = to;
    stream.avail_out = (unsigned)room;
    bool done = to && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *bytes = stream.total_out;
    deflateEnd(&stream);
    if (!done)
        free(to);
    return done ? to : NULL;
}

/* ---- All of it ---- */

static gait_kind_stats *read_kinds(gait_heap *heap, size_t *count) {
    gait_kind_stats *kinds = calloc(GAIT_KINDS_MAX, sizeof *kinds);
    if (kinds)
        *count = gait_read_kinds(heap, kinds, GAIT_KINDS_MAX);
    return kinds;
}

static void free_texts(struct table *texts) {
    for (size_t i = 0; i < texts->count; i++)
        free((char *)((struct text *)texts->items[i])->text);
}

void *gait_heap_profile(gait_heap *heap, unsigned view, size_t *bytes) {
    struct builder builder = {.texts.compare = compare_texts,
                              .functions.compare = compare_functions,
                              .mappings.compare = compare_mappings,
                              .locations.compare = compare_locations,
                              .samples.compare = compare_samples};
    gait_kind_stats *kinds = read_kinds(heap, &builder.kinds_count);
    builder.kinds = kinds;
    builder.failed = !kinds;
    builder.names = names_open();
    text_of(&builder, ""); /* number 0 */
    void *profile = NULL;
    size_t packed_bytes;
    if (kinds)
        gait_read_profile(heap, visit_site, &builder);
    unsigned char *packed =
        kinds ? pack(&builder, (int64_t)gait_profile_rate(heap), view, &packed_bytes) : NULL;
    if (packed)
        profile = compress_all(packed, packed_bytes, bytes);
    free(packed);
    free_texts(&builder.texts);
    table_free(&builder.texts), table_free(&builder.functions), table_free(&builder.mappings);
    table_free(&builder.locations), table_free(&builder.samples);
    names_close(builder.names);
    free(kinds);
    return profile;
}

int gait_write_heap_profile(gait_heap *heap, int descriptor) {
    size_t bytes, done = 0;
    char *profile = gait_heap_profile(heap, GAIT_PPROF_LIVE, &bytes);
    if (!profile)
        return GAIT_E_MEMORY;
    while (done < bytes) {
        ssize_t some = write(descriptor, profile + done, bytes - done);
        if (some < 0 && errno != EINTR)
            break;
        done += some > 0 ? (size_t)some : 0;
    }
    int error = errno;
    free(profile);
    errno = error;
    return done < bytes ? GAIT_E_FILE : 0;
}

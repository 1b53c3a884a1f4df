/* SPDX-License-Identifier: MIT */
/*
 * A heap profile as a message of pprof's format. See gait/pprof.h.
 *
 * Sites are visited: each becomes a sample, its frames become locations, functions and texts, each
 * of them once. Then the message is put together, packed and compressed. Of a stretch of time they
 * are visited at its begin and at its end: a sample has what it is then less what it was.
 */
#include <gait/pprof.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "builder.h"
#include "candidates.h"
#include "profile.pb-c.h"

enum { VALUES = 6, LABELS_MOST = 2, COMMENTS_MOST = 21 };

/* A kind and the function that allocates it: candidates.h. */
struct place {
    struct numbered numbered;
    int64_t kind;
    size_t function;
    struct place_sums sums;
};

struct label {
    int64_t key, text;
};

struct sample {
    struct numbered numbered;
    int64_t values[VALUES];
    struct label label;  /* what memory it is */
    struct place *place; /* NULL: not of objects */
    size_t depth;
    uint64_t locations[GAIT_PROFILE_DEPTH];
};

static int compare_places(const void *one, const void *other) {
    const struct place *a = one, *b = other;
    int kinds = builder_order((uint64_t)a->kind, (uint64_t)b->kind);
    return kinds ? kinds : builder_order(a->function, b->function);
}

/* Equal: of one site. */
static int compare_samples(const void *one, const void *other) {
    const struct sample *a = one, *b = other;
    int order = builder_order((uint64_t)a->label.text, (uint64_t)b->label.text);
    order = order ? order : builder_order((uint64_t)a->label.key, (uint64_t)b->label.key);
    order = order ? order : builder_order(a->depth, b->depth);
    for (size_t i = 0; order == 0 && i < a->depth; i++)
        order = builder_order(a->locations[i], b->locations[i]);
    return order;
}

/* ---- Samples ---- */

static int64_t whole(double value) {
    return value >= 9e18 ? INT64_MAX : (value <= -9e18 ? -INT64_MAX : llround(value));
}

static struct label label_of(struct builder *builder, const gait_profile_site *site) {
    const char *key = "kind", *text = site->tag && site->tag[0] ? site->tag : "(no name)";
    if (site->memory == GAIT_PROFILE_ARENA)
        key = "arena";
    else if (site->memory == GAIT_PROFILE_OFFHEAP)
        key = "offheap";
    else if (site->memory == GAIT_PROFILE_FOREIGN)
        key = "foreign";
    else
        text = site->kind < builder->kinds_count ? builder->kinds[site->kind].name : "";
    return (struct label){builder_text(builder, key), builder_text(builder, text)};
}

/* Add what a site of objects has to its place. */
static struct place *place_of(struct builder *builder, const gait_profile_site *site,
                              const struct sample *sample) {
    struct place like = {.kind = sample->label.text,
                         .function = builder_function_at(builder, sample->locations[0])};
    struct place *place = table_find(&builder->places, &like);
    if (!place)
        place = builder_add(builder, &builder->places, &like, sizeof like);
    if (place) {
        place->sums.objects += builder->sign * site->alloc_objects;
        place->sums.bytes += builder->sign * site->alloc_bytes;
        place->sums.short_bytes += builder->sign * site->short_bytes;
        place->sums.long_bytes += builder->sign * site->long_bytes;
    }
    return place;
}

/* Where foreign memory without a name is that is live: nobody knows. */
static const gait_profile_frame unnamed = {.function = "foreign memory without a name"};

static void add_sample(struct builder *builder, const struct sample *sample) {
    struct sample *found = table_find(&builder->samples, sample);
    if (!found) {
        builder_add(builder, &builder->samples, sample, sizeof *sample);
        return;
    }
    for (int i = 0; i < VALUES; i++)
        found->values[i] += sample->values[i];
}

static void visit_site(const gait_profile_site *site, void *data) {
    struct builder *builder = data;
    double sign = builder->sign;
    struct sample sample = {
        .values = {whole(sign * site->alloc_objects), whole(sign * site->alloc_bytes),
                   whole(sign * site->live_objects), whole(sign * site->live_bytes),
                   whole(sign * site->short_objects), whole(sign * site->short_bytes)},
        .label = label_of(builder, site),
        .depth = site->depth,
    };
    builder->all_bytes += sign * site->alloc_bytes;
    if (site->depth == 0) { /* tools leave out what has no function */
        sample.depth = 1;
        sample.locations[0] = builder_location_of_frame(builder, &unnamed);
    }
    for (size_t i = 0; i < site->depth; i++)
        sample.locations[i] = site->frames
                                  ? builder_location_of_frame(builder, &site->frames[i])
                                  : builder_location_of_address(builder, site->addresses[i]);
    if (site->memory == GAIT_PROFILE_OBJECTS && !builder->failed)
        sample.place = place_of(builder, site, &sample);
    if (!builder->failed)
        add_sample(builder, &sample);
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

static bool is_candidate(const struct builder *builder, const struct place *place) {
    return place && candidate_is(&place->sums, builder->all_bytes, builder->rate_bytes);
}

static void put_label(Gait__Pprof__Sample *sample, struct label label) {
    Gait__Pprof__Label *message = sample->label[sample->n_label++];
    gait__pprof__label__init(message);
    message->key = label.key;
    message->str = label.text;
}

/* Nothing has happened there. */
static bool is_still(const struct sample *sample) {
    for (int i = 0; i < VALUES; i++)
        if (sample->values[i] != 0)
            return false;
    return true;
}

static void put_samples(struct builder *builder, Gait__Pprof__Profile *profile,
                        Gait__Pprof__Label **labels) {
    const struct label candidate = {builder_text(builder, "candidate"),
                                    builder_text(builder, "arena")};
    if (!labels || !MESSAGES(builder, profile->sample, builder->samples.count))
        return;
    for (size_t i = 0; i < builder->samples.count; i++) {
        struct sample *sample = (struct sample *)builder->samples.items[i];
        if (is_still(sample))
            continue;
        Gait__Pprof__Sample *message = profile->sample[profile->n_sample++];
        gait__pprof__sample__init(message);
        message->label = &labels[LABELS_MOST * i];
        put_label(message, sample->label);
        if (is_candidate(builder, sample->place))
            put_label(message, candidate);
        message->n_value = VALUES;
        message->value = sample->values;
        message->n_location_id = sample->depth;
        message->location_id = sample->locations;
    }
}

/* ---- Comments: on the whole; candidates for arenas ---- */

static int by_bytes(const void *one, const void *other) {
    double a = (*(struct place *const *)one)->sums.bytes;
    double b = (*(struct place *const *)other)->sums.bytes;
    return (a < b) - (a > b);
}

static int64_t comment_of(struct builder *builder, const struct place *place) {
    char text[400];
    snprintf(text, sizeof text,
             "candidate for an arena: %.200s: %.0f objects of %.0f bytes (%.64s), of which %.0f %% "
             "died before the next cycle ended",
             builder_function_name(builder, place->function), place->sums.objects,
             place->sums.bytes / place->sums.objects, builder_text_at(builder, place->kind),
             candidate_short_percent(&place->sums));
    return builder_text(builder, text);
}

/* The largest ones first. */
static void put_comments(struct builder *builder, Gait__Pprof__Profile *profile,
                         int64_t comments[COMMENTS_MOST]) {
    struct place **places = calloc(builder->places.count + 1, sizeof *places);
    size_t count = 0;
    builder->failed |= !places;
    for (size_t i = 0; places && i < builder->places.count; i++) {
        struct place *place = (struct place *)builder->places.items[i];
        if (is_candidate(builder, place))
            places[count++] = place;
    }
    if (places)
        qsort(places, count, sizeof *places, by_bytes);
    profile->comment = comments;
    if (builder->note)
        comments[profile->n_comment++] = builder_text(builder, builder->note);
    for (size_t i = 0; i < count && profile->n_comment < COMMENTS_MOST && !builder->failed; i++)
        comments[profile->n_comment++] = comment_of(builder, places[i]);
    free(places);
}

/* The message, packed. NULL: no memory. */
static unsigned char *pack(struct builder *builder, unsigned view, size_t *bytes) {
    static const char *const views[VALUES][2] = {
        {"alloc_objects", "count"}, {"alloc_space", "bytes"},        {"inuse_objects", "count"},
        {"inuse_space", "bytes"},   {"shortlived_objects", "count"}, {"shortlived_space", "bytes"}};
    int64_t comments[COMMENTS_MOST];
    Gait__Pprof__Profile profile = GAIT__PPROF__PROFILE__INIT;
    Gait__Pprof__ValueType types[VALUES], period = GAIT__PPROF__VALUE_TYPE__INIT;
    Gait__Pprof__ValueType *type_list[VALUES];
    for (int i = 0; i < VALUES; i++) {
        gait__pprof__value_type__init(&types[i]);
        types[i].type = builder_text(builder, views[i][0]);
        types[i].unit = builder_text(builder, views[i][1]);
        type_list[i] = &types[i];
    }
    period.type = builder_text(builder, "space");
    period.unit = builder_text(builder, "bytes");
    profile.n_sample_type = VALUES;
    profile.sample_type = type_list;
    profile.period_type = &period;
    profile.period = (int64_t)builder->rate_bytes;
    profile.default_sample_type =
        builder_text(builder, views[view == GAIT_PPROF_ALLOCATED ? 1 : 3][0]);
    profile.time_nanos = builder->begin_ns;
    profile.duration_nanos = builder->duration_ns;

    Gait__Pprof__Line **lines;
    Gait__Pprof__Label **labels;
    MESSAGES(builder, lines, builder->locations.count);
    MESSAGES(builder, labels, LABELS_MOST * builder->samples.count);
    put_samples(builder, &profile, labels);
    put_comments(builder, &profile, comments);
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

/* An empty profile looks as if the program allocated nothing. */
static const char *note_on(size_t rate_before, size_t rate) {
    if (rate == 0)
        return "heap profiles are off: memprofilerate=0, of GAIT_DEBUG or set by the program";
    return rate_before ? NULL
                       : "samples are taken from now on: this is the first profile that "
                         "somebody asks for, and has nothing of what was allocated before";
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void begin(struct builder *builder, gait_heap *heap) {
    size_t rate_before = gait_profile_rate(heap), rate = gait_start_profile(heap);
    *builder = (struct builder){.samples.compare = compare_samples,
                                .places.compare = compare_places,
                                .rate_bytes = (double)rate,
                                .note = note_on(rate_before, rate),
                                .begin_ns = now_ns()};
    builder_open(builder);
}

static void visit(struct builder *builder, gait_heap *heap, double sign) {
    gait_kind_stats *kinds = read_kinds(heap, &builder->kinds_count);
    builder->kinds = kinds;
    builder->sign = sign;
    builder->failed |= !kinds;
    if (kinds)
        gait_read_profile(heap, visit_site, builder);
    builder->kinds = NULL;
    free(kinds);
}

/* NULL: no memory. */
static void *write_out(struct builder *builder, unsigned view, size_t *bytes) {
    size_t packed_bytes;
    unsigned char *packed = builder->failed ? NULL : pack(builder, view, &packed_bytes);
    void *profile = packed ? compress_all(packed, packed_bytes, bytes) : NULL;
    free(packed);
    return profile;
}

static void end(struct builder *builder) {
    table_free(&builder->samples), table_free(&builder->places);
    builder_close(builder);
}

void *gait_heap_profile(gait_heap *heap, unsigned view, size_t *bytes) {
    struct builder builder;
    begin(&builder, heap);
    visit(&builder, heap, 1);
    void *profile = write_out(&builder, view, bytes);
    end(&builder);
    return profile;
}

/* ---- Of a stretch of time ---- */

struct gait_profile_delta {
    gait_heap *heap;
    struct builder builder;
};

gait_profile_delta *gait_profile_delta_begin(gait_heap *heap) {
    gait_profile_delta *delta = malloc(sizeof *delta);
    if (!delta)
        return NULL;
    delta->heap = heap;
    begin(&delta->builder, heap);
    if (delta->builder.rate_bytes > 0)
        delta->builder.note = NULL; /* what was before is not in it in any case */
    visit(&delta->builder, heap, -1);
    return delta;
}

void *gait_profile_delta_end(gait_profile_delta *delta, unsigned view, size_t *bytes) {
    void *profile = NULL;
    if (bytes) {
        delta->builder.duration_ns = now_ns() - delta->builder.begin_ns;
        visit(&delta->builder, delta->heap, 1);
        profile = write_out(&delta->builder, view, bytes);
    }
    end(&delta->builder);
    free(delta);
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

/* A program that has this library may make profiles: as in Go, samples are taken from then on. */
__attribute__((constructor)) static void load(void) { gait_profile_by_default(); }

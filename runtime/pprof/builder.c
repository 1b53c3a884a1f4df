/* SPDX-License-Identifier: MIT */
/*
 * Numbered parts of a message. See builder.h.
 */
#include "builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_texts(const void *one, const void *other) {
    return strcmp(((const struct text *)one)->text, ((const struct text *)other)->text);
}

static int compare_functions(const void *one, const void *other) {
    const struct function *a = one, *b = other;
    int names = builder_order((uint64_t)a->name, (uint64_t)b->name);
    return names ? names : builder_order((uint64_t)a->file, (uint64_t)b->file);
}

static int compare_mappings(const void *one, const void *other) {
    return builder_order(((const struct mapping *)one)->start,
                         ((const struct mapping *)other)->start);
}

static int compare_locations(const void *one, const void *other) {
    const struct location *a = one, *b = other;
    int first = builder_order(a->address, b->address);
    if (first || a->address)
        return first;
    first = builder_order(a->function, b->function);
    return first ? first : builder_order((uint64_t)a->line, (uint64_t)b->line);
}

void *builder_add(struct builder *builder, struct table *table, const void *thing, size_t bytes) {
    void *added = table_add(table, thing, bytes);
    builder->failed |= !added;
    return added;
}

/* ---- Texts, functions, mappings, locations: each by its number ---- */

int64_t builder_text(struct builder *builder, const char *text) {
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
    found = builder_add(builder, &builder->texts, &fresh, sizeof fresh);
    if (!found)
        free(copy);
    return found ? (int64_t)found->numbered.number : 0;
}

static size_t function_of(struct builder *builder, const char *name, const char *file) {
    const struct function like = {.name = builder_text(builder, name),
                                  .file = builder_text(builder, file)};
    struct function *found = table_find(&builder->functions, &like);
    if (!found)
        found = builder_add(builder, &builder->functions, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

static int64_t build_id_of(struct builder *builder, const struct name *name) {
    char text[129] = "";
    for (int i = 0; i < name->build_id_bytes && i < 64; i++)
        snprintf(text + 2 * i, 3, "%02x", name->build_id[i]);
    return builder_text(builder, text);
}

static size_t mapping_of(struct builder *builder, const struct name *name) {
    if (!name->mapped)
        return 0;
    const struct mapping like = {.start = name->start,
                                 .end = name->end,
                                 .file = builder_text(builder, name->mapped),
                                 .build_id = build_id_of(builder, name)};
    struct mapping *found = table_find(&builder->mappings, &like);
    if (!found)
        found = builder_add(builder, &builder->mappings, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

uint64_t builder_location_of_frame(struct builder *builder, const gait_profile_frame *frame) {
    const struct location like = {.function = function_of(builder, frame->function, frame->file),
                                  .line = frame->line};
    struct location *found = table_find(&builder->locations, &like);
    if (!found)
        found = builder_add(builder, &builder->locations, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

/* An address to which a function returns: the call is before it. */
uint64_t builder_location_of_address(struct builder *builder, uintptr_t address) {
    struct location like = {.address = address - 1};
    struct location *found = table_find(&builder->locations, &like);
    if (found)
        return found->numbered.number + 1;
    struct name name = names_find(builder->names, address - 1);
    if (name.function)
        like.function = function_of(builder, name.function, name.file);
    like.line = name.line;
    like.mapping = mapping_of(builder, &name);
    found = builder_add(builder, &builder->locations, &like, sizeof like);
    return found ? found->numbered.number + 1 : 0;
}

const char *builder_text_at(const struct builder *builder, int64_t number) {
    return ((struct text *)builder->texts.items[number])->text;
}

size_t builder_function_at(const struct builder *builder, uint64_t location) {
    return location ? ((struct location *)builder->locations.items[location - 1])->function : 0;
}

const char *builder_function_name(const struct builder *builder, size_t function) {
    if (function == 0)
        return "(not known)";
    return builder_text_at(builder,
                           ((struct function *)builder->functions.items[function - 1])->name);
}

/* ---- All of it ---- */

void builder_open(struct builder *builder) {
    builder->texts.compare = compare_texts;
    builder->functions.compare = compare_functions;
    builder->mappings.compare = compare_mappings;
    builder->locations.compare = compare_locations;
    builder->names = names_open();
    builder_text(builder, ""); /* number 0 */
}

void builder_close(struct builder *builder) {
    for (size_t i = 0; i < builder->texts.count; i++)
        free((char *)builder_text_at(builder, (int64_t)i));
    table_free(&builder->texts), table_free(&builder->functions);
    table_free(&builder->mappings), table_free(&builder->locations);
    names_close(builder->names);
}

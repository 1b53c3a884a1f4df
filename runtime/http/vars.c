/* SPDX-License-Identifier: MIT */
/*
 * The figures of a heap as JSON. See vars.h.
 */
#include "vars.h"

#include <gait/profile.h>
#include <gait/stats.h>
#include <inttypes.h>
#include <stdlib.h>

/* A kind's name is the embedder's: what JSON does not take as it is, is escaped. */
static void write_text(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f)
            fprintf(out, "\\u%04x", byte);
        else
            fprintf(out, byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
    }
    fputc('"', out);
}

static void write_kinds(gait_heap *heap, FILE *out) {
    gait_kind_stats *kinds = calloc(GAIT_KINDS_MAX, sizeof *kinds);
    size_t count = kinds ? gait_read_kinds(heap, kinds, GAIT_KINDS_MAX) : 0;
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s\n  {\"name\": ", i ? "," : "");
        write_text(out, kinds[i].name);
        fprintf(out,
                ", \"objects\": %" PRIu64 ", \"object_bytes\": %" PRIu64
                ", \"span_bytes\": %" PRIu64 "}",
                kinds[i].objects, kinds[i].object_bytes, kinds[i].span_bytes);
    }
    free(kinds);
}

void vars_write(gait_heap *heap, FILE *out) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    fprintf(out, "{\"gait\": {\"version\": ");
    write_text(out, gait_version());
    fprintf(out, ",\n \"stats\": {");
    const char *comma = "";
#define WRITE(name, text)                                                                          \
    fprintf(out, "%s\n  \"%s\": %" PRIu64, comma, #name, stats.name);                              \
    comma = ",";
    GAIT_STATS(WRITE)
#undef WRITE
    fprintf(out, "},\n \"memprofilerate\": %zu,\n \"kinds\": [", gait_profile_rate(heap));
    write_kinds(heap, out);
    fprintf(out, "]}}\n");
}

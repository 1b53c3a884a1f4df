/* SPDX-License-Identifier: MIT */
/*
 * Recordings as files. See recording_file.h.
 */
#include "recording_file.h"

#include "command.h"
#include "demand.h"
#include "shown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** A file in memory. */
struct content {
    unsigned char *bytes;
    size_t size;
};

/** All of a file of which so many bytes have been read. */
static struct content read_content(FILE *file, const char *path, const char *head,
                                   size_t head_bytes) {
    size_t room = head_bytes + 65536, got;
    struct content content = {command_allocate(room, 1), head_bytes};
    memcpy(content.bytes, head, head_bytes);
    do {
        if (content.size == room) {
            room = room * 2 + 65536;
            content.bytes = command_grow(content.bytes, room, 1);
        }
        got = fread(content.bytes + content.size, 1, room - content.size, file);
        content.size += got;
    } while (got > 0);
    if (ferror(file))
        command_fail("%s: %s", path, strerror(errno));
    if (file != stdin)
        fclose(file);
    return content;
}

bool recording_begins(const char *bytes, size_t size) {
    size_t magic = sizeof(GAIT_PACERLOG_MAGIC) - 1;
    return size >= magic && memcmp(bytes, GAIT_PACERLOG_MAGIC, magic) == 0;
}

_Noreturn static void fail(const char *path, enum recording_fault fault, size_t at) {
    switch (fault) {
    case RECORDING_FOREIGN:
        command_fail("%s: no recording (GAIT_DEBUG=pacerlog=FILE makes one)", path);
    case RECORDING_VERSION:
        command_fail("%s: a recording of another version than %d", path, GAIT_PACERLOG_VERSION);
    case RECORDING_CUT:
        command_fail("%s: cut off inside its header", path);
    default:
        command_fail("%s: damaged at byte %zu", path, at);
    }
}

void recording_load_rest(FILE *file, const char *path, const char *head, size_t head_bytes,
                         struct recording *recording) {
    struct content content = read_content(file, path, head, head_bytes);
    size_t fault_at, size = content.size;
    enum recording_fault fault = recording_check(content.bytes, size, recording, &fault_at);
    if (!recording_is_usable(fault, fault_at)) {
        free(content.bytes);
        fail(path, fault, fault_at);
    }
    if (fault == RECORDING_CUT) {
        shown_line(stderr, "%s: cut off inside a record: used up to byte %zu of %zu", path,
                   fault_at, size);
        size = fault_at;
    }
    recording->samples = command_allocate(recording->sample_count, sizeof(*recording->samples));
    recording->cycles = command_allocate(recording->cycle_count, sizeof(*recording->cycles));
    recording_read(content.bytes, size, recording);
    free(content.bytes);
}

void recording_load(const char *path, struct recording *recording) {
    recording_load_rest(command_input(path), path, "", 0, recording);
}

void recording_free(struct recording *recording) {
    free(recording->samples);
    free(recording->cycles);
}

void recording_scenario(const struct recording *recording, const char *path, int32_t phases,
                        struct scenario *scenario) {
    recording_measure(recording, path, phases, true, scenario, NULL);
}

void recording_measure(const struct recording *recording, const char *path, int32_t phases,
                       bool calm, struct scenario *scenario, struct growth_point *measured) {
    const char *slash = strrchr(path, '/');
    size_t most =
        recording->sample_count < (size_t)phases ? recording->sample_count + 1 : (size_t)phases + 1;
    struct demand_cycle *cycles = command_allocate(recording->cycle_count, sizeof(*cycles));
    struct scenario_fault fault;
    scenario_init(scenario);
    scenario->phases = command_allocate(most, sizeof(*scenario->phases));
    snprintf(scenario->title, sizeof(scenario->title), "recorded in %.60s",
             slash ? slash + 1 : path);
    if (!demand_scenario(recording, calm, cycles, phases, scenario, measured))
        command_fail("%s: no cycle was recorded: nothing is known of what lives", path);
    if (!scenario_check(scenario, &fault))
        command_fail("%s: no scenario comes of it: %s is out of range", path,
                     fault.key ? fault.key->name : "phase");
    free(cycles);
}

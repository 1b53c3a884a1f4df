/* SPDX-License-Identifier: MIT */
/*
 * Recordings as files. See recording_file.h.
 */
#include "recording_file.h"

#include "command.h"
#include "demand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** A file in memory. */
struct content {
    unsigned char *bytes;
    size_t size;
};

static FILE *open_file(const char *path) {
    struct stat status;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        command_fail("%s: %s", path, strerror(errno));
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        command_fail("%s: %s", path, strerror(EISDIR));
    return file;
}

static struct content read_content(const char *path) {
    struct content content = {NULL, 0};
    FILE *file = open_file(path);
    size_t room = 0, got;
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

bool recording_is(const char *path) {
    struct stat status;
    char magic[sizeof(GAIT_PACERLOG_MAGIC) - 1];
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    FILE *file = fopen(path, "rb");
    bool is = file && fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
              memcmp(magic, GAIT_PACERLOG_MAGIC, sizeof(magic)) == 0;
    if (file)
        fclose(file);
    return is;
}

_Noreturn static void fail(const char *path, enum recording_fault fault, size_t at) {
    switch (fault) {
    case RECORDING_FOREIGN:
        command_fail("%s: no recording (GAIT_DEBUG=pacerlog=FILE makes one)", path);
    case RECORDING_VERSION:
        command_fail("%s: a recording of another version than %d", path, GAIT_PACERLOG_VERSION);
    case RECORDING_CUT:
        command_fail("%s: cut off inside a record; the first %zu bytes are whole", path, at);
    default:
        command_fail("%s: damaged at byte %zu", path, at);
    }
}

void recording_load(const char *path, struct recording *recording) {
    struct content content = read_content(path);
    size_t fault_at;
    enum recording_fault fault = recording_check(content.bytes, content.size, recording, &fault_at);
    if (fault != RECORDING_GOOD)
        fail(path, fault, fault_at);
    recording->samples = command_allocate(recording->sample_count, sizeof(*recording->samples));
    recording->cycles = command_allocate(recording->cycle_count, sizeof(*recording->cycles));
    recording_read(content.bytes, content.size, recording);
    free(content.bytes);
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

/* SPDX-License-Identifier: MIT */
/*
 * Recordings. See recording.h.
 */
#include "recording.h"

#include <string.h>

#define NS_PER_S 1e9
/** No figure is larger: sums of some still fit. */
#define MOST (INT64_C(1) << 58)
/** A recording is no longer than 30 days, so that replaying it ends; nor has its program at any
 * time had more CPU time than 1024 CPUs give until a second later, or allocated more than 64 GiB
 * and 1 TiB per CPU-second. */
#define MOST_NS (INT64_C(30) * 24 * 3600 * 1000000000)
#define MOST_CPUS 1024
#define MOST_ALLOCATED (INT64_C(1) << 36)
#define MOST_ALLOCATED_PER_NS 1024
/** A sample may be so much older than the one before it in the file. */
#define RECORDING_OVERTAKE_NS INT64_C(1000000000)

/* ---- Decoding ----------------------------------------------------------- */

static uint64_t number(const unsigned char *bytes, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/** As many fields as there are bytes for; the others are 0. */
static void fields(const unsigned char *bytes, size_t size, int64_t *out, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] = 8 * i + 8 <= size ? (int64_t)number(bytes + 8 * i, 8) : 0;
}

#define FIELDS(bytes, size, out) fields(bytes, size, (int64_t *)(out), sizeof(*(out)) / 8)

/** Are all fields figures that a program may have? */
static bool are_plausible(const int64_t *fields, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (fields[i] < 0 || fields[i] > MOST)
            return false;
    return true;
}

#define ARE_PLAUSIBLE(out) are_plausible((const int64_t *)(out), sizeof(*(out)) / 8)

static bool sample_is_plausible(struct gait_pacerlog_sample sample) {
    sample.goal_bytes = sample.trigger_bytes = 0; /* these may be none */
    return ARE_PLAUSIBLE(&sample) && sample.time_ns <= MOST_NS &&
           sample.process_cpu_ns / MOST_CPUS <= sample.time_ns + (int64_t)NS_PER_S &&
           (recording_allocated(&sample) - MOST_ALLOCATED) / MOST_ALLOCATED_PER_NS <=
               sample.process_cpu_ns;
}

static bool cycle_is_plausible(struct gait_pacerlog_cycle cycle) {
    cycle.goal_bytes = cycle.trigger_bytes = 0;
    return ARE_PLAUSIBLE(&cycle) && cycle.end_ns >= cycle.start_ns;
}

/** A record: where it lies, and what it is. */
struct record_head {
    const unsigned char *fields;
    size_t fields_bytes;
    unsigned type;
    uint32_t lost;
};

/** The record at `at`, and its length. */
static enum recording_fault record_at(const unsigned char *bytes, size_t size, size_t at,
                                      struct record_head *head, size_t *length) {
    if (size - at < GAIT_PACERLOG_HEAD_BYTES)
        return RECORDING_CUT;
    *length = (size_t)number(bytes + at + 2, 2);
    if (*length < GAIT_PACERLOG_HEAD_BYTES)
        return RECORDING_BROKEN;
    if (*length > size - at)
        return RECORDING_CUT;
    *head = (struct record_head){
        .fields = bytes + at + GAIT_PACERLOG_HEAD_BYTES,
        .fields_bytes = *length - GAIT_PACERLOG_HEAD_BYTES,
        .type = (unsigned)number(bytes + at, 2),
        .lost = (uint32_t)number(bytes + at + 4, 4),
    };
    return RECORDING_GOOD;
}

static enum recording_fault header_check(const unsigned char *bytes, size_t size,
                                         struct recording *recording, size_t *at) {
    size_t magic = size < 8 ? size : 8;
    *at = 0;
    if (size == 0 || memcmp(bytes, GAIT_PACERLOG_MAGIC, magic) != 0)
        return RECORDING_FOREIGN;
    if (size < GAIT_PACERLOG_PREFIX_BYTES)
        return RECORDING_CUT;
    if (number(bytes + 8, 4) != GAIT_PACERLOG_VERSION)
        return RECORDING_VERSION;
    size_t header = (size_t)number(bytes + 12, 4);
    if (header < GAIT_PACERLOG_PREFIX_BYTES + GAIT_PACERLOG_TEXT_BYTES)
        return RECORDING_BROKEN;
    if (header > size)
        return RECORDING_CUT;
    size_t text = header - GAIT_PACERLOG_TEXT_BYTES;
    FIELDS(bytes + GAIT_PACERLOG_PREFIX_BYTES, text - GAIT_PACERLOG_PREFIX_BYTES,
           &recording->header);
    memcpy(recording->gait_version, bytes + text, GAIT_PACERLOG_TEXT_BYTES);
    *at = header;
    return RECORDING_GOOD;
}

/** Look at a record that is whole. *last_ns: the latest sample. @return whether it can be true. */
static bool record_check(const struct record_head *head, struct recording *recording,
                         int64_t *last_ns) {
    struct gait_pacerlog_sample sample;
    struct gait_pacerlog_cycle cycle;
    recording->lost += head->lost;
    switch (head->type) {
    case GAIT_PACERLOG_IS_SAMPLE:
        FIELDS(head->fields, head->fields_bytes, &sample);
        recording->sample_count++;
        /* two threads take samples: one may overtake the other by moments */
        if (!sample_is_plausible(sample) || sample.time_ns < *last_ns - RECORDING_OVERTAKE_NS)
            return false;
        *last_ns = sample.time_ns > *last_ns ? sample.time_ns : *last_ns;
        return true;
    case GAIT_PACERLOG_IS_CYCLE:
        FIELDS(head->fields, head->fields_bytes, &cycle);
        recording->cycle_count++;
        return cycle_is_plausible(cycle);
    case GAIT_PACERLOG_IS_SETTINGS:
        recording->settings_count++;
        return true;
    case GAIT_PACERLOG_IS_END:
        recording->ended = true;
        return true;
    default:
        return true;
    }
}

enum recording_fault recording_check(const unsigned char *bytes, size_t size,
                                     struct recording *recording, size_t *fault_at) {
    memset(recording, 0, sizeof(*recording));
    enum recording_fault fault = header_check(bytes, size, recording, fault_at);
    struct record_head head;
    int64_t last_ns = 0;
    for (size_t length; fault == RECORDING_GOOD && *fault_at < size; *fault_at += length) {
        fault = record_at(bytes, size, *fault_at, &head, &length);
        if (fault == RECORDING_GOOD && !record_check(&head, recording, &last_ns))
            fault = RECORDING_BROKEN;
        if (fault != RECORDING_GOOD)
            return fault;
    }
    return fault;
}

bool recording_is_usable(enum recording_fault fault, size_t fault_at) {
    return fault == RECORDING_GOOD || (fault == RECORDING_CUT && fault_at > 0);
}

/** What only grows is not below what it was in the sample before. */
static void sample_mend(struct gait_pacerlog_sample *sample,
                        const struct gait_pacerlog_sample *before) {
#define GROWS(name)                                                                                \
    if (sample->name < before->name)                                                               \
    sample->name = before->name
    GROWS(time_ns);
    GROWS(process_cpu_ns);
    GROWS(cpu_assist_ns);
    GROWS(cpu_dedicated_ns);
    GROWS(cpu_fractional_ns);
    GROWS(cpu_idle_ns);
    GROWS(cpu_sweep_ns);
    GROWS(cpu_scavenge_ns);
    GROWS(cpu_rest_ns);
    GROWS(allocated_scannable_bytes);
    GROWS(allocated_leaf_bytes);
    GROWS(allocated_foreign_bytes);
    GROWS(limiter_ns);
#undef GROWS
}

void recording_read(const unsigned char *bytes, size_t size, struct recording *recording) {
    struct record_head head;
    size_t samples = 0, cycles = 0;
    size_t length;
    for (size_t at = (size_t)number(bytes + 12, 4); at < size; at += length) {
        if (record_at(bytes, size, at, &head, &length) != RECORDING_GOOD)
            return; /* not the file that was checked */
        if (head.type == GAIT_PACERLOG_IS_SAMPLE) {
            struct gait_pacerlog_sample *sample = &recording->samples[samples];
            FIELDS(head.fields, head.fields_bytes, sample);
            if (samples++ > 0)
                sample_mend(sample, sample - 1);
        } else if (head.type == GAIT_PACERLOG_IS_CYCLE) {
            FIELDS(head.fields, head.fields_bytes, &recording->cycles[cycles++]);
        }
    }
}

/* ---- Figures ------------------------------------------------------------ */

int64_t recording_gc_cpu_ns(const struct gait_pacerlog_sample *sample) {
    return sample->cpu_assist_ns + sample->cpu_dedicated_ns + sample->cpu_fractional_ns +
           sample->cpu_idle_ns + sample->cpu_sweep_ns + sample->cpu_scavenge_ns;
}

int64_t recording_allocated(const struct gait_pacerlog_sample *sample) {
    return sample->allocated_scannable_bytes + sample->allocated_leaf_bytes +
           sample->allocated_foreign_bytes;
}

struct recording_total recording_total(const struct recording *recording) {
    struct recording_total total = {.cycles = (double)recording->cycle_count};
    if (recording->sample_count == 0)
        return total;
    const struct gait_pacerlog_sample *last = &recording->samples[recording->sample_count - 1];
    double gc_ns = (double)recording_gc_cpu_ns(last), process_ns = (double)last->process_cpu_ns;
    total.wall_s = (double)last->time_ns / NS_PER_S;
    total.gc_cpu_s = gc_ns / NS_PER_S;
    total.program_cpu_s = process_ns > gc_ns ? (process_ns - gc_ns) / NS_PER_S : 0;
    total.gc_share = process_ns > 0 ? gc_ns / process_ns : 0;
    total.allocated_bytes = (double)recording_allocated(last);
    total.limiting_s = (double)last->limiter_ns / NS_PER_S;
    for (size_t i = 0; i < recording->sample_count; i++) {
        const struct gait_pacerlog_sample *sample = &recording->samples[i];
        if (total.peak_heap_bytes < (double)sample->live_bytes)
            total.peak_heap_bytes = (double)sample->live_bytes;
        if (total.peak_total_bytes < (double)sample->peak_total_bytes)
            total.peak_total_bytes = (double)sample->peak_total_bytes;
    }
    for (size_t i = 0; i < recording->cycle_count; i++) {
        const struct gait_pacerlog_cycle *cycle = &recording->cycles[i];
        if (total.peak_heap_bytes < (double)cycle->peak_bytes)
            total.peak_heap_bytes = (double)cycle->peak_bytes;
        total.forced_cycles += (cycle->flags & GAIT_PACERLOG_FORCED) != 0;
    }
    return total;
}

/* SPDX-License-Identifier: MIT */
/*
 * Runs a scenario and keeps what happened.
 */
#include "record.h"

#include "command.h"

#include <stdlib.h>

/** Steps between two looks at the clock: a few ms. */
#define RECORD_STEPS 10000

const char *const RECORD_PURPOSES[MODEL_PURPOSES] = {
    [MODEL_ASSIST] = "assist", [MODEL_DEDICATED] = "dedicated", [MODEL_FRACTIONAL] = "fractional",
    [MODEL_IDLE] = "idle",     [MODEL_SWEEP] = "sweep",         [MODEL_SCAVENGE] = "scavenge",
    [MODEL_FIXED] = "fixed",
};

static void keep_cycle(void *context, const struct model_cycle *cycle) {
    struct record *record = context;
    if (record->cycle_count == record->cycle_most)
        return;
    if (record->cycle_count == record->cycle_room) {
        record->cycle_room = record->cycle_room * 2 + 64;
        record->cycles = command_grow(record->cycles, record->cycle_room, sizeof(*record->cycles));
    }
    record->cycles[record->cycle_count++] = *cycle;
}

/** Make room: drop every second sample, and from now on keep half as many. */
static void thin_samples(struct record *record) {
    for (size_t i = 0; 2 * i < record->sample_count; i++)
        record->samples[i] = record->samples[2 * i];
    record->sample_count = (record->sample_count + 1) / 2;
    record->sample_step *= 2;
}

static void keep_sample(void *context, const struct model_sample *sample) {
    struct record *record = context;
    if (record->samples_seen++ % record->sample_step != 0)
        return;
    if (record->sample_count == RECORD_MOST_SAMPLES)
        thin_samples(record);
    if (record->sample_count == record->sample_room) {
        record->sample_room = record->sample_room * 2 + 256;
        record->samples =
            command_grow(record->samples, record->sample_room, sizeof(*record->samples));
    }
    record->samples[record->sample_count++] = *sample;
}

void record_run(struct record *record, const struct scenario *scenario, size_t most_cycles,
                double sample_s) {
    *record = (struct record){.scenario = scenario, .kind = scenario->model, .sample_step = 1};
    record->cycle_most = most_cycles < RECORD_MOST_CYCLES ? most_cycles : RECORD_MOST_CYCLES;
    struct model_sink sink = {.context = record, .cycle = keep_cycle, .sample_s = sample_s};
    if (sample_s > 0)
        sink.sample = keep_sample;
    struct model model;
    struct progress progress;
    progress_begin(&progress, "simulating");
    model_init(&model, scenario->model, scenario, &sink);
    while (model_advance(&model, RECORD_STEPS))
        progress_show(&progress, model_progress(&model));
    progress_end(&progress);
    record->result = model.result;
}

void record_free(struct record *record) {
    free(record->cycles);
    free(record->samples);
}

int record_summary(const struct model_result *result, struct summary_line lines[RECORD_SUMMARY]) {
    static const char *const purposes[MODEL_PURPOSES] = {
        [MODEL_ASSIST] = "assist_cpu_s",         [MODEL_DEDICATED] = "dedicated_cpu_s",
        [MODEL_FRACTIONAL] = "fractional_cpu_s", [MODEL_IDLE] = "idle_cpu_s",
        [MODEL_SWEEP] = "sweep_cpu_s",           [MODEL_SCAVENGE] = "scavenge_cpu_s",
        [MODEL_FIXED] = "fixed_cpu_s",
    };
    const struct summary_line first[] = {
        {"cycles", (double)result->cycles},
        {"wall_s", result->wall_s},
        {"program_s", result->program_s},
        {"program_cpu_s", result->program_cpu_s},
        {"gc_cpu_s", result->gc_cpu_s},
        {"gc_share", result->gc_share},
        {"allocated_bytes", result->allocated_bytes},
        {"peak_heap_bytes", result->peak_heap_bytes},
        {"peak_reachable_bytes", result->peak_reachable_bytes},
        {"peak_total_bytes", result->peak_total_bytes},
        {"peak_process_bytes", result->peak_process_bytes},
        {"mean_total_bytes", result->mean_total_bytes},
        {"limiting_s", result->limiting_s},
        {"stalled_s", result->stalled_s},
        {"notices_high", (double)result->notices_high},
        {"high_s", result->high_s},
        {"notices_limited", (double)result->notices_limited},
        {"pause_max_s", result->pause_max_s},
        {"float", model_float(result)},
        {"finished", (double)result->finished},
    };
    int count = 0;
    for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
        lines[count++] = first[i];
    for (int i = 0; i < MODEL_PURPOSES; i++)
        lines[count++] = (struct summary_line){purposes[i], result->cpu_s[i]};
    return count;
}

/* SPDX-License-Identifier: MIT */
/*
 * The books of a run: time and CPU time as they pass, peaks, samples, cycles, the result.
 *
 * Invariant: result.wall_s == now_s; every CPU-second is entered once.
 */
#include "../notice.h"
#include "engine.h"

#include <string.h>

struct model_memory ledger_memory(const struct model *model) {
    const struct model_rates *rates = &model->program.rates;
    struct model_memory memory = {
        .heap = model->heap,
        .reachable = program_reachable(&model->program),
        .off_heap = rates->off_heap,
        .arenas = rates->arenas,
        .foreign = rates->foreign,
    };
    if (model->kind == MODEL_FULL) {
        memory.spans = pages_in_spans(&model->pages);
        memory.free = model->pages.free;
        memory.metadata = (memory.spans + memory.free) * model->pages.metadata;
        memory.spans += rates->counted;
    } else {
        memory.spans = memory.heap;
    }
    memory.total = memory.spans + memory.free + memory.metadata + memory.off_heap + memory.arenas;
    return memory;
}

void ledger_time(struct model *model, double seconds, double program_cpu) {
    model->now_s += seconds;
    model->result.wall_s = model->now_s;
    model->result.program_cpu_s += program_cpu * seconds;
    if (model->governor.limiting)
        model->result.limiting_s += seconds;
    if (model->high)
        model->result.high_s += seconds;
    model->total_integral += ledger_memory(model).total * seconds;
}

void ledger_gc(struct model *model, enum model_purpose purpose, double cpu_s) {
    model->result.cpu_s[purpose] += cpu_s;
    model->result.gc_cpu_s += cpu_s;
}

void ledger_pause(struct model *model, double seconds) {
    model->pause_s = engine_max(model->pause_s, seconds);
    model->result.pause_max_s = engine_max(model->result.pause_max_s, seconds);
}

static double ledger_bucket(const struct gait_limiter *limiter) {
    return limiter->capacity_ns > 0 ? (double)limiter->fill_ns / (double)limiter->capacity_ns : 0;
}

static struct gait_pacer_target ledger_target(const struct model *model) {
    if (model->kind == MODEL_IDEAL)
        return gait_pacer_target(&model->ideal.pacer);
    struct gait_governor_orders orders = gait_governor_orders(&model->governor);
    return (struct gait_pacer_target){orders.trigger_bytes, orders.goal_bytes};
}

void ledger_sample(struct model *model) {
    if (!model->sink.sample)
        return;
    struct gait_pacer_target target = ledger_target(model);
    const struct model_result *now = &model->result, *before = &model->sampled;
    struct model_sample sample = {
        .time_s = model->now_s,
        .program_s = model->program.now_s,
        .phase = model->program.phase - program_ended(&model->program),
        .marking = model->is_marking,
        .limiting = model->governor.limiting,
        .high = model->high,
        .memory = ledger_memory(model),
        .trigger_bytes = (double)target.trigger_bytes,
        .goal_bytes = (double)target.goal_bytes,
        .limit_bytes = (double)model->scenario->settings.memory_limit,
        .notice_bytes = (double)model->notice_at_bytes,
        .bucket = ledger_bucket(&model->governor.limiter),
        .pause_s = model->pause_s,
    };
    double seconds = now->wall_s - before->wall_s;
    if (seconds > 0) {
        sample.program_cpu = (now->program_cpu_s - before->program_cpu_s) / seconds;
        for (int i = 0; i < MODEL_PURPOSES; i++)
            sample.cpu[i] = (now->cpu_s[i] - before->cpu_s[i]) / seconds;
        model->sampled = *now;
    }
    model->pause_s = 0;
    model->sink.sample(model->sink.context, &sample);
}

/** What the program is told of, as it comes about. */
static void ledger_notice(struct model *model, double total) {
    bool high = gait_governor_is_high(model->high, engine_u64(total), model->notice_at_bytes);
    bool limited = model->governor.limiting;
    model->result.notices_high += high && !model->high;
    model->result.notices_limited += limited && !model->limited;
    model->high = high;
    model->limited = limited;
}

void ledger_look(struct model *model) {
    struct model_memory memory = ledger_memory(model);
    struct model_result *result = &model->result;
    ledger_notice(model, memory.total);
    result->peak_heap_bytes = engine_max(result->peak_heap_bytes, memory.heap);
    result->peak_reachable_bytes = engine_max(result->peak_reachable_bytes, memory.reachable);
    result->peak_total_bytes = engine_max(result->peak_total_bytes, memory.total);
    result->peak_process_bytes =
        engine_max(result->peak_process_bytes, memory.total + memory.foreign);
    if (model->is_marking && (double)model->marking.record.total_bytes < memory.total)
        model->marking.record.total_bytes = engine_u64(memory.total);
    if (model->sink.sample_s > 0 && model->now_s >= model->next_sample_s) {
        model->next_sample_s =
            (floor(model->now_s / model->sink.sample_s) + 1) * model->sink.sample_s;
        ledger_sample(model);
    }
}

void ledger_cycle(struct model *model, struct model_cycle *cycle) {
    struct model_result *result = &model->result;
    cycle->number = ++result->cycles;
    result->marked_bytes += (double)cycle->marked_bytes;
    result->live_bytes += (double)cycle->live_bytes;
    cycle->cpu_s[MODEL_SWEEP] = result->cpu_s[MODEL_SWEEP] - model->swept_cpu_s;
    cycle->cpu_s[MODEL_SCAVENGE] = result->cpu_s[MODEL_SCAVENGE] - model->scavenged_cpu_s;
    model->swept_cpu_s = result->cpu_s[MODEL_SWEEP];
    model->scavenged_cpu_s = result->cpu_s[MODEL_SCAVENGE];
    if (model->sink.cycle)
        model->sink.cycle(model->sink.context, cycle);
}

void ledger_close(struct model *model, bool finished) {
    struct model_result *result = &model->result;
    double used = result->program_cpu_s + result->gc_cpu_s;
    result->finished = finished;
    result->program_s = model->program.now_s;
    result->gc_share = used > 0 ? result->gc_cpu_s / used : 0;
    result->mean_total_bytes =
        result->wall_s > 0 ? model->total_integral / result->wall_s : result->peak_total_bytes;
    model->done = true;
    ledger_sample(model);
}

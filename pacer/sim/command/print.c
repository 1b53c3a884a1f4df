/* SPDX-License-Identifier: MIT */
/*
 * A run for the screen: a table of cycles, and a summary in words.
 */
#include "record.h"
#include "shown.h"
#include "units.h"

#include <inttypes.h>

#define MIB 1048576.0

static double mib(uint64_t bytes) { return (double)bytes / MIB; }

static double ms(double seconds) { return seconds * 1000; }

static void print_heading(void) {
    printf("%6s %9s %8s %8s | %8s %8s %8s %8s %8s %8s %8s | %8s %8s %8s %8s %8s | %5s %s\n",
           "cycle", "start", "mark", "pause", "trigger", "start", "peak", "goal", "marked", "live",
           "total", "assist", "backgr.", "idle", "sweep", "fixed", "GC", "");
    printf("%6s %9s %8s %8s | %8s %8s %8s %8s %8s %8s %8s | %8s %8s %8s %8s %8s | %5s %s\n", "",
           "s", "ms", "ms", "MiB", "MiB", "MiB", "MiB", "MiB", "MiB", "MiB", "CPU-ms", "CPU-ms",
           "CPU-ms", "CPU-ms", "CPU-ms", "CPU%", "");
}

static void print_cycle(const struct model_cycle *cycle) {
    const double *cpu_s = cycle->cpu_s;
    printf("%6" PRId64 " %9.3f %8.3f %8.3f | %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f | %8.3f "
           "%8.3f %8.3f %8.3f %8.3f | %5.1f%s%s%s%s%s%s%s\n",
           cycle->number, cycle->start_s, ms(cycle->mark_s), ms(cycle->pause_s),
           mib(cycle->trigger_bytes), mib(cycle->start_bytes), mib(cycle->peak_bytes),
           mib(cycle->goal_bytes), mib(cycle->marked_bytes), mib(cycle->live_bytes),
           mib(cycle->total_bytes), ms(cpu_s[MODEL_ASSIST]),
           ms(cpu_s[MODEL_DEDICATED] + cpu_s[MODEL_FRACTIONAL]), ms(cpu_s[MODEL_IDLE]),
           ms(cpu_s[MODEL_SWEEP]), ms(cpu_s[MODEL_FIXED]), cycle->utilization * 100,
           cycle->by_limit ? " limit" : "", cycle->by_floor ? " floor" : "",
           cycle->limited ? " limited" : "", cycle->stalled_s > 0 ? " stalled" : "",
           cycle->periodic ? " periodic" : "", cycle->forced ? " forced" : "",
           cycle->minor ? " minor" : "");
}

static void print_settings(const struct scenario *scenario) {
    char gogc[UNITS_TEXT], limit[UNITS_TEXT];
    shown_put(stdout, scenario->title);
    printf("%smodel %s, GOGC %s, memory limit %s, %" PRId64 " CPUs\n\n",
           scenario->title[0] ? ": " : "", scenario_model_name(scenario->model),
           units_gogc(scenario->settings.gogc, gogc),
           units_limit(scenario->settings.memory_limit, limit), scenario->machine.cpus);
}

static void print_result(const struct model_result *result) {
    const double *cpu_s = result->cpu_s;
    printf("\n%" PRId64 " cycles in %.3f s", result->cycles, result->wall_s);
    if (result->finished)
        printf("; without a collector it takes %.3f s\n", result->program_s);
    else
        printf("; given up: the program has come to %.3f s of its own time\n", result->program_s);
    printf("GC CPU time    %.3f s, %.1f %% of all (assists %.3f, background %.3f, idle %.3f, sweep "
           "%.3f, scavenge %.3f, fixed %.3f)\n",
           result->gc_cpu_s, result->gc_share * 100, cpu_s[MODEL_ASSIST],
           cpu_s[MODEL_DEDICATED] + cpu_s[MODEL_FRACTIONAL], cpu_s[MODEL_IDLE], cpu_s[MODEL_SWEEP],
           cpu_s[MODEL_SCAVENGE], cpu_s[MODEL_FIXED]);
    printf("peak memory    %.2f MiB live heap, %.2f MiB of it reachable; %.2f MiB under the limit "
           "(%.2f on average), %.2f MiB with foreign\n",
           result->peak_heap_bytes / MIB, result->peak_reachable_bytes / MIB,
           result->peak_total_bytes / MIB, result->mean_total_bytes / MIB,
           result->peak_process_bytes / MIB);
    printf("floating       %.2f of what was live was marked, over all cycles\n",
           model_float(result));
    printf(
        "standing still %.3f ms at most for a pause; %.3f s at the memory limit; %.3f s with the "
        "CPU limiter\n",
        ms(result->pause_max_s), result->stalled_s, result->limiting_s);
    if (result->notices_high + result->notices_limited > 0)
        printf("told           %" PRId64 " times that memory is high, for %.3f s; %" PRId64
               " times that the CPU limiter limits\n",
               result->notices_high, result->high_s, result->notices_limited);
}

void record_print(const struct record *record, size_t most) {
    print_settings(record->scenario);
    if (most > 0 && record->cycle_count > 0)
        print_heading();
    for (size_t i = 0; i < record->cycle_count && i < most; i++)
        print_cycle(&record->cycles[i]);
    int64_t shown = (int64_t)(record->cycle_count < most ? record->cycle_count : most);
    if (record->result.cycles > shown)
        printf("%6s %" PRId64 " more cycles (--cycles all)\n", "...",
               record->result.cycles - shown);
    print_result(&record->result);
}

/* SPDX-License-Identifier: MIT */
/*
 * Prints the reference of all metrics. check-written compares it with what the documents say.
 */
#include <gait/metrics.h>
#include <stdio.h>

static const char *type_of(const gait_metric *metric) {
    if (metric->type == GAIT_METRIC_HISTOGRAM)
        return "histogram";
    return metric->cumulative ? "counter" : "gauge";
}

int main(void) {
    printf("| Metric | | What it is |\n|---|---|---|\n");
    for (size_t i = 0; gait_describe_metric(i); i++)
        printf("| `%s` | %s | %s |\n", gait_describe_metric(i)->name,
               type_of(gait_describe_metric(i)), gait_describe_metric(i)->help);
    return fclose(stdout) == 0 ? 0 : 1;
}

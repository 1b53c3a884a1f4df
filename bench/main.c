/* SPDX-License-Identifier: MIT */
/* Runs the workload that the first argument names; the others are its parameters. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "main.h"
#include "peer.h"

static const struct {
    const char *name;
    void (*run)(void);
} workloads[] = {
    {"trees", trees_main},         {"mark", mark_main},
    {"alloc", alloc_main},         {"churn", churn_main},
    {"gcbench", gcbench_main},     {"objects", objects_main},
    {"parser", parser_main},       {"list", list_main},
    {"fill", fill_main},           {"persistent", persistent_main},
    {"queue", queue_main},         {"cache", cache_main},
    {"documents", documents_main}, {"texts", texts_main},
    {"mutate", mutate_main},       {"weak", weak_main},
    {"sizes", sizes_main},         {"words", words_main},
    {"store", store_main},         {"start", start_main},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof workloads[0]; i++)
        if (strcmp(argv[1], workloads[i].name) == 0) {
            bench_set_parameters(argv + 2);
            bench_start.rss_before_mib = bench_rss_mib();
            uint64_t start_ns = bench_now_ns();
            peer_start();
            bench_start.took_us = (double)(bench_now_ns() - start_ns) / 1e3;
            workloads[i].run();
            peer_report();
            return 0;
        }
    fprintf(stderr, "usage: %s", argv[0]);
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
        fprintf(stderr, "%c%s", i ? '|' : ' ', workloads[i].name);
    fprintf(stderr, " [name=value …]\n");
    return 2;
}

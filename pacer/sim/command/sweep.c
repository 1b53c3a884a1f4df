/* SPDX-License-Identifier: MIT */
/*
 * sweep and merge: one scenario under many settings, on all CPUs or in shards.
 *
 * Threads take the next point from a counter; each has a model and a copy of the scenario of its
 * own, and writes its own rows.
 */
#include "command.h"
#include "grid.h"
#include "mains.h"
#include "overrides.h"
#include "rows.h"
#include "scenario_file.h"

#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SWEEP_STEPS 11
#define SWEEP_MOST_JOBS 1024
/** Some hours on a few CPUs; a step takes 50 to 500 ns. */
#define SWEEP_MOST_STEPS 1e11

/** A sweep under way. */
struct sweep {
    const struct scenario *scenario; /* constant */
    const struct grid *grid;         /* constant */
    struct rows *rows;               /* each row is written by the thread that took its point */
    int64_t shards;                  /* constant: every so many points */
    struct progress progress;        /* the first thread's */
    pthread_mutex_t lock;            /* guards next */
    int64_t next;                    /* beyond the last point by up to shards x threads */
};

/** @return whether there is a point left. */
static bool take_point(struct sweep *sweep, int *point) {
    pthread_mutex_lock(&sweep->lock);
    bool is = sweep->next < sweep->grid->points;
    if (is) {
        *point = (int)sweep->next;
        sweep->next += sweep->shards;
    }
    pthread_mutex_unlock(&sweep->lock);
    return is;
}

static void run_point(const struct sweep *sweep, int point) {
    struct scenario scenario =
        *sweep->scenario; /* shares phases and nodes, which stay as they are */
    struct row *row = &sweep->rows->list[point];
    struct summary_line lines[RECORD_SUMMARY];
    struct model model;
    grid_point(sweep->grid, point, &row->gogc, &row->limit);
    scenario.settings.gogc = row->gogc;
    scenario.settings.memory_limit = row->limit;
    model_run(&model, scenario.model, &scenario, NULL);
    int count = record_summary(&model.result, lines);
    for (int i = 0; i < count; i++)
        row->values[i] = lines[i].value;
    row->present = true;
}

static void *run_points(void *argument) {
    struct sweep *sweep = argument;
    for (int point; take_point(sweep, &point);)
        run_point(sweep, point);
    return NULL;
}

/** The first thread's share; shows progress. */
static void run_points_shown(struct sweep *sweep) {
    progress_begin(&sweep->progress, "simulating");
    for (int point; take_point(sweep, &point);) {
        progress_show(&sweep->progress, (double)point / sweep->grid->points);
        run_point(sweep, point);
    }
    progress_end(&sweep->progress);
}

static void run_sweep(struct sweep *sweep, int jobs) {
    pthread_t threads[SWEEP_MOST_JOBS];
    int started = 0;
    pthread_mutex_init(&sweep->lock, NULL);
    while (started < jobs - 1 && pthread_create(&threads[started], NULL, run_points, sweep) == 0)
        started++;
    run_points_shown(sweep);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&sweep->lock);
}

/** FNV-1a (Fowler, Noll, Vo) of the scenario as it is written, and of the grid. */
static uint64_t sweep_id(const struct scenario *scenario, const struct grid *grid) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        command_fail("no memory for the scenario's text");
    scenario_write(file, scenario);
    for (int point = 0; point < grid->points; point++) {
        int32_t gogc;
        int64_t limit;
        grid_point(grid, point, &gogc, &limit);
        fprintf(file, "%d %lld\n", gogc, (long long)limit);
    }
    if (fclose(file) != 0)
        command_fail("no memory for the scenario's text");
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    free(text);
    return hash;
}

/* ---- Command line ------------------------------------------------------- */

/** What the command line asks for. */
struct sweep_options {
    struct overrides overrides;
    const char *gogc, *limit, *tsv, *plot;
    int steps, jobs;
    int64_t shard, shards; /* shards: 0 for a whole sweep */
};

static void take_shard(struct sweep_options *sweep, const char *value) {
    const char *rest = value;
    if (!command_digits(&rest, INT32_MAX, &sweep->shard) || *rest++ != '/' ||
        !command_digits(&rest, INT32_MAX, &sweep->shards) || *rest || sweep->shard < 1 ||
        sweep->shard > sweep->shards)
        command_misuse("--shard: %s; accepted: I/N with I from 1 to N, N at most %d", value,
                       INT32_MAX);
}

static struct sweep_options sweep_options(int argc, char **argv) {
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'}, {"gogc", required_argument, NULL, 'G'},
        {"limit", required_argument, NULL, 'L'}, COMMAND_KNOBS,
        {"steps", required_argument, NULL, 'n'}, {"tsv", required_argument, NULL, 't'},
        {"plot", required_argument, NULL, 'p'},  {"jobs", required_argument, NULL, 'j'},
        {"shard", required_argument, NULL, 's'}, {0}};
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    struct sweep_options sweep = {.steps = SWEEP_STEPS, .jobs = online > 0 ? (int)online : 1};
    sweep.jobs = sweep.jobs < SWEEP_MOST_JOBS ? sweep.jobs : SWEEP_MOST_JOBS;
    for (int option; (option = command_option(argc, argv, "", options)) != -1;) {
        switch (option) {
        case 'G':
            sweep.gogc = optarg;
            break;
        case 'L':
            sweep.limit = optarg;
            break;
        case 'n':
            sweep.steps = (int)command_count("--steps", optarg, 1, GRID_MOST, "");
            break;
        case 't':
            sweep.tsv = optarg;
            break;
        case 'p':
            sweep.plot = optarg;
            break;
        case 'j':
            sweep.jobs = (int)command_count("--jobs", optarg, 1, SWEEP_MOST_JOBS, "");
            break;
        case 's':
            take_shard(&sweep, optarg);
            break;
        default:
            overrides_take(&sweep.overrides, option, optarg);
        }
    }
    if (optind != argc - 1)
        command_misuse("sweep: one scenario, please; gait-sim help sweep");
    return sweep;
}

/** Every point is a run: what one command would not come to the end of is refused. */
static void refuse_endless(const struct scenario *scenario, const struct grid *grid,
                           int64_t shards) {
    double points = ceil((double)grid->points / (double)(shards > 0 ? shards : 1));
    double steps = points * model_work(scenario).steps;
    if (steps > SWEEP_MOST_STEPS)
        command_misuse("sweep: %.0f settings of %.3g steps each make %.3g; accepted: %.3g; try "
                       "fewer values, a shorter program, or a part of them by --shard",
                       points, model_work(scenario).steps, steps, SWEEP_MOST_STEPS);
}

static struct rows empty_rows(const struct scenario *scenario, const struct grid *grid) {
    struct rows rows = {.id = sweep_id(scenario, grid), .count = grid->points};
    rows.chosen = grid->chosen;
    rows.list = command_allocate((size_t)grid->points, sizeof(*rows.list));
    snprintf(rows.model, sizeof(rows.model), "%s", scenario_model_name(scenario->model));
    memcpy(rows.title, scenario->title, sizeof(rows.title));
    for (char *c = rows.title; *c; c++) /* a cell of a table */
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    return rows;
}

int sweep_main(int argc, char **argv) {
    struct sweep_options options = sweep_options(argc, argv);
    struct scenario scenario;
    command_scenario(argv[optind], &options.overrides, &scenario);
    struct grid grid = grid_make(options.gogc, options.limit, options.steps, &scenario.settings);
    refuse_endless(&scenario, &grid, options.shards);
    rows_to_screen(options.tsv, options.plot);
    struct rows rows = empty_rows(&scenario, &grid);
    struct sweep sweep = {.scenario = &scenario, .grid = &grid, .rows = &rows, .shards = 1};
    if (options.shards > 0) {
        sweep.next = options.shard - 1;
        sweep.shards = options.shards;
    }
    run_sweep(&sweep, options.jobs);
    if (options.shards > 0)
        rows_write(&rows, stdout);
    else
        rows_finish(&rows, options.tsv, options.plot);
    free(rows.list);
    grid_free(&grid);
    scenario_free(&scenario);
    return COMMAND_OK;
}

int merge_main(int argc, char **argv) {
    static const struct option options[] = {
        {"tsv", required_argument, NULL, 't'}, {"plot", required_argument, NULL, 'p'}, {0}};
    const char *tsv = NULL, *plot = NULL;
    for (int option; (option = command_option(argc, argv, "", options)) != -1;)
        *(option == 't' ? &tsv : &plot) = optarg;
    if (optind == argc)
        command_misuse("merge: no file; gait-sim help merge");
    rows_to_screen(tsv, plot);
    struct rows rows = {0};
    for (int i = optind; i < argc; i++)
        rows_read(&rows, argv[i]);
    if (!rows.list)
        command_fail("merge: no rows in these files");
    for (int i = 0; i < rows.count; i++)
        if (!rows.list[i].present)
            command_fail("merge: point %d of %d is missing; is a shard left out?", i, rows.count);
    rows_finish(&rows, tsv, plot);
    free(rows.list);
    return COMMAND_OK;
}

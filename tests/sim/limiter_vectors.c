/* SPDX-License-Identifier: MIT */
/*
 * Replay sequences of operations on the CPU limiter and compare its state
 * after each.
 *
 *     limiter-vectors FILE...          compare; status 1 if anything differs
 *     limiter-vectors --print FILE...  print; the file needs `sequence`, `op`, `arg`, `now_ns`
 */
#include "check.h"
#include "table.h"

#include "gait/pacer.h"

#include <stdlib.h>
#include <string.h>

static void run_op(const struct table *table, struct gait_limiter *limiter) {
    const char *op = table_text(table, "op");
    int64_t arg = table_i64(table, "arg");
    int64_t now_ns = table_i64(table, "now_ns");
    if (strcmp(op, "new") == 0) {
        gait_limiter_init(limiter, now_ns, (int32_t)arg);
    } else if (strcmp(op, "update") == 0) {
        gait_limiter_update(limiter, now_ns);
    } else if (strcmp(op, "assist") == 0) {
        gait_limiter_add_gc(limiter, arg);
    } else if (strcmp(op, "start_on") == 0) {
        gait_limiter_start_transition(limiter, true, now_ns);
    } else if (strcmp(op, "start_off") == 0) {
        gait_limiter_start_transition(limiter, false, now_ns);
    } else if (strcmp(op, "finish") == 0) {
        gait_limiter_finish_transition(limiter, now_ns);
    } else if (strcmp(op, "reset") == 0) {
        gait_limiter_reset_capacity(limiter, now_ns, (int32_t)arg);
    } else if (strcmp(op, "need_true") == 0 || strcmp(op, "need_false") == 0) {
        bool expected = strcmp(op, "need_true") == 0;
        if (gait_limiter_need_update(limiter, now_ns) != expected)
            table_fail(table, "an update is wrongly due, or wrongly not", op);
    } else {
        table_fail(table, "unknown op", op);
    }
}

static int replay(const char *path, bool print) {
    static struct table table;
    struct gait_limiter limiter = {0};
    struct check check = {.table = &table, .print = print};
    table_open(&table, path);
    if (print)
        printf("sequence\top\targ\tnow_ns\tfill\tcapacity\toverflow\tlimiting\n");
    while (table_next(&table)) {
        run_op(&table, &limiter);
        check.row_name = table_text(&table, "sequence");
        if (print)
            printf("%s\t%s\t%s\t%s", check.row_name, table_text(&table, "op"),
                   table_text(&table, "arg"), table_text(&table, "now_ns"));
        check_u64(&check, "fill", limiter.fill_ns);
        check_u64(&check, "capacity", limiter.capacity_ns);
        check_u64(&check, "overflow", limiter.overflow_ns);
        check_bool(&check, "limiting", limiter.limiting);
        if (print)
            putchar('\n');
    }
    return check_finish(&check);
}

int main(int argc, char **argv) {
    bool print = argc > 1 && strcmp(argv[1], "--print") == 0;
    int first = print ? 2 : 1;
    if (first >= argc) {
        fprintf(stderr, "usage: limiter-vectors [--print] FILE...\n");
        return 2;
    }
    int status = 0;
    for (int i = first; i < argc; i++)
        status |= replay(argv[i], print);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Units of runtime/collect that need no heap: phases and figures.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "collect/figures.h"
#include "collect/phase.h"

/* ---- Phases ---- */

static void go_through(struct phase_word *phase, const enum cycle_phase *phases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        phase_enter(phase, phases[i]);
        cr_assert_eq(phase_now(phase), phases[i]);
    }
}

Test(phase, a_cycle_comes_back_to_idle) {
    static const enum cycle_phase concurrent[] = {
        PHASE_FINISH_SWEEP, PHASE_BARRIERS, PHASE_ROOTS,  PHASE_SHARED_ROOTS, PHASE_MARK,
        PHASE_FLUSH,        PHASE_MARK,     PHASE_FLUSH,  PHASE_STOP,         PHASE_MARK,
        PHASE_FLUSH,        PHASE_STOP,     PHASE_SETTLE, PHASE_SWEEP,        PHASE_IDLE};
    static const enum cycle_phase stopped[] = {PHASE_FINISH_SWEEP, PHASE_ROOTS, PHASE_SHARED_ROOTS,
                                               PHASE_MARK,         PHASE_STOP,  PHASE_SETTLE,
                                               PHASE_SWEEP,        PHASE_IDLE};
    struct phase_word phase = {.now = PHASE_IDLE};
    go_through(&phase, concurrent, sizeof concurrent / sizeof concurrent[0]);
    go_through(&phase, stopped, sizeof stopped / sizeof stopped[0]);
}

/* What a mutator that attaches in a phase is told, and whether others may mark. */
Test(phase, barriers_are_on_before_anything_is_black_and_black_before_anybody_marks) {
    static const struct {
        enum cycle_phase phase;
        bool barriers, black, lets_mark;
    } cases[] = {
        {PHASE_IDLE, false, false, false},      {PHASE_FINISH_SWEEP, false, false, false},
        {PHASE_BARRIERS, true, false, false},   {PHASE_ROOTS, true, true, false},
        {PHASE_SHARED_ROOTS, true, true, true}, {PHASE_MARK, true, true, true},
        {PHASE_FLUSH, true, true, true},        {PHASE_STOP, true, true, true},
        {PHASE_SETTLE, false, false, false},    {PHASE_SWEEP, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = phase_name(cases[i].phase);
        cr_expect_eq(phase_has_barriers(cases[i].phase), cases[i].barriers, "%s", name);
        cr_expect_eq(phase_is_black(cases[i].phase), cases[i].black, "%s", name);
        cr_expect_eq(phase_lets_mark(cases[i].phase), cases[i].lets_mark, "%s", name);
    }
    cr_expect_eq(strcmp(phase_name(PHASE_SHARED_ROOTS), "shared roots"), 0);
    cr_expect_eq(strcmp(phase_name(PHASE_COUNT), "unknown"), 0);
}

/* ---- Figures ---- */

Test(figures, pauses_are_counted_by_powers_of_two) {
    struct figures figures = {.cycles = 0};
    figures_init(&figures);
    figures_pause(&figures, 0);
    figures_pause(&figures, 1000);
    figures_pause(&figures, 1023);
    figures_pause(&figures, 1024);
    cr_expect_eq(figures.pauses, 4u);
    cr_expect_eq(figures.pause_total_ns, 3047u);
    cr_expect_eq(figures.pause_max_ns, 1024u);
    cr_expect_eq(figures.pause_histogram[0], 1u);
    cr_expect_eq(figures.pause_histogram[9], 2u);
    cr_expect_eq(figures.pause_histogram[10], 1u);
    struct cycle_record record = {.number = 7, .forced = true};
    figures_cycle(&figures, &record);
    record.forced = false;
    figures_cycle(&figures, &record);
    cr_expect_eq(figures.cycles, 2u);
    cr_expect_eq(figures.forced_cycles, 1u);
    cr_expect_eq(figures.last.number, 7u);
    figures_destroy(&figures);
}

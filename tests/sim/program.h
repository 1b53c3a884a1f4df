/* SPDX-License-Identifier: MIT */
/**
 * Programs for the tests of the models: a scenario of up to eight phases in a few words.
 */
#ifndef SIM_TEST_PROGRAM_H
#define SIM_TEST_PROGRAM_H

#include "model.h"

#define MIB 1048576.0
#define PROGRAM_PHASES 8

/** A scenario and its phases. */
struct program {
    struct scenario scenario;
    struct scenario_phase phases[PROGRAM_PHASES];
};

/** A scenario without phases yet. It points into `program`, which stays where it is. */
static inline void program_start(struct program *program) {
    scenario_init(&program->scenario);
    program->scenario.phases = program->phases;
}

/** Add a phase. Rates in MiB per second. @return it, for more. */
static inline struct scenario_phase *program_phase(struct program *program, double duration_s,
                                                   double alloc, double survival,
                                                   double old_death) {
    struct scenario_phase *phase = &program->phases[program->scenario.phase_count++];
    scenario_init_phase(phase);
    phase->duration = duration_s;
    phase->alloc_rate.constant = alloc * MIB;
    phase->survival.constant = survival;
    phase->old_death = old_death;
    return phase;
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * How costs grow with the heap: what marking a byte, sweeping a byte, a cycle, and the program's
 * own work cost, as powers of how far the heap has grown when cycles begin (live heap over what is
 * reachable, 1 and more). docs/simulator.md has the reasons.
 *
 * One recording tells each cost at one growth; the exponents are then those of most programs, and
 * their spread is what is not known. Each further recording, at another growth, tells more: this is
 * Bayesian linear regression of the costs' logarithms, with the spread as what is known before.
 *
 * Pure.
 */
#ifndef SIM_GROWTH_H
#define SIM_GROWTH_H

#include "scenario.h"

/** Costs that grow. */
enum growth_cost {
    GROWTH_SCAN,  /**< CPU time of marking per byte scanned                     */
    GROWTH_SWEEP, /**< of sweeping per byte of spans                            */
    GROWTH_CYCLE, /**< of a cycle beside marking                                */
    GROWTH_WORK,  /**< of the program per byte allocated, while nothing marks   */
    GROWTH_DRAG,  /**< the same while a cycle marks, over that                  */
    GROWTH_COSTS,
};

/** What a recording tells: means over all its cycles. */
struct growth_point {
    double grown;              /**< live heap over what is reachable as cycles begin; 0: unknown */
    double cost[GROWTH_COSTS]; /**< in any unit; 0: unknown                                      */
};

/** A cost as a power of growth: level x grown^exponent. */
struct growth_law {
    double exponent;
    double deviation; /**< standard deviation of what is known of the exponent */
    double level;     /**< 0: no recording tells                               */
};

/** Learn all laws from one recording or more. */
void growth_learn(const struct growth_point *points, size_t count,
                  struct growth_law laws[GROWTH_COSTS]);

/** Give a recording's scenario the exponents, and the levels, of laws: what it measured itself is
 * one of the points that they were learnt from. */
void growth_apply(const struct growth_law laws[GROWTH_COSTS], const struct growth_point *point,
                  struct scenario *scenario);

/** The key of the scenario that has the exponent. */
double *growth_exponent(struct scenario *scenario, enum growth_cost cost);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * What a recorded program asks of its collector, as a scenario: the same allocation, survival and
 * work per byte at the same point of the program, whatever the settings.
 *
 * The program's clock is its own CPU time, since another setting gives the collector another share:
 * a phase is what the program did between two samples, and takes what it took without the
 * collector. What was reachable is known where cycles began: what they marked less what was
 * allocated while they did, since that is kept whole. In between it is taken to change evenly with
 * what is allocated. What marking costs follows from the same two cycles.
 *
 * Pure: the caller gives the room.
 */
#ifndef SIM_DEMAND_H
#define SIM_DEMAND_H

#include "growth.h"
#include "recording.h"
#include "scenario.h"

/** What a cycle tells of the program. */
struct demand_cycle {
    double allocated;  /**< by the program as it began, bytes                        */
    double reachable;  /**< then, of the heap, bytes                                 */
    double counted;    /**< then, of foreign memory                                  */
    double grown;      /**< live heap as it began over that                          */
    double cost;       /**< CPU-seconds of marking per byte of it                    */
    double beside;     /**< CPUs of background marking, while it was not preempted     */
    double background; /**< as a rule, of the cycles around it: their median                 */
};

/**
 * Make a scenario.
 *
 * @param calm       marking goes as fast as in most cycles around; false: as in each one, those
 *                   included that the machine held up
 * @param cycles     room for as many as the recording has
 * @param room       most phases; samples are put together where there are more
 * @param scenario   all defaults; gets settings, machine and memory; its `phases` have the room
 * @param measured   gets what the costs were, for growth_learn; NULL: not wanted. The scenario has
 *                   the exponents that this recording alone tells
 * @return false: no cycle was recorded whole, so that nothing is known of what lives
 */
bool demand_scenario(const struct recording *recording, bool calm, struct demand_cycle *cycles,
                     int32_t room, struct scenario *scenario, struct growth_point *measured);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Objects that come back before anything has died: those whose finalizers resurrect.
 *
 * In a stop that ends marking, all that is reachable is marked, and by that alone: so an object
 * that is white there is unreachable. If its finalizer resurrects, that is queued, the object is
 * pushed, and marking goes on. So at the flip it is marked, with all that it leads to: no weak
 * word, link, table or hook has seen it die.
 *
 *   .inv.rescued: at the flip no object that is white has such a finalizer.
 *   .inv.suspects: the stop looks only at objects that were white as the last round of marking had
 *   run out of work, beside the program. An object that gets its finalizer after that look was
 *   reachable then, so it is marked in this cycle; except in a heap in which births are white until
 *   the stop (docs/design/objects.md): there both looks are made in the stop.
 *
 * docs/design/weak.md, What never died.
 */
#ifndef GAIT_MARK_RESCUE_H
#define GAIT_MARK_RESCUE_H

#include "finalizers.h"

/** Note the objects with such finalizers that are white. The collector, when marking has run out of
 * work: beside mutators, or in the stop. What was noted before, and not decided about, is dropped.
 */
void rescue_suspect(struct finalizers *finalizers, struct marker *marker);

/** With the world stopped, and all that is reachable marked: queue the finalizers of those that are
 * white still, and push their objects. @return whether there were some: marking goes on. */
bool rescue_decide(struct finalizers *finalizers, struct marker *marker);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Links: words anywhere in the program's memory that are cleared when an object dies.
 *
 *   slot     the word: malloc'ed, static, or within an object
 *   target   the object, which the link does not keep
 *   short    cleared as soon as the target is unreachable, before any finalizer
 *   long     cleared when the target's memory is about to go
 *   early    short, and what objects with ordered finalizers keep counts as unreachable
 *
 * A weak word (gait.h) lies in an object of a weak kind, is read without a lock, and costs a cycle
 * a look. A link is for words where they are, and costs a record beside.
 */
#ifndef GAIT_LINKS_H
#define GAIT_LINKS_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Flags of a link. */
enum {
    /* cleared when the object's memory is about to go: after its finalizer, if it has one, has run
     * and has not made it reachable. Else as soon as it is unreachable, before any finalizer */
    GAIT_LINK_LONG = 1 << 0,
    /* a short one that is cleared before objects with ordered finalizers are asked what they keep,
     * and hooks (liveness.h): so also if only these lead to the target, which then stays, and if
     * its finalizer resurrects. A cycle of objects with ordered finalizers is broken by such a link
     * in one of them. Only in a heap that stops the world: GAIT_STOP_THE_WORLD, gait_config.stop */
    GAIT_LINK_EARLY = 1 << 1
};

/**
 * Have the word at slot set to 0, or to what its object's kind says (gait_kind_info.cleared), when
 * target is collected. The slot may lie in any memory of the
 * program, or within an object, but not in a word that keeps the target, nor in an arena. In an
 * object, the link ends with that one; in other memory it ends with gait_link_unregister, before
 * the memory is freed. What the word holds is not looked at: it may be hidden from conservative
 * scans. A link that the slot has already gets another target. One of each sort may be there.
 *
 * The collector writes to the slot, beside the running program, until the link is cleared or
 * unregistered. So a program that stores another word there, unregisters before and registers
 * after.
 * @return 0, GAIT_E_INVALID (flags, or such as this heap has no links of; not aligned to a word; a
 *         slot in an arena; target is no object), GAIT_E_MEMORY.
 * Not a safepoint.
 */
GAIT_API int gait_link_register(gait_mutator *mutator, gait_word *slot, void *target,
                                uint32_t flags);

/** Take a link back, a short one whether it is early or not; the word stays. @return 0,
 * GAIT_E_INVALID (flags), GAIT_E_MISSING: never registered, or cleared. Not a safepoint. */
GAIT_API int gait_link_unregister(gait_mutator *mutator, gait_word *slot, uint32_t flags);

/** Have another slot in a link's place, which has none of this sort; the words stay as they are.
 * @return 0, GAIT_E_MISSING, GAIT_E_INVALID (flags; as of gait_link_register; `to` has one).
 * Not a safepoint. */
GAIT_API int gait_link_move(gait_mutator *mutator, gait_word *from, gait_word *to, uint32_t flags);

/**
 * The target of a link, or NULL: there is none, or it was collected. Reads the link, not the word.
 * It is how a program looks at a link beside a running collector: a word that is loaded plainly may
 * name an object that is already dead, and is cleared a moment later. A heap created with
 * GAIT_STOP_THE_WORLD clears all links before it lets the program go on, and plain loads are right
 * there. A safepoint. Of a long link whose object may come back it waits for the decision.
 */
GAIT_API void *gait_link_get(gait_mutator *mutator, const gait_word *slot, uint32_t flags);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Coroutines that belong to objects: a generator's is collected with it, wherever it stands.
 */
#ifndef GAIT_TIED_H
#define GAIT_TIED_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tie a coroutine to an object, for good: it is a part of that object, and no root by itself. While
 * it is suspended its roots count only where a scan function visits it by gait_visit_coroutine:
 * that of the object, of a kind GAIT_CALLBACK, which has the coroutine's address in a field of its
 * own. So a coroutine that nobody can resume any more is collected with its object, also if they
 * refer to each other. While it runs, its object is kept. The code that resumes it holds the
 * object: a coroutine that waits for another one, too, lives by its object alone.
 *
 * A cleanup of the object (gait_cleanup_add) frees the coroutine, and the stack after it. A
 * program that frees it while the object lives stores 0 to the field first.
 *
 * Thread rule: an attached thread, once for a coroutine. Not a safepoint.
 */
GAIT_API void gait_coroutine_tie(gait_mutator *mutator, gait_coroutine *coroutine, void *object);

/** Visit the coroutine that is tied to the object. Only within that object's scan callback; NULL:
 * nothing. See gait_coroutine_tie. */
GAIT_API void gait_visit_coroutine(gait_visitor *visitor, gait_coroutine *coroutine);

#ifdef __cplusplus
}
#endif

#endif

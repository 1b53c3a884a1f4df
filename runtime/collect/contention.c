/* SPDX-License-Identifier: MIT */
/*
 * What a preempted burst says. See contention.h.
 */
#include "contention.h"

/* Shorter is the OS's own work. A marker that loses its CPU to another thread loses it for a tick,
 * 1 to 4 ms. */
#define PREEMPTED_NS 500000
/* Where nothing else runs, one is preempted a few times a second: chance. Where three others run,
 * as often as can be. So the second time within AGAIN_NS says that CPUs are busy: for BUSY_PER_LOST
 * times what was lost, so that a marker loses a 25th of its time at most by looking anew. */
#define AGAIN_NS 200000000
#define BUSY_PER_LOST 25
#define BUSY_NS_MOST ((int64_t)1000000000)
/* A helper at idle priority that was preempted for so long had the whole cycle wait for the work in
 * its hands: other processes keep the CPUs busy, and such helpers rest. Seen beside three busy
 * processes: 700 ms. */
#define STRANDED_NS 5000000
#define UNHELPED_NS ((int64_t)10000000000)

bool contention_note(struct contention *contention, int64_t now_ns, int64_t preempted_ns,
                     bool idle) {
    if (idle && preempted_ns > STRANDED_NS)
        AO_store(&contention->unhelped_until_ns, (AO_t)(now_ns + UNHELPED_NS));
    if (idle || preempted_ns <= PREEMPTED_NS)
        return false;
    bool again = now_ns - preempted_ns < (int64_t)AO_load(&contention->preempted_ns) + AGAIN_NS;
    AO_store(&contention->preempted_ns, (AO_t)now_ns);
    if (again) {
        int64_t busy_ns = preempted_ns * BUSY_PER_LOST;
        busy_ns = busy_ns < BUSY_NS_MOST ? busy_ns : BUSY_NS_MOST;
        if (now_ns + busy_ns > (int64_t)AO_load(&contention->busy_until_ns))
            AO_store(&contention->busy_until_ns, (AO_t)(now_ns + busy_ns));
    }
    return !again;
}

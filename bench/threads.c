/* SPDX-License-Identifier: MIT */
/* Runs a workload's mutator threads: one for each index, attached while the body runs. */
#include "peer.h"

#include <pthread.h>

enum { THREADS_MAX = 64 };

struct job {
    pthread_t thread;
    peer_body body;
    unsigned index;
};

static void *job_run(void *argument) {
    struct job *job = argument;
    peer_thread *thread = peer_attach();
    job->body(thread, job->index);
    peer_detach(thread);
    return NULL;
}

void peer_run_threads(peer_thread *self, unsigned count, peer_body body) {
    struct job jobs[THREADS_MAX];
    if (count > THREADS_MAX)
        bench_die("too many threads");
    peer_block(self);
    for (unsigned i = 0; i < count; i++) {
        jobs[i] = (struct job){.body = body, .index = i};
        if (pthread_create(&jobs[i].thread, NULL, job_run, &jobs[i]))
            bench_die("no thread");
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(jobs[i].thread, NULL);
    peer_unblock(self);
}

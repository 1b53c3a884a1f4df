/* SPDX-License-Identifier: MIT */
/*
 * What threads return: a root from the end of their function until they are joined.
 *
 *   .inv.result: a thread that GC_pthread_create starts has one record, from before its creator
 * gets the handle until it was joined, or has ended and is detached. It is there whether or not the
 *   thread is registered just now, and whether or not it returns anything.
 *   .inv.claimed: who joins a thread claims its record before pthread_join, while the handle can be
 *   of no other thread, and takes out that record after it. So a record that is not claimed is of
 *   the thread that has its handle now, or nobody's: of a thread that the C library's own functions
 *   joined. The next thread with the handle, or who joins it, takes that out.
 *
 * Before there were claims a thread without a record that was joined took what it found by the
 * handle: the result of the next thread that had got it.
 *
 * All of it is guarded by the lock TABLES, except what is a thread's own.
 */
#include "compat.h"

#include <stdlib.h>

struct result {
    pthread_t handle; /* constant */
    void *value;
    bool ended;   /* its thread */
    bool claimed; /* somebody waits for its end */
    struct result *next;
};

static struct result *results;
static COMPAT_TLS struct result *mine;

static struct result *find(pthread_t handle) {
    struct result *result = results;
    while (result && (result->claimed || !pthread_equal(result->handle, handle)))
        result = result->next;
    return result;
}

static void take_out(struct result *result) {
    struct result **link = &results;
    if (!result)
        return;
    while (*link != result)
        link = &(*link)->next;
    *link = result->next;
}

/* ---- The thread's ---- */

void compat_result_begin(void) {
    struct result *result = calloc(1, sizeof *result);
    if (!result)
        compat_abort("no memory for what a thread returns");
    result->handle = pthread_self();
    compat_tables_lock();
    struct result *stale = find(result->handle); /* .inv.claimed: nobody's */
    take_out(stale);
    result->next = results;
    results = result;
    compat_tables_unlock();
    mine = result;
    free(stale);
}

void compat_result_set(void *value) {
    if (!mine)
        return;
    compat_tables_lock();
    mine->value = value;
    compat_tables_unlock();
}

void *compat_result_mine(void) { return mine; }

static bool is_detached(void) {
    pthread_attr_t attributes;
    int state = PTHREAD_CREATE_JOINABLE;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getdetachstate(&attributes, &state);
        pthread_attr_destroy(&attributes);
    }
    return state == PTHREAD_CREATE_DETACHED;
}

/* The C library is asked with TABLES held, as compat_result_detach has it: that comes first, and is
 * seen here, or it finds that the thread has ended. */
void compat_result_end(void) {
    struct result *result = mine;
    if (!result)
        return;
    mine = NULL;
    compat_tables_lock();
    result->ended = true;
    bool goes = is_detached();
    if (goes)
        take_out(result);
    compat_tables_unlock();
    if (goes)
        free(result);
}

/* ---- Of those that ask for it ---- */

struct result *compat_result_claim(pthread_t handle) {
    compat_tables_lock();
    struct result *result = find(handle);
    if (result)
        result->claimed = true;
    compat_tables_unlock();
    return result;
}

void compat_result_unclaim(struct result *result) {
    if (!result)
        return;
    compat_tables_lock();
    result->claimed = false;
    compat_tables_unlock();
}

void compat_result_joined(struct result *result) {
    compat_tables_lock();
    take_out(result);
    compat_tables_unlock();
    free(result);
}

int compat_result_detach(pthread_t handle) {
    compat_tables_lock();
    struct result *result = find(handle); /* before: then the handle may be another thread's */
    bool goes = result && result->ended;
    int error = pthread_detach(handle);
    if (goes && !error)
        take_out(result);
    compat_tables_unlock();
    if (goes && !error)
        free(result);
    return error;
}

/* ---- The collector's, and a fork's ---- */

void compat_results_visit(gait_visitor *visitor) {
    for (struct result *result = results; result; result = result->next)
        compat_roots_visit_memory(visitor, &result->value, &result->value + 1);
}

void compat_results_child(void) {
    struct result *result = results, *next;
    results = NULL;
    for (; result; result = next) {
        next = result->next;
        if (result == mine) {
            result->claimed = false; /* who waited for it is not there */
            result->next = NULL;
            results = result;
        } else {
            free(result);
        }
    }
}

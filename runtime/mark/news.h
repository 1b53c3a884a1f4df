/* SPDX-License-Identifier: MIT */
/*
 * Word for mutators that owe marking and found none to do: there is something for them.
 *
 * What there may be is the waiter's question: published work, work that was done in its place, the
 * end of what it owes. Whoever brings that about does so first, and tells after it. No lock: a
 * marker that is preempted anywhere in here holds up nobody else.
 *
 *   .inv.seen: a teller stores what there is, and then looks for waiters; a waiter counts itself,
 *   reads the word, and then looks what there is. Between both steps, on either side, is a full
 *   fence. So one of the two sees the other: if the teller found nobody, every waiter that counts
 *   later sees what there is.
 *   .inv.passed: one waiter is woken at a time, for one is enough for most of what there is. As it
 *   leaves, for whatever reason, it looks, and if there still is something it tells the next. So
 *   while there is something and some wait, one of them is on its way, or has been woken and has
 *   yet to look.
 *
 * Why it is right, step by step: docs/design/marking.md, Waiting for work; tests/model/news.pml.
 */
#ifndef GAIT_NEWS_H
#define GAIT_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "../platform/atomic.h"

struct news {
    AO_t waiting;  /* mutators that wait, or are about to leave; .inv.seen */
    unsigned told; /* atomic, waited on: raised each time that a waiter is told */
};

/** There is something now, stored before the call: wake one. Any thread. */
void news_tell(struct news *news);

/** There is something for each: wake all. Any thread. */
void news_tell_all(struct news *news);

/**
 * Wait until there is something, most_ns at most (negative: no bound); may end before. Not by a
 * running mutator.
 *
 * @param is_there  looks; it changes nothing, and may be called twice.
 * @return whether there was, as the wait ended.
 */
bool news_await(struct news *news, bool (*is_there)(void *data), void *data, int64_t most_ns);

/** In a fork's child: nobody waits. */
void news_lost(struct news *news);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Waiting for something to mark. See news.h.
 */
#include "news.h"

#include "../platform/perturb.h"
#include "../platform/platform.h"

static void tell(struct news *news, int count) {
    AO_nop_full(); /* what there is, then whether any waits; pairs with news_await */
    PERTURB(NEWS_TELL);
    if (AO_load(&news->waiting) == 0)
        return;
    AO_int_fetch_and_add1_full(&news->told);
    platform_wake(&news->told, count);
}

void news_tell(struct news *news) { tell(news, 1); }

void news_tell_all(struct news *news) { tell(news, INT32_MAX); }

bool news_await(struct news *news, bool (*is_there)(void *data), void *data, int64_t most_ns) {
    AO_fetch_and_add1_full(&news->waiting); /* full, as the next: pairs with tell */
    PERTURB(NEWS_COUNTED);
    unsigned told = AO_int_load_acquire(&news->told); /* before the look */
    if (!is_there(data))
        platform_wait(&news->told, told, most_ns);
    PERTURB(NEWS_WOKEN);
    AO_fetch_and_sub1_full(&news->waiting);
    bool there = is_there(data);
    if (there)
        news_tell(news); /* .inv.passed */
    return there;
}

void news_lost(struct news *news) { AO_store(&news->waiting, 0); }

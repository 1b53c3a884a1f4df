/* SPDX-License-Identifier: MIT */
/*
 * Fault injection: the setting and the counters. All of it is atomic words, no lock: the calls
 * that are made to fail run under locks of every rank.
 */
#include "fault.h"

#include "platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

volatile AO_t fault_armed;         /* mask of sites; its release store publishes the rest  */
static volatile AO_t fault_after;  /* calls that succeed first                             */
static volatile AO_t fault_every;  /* then each so-many-th fails; 0: only the first        */
static volatile AO_t fault_calls;  /* calls at armed sites since fault_arm; unordered      */
static volatile AO_t fault_failed; /* of those, how many were made to fail; unordered      */

void fault_arm(uint32_t site_mask, size_t after, size_t every) {
    fault_disarm();
    AO_store(&fault_after, after);
    AO_store(&fault_every, every);
    AO_store(&fault_calls, 0);
    AO_store(&fault_failed, 0);
    AO_store_release(&fault_armed, site_mask & FAULT_MASK_ALL); /* partner: fault_count */
}

void fault_disarm(void) { AO_store(&fault_armed, 0); }

size_t fault_failures(void) { return AO_load(&fault_failed); }

bool fault_count(enum fault_site site) {
    /* Partner: fault_arm. */
    if (!(AO_load_acquire(&fault_armed) & FAULT_MASK(site)))
        return false;
    size_t call = AO_fetch_and_add1(&fault_calls);
    size_t after = AO_load(&fault_after), every = AO_load(&fault_every);
    if (call < after)
        return false;
    if (every ? (call - after) % every != 0 : call != after)
        return false;
    AO_fetch_and_add1(&fault_failed);
    return true;
}

/** The mask of a word of length bytes, 0 when there is no such site. */
static uint32_t site_mask_of(const char *word, size_t length) {
    static const char *const words[] = {
#define X(constant, text) text,
        FAULT_SITES(X)
#undef X
    };
    for (unsigned site = 0; site < FAULT_SITE_COUNT; site++)
        if (strlen(words[site]) == length && memcmp(words[site], word, length) == 0)
            return FAULT_MASK(site);
    return length == 3 && memcmp(word, "all", 3) == 0 ? FAULT_MASK_ALL : 0;
}

/** Read digits up to the character `end`. @return what follows it, NULL: malformed. */
static const char *read_count(const char *text, char end, size_t *count) {
    if (*text < '0' || *text > '9')
        return NULL;
    char *rest;
    errno = 0;
    *count = strtoul(text, &rest, 10);
    return errno || *rest != end ? NULL : rest + 1;
}

int fault_arm_text(const char *text) {
    uint32_t mask = 0;
    for (;;) {
        size_t length = strcspn(text, "+:");
        uint32_t site = site_mask_of(text, length);
        if (!site)
            return -1;
        mask |= site;
        text += length;
        if (*text != '+')
            break;
        text++;
    }
    size_t after, every;
    if (*text != ':')
        return -1;
    text = read_count(text + 1, ':', &after);
    if (!text || !read_count(text, '\0', &every))
        return -1;
    fault_arm(mask, after, every);
    return 0;
}

#ifdef GAIT_CHECKS
__attribute__((constructor)) static void arm_from_environment(void) {
    const char *text = platform_environment("GAIT_FAULT");
    if (text && fault_arm_text(text) < 0)
        platform_fatal("GAIT_FAULT=\"%.64s\": expected SITES:AFTER:EVERY, as in commit+map:100:1",
                       text);
}
#endif

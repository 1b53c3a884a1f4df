/* SPDX-License-Identifier: MIT */
/*
 * Samples of allocation: which sites allocate, and what of it is live. What is sampled, and what it
 * stands for, the thread that allocates says: mutator/alloc_sample.h. See gait/profile.h.
 *
 *   place    a frame in the embedder's language, or a name; each is kept once, for good
 *   site     what is allocated, and a stack; kept for good
 *   sample   an object that was sampled, until a cycle finds it dead; or memory of an arena, or
 *            beside the heap, until its owner says that it ends
 *
 *   .inv.live: a site's live sums are those of its samples that have lived through a cycle; of
 *   memory that is no object, all of its samples.
 *   .inv.first: the first cycle that begins when an object is there says whether it was
 *   short-lived. A cycle in which it was born says nothing: it was born marked. So a sample names
 *   the epoch from which on it is judged.
 *
 * The collector settles the samples between flip and sweep, as it does finalizers' records: what is
 * in the table is an object, or dead and not swept yet. One that the program has freed is told from
 * what came into its cell since by nothing: until a cycle finds that dead its sample counts as
 * live.
 */
#ifndef GAIT_SAMPLES_H
#define GAIT_SAMPLES_H

#include <gait/profile.h>

#include "../heap/pool.h"
#include "../heap/space.h"
#include "../platform/lock.h"
#include "address_map.h"

struct sample;
struct sample_site;
struct sample_text;

struct samples {
    AO_t rate_bytes;               /* 0: nothing is sampled. Set under the lock, read without;
                                      unordered: an old one for a moment */
    struct lock lock;              /* rank LOG: what follows */
    bool rate_said;                /* somebody has said a rate: who asks for a profile sets none */
    AO_t bounded;                  /* set as the rate: 1: nobody has said the one in force, so a
                                      thread may take fewer samples; unordered, as the rate */
    gait_profile_frames_fn frames; /* names stacks; NULL: nothing does */
    void *frames_data;
    AO_t *metadata_bytes; /* constant: where all of it is counted */
    bool open;            /* the maps are there: something was sampled */
    struct address_map places, sites, objects;
    AO_t live;   /* samples in the table; read unordered by a thread that frees one */
    AO_t filter; /* unsigned[]: how many of them have addresses of each hash; 0: nothing was
                    sampled. .inv.filter */
    struct pool place_pool, site_pool, sample_pool;
    struct sample_site *youngest; /* of all sites, by next */
    struct sample_text *text;     /* names of places */
    size_t text_bytes;            /* of it, in use */
    size_t lost;                  /* samples for which there was no memory */
};

/** A stack as it is handed in: frames of the embedder's, or addresses. */
struct sample_stack {
    size_t depth;
    bool of_embedder;
    union {
        gait_profile_frame frames[GAIT_PROFILE_DEPTH];
        uintptr_t addresses[GAIT_PROFILE_DEPTH];
    } at;
};

/** What was sampled. */
struct sample_of {
    unsigned memory; /* of enum gait_profile_memory */
    bool has_kind;
    unsigned kind;
    const char *tag;       /* not of objects: whose it is; copied */
    const void *start;     /* where it lies; NULL: it is not known again, and counts as allocated
                              only */
    unsigned judged_epoch; /* of objects: the first that says whether it was short-lived */
    double objects, bytes; /* what it stands for */
};

/** 1: heaps that are created from now on take samples from their beginning. Set once, and never
 * cleared; unordered: it is set as a library is loaded. */
extern volatile AO_t samples_by_default;

void samples_init(struct samples *samples, AO_t *metadata_bytes);
void samples_destroy(struct samples *samples);

/** Say a rate, from which samples are taken; 0: none. Any thread. @return the rate before. */
size_t samples_set_rate(struct samples *samples, size_t rate_bytes);

/** Somebody asks for a profile. Any thread. @return the rate in force; 0: profiles are off. */
size_t samples_start(struct samples *samples);

/** Nobody takes samples, and there are none. Any thread. */
bool samples_off(struct samples *samples);

/**
 * Add a sample; of an object the allocation bit is set.
 * @param list  where an arena has its samples; NULL: it is found by its start.
 * @return false: there is no memory for it.
 */
bool samples_add(struct samples *samples, const struct sample_of *of,
                 const struct sample_stack *stack, struct sample **list);

/** The program frees an object, or memory: whatever lies there next is another one. memory: of enum
 * gait_profile_memory. While something is sampled it costs two loads, for most of what is none. */
void samples_forget(struct samples *samples, const void *start, unsigned memory);

/** An arena is reset, or ends: forget the samples of its list. Any thread. */
void samples_forget_list(struct samples *samples, struct sample **list);

/** Forget dead ones. The collector, between flip and sweep; after finalizers_settle, which keeps
 * some. */
void samples_settle(struct samples *samples, const struct space *space);

/** Visit all sites. Any thread. @return how many samples were lost. */
size_t samples_read(struct samples *samples,
                    void (*visit)(const gait_profile_site *site, void *data), void *data);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The core of an arena: a list of chunks, and the windows of the one that is filled now. It knows
 * no heap, no operating system and no other thread but a marker that reads; memory comes from a
 * source.
 *
 *   chunks    the first has the arena's head at its start; each next one is twice as large, up to a
 *             most; after a reset they are filled again in the same order
 *   large     what fits in no chunk well has one of its own; after a reset these wait in `spare`
 *
 *   .inv.used: chunks up to `current` hold what was allocated since the last reset, those behind it
 *   nothing. chunk->era says in which era (resets so far) a chunk was begun last: of an older one,
 *   it is empty, whatever its cursors say. That makes a reset's time constant.
 *   .inv.clean: of a chunk, [clean, clean_end) has never been in a window: it reads as zero if the
 *   source said so. All else may hold anything.
 *   .inv.cursor: of the current chunk, head->low and head->high are the cursors; of those before
 *   it, chunk->low and chunk->high. chunk->low of the current one is where it began.
 *   .inv.publish: a chunk's own fields are set before a link to it is released; a link never leads
 *   from one list into another while a marker may walk. What a marker meets is at worst shorter
 *   than it is now.
 *
 * The owner's, except bump_each_low, which others may call meanwhile.
 */
#ifndef GAIT_BUMP_H
#define GAIT_BUMP_H

#include <gait/arena_head.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUMP_CHUNK_BYTES_LEAST ((size_t)8192)
#define BUMP_CHUNK_BYTES_MOST ((size_t)4 << 20)
/* What a window is zeroed ahead: it stays in the first-level cache. Since a reset it is twice as
 * much each time, so that a frame of a few objects pays for little. Measured: objects of 32 bytes
 * in memory that was used before take 2.0 ns at 8 KiB, 1.65 at 16, 1.5 at 32 and 64, 1.65 at 128.
 * Of memory that is zero already it is more: it saves calls; but what was in a window counts as
 * dirty after a reset. Guess. */
#define BUMP_WINDOW_BYTES_LEAST ((size_t)4096)
#define BUMP_WINDOW_BYTES ((size_t)32768)
#define BUMP_WINDOW_CLEAN_BYTES ((size_t)131072)
/* More than this is never taken from a chunk with others: what is zeroed in one go. */
#define BUMP_SMALL_BYTES ((size_t)65536)

/* Where allocation begins in a chunk: so no address is both the end of one and the beginning of
 * another, and a marker can tell whose cursor it has read. A line of the cache: what is aligned to
 * one stays so. */
#define BUMP_CHUNK_LEAD ((size_t)64)

/* A piece of memory from a source, which makes these: where they lie is its own choice. */
struct bump_chunk {
    struct bump_chunk *next; /* in the bump's list; released, see .inv.publish */
    char *start;             /* constant while the bump has it, as is end */
    char *end;
    char *first; /* where allocation begins: past the lead or the head */
    char *low;   /* see .inv.cursor; atomic */
    char *high;  /* likewise, not atomic */
    char *clean; /* see .inv.clean; set by the source */
    char *clean_end;
    size_t era; /* atomic; see .inv.used */
    char *seen; /* as bump_each_part left it, of that era; NULL: never */
    size_t seen_era;
    /* of placed.h, the owner's */
    struct bump_chunk *overflow; /* where what has no room here goes on; NULL: not known */
    size_t promised_bytes;       /* to the clusters that begin here */
};

/* Where chunks come from. context: what bump_take was called with. */
struct bump_source {
    /* A chunk of bytes at least, with start, end, clean and clean_end set. NULL: none. May reset
     * or trim the bump meanwhile: a safepoint may run anything. */
    struct bump_chunk *(*take)(void *context, size_t bytes);
    void (*give)(void *context, struct bump_chunk *chunk);
    /* Have the first bytes of a chunk read as zero that nobody else knows yet; a multiple of
     * granule_bytes, or all. May run anything, as take. NULL: memset. */
    void (*zero)(void *context, char *start, size_t bytes);
    size_t granule_bytes; /* a power of two */
    /* Of a fixed bump whose chunk is memory only as far as open_low and open_high say: have it be
     * so for bytes more at one end, and move that end of it. May run anything, as take. NULL: all
     * of it is memory. @return false: no memory. */
    bool (*open)(void *context, size_t bytes, bool low);
};

struct bump_list {
    struct bump_chunk *first; /* atomic */
    struct bump_chunk *last;  /* the owner's */
};

struct bump {
    struct gait_arena_head *head;     /* constant: at the start of the first chunk */
    const struct bump_source *source; /* constant */
    struct bump_list chunks;
    struct bump_chunk *current; /* is filled now; the owner's */
    struct bump_list large;     /* chunks with one allocation each, since the last reset */
    struct bump_chunk *spare;   /* such that are kept */
    size_t era;                 /* resets so far; atomic, the owner writes it */
    size_t next_bytes;          /* of the next chunk */
    size_t most_bytes;          /* constant: next_bytes grows up to this */
    size_t ahead_bytes;         /* what the next window of used memory is zeroed ahead */
    size_t ahead_most[2];       /* [low]: no window goes further; units; the owner sets them */
    bool windows;               /* constant: allocation without the slow path; else all go by it */
    bool fixed;                 /* constant: it takes no further chunk */
    char *open_low;  /* fixed, with source->open: [open_low, open_high) of its chunk is */
    char *open_high; /* no memory yet; set by the source */
    /* figures; the owner's, read unordered by others */
    size_t left_bytes;       /* allocated in chunks before the current one, and in large ones */
    size_t left_waste_bytes; /* free in chunks before the current one, and lost in large ones */
    size_t held_bytes;       /* chunks of all lists */
    size_t high_water_bytes; /* the most that was allocated between two resets */
    size_t chunk_count;
};

struct bump_config {
    size_t head_bytes;    /* at the start of the first chunk, kept free: the head and more */
    size_t chunk_bytes;   /* of the first; each next twice as large, up to most_bytes */
    size_t most_bytes;    /* 0: BUMP_CHUNK_BYTES_MOST */
    size_t unit;          /* 8 or 16 */
    const uint8_t *kinds; /* for the head */
    bool windows;
    bool fixed;
};

/** Make a bump with its first chunk. @return negative: the source had none. */
int bump_open(struct bump *bump, const struct bump_source *source, void *context,
              const struct bump_config *config);

/**
 * The slow path: bytes (0 counts as 1) from the low or the high end, aligned to a power of two (0:
 * the unit), zeroed. NULL: no memory. What it returns was never in a window before.
 */
void *bump_take(struct bump *bump, void *context, size_t bytes, size_t alignment, bool low);

/**
 * The same from one chunk that is begun, in front of the current one or it itself, and no other.
 * Of a bump without windows. NULL: it has no room.
 */
void *bump_take_from(struct bump *bump, struct bump_chunk *chunk, size_t bytes, size_t alignment,
                     bool low);

/** Of a new bump: its first chunk holds [low_start, low_end) and [high_start, end) already, as
 * distances from its start, all of it opened; what lies between was not written. */
void bump_fill(struct bump *bump, size_t low_start, size_t low_end, size_t high_start);

/** What a begun chunk has left. */
size_t bump_room_bytes(const struct bump *bump, const struct bump_chunk *chunk);

/** Is a piece too large to share a chunk: would bump_take give it one of its own? */
bool bump_is_large(const struct bump *bump, size_t bytes, size_t alignment);

/** Go on with the next chunk, as bump_take does. @return false: there is none. */
bool bump_step(struct bump *bump, void *context);

/** Does the current chunk have room for that, so that the source isn't asked? */
bool bump_has_room(const struct bump *bump, size_t bytes, size_t alignment);

/** Before a reset, for debugging: have all that is allocated hold this byte. */
void bump_overwrite(struct bump *bump, int byte);

/** Forget all allocations, and keep the memory. Constant time. */
void bump_reset(struct bump *bump);

/** The same, but that the first chunk is left as it is: bump_reset_apart left it, and somebody
 * still reads it. */
void bump_reset_behind(struct bump *bump);

/**
 * The same, but that all memory allocated since the last reset is left as it is: somebody still
 * reads it. The first chunk stays the bump's, and is filled again after the next reset only; the
 * others in use are taken out, and are the caller's: it gives them to the source when it is done
 * with them. Constant time except for these. @return them, as one list by their next.
 */
struct bump_chunk *bump_reset_apart(struct bump *bump);

/** Give the chunks not used since the last reset back to the source. @return their bytes. */
size_t bump_trim(struct bump *bump, void *context);

/**
 * The end: all chunks, the first one first, as one list by their next. Nothing is given back; the
 * head is left as it is, with empty windows.
 */
struct bump_chunk *bump_close(struct bump *bump);

/** Call visit for each piece that may hold references. Thread rule: any thread, while the owner
 * allocates, but not while it resets or closes. */
void bump_each_low(const struct bump *bump, void (*visit)(void *data, char *start, char *end),
                   void *data);

/**
 * The same, and say of each piece where it ended when this was called last: seen, or its start, if
 * what was there has been forgotten since. One thread at a time.
 */
void bump_each_part(const struct bump *bump,
                    void (*visit)(void *data, char *start, char *seen, char *end), void *data);

/** Call visit for each piece that was allocated since the last reset, low ones and high ones.
 * alone: one allocation begins in it, and what follows that may hold anything. While nobody
 * allocates. */
void bump_each_used(const struct bump *bump,
                    void (*visit)(void *data, char *start, char *end, bool alone), void *data);

/** Allocated since the last reset, with rounding. Unordered if not called by the owner. */
size_t bump_used_bytes(const struct bump *bump);

/** Of the chunks in use, what is lost: too small a rest, or rounding up to pages. Likewise. */
size_t bump_waste_bytes(const struct bump *bump);

/** Was something allocated in the first chunk since the last reset? */
bool bump_first_is_used(const struct bump *bump);

/** Up to where a chunk, which is not empty, may hold references. The owner's. */
char *bump_low(const struct bump *bump, const struct bump_chunk *chunk);

/** Does what must hold of it hold? */
bool bump_check(const struct bump *bump);

#endif

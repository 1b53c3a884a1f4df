/* SPDX-License-Identifier: MIT */
/* Sizes of free lists that a program keeps for itself: gc_inline.h. */
#ifndef GC_TINY_FL_H
#define GC_TINY_FL_H

#define GC_GRANULE_BYTES 16
#define GC_GRANULE_WORDS 2
#define GC_WORDS_TO_GRANULES(words) ((words) / GC_GRANULE_WORDS)
#define GC_RAW_BYTES_FROM_INDEX(index) ((index)*GC_GRANULE_BYTES)

/* One list for each number of granules from 0 on. */
#ifndef GC_TINY_FREELISTS
#define GC_TINY_FREELISTS 25
#endif

#endif

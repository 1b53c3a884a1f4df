/* SPDX-License-Identifier: MIT */
/* malloc and free, of the C library or of what is linked in its place, for all. */
#ifndef BENCH_PEERS_MALLOC_H
#define BENCH_PEERS_MALLOC_H

#include "malloc_objects.h"
#include "no_region.h"
#include "raw_libc.h"

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Chunks for arenas in WebAssembly, where memory is one range that grows and never shrinks.
 *
 * Blocks are whole pages of 64 KiB: first those between the program's data and stack (__heap_base)
 * and the end of what memory has at the start, then those that memory.grow adds. Given blocks are
 * kept by address and joined with their neighbours. A chunk's record lies at the start of its
 * block.
 *
 * Other code that takes memory by memory.grow does not come in the way: what it adds is the
 * caller's alone. But the memory from __heap_base to the first end is one module's own: an
 * allocator that begins there too, as the C library's does, can't be linked with this source.
 *
 * Thread rule: one thread; such modules have no more.
 */
#ifndef GAIT_WASM_SOURCE_H
#define GAIT_WASM_SOURCE_H

#include "bump.h"

#define WASM_PAGE_BYTES ((size_t)65536)

/** The source; its context is not looked at. */
extern const struct bump_source wasm_source;

/** Bytes in blocks that are free, for figures. */
size_t wasm_source_free_bytes(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Of <string.h>, what the arena's core uses, for WebAssembly without a C library. */
#ifndef GAIT_WASM_STRING_H
#define GAIT_WASM_STRING_H

#include <stddef.h>

void *memset(void *start, int value, size_t bytes);

#endif

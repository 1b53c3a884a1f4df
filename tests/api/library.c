/* SPDX-License-Identifier: MIT */
/* A library that is loaded and unloaded: segments.c. */
#include <stdint.h>

extern uintptr_t library_words[1000];
uintptr_t library_words[1000] = {1};

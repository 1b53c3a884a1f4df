/* SPDX-License-Identifier: MIT */
/*
 * Is this program run by an emulator of another machine? It has few addresses, and writes to stderr
 * when the program is killed. Meson says so.
 */
#ifndef EMULATED_H
#define EMULATED_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool is_emulated(void) { return getenv("MESON_EXE_WRAPPER") != NULL; }

#endif

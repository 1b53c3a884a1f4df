/* SPDX-License-Identifier: MIT */
/*
 * Public structures grow: fields are added at their ends. Programs that were built before, or
 * after, have other sizes than this library, and say theirs; what they hand over is moved through
 * these functions, which touch no byte beyond the program's size.
 *
 *   .inv.abi: the library reads and writes a public structure of the program's by abi_take and
 *   abi_give only. A size that an exported function does not get is that of the first headers:
 *   ABI0_BYTES, which never changes while the soversion is 0.
 */
#ifndef GAIT_ABI_H
#define GAIT_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/** Bytes of a structure whose last field was this one, in the first headers. */
#define ABI0_BYTES(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/**
 * Take a structure of the program's. What it does not have stays as *own has it: the defaults.
 * @return false: it has something that this library does not know: bytes beyond that are not 0.
 */
static inline bool abi_take(void *own, size_t own_bytes, const void *given, size_t given_bytes) {
    const unsigned char *bytes = (const unsigned char *)given;
    memcpy(own, given, given_bytes < own_bytes ? given_bytes : own_bytes);
    for (size_t i = own_bytes; i < given_bytes; i++)
        if (bytes[i])
            return false;
    return true;
}

/** Give one to the program: as much as it has room for; what this library does not know is 0. */
static inline void abi_give(void *given, size_t given_bytes, const void *own, size_t own_bytes) {
    size_t common = given_bytes < own_bytes ? given_bytes : own_bytes;
    memcpy(given, own, common);
    memset((char *)given + common, 0, given_bytes - common);
}

#endif

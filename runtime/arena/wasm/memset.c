/* SPDX-License-Identifier: MIT */
/* memset for WebAssembly without a C library; one that is linked with it comes first. */
#include <stdint.h>
#include <string.h>

/* Not to be made a call of itself. */
__attribute__((weak, no_builtin("memset"))) void *memset(void *start, int value, size_t bytes) {
    unsigned char *at = start;
    uint64_t word = UINT64_C(0x0101010101010101) * (unsigned char)value;
    for (; bytes > 0 && (uintptr_t)at % sizeof word != 0; bytes--)
        *at++ = (unsigned char)value;
    for (; bytes >= sizeof word; bytes -= sizeof word, at += sizeof word)
        *(uint64_t *)at = word;
    for (; bytes > 0; bytes--)
        *at++ = (unsigned char)value;
    return start;
}

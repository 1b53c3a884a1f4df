/* SPDX-License-Identifier: MIT */
/*
 * NUMA nodes: which have memory, as the kernel lists them, and memory that is bound to one. By the
 * system call itself: libnuma would be a library more for every program. No state; nothing is
 * remembered, as nodes may come and go.
 *
 *   .inv.one: a machine of which the kernel lists no nodes has one, node 0, which is all of its
 *   memory: binding to it asks for nothing.
 */
#include "fault.h"
#include "kernel_file.h"
#include "platform.h"

#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As many as a kernel can be built for (CONFIG_NODES_SHIFT is at most 10). */
#define NODES_MOST 1024

/** The kernel's list of nodes, such as "0-1,4". @return negative: it has none. */
static int read_list(char *list, size_t list_bytes) {
    static const char *const files[] = {"/sys/devices/system/node/has_memory",
                                        "/sys/devices/system/node/online"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (kernel_file_first_line(files[i], list, list_bytes) == 0 && list[0] >= '0' &&
            list[0] <= '9')
            return 0;
    return -1;
}

void platform_nodes(char *list, size_t list_bytes) {
    if (read_list(list, list_bytes) < 0)
        snprintf(list, list_bytes, "0");
}

bool platform_has_node(int node) {
    char list[512];
    platform_nodes(list, sizeof list);
    for (const char *next = list; node >= 0 && *next >= '0' && *next <= '9';) {
        char *rest;
        long low = strtol(next, &rest, 10), high = low;
        if (*rest == '-')
            high = strtol(rest + 1, &rest, 10);
        if (node >= low && node <= high)
            return true;
        next = *rest == ',' ? rest + 1 : rest;
    }
    return false;
}

int platform_bind(void *start, size_t bytes, int node) {
    char list[8];
    if (fault_hits(FAULT_BIND) || node >= NODES_MOST)
        return -1;
    if (read_list(list, sizeof list) < 0)
        return node <= 0 ? 0 : -1;
    unsigned long mask[NODES_MOST / (8 * sizeof(unsigned long))];
    memset(mask, 0, sizeof mask);
    if (node >= 0)
        mask[(size_t)node / (8 * sizeof *mask)] |= 1ul << (size_t)node % (8 * sizeof *mask);
    /* the kernel looks at one bit less than it is told */
    long result = node < 0 ? syscall(SYS_mbind, start, bytes, MPOL_DEFAULT, NULL, 0ul, 0u)
                           : syscall(SYS_mbind, start, bytes, MPOL_BIND, mask,
                                     (unsigned long)NODES_MOST + 1, MPOL_MF_MOVE);
    if (result == 0)
        return 0;
    /* A container may forbid the call. Where there is no other node the memory lies right anyway.
     */
    return strcmp(list, "0") == 0 && node <= 0 ? 0 : -1;
}

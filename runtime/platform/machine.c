/* SPDX-License-Identifier: MIT */
/*
 * The machine as this process may use it: what the kernel says of CPUs and memory, and the limits
 * of control groups (cgroup.c). Nothing is remembered: affinity and limits may change.
 */
#include "cgroup.h"
#include "kernel_file.h"
#include "platform.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/** CPUs in the affinity mask, of up to 65536. Apart: its 8 KiB of stack are two page faults. */
static __attribute__((noinline)) int affinity_of_many(void) {
    cpu_set_t mask[64];
    memset(mask, 0, sizeof mask);
    return sched_getaffinity(0, sizeof mask, mask) == 0 ? CPU_COUNT_S(sizeof mask, mask) : 0;
}

int platform_affinity_cpus(void) {
    /* The kernel refuses a mask that is shorter than its own. */
    cpu_set_t mask;
    CPU_ZERO(&mask);
    int count =
        sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : affinity_of_many();
    if (count <= 0)
        count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}

int platform_quota_cpus(int cpus) {
    /* Part of a CPU counts as one: the quota then throttles, but no CPU time is left unused. */
    double quota = ceil(cgroup_cpu_quota());
    return quota < cpus ? (int)quota : cpus;
}

int platform_cpus(void) { return platform_quota_cpus(platform_affinity_cpus()); }

int64_t platform_physical_bytes(void) {
    struct sysinfo system;
    return sysinfo(&system) == 0 ? (int64_t)system.totalram * (int64_t)system.mem_unit : 0;
}

int64_t platform_memory_bytes(void) {
    int64_t physical_bytes = platform_physical_bytes();
    int64_t limit_bytes = cgroup_memory_limit_bytes();
    if (limit_bytes == INT64_MAX)
        return physical_bytes;
    return physical_bytes && physical_bytes < limit_bytes ? physical_bytes : limit_bytes;
}

int64_t platform_resident_bytes(void) {
    /* statm: total resident …, in pages */
    char line[128];
    if (kernel_file_first_line("/proc/self/statm", line, sizeof line) < 0)
        return 0;
    const char *resident = strchr(line, ' ');
    return resident ? strtoll(resident, NULL, 10) * (int64_t)platform_page_bytes() : 0;
}

unsigned platform_process_id(void) { return (unsigned)getpid(); }

void platform_program_name(char *name, size_t name_bytes) {
    if (kernel_file_first_line("/proc/self/comm", name, name_bytes) < 0)
        name[0] = '\0';
}

bool platform_working_folder(char *name, size_t name_bytes) {
    bool known = getcwd(name, name_bytes) && name[0] == '/';
    if (!known)
        name[0] = '\0';
    return known;
}

/* SPDX-License-Identifier: MIT */
/*
 * runtime/platform: the machine as told by made-up /proc and /sys trees. A tree is a folder that
 * stands in the place of "/".
 */
#include "instance.h"
#include "platform/cgroup.h"
#include "platform/kernel_file.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MIB = 1 << 20 };

static char tree[] = "/tmp/gait-platform-XXXXXX";

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk) {
    (void)stat, (void)type, (void)walk;
    return remove(path);
}

static void remove_tree(void) {
    kernel_file_set_root(NULL);
    nftw(tree, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/** Begin a made-up tree in place of "/". */
static void make_tree(void) {
    strcpy(tree + strlen(tree) - 6, "XXXXXX");
    cr_assert_not_null(mkdtemp(tree));
    kernel_file_set_root(tree);
}

/** Write a file of the tree, with the directories that lead to it. */
static void add_file(const char *path, const char *text) {
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s%s", tree, path);
    for (char *slash = full + strlen(tree) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        cr_assert(mkdir(full, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

#define MOUNT_V2 "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT_V1                                                                                   \
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"                                              \
    "33 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"                  \
    "34 31 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"                            \
    "35 31 0:33 / /sys/fs/cgroup/memory rw shared:9 master:1 - cgroup cgroup rw,memory\n"

#define NO_LIMIT INT64_MAX

struct tree_file {
    const char *path, *text;
};

static const struct {
    const char *what;
    struct tree_file files[8];
    double quota;
    int64_t limit_bytes;
} cgroup_cases[] = {
    {"nothing at all", {{0}}, INFINITY, NO_LIMIT},
    {"groups, but no /sys", {{"/proc/self/cgroup", "0::/a\n"}}, INFINITY, NO_LIMIT},
    {"v2, no limits",
     {{"/proc/self/cgroup", "0::/a\n"},
      {"/proc/self/mountinfo", MOUNT_V2},
      {"/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/a/memory.max", "max\n"}},
     INFINITY,
     NO_LIMIT},
    {"v2, the group's own",
     {{"/proc/self/cgroup", "0::/a/b\n"},
      {"/proc/self/mountinfo", MOUNT_V2},
      {"/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n"},
      {"/sys/fs/cgroup/a/b/memory.max", "268435456\n"},
      {"/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
      {"/sys/fs/cgroup/a/memory.max", "536870912\n"}},
     1.5,
     268435456},
    {"v2, an ancestor's, over groups without files",
     {{"/proc/self/cgroup", "0::/a/b/c/d\n"},
      {"/proc/self/mountinfo", MOUNT_V2},
      {"/sys/fs/cgroup/a/b/c/d/memory.max", "536870912\n"},
      {"/sys/fs/cgroup/a/cpu.max", "50000 100000\n"},
      {"/sys/fs/cgroup/a/memory.max", "134217728\n"}},
     0.5,
     134217728},
    {"v2, the visible root as in a container with its own namespace",
     {{"/proc/self/cgroup", "0::/\n"},
      {"/proc/self/mountinfo", MOUNT_V2},
      {"/sys/fs/cgroup/cpu.max", "300000 100000\n"},
      {"/sys/fs/cgroup/memory.max", "1073741824\n"}},
     3,
     1073741824},
    {"v2, the mount shows the group itself",
     {{"/proc/self/cgroup", "0::/docker/0af\n"},
      {"/proc/self/mountinfo",
       "30 23 0:26 /docker/0af /sys/fs/cgroup ro - cgroup2 cgroup2 rw,nsdelegate\n"},
      {"/sys/fs/cgroup/cpu.max", "200000 100000\n"},
      {"/sys/fs/cgroup/memory.max", "4096\n"}},
     2,
     4096},
    {"v2, the mount shows a group of a similar name only",
     {{"/proc/self/cgroup", "0::/docker/0af\n"},
      {"/proc/self/mountinfo", "30 23 0:26 /docker/0a /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"},
      {"/sys/fs/cgroup/memory.max", "8192\n"},
      {"/sys/fs/cgroupf/memory.max", "4096\n"}},
     INFINITY,
     8192},
    {"v2, the second of two mounts shows the group",
     {{"/proc/self/cgroup", "0::/pod/x\n"},
      {"/proc/self/mountinfo", "30 23 0:26 /other /mnt/other ro - cgroup2 cgroup2 rw\n"
                               "31 23 0:26 /pod /mnt/pod\\040s ro - cgroup2 cgroup2 rw\n"},
      {"/mnt/other/memory.max", "4096\n"},
      {"/mnt/pod s/x/memory.max", "8192\n"}},
     INFINITY,
     8192},
    {"v2, a group outside the namespace",
     {{"/proc/self/cgroup", "0::/../../sibling\n"},
      {"/proc/self/mountinfo", MOUNT_V2},
      {"/sys/fs/cgroup/memory.max", "65536\n"}},
     INFINITY,
     65536},
    {"v2, a group that was removed",
     {{"/proc/self/cgroup", "0::/a/gone (deleted)\n"},
      {"/proc/self/mountinfo", MOUNT_V2},
      {"/sys/fs/cgroup/a/memory.max", "65536\n"}},
     INFINITY,
     65536},
    {"v1, the group's own",
     {{"/proc/self/cgroup", "4:memory:/m\n3:cpuset:/s\n2:cpu,cpuacct:/c\n"},
      {"/proc/self/mountinfo", MOUNT_V1},
      {"/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "250000\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "104857600\n"}},
     2.5,
     104857600},
    {"v1, no limits",
     {{"/proc/self/cgroup", "4:memory:/m\n2:cpu,cpuacct:/c\n"},
      {"/proc/self/mountinfo", MOUNT_V1},
      {"/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1\n"},
      {"/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n"},
      {"/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "18446744073709551615\n"}},
     INFINITY,
     NO_LIMIT},
    {"v1 with an empty v2 beside it, an ancestor's limit",
     {{"/proc/self/cgroup", "4:memory:/m/n\n2:cpu,cpuacct:/c\n0::/u\n"},
      {"/proc/self/mountinfo",
       MOUNT_V1 "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
      {"/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "1048576\n"}},
     INFINITY,
     1048576},
    {"files with nonsense",
     {{"/proc/self/cgroup", "\n:\n0:\n0::/a\n"},
      {"/proc/self/mountinfo", "\n - \n1 2 3 4 5 -\n1 2 3 4 5 - cgroup2\n" MOUNT_V2},
      {"/sys/fs/cgroup/a/cpu.max", "100000\n"},
      {"/sys/fs/cgroup/a/memory.max", "lots\n"},
      {"/sys/fs/cgroup/cpu.max", "0 0\n"},
      {"/sys/fs/cgroup/memory.max", ""}},
     INFINITY,
     NO_LIMIT},
};

Test(machine, cgroup_limits) {
    for (size_t i = 0; i < sizeof cgroup_cases / sizeof cgroup_cases[0]; i++) {
        make_tree();
        for (const struct tree_file *file = cgroup_cases[i].files; file->path; file++)
            add_file(file->path, file->text);
        double quota = cgroup_cpu_quota();
        int64_t limit_bytes = cgroup_memory_limit_bytes();
        remove_tree();
        cr_expect(quota == cgroup_cases[i].quota, "%s: quota %g", cgroup_cases[i].what, quota);
        cr_expect_eq(limit_bytes, cgroup_cases[i].limit_bytes, "%s: limit %lld",
                     cgroup_cases[i].what, (long long)limit_bytes);
    }
}

Test(machine, very_long_lines_are_skipped, .fini = remove_tree) {
    enum { LONG = 20000 };
    static char mounts[LONG + 1000];
    int length = snprintf(mounts, sizeof mounts, "1 2 0:1 / /over rw - overlay overlay lower=");
    memset(mounts + length, 'x', LONG);
    strcpy(mounts + length + LONG, "\n" MOUNT_V2);
    make_tree();
    add_file("/proc/self/cgroup", "0::/\n");
    add_file("/proc/self/mountinfo", mounts);
    add_file("/sys/fs/cgroup/memory.max", "12288\n");
    cr_assert_eq(cgroup_memory_limit_bytes(), 12288);
}

Test(machine, cpus_are_affinity_and_quota, .fini = remove_tree) {
    make_tree();
    cpu_set_t all, one;
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    cr_assert_eq(platform_cpus(), CPU_COUNT(&all));

    add_file("/proc/self/cgroup", "0::/\n");
    add_file("/proc/self/mountinfo", MOUNT_V2);
    add_file("/sys/fs/cgroup/cpu.max", "1000 100000\n");
    cr_assert_eq(platform_cpus(), 1);
    add_file("/sys/fs/cgroup/cpu.max", "120000 100000\n");
    cr_assert_eq(platform_cpus(), CPU_COUNT(&all) < 2 ? 1 : 2);
    add_file("/sys/fs/cgroup/cpu.max", "9000000000 1\n");
    cr_assert_eq(platform_cpus(), CPU_COUNT(&all));

    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(platform_cpus(), 1);
}

/* A heap of a program whose quota is one CPU. */
static gait_heap *create_under_quota(void) {
    make_tree();
    add_file("/proc/self/cgroup", "0::/\n");
    add_file("/proc/self/mountinfo", MOUNT_V2);
    add_file("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    unsetenv("GOMAXPROCS");
    gait_config config;
    gait_config_init(&config);
    gait_heap *heap = gait_heap_create(&config, NULL, 0);
    cr_assert_not_null(heap);
    return heap;
}

/* To look the quota up takes longer than all else as a heap begins. So it is put off, but not
 * beyond the first use. */
Test(machine, a_quota_counts_from_the_first_cycle_or_question_on, .fini = remove_tree) {
    gait_heap *heap = create_under_quota();
    cr_expect_eq(AO_load(&heap->control.procs_settled), 0, "a heap has looked for it as it began");
    gait_mutator *mutator = gait_attach(heap);
    gait_collect(mutator);
    cr_expect_eq(control_procs(&heap->control), 1, "a cycle has not");
    cr_expect_eq(heap->control.governor.settings.procs, 1);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    remove_tree();

    heap = create_under_quota();
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    cr_expect_eq(stats.max_procs, 1u);
    gait_heap_destroy(heap);
    remove_tree();

    heap = create_under_quota();
    cr_expect_eq(gait_set_max_procs(heap, 3), 1, "what it was");
    cr_expect_eq(gait_set_max_procs(heap, 0), 3, "what was set stays");
    gait_heap_destroy(heap);
}

Test(machine, memory_is_the_limit_or_what_is_there, .fini = remove_tree) {
    make_tree();
    int64_t physical = platform_memory_bytes();
    cr_assert(physical > 16 * MIB);
    cr_assert_eq(platform_resident_bytes(), 0);

    add_file("/proc/self/cgroup", "0::/\n");
    add_file("/proc/self/mountinfo", MOUNT_V2);
    add_file("/sys/fs/cgroup/memory.max", "8388608\n");
    cr_assert_eq(platform_memory_bytes(), 8388608);
    add_file("/sys/fs/cgroup/memory.max", "16777216\n");
    cr_assert_eq(platform_memory_bytes(), 16777216);
    cr_assert_eq(platform_physical_bytes(), physical, "whatever the limit is");
    add_file("/sys/fs/cgroup/memory.max", "1152921504606846976\n");
    cr_assert_eq(platform_memory_bytes(), physical);
    add_file("/proc/self/statm", "1000 300 200 1 0 100 0\n");
    cr_assert_eq(platform_resident_bytes(), 300 * (int64_t)platform_page_bytes());
}

Test(machine, this_one_has_memory_and_cpus) {
    cr_assert(platform_cpus() >= 1);
    cr_assert(platform_memory_bytes() > platform_resident_bytes());
    cr_assert(platform_resident_bytes() > 0);
}

/* ---- NUMA nodes ---- */

static const char *nodes(void) {
    static char list[64];
    platform_nodes(list, sizeof list);
    return list;
}

Test(machine, nodes_are_those_with_memory) {
    make_tree();
    add_file("/sys/devices/system/node/online", "0-7\n");
    add_file("/sys/devices/system/node/has_memory", "0-1,4,10-11\n");
    cr_assert_str_eq(nodes(), "0-1,4,10-11");
    const int there[] = {0, 1, 4, 10, 11}, missing[] = {-1, 2, 3, 5, 9, 12, 1 << 20};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        cr_assert(platform_has_node(there[i]), "%d", there[i]);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        cr_assert_not(platform_has_node(missing[i]), "%d", missing[i]);
    remove_tree();
}

Test(machine, nodes_that_are_online_where_no_more_is_told) {
    make_tree();
    add_file("/sys/devices/system/node/online", "0,2\n");
    cr_assert_str_eq(nodes(), "0,2");
    cr_assert(platform_has_node(2));
    cr_assert_not(platform_has_node(1));
    remove_tree();
}

Test(machine, one_node_where_none_is_listed) {
    make_tree();
    cr_assert_str_eq(nodes(), "0");
    cr_assert(platform_has_node(0));
    cr_assert_not(platform_has_node(1));
    void *page = platform_map(platform_page_bytes());
    cr_assert_eq(platform_bind(page, platform_page_bytes(), 0), 0);
    cr_assert_lt(platform_bind(page, platform_page_bytes(), 1), 0);
    platform_unreserve(page, platform_page_bytes());
    remove_tree();
}

Test(machine, a_list_that_is_none_has_node_0) {
    const char *const lists[] = {"", "\n", "none\n", "-1\n"};
    make_tree();
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        add_file("/sys/devices/system/node/has_memory", lists[i]);
        cr_assert_str_eq(nodes(), "0");
        cr_assert(platform_has_node(0));
    }
    remove_tree();
}

/* On the real machine, whichever nodes it has. */
Test(machine, memory_is_bound_to_a_node_that_there_is) {
    size_t bytes = 16 * platform_page_bytes();
    char *pages = platform_reserve(bytes, platform_page_bytes());
    cr_assert_eq(platform_commit(pages, bytes), 0);
    pages[0] = 7;
    int node = 0;
    while (!platform_has_node(node))
        node++;
    cr_assert_eq(platform_bind(pages, bytes, node), 0);
    memset(pages + 1, 5, bytes - 1);
    cr_assert_eq(pages[0], 7);
    cr_assert_eq(platform_bind(pages, bytes, -1), 0);
    cr_assert_eq(pages[bytes - 1], 5);
    cr_assert_lt(platform_bind(pages, bytes, 1023), 0);
    cr_assert_lt(platform_bind(pages, bytes, 1 << 20), 0);
    platform_unreserve(pages, bytes);
}

/* SPDX-License-Identifier: MIT */
/*
 * Control groups. /proc/self/cgroup names the group of this process in each hierarchy,
 * /proc/self/mountinfo says where the hierarchies are mounted and which part of them is visible
 * there. The directory of the group follows from both. A limit of any group on the way up binds,
 * so the lowest counts. Whatever is missing or not understood sets no limit.
 * Source: cgroups(7), proc(5).
 */
#include "cgroup.h"

#include "kernel_file.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct group_path;

/* A hierarchy that can hold a limit, and how it states it. */
struct hierarchy {
    const char *filesystem; /* type of the mount                                            */
    const char *controller; /* version 1: the controller it must have; version 2: NULL       */
    const char *limit_file; /*                                                              */
    const char *aside_file; /* a second file that belongs to the limit, or NULL             */
    /* reads one group's limit; INFINITY when it has none */
    double (*read)(const struct hierarchy *hierarchy, const struct group_path *directory);
};

/* The group's directory: a prefix of text, of which the first mount_length bytes are the mount. */
struct group_path {
    size_t mount_length;
    char text[PATH_MAX];
};

/* What is found of a hierarchy. Both versions' are looked for at once: the kernel takes 40 us to
 * make mountinfo's text, more than for all else. */
struct found {
    const struct hierarchy *hierarchy;
    bool has_group, has_directory;
    bool shows_group; /* the directory is the group's, and not only as close as can be seen */
    char group[PATH_MAX];
    struct group_path directory;
};

#define VERSIONS 2

/** Is word an item of the comma-separated list? */
static bool list_has(const char *list, const char *word) {
    size_t length = strlen(word);
    for (;;) {
        size_t item = strcspn(list, ",");
        if (item == length && memcmp(list, word, length) == 0)
            return true;
        if (!list[item])
            return false;
        list += item + 1;
    }
}

/** Cut the next field, up to the separator, off *text. @return NULL: there is none. */
static char *next_field(char **text, char separator) {
    char *field = *text;
    if (!field)
        return NULL;
    char *end = strchr(field, separator);
    *text = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return field;
}

static bool is_group_of(const struct hierarchy *hierarchy, const char *number,
                        const char *controllers) {
    return hierarchy->controller ? list_has(controllers, hierarchy->controller)
                                 : strcmp(number, "0") == 0 && !*controllers;
}

/** Find the paths of this process's groups within hierarchies: the first of each. */
static void find_groups(struct found found[VERSIONS]) {
    struct kernel_file file;
    if (kernel_file_open(&file, "/proc/self/cgroup") < 0)
        return;
    char line[PATH_MAX];
    while (kernel_file_line(&file, line, sizeof line)) {
        /* number:controller,…:path; version 2 has neither number nor controllers: 0::path */
        char *rest = line;
        char *number = next_field(&rest, ':');
        char *controllers = next_field(&rest, ':');
        if (!rest)
            continue;
        for (struct found *one = found; one < found + VERSIONS; one++)
            if (!one->has_group && is_group_of(one->hierarchy, number, controllers)) {
                snprintf(one->group, sizeof one->group, "%s", rest);
                one->has_group = true;
            }
    }
    kernel_file_close(&file);
}

/** Undo the escapes of mountinfo, \ and three octal digits, in place. */
static void unescape(char *text) {
    char *to = text;
    while (*text) {
        if (text[0] == '\\' && text[1] && text[2] && text[3]) {
            *to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/** What of path lies below top ("/a/b" below "/a": "/b"), NULL if it does not lie there. */
static const char *path_below(const char *path, const char *top) {
    if (strcmp(top, "/") == 0)
        return strcmp(path, "/") == 0 ? "" : path;
    size_t length = strlen(top);
    if (strncmp(path, top, length) != 0 || (path[length] != '/' && path[length]))
        return NULL;
    return path + length;
}

/* A line of mountinfo. */
struct mount {
    char *top, *mount;
    char *filesystem, *options; /* options: NULL in a line that is not understood */
};

/** Take a line of mountinfo apart, in place. */
static struct mount read_mount(char *line) {
    /* id parent device top mount options tag… - filesystem source super-options */
    char *fields = line;
    for (int skipped = 0; skipped < 3; skipped++)
        next_field(&fields, ' ');
    struct mount mount = {0};
    mount.top = next_field(&fields, ' ');
    mount.mount = next_field(&fields, ' ');
    char *field;
    do
        field = next_field(&fields, ' ');
    while (field && strcmp(field, "-") != 0);
    mount.filesystem = next_field(&fields, ' ');
    next_field(&fields, ' ');
    mount.options = next_field(&fields, ' ');
    if (mount.options) {
        unescape(mount.top);
        unescape(mount.mount);
    }
    return mount;
}

static bool is_mount_of(const struct mount *mount, const struct hierarchy *hierarchy) {
    return mount->options && strcmp(mount->filesystem, hierarchy->filesystem) == 0 &&
           (!hierarchy->controller || list_has(mount->options, hierarchy->controller));
}

/** Take a mount of the hierarchy: the first one that shows the group, else the first at all: its
 * top is then as close as a container lets us see ("/../…" and a group of the host's are not below
 * any mount). */
static void take_mount(struct found *found, const struct mount *mount) {
    const char *below = strstr(found->group, "/..") ? NULL : path_below(found->group, mount->top);
    if (found->has_directory && !below)
        return;
    struct group_path *directory = &found->directory;
    int length =
        snprintf(directory->text, sizeof directory->text, "%s%s", mount->mount, below ? below : "");
    directory->mount_length = strlen(mount->mount);
    found->has_directory = length >= 0 && (size_t)length < sizeof directory->text;
    found->shows_group = below != NULL;
}

/** Find the directories of this process's groups. */
static void find_directories(struct found found[VERSIONS]) {
    char line[PATH_MAX];
    struct kernel_file file;
    find_groups(found);
    bool some = false;
    for (int i = 0; i < VERSIONS; i++)
        some |= found[i].has_group;
    if (!some || kernel_file_open(&file, "/proc/self/mountinfo") < 0)
        return;
    while (kernel_file_line(&file, line, sizeof line)) {
        struct mount mount = read_mount(line);
        for (struct found *one = found; one < found + VERSIONS; one++)
            if (one->has_group && !one->shows_group && is_mount_of(&mount, one->hierarchy))
                take_mount(one, &mount);
    }
    kernel_file_close(&file);
}

/** Go to the parent group. @return false: the top has been reached. */
static bool go_up(struct group_path *directory) {
    char *slash = strrchr(directory->text + directory->mount_length, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

/** The first line of a file of the group. @return negative: there is no such file. */
static int read_limit(const struct group_path *directory, const char *name, char *line,
                      size_t line_bytes) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory->text, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return -1;
    return kernel_file_first_line(path, line, line_bytes);
}

static double lowest_limit(const struct hierarchy hierarchies[VERSIONS]) {
    struct found found[VERSIONS];
    for (int i = 0; i < VERSIONS; i++) {
        found[i].hierarchy = &hierarchies[i];
        found[i].has_group = found[i].has_directory = found[i].shows_group = false;
    }
    find_directories(found);
    double lowest = INFINITY;
    for (int i = 0; i < VERSIONS; i++) {
        if (!found[i].has_directory)
            continue;
        do
            lowest = fmin(lowest, hierarchies[i].read(&hierarchies[i], &found[i].directory));
        while (go_up(&found[i].directory));
    }
    return lowest;
}

/** "max" and -1 mean none. */
static bool is_positive(const char *text) { return strtoll(text, NULL, 10) > 0; }

/** quota / period, both in µs, where both are positive numbers. */
static double quota_of(const char *quota, const char *period) {
    return is_positive(quota) && is_positive(period) ? strtod(quota, NULL) / strtod(period, NULL)
                                                     : INFINITY;
}

/** Version 2: "quota period" in one line. */
static double read_quota(const struct hierarchy *hierarchy, const struct group_path *directory) {
    char line[64];
    if (read_limit(directory, hierarchy->limit_file, line, sizeof line) < 0)
        return INFINITY;
    char *rest = line;
    char *quota = next_field(&rest, ' ');
    return rest ? quota_of(quota, rest) : INFINITY;
}

/** Version 1: two files, the second of which is only read where the first sets a limit: each takes
 * 6 us. */
static double read_split_quota(const struct hierarchy *hierarchy,
                               const struct group_path *directory) {
    char quota[64], period[64];
    if (read_limit(directory, hierarchy->limit_file, quota, sizeof quota) < 0 ||
        !is_positive(quota) ||
        read_limit(directory, hierarchy->aside_file, period, sizeof period) < 0)
        return INFINITY;
    return quota_of(quota, period);
}

/** A number of bytes; "max", and version 1's near-INT64_MAX, mean none. */
static double read_bytes(const struct hierarchy *hierarchy, const struct group_path *directory) {
    char line[64];
    if (read_limit(directory, hierarchy->limit_file, line, sizeof line) < 0)
        return INFINITY;
    long long bytes = strtoll(line, NULL, 10);
    return bytes > 0 ? (double)bytes : INFINITY;
}

double cgroup_cpu_quota(void) {
    static const struct hierarchy versions[VERSIONS] = {
        {"cgroup2", NULL, "cpu.max", NULL, read_quota},
        {"cgroup", "cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us", read_split_quota},
    };
    return lowest_limit(versions);
}

int64_t cgroup_memory_limit_bytes(void) {
    static const struct hierarchy versions[VERSIONS] = {
        {"cgroup2", NULL, "memory.max", NULL, read_bytes},
        {"cgroup", "memory", "memory.limit_in_bytes", NULL, read_bytes},
    };
    /* Limits are whole pages, which a double holds exactly up to 2^53 pages. Past INT64_MAX / 2
       no machine has the memory: version 1 writes such a number for "none". */
    double bytes = lowest_limit(versions);
    return bytes < (double)(INT64_MAX / 2) ? (int64_t)bytes : INT64_MAX;
}

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

/* A hierarchy that can hold a limit, and how it states it. */
struct hierarchy {
    const char *filesystem; /* type of the mount                                            */
    const char *controller; /* version 1: the controller it must have; version 2: NULL       */
    const char *limit_file; /*                                                              */
    const char *aside_file; /* a second file that belongs to the limit, or NULL             */
};

/* The group's directory: a prefix of text, of which the first mount_length bytes are the mount. */
struct group_path {
    size_t mount_length;
    char text[PATH_MAX];
};

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

/** Find the path of this process's group within a hierarchy. */
static bool find_group(const struct hierarchy *hierarchy, char *path, size_t path_bytes) {
    struct kernel_file file;
    if (kernel_file_open(&file, "/proc/self/cgroup") < 0)
        return false;
    char line[PATH_MAX];
    bool found = false;
    while (!found && kernel_file_line(&file, line, sizeof line)) {
        /* number:controller,…:path; version 2 has neither number nor controllers: 0::path */
        char *rest = line;
        char *number = next_field(&rest, ':');
        char *controllers = next_field(&rest, ':');
        if (!rest)
            continue;
        found = hierarchy->controller ? list_has(controllers, hierarchy->controller)
                                      : strcmp(number, "0") == 0 && !*controllers;
        if (found)
            snprintf(path, path_bytes, "%s", rest);
    }
    kernel_file_close(&file);
    return found;
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

/** Take a line of mountinfo apart. @return false: not a mount of this hierarchy. */
static bool read_mount(char *line, const struct hierarchy *hierarchy, char **top, char **mount) {
    /* id parent device top mount options tag… - filesystem source super-options */
    char *fields = line;
    for (int skipped = 0; skipped < 3; skipped++)
        next_field(&fields, ' ');
    *top = next_field(&fields, ' ');
    *mount = next_field(&fields, ' ');
    char *field;
    do
        field = next_field(&fields, ' ');
    while (field && strcmp(field, "-") != 0);
    char *filesystem = next_field(&fields, ' ');
    next_field(&fields, ' ');
    char *options = next_field(&fields, ' ');
    if (!options || strcmp(filesystem, hierarchy->filesystem) != 0)
        return false;
    if (hierarchy->controller && !list_has(options, hierarchy->controller))
        return false;
    unescape(*top);
    unescape(*mount);
    return true;
}

/** Find the directory of this process's group. */
static bool find_directory(const struct hierarchy *hierarchy, struct group_path *directory) {
    char group[PATH_MAX], line[PATH_MAX];
    struct kernel_file file;
    if (!find_group(hierarchy, group, sizeof group) ||
        kernel_file_open(&file, "/proc/self/mountinfo") < 0)
        return false;
    /* The first mount that shows the group, else the first at all: its top is then as close as a
       container lets us see ("/../…" and a group of the host's are not below any mount). */
    bool found = false;
    const char *below = NULL;
    while (!below && kernel_file_line(&file, line, sizeof line)) {
        char *top, *mount;
        if (!read_mount(line, hierarchy, &top, &mount))
            continue;
        below = strstr(group, "/..") ? NULL : path_below(group, top);
        if (found && !below)
            continue;
        int length =
            snprintf(directory->text, sizeof directory->text, "%s%s", mount, below ? below : "");
        directory->mount_length = strlen(mount);
        found = length >= 0 && (size_t)length < sizeof directory->text;
    }
    kernel_file_close(&file);
    return found;
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

/* A reader of one group's limit; INFINITY when it has none. */
typedef double read_fn(const struct hierarchy *hierarchy, const struct group_path *directory);

static double lowest_limit(const struct hierarchy *hierarchy, read_fn *read) {
    struct group_path directory;
    double lowest = INFINITY;
    if (find_directory(hierarchy, &directory)) {
        do
            lowest = fmin(lowest, read(hierarchy, &directory));
        while (go_up(&directory));
    }
    return lowest;
}

/** quota / period, both in µs, where both are positive numbers ("max" and -1 mean none). */
static double quota_of(const char *quota_text, const char *period_text) {
    long long quota = strtoll(quota_text, NULL, 10), period = strtoll(period_text, NULL, 10);
    return quota > 0 && period > 0 ? (double)quota / (double)period : INFINITY;
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

/** Version 1: two files. */
static double read_split_quota(const struct hierarchy *hierarchy,
                               const struct group_path *directory) {
    char quota[64], period[64];
    if (read_limit(directory, hierarchy->limit_file, quota, sizeof quota) < 0 ||
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
    static const struct hierarchy unified = {"cgroup2", NULL, "cpu.max", NULL};
    static const struct hierarchy split = {"cgroup", "cpu", "cpu.cfs_quota_us",
                                           "cpu.cfs_period_us"};
    return fmin(lowest_limit(&unified, read_quota), lowest_limit(&split, read_split_quota));
}

int64_t cgroup_memory_limit_bytes(void) {
    static const struct hierarchy unified = {"cgroup2", NULL, "memory.max", NULL};
    static const struct hierarchy split = {"cgroup", "memory", "memory.limit_in_bytes", NULL};
    /* Limits are whole pages, which a double holds exactly up to 2^53 pages. Past INT64_MAX / 2
       no machine has the memory: version 1 writes such a number for "none". */
    double bytes = fmin(lowest_limit(&unified, read_bytes), lowest_limit(&split, read_bytes));
    return bytes < (double)(INT64_MAX / 2) ? (int64_t)bytes : INT64_MAX;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of this process. Takes no lock, and no memory.
 */
#include "kernel_file.h"
#include "platform.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/self/stat behind the name, which is in parentheses and may have any byte: the
 * first is the state (proc(5), number 3). */
enum { THREADS = 20 - 3, START_TICKS = 22 - 3, VIRTUAL_BYTES = 23 - 3 };

#define LINE_BYTES 1024
#define NS_PER_S INT64_C(1000000000)

static int64_t field_of(const char *fields, int number) {
    for (; fields && number > 0; number--)
        fields = strchr(fields + 1, ' ');
    return fields ? strtoll(fields, NULL, 10) : 0;
}

/* When it began, ns since 1970. */
static int64_t start_ns(int64_t ticks) {
    struct timespec since_boot;
    if (clock_gettime(CLOCK_BOOTTIME, &since_boot) < 0)
        return 0;
    int64_t boot_ns = platform_time_ns() - since_boot.tv_sec * NS_PER_S - since_boot.tv_nsec;
    return boot_ns + ticks * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

/* As the kernel hands out the entries of a folder. */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short bytes;
    unsigned char type;
    char name[];
};

static int64_t count_files(void) {
    _Alignas(struct entry) char buffer[2048];
    int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int64_t count = -1; /* the folder itself */
    if (folder < 0)
        return 0;
    for (long some; (some = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0;)
        for (long at = 0; at < some;) {
            const struct entry *entry = (const struct entry *)(buffer + at);
            count += entry->name[0] != '.';
            at += entry->bytes;
        }
    close(folder);
    return count > 0 ? count : 0;
}

void platform_process_figures(struct platform_process *process) {
    char line[LINE_BYTES];
    struct rlimit files;
    *process = (struct platform_process){.resident_bytes = platform_resident_bytes()};
    if (kernel_file_first_line("/proc/self/stat", line, sizeof line) < 0)
        return;
    const char *name_end = strrchr(line, ')');
    if (!name_end || name_end[1] != ' ')
        return;
    const char *fields = name_end + 2;
    process->threads = field_of(fields, THREADS);
    process->virtual_bytes = field_of(fields, VIRTUAL_BYTES);
    process->start_ns = start_ns(field_of(fields, START_TICKS));
    int before = platform_hold_cancellation();
    process->open_files = count_files();
    platform_restore_cancellation(before);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        process->most_files = (uint64_t)files.rlim_cur;
}

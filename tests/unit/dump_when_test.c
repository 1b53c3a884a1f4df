/* SPDX-License-Identifier: MIT */
/*
 * observe/dump_when.h: what FILE@WHEN says, and how files are numbered.
 */
#include "observe/dump_when.h"
#include "platform/platform.h"

#include <criterion/criterion.h>
#include <string.h>

static struct dump_when read_well(const char *text, const char *file) {
    struct dump_when when;
    cr_assert(dump_when_read(&when, text), "%s", text);
    cr_expect_eq(when.path_bytes, strlen(file), "%s", text);
    cr_expect_eq(strncmp(text, file, when.path_bytes), 0, "%s", text);
    return when;
}

Test(dump_when, a_file_alone_is_written_at_exit) {
    struct dump_when when = read_well("heap.pb.gz", "heap.pb.gz");
    cr_expect(when.at_exit);
    cr_expect_eq(when.period_ns, 0);
    cr_expect_eq(when.signal_count, 0u);
}

Test(dump_when, each_when_is_taken) {
    struct dump_when when = read_well("a/b@exit", "a/b");
    cr_expect(when.at_exit);
    when = read_well("a/b@60s", "a/b");
    cr_expect(!when.at_exit);
    cr_expect_eq(when.period_ns, 60 * INT64_C(1000000000));
    cr_expect_eq(read_well("b@250ms", "b").period_ns, 250 * 1000000);
    cr_expect_eq(read_well("b@5m", "b").period_ns, 300 * INT64_C(1000000000));
    cr_expect_eq(read_well("b@2h", "b").period_ns, 7200 * INT64_C(1000000000));
    when = read_well("b@SIGUSR1", "b");
    cr_expect(!when.at_exit);
    cr_expect_eq(when.signal_count, 1u);
    cr_expect_eq(when.signals[0], platform_asked_number("SIGUSR1", 7));
    when = read_well("b@SIGUSR2@10s@exit@SIGHUP", "b");
    cr_expect(when.at_exit);
    cr_expect_eq(when.period_ns, 10 * INT64_C(1000000000));
    cr_expect_eq(when.signal_count, 2u);
}

Test(dump_when, a_name_may_have_the_sign) {
    read_well("user@host/heap@exit", "user@host/heap");
    read_well("@@exit", "@");
}

Test(dump_when, what_is_no_when_is_refused) {
    static const char *const bad[] = {"heap@",        "heap@SIGUSR9",  "heap@60", "heap@0s",
                                      "heap@SIGSEGV", "heap@9999999s", "@exit",   "heap@-1s",
                                      "heap@exit@",   "user@host/heap"};
    struct dump_when when;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(!dump_when_read(&when, bad[i]), "%s", bad[i]);
}

Test(dump_when, files_are_numbered_where_the_name_says_so) {
    char path[DUMP_PATH_BYTES];
    dump_path(path, "heap.pb.gz", 7);
    cr_expect_eq(strcmp(path, "heap.pb.gz"), 0);
    dump_path(path, "heap-%n.pb.gz", 7);
    cr_expect_eq(strcmp(path, "heap-7.pb.gz"), 0);
    dump_path(path, "%n%n%", UINT64_MAX);
    cr_expect_eq(strcmp(path, "1844674407370955161518446744073709551615%"), 0);
    char longest[LOG_NAME_BYTES];
    memset(longest, 'x', sizeof longest);
    memcpy(longest + sizeof longest - 5, "%n%n", 5);
    dump_path(path, longest, UINT64_MAX); /* cut, and never past its end */
    cr_expect_eq(strlen(path), (size_t)DUMP_PATH_BYTES - 1);
}

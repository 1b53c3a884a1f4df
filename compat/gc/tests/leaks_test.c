/* SPDX-License-Identifier: MIT */
/* The leak finder reports what was neither freed nor kept, and nothing else. */
#include <gc/gc.h>

#include <fcntl.h>
#include <unistd.h>

#include "check.h"

enum { LEAKED = 20 };
static void *kept[10];

static __attribute__((noinline)) void allocate(void) {
    for (int i = 0; i < LEAKED; i++) {
        CHECK(GC_debug_malloc(30, "leaks", i + 100));
        GC_debug_free(GC_debug_malloc(30, "freed", i));
        GC_free(GC_malloc(30));
    }
    for (int i = 0; i < 10; i++)
        kept[i] = GC_debug_malloc(30, "kept", i);
}

int main(void) {
    static char said[20000];
    int pipes[2];
    CHECK(pipe2(pipes, O_NONBLOCK) == 0);
    GC_set_find_leak(1);
    GC_INIT();
    allocate();
    GC_set_log_fd(pipes[1]);
    collect();
    collect();
    GC_set_log_fd(2);
    ssize_t bytes = read(pipes[0], said, sizeof said - 1);
    CHECK(bytes > 0);
    int found = 0;
    for (const char *at = said; (at = strstr(at, "leaks:1")); at++)
        found++;
    CHECK(found >= LEAKED - 1 && found <= LEAKED); /* a word on the stack may keep one */
    CHECK(!strstr(said, "freed") && !strstr(said, "kept"));
    CHECK(kept[3] != kept[4]);
    return 0;
}

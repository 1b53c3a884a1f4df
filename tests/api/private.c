/* SPDX-License-Identifier: MIT */
/*
 * The program's malloc stays its own, whatever off-heap memory is from: its functions are the C
 * library's, no function of another malloc is to be seen, the environment's settings for one are
 * not read, and blocks are not from it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <gait/offheap.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { BLOCKS = 4096, BLOCK_BYTES = 4096 };

static void check_is_libc(const char *name) {
    Dl_info info;
    void *function = dlsym(RTLD_DEFAULT, name);
    CHECK(function && dladdr(function, &info) && info.dli_fname);
    if (!strstr(info.dli_fname, "libc.so") && !strstr(info.dli_fname, "libc-")) {
        fprintf(stderr, "%s is in %s\n", name, info.dli_fname);
        exit(1);
    }
}

static void check_names(void) {
    static const char *const of_libc[] = {"malloc",        "free",           "calloc",
                                          "realloc",       "posix_memalign", "malloc_usable_size",
                                          "aligned_alloc", "memalign"};
    static const char *const of_nobody[] = {"mallocx", "mallctl", "malloc_conf", "sdallocx",
                                            "gait_je_mallocx"};
    for (size_t i = 0; i < sizeof of_libc / sizeof of_libc[0]; i++)
        check_is_libc(of_libc[i]);
    for (size_t i = 0; i < sizeof of_nobody / sizeof of_nobody[0]; i++)
        CHECK(!dlsym(RTLD_DEFAULT, of_nobody[i]));
}

/* What the program's malloc has given out, bytes. */
static size_t malloc_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

int main(void) {
    setenv("MALLOC_CONF", "no such setting", 1); /* jemalloc would complain of it */
    FILE *log = tmpfile();
    CHECK(log && dup2(fileno(log), STDERR_FILENO) >= 0);
    char error[256];
    gait_heap *heap = gait_heap_create(NULL, error, sizeof error);
    CHECK(heap);
    check_names();
    int backend = gait_offheap_backend(heap);
    size_t before = malloc_bytes();
    static char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = gait_offheap_calloc(heap, 1, BLOCK_BYTES, 0)));
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    size_t taken = malloc_bytes() - before;
    printf("backend %d: %zu bytes of blocks, of them %zu from malloc\n", backend,
           gait_offheap_bytes(heap, 0), taken);
    CHECK(backend == GAIT_OFFHEAP_JEMALLOC ? taken < 65536 : taken >= BLOCKS * BLOCK_BYTES);
    char *own = malloc(1 << 20);
    CHECK(own && malloc_usable_size(own) >= 1 << 20);
    CHECK(malloc_bytes() - before - taken >= 1 << 20);
    free(own);
    pid_t child = fork();
    if (child == 0)
        _exit(gait_offheap_calloc(heap, 1, 100, 0) && malloc(100) ? 0 : 1);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    for (int i = 0; i < BLOCKS; i++)
        gait_offheap_free(heap, blocks[i]);
    CHECK(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL) == 0);
    gait_heap_destroy(heap);
    CHECK(fseek(log, 0, SEEK_END) == 0 && ftell(log) == 0); /* nothing was said */
    return 0;
}

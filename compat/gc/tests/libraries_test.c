/* SPDX-License-Identifier: MIT */
/*
 * Libraries come and go while the collector looks at their data: an object that only a library's
 * variable leads to is kept, and what is unmapped is not read.
 * argv[1]: the library.
 */
#define GC_THREADS
#include <gc/gc.h>

#include <dlfcn.h>

#include "check.h"

static volatile int ending; /* plain stores and loads do: a late look is no harm */

static void *collect_often(void *data) {
    while (!ending)
        GC_gcollect();
    return data;
}

static __attribute__((noinline)) void put(size_t **root, size_t number) {
    *root = GC_MALLOC(sizeof **root);
    **root = number;
}

int main(int argc, char **argv) {
    pthread_t collecting;
    CHECK(argc == 2);
    GC_INIT();
    CHECK(pthread_create(&collecting, NULL, collect_often, NULL) == 0);
    for (size_t i = 0; i < 3000; i++) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        CHECK(library);
        size_t **root = dlsym(library, "plugin_root");
        CHECK(root);
        put(root, i);
        for (int j = 0; j < 20; j++)
            GC_MALLOC(sizeof **root);
        CHECK(**root == i);
        CHECK(dlclose(library) == 0);
    }
    ending = 1;
    CHECK(pthread_join(collecting, NULL) == 0);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The one heap, made by GC_init or by the first call that needs it.
 */
#include "registry.h"

#include <gait/library.h>

#include <stdio.h>
#include <stdlib.h>

gait_heap *compat_heap;
bool compat_tells;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* In a privileged process the caller's environment is not asked, as Gait has it. */
GC_word compat_environment(const char *name, GC_word otherwise) {
    const char *text = secure_getenv(name);
    char *end;
    if (!text || !*text)
        return otherwise;
    GC_word bytes = strtoul(text, &end, 10);
    switch (*end) {
    case 'g':
    case 'G':
        return bytes << 30;
    case 'm':
    case 'M':
        return bytes << 20;
    case 'k':
    case 'K':
        return bytes << 10;
    default:
        return bytes;
    }
}

static void make_heap(void) {
    gait_config config;
    char error[200];
    gait_config_init(&config);
    /* stacks and static variables are scanned by this library: stop.c, roots.c */
    config.flags = GAIT_STOP_THE_WORLD | GAIT_NO_FAULT_HANDLER;
    compat_stop_configure(&config);
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    if (!heap) {
        fprintf(stderr, "gait-gc: %s\n", error);
        abort();
    }
    compat_tells = gait_debug_setting(heap, "gccompat") != 0;
    __atomic_store_n(&compat_heap, heap, __ATOMIC_RELEASE);
}

static void init(void) {
    compat_fork_init();
    make_heap();
    compat_registry_init();
    compat_stop_init(); /* before there is a thread to stop */
    if (compat_thread_register(GC_stackbottom) != GC_SUCCESS)
        compat_abort("the first thread's stack is not known");
    GC_find_leak |= secure_getenv("GC_FIND_LEAK") != NULL;
    compat_kinds_init();
    compat_roots_init();
    compat_settings_init();
}

void compat_init(void) { pthread_once(&once, init); }

void GC_init(void) { compat_init(); }
int GC_is_init_called(void) { return __atomic_load_n(&compat_heap, __ATOMIC_ACQUIRE) != NULL; }

/* The heap is the process's: other threads and static destructors may go on to use it. */
void GC_deinit(void) {}

unsigned GC_get_version(void) {
    return GC_VERSION_MAJOR << 16 | GC_VERSION_MINOR << 8 | GC_VERSION_MICRO;
}

/* SPDX-License-Identifier: MIT */
/*
 * GAIT_DATA_SEGMENTS: static variables of the program and of a library that comes and goes while
 * the collector marks are roots; what lies in them counts as globals. Thread-local variables are
 * not: a frame makes them roots.
 *
 *   segments LIBRARY OTHER
 */
#include <dlfcn.h>
#include <gait/gait.h>
#include <gait/stats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

enum { LOADS = 300, WORDS = 1 << 20, STAMP = 0x1234567 };

static gait_word in_bss, in_data = 1, array[WORDS];
static _Thread_local gait_word of_thread;

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf;
static volatile bool over;

static gait_word stamped(void) {
    gait_word *object = gait_alloc(mutator, leaf, 64);
    CHECK(object);
    object[0] = STAMP;
    return (gait_word)object;
}

/* In a heap with barriers a static variable is stored to as a static slot is. */
static void set(gait_word *variable, gait_word value) { gait_store(mutator, variable, value); }

static bool is_stamped(const gait_word *variable, size_t inside) {
    gait_word object = *(const volatile gait_word *)variable - inside;
    return *(gait_word *)object == STAMP;
}

/* Loads and unloads the library, beside the cycles of the other thread. */
static void *come_and_go(void *path) {
    for (int i = 0; i < LOADS; i++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        CHECK(library);
        CHECK(dlclose(library) == 0);
    }
    over = true;
    return NULL;
}

static uint64_t globals_bytes(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_collect(mutator);
    CHECK(gait_read_stats(heap, &stats) == 0);
    return stats.globals_bytes;
}

static void run(uint32_t flags, const char *path, char *other) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.debug = "clobberfree=1";
    CHECK(heap = gait_heap_create(&config, NULL, 0));
    CHECK(mutator = gait_attach(heap));
    leaf =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &of_thread, 1);
    set(&in_bss, stamped());
    set(&in_data, stamped() + 16); /* also to the inside */
    set(&array[WORDS - 1], stamped());
    of_thread = stamped();
    uint64_t before = globals_bytes();
    CHECK(before >= sizeof array);

    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library);
    gait_word *word = dlsym(library, "library_words");
    CHECK(word);
    set(&word[999], stamped());
    CHECK(globals_bytes() >= before + 1000 * sizeof(gait_word));

    pthread_t thread;
    over = false;
    CHECK(pthread_create(&thread, NULL, come_and_go, other) == 0);
    while (!over)
        gait_collect(mutator);
    pthread_join(thread, NULL);
    CHECK(is_stamped(&in_bss, 0) && is_stamped(&in_data, 16) && is_stamped(&array[WORDS - 1], 0));
    CHECK(is_stamped(&of_thread, 0) && is_stamped(&word[999], 0));
    CHECK(dlclose(library) == 0);
    CHECK(globals_bytes() < before + 1000 * sizeof(gait_word));
    gait_pop_frame(mutator);
    in_bss = in_data = array[WORDS - 1] = of_thread = 0;
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    run(GAIT_DATA_SEGMENTS | GAIT_STOP_THE_WORLD, argv[1], argv[2]);
    run(GAIT_DATA_SEGMENTS, argv[1], argv[2]);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The arena's core in WebAssembly: the cases of bump_cases.h over memory.grow, and what the source
 * itself must do. run.mjs calls what begins with test_; each returns 0, or the line that failed.
 */
static _Noreturn void fail(int line);
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(__LINE__);                                                                        \
    } while (0)

#include "../unit/bump_cases.h"
#include "arena/wasm_source.h"

#define EXPORT(name) __attribute__((export_name(#name), used)) void name(void)

/* Read by run.mjs after a trap. */
static int failed_line;
__attribute__((export_name("failed_line"), used)) int failed_line_now(void) { return failed_line; }

static _Noreturn void fail(int line) {
    failed_line = line;
    __builtin_trap();
}

static struct bump_case test;

static size_t memory_bytes(void) { return __builtin_wasm_memory_size(0) * WASM_PAGE_BYTES; }

static void run(void (*body)(struct bump_case *)) {
    for (unsigned i = 0; i < 8; i++) {
        case_open(&test, &wasm_source, NULL, i & 1 ? 16 : 8, i & 2 ? 65536 : 8192, (i & 4) == 0);
        body(&test);
        case_close(&test);
    }
}

EXPORT(test_frames) { run(case_frames); }
EXPORT(test_pieces_with_references) { run(case_lows); }
EXPORT(test_reset_apart) { run(case_apart); }
EXPORT(test_refused) { run(case_refused); }

/* What is given is taken again: memory grows for the first round alone. */
EXPORT(test_memory_is_used_anew) {
    size_t after = 0;
    for (unsigned i = 0; i < 20; i++) {
        case_open(&test, &wasm_source, NULL, 8, 65536, true);
        for (unsigned k = 0; k < 5000; k++)
            case_add_random(&test);
        case_verify(&test);
        case_close(&test);
        if (i == 0)
            after = memory_bytes();
        MUST(memory_bytes() == after);
    }
}

/* Blocks that were cut up are one again when all are given, in whatever order. */
EXPORT(test_neighbours_are_joined) {
    struct bump_chunk *chunks[32];
    for (unsigned i = 0; i < 32; i++)
        MUST((chunks[i] = wasm_source.take(NULL, WASM_PAGE_BYTES * (i % 3 + 1))) != NULL);
    for (unsigned i = 0; i < 32; i++) {
        MUST(chunks[i]->end > chunks[i]->start);
        MUST((size_t)(chunks[i]->end - chunks[i]->start) >= WASM_PAGE_BYTES * (i % 3 + 1));
        for (unsigned k = 0; k < i; k++)
            MUST(chunks[k]->end <= chunks[i]->start || chunks[k]->start >= chunks[i]->end);
    }
    for (unsigned i = 0; i < 32; i++)
        wasm_source.give(NULL, chunks[i * 13 % 32]);
    size_t before = memory_bytes();
    struct bump_chunk *whole = wasm_source.take(NULL, 64 * WASM_PAGE_BYTES);
    MUST(whole != NULL && memory_bytes() == before);
    wasm_source.give(NULL, whole);
}

/* Memory that says it is clean reads as zero, also where records of blocks were. */
EXPORT(test_clean_is_zero) {
    for (unsigned round = 0; round < 3; round++) {
        struct bump_chunk *chunks[12];
        for (unsigned i = 0; i < 12; i++) {
            MUST((chunks[i] = wasm_source.take(NULL, (i * 7 % 5 + 1) * 50000)) != NULL);
            for (const char *at = chunks[i]->clean; at < chunks[i]->clean_end; at++)
                MUST(*at == 0);
            for (char *at = chunks[i]->start; at < chunks[i]->end; at++)
                *at = (char)0xee;
        }
        for (unsigned i = 0; i < 12; i++)
            wasm_source.give(NULL, chunks[i * 5 % 12]);
    }
}

/* Memory ends (the linker's --max-memory): NULL, and what is there stays; then it is available
 * again. */
EXPORT(test_no_memory) {
    size_t most = 0;
    for (unsigned round = 0; round < 2; round++) {
        case_open(&test, &wasm_source, NULL, 8, 65536, true);
        unsigned char *start;
        for (size_t i = 0; i < 200; i++)
            case_add_random(&test);
        size_t count = 0;
        while ((start = case_take(&test, 3 << 20, 8, count % 2 != 0)))
            count++;
        MUST(count > 10 && (round == 0 || count == most));
        most = count;
        case_verify(&test);
        case_close(&test);
    }
    MUST(wasm_source.take(NULL, SIZE_MAX) == NULL);
    MUST(wasm_source.take(NULL, SIZE_MAX - WASM_PAGE_BYTES) == NULL);
    MUST(wasm_source.take(NULL, (size_t)1 << 31) == NULL);
    MUST(wasm_source_free_bytes() > 30u << 20);
}

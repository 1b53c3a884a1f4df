/* SPDX-License-Identifier: MIT */
/*
 * Leaving C code in the middle. See escape.h.
 */
#include "escape.h"
#include "file.h"
#include "scratch.h"

#include <gait/stats.h>
#include <stdio.h>

/* Enough for the largest piece of stack that a handler moves to the heap (1 MiB), and for what it
 * does then. */
#define RESERVE_BYTES ((size_t)2 << 20)
/* Guess: below that a reserve would be a large part of the heap. */
#define RESERVE_HEAP_BYTES ((uint64_t)8 << 20)

/* ---- Leaving ------------------------------------------------------------------------------- */

static _Noreturn void leave(struct vm *vm, enum escape escape) {
    vm->escape = escape;
    longjmp(vm->landing, 1);
}

void escape_poll(struct vm *vm) {
    if (GAIT_UNLIKELY(interrupt_pending) && vm->can_escape)
        leave(vm, ESCAPE_INTERRUPT);
}

/* To the descriptor itself: there is no memory for more. */
static void say_out_of_memory(struct vm *vm) {
    file_flush_all(vm);
    unsigned line;
    value file = control_location(vm, &line);
    fputs(PROGRAM_NAME ": ", stderr);
    if (is_string(file)) {
        for (size_t i = 0; i < length_of(file); i++)
            fputc(string_of(file)->chars[i] < 0x80 ? (int)string_of(file)->chars[i] : '?', stderr);
        fprintf(stderr, ":%u: ", line);
    }
    fputs("out of memory\n", stderr);
}

/* A leaf that nobody looks into; 0: there is no room for it. */
static value make_reserve(struct vm *vm) {
    struct bytevector *reserve =
        gait_alloc(vm->mutator, TYPE_BYTEVECTOR, sizeof *reserve + RESERVE_BYTES);
    if (reserve)
        reserve->header = HEADER(TYPE_BYTEVECTOR, 0);
    return (value)reserve;
}

static uint64_t cycles(struct vm *vm) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    return gait_read_stats(vm->heap, &stats) ? 0 : stats.cycles;
}

void vm_out_of_memory(struct vm *vm) {
    /* What was asked for may be much, and there is still room for less. */
    if (vm->can_escape && (vm->reserve || make_reserve(vm))) {
        vm->reserve = 0;
        vm->reserve_cycle = cycles(vm);
        vm->raised = vm->memory_condition;
        leave(vm, ESCAPE_RAISE);
    }
    say_out_of_memory(vm);
    if (vm->can_escape && vm->interactive)
        leave(vm, ESCAPE_PROMPT);
    _Exit(1);
}

void escape_land(struct vm *vm) {
    gait_frames_restore(vm->mutator, vm->landing_frames);
    vm->keep.count = vm->landing_keep;
    vm->instead = vm->source = vm->library_folder = FALSE;
    vm->loading = NIL;
    if (vm->libraries_before)
        vm->libraries = vm->libraries_before;
    vm->libraries_before = 0;
    if (vm->syntax) {
        vm->syntax = vm->syntax_own;
        gait_arena_reset(vm->mutator, vm->syntax);
    }
    scratch_land(vm, vm->landing_scratch);
}

/* ---- The reserve --------------------------------------------------------------------------- */

void escape_take_reserve(struct vm *vm) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    if (vm->reserve || gait_read_stats(vm->heap, &stats) ||
        stats.heap_live_bytes < RESERVE_HEAP_BYTES)
        return;
    if (stats.cycles == vm->reserve_cycle)
        return;
    vm->reserve_cycle = stats.cycles;
    vm->reserve = make_reserve(vm);
}

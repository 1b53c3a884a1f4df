/* SPDX-License-Identifier: MIT */
/*
 * Malloc'ed memory of C code that may be left in the middle. See scratch.h.
 */
#include "scratch.h"
#include "escape.h"

#include <gmp.h>
#include <stddef.h>

/* All pieces are in a list, the newest first. */
struct piece {
    struct piece *next, **link;
    uint64_t number; /* 0: GMP's */
    max_align_t memory[];
};

static struct vm *the_vm; /* constant after scratch_init: GMP's functions have no argument for it */
static struct piece *pieces; /* of the interpreter's only thread, as all below */
static uint64_t numbers;     /* of pieces so far */

void *checked(void *memory) {
    if (!memory)
        vm_out_of_memory(the_vm);
    return memory;
}

static struct piece *piece_of(void *memory) {
    return (struct piece *)((char *)memory - offsetof(struct piece, memory));
}

static void *link_in(struct piece *piece, uint64_t number) {
    piece->number = number;
    piece->next = pieces;
    piece->link = &pieces;
    if (pieces)
        pieces->link = &piece->next;
    pieces = piece;
    return piece->memory;
}

static void link_out(struct piece *piece) {
    *piece->link = piece->next;
    if (piece->next)
        piece->next->link = piece->link;
}

/* A piece that can't grow stays, to be freed with the others. */
static void *resize(struct piece *piece, size_t bytes, uint64_t number) {
    if (piece)
        link_out(piece);
    struct piece *moved = realloc(piece, sizeof *piece + bytes);
    if (!moved && piece)
        link_in(piece, piece->number);
    return link_in(checked(moved), number);
}

void *scratch_resize(void *memory, size_t bytes) {
    return resize(memory ? piece_of(memory) : NULL, bytes, ++numbers);
}

void *scratch_zeroed(size_t count, size_t bytes) {
    return link_in(checked(calloc(1, sizeof(struct piece) + count * bytes)), ++numbers);
}

void scratch_free(void *memory) {
    if (!memory)
        return;
    link_out(piece_of(memory));
    free(piece_of(memory));
}

/* ---- GMP ----------------------------------------------------------------------------------- */

static void *gmp_allocate(size_t bytes) {
    escape_poll(the_vm);
    return resize(NULL, bytes, 0);
}

static void *gmp_reallocate(void *memory, size_t old_bytes, size_t bytes) {
    (void)old_bytes;
    escape_poll(the_vm);
    return resize(piece_of(memory), bytes, 0);
}

static void gmp_free(void *memory, size_t bytes) {
    (void)bytes;
    scratch_free(memory);
}

void scratch_init(struct vm *vm) {
    the_vm = vm;
    mp_set_memory_functions(gmp_allocate, gmp_reallocate, gmp_free);
    mpz_init(vm->integer);
    mpz_init(vm->remainder);
}

/* ---- Leaving ------------------------------------------------------------------------------- */

uint64_t scratch_mark(void) { return numbers; }

void scratch_land(struct vm *vm, uint64_t mark) {
    for (struct piece *piece = pieces, *next; piece; piece = next) {
        next = piece->next;
        if (!piece->number || piece->number > mark)
            scratch_free(piece->memory);
    }
    mpz_init(vm->integer);
    mpz_init(vm->remainder);
}

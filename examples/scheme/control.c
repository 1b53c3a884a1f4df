/* SPDX-License-Identifier: MIT */
/*
 * Chunks of frames, continuations, and where a program is.
 *
 * When the stack is full, or its continuation is captured, all frames but the running one move to a
 * chunk on the heap: each frame's words with the link above them. Frames return from there one by
 * one (UNDERFLOW), by copy, so that a chunk can be returned to many times. A continuation is a
 * chunk and how many of its words belong to it. Each frame moves to the heap once, however often
 * continuations are captured above it.
 *
 * Depth. All control that is live is the stack, of a fixed size, and the chunks below it: their
 * words are bounded by --stack (within_depth), whatever moved them there, and they grow in
 * control_spill alone. The lists of winders and handlers need no bound of their own, for a frame of
 * dynamic-wind or with-exception-handler stands for each entry. What frames refer to is data.
 *
 * Past the bound an error is raised like any other. Its handler runs on top of all that is too
 * deep, and gets some room for that (make_room).
 */
#include "scratch.h"
#include "vm.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>

#define STACK_WORDS (128 * 1024) /* 1 MiB: scanned in about 0.1 ms */
#define STACK_MARGIN 16          /* what raises when there is no memory to empty it pushes more */
#define CHUNK_WORDS (sizeof(struct chunk) / sizeof(value))
#define HANDLER_WORDS (2 * STACK_WORDS) /* guess: what a handler of an overflow may use */

/* What functions that ask nobody may need of the C stack, bytes: GMP takes up to 64 KiB at once. */
#define C_STACK_MARGIN ((size_t)256 << 10)

static void find_c_stack_end(struct vm *vm) {
    char *here = __builtin_frame_address(0);
    vm->c_stack_end = here - C_STACK_MARGIN; /* if nothing is known: little */
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes))
        return;
    void *end;
    size_t bytes;
    if (!pthread_attr_getstack(&attributes, &end, &bytes)) {
        size_t left = (size_t)(here - (char *)end);
        vm->c_stack_end = (char *)end + (left > 2 * C_STACK_MARGIN ? C_STACK_MARGIN : left / 2);
    }
    pthread_attr_destroy(&attributes);
}

void vm_stack_init(struct vm *vm, uint64_t depth_max) {
    vm->base = malloc((STACK_WORDS + STACK_MARGIN) * sizeof *vm->base);
    if (!vm->base)
        vm_out_of_memory(vm);
    vm->limit = vm->base + STACK_WORDS;
    find_c_stack_end(vm);
    vm->depth_max = vm->depth_top = depth_max;
    vm->under = FALSE;
    vm->sp = vm->fp = vm->base;
}

/* The bottom link's closure: a function without code of its own. */
void vm_make_bottom(struct vm *vm) {
    if (vm->bottom)
        return;
    struct code *code = allocate(vm, TYPE_CODE, sizeof *code);
    code->header = HEADER(TYPE_CODE, 0);
    gait_init(&code->name, FALSE);
    gait_init(&code->file, FALSE);
    vm->bottom = make_closure(vm, (value)code, 0);
}

/*
 * The room for handlers of an overflow. The first is for handlers that raise it again, each on top
 * of the last: in a recursion that sets one at each level, a level has 8 words, and passing on
 * takes
 * 9. When that is used up they recurse without end themselves: those around them get a little more
 * each, and at last nobody is asked.
 */
static void make_room(struct vm *vm, uint64_t depth) {
    if (vm->depth_top == vm->depth_max)
        vm->depth_top = vm->depth_max + vm->depth_max / 4 * 5 + HANDLER_WORDS;
    else if (vm->depth_top < 3 * vm->depth_max + 8 * HANDLER_WORDS)
        vm->depth_top = depth + HANDLER_WORDS;
    else
        vm->handlers = NIL;
}

/* Is what was spilled within the bound? @return false: raised. */
static bool within_depth(struct vm *vm) {
    uint64_t depth = chunk_of(vm->under)->depth;
    if (depth <= vm->depth_max)
        vm->depth_top = vm->depth_max;
    if (depth <= vm->depth_top)
        return true;
    make_room(vm, depth);
    char message[64];
    snprintf(message, sizeof message, "stack overflow: deeper than %llu MiB (--stack)",
             (unsigned long long)(vm->depth_max * sizeof(value) >> 20));
    raise_value(vm, make_condition(vm, CONDITION_STACK, make_text(vm, message), NIL));
    return false;
}

/*
 * A chunk that has returned half of its frames or more is not kept below a new one: the frames that
 * are left are copied into that. So chunks are at least half full, and the copy costs no more than
 * the return of the others did.
 */
bool control_spill(struct vm *vm) {
    value *from = vm->base + 3;
    size_t count = (size_t)(vm->fp - from);
    if (!count)
        return true;
    struct chunk *below = vm->under == FALSE ? NULL : chunk_of(vm->under);
    size_t merged = below && vm->under_top <= length_of(vm->under) / 2 ? vm->under_top : 0;
    size_t length = merged + count;
    struct chunk *chunk = allocate(vm, TYPE_CHUNK, sizeof *chunk + length * sizeof(value));
    chunk->header = HEADER(TYPE_CHUNK, length);
    value next = merged ? below->next : vm->under;
    chunk->next_top = merged ? below->next_top : vm->under_top;
    chunk->depth = CHUNK_WORDS + length + (next == FALSE ? 0 : chunk_of(next)->depth);
    gait_init(&chunk->next, next);
    for (size_t i = 0; i < merged; i++)
        gait_init(&chunk->words[i], below->words[i]);
    for (size_t i = 0; i < count; i++)
        gait_init(&chunk->words[merged + i], from[i]);
    vm->under = (value)chunk;
    vm->under_top = length;
    memmove(from, vm->fp, (size_t)(vm->sp - vm->fp) * sizeof *from);
    vm->sp -= count;
    vm->fp -= count;
    return within_depth(vm);
}

value control_continuation(struct vm *vm) {
    struct continuation *k = allocate(vm, TYPE_CONTINUATION, sizeof *k);
    k->header = HEADER(TYPE_CONTINUATION, 0);
    vm->captures++;
    k->top = vm->under_top;
    gait_init(&k->chunk, vm->under);
    gait_init(&k->winders, vm->winders);
    gait_init(&k->handlers, vm->handlers);
    return (value)k;
}

value control_apply(struct vm *vm, value v, value list, int64_t length) {
    struct builtin *builtin = builtin_of(v);
    if (length > INT_MAX || length < builtin->least ||
        (builtin->most >= 0 && length > builtin->most))
        return raise_count(vm, v, (size_t)length);
    value *arguments = scratch_resize(NULL, (size_t)length * sizeof *arguments);
    for (int64_t i = 0; i < length; i++, list = cdr(list))
        arguments[i] = car(list);
    struct gait_frame frame;
    gait_push_frame(vm->mutator, &frame, arguments, (size_t)length);
    value result = builtin->apply(vm, (int)length, arguments);
    gait_pop_frame(vm->mutator);
    scratch_free(arguments);
    if (result == RAISED && vm->instead != FALSE) {
        vm->instead = FALSE;
        return raise_error(vm, "apply", "too many arguments:", 1, fixnum(length));
    }
    return result;
}

/* ---- Where the program is ------------------------------------------------------------------ */

unsigned code_line(value code, const uint32_t *pc) {
    value table = code_of(code)->lines;
    const uint32_t *lines = (const uint32_t *)bytevector_of(table)->bytes;
    size_t count = length_of(table) / sizeof *lines;
    ptrdiff_t index = pc - code_of(code)->start - 1;
    unsigned line = 0;
    for (size_t i = 0; i + 1 < count && (ptrdiff_t)lines[i] <= index; i += 2)
        line = lines[i + 1];
    return line;
}

bool control_frames(const struct vm *vm, frame_fn visit, void *data) {
    if (!vm->bottom || !vm->self || vm->sp <= vm->base + 3)
        return false;
    if (visit(data, vm->self, vm->pc))
        return true;
    for (value *fp = vm->fp; fp > vm->base + 3; fp -= fixnum_value(fp[-1]))
        if (visit(data, fp[-2], (const uint32_t *)fp[-3]))
            return true;
    value under = vm->under;
    uint64_t top = vm->under_top;
    while (under != FALSE) {
        struct chunk *chunk = chunk_of(under);
        for (; top; top -= (uint64_t)fixnum_value(chunk->words[top - 1]))
            if (visit(data, chunk->words[top - 2], (const uint32_t *)chunk->words[top - 3]))
                return true;
        top = chunk->next_top;
        under = chunk->next;
    }
    return false;
}

struct location {
    value file;
    unsigned line;
};

/* Does the instruction before pc belong to a program? */
static bool locate(void *data, value closure, const uint32_t *pc) {
    struct location *location = data;
    value code = closure_of(closure)->code;
    if (!is_string(code_of(code)->file))
        return false;
    location->line = code_line(code, pc);
    location->file = code_of(code)->file;
    return location->line != 0;
}

value control_location(struct vm *vm, unsigned *line) {
    struct location location = {FALSE, 0};
    bool found = control_frames(vm, locate, &location);
    *line = location.line;
    return found ? location.file : FALSE;
}

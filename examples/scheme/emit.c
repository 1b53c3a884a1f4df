/* SPDX-License-Identifier: MIT */
/*
 * The instructions, constants and lines of a function that is being compiled.
 */
#include "emit.h"

static void *grown(struct compiler *c, void *old, size_t count, size_t *room, size_t item_bytes) {
    if (count < *room)
        return old;
    *room = *room ? 2 * *room : 16;
    void *memory = syntax_alloc(c, *room * item_bytes);
    if (count)
        memcpy(memory, old, count * item_bytes);
    return memory;
}

void emit_word(struct function *f, uint32_t word) {
    f->code = grown(f->c, f->code, f->count, &f->room, sizeof *f->code);
    f->code[f->count++] = word;
}

static uint32_t instruction(enum opcode opcode, int64_t operand) {
    return (uint32_t)opcode | (uint32_t)operand << 8;
}

void emit(struct function *f, enum opcode opcode, int64_t operand) {
    if (operand < OPERAND_MIN || operand > OPERAND_MAX)
        syntax_error(f->c, "a function is too large", FALSE);
    emit_word(f, instruction(opcode, operand));
}

void set_depth(struct function *f, int depth) {
    f->depth = depth;
    if (depth > f->deepest)
        f->deepest = depth;
}

void mark_line(struct function *f, unsigned line) {
    if (!line || (f->line_count && f->lines[f->line_count - 1] == line))
        return;
    f->lines = grown(f->c, f->lines, f->line_count, &f->line_room, sizeof *f->lines);
    f->lines[f->line_count++] = (uint32_t)f->count; /* room is even */
    f->lines[f->line_count++] = line;
}

int64_t constant(struct function *f, value v) {
    for (size_t i = f->constant_count; i-- > 0;)
        if (f->constants[i] == v)
            return (int64_t)i;
    f->constants =
        grown(f->c, f->constants, f->constant_count, &f->constant_room, sizeof *f->constants);
    f->constants[f->constant_count] = v;
    return (int64_t)f->constant_count++;
}

size_t emit_jump(struct function *f, enum opcode opcode) {
    emit(f, opcode, 0);
    return f->count - 1;
}

void land_at(struct function *f, size_t jump, size_t target) {
    int64_t distance = (int64_t)target - (int64_t)jump - 1;
    f->code[jump] = instruction((enum opcode)(f->code[jump] & 0xff), distance);
}

void land(struct function *f, size_t jump) { land_at(f, jump, f->count); }

void add_jump(struct function *f, struct jumps *jumps, size_t jump) {
    jumps->items = grown(f->c, jumps->items, jumps->count, &jumps->room, sizeof *jumps->items);
    jumps->items[jumps->count++] = jump;
}

void land_all(struct function *f, struct jumps *jumps) {
    for (size_t i = 0; i < jumps->count; i++)
        land(f, jumps->items[i]);
}

value emit_code(struct function *f) {
    struct vm *vm = f->c->vm;
    size_t mark = vm->keep.count;
    value instructions = keep(vm, make_bytevector_inside(vm, f->count * sizeof *f->code));
    memcpy(bytevector_of(instructions)->bytes, f->code, f->count * sizeof *f->code);
    value lines = keep(vm, make_bytevector_inside(vm, f->line_count * sizeof *f->lines));
    if (f->line_count)
        memcpy(bytevector_of(lines)->bytes, f->lines, f->line_count * sizeof *f->lines);
    struct code *code = allocate(vm, TYPE_CODE, sizeof *code + f->constant_count * sizeof(value));
    code->header = HEADER(TYPE_CODE, f->constant_count);
    code->start = (uint32_t *)bytevector_of(instructions)->bytes;
    code->arity = (uint64_t)(f->lambda->count - f->lambda->rest) << 1 | f->lambda->rest;
    code->frame_size = (uint64_t)f->deepest + 4; /* the machine itself pushes up to 4 words */
    gait_init(&code->name, f->lambda->name);
    gait_init(&code->file, is_pair(vm->source) ? car(vm->source) : FALSE);
    gait_init(&code->lines, lines);
    gait_init(&code->instructions, instructions);
    for (size_t i = 0; i < f->constant_count; i++)
        gait_init(&code->constants[i], f->constants[i]);
    vm->keep.count = mark;
    return (value)code;
}

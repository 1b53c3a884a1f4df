/* SPDX-License-Identifier: MIT */
/*
 * Bytecode from trees. Stack depths are known at compile time: a local is addressed by its distance
 * from the frame pointer, arguments first, then what let pushes, with temporaries in between.
 */
#include "emit.h"

/* What becomes of an expression's value. TAIL: it is returned. */
enum place { TO_ACC, TO_STACK, TO_NOTHING, TO_CALLER };

/* The value is in acc: put it in its place. */
static void deliver(struct function *f, enum place place) {
    if (place == TO_STACK) {
        emit(f, OP_PUSH, 0);
        set_depth(f, f->depth + 1);
    } else if (place == TO_CALLER) {
        emit(f, OP_RETURN, 0);
    }
}

/* ---- Variables ----------------------------------------------------------------------------- */

static int free_index(struct function *f, struct variable *variable) {
    for (size_t i = 0; i < f->lambda->free_count; i++)
        if (f->lambda->free[i] == variable)
            return (int)i;
    abort();
}

static void generate_local(struct function *f, struct variable *v, enum place place) {
    if (place == TO_NOTHING)
        return;
    bool local = v->owner == f->lambda;
    int index = local ? v->slot : free_index(f, v);
    if (v->boxed) {
        emit(f, local ? OP_LOCAL_BOX : OP_FREE_BOX, index);
        deliver(f, place);
    } else if (place == TO_STACK) {
        emit(f, local ? OP_PUSH_LOCAL : OP_PUSH_FREE, index);
        set_depth(f, f->depth + 1);
    } else {
        emit(f, local ? OP_LOCAL : OP_FREE, index);
        deliver(f, place);
    }
}

static void generate_constant(struct function *f, value v, enum place place) {
    if (place == TO_NOTHING)
        return;
    bool push = place == TO_STACK;
    if (is_fixnum(v) && fixnum_value(v) >= OPERAND_MIN && fixnum_value(v) <= OPERAND_MAX)
        emit(f, push ? OP_PUSH_INT : OP_INT, fixnum_value(v));
    else
        emit(f, push ? OP_PUSH_CONST : OP_CONST, constant(f, v));
    if (push)
        set_depth(f, f->depth + 1);
    else
        deliver(f, place);
}

/* ---- Functions ----------------------------------------------------------------------------- */

/* A function of a letrec run that is not there yet when another one captures it. */
struct link {
    size_t closure; /* index in the letrec */
    size_t free;
    struct variable *variable;
};

/* The closure of a lambda, in acc. What `later` says is left to be linked. */
static void generate_closure(struct function *f, struct lambda *lambda, size_t first_later,
                             struct node *letrec) {
    value code = keep(f->c->vm, generate(f->c, lambda));
    emit(f, OP_CLOSURE, constant(f, code));
    emit_word(f, (uint32_t)lambda->free_count);
    for (size_t i = 0; i < lambda->free_count; i++) {
        struct variable *v = lambda->free[i];
        bool later = false;
        for (size_t k = first_later; letrec && k < letrec->list.count; k++)
            later |= letrec->list.variables[k] == v && !v->boxed;
        if (later)
            emit_word(f, SOURCE_LATER);
        else if (v->owner == f->lambda)
            emit_word(f, (uint32_t)v->slot << 2 | SOURCE_LOCAL);
        else
            emit_word(f, (uint32_t)free_index(f, v) << 2 | SOURCE_FREE);
    }
}

/* ---- Inline builtins ----------------------------------------------------------------------- */

static bool is_tail_only(enum opcode opcode) {
    return opcode == OP_APPLY || opcode == OP_APPLY_VALUES || opcode == OP_CALL_CC ||
           opcode == OP_THROW;
}

static void generate_node(struct function *f, struct node *node, enum place place);

/* All arguments but the last on the stack, the last in acc. */
static void generate_operands(struct function *f, struct node **items, size_t count) {
    for (size_t i = 0; i < count; i++)
        generate_node(f, items[i], i + 1 < count ? TO_STACK : TO_ACC);
}

static void generate_inline(struct function *f, struct node *node,
                            const struct inline_builtin *builtin, enum place place) {
    struct node **items = node->list.items;
    size_t count = node->list.count;
    int depth = f->depth;
    int64_t operand = 0;
    enum opcode opcode = builtin->opcode;
    if ((opcode == OP_CAR || opcode == OP_CDR) && items[0]->type == NODE_LOCAL &&
        !items[0]->variable->boxed && items[0]->variable->owner == f->lambda) {
        operand = items[0]->variable->slot;
        opcode = opcode == OP_CAR ? OP_LOCAL_CAR : OP_LOCAL_CDR;
    } else if ((opcode == OP_ADD || opcode == OP_SUBTRACT) && is_small_constant(items[1])) {
        generate_node(f, items[0], TO_ACC);
        operand = fixnum_value(items[1]->constant);
        operand = opcode == OP_ADD ? operand : -operand;
        opcode = OP_ADD_INT;
    } else if (opcode == OP_ADD && is_small_constant(items[0])) {
        generate_node(f, items[1], TO_ACC);
        operand = fixnum_value(items[0]->constant);
        opcode = OP_ADD_INT;
    } else {
        if (opcode == OP_RECORD_REF || opcode == OP_RECORD_SET)
            operand = fixnum_value(items[--count]->constant);
        generate_operands(f, items, count);
    }
    mark_line(f, node->line);
    emit(f, opcode, operand);
    f->depth = depth;
    if (!is_tail_only(opcode))
        deliver(f, place);
}

/* ---- Calls --------------------------------------------------------------------------------- */

/* A call of raise keeps its frame, so that an error message can say where it is. */
static bool keeps_frame(struct function *f, struct node *node) {
    return node->list.callee->type == NODE_GLOBAL &&
           node->list.callee->global == f->c->vm->hooks[HOOK_raise];
}

static void generate_call(struct function *f, struct node *node, enum place place) {
    if (place == TO_CALLER && keeps_frame(f, node)) {
        generate_call(f, node, TO_ACC);
        emit(f, OP_RETURN, 0);
        return;
    }
    value builtin = called_builtin(node);
    const struct inline_builtin *found = called_inline(node);
    if (found && is_tail_only(found->opcode) && place != TO_CALLER)
        found = NULL;
    if (found && (found->opcode == OP_RECORD_REF || found->opcode == OP_RECORD_SET) &&
        !is_small_constant(node->list.items[node->list.count - 1]))
        found = NULL;
    if (found) {
        generate_inline(f, node, found, place);
        return;
    }
    int depth = f->depth;
    size_t count = node->list.count;
    if (builtin) {
        for (size_t i = 0; i < count; i++)
            generate_node(f, node->list.items[i], TO_STACK);
        mark_line(f, node->line);
        emit(f, OP_BUILTIN, constant(f, builtin));
        emit_word(f, (uint32_t)count);
        f->depth = depth;
        deliver(f, place);
        return;
    }
    size_t frame = 0;
    if (place != TO_CALLER) {
        frame = emit_jump(f, OP_FRAME);
        set_depth(f, f->depth + 3);
    }
    for (size_t i = 0; i < count; i++)
        generate_node(f, node->list.items[i], TO_STACK);
    generate_node(f, node->list.callee, TO_ACC);
    mark_line(f, node->line);
    emit(f, place == TO_CALLER ? OP_CALL_TAIL : OP_CALL, (int64_t)count);
    f->depth = depth;
    if (place != TO_CALLER) {
        land(f, frame);
        deliver(f, place);
    }
}

/* ---- Conditions ---------------------------------------------------------------------------- */

/* Jump when the node's value is (sense) or is not (!sense) true; fall through otherwise. */
static void generate_test(struct function *f, struct node *node, bool sense, struct jumps *jumps) {
    check_nesting(f->c);
    if (node->type == NODE_CONSTANT) {
        if (is_true(node->constant) == sense)
            add_jump(f, jumps, emit_jump(f, OP_JUMP));
        return;
    }
    if (node->type == NODE_IF || node->type == NODE_OR) {
        /* (if a b #f) jumps on false from a and from b; (or a b) likewise on true. */
        struct node *then = node->type == NODE_IF ? node->branch.then : NULL;
        struct node *otherwise = node->branch.otherwise;
        struct jumps inner = {0}, end = {0};
        if (node->type == NODE_OR) {
            generate_test(f, node->branch.test, true, sense ? jumps : &inner);
            generate_test(f, otherwise, sense, jumps);
            land_all(f, &inner);
            return;
        }
        if (otherwise->type == NODE_CONSTANT && otherwise->constant == FALSE) {
            generate_test(f, node->branch.test, false, sense ? &inner : jumps);
            generate_test(f, then, sense, jumps);
            land_all(f, &inner);
            return;
        }
        generate_test(f, node->branch.test, false, &inner);
        generate_test(f, then, sense, jumps);
        add_jump(f, &end, emit_jump(f, OP_JUMP));
        land_all(f, &inner);
        generate_test(f, otherwise, sense, jumps);
        land_all(f, &end);
        return;
    }
    const struct inline_builtin *found = called_inline(node);
    if (found && found->opcode == OP_NOT) {
        generate_test(f, node->list.items[0], !sense, jumps);
        return;
    }
    if (found && found->jump >= 0) {
        struct node **items = node->list.items;
        int depth = f->depth;
        bool immediate = found->jump_int >= 0 && is_small_constant(items[1]);
        if (immediate)
            generate_node(f, items[0], TO_ACC);
        else
            generate_operands(f, items, node->list.count);
        mark_line(f, node->line);
        int opcode = (immediate ? found->jump_int : found->jump) + !sense;
        size_t jump = emit_jump(f, (enum opcode)opcode);
        if (immediate)
            emit_word(f, (uint32_t)fixnum_value(items[1]->constant));
        add_jump(f, jumps, jump);
        f->depth = depth;
        return;
    }
    generate_node(f, node, TO_ACC);
    add_jump(f, jumps, emit_jump(f, sense ? OP_JUMP_TRUE : OP_JUMP_FALSE));
}

static void generate_if(struct function *f, struct node *node, enum place place) {
    struct jumps otherwise = {0};
    int depth = f->depth;
    generate_test(f, node->branch.test, false, &otherwise);
    generate_node(f, node->branch.then, place);
    size_t end = 0;
    if (place != TO_CALLER)
        end = emit_jump(f, OP_JUMP);
    f->depth = depth;
    land_all(f, &otherwise);
    generate_node(f, node->branch.otherwise, place);
    if (place != TO_CALLER)
        land(f, end);
}

static void generate_or(struct function *f, struct node *node, enum place place) {
    if (place == TO_NOTHING) {
        struct jumps end = {0};
        generate_test(f, node->branch.test, true, &end);
        generate_node(f, node->branch.otherwise, place);
        land_all(f, &end);
        return;
    }
    generate_node(f, node->branch.test, TO_ACC);
    if (place == TO_CALLER) {
        size_t otherwise = emit_jump(f, OP_JUMP_FALSE);
        emit(f, OP_RETURN, 0);
        land(f, otherwise);
        generate_node(f, node->branch.otherwise, TO_CALLER);
        return;
    }
    size_t end = emit_jump(f, OP_JUMP_TRUE);
    generate_node(f, node->branch.otherwise, TO_ACC);
    land(f, end);
    deliver(f, place);
}

/* ---- Binding ------------------------------------------------------------------------------- */

/* The body of a let has left its value in acc: drop the variables. */
static void leave(struct function *f, int depth, enum place place) {
    if (place != TO_CALLER) {
        if (f->depth > depth)
            emit(f, OP_POP, f->depth - depth);
        f->depth = depth;
        deliver(f, place);
    }
}

/* Where the body's value goes: to the caller directly, else by way of acc. */
static enum place body_place(enum place place) {
    return place == TO_CALLER || place == TO_NOTHING ? place : TO_ACC;
}

static void box_locals(struct function *f, struct variable **variables, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (variables[i]->boxed)
            emit(f, OP_BOX_LOCAL, variables[i]->slot);
}

/* Push the initializers: they are the variables. */
static void bind_values(struct function *f, struct node *node) {
    int base = f->depth;
    for (size_t i = 0; i < node->list.count; i++)
        generate_node(f, node->list.items[i], TO_STACK);
    for (size_t i = 0; i < node->list.count; i++)
        node->list.variables[i]->slot = base + (int)i;
}

static void generate_let(struct function *f, struct node *node, enum place place) {
    int depth = f->depth;
    bind_values(f, node);
    box_locals(f, node->list.variables, node->list.count);
    generate_node(f, node->list.body, body_place(place));
    leave(f, depth, place);
}

static void generate_loop(struct function *f, struct node *node, enum place place) {
    int depth = f->depth;
    bind_values(f, node);
    node->list.base = depth;
    node->list.label = syntax_alloc(f->c, sizeof *node->list.label);
    *node->list.label = (int)f->count;
    box_locals(f, node->list.variables, node->list.count);
    generate_node(f, node->list.body, body_place(place));
    leave(f, depth, place);
}

static void generate_again(struct function *f, struct node *node) {
    struct node *loop = node->list.target;
    int depth = f->depth;
    for (size_t i = 0; i < node->list.count; i++)
        generate_node(f, node->list.items[i], TO_STACK);
    mark_line(f, node->line); /* for an interrupt */
    size_t jump = emit_jump(f, OP_AGAIN);
    emit_word(f, (uint32_t)node->list.count);
    emit_word(f, (uint32_t)loop->list.base);
    land_at(f, jump, (size_t)*loop->list.label);
    f->depth = depth;
}

static void generate_letrec(struct function *f, struct node *node, enum place place) {
    struct variable **variables = node->list.variables;
    size_t count = node->list.count, run = 0;
    int depth = f->depth;
    /* Boxes that are captured before they are filled have to be there first. */
    bool ahead = false;
    for (size_t i = 0; i < count; i++)
        ahead |= variables[i]->boxed && variables[i]->early <= (int)i;
    for (size_t i = 0; i < count; i++)
        variables[i]->slot = depth + (int)i;
    for (size_t i = 0; ahead && i < count; i++) {
        if (variables[i]->boxed)
            emit(f, OP_PUSH_BOX, 0);
        else
            emit(f, OP_PUSH_CONST, constant(f, UNDEFINED));
        set_depth(f, f->depth + 1);
    }
    for (size_t i = 0; i < count; i++) {
        bool function = is_linked_function(node, i);
        if (!function)
            run = i + 1;
        if (function)
            generate_closure(f, node->list.items[i]->lambda, i, node);
        else
            generate_node(f, node->list.items[i], TO_ACC);
        if (ahead)
            emit(f, variables[i]->boxed ? OP_SET_LOCAL_BOX : OP_SET_LOCAL, variables[i]->slot);
        else
            deliver(f, TO_STACK);
        if (!ahead && variables[i]->boxed)
            emit(f, OP_BOX_LOCAL, variables[i]->slot);
        if (!function || (i + 1 < count && is_linked_function(node, i + 1)))
            continue;
        /* The run of functions is complete: link them. */
        for (size_t k = run; k <= i; k++) {
            struct lambda *lambda = node->list.items[k]->lambda;
            for (size_t n = 0; n < lambda->free_count; n++)
                for (size_t j = k; j <= i; j++)
                    if (lambda->free[n] == variables[j] && !variables[j]->boxed) {
                        emit(f, variables[k]->boxed ? OP_LOCAL_BOX : OP_LOCAL, variables[k]->slot);
                        emit(f, OP_PATCH, (int64_t)n);
                        emit_word(f, (uint32_t)variables[j]->slot);
                    }
        }
    }
    generate_node(f, node->list.body, body_place(place));
    leave(f, depth, place);
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static void generate_assignment(struct function *f, struct node *node, enum place place) {
    generate_node(f, node->set.content, TO_ACC);
    struct variable *v = node->set.variable;
    mark_line(f, node->line);
    if (node->type == NODE_SET_LOCAL)
        emit(f, v->owner == f->lambda ? OP_SET_LOCAL_BOX : OP_SET_FREE_BOX,
             v->owner == f->lambda ? v->slot : free_index(f, v));
    else
        emit(f, node->type == NODE_DEFINE ? OP_DEFINE : OP_SET_GLOBAL,
             constant(f, node->set.global));
    if (place != TO_NOTHING)
        generate_constant(f, UNSPECIFIED, place);
}

static void generate_node(struct function *f, struct node *node, enum place place) {
    check_nesting(f->c);
    switch (node->type) {
    case NODE_CONSTANT:
        generate_constant(f, node->constant, place);
        break;
    case NODE_LOCAL:
        generate_local(f, node->variable, place);
        break;
    case NODE_GLOBAL:
        mark_line(f, node->line);
        if (place == TO_STACK) {
            emit(f, OP_PUSH_GLOBAL, constant(f, node->global));
            set_depth(f, f->depth + 1);
        } else {
            emit(f, OP_GLOBAL, constant(f, node->global));
            deliver(f, place);
        }
        break;
    case NODE_SET_LOCAL:
    case NODE_SET_GLOBAL:
    case NODE_DEFINE:
        generate_assignment(f, node, place);
        break;
    case NODE_IF:
        generate_if(f, node, place);
        break;
    case NODE_OR:
        generate_or(f, node, place);
        break;
    case NODE_LAMBDA:
        generate_closure(f, node->lambda, 0, NULL);
        deliver(f, place);
        break;
    case NODE_CASE_LAMBDA: {
        int depth = f->depth;
        for (size_t i = 0; i < node->list.count; i++)
            generate_node(f, node->list.items[i], TO_STACK);
        emit(f, OP_CASE_LAMBDA, (int64_t)node->list.count);
        f->depth = depth;
        deliver(f, place);
        break;
    }
    case NODE_SEQUENCE:
        for (size_t i = 0; i < node->list.count; i++)
            generate_node(f, node->list.items[i], i + 1 < node->list.count ? TO_NOTHING : place);
        break;
    case NODE_CALL:
        generate_call(f, node, place);
        break;
    case NODE_LET:
        generate_let(f, node, place);
        break;
    case NODE_LETREC:
        generate_letrec(f, node, place);
        break;
    case NODE_LOOP:
        generate_loop(f, node, place);
        break;
    case NODE_AGAIN:
        generate_again(f, node);
        break;
    }
}

/* ---- Code objects -------------------------------------------------------------------------- */

value generate(struct compiler *c, struct lambda *lambda) {
    struct function f = {.c = c, .lambda = lambda};
    for (size_t i = 0; i < lambda->count; i++)
        lambda->parameters[i]->slot = (int)i;
    set_depth(&f, (int)lambda->count);
    mark_line(&f, lambda->line);
    box_locals(&f, lambda->parameters, lambda->count);
    generate_node(&f, lambda->body, lambda->toplevel ? TO_ACC : TO_CALLER);
    if (lambda->toplevel)
        emit(&f, OP_RETURN, 0);
    return emit_code(&f);
}

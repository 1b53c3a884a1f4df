/* SPDX-License-Identifier: MIT */
/*
 * Places of variables: which function's frame holds each, what closures capture, what is boxed.
 *
 * Variables that are assigned live in boxes, for continuations copy frames. So do variables of a
 * letrec* that may be looked at before they are initialized, except functions in a run of
 * functions: there closures are made first and linked to each other afterwards.
 */
#include "compile.h"

#include <limits.h>

static void capture(struct compiler *c, struct lambda *lambda, struct variable *variable) {
    for (; lambda != variable->owner; lambda = lambda->parent) {
        for (size_t i = 0; i < lambda->free_count; i++)
            if (lambda->free[i] == variable)
                return; /* and so have the functions around this one */
        if (lambda->free_count == lambda->free_room) {
            size_t room = lambda->free_room ? 2 * lambda->free_room : 4;
            struct variable **free = syntax_alloc(c, room * sizeof *free);
            if (lambda->free_count)
                memcpy(free, lambda->free, lambda->free_count * sizeof *free);
            lambda->free = free;
            lambda->free_room = room;
        }
        lambda->free[lambda->free_count++] = variable;
    }
}

static void refer(struct compiler *c, struct variable *variable, struct lambda *lambda) {
    if (variable->current && *variable->current <= variable->index &&
        *variable->current < variable->early)
        variable->early = *variable->current;
    capture(c, lambda, variable);
}

static void visit(struct compiler *c, struct node *node, struct lambda *lambda);

static void visit_all(struct compiler *c, struct node **items, size_t count,
                      struct lambda *lambda) {
    for (size_t i = 0; i < count; i++)
        visit(c, items[i], lambda);
}

static void own(struct variable **variables, size_t count, struct lambda *lambda) {
    for (size_t i = 0; i < count; i++) {
        variables[i]->owner = lambda;
        variables[i]->boxed = variables[i]->assigned;
    }
}

bool is_linked_function(const struct node *letrec, size_t index) {
    return letrec->list.items[index]->type == NODE_LAMBDA &&
           !letrec->list.variables[index]->assigned;
}

static void visit_lambda(struct compiler *c, struct lambda *lambda, struct lambda *parent) {
    lambda->parent = parent;
    own(lambda->parameters, lambda->count, lambda);
    visit(c, lambda->body, lambda);
}

static void visit_letrec(struct compiler *c, struct node *node, struct lambda *lambda) {
    int count = (int)node->list.count, current;
    struct variable **variables = node->list.variables;
    own(variables, node->list.count, lambda);
    for (int i = 0; i < count; i++) {
        variables[i]->index = i;
        variables[i]->early = INT_MAX;
        variables[i]->current = &current;
    }
    for (current = 0; current < count; current++)
        visit(c, node->list.items[current], lambda);
    int run = 0; /* where the run of functions that we are in starts */
    for (int i = 0; i < count; i++) {
        variables[i]->current = NULL;
        bool function = is_linked_function(node, (size_t)i);
        if (!function)
            run = i + 1;
        if (variables[i]->early < run)
            variables[i]->boxed = true;
    }
    visit(c, node->list.body, lambda);
}

static void visit(struct compiler *c, struct node *node, struct lambda *lambda) {
    check_nesting(c);
    switch (node->type) {
    case NODE_CONSTANT:
    case NODE_GLOBAL:
        break;
    case NODE_LOCAL:
        refer(c, node->variable, lambda);
        break;
    case NODE_SET_LOCAL:
        visit(c, node->set.content, lambda);
        refer(c, node->set.variable, lambda);
        break;
    case NODE_SET_GLOBAL:
    case NODE_DEFINE:
        visit(c, node->set.content, lambda);
        break;
    case NODE_IF:
        visit(c, node->branch.test, lambda);
        visit(c, node->branch.then, lambda);
        visit(c, node->branch.otherwise, lambda);
        break;
    case NODE_OR:
        visit(c, node->branch.test, lambda);
        visit(c, node->branch.otherwise, lambda);
        break;
    case NODE_LAMBDA:
        visit_lambda(c, node->lambda, lambda);
        break;
    case NODE_CASE_LAMBDA:
    case NODE_SEQUENCE:
    case NODE_AGAIN:
        visit_all(c, node->list.items, node->list.count, lambda);
        break;
    case NODE_CALL:
        visit(c, node->list.callee, lambda);
        visit_all(c, node->list.items, node->list.count, lambda);
        break;
    case NODE_LET:
    case NODE_LOOP:
        visit_all(c, node->list.items, node->list.count, lambda);
        own(node->list.variables, node->list.count, lambda);
        visit(c, node->list.body, lambda);
        break;
    case NODE_LETREC:
        visit_letrec(c, node, lambda);
        break;
    }
}

void resolve(struct compiler *c, struct lambda *toplevel) { visit_lambda(c, toplevel, NULL); }

/* SPDX-License-Identifier: MIT */
/* Lists that tests with threads make and look at, and the end of the threads that make them. */
#ifndef COMPAT_TESTS_LISTS_H
#define COMPAT_TESTS_LISTS_H

#include <gc/gc.h>

#include "check.h"

struct node {
    struct node *next;
    size_t number;
};

static volatile int ending; /* plain stores and loads do: a late look is no harm */

static __attribute__((noinline)) struct node *make_list(size_t length) {
    struct node *list = NULL;
    for (size_t i = 0; i < length; i++) {
        struct node *node = GC_MALLOC(sizeof *node);
        node->number = i;
        node->next = list;
        list = node;
    }
    return list;
}

static void check_list(const struct node *list, size_t length) {
    for (; list; list = list->next)
        CHECK(list->number == --length);
    CHECK(length == 0);
}

#endif

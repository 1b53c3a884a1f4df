/* SPDX-License-Identifier: MIT */
/*
 * What is known of some addresses, in their order: links by their slots, memory by the objects that
 * own it. Made while the world stands still, or in a forked process: nothing here calls malloc, as
 * the C library's sort may, or takes a lock.
 */
#ifndef GAIT_ADDRESS_LIST_H
#define GAIT_ADDRESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_item {
    uintptr_t address, value;
};

struct address_list {
    struct address_item *items;
    size_t count, room;
    size_t bytes; /* that are mapped */
};

/** Take memory for so many items; none takes none. @return false: there is none. To be freed in any
 * case, if it was all zero before. */
bool address_list_begin(struct address_list *list, size_t room);
void address_list_free(struct address_list *list);

/** Add an item, if there is room. */
void address_list_add(struct address_list *list, uintptr_t address, uintptr_t value);

/** All are there: put them in order. */
void address_list_sort(struct address_list *list);

/** The first item that does not lie below an address; its number, from 0. */
size_t address_list_from(const struct address_list *list, uintptr_t address);

#endif

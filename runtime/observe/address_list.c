/* SPDX-License-Identifier: MIT */
/*
 * Addresses in order: sorted in place, by a heap. See address_list.h.
 */
#include "address_list.h"

#include "../platform/platform.h"

bool address_list_begin(struct address_list *list, size_t room) {
    *list = (struct address_list){.room = room};
    if (room > 0)
        list->items = platform_map_some(room * sizeof *list->items, &list->bytes);
    return room == 0 || list->items;
}

void address_list_free(struct address_list *list) {
    if (list->items)
        platform_unreserve(list->items, list->bytes);
}

void address_list_add(struct address_list *list, uintptr_t address, uintptr_t value) {
    if (list->count < list->room)
        list->items[list->count++] = (struct address_item){address, value};
}

/* Have the item at a place lie above all below it in the heap. */
static void sink(struct address_item *items, size_t place, size_t count) {
    struct address_item sinking = items[place];
    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && items[child + 1].address > items[child].address)
            child++;
        if (sinking.address >= items[child].address)
            break;
        items[place] = items[child];
    }
    items[place] = sinking;
}

void address_list_sort(struct address_list *list) {
    struct address_item *items = list->items;
    for (size_t i = list->count / 2; i-- > 0;)
        sink(items, i, list->count);
    for (size_t rest = list->count; rest-- > 1;) {
        struct address_item last = items[rest];
        items[rest] = items[0];
        items[0] = last;
        sink(items, 0, rest);
    }
}

size_t address_list_from(const struct address_list *list, uintptr_t address) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

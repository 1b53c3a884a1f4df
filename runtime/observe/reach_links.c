/* SPDX-License-Identifier: MIT */
/*
 * Links, as a walk shows them: edges of the objects that their slots lie in, or roots of a group of
 * their own. Both hold nothing: what they lead to was found otherwise. See reach_parts.h.
 */
#include "reach_parts.h"

static void add_link(void *data, const gait_word *slot, uintptr_t target) {
    address_list_add(data, (uintptr_t)slot, target);
}

/* Nobody adds one now. */
bool reach_links_list(struct reach *reach) {
    struct links *links = &reach->heap->links;
    if (!address_list_begin(&reach->links, AO_load(&links->count)))
        return false;
    if (reach->links.room > 0)
        links_each(links, add_link, &reach->links);
    address_list_sort(&reach->links);
    return true;
}

static bool find_link(const struct reach *reach, const struct address_item *link,
                      struct target *target) {
    return reach_target(reach, link->value, false, target) && reach_has(reach, target);
}

void reach_links_give(struct reach *reach) {
    uintptr_t start = (uintptr_t)reach->object;
    for (size_t i = address_list_from(&reach->links, start); i < reach->links.count; i++) {
        const struct address_item *link = &reach->links.items[i];
        struct reach_edge edge = {.type = EDGE_LINK,
                                  .place = (link->address - start) / sizeof(gait_word)};
        if (link->address - start >= reach->object_bytes)
            return;
        if (find_link(reach, link, &edge.target))
            reach_give(reach, &edge);
    }
}

void reach_links_note(struct reach *reach) {
    visitor_enter(&reach->visitor, ROOTS_LINK, NULL);
    visitor_own(&reach->visitor, NULL, false);
    for (size_t i = 0; i < reach->links.count; i++) {
        const struct address_item *link = &reach->links.items[i];
        struct target target;
        reach->visitor.at = (const gait_word *)link->address;
        if (!space_holds(reach->space, link->address) && find_link(reach, link, &target))
            reach_note_root(reach, &target, ROOT_LINK);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Kinds of objects. What is said about each function is in gait.h.
 */
#include <gait/gait.h>

#include "../abi.h"
#include "../instance.h"

#define KIND_INFO_BYTES_0 ABI0_BYTES(gait_kind_info, scan_data)

int gait_kind_register_sized(gait_heap *heap, const gait_kind_info *info, size_t info_bytes) {
    HEAP_CALL(heap);
    gait_kind_info whole = {0};
    if (!info || info_bytes < KIND_INFO_BYTES_0 ||
        !abi_take(&whole, sizeof whole, info, info_bytes))
        return GAIT_E_INVALID;
    if (space_reserves(&heap->space, whole.cleared) ||
        space_reserves(&heap->space, whole.cleared & heap->value_mask))
        return GAIT_E_INVALID; /* it might be taken for a reference */
    return kinds_register(&heap->kinds, &whole);
}

int gait_displacement_add(gait_heap *heap, size_t bytes) {
    struct space *space = &heap->space;
    if (bytes % 8 != 0 || bytes > GAIT_DISPLACEMENT_MAX)
        return GAIT_E_INVALID;
    AO_or(&space->displacements[bytes / 64 / 8], (AO_t)1 << bytes / 8 % 64);
    AO_store_release(&space->displaced, 1); /* whoever sees it sees the bit; unordered else */
    return 0;
}

int gait_kind_register(gait_heap *heap, const gait_kind_info *info) {
    return gait_kind_register_sized(heap, info, KIND_INFO_BYTES_0);
}

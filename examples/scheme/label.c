/* SPDX-License-Identifier: MIT */
/*
 * Heap snapshots in terms of the program: the names of its globals, functions and records. Gait
 * asks while the program stands still, or in a copy of it: all is read, nothing else is done. An
 * object may have been allocated a moment ago, its words being zero.
 */
#include "utf8.h"
#include "vm.h"

#include <gait/heap_snapshot.h>

static bool is_a(value v, enum object_type type) { return v && has_type(v, type); }

/* What the object is called by the program; 0: it has no name. */
static value name_of(gait_kind kind, value object) {
    switch ((enum object_type)kind) {
    case TYPE_SYMBOL:
        return object;
    case TYPE_GLOBAL:
        return global_of(object)->name;
    case TYPE_RECORD_TYPE:
        return record_type_of(object)->name;
    case TYPE_RECORD:
        object = record_of(object)->type;
        return is_a(object, TYPE_RECORD_TYPE) ? record_type_of(object)->name : 0;
    case TYPE_CODE:
        return code_of(object)->name;
    case TYPE_CLOSURE:
        object = closure_of(object)->code;
        return is_a(object, TYPE_CODE) ? code_of(object)->name : 0;
    default:
        return 0;
    }
}

static size_t label(gait_kind kind, const void *object, size_t object_bytes, char *text,
                    void *data) {
    (void)object_bytes, (void)data;
    value name = name_of(kind, (value)object);
    size_t bytes = 0;
    if (!is_a(name, TYPE_SYMBOL) || !is_a(symbol_of(name)->name, TYPE_STRING))
        return 0;
    const struct string *string = string_of(symbol_of(name)->name);
    for (size_t i = 0; i < length_of((value)string); i++) {
        if (bytes > GAIT_SNAPSHOT_LABEL_BYTES - UTF8_LONGEST)
            break;
        bytes += utf8_encode(text + bytes, string->chars[i]);
    }
    return bytes;
}

void label_init(struct vm *vm) { gait_set_snapshot_label(vm->heap, label, vm); }

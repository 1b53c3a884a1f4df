// SPDX-License-Identifier: MIT
// libgccpp: new and delete of the whole program, for objects that hold references to collected ones
// and are freed by the program; and what gc_cpp.h throws.
#include "include/gc/gc.h"

#include <new>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void GC_throw_bad_alloc() { throw std::bad_alloc(); }

static inline void *take(size_t size) {
    void *object = GC_malloc_uncollectable(size);
    if (!object)
        GC_throw_bad_alloc();
    return object;
}

EXPORTED void *operator new(size_t size) { return take(size); }
EXPORTED void *operator new[](size_t size) { return take(size); }
EXPORTED void operator delete(void *object) noexcept { GC_free(object); }
EXPORTED void operator delete[](void *object) noexcept { GC_free(object); }
EXPORTED void operator delete(void *object, size_t) noexcept { GC_free(object); }
EXPORTED void operator delete[](void *object, size_t) noexcept { GC_free(object); }

/* SPDX-License-Identifier: MIT */
/*
 * Collected objects in C++:
 *   class gc          what derives from it is collected, when it is made by new
 *   class gc_cleanup  the same, and its destructor runs once nothing leads to it
 *   new (UseGC) T, new (PointerFreeGC) T, new (NoGC) T, new (UseGC, cleanup, data) T
 */
#ifndef GC_CPP_H
#define GC_CPP_H

#include "gc.h"

#if defined(GC_NEW_ABORTS_ON_OOM) || defined(_LIBCPP_NO_EXCEPTIONS)
#define GC_OP_NEW_OOM_CHECK(object)                                                                \
    do {                                                                                           \
        if (!(object))                                                                             \
            GC_abort_on_oom();                                                                     \
    } while (0)
#elif defined(GC_INCLUDE_NEW)
#include <new>
#define GC_OP_NEW_OOM_CHECK(object)                                                                \
    if (object) {                                                                                  \
    } else                                                                                         \
        throw std::bad_alloc()
#else
GC_API void GC_CALL GC_throw_bad_alloc();
#define GC_OP_NEW_OOM_CHECK(object)                                                                \
    if (object) {                                                                                  \
    } else                                                                                         \
        GC_throw_bad_alloc()
#endif

#ifdef GC_NAMESPACE
#define GC_NS_QUALIFY(name) boehmgc::name
namespace boehmgc {
#else
#define GC_NS_QUALIFY(name) name
#endif

enum GCPlacement {
    UseGC,
#ifndef GC_NAME_CONFLICT
    GC = UseGC,
#endif
    NoGC,
    PointerFreeGC
#ifdef GC_ATOMIC_UNCOLLECTABLE
    ,
    PointerFreeNoGC
#endif
};

extern "C" {
typedef void(GC_CALLBACK *GCCleanUpFunc)(void *object, void *data);
}

inline void *gc_place(size_t size, GCPlacement place) {
    void *object = place == UseGC           ? GC_MALLOC(size)
                   : place == PointerFreeGC ? GC_MALLOC_ATOMIC(size)
#ifdef GC_ATOMIC_UNCOLLECTABLE
                   : place == PointerFreeNoGC ? GC_MALLOC_ATOMIC_UNCOLLECTABLE(size)
#endif
                                              : GC_MALLOC_UNCOLLECTABLE(size);
    GC_OP_NEW_OOM_CHECK(object);
    return object;
}

class gc {
  public:
    void *operator new(size_t size) { return gc_place(size, UseGC); }
    void *operator new(size_t size, GCPlacement place) { return gc_place(size, place); }
    void *operator new(size_t, void *where) GC_NOEXCEPT { return where; }
    void operator delete(void *object) GC_NOEXCEPT { GC_FREE(object); }
    void operator delete(void *object, GCPlacement) GC_NOEXCEPT { GC_FREE(object); }
    void operator delete(void *, void *) GC_NOEXCEPT {}
    void *operator new[](size_t size) { return gc_place(size, UseGC); }
    void *operator new[](size_t size, GCPlacement place) { return gc_place(size, place); }
    void *operator new[](size_t, void *where) GC_NOEXCEPT { return where; }
    void operator delete[](void *object) GC_NOEXCEPT { GC_FREE(object); }
    void operator delete[](void *object, GCPlacement) GC_NOEXCEPT { GC_FREE(object); }
    void operator delete[](void *, void *) GC_NOEXCEPT {}
};

class gc_cleanup : virtual public gc {
  public:
    /* Of several parts of an object the first one to be made registers: its destructor is virtual,
     * and destroys them all. */
    gc_cleanup() {
        void *base = GC_base(this), *old_data = 0;
        GC_finalization_proc old = 0;
        if (!base)
            return;
        GC_register_finalizer_ignore_self(base, destroy, (void *)((char *)this - (char *)base),
                                          &old, &old_data);
        if (old)
            GC_register_finalizer_ignore_self(base, old, old_data, 0, 0);
    }
    virtual ~gc_cleanup() {
        void *base = GC_base(this);
        if (base)
            GC_register_finalizer_ignore_self(base, 0, 0, 0, 0);
    }

  private:
    static void GC_CALLBACK destroy(void *object, void *offset) {
        ((gc_cleanup *)((char *)object + (ptrdiff_t)offset))->~gc_cleanup();
    }
};

#ifdef GC_NAMESPACE
}
#endif

inline void *operator new(size_t size, GC_NS_QUALIFY(GCPlacement) place,
                          GC_NS_QUALIFY(GCCleanUpFunc) cleanup = 0, void *data = 0) {
    void *object = GC_NS_QUALIFY(gc_place)(size, place);
    if (cleanup && place == GC_NS_QUALIFY(UseGC))
        GC_REGISTER_FINALIZER_IGNORE_SELF(object, cleanup, data, 0, 0);
    return object;
}
inline void operator delete(void *object, GC_NS_QUALIFY(GCPlacement), GC_NS_QUALIFY(GCCleanUpFunc),
                            void *) GC_NOEXCEPT {
    GC_FREE(object);
}
inline void *operator new[](size_t size, GC_NS_QUALIFY(GCPlacement) place,
                            GC_NS_QUALIFY(GCCleanUpFunc) cleanup = 0, void *data = 0) {
    return ::operator new(size, place, cleanup, data);
}
inline void operator delete[](void *object, GC_NS_QUALIFY(GCPlacement),
                              GC_NS_QUALIFY(GCCleanUpFunc), void *) GC_NOEXCEPT {
    GC_FREE(object);
}

#endif

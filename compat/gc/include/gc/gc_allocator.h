/* SPDX-License-Identifier: MIT */
/*
 * Allocators for containers of the C++ library:
 *
 *   gc_allocator                  collected; elements of types that GC_DECLARE_PTRFREE names are
 *                                 not looked at
 *   gc_allocator_ignore_off_page  the same here
 *   traceable_allocator           freed by the container, and scanned for references
 */
#ifndef GC_ALLOCATOR_H
#define GC_ALLOCATOR_H

#include "gc.h"
#include <new>

#if defined(GC_NEW_ABORTS_ON_OOM) || defined(_LIBCPP_NO_EXCEPTIONS)
#define GC_ALLOCATOR_THROW_OR_ABORT() GC_abort_on_oom()
#else
#define GC_ALLOCATOR_THROW_OR_ABORT() throw std::bad_alloc()
#endif

struct GC_true_type {};
struct GC_false_type {};
template <class T> struct GC_type_traits { GC_false_type GC_is_ptr_free; };
#define GC_DECLARE_PTRFREE(T)                                                                      \
    template <> struct GC_type_traits<T> { GC_true_type GC_is_ptr_free; }
GC_DECLARE_PTRFREE(char);
GC_DECLARE_PTRFREE(signed char);
GC_DECLARE_PTRFREE(unsigned char);
GC_DECLARE_PTRFREE(signed short);
GC_DECLARE_PTRFREE(unsigned short);
GC_DECLARE_PTRFREE(signed int);
GC_DECLARE_PTRFREE(unsigned int);
GC_DECLARE_PTRFREE(signed long);
GC_DECLARE_PTRFREE(unsigned long);
GC_DECLARE_PTRFREE(float);
GC_DECLARE_PTRFREE(double);
GC_DECLARE_PTRFREE(long double);

inline void *GC_checked(void *object) {
    if (!object)
        GC_ALLOCATOR_THROW_OR_ABORT();
    return object;
}

template <class Traits>
inline void *GC_selective_alloc(size_t bytes, Traits, bool ignore_off_page) {
    return GC_checked(ignore_off_page ? GC_MALLOC_IGNORE_OFF_PAGE(bytes) : GC_MALLOC(bytes));
}
template <>
inline void *GC_selective_alloc<GC_true_type>(size_t bytes, GC_true_type, bool ignore_off_page) {
    return GC_checked(ignore_off_page ? GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(bytes)
                                      : GC_MALLOC_ATOMIC(bytes));
}

/* The three differ in name and in how they allocate. */
#define GC_DEFINE_ALLOCATOR(NAME, ALLOCATE)                                                        \
    template <class T> class NAME {                                                                \
      public:                                                                                      \
        typedef size_t size_type;                                                                  \
        typedef ptrdiff_t difference_type;                                                         \
        typedef T *pointer;                                                                        \
        typedef const T *const_pointer;                                                            \
        typedef T &reference;                                                                      \
        typedef const T &const_reference;                                                          \
        typedef T value_type;                                                                      \
        template <class Other> struct rebind { typedef NAME<Other> other; };                       \
        NAME() GC_NOEXCEPT {}                                                                      \
        NAME(const NAME &) GC_NOEXCEPT {}                                                          \
        template <class Other> GC_ATTR_EXPLICIT NAME(const NAME<Other> &) GC_NOEXCEPT {}           \
        ~NAME() GC_NOEXCEPT {}                                                                     \
        pointer address(reference x) const { return &x; }                                          \
        const_pointer address(const_reference x) const { return &x; }                              \
        T *allocate(size_type count, const void * = 0) {                                           \
            if (count > max_size())                                                                \
                GC_ALLOCATOR_THROW_OR_ABORT();                                                     \
            return static_cast<T *>(ALLOCATE(count * sizeof(T)));                                  \
        }                                                                                          \
        void deallocate(pointer object, size_type) GC_NOEXCEPT { GC_FREE(object); }                \
        size_type max_size() const GC_NOEXCEPT { return size_t(-1) / sizeof(T); }                  \
        void construct(pointer object, const T &value) { new (object) T(value); }                  \
        void destroy(pointer object) { object->~T(); }                                             \
    };                                                                                             \
    template <> class NAME<void> {                                                                 \
      public:                                                                                      \
        typedef size_t size_type;                                                                  \
        typedef ptrdiff_t difference_type;                                                         \
        typedef void *pointer;                                                                     \
        typedef const void *const_pointer;                                                         \
        typedef void value_type;                                                                   \
        template <class Other> struct rebind { typedef NAME<Other> other; };                       \
    };                                                                                             \
    template <class T, class U>                                                                    \
    inline bool operator==(const NAME<T> &, const NAME<U> &) GC_NOEXCEPT {                         \
        return true;                                                                               \
    }                                                                                              \
    template <class T, class U>                                                                    \
    inline bool operator!=(const NAME<T> &, const NAME<U> &) GC_NOEXCEPT {                         \
        return false;                                                                              \
    }

#define GC_ALLOCATE_COLLECTED(bytes)                                                               \
    GC_selective_alloc(bytes, GC_type_traits<T>().GC_is_ptr_free, false)
#define GC_ALLOCATE_IGNORING(bytes)                                                                \
    GC_selective_alloc(bytes, GC_type_traits<T>().GC_is_ptr_free, true)
#define GC_ALLOCATE_TRACEABLE(bytes) GC_checked(GC_MALLOC_UNCOLLECTABLE(bytes))
GC_DEFINE_ALLOCATOR(gc_allocator, GC_ALLOCATE_COLLECTED)
GC_DEFINE_ALLOCATOR(gc_allocator_ignore_off_page, GC_ALLOCATE_IGNORING)
GC_DEFINE_ALLOCATOR(traceable_allocator, GC_ALLOCATE_TRACEABLE)

#endif

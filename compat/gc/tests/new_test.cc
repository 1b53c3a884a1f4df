// SPDX-License-Identifier: MIT
// libgccpp: what the program makes by new may hold the only reference to a collected object.
#define GC_THREADS
#include <gc/gc_cpp.h>

#include <new>
#include <string>
#include <vector>

#include "check.h"

struct Holder {
    int *collected;
    std::string text;
    std::vector<int *> more;
};

static __attribute__((noinline)) Holder *make() {
    Holder *holder = new Holder;
    holder->collected = static_cast<int *>(GC_MALLOC_ATOMIC(sizeof(int)));
    *holder->collected = 7;
    holder->text = std::string(100, 'x');
    for (int i = 0; i < 1000; i++) {
        int *number = static_cast<int *>(GC_MALLOC_ATOMIC(sizeof(int)));
        *number = i;
        holder->more.push_back(number);
    }
    return holder;
}

int main() {
    GC_INIT();
    Holder *holder = make();
    CHECK(GC_base(holder) != 0);
    collect_all();
    for (int i = 0; i < 20000; i++)
        *static_cast<int *>(GC_MALLOC_ATOMIC(sizeof(int))) = -1;
    CHECK(*holder->collected == 7 && holder->text.size() == 100);
    for (int i = 0; i < 1000; i++)
        CHECK(*holder->more[i] == i);
    delete holder;
    delete[] new char[50];

    bool thrown = false;
    try {
        GC_throw_bad_alloc();
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    CHECK(thrown);
    return 0;
}

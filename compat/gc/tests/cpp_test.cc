// SPDX-License-Identifier: MIT
// C++: all headers, collected classes, destructors that run, containers.
#define GC_INCLUDE_NEW
#define GC_THREADS
#include <gc/gc_allocator.h>
#include <gc/gc_backptr.h>
#include <gc/gc_cpp.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_gcj.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>
#include <gc/javaxfc.h>

#include <map>
#include <string>
#include <vector>

#include "check.h"

static int destroyed;

class Part : public gc_cleanup {
  public:
    explicit Part(int number) : number(number) {}
    ~Part() { destroyed++; }
    int number;
};

class Plain : public gc {
  public:
    Plain *next;
    int number;
};

static __attribute__((noinline)) void make_parts() {
    for (int i = 0; i < 20; i++)
        CHECK((new Part(i))->number == i);
}

static void cleanup(void *object, void *data) {
    CHECK(*static_cast<int *>(object) == 5);
    ++*static_cast<int *>(data);
}

static __attribute__((noinline)) void make_cleaned(int *count) {
    for (int i = 0; i < 20; i++)
        *new (UseGC, cleanup, count) int = 5;
}

int main() {
    GC_INIT();
    make_parts();
    collect_all();
    CHECK(destroyed >= 19);

    static int cleaned;
    make_cleaned(&cleaned);
    collect_all();
    CHECK(cleaned >= 19);

    Plain *list = 0;
    for (int i = 0; i < 10000; i++) {
        Plain *plain = new Plain;
        plain->number = i;
        plain->next = list;
        list = plain;
    }
    collect();
    for (int i = 10000; i-- > 0; list = list->next)
        CHECK(list->number == i);
    delete new Plain;
    char *text = new (PointerFreeGC) char[100];
    text[99] = 1;

    std::vector<Plain *, gc_allocator<Plain *>> vector;
    std::map<int, Plain *, std::less<int>, traceable_allocator<std::pair<const int, Plain *>>> map;
    for (int i = 0; i < 1000; i++) {
        Plain *plain = new Plain;
        plain->number = i;
        vector.push_back(plain);
        map[i] = new Plain(*plain);
    }
    collect();
    for (int i = 0; i < 1000; i++)
        CHECK(vector[i]->number == i && map[i]->number == i);
    return 0;
}

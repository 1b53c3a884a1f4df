/* SPDX-License-Identifier: MIT */
/*
 * The writable data of the program and of its libraries, as the loader lists them.
 */
#include "platform.h"

#include <link.h>

struct search {
    bool libraries;
    void (*visit)(void *data, struct platform_range range);
    void *data;
    bool first; /* the program itself comes first */
};

static const char mine; /* lies in this library, or in the program that it is a part of */

static bool holds(const struct dl_phdr_info *module, const void *address) {
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &module->dlpi_phdr[i];
        if (header->p_type == PT_LOAD &&
            (uintptr_t)address - (module->dlpi_addr + header->p_vaddr) < header->p_memsz)
            return true;
    }
    return false;
}

/* A part of a segment: without what is read-only after relocation. */
static void visit_part(const struct search *search, uintptr_t low, uintptr_t high) {
    if (low < high)
        search->visit(search->data, (struct platform_range){(char *)low, (char *)high});
}

static void visit_segment(const struct search *search, const struct dl_phdr_info *module,
                          const ElfW(Phdr) * segment) {
    uintptr_t low = module->dlpi_addr + segment->p_vaddr, high = low + segment->p_memsz;
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &module->dlpi_phdr[i];
        uintptr_t from = module->dlpi_addr + header->p_vaddr, to = from + header->p_memsz;
        if (header->p_type == PT_GNU_RELRO && from < high && to > low) {
            visit_part(search, low, from);
            low = to;
        }
    }
    visit_part(search, low, high);
}

static int visit_module(struct dl_phdr_info *module, size_t bytes, void *data) {
    (void)bytes;
    struct search *search = data;
    bool program = search->first;
    search->first = false;
    if (program == search->libraries || (!program && holds(module, &mine)))
        return !search->libraries; /* the program is the only one asked for: stop */
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &module->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_W))
            visit_segment(search, module, header);
    }
    return !search->libraries;
}

struct locked {
    void (*act)(void *data);
    void *data;
};

static int act_once(struct dl_phdr_info *module, size_t bytes, void *data) {
    (void)module, (void)bytes;
    struct locked *locked = data;
    locked->act(locked->data);
    return 1;
}

void platform_with_loader(void (*act)(void *data), void *data) {
    struct locked locked = {act, data};
    dl_iterate_phdr(act_once, &locked); /* the program itself is always there */
}

void platform_data_segments(bool libraries, void (*visit)(void *data, struct platform_range range),
                            void *data) {
    struct search search = {.libraries = libraries, .visit = visit, .data = data, .first = true};
    dl_iterate_phdr(visit_module, &search);
}

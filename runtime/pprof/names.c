/* SPDX-License-Identifier: MIT */
/*
 * Names of code in this process. See names.h.
 */
#include "names.h"

#include <elfutils/libdwfl.h>
#include <unistd.h>

/* elfutils wants to know where separate debugging information is: at the system's places, by build
 * ids. Its usual function asks servers as well (DEBUGINFOD_URLS), and a profile would wait for the
 * network. */
static char *no_path;
static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .debuginfo_path = &no_path,
};

struct names *names_open(void) {
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (!dwfl)
        return NULL;
    if (dwfl_linux_proc_report(dwfl, getpid()) != 0 || dwfl_report_end(dwfl, NULL, NULL) != 0) {
        dwfl_end(dwfl);
        return NULL;
    }
    return (struct names *)dwfl;
}

void names_close(struct names *names) {
    if (names)
        dwfl_end((Dwfl *)names);
}

struct name names_find(struct names *names, uintptr_t address) {
    struct name name = {0};
    Dwfl_Module *module = names ? dwfl_addrmodule((Dwfl *)names, address) : NULL;
    if (!module)
        return name;
    Dwarf_Addr start, end;
    const char *file = NULL;
    const char *module_name = dwfl_module_info(module, NULL, &start, &end, NULL, NULL, &file, NULL);
    name.function = dwfl_module_addrname(module, address);
    name.mapped = file ? file : module_name;
    name.start = start;
    name.end = end;
    GElf_Addr id_at;
    name.build_id_bytes = dwfl_module_build_id(module, &name.build_id, &id_at);
    Dwfl_Line *line = dwfl_module_getsrc(module, address);
    if (line)
        name.file = dwfl_lineinfo(line, NULL, &name.line, NULL, NULL, NULL);
    return name;
}

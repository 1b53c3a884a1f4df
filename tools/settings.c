/* SPDX-License-Identifier: MIT */
/*
 * Prints the reference of all settings, as the library writes it. check-written compares it with
 * what the documents say.
 */
#include "options.h"

int main(void) {
    options_write_reference(stdout);
    return fclose(stdout) == 0 ? 0 : 1;
}

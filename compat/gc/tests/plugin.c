/* SPDX-License-Identifier: MIT */
/* A library that comes and goes, with a root. */
static char data[1 << 20] = {1};
void *plugin_root;
void *plugin_data(void);
void *plugin_data(void) { return data; }

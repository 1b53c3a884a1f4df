/* SPDX-License-Identifier: MIT */
/*
 * keys: the reference of a scenario's keys, as docs/simulator.md has it, from the table of keys.
 */
#include "command.h"
#include "mains.h"
#include "scenario.h"
#include "units.h"

#include <string.h>

static bool is_bytes(const struct scenario_key *key) {
    return key->type == TYPE_BYTES || key->type == TYPE_LIMIT || key->type == TYPE_BYTE_STREAM;
}

static const char *value_text(const struct scenario_key *key, double value, char out[UNITS_TEXT]) {
    return is_bytes(key) ? units_bytes(value, out) : units_double(value, out);
}

static void print_default(const struct scenario_key *key) {
    char text[UNITS_TEXT];
    if (key->type == TYPE_TEXT)
        printf("none");
    else if (key->type == TYPE_BOOL)
        printf("%s", key->default_value != 0 ? "true" : "false");
    else if (key->type == TYPE_CHOICE)
        printf("\"%s\"", scenario_model_name((enum model_kind)key->default_value));
    else if (key->type == TYPE_LIMIT)
        printf("\"off\"");
    else
        printf("%s", value_text(key, key->default_value, text));
}

static void print_range(const struct scenario_key *key) {
    char least[UNITS_TEXT], most[UNITS_TEXT];
    if (key->type == TYPE_TEXT)
        printf("up to %d bytes", SCENARIO_TEXT - 1);
    else if (key->type == TYPE_BOOL)
        printf("true, false");
    else if (key->type == TYPE_CHOICE)
        printf("one of them");
    else
        printf("%s to %s", value_text(key, key->least, least), value_text(key, key->most, most));
    if (key->type == TYPE_STREAM || key->type == TYPE_BYTE_STREAM)
        printf("; stream");
}

int keys_main(int argc, char **argv) {
    if (argc > 1)
        command_misuse("keys: no arguments, please: %s", argv[1]);
    for (int section = 0; section < SECTIONS; section++) {
        const char *name = scenario_section_name((enum scenario_section)section);
        const char *brackets = section == SECTION_PHASE ? "[[%s]]" : "[%s]";
        printf("%s", section ? "\n### `" : "### At the top");
        if (section)
            printf(brackets, name);
        printf("%s\n\n| Key | Unit | Accepted | Default | Meaning |\n|---|---|---|---|---|\n",
               section ? "`" : "");
        for (int i = 0; i < scenario_key_count; i++) {
            const struct scenario_key *key = &scenario_keys[i];
            if ((int)key->section != section)
                continue;
            printf("| `%s` | %s | ", key->name, key->unit);
            print_range(key);
            printf(" | ");
            print_default(key);
            printf(" | %s |\n", key->meaning);
        }
    }
    return COMMAND_OK;
}

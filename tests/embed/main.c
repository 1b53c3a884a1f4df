/* SPDX-License-Identifier: MIT */
/* Runs programs of the small language: [--stop-the-world | --stacks] FILE... */
#include "tiny.h"

static void run_file(const char *path) {
    FILE *in = fopen(path, "r");
    if (!in) {
        perror(path);
        exit(1);
    }
    ROOTS(kept, 2);
    kept[1] = cons(0, tiny.scope); /* a scope of its own */
    while ((kept[0] = read_form(in)) != 0)
        evaluate(kept[0], kept[1]);
    UNROOT();
    fclose(in);
}

int main(int argc, char **argv) {
    gait_config config;
    gait_config_init(&config);
    int first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++)
        if (strcmp(argv[first], "--stop-the-world") == 0)
            config.flags |= GAIT_STOP_THE_WORLD;
        else if (strcmp(argv[first], "--stacks") == 0)
            config.flags |= GAIT_CONSERVATIVE_STACKS;
        else
            return fprintf(stderr, "usage: embed [--stop-the-world] [--stacks] FILE...\n"), 2;
    memory_start(&config);
    builtins_define();
    for (int i = first; i < argc; i++)
        run_file(argv[i]);
    memory_end();
    printf("%d checks\n", tiny.checks);
    return tiny.checks == 0;
}

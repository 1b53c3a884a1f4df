/* SPDX-License-Identifier: MIT */
/*
 * gnuplot at the other end of a pipe. See gnuplot.h.
 */
#include "gnuplot.h"

#include "command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

struct gnuplot gnuplot_open(const char *path, int width, int height) {
    command_close(command_open(path), path); /* says why, if it can't be written */
    signal(SIGPIPE, SIG_IGN); /* a gnuplot that is not there ends in pclose's status */
    struct gnuplot gnuplot = {popen("gnuplot", "w"), path};
    if (!gnuplot.script)
        command_fail("gnuplot: %s", strerror(errno));
    FILE *script = gnuplot.script;
    fprintf(script,
            "set terminal svg size %d,%d enhanced font 'sans-serif,11' background '#ffffff'\n",
            width, height);
    fputs("set output ", script);
    gnuplot_text(script, path);
    fputs("\nset grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n", script);
    return gnuplot;
}

void gnuplot_text(FILE *script, const char *text) {
    putc('"', script);
    for (; *text; text++) {
        if (strchr("\"\\`$", *text))
            putc('\\', script);
        putc((unsigned char)*text < ' ' ? ' ' : *text, script);
    }
    putc('"', script);
}

void gnuplot_close(struct gnuplot *gnuplot) {
    if (pclose(gnuplot->script) != 0)
        command_fail("%s: gnuplot could not draw it (is gnuplot installed?)", gnuplot->path);
}

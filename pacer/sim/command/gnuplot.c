/* SPDX-License-Identifier: MIT */
/*
 * gnuplot as a child: the script goes into a file first, the picture comes back through a pipe and
 * is written here. So whoever can't be found, dies or has no room left is told apart, and no half
 * picture passes for one: gnuplot itself exits with 0 where its disk is full. See gnuplot.h.
 */
#include "gnuplot.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** How much of a picture is read at once, at least. */
#define GNUPLOT_PIECE 65536

extern char **environ;

struct gnuplot gnuplot_open(const char *path, int width, int height) {
    struct gnuplot gnuplot = {tmpfile(), path, command_open(path)};
    FILE *script = gnuplot.script;
    if (!script)
        command_fail("no temporary file for gnuplot: %s", strerror(errno));
    fprintf(script,
            "set terminal svg size %d,%d enhanced font 'sans-serif,11' background '#ffffff'\n",
            width, height);
    fputs("set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n", script);
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

/** Start gnuplot between both. @return its process; ends the command if there is none. */
static pid_t start(int script_fd, int picture_fd) {
    char *argv[] = {"gnuplot", NULL};
    posix_spawn_file_actions_t actions;
    pid_t process;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, script_fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, picture_fd, STDOUT_FILENO);
    int error = posix_spawnp(&process, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT)
        command_fail("gnuplot is not installed: no picture can be drawn without it");
    if (error != 0)
        command_fail("gnuplot could not be started: %s", strerror(error));
    return process;
}

/** All that comes through the pipe, with a 0 behind it. */
static char *read_all(int fd, size_t *size) {
    char *text = NULL;
    size_t room = 0;
    ssize_t got = 1;
    for (*size = 0; got > 0; *size += (size_t)(got > 0 ? got : 0)) {
        if (room - *size < GNUPLOT_PIECE) {
            room = 2 * room + 2 * GNUPLOT_PIECE;
            text = command_grow(text, room, 1);
        }
        do
            got = read(fd, text + *size, room - *size - 1);
        while (got < 0 && errno == EINTR);
    }
    text[*size] = '\0';
    return text;
}

/** How gnuplot ended, and whether it drew all. Ends the command if it did not. */
static void check(pid_t process, const char *path, const char *picture, size_t size) {
    int status = 0;
    pid_t waited;
    do
        waited = waitpid(process, &status, 0);
    while (waited < 0 && errno == EINTR);
    if (waited == process && WIFSIGNALED(status))
        command_fail("%s: gnuplot was ended by signal %d (%s)", path, WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    if (waited == process && WEXITSTATUS(status) != 0)
        command_fail("%s: gnuplot could not draw it", path);
    if (strlen(picture) != size || !strstr(picture, "</svg>"))
        command_fail("%s: gnuplot did not draw all of it", path);
}

void gnuplot_close(struct gnuplot *gnuplot) {
    int ends[2];
    if (fflush(gnuplot->script) != 0 || ferror(gnuplot->script) ||
        lseek(fileno(gnuplot->script), 0, SEEK_SET) < 0)
        command_fail("the temporary file for gnuplot could not be written: %s", strerror(errno));
    if (pipe(ends) != 0)
        command_fail("no pipe for gnuplot: %s", strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fflush(stdout); /* what is on the screen stands before what gnuplot may say */
    pid_t process = start(fileno(gnuplot->script), ends[1]);
    close(ends[1]);
    size_t size;
    char *picture = read_all(ends[0], &size);
    close(ends[0]);
    fclose(gnuplot->script);
    check(process, gnuplot->path, picture, size);
    fwrite(picture, 1, size, gnuplot->picture);
    free(picture);
    command_close(gnuplot->picture, gnuplot->path);
}

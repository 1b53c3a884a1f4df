/* SPDX-License-Identifier: MIT */
/**
 * A gnuplot process that draws one picture.
 */
#ifndef COMMAND_GNUPLOT_H
#define COMMAND_GNUPLOT_H

#include <stdio.h>

/** Colours that stay apart for eyes that see no red or green (Okabe, Ito 2008), and in print. */
#define GNUPLOT_BLUE "#0072b2"
#define GNUPLOT_SKY "#56b4e9"
#define GNUPLOT_GREEN "#009e73"
#define GNUPLOT_ORANGE "#e69f00"
#define GNUPLOT_RED "#d55e00"
#define GNUPLOT_PURPLE "#cc79a7"
#define GNUPLOT_GREY "#777777"

/** A picture under way. */
struct gnuplot {
    FILE *script; /**< what is written here, gnuplot does */
    const char *path;
    FILE *picture; /**< at the path */
};

/** Start an SVG picture of this size in points; "-" is stdout. Ends the command if it can't be
 * written. */
struct gnuplot gnuplot_open(const char *path, int width, int height);

/** Write text as a quoted string. */
void gnuplot_text(FILE *script, const char *text);

/** Draw; ends the command if there is no gnuplot, it fails, or the picture can't be written whole.
 */
void gnuplot_close(struct gnuplot *gnuplot);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of special forms (forms.c, forms_*.c) have in common.
 *
 * Many forms are rewritten into simpler ones: such source is built with the form numbers themselves
 * in head position, with builtin procedures as constants and with fresh aliases as names, so that
 * nothing in a program can capture them.
 */
#ifndef SCHEME_FORMS_H
#define SCHEME_FORMS_H

#include "compile.h"

#define F(name) keyword(FORM_##name)

static inline value second(struct compiler *c, value form) { return form_item(c, form, 1); }
static inline value third(struct compiler *c, value form) { return form_item(c, form, 2); }

/** A constant: the builtin of that name. */
value builtin(struct compiler *c, const char *name);

/** An identifier that is no other's. */
value fresh(struct compiler *c, const char *name);

/** A list of the same items, last first. */
value reversed(struct compiler *c, value list);

/** Split ((name init) …) into *names and *inits. */
void split_bindings(struct compiler *c, value bindings, value *names, value *inits);

/** Only a program and a library may hold this form, no body. */
void need_toplevel(struct compiler *c, struct scope *scope, value form);

#define X(name, spelling, parser)                                                                  \
    struct node *parser(struct compiler *c, value form, struct scope *scope);
SPECIAL_FORMS(X)
#undef X

#endif

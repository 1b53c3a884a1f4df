/* SPDX-License-Identifier: MIT */
/**
 * What the page calls of the engine that is compiled for it: pacer/, pacer/sim/ and the command's
 * way of fitting a trace, as they are. All arguments are numbers; keys are indexes into
 * scenario_keys, so that the page knows no key by heart. engine.ts is the other side.
 *
 * One scenario and one run at a time, in one thread. Memory that runs out traps.
 */
#ifndef WEB_H
#define WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_EXPORT(name) __attribute__((export_name(#name))) name

/* ---- The table of keys -------------------------------------------------- */

enum web_key_text { WEB_KEY_NAME, WEB_KEY_SECTION, WEB_KEY_UNIT, WEB_KEY_MEANING };
enum web_key_number { WEB_KEY_TYPE, WEB_KEY_LEAST, WEB_KEY_MOST, WEB_KEY_DEFAULT };

int WEB_EXPORT(web_key_count)(void);
const char *WEB_EXPORT(web_key_text)(int key, enum web_key_text what);
double WEB_EXPORT(web_key_number)(int key, enum web_key_number what);
/** Name of a model, by its value of the key `model`; NULL beyond the last. */
const char *WEB_EXPORT(web_model_name)(int model);

/* ---- The scenario ------------------------------------------------------- */

/** All defaults, with so many phases and nodes of streams. Ends a run and forgets its rows. */
void WEB_EXPORT(web_scenario)(int phases, int nodes);
int WEB_EXPORT(web_phase_count)(void);

/** A key that is a number, as a number in its unit; of a phase, `phase` counts from 0. */
void WEB_EXPORT(web_set)(int key, int phase, double value);
double WEB_EXPORT(web_get)(int key, int phase);

/** Let a stream's key follow the expression at `node`; and fill in the node. */
void WEB_EXPORT(web_set_stream)(int key, int phase, int node);
void WEB_EXPORT(web_set_node)(int node, int kind, double amount, double length, double turn,
                              double delay, double least, double most, double seed, int first,
                              int next);

/** What is wrong: a key's index; -1 nothing; -2 the number of phases. */
int WEB_EXPORT(web_fault)(void);
/** What would make a run of it endless (model_work): a key's index; -1: it has an end. */
int WEB_EXPORT(web_endless)(void);
double WEB_EXPORT(web_duration)(void);

/* ---- A run -------------------------------------------------------------- */

enum web_table { WEB_CYCLES, WEB_SAMPLES, WEB_SUMMARY, WEB_RECORDED };

/** Start the scenario's model; web_fault has found nothing. Sample every `sample_s`. */
void WEB_EXPORT(web_start)(double sample_s);
/** Run on for so many steps. @return whether there is more to come. */
bool WEB_EXPORT(web_run)(int steps);
double WEB_EXPORT(web_progress)(void);

/** Names of a table's columns, with commas between; its rows, one after another. */
const char *WEB_EXPORT(web_columns)(enum web_table table);
int WEB_EXPORT(web_row_count)(enum web_table table);
const double *WEB_EXPORT(web_rows)(enum web_table table);

/* ---- Traces and recordings ---------------------------------------------- */

/** Room for so many bytes, which the functions below take. */
char *WEB_EXPORT(web_input)(int bytes);

/** Fit a scenario of at most `phases` phases to a log. @return cycles read; 0: none, no scenario;
 * below 0: cycles, but none either: web_notes says why. */
int WEB_EXPORT(web_fit_gctrace)(int phases);

/** What was left out of what was fitted last, and what was guessed; a line each. */
const char *WEB_EXPORT(web_notes)(void);

/**
 * Make a scenario of at most `phases` phases of a recording, whose own figures are WEB_RECORDED's.
 *
 * @return cycles read; 0: none, no scenario; below 0: no recording that can be read, minus its
 *         enum recording_fault
 */
int WEB_EXPORT(web_fit_recording)(int phases);

#endif

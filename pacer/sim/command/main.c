/* SPDX-License-Identifier: MIT */
/*
 * gait-sim: the pacer's simulator. Each subcommand has its own file.
 */
#include "mains.h"
#include "subcommands.h"

static const struct subcommand SUBCOMMANDS[] = {
    {"check", check_main, "replay a table of vectors, compare every result",
     "Usage: gait-sim check [--limiter] FILE.tsv...\n\n"
     "Replays scenarios of the ideal model from their input columns, and compares every result\n"
     "column: integers exactly, other numbers to the last digit. Prints each difference and a\n"
     "count; exit status 1 if there is one.\n\n"
     "  --limiter  the files are sequences of operations on the CPU limiter\n"},
    {"replay-inputs", replay_main, "print a table of vectors with the results computed here",
     "Usage: gait-sim replay-inputs [--limiter] FILE.tsv...\n\n"
     "Prints the file with its own results in the result columns; those that the file does not\n"
     "have are added on the right.\n\n"
     "  --limiter  the files are sequences of operations on the CPU limiter\n"},
    {"run", run_main, "simulate a scenario",
     "Usage: gait-sim run [OPTION...] SCENARIO.toml\n\n"
     "Simulates a program and its collector; prints a table of cycles and a summary.\n\n"
     "  --model MODEL     full, ideal or stw, in place of the scenario's\n"
     "  --gogc PERCENT    GOGC, or off\n"
     "  --limit BYTES     GOMEMLIMIT, such as 64MiB, or off\n"
     "  --min-heap BYTES  least heap goal at any GOGC, or off\n"
     "  --gogc-floor PERCENT\n"
     "                    under a limit, collect no oftener than this GOGC would; or off\n"
     "  --assists on|off  whether mutators mark for what they allocate\n"
     "  --csv FILE        write the cycles as comma-separated values; - is the screen, in place\n"
     "                    of the table, here and below\n"
     "  --samples FILE    write the time series likewise\n"
     "  --json FILE       write cycles, time series and summary as JSON\n"
     "  --plot FILE.svg   draw memory, CPU time, the limiter, pauses (needs gnuplot)\n"
     "  --every SECONDS   time between samples (a 500th of the program)\n"
     "  --cycles N        print the first N cycles only (40); all: every one\n"
     "  --toml FILE       write the scenario as it is run\n"},
    {"sweep", sweep_main, "simulate a scenario under many settings",
     "Usage: gait-sim sweep [OPTION...] SCENARIO.toml\n\n"
     "Runs every pair of GOGC and memory limit, on all CPUs; prints a table and the settings that\n"
     "nothing beats in both GC CPU time and peak memory (the Pareto front).\n\n"
     "  --gogc LIST       percentages, with commas: 50,100,off; or a range: 25:800\n"
     "  --limit LIST      limits: 64MiB,off; or a range: 64MiB:1GiB\n"
     "  --min-heap BYTES  least heap goal at any GOGC, or off\n"
     "  --gogc-floor PERCENT\n"
     "                    under a limit, collect no oftener than this GOGC would; or off\n"
     "  --assists on|off  whether mutators mark for what they allocate\n"
     "  --steps N         values in a range, in equal ratios (11)\n"
     "  --model MODEL     full, ideal or stw, in place of the scenario's\n"
     "  --tsv FILE        write the table with all digits\n"
     "  --plot FILE.svg   draw GC CPU time against peak memory (needs gnuplot)\n"
     "  --jobs N          threads (all CPUs)\n"
     "  --shard I/N       run every Nth pair, from the Ith, and print them for merge\n"},
    {"merge", merge_main, "put the shards of a sweep together",
     "Usage: gait-sim merge [--tsv FILE] [--plot FILE.svg] SHARD...\n\n"
     "Prints what the sweep would have printed in one piece.\n"},
    {"fit", fit_main, "make a scenario of a trace or a recording",
     "Usage: gait-sim fit [OPTION...] GCTRACE|RECORDING\n\n"
     "Reads the lines of GODEBUG=gctrace=1 (Go's or Gait's; gctrace=2 is more exact), or the file\n"
     "of GAIT_DEBUG=pacerlog=FILE, and prints a scenario that behaves like the program that was\n"
     "traced. - reads the standard input. What is left out or guessed is told on stderr.\n\n"
     "  --gogc PERCENT    the GOGC of the traced run (found from its goals)\n"
     "  --limit BYTES     its memory limit (likewise, roughly)\n"
     "  --process N       of several that wrote the log, the Nth (the one with most cycles)\n"
     "  --cpus N          CPUs that the program itself kept busy (found from CPU times); not for\n"
     "                    a recording, which tells\n"
     "  --phases N        at most so many phases (200)\n"},
    {"predict", predict_main, "say what other settings would have cost a recorded program",
     "Usage: gait-sim predict [OPTION...] RECORDING...\n\n"
     "Reads the file of GAIT_DEBUG=pacerlog=FILE, runs the program's demand under every pair of\n"
     "GOGC and memory limit, and prints cycles, GC CPU time, peaks of memory and time in the CPU\n"
     "limiter, beside what was recorded, and how sure that is. Recordings of the same work at\n"
     "several GOGC tell more than one. - reads the standard input.\n\n"
     "  --gogc LIST       percentages, with commas: 50,100,off (that of the recording)\n"
     "  --limit LIST      limits: off,64MiB (likewise)\n"
     "  --min-heap BYTES  least heap goal at any GOGC, or off (likewise, as the next)\n"
     "  --gogc-floor PERCENT\n"
     "                    under a limit, collect no oftener than this GOGC would; or off\n"
     "  --assists on|off  whether mutators mark for what they allocate\n"
     "  --csv FILE        write the table as comma-separated values; - is the screen\n"
     "  --json FILE       write it as JSON\n"
     "  --toml FILE       write the scenario of the (first) recording\n"},
    {"life", life_main, "show what arenas held over time, from the log of a run",
     "Usage: gait-sim life [OPTION...] ARENALOG\n\n"
     "Reads the file of GAIT_DEBUG=arenalog=FILE; prints what arenas of each name held at most, "
     "and\n"
     "what became of them. - reads the standard input.\n\n"
     "  -o, --output FILE.svg  draw memory, a lane for each name, collections (needs gnuplot)\n"
     "  --names N              rows and lanes of their own for the N names that held most (12);\n"
     "                         the others have one in common\n"},
    {"keys", keys_main, "print every key of a scenario",
     "Usage: gait-sim keys\n\n"
     "Prints the keys of a scenario file with units, ranges, defaults and meanings, as "
     "Markdown.\n"},
};

int main(int argc, char **argv) {
    static const struct subcommands ALL = {
        .name = "gait-sim",
        .purpose = "Simulates how Gait's pacer collects a program's garbage.",
        .list = SUBCOMMANDS,
        .count = sizeof(SUBCOMMANDS) / sizeof(*SUBCOMMANDS),
        .failures = "a bad input or a difference found",
    };
    return subcommands_main(&ALL, argc, argv);
}

# SPDX-License-Identifier: MIT
"""What bench/run runs: the figures that it shows, the peers, and the workloads with their sizes."""

# What a figure is called in a table, and how many digits it gets after the point.
COLUMNS = {
    "wall_s": ("wall s", 3),
    "cpu_s": ("CPU s", 3),
    "rss_mib": ("peak RSS MiB", 0),
    "collection_ms": ("collection ms", 1),
    "ns_per_object": ("ns/object", 2),
    "ns_per_store": ("ns/store", 2),
    "iterations_per_second": ("iterations/s", 0),
    "p50_us": ("p50 µs", 1),
    "p99_us": ("p99 µs", 1),
    "p999_us": ("p99.9 µs", 1),
    "p9999_us": ("p99.99 µs", 1),
    "max_us": ("max µs", 0),
    "pause_max_us": ("longest pause µs", 0),
    "cycles": ("cycles", 0),
    "gc_share": ("GC share of CPU", 3),
    "total_peak_mib": ("peak accounted MiB", 0),
    "gc_cpu_s": ("GC's CPU s", 3),
    "end_us": ("end of a batch µs", 1),
    "us_per_request": ("µs/request", 2),
    "cpu_us_per_request": ("CPU µs/request", 2),
    "gc_cpu_us_per_request": ("GC's CPU µs/request", 2),
    "ns_per_node": ("ns/node", 2),
    "walk_ns": ("walk ns/node", 2),
    "free_ns": ("free ns/node", 2),
    "heap_mib": ("heap MiB", 1),
    "raw_mib": ("off-heap MiB", 1),
    "raw_after_mib": ("off-heap MiB when freed", 1),
    "seconds": ("s", 1),
    "live_low_mib": ("live MiB", 0),
    "excess_max_mib": ("most RSS - 1.1 live MiB", 0),
    "rss_after_mib": ("RSS MiB, all freed", 0),
    "rss_per_live": ("RSS / live at the end", 2),
    "rss_per_live_most": ("at most", 2),
    "start_us": ("start µs", 0),
    "start_rss_mib": ("start RSS MiB", 2),
    "start_threads": ("threads started", 0),
    "cycle_threads": ("after cycles", 0),
    "first_cycle_us": ("first cycle µs", 0),
    "cycle_us": ("empty cycle µs", 1),
    "cycle_cpu_us": ("its CPU µs", 1),
}
ROUNDS = 16 # of offheap-fill
COLUMNS.update({f"rss_low_mib_{i}": (f"RSS {i}", 0) for i in range(1, ROUNDS + 1)})
MORE_IS_BETTER = {"iterations_per_second"}

# Programs build/bench/bench-NAME.
PROGRAMS = ["gait", "boehm", "boehm-inline", "go", "ocaml", "malloc", "mimalloc", "jemalloc", "bump",
            "bump-zeroed", "obstack", "apr"]
# The same programs in other ways: the program, more arguments, the environment.
VARIANTS = {
    "gait-full": ("gait", [], {"GAIT_MINOR": "off"}),
    "gait-plain": ("gait", ["plain=1"], {}),
    "idle": ("gait", ["allocate=0"], {}),
    "arena": ("gait", ["region=arena"], {}),
    "arena-new": ("gait", ["region=arena-new"], {}),
    "offheap-libc": ("gait", ["backend=libc"], {}),
    "offheap-jemalloc": ("gait", ["backend=jemalloc"], {}),
}
# Whose figures --against judges; the others tell how fast the machine was.
OURS = {"gait", "gait-full", "arena", "arena-new", "offheap-libc", "offheap-jemalloc",
        "syntax-heap", "syntax-arena", "scheme", "scheme-full"}

GAIT = ["gait", "gait-full"]
COLLECTED = GAIT + ["boehm", "boehm-inline", "go"]
MANUAL = ["malloc", "jemalloc", "mimalloc"]
WHIPPETS = ["whippet", "whippet-generational"]
REGIONS = ["bump", "bump-zeroed", "obstack", "apr"]
ALL = COLLECTED + ["ocaml"] + MANUAL
TIMES = ["wall_s", "cpu_s", "rss_mib"]
MARKING = ["collection_ms", "ns_per_object", "rss_mib"]
LATENCY = ["p50_us", "p99_us", "p999_us", "p9999_us", "max_us", "pause_max_us",
           "iterations_per_second", "rss_mib", "gc_share"]
ENDING = ["ns_per_object", "end_us", "cycles", "pause_max_us", "rss_mib"]
REQUEST = ["cpu_us_per_request", "gc_cpu_us_per_request", "us_per_request", "cycles",
           "pause_max_us", "rss_mib"]
LIST = ["ns_per_node", "walk_ns", "free_ns", "heap_mib", "raw_mib", "raw_after_mib", "cycles"]
FILL = (["live_low_mib"] + [f"rss_low_mib_{i}" for i in range(1, ROUNDS + 1)] +
        ["excess_max_mib", "rss_after_mib", "seconds"])
LIMIT = ["iterations_per_second", "gc_share", "rss_mib", "total_peak_mib", "cycles"]
START = ["start_us", "start_rss_mib", "start_threads", "first_cycle_us", "cycle_us", "cycle_cpu_us",
         "cycle_threads", "wall_s", "rss_mib"]
SCHEME = ["compile", "gcbench", "longlived", "rewrite", "strings"]


class Workload:
    """One table: a program's arguments, who runs them, which figures are shown and compared."""

    def __init__(self, name, arguments, quick, peers, figures, compared, seconds=1.0, limits=None,
                 base="gait", by_name=False, rounds=None):
        self.name = name
        self.arguments = arguments
        self.quick = quick  # replaces arguments of the same names under --quick
        self.peers = peers
        self.figures = figures
        self.compared = compared
        self.seconds = seconds  # of one run, about: what the time left is first reckoned by
        self.limits = limits  # GOMEMLIMIT in full and under --quick; None: off
        self.base = base  # the peer whose figures the others' are compared with
        self.by_name = by_name  # runs only when it is asked for
        self.rounds = rounds  # None: as many as -n says

    def environment(self, quick):
        return {"GOMEMLIMIT": self.limits[quick]} if self.limits else {}

    def command_arguments(self, quick):
        if not self.arguments or "=" not in self.arguments: # the interpreter's
            return (self.quick if quick and self.quick else self.arguments).split()
        program, *given = self.arguments.split()
        values = dict(word.split("=") for word in given)
        if quick:
            values.update(word.split("=") for word in self.quick.split())
        return [program] + [f"{name}={value}" for name, value in values.items()]


# Heaps that are twice as large as what is live where that is so many bytes; smaller ones have more.
WHIPPET_HEAPS = " ".join(f"heap-double-threshold={size}"
                         for size in ("1m", "4m", "15m", "60m", "240m", "960m", "4g"))

# The space-time curve: by what a peer trades memory for time, and its settings; for Boehm's
# divisor more is less memory.
KNOBS = {
    "gait": ("GOGC", "25 50 100 200 400 800 1600"),
    "gait-full": ("GOGC", "25 50 100 200 400 800 1600"),
    "boehm-inline": ("GC_FREE_SPACE_DIVISOR", "16 8 4 3 2 1"),
    "go": ("GOGC", "25 50 100 200 400 800 1600"),
    "whippet": ("WHIPPET_OPTIONS", WHIPPET_HEAPS),
    "whippet-generational": ("WHIPPET_OPTIONS", WHIPPET_HEAPS),
    "ocaml": ("OCAMLRUNPARAM", "o=20 o=40 o=80 o=160 o=320 o=640 o=1280"),
}
QUICK_KNOBS = 2 # settings of each
KNOB_MARK = "@" # gait@400


def knob_peers(quick):
    """The names of all settings of all peers, and of a setting its peer and environment."""
    for peer, (variable, settings) in KNOBS.items():
        for setting in settings.split()[2:2 + QUICK_KNOBS] if quick else settings.split():
            yield peer + KNOB_MARK + setting.split("=")[-1], peer, {variable: setting}


def workloads(quick=False):
    return (tree_workloads() + marking_workloads() + allocation_workloads() + latency_workloads() +
            program_workloads() + scheme_workloads() + arena_workloads() + offheap_workloads() +
            space_workloads(quick))


def tree_workloads():
    table = [
        Workload("trees", "trees depth=20", "depth=16", ALL + WHIPPETS, TIMES + ["cycles"], TIMES, 3.5),
        Workload("trees-small", "trees depth=16", "depth=12", ALL + ["guile"], TIMES + ["cycles"],
                 TIMES, 0.4),
        Workload("trees-threads", "trees depth=17 threads=2", "depth=14",
                 COLLECTED + MANUAL + WHIPPETS, TIMES + ["cycles"], TIMES, 0.7),
        Workload("gcbench", "gcbench depth=16", "depth=13", ALL + ["guile"] + WHIPPETS,
                 TIMES + ["cycles"], TIMES, 0.5),
    ]
    # Each thread does the same, whatever their number.
    for threads in (1, 2, 4):
        table.append(Workload(f"scaling-{threads}", f"trees depth=16 threads={threads}", "depth=13",
                              COLLECTED + MANUAL, TIMES + ["cycles"], TIMES[:2], 0.15 * threads))
    return table


def marking_workloads():
    table = []
    # Boehm needs 5 s for a graph of half of a GiB.
    for shape, objects, times, seconds in (("list", 1 << 25, 3, 4), ("tree", 1 << 25, 3, 4),
                                           ("array", 1 << 24, 3, 2), ("graph", 1 << 22, 2, 4)):
        table.append(Workload(f"mark-{shape}", f"mark shape={shape} objects={objects} rounds={times}",
                              f"objects={objects >> 6}", ["gait", "boehm", "boehm-inline", "go"],
                              MARKING, MARKING[1:], seconds))
    return table


def allocation_workloads():
    table = []
    for shape in ("refs", "leaf", "mixed", "kinds"):
        objects = 1 << (23 if shape in ("mixed", "kinds") else 25)
        table.append(Workload(f"alloc-{shape}", f"alloc shape={shape} objects={objects}",
                              f"objects={objects >> 3}", COLLECTED + MANUAL,
                              ["ns_per_object", "cpu_s", "cycles"], ["ns_per_object"], 0.3))
    # What a barrier costs: plain stores beside it. As the program begins nothing is remembered.
    for name, more in (("alone", "threads=1"), ("neighbours", "threads=2 neighbours=1"),
                       ("apart", "threads=2 neighbours=0"), ("remembered", "threads=1 warm=64"),
                       ("remembered-neighbours", "threads=2 neighbours=1 warm=64")):
        peers = [] if "warm" in more else ["boehm-inline", "go", "malloc"]
        table.append(Workload(f"mutate-{name}", f"mutate stores=40000000 {more}", "stores=4000000",
                              GAIT + ["gait-plain"] + peers, ["ns_per_store", "cpu_s"],
                              ["ns_per_store"], 0.3))
    table += [
        Workload("mutate-cycles", "mutate stores=40000000 threads=1 every=10", "stores=4000000",
                 GAIT + ["boehm-inline", "go"], ["ns_per_store", "cpu_s", "cycles", "rss_mib"],
                 ["ns_per_store", "cpu_s"], 0.5),
        Workload("start", "start cycles=50", "cycles=10", GAIT + ["boehm"], START, START[:2], 0.05,
                 rounds=15),
    ]
    return table


def latency_workloads():
    quick = "mib=64 seconds=1"
    beside = ["idle"] # what the machine itself does to an iteration
    table = [
        Workload("latency", "churn mib=1024 threads=2 work_ns=5200 seconds=3", quick,
                 beside + GAIT + ["boehm-inline", "go"] + MANUAL, LATENCY,
                 ["p999_us", "p9999_us", "iterations_per_second"], 5),
        # Iterations are due at a fixed rate: one that is late makes those behind it late.
        Workload("latency-due", "churn mib=1024 threads=2 work_ns=5200 period_ns=12000 seconds=2",
                 quick, beside + GAIT + ["boehm-inline", "go", "mimalloc"], LATENCY,
                 ["p999_us", "p9999_us"], 4),
        Workload("latency-spin", "churn mib=1024 threads=1 spinners=1 work_ns=5200 seconds=2", quick,
                 beside + ["gait", "boehm-inline", "go"], LATENCY,
                 ["p999_us", "iterations_per_second"], 4),
    ]
    # Live memory of 200 MiB, and a limit that leaves much, some, and no room beside it.
    for limit, quick_limit in (("off", "off"), ("320MiB", "80MiB"), ("256MiB", "64MiB"),
                               ("190MiB", "47MiB")):
        table.append(Workload(f"limit-{limit}", "churn mib=200 threads=1 work_ns=0 seconds=2",
                              "mib=50 seconds=1", ["gait", "go"], LIMIT,
                              ["iterations_per_second"], 2.4, (limit, quick_limit)))
    return table


def program_workloads():
    weak = GAIT + ["boehm", "boehm-inline"] + MANUAL
    every = COLLECTED + MANUAL
    shown = TIMES + ["cycles", "pause_max_us"]
    return [
        Workload("weak", "weak requests=4000000", "requests=300000", weak, shown, TIMES, 1.2),
        Workload("sizes", "sizes mib=64", "mib=8 rounds=6", every,
                 TIMES + ["rss_per_live", "rss_per_live_most", "cycles"], TIMES, 1),
        Workload("words", "words lines=300000", "lines=20000", every, shown, TIMES, 0.9),
        Workload("store", "store requests=1500000", "requests=100000 documents=2000", weak, shown,
                 TIMES, 1.5),
        Workload("documents", "documents documents=4000", "documents=300 kept=30", weak, shown,
                 TIMES, 1),
        Workload("cache", "cache requests=4000000", "requests=200000 entries=6000 keys=20000",
                 GAIT + ["boehm", "boehm-inline"], shown, TIMES, 1.2),
        Workload("persistent", "persistent updates=1500000", "updates=100000 values=32768",
                 GAIT + ["boehm", "boehm-inline"], shown, TIMES, 1.2),
        Workload("queue", "queue messages=120000", "messages=6000 kept=10000",
                 GAIT + ["boehm", "boehm-inline"], shown, TIMES, 0.8),
    ]


def scheme_workloads():
    return [Workload(f"scheme-{name}", "", "", ["scheme", "scheme-full", "scheme-boehm",
                                                "scheme-bump"],
                     TIMES + ["cycles"], TIMES, 2.6, base="scheme") for name in SCHEME]


def arena_workloads():
    ways = ["gait", "arena"] + REGIONS + MANUAL
    table = []
    for name, objects, batches in (("10k", 10**4, 2000), ("1m", 10**6, 20), ("10m", 10**7, 1)):
        table.append(Workload(f"arenas-{name}", f"objects objects={objects} batches={batches}",
                              f"objects={objects // 10}", ways, ENDING, ["ns_per_object"], 0.4,
                              base="arena"))
    table.append(Workload("arenas-new", "objects objects=10000 batches=2000 end=free",
                          "batches=200", ways, ENDING, ["ns_per_object"], 0.4, base="arena"))
    table.append(Workload("arenas-gib", f"objects objects={1 << 25} batches=1 end=free",
                          f"objects={1 << 20}", ways, ENDING, ["ns_per_object", "end_us"], 1.5,
                          base="arena"))
    servers = ["gait", "arena", "arena-new"] + REGIONS + MANUAL
    table.append(Workload("arenas-parser", "parser requests=15000", "requests=1000 cache=5000",
                          servers, REQUEST, REQUEST[:2], 1.3, base="arena"))
    # One message of 1.1 MB that becomes 120,003 objects; nothing is kept.
    table.append(Workload("arenas-message", "parser requests=200 messages=1 records=40000 exact=1 "
                          "tags=1 attributes=0 keep_percent=0", "requests=10", servers,
                          REQUEST, REQUEST[:2], 1, base="arena"))
    # The interpreter, compiling.
    table.append(Workload("arenas-syntax", "400 100", "400 5", ["syntax-heap", "syntax-arena"],
                          ["cpu_s", "gc_cpu_s", "wall_s", "cycles", "pause_max_us", "rss_mib"],
                          ["cpu_s", "gc_cpu_s"], 4, base="syntax-arena"))
    return table


def offheap_workloads():
    ways = ["gait", "arena", "malloc", "mimalloc", "jemalloc"]
    raw = ["offheap-libc", "offheap-jemalloc"]
    return [
        Workload("offheap-list", "list nodes=2000000", "nodes=200000", ways, LIST,
                 ["ns_per_node", "free_ns"], 0.4, base="arena"),
        Workload("offheap-list-raw", "list nodes=2000000 memory=raw", "nodes=200000", raw, LIST,
                 [], 0.5, base="offheap-jemalloc"),
        # 10 GiB of memory, and minutes
        Workload("offheap-fill", f"fill full_mib=8192 low_mib=512 rounds={ROUNDS} threads=2",
                 "full_mib=256 low_mib=32 most_bytes=4194304", raw + ["malloc", "jemalloc"], FILL,
                 [], 80, base="offheap-jemalloc", by_name=True, rounds=1),
    ]


def space_workloads(quick):
    peers = [name for name, _, _ in knob_peers(quick)]
    table = []
    for name, arguments, small in (
            ("trees", "trees depth=17", "depth=12"),
            ("trees-threads", "trees depth=16 threads=2", "depth=12"),
            ("gcbench", "gcbench depth=15", "depth=11"),
            ("churn", "churn mib=64 threads=2 work_ns=500 iterations=300000",
             "mib=8 iterations=5000"),
            ("store", "store requests=500000 documents=10000", "requests=20000 documents=1000"),
            ("words", "words lines=150000", "lines=5000")):
        table.append(Workload(f"space-{name}", arguments, small, peers, TIMES + ["cycles"], [], 0.4))
    return table


# What a peer has no program for.
PROGRAM_OF = {"go": {"trees", "mark", "alloc", "churn", "gcbench", "mutate", "sizes", "words"},
              "ocaml": {"trees", "gcbench"}, "guile": {"trees", "gcbench"},
              "whippet": {"trees", "gcbench", "churn", "alloc"},
              "whippet-generational": {"trees", "gcbench", "churn", "alloc"}}
ONE_THREAD = {"ocaml", "guile"}


def can_run(peer, workload):
    program, _, rest = workload.arguments.partition(" ")
    peer = peer.split(KNOB_MARK)[0]
    return (peer not in PROGRAM_OF or program in PROGRAM_OF[peer]) and not (
        peer in ONE_THREAD and "threads=2" in rest)

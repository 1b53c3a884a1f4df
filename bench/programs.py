# SPDX-License-Identifier: MIT
"""Where the programs are that bench/run runs."""

import os
import shutil
import subprocess
import sys

from workloads import PROGRAMS, VARIANTS, knob_peers

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
# Programs of their own, without a peer.
APART = {"barriers.c", "costs.c", "costs_beside.c", "costs_calls.c"}
# What each is called where it is missing, if that is not its name.
PACKAGES = {"boehm": "libgc", "boehm-inline": "libgc", "apr": "APR", "scheme": "GMP",
            "whippet": "Whippet (WHIPPET=DIR)", "whippet-generational": "Whippet (WHIPPET=DIR)"}


class Program:
    """A command: what comes before a workload's arguments and behind them, and its environment."""

    def __init__(self, first, last=(), environment=None):
        self.first = list(first)
        self.last = list(last)
        self.environment = environment or {}

    def varied(self, last, environment):
        return Program(self.first, self.last + last, dict(self.environment, **environment))


def build(directory, quick):
    """Build the programs; each peer's, by its name."""
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        sys.exit(f"bench/run: {directory} is no build directory: set GAIT_BUILD or --build")
    ninja = shutil.which("ninja") or shutil.which("ninja-build")
    if not ninja:
        sys.exit("bench/run: ninja is missing")
    built = subprocess.run([ninja, "-C", directory, "bench-programs"], stdout=subprocess.PIPE,
                           text=True, check=False)
    if built.returncode:
        sys.exit(built.stdout + "bench/run: the programs don't build")
    folder = os.path.join(os.path.abspath(directory), "bench")
    programs = {}
    for peer in PROGRAMS:
        path = os.path.join(folder, "bench-" + peer)
        if os.path.exists(path):
            programs[peer] = Program([path])
    named_go(folder, programs)
    named_whippet(folder, programs)
    if shutil.which("guile"):
        programs["guile"] = Program(["guile", os.path.join(HERE, "peers", "guile", "bench.scm")],
                                    environment={"GUILE_AUTO_COMPILE": "1",
                                                 "XDG_CACHE_HOME": os.path.join(folder, "guile")})
    interpreters(os.path.abspath(directory), programs)
    for variant, (peer, last, environment) in VARIANTS.items():
        if peer in programs and (variant != "gait-full" or knows_minor(programs["gait"])):
            programs[variant] = programs[peer].varied(last, environment)
    if "gait-full" in programs and "scheme" in programs:
        programs["scheme-full"] = programs["scheme"].varied([], VARIANTS["gait-full"][2])
    for name, peer, environment in knob_peers(quick):
        if peer in programs:
            programs[name] = programs[peer].varied([], environment)
    return programs


def knows_minor(program):
    """Whether the library has minor cycles: then it refuses a setting that is neither on nor off."""
    tried = subprocess.run(program.first + ["alloc", "objects=1"], check=False,
                           env=dict(os.environ, GAIT_MINOR="?"), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    return tried.returncode != 0


def named_go(folder, programs):
    """The program of the Go that GO names, in the place of the installed one's."""
    go = os.environ.get("GO")
    if not go:
        return
    path = os.path.join(folder, "bench-go-named")
    folder_go = os.path.join(HERE, "peers", "go")
    files = [os.path.join(folder_go, name) for name in sorted(os.listdir(folder_go))]
    built = subprocess.run([go, "build", "-o", path, *files], check=False,
                           env=dict(os.environ, GO111MODULE="off", GOFLAGS="",
                                    GOCACHE=os.path.join(folder, "go-cache")))
    if built.returncode:
        sys.exit(f"bench/run: GO={go} doesn't build the programs")
    programs["go"] = Program([path])


# Its conservative collectors, parallel; and, with marks that stay, what looks at young objects.
WHIPPET_WAYS = {"whippet": [], "whippet-generational": ["-DGC_GENERATIONAL=1"]}
WHIPPET_FLAGS = ["-O2", "-g", "-flto=auto", "-fno-strict-aliasing", "-w", "-DNDEBUG", "-DGC_PARALLEL=1",
                 "-DGC_CONSERVATIVE_ROOTS=1", "-DGC_CONSERVATIVE_TRACE=1",
                 '-DGC_ATTRS="mmc-attrs.h"', '-DPEER_HEADER="peers/whippet.h"']
WHIPPET_SOURCES = ["mmc", "gc-stack", "gc-options", "gc-platform-gnu-linux", "gc-tracepoint",
                   "gc-ephemeron", "gc-finalizer"]


def named_whippet(folder, programs):
    """The programs with the collectors of the checkout of Whippet that WHIPPET names."""
    checkout = os.environ.get("WHIPPET")
    if not checkout:
        return
    files = [os.path.join(HERE, name) for name in sorted(os.listdir(HERE))
                  if name.endswith(".c") and name not in APART]
    sources = files + [os.path.join(HERE, "peers", "whippet.c")]
    sources += [os.path.join(checkout, "src", name + ".c") for name in WHIPPET_SOURCES]
    embedder = os.path.join(HERE, "peers", "whippet", "embedder.h")
    for name, way in WHIPPET_WAYS.items():
        path = os.path.join(folder, f"bench-{name}-named")
        command = [os.environ.get("CC", "cc"), *WHIPPET_FLAGS, *way, f'-DGC_EMBEDDER="{embedder}"',
                   "-I", os.path.join(checkout, "api"), "-I", HERE, *sources, "-o", path,
                   "-lpthread", "-lm"]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"bench/run: WHIPPET={checkout} doesn't build the programs")
        programs[name] = Program([path])


def interpreters(directory, programs):
    """The Scheme interpreter: its programs on three allocators, and its compiler in two ways."""
    scheme = os.path.join(directory, "examples", "scheme", "scheme")
    if not os.path.exists(scheme):
        return
    load = os.path.join(TOP, "examples", "scheme", "programs", "load.scm")
    for where in ("heap", "arena"):
        programs["syntax-" + where] = Program([scheme, "--stats", "--syntax", where, load])
    programs["scheme"] = Program([scheme, "--stats", "--syntax", "heap"])
    for name in ("boehm", "bump"):
        path = os.path.join(directory, "bench", "scheme-" + name)
        if os.path.exists(path):
            programs["scheme-" + name] = Program([path, "--syntax", "heap"])


def missing(programs):
    """The peers that are not installed."""
    wanted = PROGRAMS + ["guile", "scheme"] + list(WHIPPET_WAYS)
    return sorted({PACKAGES.get(peer, peer) for peer in wanted if peer not in programs})


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def versions(programs):
    """Which peers these are."""
    told = [first_line(["git", "-C", TOP, "describe", "--always", "--dirty"]),
            first_line([os.environ.get("GO", "go"), "version"]) if "go" in programs else None,
            "OCaml " + (first_line(["ocamlopt", "-version"]) or "?") if "ocaml" in programs else None,
            first_line(["guile", "--version"]) if "guile" in programs else None]
    for package in ("libgc1", "libjemalloc2", "libmimalloc2.0", "libapr1", "libc6"):
        version = first_line(["dpkg-query", "-W", "-f", "${Version}", package])
        told.append(f"{package} {version}" if version else None)
    return ", ".join(text for text in told if text)

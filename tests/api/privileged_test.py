# SPDX-License-Identifier: MIT
"""A set-uid program that embeds Gait takes nothing of its caller's environment: no file is written,
nothing is printed, no setting is changed.

Usage: privileged_test.py PROGRAM
Makes a set-uid copy of the program and runs it as another user, which takes root; else skipped.
"""

import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
OWNER, CALLER = 0, 65534


def run(program, **environment):
    def become_caller():
        os.setgroups([])
        os.setresgid(CALLER, CALLER, CALLER)
        os.setresuid(CALLER, CALLER, CALLER)

    done = subprocess.run([program], env=environment, text=True, capture_output=True, timeout=60,
                          preexec_fn=become_caller, check=False)
    print(environment, done.stdout, done.stderr, flush=True)
    return done


def main():
    if os.geteuid() != 0:
        print("not root: no set-uid copy can be made for another user")
        sys.exit(SKIP)
    with tempfile.TemporaryDirectory(prefix="gait-privileged-") as folder:
        os.chmod(folder, 0o777)
        program, log = os.path.join(folder, "program"), os.path.join(folder, "log")
        shutil.copy(sys.argv[1], program)
        os.chmod(program, 0o755)
        asked = {"GOGC": "77", "GOMEMLIMIT": "123MiB", "GOMAXPROCS": "3",
                 "GODEBUG": "gctrace=1", "GAIT_DEBUG": f"gctrace=1,pacerlog={log}"}
        plain = run(program, **asked)
        assert plain.returncode == 0 and plain.stderr.startswith("gc 1 "), "unprivileged: no trace"
        assert "privileged 0 gogc 77 limit 128974848 procs 3" in plain.stdout, "unprivileged"
        os.unlink(log)

        os.chown(program, OWNER, OWNER)
        os.chmod(program, 0o4755)
        standard = run(program)
        if "privileged 1" not in standard.stdout:
            print("set-uid programs do not become privileged here")
            sys.exit(SKIP)
        asked.update(GAIT_FAULT="all:0:1", GAIT_PERTURB="1")
        privileged = run(program, **asked)
        assert privileged.returncode == 0 and privileged.stderr == "", "it prints"
        assert privileged.stdout == standard.stdout, "settings are changed"
        assert not os.path.exists(log), "a file is written"
        nonsense = run(program, GAIT_DEBUG="nonsense", GOGC="x", GAIT_FAULT="x", GAIT_PERTURB="x")
        assert nonsense.returncode == 0 and nonsense.stdout == standard.stdout, "it is refused"


main()

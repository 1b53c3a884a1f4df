# SPDX-License-Identifier: MIT
"""How long 10,000 one-minute scenarios take: sweep_bench.py GAIT_SIM. Fails above a minute."""

import os
import subprocess
import sys
import tempfile
import time

SCENARIO = """
title = "a minute of a program"
[machine]
cpus = 2
[[phase]]
duration = 5
alloc_rate = "40MiB"
survival = 0.2
[[phase]]
duration = 55
alloc_rate = "200MiB"
survival = 0.01
old_death = 1
lifetime = 0.05
noise = 0.2
"""
MOST_SECONDS = 60

with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
    file.write(SCENARIO)
    file.flush()
    started = time.monotonic()
    result = subprocess.run([sys.argv[1], "sweep", "--gogc", "25:800", "--limit", "48MiB:1GiB",
                             "--steps", "100", file.name], check=True, capture_output=True,
                            text=True)
    seconds = time.monotonic() - started
count = sum(line[:8].strip().isdigit() for line in result.stdout.splitlines())
cycles = sum(int(line.split()[2]) for line in result.stdout.splitlines()
             if line[:8].strip().isdigit())
print(f"{count} scenarios of a minute, {cycles} cycles, in {seconds:.1f} s on "
      f"{os.cpu_count()} CPUs")
sys.exit(seconds > MOST_SECONDS or count < 10000)

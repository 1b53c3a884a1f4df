# SPDX-License-Identifier: MIT
"""The parts of documents that are written by programs of bench/."""

import sys


def write_between(path, program, text):
    """Put text between a document's two marks, that of the program and its end."""
    begin, end = f"<!-- {program} --write -->", f"<!-- end of {program} --write -->"
    with open(path, encoding="utf-8") as file:
        before, begun, rest = file.read().partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        sys.exit(f"{program}: {path} has no {begin} and {end} to write between")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")


def markdown(rows):
    """A table, its first column to the left."""
    return "\n".join(["| " + " | ".join(rows[0]) + " |",
                      "|---" + "|---:" * (len(rows[0]) - 1) + "|"] +
                     ["| " + " | ".join(row) + " |" for row in rows[1:]])

# SPDX-License-Identifier: MIT
"""Each C block of the documents is a piece of an example that is compiled and run.

Usage: check_quotes.py ROOT

A block follows a line that names its file, [`name.c`](…/examples/FOLDER/name.c). Its lines,
without common indentation, are lines of that file without theirs; a line "..." or "// ..." stands
for what is left out. README.md's program is the whole of first.c.
"""

import os
import re
import sys
import textwrap

# New documents that quote examples have their place here.
DOCUMENTS = ["README.md", "docs/arenas.md", "docs/embedding.md", "docs/offheap.md"]
BLOCK = re.compile(r"\(\S*?(examples/\w+/\w+\.c)\)|^```c\n(.*?)^```", re.MULTILINE | re.DOTALL)
SKIP = re.compile(r"^\s*(?://\s*)?\.\.\.\s*$", re.MULTILINE)


def lines(text):
    return [line.strip() for line in text.strip("\n").split("\n")]


def position(piece, text, start):
    """The line at which piece stands in text, from start on; -1: nowhere."""
    for at in range(start, len(text) - len(piece) + 1):
        if text[at:at + len(piece)] == piece:
            return at
    return -1


def complaints(root, document):
    with open(os.path.join(root, document), encoding="utf-8") as file:
        text = file.read()
    source, count = None, 0
    for match in BLOCK.finditer(text):
        where = f"{document}:{text.count(chr(10), 0, match.start()) + 1}"
        if match.group(1):
            source = match.group(1)
            continue
        count += 1
        if source is None:
            yield f"{where}: names no example"
            continue
        with open(os.path.join(root, source), encoding="utf-8") as file:
            have = lines(file.read())
        at = 0
        for piece in SKIP.split(textwrap.dedent(match.group(2))):
            piece = lines(piece)
            found = position(piece, have, at)
            if found < 0:
                yield f"{where}: not in {source}: {piece[0]}"
                break
            at = found + len(piece)
    if count == 0:
        yield f"{document}: quotes nothing"


def main():
    root = sys.argv[1]
    found = [line for document in DOCUMENTS for line in complaints(root, document)]
    print(*found, sep="\n", end="\n" if found else "quotes are true\n")
    return 1 if found else 0


sys.exit(main())

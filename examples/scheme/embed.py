# SPDX-License-Identifier: MIT
"""Turn a text file into a C header: embed.py INPUT OUTPUT NAME"""
import sys

source, target, name = sys.argv[1:]
with open(source, 'rb') as file:
    data = file.read()
rows = [', '.join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(target, 'w') as file:
    file.write(f'/* Made from {name}.scm. */\nstatic const char {name}_text[] = {{\n')
    file.write(',\n'.join(rows))
    file.write('};\n')

# SPDX-License-Identifier: MIT
"""Turn text files into one string in a C header: embed.py OUTPUT NAME INPUT..."""
import sys

target, name, *sources = sys.argv[1:]
data = b''
for source in sources:
    with open(source, 'rb') as file:
        data += file.read()
rows = [', '.join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(target, 'w') as file:
    file.write(f'/* Made by embed.py. */\nstatic const char {name}_text[] = {{\n')
    file.write(',\n'.join(rows))
    file.write('};\n')

# SPDX-License-Identifier: MIT
"""Read a gzipped profile of pprof's format: enough of protobuf for that."""

import gzip


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def fields(data):
    """Pairs of a field's number and its value: a number, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, "only numbers and bytes are in a profile"
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length, "a field is cut"
        yield key >> 3, value


def numbers(value):
    """A repeated number, packed or not."""
    if isinstance(value, int):
        return [value]
    at, found = 0, []
    while at < len(value):
        number, at = varint(value, at)
        found.append(number)
    return found


class Profile:
    """types: names of values. samples: (values by type, labels, stack); a stack is a list of
    (function, file, line), the youngest first. comments. period: bytes for each sample."""

    def __init__(self, path):
        with gzip.open(path) as file:
            data = file.read()
        parts = {}
        for number, value in fields(data):
            parts.setdefault(number, []).append(value)
        texts = [text.decode() for text in parts[6]]
        functions = {}
        for function in parts.get(5, []):
            of = dict(fields(function))
            functions[of[1]] = (texts[of.get(2, 0)], texts[of.get(4, 0)])
        locations = {}
        for location in parts.get(4, []):
            of = dict(fields(location))
            line = dict(fields(of[4])) if 4 in of else {}
            locations[of[1]] = (*functions.get(line.get(1), ("", "")), line.get(2, 0))
        self.types = [texts[dict(fields(type_))[1]] for type_ in parts[1]]
        self.comments = [texts[i] for value in parts.get(13, []) for i in numbers(value)]
        self.period = parts.get(12, [0])[0]
        self.samples = []
        for sample in parts.get(2, []):
            stack, values, labels = [], [], {}
            for number, value in fields(sample):
                if number == 1:
                    stack += [locations[i] for i in numbers(value)]
                elif number == 2:
                    values += [number - (number >> 63 << 64) for number in numbers(value)]
                elif number == 3:
                    label = dict(fields(value))
                    labels[texts[label[1]]] = texts[label[2]]
            self.samples.append((dict(zip(self.types, values)), labels, stack))

    def total(self, what, chosen=lambda labels, stack: True):
        return sum(values[what] for values, labels, stack in self.samples if chosen(labels, stack))

# SPDX-License-Identifier: MIT
"""Heap snapshots that are made by hand, in both forms, and what is true of them by brute force."""

import json

WORD, GUESS, WEAK, KEY, VALUE, SCAN, PART, LINK = range(1, 9)
WEAK_ONES = (WEAK, KEY, LINK)
BASE = 0x7F0000000000


def varint(value):
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def bytes_of(value):
    return value if isinstance(value, bytes) else value.encode()


def text(value):
    return varint(len(bytes_of(value))) + bytes_of(value)


LINKS = "links"
OUTSIDE = "memory outside the heap"


class Object:
    def __init__(self, number, kind, size, address, label):
        self.number, self.kind, self.size = number, kind, size
        self.address, self.label, self.edges, self.is_arena = address, label, [], False
        self.owned = 0  # bytes outside the heap


class Snapshot:
    """Objects are numbered from 1, as in the file."""

    def __init__(self, pid=1234):
        self.pid, self.objects, self.groups, self.roots = pid, [], [], []
        self.next = BASE

    def object(self, kind, size, label=None, address=None):
        self.next = address if address is not None else self.next
        made = Object(len(self.objects) + 1, kind, size, self.next, label)
        self.next += (size + 15) // 16 * 16 or 16
        self.objects.append(made)
        return made

    def arena(self, name, size, inside):
        """An arena that tells of these objects in it."""
        made = self.object("(arena)", size, name)
        made.is_arena = True
        for one in inside:
            self.refer(made, one, 0, PART)
            self.refer(one, made, 0, PART)
        return made

    def refer(self, source, target, place=None, sort=WORD):
        source.edges.append((len(source.edges) if place is None else place, sort, target))

    def pair(self, holder, key, value):
        place = 2 * len(holder.edges)
        self.refer(holder, key, place, KEY)
        self.refer(holder, value, place + 1, VALUE)

    def root(self, target, group="static slots"):
        if group not in self.groups:
            self.groups.append(group)
        self.roots.append((self.groups.index(group) + 1, target))

    def link(self, target):
        """A link in the program's memory: a root that holds nothing."""
        self.root(target, LINKS)

    # ---- Files ----------------------------------------------------------

    def records(self):
        """The records of the own form, one by one."""
        kinds = sorted({made.kind for made in self.objects if not made.is_arena}, key=bytes_of)
        texts = kinds + self.groups + sorted({made.label for made in self.objects if made.label},
                                             key=bytes_of)
        number = {name: i + 1 for i, name in enumerate(texts)}
        yield (b"H" + varint(8) + varint(BASE) + varint(0) + varint(self.pid) + varint(3) +
               text("0.1.0") + text("test"))
        for name in texts:
            yield b"T" + text(name)
        for i, name in enumerate(kinds):
            yield b"K" + varint(i) + varint(1) + varint(number[name])
        for name in self.groups:
            yield b"G" + varint(1) + varint(number[name])
        before, edges = BASE, 0
        for made in self.objects:
            label = varint(number[made.label] if made.label else 0)
            if made.is_arena:
                record = (b"A" + varint(made.address) + varint(made.size) + varint(1) + label +
                          varint(0))
            else:
                record = (b"N" + varint(kinds.index(made.kind)) +
                          varint((made.address - before) // 8) + varint(made.size) +
                          varint(made.owned) + label)
                before = made.address
            for place, sort, target in made.edges:
                record += varint(place << 4 | sort) + zigzag(target.number - made.number)
                edges += 1
            yield record + varint(0)
        before = 0
        for group, target in sorted(self.roots, key=lambda root: root[0]):
            sort = 3 if self.groups[group - 1] == LINKS else 1
            yield b"R" + varint(group) + varint(sort) + varint(64) + zigzag(target.number - before)
            before = target.number
        size = sum(made.size for made in self.objects if not made.is_arena)
        yield (b"E" + varint(len(self.objects)) + varint(edges) + varint(len(self.roots)) +
               varint(size) + varint(sum(made.owned for made in self.objects)) + varint(0) * 3)

    def own(self):
        return b"GaitHSn\n" + varint(2) + b"".join(self.records())

    @staticmethod
    def id_of(made):
        return (made.address - BASE) // 16 * 2 + 1

    def v8(self):
        strings, nodes, edges = {}, [], []
        node_types = ["hidden", "array", "string", "object", "native", "synthetic"]
        edge_types = ["context", "element", "property", "internal", "hidden", "shortcut", "weak"]

        def string(value):
            return strings.setdefault(value, len(strings))

        def node(kind, name, number, size, count):
            nodes.extend((node_types.index(kind), string(name), number, size, count))

        def edge(kind, name, to):
            edges.extend((edge_types.index(kind),
                          name if kind in ("element", "hidden") else string(name), 5 * to))

        labels = sorted({made.label for made in self.objects if made.label and not made.is_arena})
        first_label = 1 + len(self.groups)
        first = first_label + len(labels)
        values = {made.number: [] for made in self.objects}  # of keys
        owners = [made for made in self.objects if made.owned]
        for made in self.objects:
            for (_, sort, key), (_, then, value) in zip(made.edges, made.edges[1:]):
                if sort == KEY and then == VALUE:
                    name = (f"1 / part of key (k @{self.id_of(key)}) -> value (v "
                            f"@{self.id_of(value)}) pair in WeakMap (table @{self.id_of(made)})")
                    values[key.number].append((name, made, value))
        node("synthetic", "", 0, 0, len(self.groups))
        for i in range(len(self.groups)):
            edge("element", i, 1 + i)
        for i, group in enumerate(self.groups):
            targets = [target for of, target in self.roots if of == i + 1]
            node("native", group, 2 * i + 2, 0, len(targets))
            for j, target in enumerate(targets):
                edge(*(("weak", "link") if group == LINKS else ("element", j)),
                     first + target.number - 1)
        for i, label in enumerate(labels):
            node("string", label, 2 * (len(self.groups) + i) + 2, 1, 0)
        for made in self.objects:
            count = len(edges)
            if made.label and not made.is_arena:
                edge("property", "label", first_label + labels.index(made.label))
            for place, sort, target in made.edges:
                to = first + target.number - 1
                named = [name for name, table, value in values.get(self.key_before(made, place), ())
                         if table is made and value is target] if sort == VALUE else []
                if named:
                    edge("internal", named[0], to)
                elif sort in WEAK_ONES:
                    edge("weak", str(place), to)
                elif sort == PART:
                    edge("internal", "object" if made.is_arena else "arena", to)
                else:
                    edge("property", f"w{place}", to)
            for name, _, value in values[made.number]:
                edge("internal", name, first + value.number - 1)
            if made.owned:
                edge("internal", OUTSIDE, first + len(self.objects) + owners.index(made))
            kind = ("native", made.label) if made.is_arena else ("object", made.kind)
            node(*kind, self.id_of(made), made.size, (len(edges) - count) // 3)
        for made in owners:
            node("native", OUTSIDE, 2**31 + self.id_of(made) + 1, made.owned, 0)
        return json.dumps({
            "snapshot": {"meta": {
                "node_fields": ["type", "name", "id", "self_size", "edge_count"],
                "node_types": [node_types, "string", "number", "number", "number"],
                "edge_fields": ["type", "name_or_index", "to_node"],
                "edge_types": [edge_types, "string_or_number", "node"]},
                "node_count": len(nodes) // 5, "edge_count": len(edges) // 3},
            "nodes": nodes, "edges": edges, "strings": list(strings)}).encode()

    @staticmethod
    def key_before(made, place):
        return next((key.number for at, sort, key in made.edges if sort == KEY and at == place - 1),
                    0)

    # ---- By brute force -------------------------------------------------

    def reached(self, without=None):
        """Numbers of the objects that roots keep if one of them weren't there. A pair's value is
        kept by its key."""
        kept = {made.number: [target for _, sort, target in made.edges
                              if sort in (WORD, GUESS, SCAN, PART)] for made in self.objects}
        for made in self.objects:
            for place, sort, target in made.edges:
                if sort == VALUE:
                    kept[self.key_before(made, place) or made.number].append(target)
        found = set()
        queue = [target for group, target in self.roots if self.groups[group - 1] != LINKS]
        while queue:
            made = queue.pop()
            if made.number not in found and made.number != without:
                found.add(made.number)
                queue += kept[made.number]
        return found

    def retained(self):
        """Number -> the numbers of what would be freed with it, itself as well."""
        all_of_them = self.reached()
        return {number: all_of_them - self.reached(number) for number in all_of_them}

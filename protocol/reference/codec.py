"""Canonical bytes (specification section 1): small type objects that encode and decode plain Python values."""

import struct

from faults import Fault

ORDER = 2**252 + 27742317777372353535851937790883648493  # l, order of the edwards25519 base point
PRIME = 2**61 - 1


class Cursor:
    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if self.left() < count:
            raise Fault("truncated")
        self.at += count
        return self.data[self.at - count : self.at]


class Int:
    def __init__(self, code, rule=None):
        self.code, self.least, self.rule = "<" + code, struct.calcsize("<" + code), rule

    def put(self, value):
        return struct.pack(self.code, value)

    def get(self, cur):
        value = struct.unpack(self.code, cur.take(self.least))[0]
        if self.rule and not self.rule(value):
            raise Fault("not-canonical")
        return value


class Raw:
    def __init__(self, count, rule=None):
        self.least, self.rule = count, rule

    def put(self, value):
        assert len(value) == self.least, (len(value), self.least)
        return bytes(value)

    def get(self, cur):
        value = cur.take(self.least)
        if self.rule and not self.rule(value):
            raise Fault("not-canonical")
        return value


class Blob:
    least = 4

    def __init__(self, limit=2**32 - 1):
        self.limit = limit

    def put(self, value):
        return struct.pack("<I", len(value)) + bytes(value)

    def get(self, cur):
        count = U32.get(cur)
        if count > self.limit:
            raise Fault("too-long")
        return cur.take(count)


class Text(Blob):
    def put(self, value):
        return Blob.put(self, value.encode())

    def get(self, cur):
        try:
            return Blob.get(self, cur).decode("utf-8", "strict")
        except UnicodeDecodeError:
            raise Fault("not-canonical") from None


class Array:
    least = 4

    def __init__(self, item, ascending=None):
        self.item, self.ascending = item, ascending

    def put(self, values):
        return struct.pack("<I", len(values)) + b"".join(self.item.put(v) for v in values)

    def get(self, cur):
        count = U32.get(cur)
        if count > cur.left() // max(self.item.least, 1):
            raise Fault("too-long")
        values = [self.item.get(cur) for _ in range(count)]
        if self.ascending:
            ranks = [self.ascending(v) for v in values]
            if any(a >= b for a, b in zip(ranks, ranks[1:])):
                raise Fault("not-canonical")
        return values


class Trailing(Array):
    """The end of a body: nothing, or an array with at least one element."""

    least = 0

    def put(self, values):
        return Array.put(self, values) if values else b""

    def get(self, cur):
        if not cur.left():
            return []
        values = Array.get(self, cur)
        if not values:
            raise Fault("not-canonical")
        return values


class After:
    """A field that is there when another one, before it, is not empty; else 0."""

    least = 0

    def __init__(self, first, item):
        self.first, self.item = first, item


class Optional:
    least = 1

    def __init__(self, item):
        self.item = item

    def put(self, value):
        return b"\0" if value is None else b"\1" + self.item.put(value)

    def get(self, cur):
        return self.item.get(cur) if BOOLEAN.get(cur) else None


class Record:
    def __init__(self, **fields):
        self.fields = fields
        self.least = sum(f.least for f in fields.values())

    def put(self, value):
        empty = {name: [] for name, kind in self.fields.items() if isinstance(kind, Trailing)}
        empty |= {name: 0 for name, kind in self.fields.items() if isinstance(kind, After)}
        value = empty | value
        assert set(value) == set(self.fields), (sorted(value), sorted(self.fields))
        parts = []
        for name, kind in self.fields.items():
            if not isinstance(kind, After):
                parts.append(kind.put(value[name]))
            elif value[kind.first]:
                parts.append(kind.item.put(value[name]))
        return b"".join(parts)

    def get(self, cur):
        value = {}
        for name, kind in self.fields.items():
            if not isinstance(kind, After):
                value[name] = kind.get(cur)
            else:
                value[name] = kind.item.get(cur) if value[kind.first] else 0
        return value


class Flag(Int):
    def __init__(self):
        super().__init__("B", lambda v: v in (0, 1))

    def put(self, value):
        return super().put(1 if value else 0)

    def get(self, cur):
        return bool(super().get(cur))


U8, U16, U32, U64 = Int("B"), Int("H"), Int("I"), Int("Q")
BOOLEAN = Flag()
TAG = Int("Q", lambda v: v < PRIME)
DIGEST, SIGNATURE, CHECK, PARCEL = Raw(32), Raw(64), Raw(16), Raw(136)
SCALAR = Raw(32, lambda b: int.from_bytes(b, "little") < ORDER)
SITES = Array(U16, ascending=lambda v: v)
DIGESTS = Trailing(DIGEST)


class Layers(Trailing):
    """Of a round's noise: limits strictly descending, at most 8."""

    def __init__(self):
        super().__init__(Record(limit=U16, variance=Int("Q", lambda v: 1 <= v <= 2**62)))

    def get(self, cur):
        values = Trailing.get(self, cur)
        limits = [v["limit"] for v in values]
        if len(values) > 8 or any(a <= b for a, b in zip(limits, limits[1:])):
            raise Fault("not-canonical")
        return values


def keyed(field, **fields):
    return Array(Record(**{field: U16}, **fields), ascending=lambda v: v[field])


def encode(kind, value):
    return kind.put(value)


def decode(kind, data):
    cursor = Cursor(data)
    value = kind.get(cursor)
    if cursor.left():
        raise Fault("trailing-bytes")
    return value

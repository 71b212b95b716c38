"""What the two roles have in common: the outcome of an event and the signing of messages."""

from codec import Record, U8, U64, encode
from faults import CODES, Fault
from messages import EPOCH_KINDS, message


class Outcome:
    """What one event did: the verdict, the messages to send, intermediate values for the vectors."""

    def __init__(self):
        self.fault, self.named, self.sends, self.values, self.dropped = None, [], [], {}, []

    def refuse(self, fault):
        self.fault, self.named = fault.name, fault.named or []

    def send(self, to, data, payload=None):
        self.sends.append((to, data, payload))


class Machine:
    """A participant that signs: index 0 is the aggregator."""

    def __init__(self, index, seed, manifest):
        self.index, self.seed, self.manifest = index, seed, manifest
        self.epoch = 0

    def write(self, kind, number, body, epoch=None):
        where = self.epoch if epoch is None else epoch
        return message(self.manifest.digest, self.seed, kind, where, 0 if kind in EPOCH_KINDS else number, self.index, body)

    def abort_message(self, number, fault):
        return self.write("Abort", number, dict(code=CODES[fault.name], named=fault.named or []))

    @property
    def genesis(self):
        return self.manifest.genesis()


def record(kind, number, **fields):
    """A journal record: {field: (type, value)} after its type and round."""
    shape = Record(type=U8, round=U64, **{k: t for k, (t, _) in fields.items()})
    return encode(shape, dict(type=kind, round=number, **{k: v for k, (_, v) in fields.items()}))


def raise_unless(condition, name, named):
    if not condition:
        raise Fault(name, named)

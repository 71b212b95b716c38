"""Journal records (specification section 12), written before the message they authorise."""

from codec import DIGEST, SITES, Blob, Record, U8, U16, U32, U64, decode, encode

FIELDS = {
    1: dict(epoch=U32, baseRound=U64),
    2: dict(transcript=DIGEST, epoch=U32, queryDigest=DIGEST, body=Blob()),
    3: dict(selfCommitment=DIGEST, maskCommitment=DIGEST),
    4: dict(members=SITES),
    5: dict(transcript=DIGEST, memberDigest=DIGEST, alphaSeed=DIGEST, request=DIGEST, reply=Blob()),
    6: dict(statement=DIGEST, members=SITES, request=DIGEST, reply=Blob()),
    7: dict(statement=DIGEST, queryDigest=DIGEST, members=SITES, request=DIGEST, reply=Blob()),
    8: dict(resultDigest=DIGEST),
    9: dict(code=U16, named=SITES),
}


class Journal:
    """Records as bytes, and the masked vectors stored beside them under their digest."""

    def __init__(self):
        self.records, self.vectors = [], {}

    def add(self, kind, number, **fields):
        shape = Record(type=U8, round=U64, **FIELDS[kind])
        self.records.append(encode(shape, dict(type=kind, round=number, **fields)))

    def read(self):
        return [decode(Record(type=U8, round=U64, **FIELDS[data[0]]), data) for data in self.records]

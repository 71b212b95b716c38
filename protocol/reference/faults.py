"""The fault registry (specification section 11)."""

CODES = {
    "truncated": 1, "too-long": 2, "trailing-bytes": 3, "not-canonical": 4, "wrong-suite": 5, "unknown-kind": 6,
    "wrong-manifest": 7, "sender-unknown": 8, "signature-invalid": 9, "wrong-epoch": 10, "wrong-round": 11,
    "round-replayed": 12, "unexpected-message": 13, "second-statement": 14, "manifest-invalid": 20,
    "roster-invalid": 21, "manifest-unsigned": 22, "key-replaced": 23, "key-invalid": 24, "keys-unconfirmed": 25,
    "too-few": 30, "query-mismatch": 31, "chain-mismatch": 32, "set-invalid": 33, "set-change": 34,
    "seed-mismatch": 35, "share-unreadable": 36, "prefetch-missing": 37, "round-limit": 38, "answer-invalid": 40,
    "vector-length": 41, "vector-digest": 42, "ack-invalid": 50, "quorum-missing": 51, "result-mismatch": 52,
    "sum-rejected": 53, "secret-corrupt": 60, "share-corrupt": 61, "unrecoverable": 62, "layer-corrupt": 63, "timeout": 70,
    "restarted": 71, "stopped": 72, "refused": 73,
}
NAMES = {number: name for name, number in CODES.items()}


class Fault(Exception):
    """A named fault. `named` is None until somebody who knows the sender fills it in."""

    def __init__(self, name, named=None):
        assert name in CODES, name
        super().__init__(name)
        self.name, self.named = name, None if named is None else sorted(set(named))

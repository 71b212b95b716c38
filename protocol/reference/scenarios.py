"""The sessions of the vector files. Every function returns {file name: contents}."""

import hashlib

from codec import PRIME
from messages import KINDS, body_bytes
from network import Network
from primitives import H, from_bytes, sign, to_bytes

P = 2**61 - 1
LIMIT = 512 * 1024
QUERY = H("example.query", b"newton step 1")
SECOND = H("example.query", b"newton step 2")
THIRD = H("example.query", b"newton step 3")


def seed_of(name):
    return hashlib.sha256(b"wardround vectors/" + name.encode()).digest()


def answers(n, count=5, scale=1000003):
    return {i: [((-1) ** (i + k)) * (scale * (k + 1) % 70001 + i) for k in range(count)] for i in range(1, n + 1)}


def make(name, n, **changes):
    net = Network(n, seed_of(name), **changes)
    net.title = name
    return net


def ready(name, n, **changes):
    net = make(name, n, **changes)
    net.setup()
    return net


def done(net, about):
    return {net.title: net.file(net.title, about)}


def forge(net, sender, kind, body, number=None):
    """A message the sender really signed, but should not have."""
    machine = net.party(sender)
    if number is None:
        number = net.aggregator.number
    return machine.write(kind, number, body)


def resigned(net, sender, data):
    """`data` with its last 64 bytes replaced by a right signature."""
    return data[:-64] + sign(net.seeds[sender], H("wss1.sig", data[:-64]))


def body_of(data):
    from codec import decode
    from messages import BODIES

    return decode(BODIES[KINDS[data[6]]][1], data[57:-64])


def loses(*rules):
    """Drops messages: each rule is (sender or None, receiver or None, kind)."""
    return lambda s, r, k: any(a in (None, s) and b in (None, r) and c == k for a, b, c in rules)


# ---- good ------------------------------------------------------------------------------------------------


def setups():
    out = {}
    for n in (3, 5):
        out |= done(ready("setup-%d" % n, n), "Key setup of the first epoch with %d sites" % n)
    return out


def plain_rounds():
    out = {}
    for n in (3, 5):
        for width in (32, 64):
            net = ready("round-normal-%d-ring%d" % (n, width), n)
            values = answers(n) if width == 32 else {i: [v * 2**33 for v in a] for i, a in answers(n).items()}
            net.begin(values, width=width)
            net.run()
            out |= done(net, "A normal round of %d sites over Z mod 2^%d, nobody drops out" % (n, width))
    return out


def dropouts():
    out = {}
    net = ready("round-dropout-shares-5", 5)
    net.lost = loses((2, 0, "Shares"))
    net.begin(answers(5))
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Site 2's Shares never arrive: U1 is the other four")
    net = ready("round-dropout-masked-5", 5)
    net.lost = loses((4, 0, "Masked"))
    net.begin(answers(5))
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Site 4's Masked never arrives: its pair masks are removed with its reconstructed K; it still checks the Result")
    net = ready("round-dropout-unmask-5", 5)
    net.lost = loses((1, 0, "Unmask"))
    net.begin(answers(5))
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Site 1's Unmask never arrives: its b comes from four shares")
    net = ready("round-dropout-ack-5", 5)
    net.lost = loses((3, 0, "Ack"))
    net.begin(answers(5))
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Site 3's Ack never arrives: it stays in U2, its b comes from shares")
    net = ready("round-dropout-masked-unmask-7", 7)
    net.lost = loses((6, 0, "Masked"), (2, 0, "Unmask"))
    net.begin(answers(7))
    net.run()
    net.deadline(0)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Seven sites, one lost at Masked and one at Unmask")
    net = ready("round-late-masked-5", 5)
    net.lost = loses((4, 0, "Masked"))
    net.begin(answers(5))
    net.run()
    late = next(s for s in net.steps if s["op"] == "deliver" and s["to"] == 4 and s["expect"]["state"] == "COMMITTED")
    net.deadline(0)
    sent = late["expect"]["sends"][0]
    net.deliver(4, 0, bytes.fromhex(net.messages[sent["message"]]["hex"]), bytes.fromhex(net.payloads[sent["payload"]]),
                note="too late: refused")
    net.run()
    out |= done(net, "A Masked that comes after U2 was locked is refused; the vector stays hidden under b")
    return out


def fast():
    out = {}
    net = ready("fast-two-rounds-5", 5)
    net.begin(answers(5), prefetch=True)
    net.run()
    net.begin(answers(5, 3), mode="fast", query=SECOND, prefetch=True)
    net.run()
    net.begin(answers(5, 4), mode="fast", query=THIRD, width=64)
    net.run()
    out |= done(net, "A normal round that prefetches, then two fast rounds")
    net = ready("fast-dropout-5", 5)
    net.begin(answers(5), prefetch=True)
    net.run()
    net.lost = loses((5, 0, "Masked"))
    net.begin(answers(5), mode="fast", query=SECOND)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "A fast round that loses a site at Masked: the prefetched recovery box removes its pair masks")
    net = ready("fast-dropout-unmask-7", 7)
    net.begin(answers(7), prefetch=True)
    net.run()
    net.lost = loses((1, 0, "Masked"), (3, 0, "Unmask"))
    net.begin(answers(7), mode="fast", query=SECOND)
    net.run()
    net.deadline(0)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "A fast round of seven that loses one site at Masked and one at Unmask")
    return out


def epochs():
    out = {}
    net = ready("epoch-return-5", 5)
    net.begin(answers(5))
    net.run(until="Lock2")
    net.restart(3)
    net.lost = loses((3, 0, "Ack"), (0, 3, "Result"))
    net.run()
    net.deadline(0)
    net.run()
    net.lost = loses()
    net.begin({i: v for i, v in answers(5).items() if i != 3}, query=SECOND)
    net.run()
    net.setup()
    net.begin(answers(5, 3), query=THIRD)
    net.run()
    out |= done(net, "Site 3 restarts after Masked and misses two results; the new epoch lets it catch up with proof and take part again")
    net = ready("epoch-aggregator-restart-3", 3)
    net.begin(answers(3))
    net.run(until="Result")
    net.queue = []
    net.restart(0)
    net.command(0, "resendResult")
    net.run()
    net.setup()
    net.begin(answers(3), query=SECOND)
    net.run()
    out |= done(net, "The aggregator stops before any Result is out: it sends the Result again, then a new epoch; the chain goes on")
    net = ready("restart-resend-3", 3)
    net.begin(answers(3))
    net.run(until="Masked")
    lock1 = next(s for s in net.steps if s["op"] == "deliver" and s["to"] == 2 and s["expect"]["state"] == "COMMITTED")
    net.restart(2)
    data = bytes.fromhex(net.messages[lock1["message"]]["hex"])
    net.deliver(0, 2, data, note="the same bytes again: the stored Masked and vector, byte-identical")
    net.take("Masked", sender=2)
    net.queue.insert(0, (2, 0, bytes.fromhex(net.messages[lock1["expect"]["sends"][0]["message"]]["hex"]),
                         bytes.fromhex(net.payloads[lock1["expect"]["sends"][0]["payload"]])))
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "A restarted site resends stored bytes and nothing more: three sites cannot finish without its Ack")
    net = ready("restart-result-5", 5)
    net.begin(answers(5))
    net.run(until="Result")
    net.restart(2)
    net.run()
    net.setup()
    net.begin(answers(5), query=SECOND)
    net.run()
    out |= done(net, "A site that restarts in RELEASED still checks and accepts the Result")
    net = ready("chain-burned-5", 5)
    net.begin(answers(5), prefetch=True)
    net.run()
    net.lost = loses((1, 0, "Masked"), (2, 0, "Masked"))
    net.begin(answers(5), query=SECOND, mode="fast")
    net.run()
    net.deadline(0)
    net.run()
    net.lost = loses()
    net.setup([1, 2, 3, 4, 5])
    net.begin(answers(5), query=SECOND)
    net.run()
    net.begin(answers(5), query=THIRD, width=64)
    net.run()
    out |= done(net, "A round is burned below the threshold; its number is not used again and the chain continues from the last result")
    net = ready("site-deadline-5", 5)
    net.begin({i: v for i, v in answers(5).items()})
    net.lost = loses((0, 2, "Lock1"))
    net.run()
    net.deadline(2)
    net.run()
    out |= done(net, "A site gives up waiting in SHARED and says so; the round ends without it")
    return out


# ---- bad -------------------------------------------------------------------------------------------------


def bad_envelopes():
    out = {}

    def prepared(name):
        net = ready(name, 3)
        net.begin(answers(3))
        sender, receiver, data, _ = net.queue[0]
        return net, data

    def ended(net, about):
        net.run()
        return done(net, about)

    net, data = prepared("bad_truncated")
    for count in (0, 3, 56, 120, len(data) - 1):
        net.deliver(0, 1, data[:count], note="cut to %d bytes" % count)
    inner = bytearray(data[:-64])
    inner[53:57] = (int.from_bytes(inner[53:57], "little") + 1).to_bytes(4, "little")
    net.deliver(0, 1, resigned(net, 0, bytes(inner) + bytes(64)), note="body length one more than there is")
    out |= ended(net, "Truncated messages are refused and change nothing")
    net, data = prepared("bad_trailing-bytes")
    net.deliver(0, 1, data + b"\0", note="one byte after the signature")
    net.deliver(0, 1, forge(net, 0, "RoundOpen", data[57:-64] + b"\0"), note="one byte after the members, signed: not even a count; the round is lost at site 1")
    net.deliver(0, 2, forge(net, 0, "RoundOpen", data[57:-64] + bytes(4)), note="an empty array of layers, which is written as nothing")
    net.deliver(0, 3, forge(net, 0, "RoundOpen", data[57:-64] + bytes([1, 0, 0, 0, 2, 0, 16]) + bytes(8)), note="one byte after a layer")
    net.take("RoundOpen")
    out |= ended(net, "Trailing bytes outside and inside the signed body")
    net, data = prepared("bad_oversized")
    net.deliver(0, 1, data + bytes(LIMIT + 1 - len(data)))
    entry = net.steps[-1]
    oversized = entry.pop("message")
    entry["message"], entry["padTo"] = net.name_of(data, net.messages, "m"), LIMIT + 1
    net.messages.pop(oversized)
    net.names = {k: v for k, v in net.names.items() if v != oversized}
    out |= ended(net, "A message above 512 KiB is refused (padTo: zero bytes are appended up to that size)")
    net, data = prepared("bad_unknown-kind")
    for kind in (0, 7, 26, 255):
        changed = bytearray(data)
        changed[6] = kind
        net.deliver(0, 1, resigned(net, 0, bytes(changed)), note="kind %d" % kind)
    out |= ended(net, "Unknown kinds")
    net, data = prepared("bad_header")
    for at, value, note in ((0, 0x58, "magic"), (4, 2, "version"), (5, 2, "suite"), (7, data[7] ^ 1, "manifest"), (39, 9, "epoch"), (51, 2, "sender")):
        changed = bytearray(data)
        changed[at] = value
        net.deliver(0, 1, resigned(net, 0, bytes(changed)), note="other " + note)
    net.deliver(0, 1, net.aggregator.write("Lock1", 7, dict(members=[1, 2, 3], parcels=[])), note="a round that was not opened")
    net.deliver(0, 1, net.aggregator.write("Lock1", 0, dict(members=[1, 2, 3], parcels=[])), note="round 0")
    net.deliver(0, 1, net.sites[2].write("Shares", 1, data[57:-64]), note="a site's kind at a site")
    out |= ended(net, "One header field wrong at a time, signature right")
    net, data = prepared("bad_signature")
    net.deliver(0, 1, data[:-1] + bytes([data[-1] ^ 1]), note="one bit of the signature")
    net.deliver(0, 1, resigned(net, 2, data), note="signed by site 2")
    changed = bytearray(data)
    changed[60] ^= 1
    net.deliver(0, 1, bytes(changed), note="one bit of the body")
    net.run(until="Shares")
    sender, receiver, shares, _ = net.queue[0]
    net.deliver(1, 0, resigned(net, 3, shares), note="site 1's Shares signed by site 3")
    net.deliver(2, 0, shares, note="site 1's Shares on site 2's connection")
    out |= ended(net, "Forged signatures are refused and change nothing; the round then ends well")
    net, data = prepared("bad_order")
    body = body_of(data)
    body["members"] = [2, 1, 3]
    net.deliver(0, 1, forge(net, 0, "RoundOpen", body), note="a set that is not ascending")
    body["members"] = [1, 1, 2, 3]
    net.deliver(0, 2, forge(net, 0, "RoundOpen", body), note="a site twice")
    net.queue = []
    return out | done(net, "Sets that are not strictly ascending")


def bad_setup():
    out = {}
    net = make("bad_replaced-key", 3)
    net.command(0, "openEpoch", members=[1, 2, 3])
    net.run(until="KeySet")
    body = body_of(net.queue[0][2])
    other = body_of(body["offers"][1])
    other["agreementKey"] = bytes([7]) * 32
    fake = forge(net, 2, "KeyOffer", other, 0)
    swapped = [body["offers"][0], fake, body["offers"][2]]
    net.deliver(0, 2, forge(net, 0, "KeySet", dict(offers=swapped), 0), note="site 2 sees another key as its own")
    unsigned = body["offers"][1][:57] + bytes([9]) * 32 + body["offers"][1][89:]
    net.deliver(0, 1, forge(net, 0, "KeySet", dict(offers=[body["offers"][0], unsigned, body["offers"][2]]), 0),
                note="a key of site 2 that site 2 did not sign")
    zero = body_of(body["offers"][1])
    zero["agreementKey"] = bytes(32)
    net.deliver(0, 3, forge(net, 0, "KeySet", dict(offers=[body["offers"][0], forge(net, 2, "KeyOffer", zero, 0), body["offers"][2]]), 0),
                note="a low-order key, signed by its owner")
    net.queue = []
    out |= done(net, "Replaced agreement keys end the epoch attempt at each site")
    net = make("bad_unconfirmed-keys", 3)
    net.command(0, "openEpoch", members=[1, 2, 3])
    net.run(until="KeySet")
    body = body_of(net.queue[0][2])
    second = body_of(body["offers"][1])
    second["agreementKey"] = bytes([9]) + bytes(31)
    split = forge(net, 0, "KeySet", dict(offers=[body["offers"][0], forge(net, 2, "KeyOffer", second, 0), body["offers"][2]]), 0)
    net.take("KeySet", receiver=3)
    net.deliver(0, 3, split, note="site 2 signed two keys and site 3 is shown the other one")
    net.run()
    confirms = [net.messages[m]["hex"] for m in net.messages if net.messages[m]["kind"] == "KeyConfirm"]
    ordered = sorted((bytes.fromhex(c) for c in confirms), key=lambda d: d[51])
    net.aggregator.epoch = net.sites[1].epoch
    net.deliver(0, 1, forge(net, 0, "ConfirmSet", dict(confirmations=ordered), 0), note="the epoch attempt is over here")
    out |= done(net, "KeyConfirms that differ stop the epoch and name the site that differs")
    net = ready("bad_epoch", 3)
    net.deliver(0, 1, net.aggregator.opening, note="the same epoch again")
    body = body_of(net.aggregator.opening)
    net.aggregator.epoch = 5
    net.deliver(0, 1, forge(net, 0, "EpochOpen", body | dict(members=[1, 2]), 0), note="fewer than the quorum")
    net.aggregator.epoch = 6
    net.deliver(0, 2, forge(net, 0, "EpochOpen", body | dict(members=[1, 3]), 0), note="without the receiver")
    net.deliver(0, 3, forge(net, 0, "EpochOpen", body | dict(acceptedDigest=bytes(32)), 0), note="another history")
    net.queue = []
    return out | done(net, "EpochOpen that a site refuses")


def bad_rounds():
    out = {}
    net = ready("bad_query-mismatch", 3)
    net.begin(answers(3), queries={2: SECOND})
    net.run()
    out |= done(net, "Site 2's own program asks another query: it stops at RoundOpen, both sides are named, no vector leaves")
    net = ready("bad_other-query", 5)
    net.begin(answers(5), queries={2: SECOND})
    opening = net.take("RoundOpen", receiver=2)[0][2]
    net.deliver(0, 2, forge(net, 0, "RoundOpen", body_of(opening) | dict(queryDigest=SECOND)), note="the aggregator shows site 2 another query, and site 2's program agrees")
    net.run()
    out |= done(net, "Two queries in one round: the seeds differ, every site stops at Lock1 before any vector leaves")
    net = ready("bad_other-query-fast", 5)
    net.begin(answers(5), prefetch=True)
    net.run()
    net.begin(answers(5), mode="fast", queries={2: THIRD}, query=SECOND)
    opening = net.take("RoundOpen", receiver=2)[0][2]
    net.queue.insert(0, (0, 2, forge(net, 0, "RoundOpen", body_of(opening) | dict(queryDigest=THIRD)), None))
    net.run()
    out |= done(net, "The same in fast mode: found at Lock2, before any Ack or share; what left is masked and cannot be opened")
    net = ready("bad_reflected-check-fast", 3)
    net.begin(answers(3), prefetch=True)
    net.run()
    net.begin(answers(3), mode="fast", query=SECOND)
    net.run(until="Lock2")
    sender, receiver, data, _ = net.take("Lock2", receiver=1)[0]
    body = body_of(data)
    own = {c["peer"]: c["check"] for c in body_of(bytes.fromhex(next(
        net.messages[s["expect"]["sends"][0]["message"]]["hex"] for s in net.steps[::-1]
        if s["expect"]["sends"] and s["op"] == "deliver" and s["to"] == 1)))["checks"]}
    for check in body["checks"]:
        check["check"] = own[check["sender"]]
    net.deliver(0, 1, forge(net, 0, "Lock2", body), note="site 1's own checks shown back to it")
    net.queue = []
    out |= done(net, "A check is directional: an aggregator cannot reflect it")
    net = ready("bad_replayed-round", 3)
    net.begin(answers(3))
    opening = net.queue[0][2]
    net.run()
    body = body_of(opening)
    net.deliver(0, 1, opening, note="the finished round once more")
    net.deliver(0, 1, forge(net, 0, "RoundOpen", body | dict(queryDigest=SECOND)), note="the same number, another query")
    net.restart(1)
    net.deliver(0, 1, forge(net, 0, "RoundOpen", body | dict(vectorLength=9)), note="after a restart, another length")
    net.deliver(0, 2, forge(net, 0, "RoundOpen", body, 400), note="beyond the epoch's limit")
    common = dict(ringWidth=32, vectorLength=6, purposeTag="gradient", queryDigest=QUERY)
    for i in (2, 3):
        net.command(i, "expect", **common)
    net.deliver(0, 2, forge(net, 0, "RoundOpen", body | dict(previousDigest=H("example.other")), 2), note="another history")
    net.deliver(0, 3, forge(net, 0, "RoundOpen", body | dict(members=[1, 2], previousDigest=net.aggregator.accepted[1]), 2), note="without the receiver: the number is burned there as well")
    net.queue = []
    out |= done(net, "A round number is answered once")
    net = ready("bad_too-few", 5)
    net.begin(answers(5))
    net.lost = loses((1, 0, "Shares"), (2, 0, "Shares"))
    net.run(until="Shares")
    net.run()
    fake = dict(members=[3, 4, 5], parcels=[dict(sender=j, parcel=bytes(136), check=bytes(16)) for j in (4, 5)])
    net.deliver(0, 3, forge(net, 0, "Lock1", fake), note="three of five: fewer than t = 4")
    net.take("Abort", sender=3)
    net.deadline(0)
    net.run()
    out |= done(net, "Fewer than the threshold: the site refuses, and the aggregator ends the round naming who is missing")
    net = ready("bad_too-few-masked", 3)
    net.begin(answers(3))
    net.lost = loses((2, 0, "Masked"))
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Three sites and one missing at Masked: a sum of two is not given")
    net = ready("bad_unreadable-share", 3)
    net.begin(answers(3))
    net.run(until="Lock1")
    data = net.take("Lock1", receiver=1)[0][2]
    body = body_of(data)
    body["parcels"][1]["parcel"] = body["parcels"][1]["parcel"][:-1] + b"\0"
    net.deliver(0, 1, forge(net, 0, "Lock1", body), note="the parcel of site 3 has one byte changed")
    net.run()
    out |= done(net, "A parcel that does not open names its sender; no vector leaves")
    net = ready("bad_seed-mismatch", 3)
    net.begin(answers(3))
    net.run(until="Lock1")
    body = body_of(net.take("Lock1", receiver=1)[0][2])
    body["parcels"][0]["check"] = bytes(16)
    net.deliver(0, 1, forge(net, 0, "Lock1", body), note="the check of site 2 is another one")
    net.run()
    out |= done(net, "A seed check that differs names the peer")
    net = ready("bad_alive-and-dropped", 5)
    net.begin(answers(5))
    net.lost = loses((5, 0, "Masked"))
    net.run()
    net.deadline(0)
    lock2 = {q[1]: body_of(q[2]) for q in net.queue if KINDS[q[2][6]] == "Lock2"}
    both = lock2[1] | dict(members=[1, 2, 3, 4, 5, 6], vectorDigests=lock2[1]["vectorDigests"] + [bytes(32)] * 2)
    net.take("Lock2", receiver=1)
    net.deliver(0, 1, forge(net, 0, "Lock2", both), note="a member outside U1")
    net.queue = [q for q in net.queue if q[0] != 1]
    without = lock2[2] | dict(members=[1, 3, 4, 5], vectorDigests=[bytes(32)] * 4)
    net.take("Lock2", receiver=2)
    net.deliver(0, 2, forge(net, 0, "Lock2", without), note="the receiver is called dropped although it sent its vector")
    net.queue = []
    out |= done(net, "U2 must be inside U1 and hold the receiver")
    net = ready("bad_unmask-both", 5)
    net.begin(answers(5))
    net.lost = loses((5, 0, "Masked"))
    net.run()
    net.deadline(0)
    net.run(until="Unmask")
    data = net.take("Unmask", sender=1)[0][2]
    body = body_of(data)
    body["maskShares"] = [dict(owner=2, share=bytes(32))] + body["maskShares"]
    net.deliver(1, 0, forge(net, 1, "Unmask", body), note="a share of K of site 2, which is alive")
    net.run()
    out |= done(net, "Both kinds of share of one site are never taken; with t = 4 the round cannot be opened")
    return out


def bad_statements():
    out = {}
    net = ready("bad_second-statement", 5)
    net.begin(answers(5))
    net.run(until="Lock2")
    lock2 = {q[1]: q[2] for q in net.queue}
    net.deliver(*net.take("Lock2", receiver=1)[0])
    net.deliver(0, 1, lock2[1], note="the same bytes: the stored Ack again")
    net.take("Ack")
    other = body_of(lock2[1])
    other["members"], other["vectorDigests"] = other["members"][:4], other["vectorDigests"][:4]
    net.deliver(0, 1, forge(net, 0, "Lock2", other), note="another U2 in the same round: no second Ack")
    net.queue = []
    out |= done(net, "One Ack in a round; two signed Lock2 are proof against the aggregator")
    net = ready("bad_second-ack", 5)
    net.begin(answers(5))
    net.run(until="Ack")
    sender, receiver, data, _ = net.take("Ack", sender=2)[0]
    net.deliver(2, 0, data)
    fake = H("example.other")
    net.deliver(2, 0, data, note="a repeat is ignored")
    net.deliver(2, 0, forge(net, 2, "Ack", dict(statement=fake, signature=sign(net.seeds[2], fake))), note="a second statement is refused and kept as evidence")
    net.run()
    out |= done(net, "A second Ack from a site names it; the first one counts")
    net = ready("bad_acknowledgements", 5)
    net.begin(answers(5))
    net.run(until="AckSet")
    sets = {q[1]: body_of(q[2]) for q in net.queue}
    net.queue = []
    few = sets[1] | dict(acknowledgements=sets[1]["acknowledgements"][:3])
    net.deliver(0, 1, forge(net, 0, "AckSet", few), note="three acknowledgements, four are needed")
    wrong = sets[2]
    wrong["acknowledgements"][2]["signature"] = wrong["acknowledgements"][3]["signature"]
    net.deliver(0, 2, forge(net, 0, "AckSet", wrong), note="site 3's signature is another one's")
    net.deliver(0, 3, forge(net, 0, "AckSet", sets[3] | dict(statement=H("example.other"))), note="another statement")
    net.queue = []
    out |= done(net, "Sets of acknowledgements that release nothing")
    net = ready("bad_set-change", 7)
    net.begin(answers(7))
    net.run()
    net.lost = loses((7, 0, "Masked"))
    net.begin(answers(7), query=QUERY)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "The same query again over one site fewer would reveal that site: refused before any Ack")
    net = ready("bad_prefetch-missing", 3)
    net.begin(answers(3))
    net.run()
    net.begin(answers(3), mode="fast", query=SECOND)
    common = dict(ringWidth=32, vectorLength=6, purposeTag="gradient", queryDigest=SECOND)
    opened = dict(mode=1, prefetch=False, previousDigest=net.aggregator.accepted[1], members=[1, 2, 3], **common)
    net.deliver(0, 1, forge(net, 0, "RoundOpen", opened, 2), note="fast without prefetched shares")
    net.queue = []
    return out | done(net, "Fast mode needs prefetched shares of every member")


def bad_results():
    out = {}

    def published(name, n=3, width=32):
        net = ready(name, n)
        net.begin(answers(n), width=width)
        net.run(until="Result")
        _, _, data, payload = net.queue[0]
        net.queue = []
        return net, body_of(data), from_bytes(payload, width)

    def falsified(net, body, values, tag, width=32, **changes):
        from messages import result_digest

        data = to_bytes(values, width)
        body = body | dict(sumDigest=H("wss1.vector", data), tag=tag) | changes
        body["resultDigest"] = result_digest(
            net.aggregator.T, body["shareMembers"], body["members"], body["listDigest"], body["sumDigest"], body["tag"])
        return forge(net, 0, "Result", body), data

    for name, change, about in (
            ("bad_sum-changed", lambda v, t, n: (v[:3] + [v[3] ^ 1] + v[4:], t), "One bit of the sum changed"),
            ("bad_sum-scaled", lambda v, t, n: ([2 * a for a in v], 2 * t % P), "Sum and tag doubled"),
            ("bad_sum-sign", lambda v, t, n: ([-a for a in v], (P - t) % P), "Sum and tag negated"),
            ("bad_sum-count", lambda v, t, n: ([n - 1] + v[1:], t), "Another number of sites in coordinate 0"),
            ("bad_sum-tag", lambda v, t, n: (v, (t + 1) % P), "Another tag")):
        net, body, values = published(name)
        net.deliver(0, 1, *falsified(net, body, *change(values, body["tag"], 3)), note="correctly signed by the aggregator")
        net.take("Abort")
        net.deliver(0, 1, *falsified(net, body, values, body["tag"]), note="halted: nothing is accepted any more")
        net.deliver(0, 2, *falsified(net, body, values, body["tag"]), note="the true one, at another site")
        net.restart(1)
        net.deliver(0, 1, net.aggregator.opening, note="still halted after a restart")
        net.queue = []
        out |= done(net, about + ": the site refuses the sum and halts")
    net, body, values = published("bad_result")
    net.deliver(0, 1, forge(net, 0, "Result", body | dict(resultDigest=bytes(32))), to_bytes(values, 32), note="resultDigest is not the digest")
    net.deliver(0, 2, forge(net, 0, "Result", body), to_bytes(values, 32)[:-4], note="the sum is one word short")
    net.deliver(0, 3, *falsified(net, body, values, body["tag"], listDigest=bytes(32)), note="another list of vectors than was acknowledged")
    few = dict(acknowledgements=body["acknowledgements"][:2])
    net.deliver(0, 3, *falsified(net, body, values, body["tag"], **few), note="too few acknowledgements")
    net.deliver(0, 3, *falsified(net, body, values, body["tag"]), note="the true one is still accepted")
    net.queue = []
    return out | done(net, "Results that do not fit the round")


def bad_vectors():
    out = {}
    net = ready("bad_vector-length", 5)
    net.begin(answers(5))
    net.run(until="Masked")
    _, _, data, payload = net.take("Masked", sender=1)[0]
    net.deliver(1, 0, data, payload[:-4], note="one word short: site 1 is dropped")
    net.deliver(1, 0, data, payload, note="nothing more of it in this round")
    net.run()
    out |= done(net, "A vector of the wrong length, first to arrive, costs its site the round and nobody else")
    net = ready("bad_vector-digest", 5)
    net.begin(answers(5))
    net.run(until="Masked")
    _, _, data, payload = net.take("Masked", sender=3)[0]
    net.deliver(3, 0, data, payload[:-1] + bytes([payload[-1] ^ 1]), note="one bit changed on the way")
    net.run()
    out |= done(net, "A vector that does not fit its signed digest")
    net = ready("bad_answer", 3)
    net.begin(answers(3) | {2: [2**31, 0, 0, 0, 0]})
    net.run()
    out |= done(net, "An answer outside the ring's range never leaves the site")
    net = ready("bad_answer-length", 5)
    net.begin(answers(5) | {4: [1, 2, 3]})
    net.run()
    out |= done(net, "An answer of the wrong length: its own site stops, the others finish without it")
    net = ready("bad_share", 10)
    net.begin(answers(10))
    net.lost = loses((10, 0, "Unmask"))
    net.run(until="Unmask")
    _, _, data, _ = net.take("Unmask", sender=2)[0]
    body = body_of(data)
    share = next(s for s in body["selfShares"] if s["owner"] == 10)
    share["share"] = bytes([share["share"][0] ^ 1]) + share["share"][1:]
    net.deliver(2, 0, forge(net, 2, "Unmask", body), note="site 2 gives a wrong share of site 10's b")
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Nine shares for t = 7: one wrong share is corrected and its signer named, the sum is right")
    net = ready("bad_secret", 5)
    net.begin(answers(5))
    net.run(until="Unmask")
    body = body_of(net.take("Unmask", sender=3)[0][2])
    body["selfSecret"] = bytes([body["selfSecret"][0] ^ 1]) + body["selfSecret"][1:]
    net.deliver(3, 0, forge(net, 3, "Unmask", body), note="site 3 lies about its own b")
    net.run()
    out |= done(net, "A wrong own secret: reconstructed from the others' shares, its owner named")
    net = ready("bad_unrecoverable", 5)
    net.begin(answers(5))
    net.lost = loses((5, 0, "Unmask"))
    net.run(until="Unmask")
    body = body_of(net.take("Unmask", sender=1)[0][2])
    body["selfShares"][-1]["share"] = bytes(31) + b"\1"
    net.deliver(1, 0, forge(net, 1, "Unmask", body), note="a wrong share and no share to spare")
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Four shares for t = 4 and one of them wrong: the round is burned")
    net = ready("bad_scalar", 5)
    net.begin(answers(5))
    net.run(until="Unmask")
    data = net.take("Unmask", sender=1)[0][2]
    raw = b"\xff" * 32 + data[57 + 32 : -64]
    net.deliver(1, 0, net.sites[1].write("Unmask", 1, raw), note="b is not below the group order")
    net.run()
    out |= done(net, "A scalar that is not reduced")
    net = ready("bad_catch-up", 5)
    net.lost = loses((0, 5, "Result"))
    net.begin(answers(5))
    net.run()
    net.lost = loses()

    def attempt(change, note):
        net.command(0, "openEpoch", members=[1, 2, 3, 4, 5])
        net.run(until="CatchUp")
        _, _, data, payload = net.take("CatchUp")[0]
        body, payload = change(body_of(data), payload)
        net.deliver(0, 5, forge(net, 0, "CatchUp", body, 0), payload, note=note)
        net.run()

    def with_entry(body, **changes):
        return body | dict(entries=[body["entries"][0] | changes])

    attempt(lambda b, p: (b | dict(attestations=b["attestations"][:3]), p), "three attestations, four are needed")
    attempt(lambda b, p: (b, p[:-1] + bytes([p[-1] ^ 1])), "another sum")
    attempt(lambda b, p: (b, p + bytes(4)), "a payload that is too long")
    attempt(lambda b, p: (with_entry(b, round=9), p), "another round number: the acknowledgements do not fit")
    attempt(lambda b, p: (with_entry(b, resultBody=b["entries"][0]["resultBody"][:-1]), p), "a truncated result")
    attempt(lambda b, p: (b | dict(entries=b["entries"] * 2), p * 2), "the same result twice")
    attempt(lambda b, p: (b | dict(attestations=[]), p), "no attestations: held, not adopted; ConfirmSet then finds it behind")
    attempt(lambda b, p: (b, p), "the true history")
    return out | done(net, "A site that missed a result takes it only with proof")


LAYERS5 = [(4, 400)]
LAYERS7 = [(6, 250), (5, 375)]


def noisy_rounds():
    out = {}
    for width in (32, 64):
        net = ready("noise-round-5-ring%d" % width, 5)
        net.begin(answers(5), width=width, layers=LAYERS5)
        net.run()
        out |= done(net, "Five sites with one layer of noise and nobody missing: every seed is revealed, the noise comes off and the tag holds")
    net = ready("noise-fast-5", 5)
    net.begin(answers(5), prefetch=True, layers=LAYERS5)
    net.run()
    net.begin(answers(5, 3), mode="fast", query=SECOND, prefetch=True, layers=[(4, 77), (3, 16)])
    net.run()
    net.begin(answers(5, 4), mode="fast", query=THIRD)
    net.run()
    out |= done(net, "Fast rounds with other layers and with none")
    net = ready("noise-dropout-masked-7", 7)
    net.lost = loses((6, 0, "Masked"))
    net.begin(answers(7), layers=LAYERS7)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Six of seven in U2: the first layer stays in, the second comes off")
    net = ready("noise-dropout-threshold-7", 7)
    net.lost = loses((6, 0, "Masked"), (2, 0, "Shares"))
    net.begin(answers(7), layers=LAYERS7)
    net.run()
    net.deadline(0)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Five of seven, the threshold: all layers stay in and no seed is revealed")
    net = ready("noise-dropout-unmask-7", 7)
    net.lost = loses((3, 0, "Unmask"), (5, 0, "Ack"))
    net.begin(answers(7), layers=LAYERS7)
    net.run()
    net.deadline(0)
    net.run()
    net.deadline(0)
    net.run()
    out |= done(net, "Sites 3 and 5 are in U2 and reveal no seeds: their layers stay in, the others' come off")
    net = ready("noise-restart-5", 5)
    net.begin(answers(5), layers=LAYERS5)
    net.run(until="Result")
    net.restart(2)
    net.lost = loses((0, 4, "Result"))
    net.run()
    net.lost = loses()
    net.restart(4)
    net.setup()
    net.begin(answers(5), query=SECOND, layers=LAYERS5)
    net.run()
    out |= done(net, "A site that restarts in RELEASED checks the Result with the layers of its journal; one that missed it catches up")
    net = ready("noise-wrong-layer-tag-5", 5)
    net.begin(answers(5), layers=LAYERS5)
    net.run(until="Unmask")
    _, _, data, _ = net.take("Unmask", sender=3)[0]
    body = body_of(data)
    net.deliver(3, 0, forge(net, 3, "Unmask", body | dict(layerTag=body["layerTag"] ^ 1)), note="another tag of its own noise")
    net.run()
    return out | done(net, "A site's wrong tag of its noise costs the others the drawing of all of it; the true sum is accepted")


def bad_noise():
    from messages import result_digest

    out = {}

    def at_unmask(name, change, note, about):
        net = ready(name, 7)
        net.begin(answers(7), layers=LAYERS7)
        net.run(until="Unmask")
        body = body_of(net.take("Unmask", sender=2)[0][2])
        body["layerSeeds"] = change(body["layerSeeds"])
        net.deliver(2, 0, forge(net, 2, "Unmask", body), note=note)
        net.run()
        return done(net, about)

    out |= at_unmask("bad_layer-seed-missing", lambda s: s[:1], "one seed of two", "A site that reveals too few seeds is dropped: its b comes from shares, its noise stays in")
    out |= at_unmask("bad_layer-seed-extra", lambda s: s + [bytes(32)], "a third seed", "A site that reveals a seed nobody asked for is dropped")
    out |= at_unmask("bad_layer-seed-wrong", lambda s: [s[0], bytes([s[1][0] ^ 1]) + s[1][1:]], "the second seed is not the committed one",
                     "A seed that does not fit its commitment names its site; that layer stays in, the other one comes off")
    net = ready("bad_layer-round-open", 5)
    net.begin(answers(5), layers=LAYERS5)
    body = body_of(net.take("RoundOpen")[0][2])
    raw = body_bytes("RoundOpen", body | dict(layers=[]))
    for i, change, note in (
            (1, body_bytes("RoundOpen", body | dict(layers=[dict(limit=4, variance=4)])), "less noise than the site expects"),
            (2, raw, "no layers"),
            (3, body_bytes("RoundOpen", body | dict(layers=[dict(limit=3, variance=400), dict(limit=4, variance=1)])), "limits that do not descend"),
            (4, body_bytes("RoundOpen", body | dict(layers=[dict(limit=4, variance=0)])), "a variance of 0"),
            (5, body_bytes("RoundOpen", body | dict(layers=[dict(limit=20 - k, variance=16) for k in range(9)])), "nine layers")):
        net.deliver(0, i, forge(net, 0, "RoundOpen", change), note=note)
    net.queue = []
    out |= done(net, "Layers are bound into the round: another schedule than the site derived is refused")
    net = ready("bad_layer-masked", 5)
    net.begin(answers(5), layers=LAYERS5)
    net.run(until="Masked")
    _, _, data, payload = net.take("Masked", sender=3)[0]
    net.deliver(3, 0, forge(net, 3, "Masked", body_of(data) | dict(commitments=[])), payload, note="without commitments")
    net.run()
    out |= done(net, "A Masked without commitments costs its site the round")
    net = ready("bad_layer-answer", 5)
    net.begin(answers(5), layers=LAYERS5)
    values = answers(5)[4]
    net.command(4, "answer", values=values)
    net.run()
    out |= done(net, "An answer without seeds in a round with layers never leaves the site")
    net = ready("bad_layer-lock2", 5)
    net.begin(answers(5), layers=LAYERS5)
    net.run(until="Lock2")
    lock2 = {q[1]: body_of(q[2]) for q in net.queue}
    net.queue = []
    other = lock2[1]["commitments"]
    net.deliver(0, 1, forge(net, 0, "Lock2", lock2[1] | dict(commitments=[bytes(32)] + other[1:])), note="the receiver's commitment is another one")
    net.deliver(0, 2, forge(net, 0, "Lock2", lock2[2] | dict(commitments=other[:-1])), note="one commitment too few")
    net.deliver(0, 3, forge(net, 0, "Lock2", lock2[3] | dict(commitments=[])), note="none")
    net.queue = []
    out |= done(net, "A site acknowledges only its own commitments, and one per site and layer")

    def published(name):
        net = ready(name, 7)
        net.lost = loses((7, 0, "Masked"))
        net.begin(answers(7), layers=LAYERS7)
        net.run()
        net.deadline(0)
        net.run(until="Result")
        _, _, data, payload = net.queue[0]
        net.queue = []
        return net, body_of(data), from_bytes(payload, 32)

    def result(net, body, values, layers=None, **changes):
        data = to_bytes(values, 32)
        body = body | dict(sumDigest=H("wss1.vector", data)) | changes
        body["layers"] = body["layers"] if layers is None else layers
        body["resultDigest"] = result_digest(
            net.aggregator.T, body["shareMembers"], body["members"], body["listDigest"], body["sumDigest"], body["tag"], body["layers"],
            body["layerTag"])
        return forge(net, 0, "Result", body), data

    net, body, values = published("bad_layer-result")
    records, L = body["layers"], len(LAYERS7)
    gone = next(k for k, r in enumerate(records) if r["removed"])
    stays = next(k for k, r in enumerate(records) if not r["removed"])

    def changed(at, **changes):
        return [r | changes if k == at else r for k, r in enumerate(records)]

    net.deliver(0, 1, *result(net, body, values, changed(gone, value=bytes(32))), note="a seed that was never committed to")
    net.deliver(0, 2, *result(net, body, values, changed(stays, removed=True)), note="a layer that must stay in")
    net.deliver(0, 3, *result(net, body, values, records[:-1]), note="one record too few")
    net.deliver(0, 4, *result(net, body, values, []), note="no records")
    few = [a for a in body["acknowledgements"] if a["index"] != gone // L + 1]
    net.deliver(0, 5, *result(net, body, values, acknowledgements=few), note="a seed of a site whose acknowledgement is not there")
    net.deliver(0, 6, *result(net, body, values, layerTag=body["layerTag"] ^ 1), note="the sum with another sum of tags of noise: right by drawing")
    net.queue = []
    out |= done(net, "Records of noise that do not fit the round")
    net, body, values = published("bad_layer-sum")
    records, L = body["layers"], len(LAYERS7)
    gone = next(k for k, r in enumerate(records) if r["removed"])
    import noise

    off = noise.draws("discrete-gaussian", LAYERS7[gone % L][1], records[gone]["value"], len(values) - 1)
    put_back = [values[0]] + [(a + b) % 2**32 for a, b in zip(values[1:], off)]
    net.deliver(0, 1, *result(net, body, put_back), note="one site's layer is in the sum although its seed is published")
    twice = [values[0]] + [(a - b) % 2**32 for a, b in zip(values[1:], off)]
    net.deliver(0, 2, *result(net, body, twice), note="one site's layer subtracted twice")
    net.deliver(0, 3, *result(net, body, twice, layerTag=(2 * body["layerTag"]) % PRIME), note="the same, with twice the tags of noise")
    net.deliver(0, 4, *result(net, body, values), note="the true one")
    net.queue = []
    return out | done(net, "A sum that is not the sites' sum without the published noise is refused, and the site halts")


def everything():
    out = {}
    for group in (setups, plain_rounds, dropouts, fast, epochs, bad_envelopes, bad_setup, bad_rounds, bad_statements, bad_results, bad_vectors,
                  noisy_rounds, bad_noise):
        out |= group()
    return out

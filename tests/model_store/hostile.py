"""Forged model files: what a careful attacker would send, with every checksum in order."""

import functools
import hashlib
import io
import json
import os
import pickle
import zipfile

import numpy as np

from clientcare.model.store import archive as store
from clientcare.model.store.card_text import card_lines
from clientcare.model.store.file import FORMAT
from clientcare.model.store.versions import SCHEMA_VERSION


def packed(
    parts, *, names=None, compress=zipfile.ZIP_DEFLATED, manifest=None, infos=None, prefix=b"", comment=True
):
    """A sealed zip of these parts, with a manifest that agrees with them unless another is given."""
    if manifest is None:
        members = {
            name: {"size": len(part), "sha256": hashlib.sha256(part).hexdigest()}
            for name, part in parts.items()
        }
        manifest = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "libraries": {}, "members": members}
    if isinstance(manifest, dict):
        manifest = json.dumps(manifest).encode()
    everything = {"manifest.json": manifest, **parts}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compress) as archive:
        for name in names or everything:
            info = (infos or {}).get(name) or plain_info(name)
            info.compress_type = compress if info.compress_type == zipfile.ZIP_STORED else info.compress_type
            archive.writestr(info, everything.get(name, b"extra"))
        archive.comment = b"-" * store.SEAL_BYTES
    return sealed(prefix + buffer.getvalue()[: -store.SEAL_BYTES])


def plain_info(name):
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o644 << 16
    return info


def sealed(content):
    return content + store.SEAL + hashlib.sha256(content).hexdigest().encode()


def parts(values=None, arrays=b"", places=(), card=b"{}", text=None, state=None):
    state = (
        json.dumps({"arrays": list(places), "values": {} if values is None else values})
        if state is None
        else state
    )
    return {
        "card.json": card,
        "card.txt": "\n".join([*card_lines({}), ""]).encode() if text is None else text,
        "state.json": state.encode() if isinstance(state, str) else state,
        "arrays.bin": arrays,
    }


@functools.cache
def archives():
    """Name -> bytes of archives that are no honest model."""
    plain = parts()
    made = {
        "traversal": packed(plain, names=["manifest.json", *plain, "../../canary"]),
        "absolute": packed(plain, names=["manifest.json", *plain, "/tmp/canary"]),
        "extra part": packed({**plain, "notes.txt": b"hello"}),
        "missing part": packed({name: part for name, part in plain.items() if name != "card.txt"}),
        "other order": packed(dict(reversed(plain.items()))),
        "other case": packed({name.replace("card.txt", "CARD.TXT"): part for name, part in plain.items()}),
        "manifest bomb": packed(plain, manifest=b"[" + b" " * (32 << 20) + b"]"),
        "state bomb": packed(parts(state=b'{"arrays":[],"values":' + b" " * (32 << 20) + b"{}}")),
        "array bomb": packed(parts(arrays=b"\0" * (220 << 20), places=[{"dtype": "|u1", "shape": [220 << 20]}])),
        "deep": packed(parts(state='{"arrays":[],"values":' + "[" * 100_000 + "]" * 100_000 + "}")),
        "deep in strings": packed(parts(state='{"arrays":[],"values":{"a":"' + '\\"[' * 1000 + '","b":' + "[" * 60 + "]" * 60 + "}}")),
        "a million lists": packed(parts(state='{"arrays":[],"values":[' + "[]," * 1_390_000 + "[]]}")),
        "bzip2": packed(plain, compress=zipfile.ZIP_BZIP2),
        "lzma": packed(plain, compress=zipfile.ZIP_LZMA),
        "prefix": packed(plain, prefix=b"#!/bin/sh\n"),
        "swapped parts": packed({**plain, "card.txt": plain["card.json"], "card.json": plain["card.txt"]}),
        "no manifest values": packed(plain, manifest=b"null"),
        "wrong format": packed(plain, manifest={"format": "other", "schema_version": 1}),
        "version as text": packed(plain, manifest={"format": FORMAT, "schema_version": "1"}),
        "version zero": packed(plain, manifest={"format": FORMAT, "schema_version": 0}),
        "members a list": packed(plain, manifest={"format": FORMAT, "schema_version": 1, "members": []}),
        "key twice": packed(parts(state='{"arrays":[],"values":{"a":1,"a":2}}')),
        "not a number": packed(parts(state='{"arrays":[],"values":{"a":NaN}}')),
        "number of 5000 digits": packed(parts(state='{"arrays":[],"values":{"a":' + "9" * 5000 + "}}")),
        "unknown mark": packed(parts(values={"a": {"$object": "os.system"}})),
        "mark with company": packed(parts(values={"a": {"$array": 0, "b": 1}}, arrays=b"\1", places=[{"dtype": "|u1", "shape": [1]}])),
        "array not there": packed(parts(values={"a": {"$array": 3}})),
        "negative array": packed(parts(values={"a": {"$array": -1}}, arrays=b"\1", places=[{"dtype": "|u1", "shape": [1]}])),
        "values a list": packed(parts(values=[])),
        "card a list": packed(parts(card=b"[]")),
        "object array": packed(parts(places=[{"dtype": "|O", "shape": [1]}], arrays=b"\0" * 8)),
        "record array": packed(parts(places=[{"dtype": [["a", "<f8"]], "shape": [1]}], arrays=b"\0" * 8)),
        "dates": packed(parts(places=[{"dtype": "<M8[s]", "shape": [1]}], arrays=b"\0" * 8)),
        "negative shape": packed(parts(places=[{"dtype": "<f8", "shape": [-1]}], arrays=b"\0" * 8)),
        "shape overflows": packed(parts(places=[{"dtype": "<f8", "shape": [2**40, 2**40]}], arrays=b"\0" * 8)),
        "shape of floats": packed(parts(places=[{"dtype": "<f8", "shape": [1.0]}], arrays=b"\0" * 8)),
        "arrays too short": packed(parts(places=[{"dtype": "<f8", "shape": [2]}], arrays=b"\0" * 8)),
        "arrays too long": packed(parts(arrays=b"\0" * 8)),
        "no such truth value": packed(parts(places=[{"dtype": "|b1", "shape": [1]}], arrays=b"\7")),
        "no such letter": packed(parts(places=[{"dtype": "<U1", "shape": [1]}], arrays=b"\xff" * 4)),
        "latin-1 json": packed(parts(state=b'{"arrays":[],"values":{"a":"\xff"}}')),
        "empty": b"",
        "a tar": sealed(b"ustar" * 1000),
        "only a seal": sealed(b""),
    }  # fmt: skip
    link = zipfile.ZipInfo("card.txt", (1980, 1, 1, 0, 0, 0))
    link.external_attr = 0o120777 << 16
    made["link"] = packed({**plain, "card.txt": b"/etc/hostname"}, infos={"card.txt": link})
    commented = plain_info("card.txt")
    commented.comment = b"smuggled"
    made["comment of a part"] = packed(plain, infos={"card.txt": commented})
    for field, value in (
        ("create_system", 0),
        ("external_attr", 0o777 << 16),
        ("internal_attr", 1),
        ("date_time", (1999, 1, 1, 0, 0, 0)),
    ):
        other = plain_info("card.txt")
        setattr(other, field, value)
        made[f"another {field}"] = packed(plain, infos={"card.txt": other})
    made["another card for people"] = packed({**plain, "card.txt": b"a fine model\n"})
    padded = plain_info("card.txt")
    padded.extra = b"\x99\x99\x04\x00abcd"
    made["extra field"] = packed(plain, infos={"card.txt": padded})
    made["a thousand parts"] = packed({f"arrays/{number}": b"" for number in range(1000)})
    made["part in front"] = _part_in_front(plain)
    made["directory lies about the size"] = _lying_size(plain)
    made["two names for one part"] = _overlap(plain)
    made["part twice"] = _twice(plain)
    return made


def _edited(content, change):
    body = bytearray(content[: -store.SEAL_BYTES])
    change(body)
    return sealed(bytes(body))


def _lying_size(plain):
    content = packed({**plain, "card.txt": b"x" * 200_000})

    def change(body):
        at = body.rindex(b"card.txt") - 46
        body[at + 24 : at + 28] = (100).to_bytes(4, "little")

    return _edited(content, change)


def _overlap(plain):
    def change(body):
        first = body.index(b"PK\x01\x02")
        at = body.rindex(b"card.txt") - 46
        assert at > first
        body[at + 42 : at + 46] = (0).to_bytes(4, "little")

    return _edited(packed(plain), change)


def _part_in_front(plain):
    names = ["notes.txt", "manifest.json", *plain]
    return packed(plain, names=names)


def _twice(plain):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return packed(plain, names=["manifest.json", *plain, "card.txt"])


def payloads(canary):
    """Twenty pickles and their kin that would make the canary file if anything ran."""

    class Runs:
        def __init__(self, call, *args):
            self.call, self.args = call, args

        def __reduce__(self):
            return self.call, self.args

    command = f"touch {canary}"
    code = f"open({str(canary)!r}, 'w').close()"
    calls = {
        "os.system": Runs(os.system, command),
        "eval": Runs(eval, code),
        "exec": Runs(exec, code),
        "open": Runs(open, str(canary), "w"),
        "mkdir": Runs(os.mkdir, str(canary)),
    }
    made = {}
    for name, call in calls.items():
        for protocol in (0, 2, 5):
            made[f"{name}, protocol {protocol}"] = pickle.dumps(call, protocol=protocol)
    evil = pickle.dumps(calls["os.system"])
    buffer = io.BytesIO()
    np.save(buffer, np.array([calls["os.system"]], dtype=object), allow_pickle=True)
    made["object array"] = buffer.getvalue()
    made["sealed pickle"] = sealed(evil)
    made["pickle as state"] = packed(parts(state=evil))
    made["pickle as arrays"] = packed(parts(arrays=buffer.getvalue()))
    made["pickle as another part"] = packed({**parts(), "model.pkl": evil})
    return made

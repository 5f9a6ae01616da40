"""Segments of a spool, made by hand."""
import json, os, zlib


def line(record):
    return json.dumps(record, separators=(",", ":")).encode()


def frame(record):
    data = record if isinstance(record, bytes) else line(record)
    return b"%08x %s\n" % (zlib.crc32(data), data)


def segment(spool, number, records, run, scanner):
    """Of records, or of their lines; where it lies."""
    os.makedirs(spool, exist_ok=True)
    path = os.path.join(spool, "%s-%08d.seg" % (run, number))
    with open(path, "wb") as out:
        out.write(frame({"v": 1, "type": "segment", "scanner": scanner}))
        for record in records:
            out.write(frame(record))
    return path

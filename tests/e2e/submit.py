#!/usr/bin/python3
"""What certmuster-submit makes of a collector's answers: taken, refused lines, missing certificates, overload, requests that are refused, and
no answer at all."""
import json, os, socket, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from submit_tools import (Collector, RUN, RUN2, SUBMIT, certificate, check, equal, files, place, run_record, segment,
                          segments, sighting, submit, play)


def test_whole_run():
    """Three segments of a run: keys, order, headers; a certificate is sent once, and only when it is missing; nothing is left."""
    spool, sock = place("whole")
    segment(spool, 1, [run_record("started"), certificate(1), sighting(1), certificate(2)])
    segment(spool, 2, [sighting(1, 444), sighting(2, 445)])
    segment(spool, 3, [sighting(2, 446), run_record("finished")])
    with Collector(sock) as c:
        c.certificates.add(certificate(2)["sha256"])
        text = submit("--to", "unix:" + sock, spool)
        equal([b["key"] for b in c.batches()], ["s1/%s/%d" % (RUN, n) for n in (1, 2, 3)], "keys")
        equal(json.loads(c.requests[0]["body"]), {"sha256": sorted(certificate(n)["sha256"] for n in (1, 2))}, "question")
        check("3 batches taken" in text, text)
        body = [json.loads(x) for x in c.batches()[0]["body"].splitlines()]
        equal([r["type"] for r in body], ["run", "sighting", "certificate"], "certificate 2 is left out, certificates come last")
        for b in c.batches():
            check(b["sent"][10] == "T" and b["sent"].endswith("Z") and len(b["sent"]) == 24, b["sent"])
            equal(b["type"], "application/x-ndjson")
    equal([f for f in files(spool) if f != "sent"], [], "what is left in the spool")
    equal(files(spool + "/sent"), [], "the run is over: its certificates are not needed any more")
    with Collector(sock) as c:
        submit("--to", "unix:" + sock, spool)
        equal(c.requests, [], "nothing left to say")


def test_rejected_lines():
    spool, sock = place("rejected")
    path = segment(spool, 1, [certificate(1), sighting(1), sighting(1, 9, "other"), sighting(1, 10)])
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, spool, status=1)
        equal(len([r for r in c.records if r["type"] == "sighting"]), 2, "the good ones are stored")
    check("realm of another" in text, text)
    equal(segments(spool), [])
    kept = [json.loads(x) for x in open(os.path.join(spool, "rejected", os.path.basename(path) + ".ndjson"))]
    equal(len(kept), 1)
    equal(kept[0]["reason"], "realm of another")
    equal(json.loads(kept[0]["record"])["endpoint"]["port"], 9, "the very line that was refused")


def test_missing_certificates():
    """The collector lost a certificate that was told in segment 1, delivered earlier: segment 3 is sent again with it."""
    spool, sock = place("missing")
    segment(spool, 1, [run_record("started"), certificate(1), certificate(2), sighting(1)])
    with Collector(sock) as c:
        submit("--to", "unix:" + sock, spool)
        equal(len(files(spool + "/sent")), 1, "kept while the run goes on")
        c.certificates.clear()
        segment(spool, 3, [sighting(2, 999), run_record("finished")])
        submit("--to", "unix:" + sock, spool)
        equal([b["key"][-2:] for b in c.batches()], ["/1", "/3", "/3"])
        equal(json.loads(c.batches()[-1]["body"].splitlines()[-1])["sha256"], certificate(2)["sha256"])
    equal(segments(spool), [])
    equal(files(spool + "/sent"), [])
    # One that nobody has: the segment waits for a run that tells it, others go on.
    segment(spool, 4, [sighting(77)], run=RUN)
    segment(spool, 1, [run_record("started", RUN2), certificate(3), sighting(3)], run=RUN2)
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, "--wait", "1", spool, status=3)
        check("lacks 1 certificates" in text, text)
        equal(len(c.records), 3)
        equal(segments(spool), [RUN + "-00000004.seg"])
        segment(spool, 2, [certificate(77), run_record("finished", RUN2)], run=RUN2)
        submit("--to", "unix:" + sock, "--wait", "5", spool)  # now the other run's segment has it
    equal(segments(spool), [])


def test_known_changes_its_mind():
    """/v1/missing says known, the batch is answered 409 all the same: the certificate left out is added."""
    spool, sock = place("mind")
    segment(spool, 1, [certificate(5), sighting(5)])

    def lie(c, handler, request):
        if request["path"] == "/v1/missing":
            handler.answer(200, {"missing": []})
            return True
        return False

    with Collector(sock, lie) as c:
        submit("--to", "unix:" + sock, spool)
        equal(len(c.batches()), 2)
        equal(len(c.records), 2)


def test_no_missing():
    """A collector that does not answer the question gets everything."""
    spool, sock = place("nomissing")
    segment(spool, 1, [certificate(5), sighting(5)])

    def deaf(c, handler, request):
        if request["path"] == "/v1/missing":
            handler.answer(404, {"error": "no such thing"})
            return True
        return False

    with Collector(sock, deaf) as c:
        submit("--to", "unix:" + sock, spool)
        equal(len(c.records), 2)


def test_later():
    """429 with Retry-After, 503, a reset in the middle of an answer, a half answer, a wrong 200: all tried again, stored once."""
    spool, sock = place("later")
    segment(spool, 1, [certificate(1), sighting(1)])
    steps = ["429", "503", "reset", "half", "nonsense", "taken-then-reset"]

    def trouble(c, handler, request):
        if request["path"] == "/v1/missing" or not steps:
            return False
        step = steps.pop(0)
        if step == "429":
            handler.answer(429, {"error": "slow down"}, [("Retry-After", "1")])
        elif step == "503":
            handler.answer(503, b"<html>gateway</html>")
        elif step == "nonsense":
            handler.answer(200, b"hello")
        elif step == "half":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"stored\":")
            handler.close_connection = True
        else:
            if step == "taken-then-reset":  # stored and committed, but the answer never arrives
                handler.answer, keep = (lambda *a, **k: None), handler.answer
                c.before = None
                c.script(handler, request)
                handler.answer = keep
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        return True

    with Collector(sock, trouble) as c:
        submit("--to", "unix:" + sock, "--wait", "60", spool)
        b = c.batches()
        equal(len(b), 7)
        equal(len({x["key"] for x in b}), 1, "one key for all tries")
        check(b[1]["at"] - b[0]["at"] >= 0.95, "Retry-After was not waited for")
        equal(len(c.records), 2, "stored once")
    equal(segments(spool), [])


def test_question_later():
    """What is put off is put off before it is sent: a question with 429, 503 or a wrong 200 for an answer is asked again, and the batch goes after the good one. Not let in is
    said at once."""
    spool, sock = place("question")
    segment(spool, 1, [certificate(1), certificate(2), sighting(1)])
    steps = [lambda h: h.answer(429, {"error": "slow down"}, [("Retry-After", "2")]), lambda h: h.answer(503, b"<html>gateway</html>"), lambda h: h.answer(200, b"hello")]

    def trouble(c, handler, request):
        if request["path"] != "/v1/missing" or not steps:
            return False
        steps.pop(0)(handler)
        return True

    with Collector(sock, lambda c, h, r: h.answer(429, {"error": "slow down"}) or True) as c:
        check("429: slow down" in submit("--to", "unix:" + sock, "--once", spool, status=3))
        equal([r["path"] for r in c.requests], ["/v1/missing"])
    with Collector(sock, lambda c, h, r: r["path"] == "/v1/missing" and (h.answer(403, {"error": "not enrolled"}) or True)) as c:
        check("not enrolled" in submit("--to", "unix:" + sock, "--wait", "30", spool, status=3))
        equal([r["path"] for r in c.requests], ["/v1/missing"])
    with Collector(sock, trouble) as c:
        c.certificates.add(certificate(2)["sha256"])
        submit("--to", "unix:" + sock, "--wait", "60", spool)
        equal([r["path"] for r in c.requests], ["/v1/missing"] * 4 + ["/v1/batches"])
        check(c.requests[1]["at"] - c.requests[0]["at"] >= 1.95, "Retry-After was not waited for")
        equal([json.loads(x)["type"] for x in c.batches()[0]["body"].splitlines()], ["sighting", "certificate"], "what is known is left out all the same")


def test_refused():
    spool, sock = place("refused")
    segment(spool, 1, [certificate(1), sighting(1)])
    segment(spool, 2, [sighting(1, 444)])

    def refuse(c, handler, request):
        if request["key"] and request["key"].endswith("/1"):
            handler.answer(400, {"error": "framing: \x1b[31mred"})
            return True
        if request["path"] == "/v1/batches":
            handler.answer(200, {"stored": 1, "rejected": []})
            return True
        return False

    with Collector(sock, refuse):
        text = submit("--to", "unix:" + sock, spool, status=1)
        check("\x1b" not in text and "framing" in text, text)
    equal(segments(spool), [])
    equal(files(spool + "/refused"), [RUN + "-00000001.seg", RUN + "-00000001.seg.reason"])
    check("400: framing" in open(spool + "/refused/" + RUN + "-00000001.seg.reason").read())


def test_denied():
    """Identity is a matter between operators: everything stays, one line says why, and nothing is hammered."""
    spool, sock = place("denied")
    segment(spool, 1, [run_record("started")])
    segment(spool, 2, [run_record("finished")])
    with Collector(sock, lambda c, h, r: h.answer(403, {"error": "scanner s1 is not enrolled"}) or True) as c:
        text = submit("--to", "unix:" + sock, spool, status=3)
        equal(len(c.batches()), 1)
    check("not enrolled" in text and "2 segments" in text, text)
    equal(len(segments(spool)), 2)


def test_former_name():
    """A spool with segments of a name that the collector does not take from here: asked once for each, told once, the others are delivered."""
    spool, sock = place("former")
    for n in (1, 2):
        segment(spool, n, [run_record("started")], scanner="former")
    segment(spool, 3, [run_record("started")], scanner="older")
    segment(spool, 1, [run_record("started", RUN2), certificate(1), sighting(1)], run=RUN2)
    segment(spool, 2, [sighting(1, 444), run_record("finished", RUN2)], run=RUN2)

    def theirs(c, handler, request):
        if (request["key"] or "s1/").startswith("s1/"):
            return False
        handler.answer(403, {"error": "the Idempotency-Key is another scanner's"})
        return True

    with Collector(sock, theirs) as c:
        text = submit("--to", "unix:" + sock, spool, status=3)
        equal([b["key"].split("/")[0] for b in c.batches()], ["former", "older", "s1", "s1"], "asked for")
        equal(len(c.records), 5, "the others are stored")
    for name in ("former", "older"):
        equal(text.count("segments of scanner \"%s\" are skipped: 403: the Idempotency-Key is another scanner's" % name), 1, text)
    check("2 batches taken" in text and "3 segments" in text, text)
    equal(segments(spool), ["%s-%08d.seg" % (RUN, n) for n in (1, 2, 3)])


def test_connection():
    """Who is asked after 401, 403 and 5xx is asked over another connection, and the one that was left does not come back; other answers keep it."""
    spool, sock = place("connection")
    for n in range(1, 8):
        segment(spool, n, [run_record("started")], scanner="s%d" % n)
    answers = {"s1": [503, 200], "s2": [200], "s3": [403], "s4": [429, 400], "s5": [401], "s6": [502, 500], "s7": [200]}
    seen = []  # (a connection, what it answered)

    def answer(c, handler, request):
        name = request["key"].split("/")[0]
        status = answers[name].pop(0) if answers[name] else 200
        seen.append((handler, status))
        handler.answer(status, {"stored": 1, "rejected": []} if status == 200 else {"error": "no"})
        return True

    with Collector(sock, answer):
        submit("--to", "unix:" + sock, spool, status=3)
    equal([status for _, status in seen], [503, 200, 200, 403, 429, 400, 401, 502, 500, 200, 200])
    connections = [handler for handler, _ in seen]
    numbers = [connections.index(handler) for handler in connections]
    equal(numbers, [0, 1, 1, 1, 4, 4, 4, 7, 8, 9, 9], "the request that each connection began with")


def test_backoff():
    """A collector that takes nothing is asked less and less often: were it every quarter of a second, these were twenty requests and more."""
    spool, sock = place("backoff")
    segment(spool, 1, [run_record("started")])
    with Collector(sock, lambda c, h, r: h.answer(503, {"error": "away"}) or True) as c:
        submit("--to", "unix:" + sock, "--wait", "5", spool, status=3)
        check(3 <= len(c.batches()) <= 9, len(c.batches()))


def test_verbose():
    """-v tells of every batch what was sent and answered, -vv of what led there; without it nothing of that is told."""
    spool, sock = place("verbose")

    def half(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"stored\":")
        handler.close_connection = True

    answers = [lambda h: h.answer(503, {"error": "away"}), lambda h: h.answer(200, b"hello"), half]

    def trouble(c, handler, request):
        if request["path"] != "/v1/batches" or not answers:
            return False
        answers.pop(0)(handler)
        return True

    with Collector(sock, trouble) as c:
        segment(spool, 1, [certificate(1), sighting(1), sighting(1, 444, realm="other")])
        told = [line for line in submit("-v", "--to", "unix:" + sock, "--wait", "30", spool, status=1).splitlines() if line.startswith("certmuster-submit: batch ")]
        key = 'key="s1/%s/1" lines=3 bytes=' % RUN
        check(len(told) == 4 and all(key in line and " ms=" in line for line in told), told)
        check("status=503" in told[0] and "status=200 stored=0" in told[1] and "reason=" in told[2] and told[3].endswith("status=200 stored=2 rejected=1"), told)
        check(int(told[0].split("bytes=")[1].split()[0]) > 100, told)
        segment(spool, 2, [certificate(2), sighting(2)])
        said = submit("-vv", "--to", "unix:" + sock, spool)
        check("certmuster-submit: question " in said and "certificates=1 status=200 missing=1" in said, said)
        segment(spool, 3, [certificate(3), sighting(3)])
        equal(submit("--to", "unix:" + sock, spool), "1 batches taken, 2 records stored\n")


def test_unreachable():
    spool, sock = place("unreachable")
    segment(spool, 1, [run_record("started")])
    began = time.time()
    text = submit("--to", "unix:" + sock, "--wait", "1", spool, status=3)
    check(0.9 < time.time() - began < 10, "waited %.1f s" % (time.time() - began))
    check("the spool keeps" in text and "1 segments" in text and "certmuster-submit --to unix:" in text, text)
    began = time.time()
    submit("--to", "unix:" + sock, "--once", "-q", spool, status=3)
    check(time.time() - began < 5)
    equal(len(segments(spool)), 1)
    # It comes up while submit waits.
    waiting = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--wait", "30", spool], stdout=subprocess.DEVNULL)
    with Collector(sock) as c:
        equal(waiting.wait(40), 0)
        equal(len(c.records), 1)


def test_silence():
    """A collector that takes the connection and never answers is left after patience, and the spool is whole."""
    spool, sock = place("silence")
    segment(spool, 1, [run_record("started")])
    quiet = socket.socket(socket.AF_UNIX)
    quiet.bind(sock)
    quiet.listen()
    waiting = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--wait", "1", spool], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = waiting.communicate(timeout=40)[0].decode()
    equal(waiting.returncode, 3, text)
    check("does not answer in time" in text, text)
    equal(len(segments(spool)), 1)
    quiet.close()


play([test_whole_run, test_rejected_lines, test_missing_certificates, test_known_changes_its_mind, test_no_missing, test_later, test_question_later, test_refused,
      test_denied, test_former_name, test_connection, test_backoff, test_verbose, test_unreachable, test_silence])

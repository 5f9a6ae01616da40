#!/usr/bin/python3
"""Expiry alerts end to end, by mail and webhook: told once per threshold and at most once a day, to the right people, with what they need;
acknowledged, resolved, reopened; names that would be headers."""
import json, os, sys

import jsonschema

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from alerts_tools import (HOME, SCHEMA, a_day_passes, alert, check, end_after, equal, listener, make, marker, note, postfix, run,
                          set_left, sql, wait_for)


def told_once_with_everything():
    note("told once, with everything that people need, to everybody who shall hear of it")
    sha256 = make("www.pay.example", 5.05, owner="pay", places=12)
    short = make("short.example", 20, owner="pay", lifetime_days=47)
    far = make("far.example", 60, owner="pay", lifetime_days=400)
    anchor = make("anchor.example", 5, owner="pay", role="trust")
    wait_for(30, "webhook", lambda: listener.of("www.pay.example"))
    wait_for(30, "two mails", lambda: len(postfix.mails("www.pay.example")) == 2)
    mails = postfix.mails("www.pay.example")
    equal("recipients", ["a@example.org", "b@example.org"], sorted(str(m["To"]) for m in mails))
    equal("sender", "certmuster <certmuster@muster.example>", str(mails[0]["From"]))
    equal("subject", "www.pay.example expires in 5 days, at 12 places", str(mails[0]["Subject"]))
    check("with ESMTPS" in mails[0].as_string(), "the mail did not come encrypted")
    text = mails[0].get_content()
    for wanted in ("expires in 5 days", "CN=Test CA", sha256, "Owner        pay", "+49 30 1234", "production", "a@example.org, b@example.org, webhook 127.0.0.1",
                   "Places (12):", "h1.example.org", "... and 2 more", "Names (2):", "alt.example.org", f"certmuster alert ack {sha256[:16]}"):
        check(wanted in text, f"'{wanted}' is not in the mail:\n{text}")
    request = listener.of("www.pay.example")[0]
    jsonschema.validate(request["body"], SCHEMA, format_checker=jsonschema.FormatChecker())
    equal("key", request["body"]["id"], request["key"])
    equal("type", "application/json", request["type"])
    equal("path", "/secret-path", request["path"])
    equal("threshold", 7, request["body"]["threshold_days"])
    equal("places", (10, 12), (len(request["body"]["places"]), request["body"]["places_total"]))
    everything = text + request["raw"].decode() + (HOME / "log/collectd.log").read_text() + run("certmuster", "alert", "show", sha256[:16])
    check("secret-path" not in everything, "the webhook's path is a secret")
    marker()
    marker()
    equal("mails after more looks", 2, len(postfix.mails("www.pay.example")))
    equal("webhooks after more looks", 1, len(listener.of("www.pay.example")))
    for quiet, why in ((short, "47 days, 20 left"), (far, "60 days left"), (anchor, "a trust anchor of a store")):
        equal(f"alert of {why}", "", alert(quiet, "threshold"))
    set_left(short, 15)  # below 47 * 30 / 90
    wait_for(30, "the 47-day certificate", lambda: listener.of("short.example"))
    equal("its threshold", 30, listener.of("short.example")[0]["body"]["threshold_days"])
    return sha256


def once_a_day(sha256):
    note("a tighter threshold is told, but no second message within a day")
    set_left(sha256, 2)
    wait_for(30, "threshold 3", lambda: alert(sha256, "threshold") == "3")
    marker()
    equal("webhooks within the day", 1, len(listener.of("www.pay.example")))
    a_day_passes(sha256)
    wait_for(30, "the second message", lambda: len(listener.of("www.pay.example")) == 2)
    equal("its threshold", 3, listener.of("www.pay.example")[1]["body"]["threshold_days"])
    check(listener.requests[-1]["key"] != listener.of("www.pay.example")[0]["key"], "another message has another key")
    wait_for(30, "mails", lambda: len(postfix.mails("www.pay.example")) == 4)
    a_day_passes(sha256)
    marker()
    equal("the same threshold a day later", 2, len(listener.of("www.pay.example")))
    equal("message ids of mails", 4, len({str(m["Message-ID"]) for m in postfix.mails("www.pay.example")}))


def acknowledged(sha256):
    note("acknowledged: silent until a tighter threshold")
    out = run("certmuster", "alert", "ack", sha256[:8], "--note", "INC-4711")
    check("acknowledged: 1 alert" in out, out)
    sql(f"UPDATE alert SET told_threshold = NULL WHERE sha256 = '\\x{sha256}'")  # as if nobody had been told yet
    a_day_passes(sha256)
    marker()
    equal("webhooks while acknowledged", 2, len(listener.of("www.pay.example")))
    listed = json.loads(run("certmuster", "alert", "list", "--format", "json"))
    mine = [a for a in listed if a["sha256"] == sha256][0]
    equal("listed", ("acknowledged", "INC-4711", 3), (mine["state"], mine["acked_note"], mine["threshold_days"]))
    set_left(sha256, -0.1)
    wait_for(30, "expired", lambda: len(listener.of("www.pay.example")) == 3)
    equal("threshold", 0, listener.of("www.pay.example")[2]["body"]["threshold_days"])
    check("expired 2 hours ago" in listener.of("www.pay.example")[2]["body"]["text"], "what it says")
    told = f"SELECT count(*) FROM alert_event WHERE sha256 = '\\x{sha256}' AND event = 'told'"
    wait_for(30, "everybody told of it", lambda: int(sql(told)) == 9)  # three thresholds or days, each to three receivers
    run("certmuster", "alert", "ack", sha256[:16])
    run("certmuster", "alert", "unack", sha256[:16])
    events = sql(f"SELECT event FROM alert_event WHERE sha256 = '\\x{sha256}' ORDER BY at").split()
    equal("history", "opened told threshold told acknowledged threshold told acknowledged unacknowledged".split(),
          [e for i, e in enumerate(events) if i == 0 or e != events[i - 1]])
    run("certmuster", "alert", "unack", sha256[:16], status=1)
    run("certmuster", "alert", "ack", "0" * 16, status=1)
    run("certmuster", "alert", "ack", "xyz", status=2)


def resolved(sha256):
    note("resolved when every place serves a newer one, not before; a webhook hears of it, people do not")
    mails = len(postfix.mails())
    new = make("new.pay.example", 80, owner="pay")
    chain = f"substr('{new}', 1, 32)::uuid"
    renew = f"""UPDATE sighting SET absent_runs = 1 WHERE chain_id = substr('{sha256}', 1, 32)::uuid AND location_id %s;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source) SELECT location_id, {chain}, role, now(), now(), source
  FROM sighting WHERE chain_id = substr('{sha256}', 1, 32)::uuid AND location_id %s"""
    last = f"md5('{sha256}' || 12)::uuid"
    sql(renew % (f"<> {last}", f"<> {last}"))
    wait_for(30, "one place left", lambda: alert(sha256, "places") == "1")
    equal("still open", "", alert(sha256, "resolved_at"))
    sql(renew % (f"= {last}", f"= {last}"))
    wait_for(30, "resolved", lambda: alert(sha256, "resolution") == "renewed")
    end = wait_for(30, "the webhook's end", lambda: listener.of("www.pay.example", "resolved"))
    jsonschema.validate(end[0]["body"], SCHEMA)
    equal("resolution", "renewed", end[0]["body"]["resolution"])
    marker()
    equal("told of the end once", 1, len(listener.of("www.pay.example", "resolved")))
    equal("mails", mails, len(postfix.mails()))
    listed = json.loads(run("certmuster", "alert", "list", "--format", "json"))
    check(sha256 not in [a["sha256"] for a in listed], "a resolved alert is listed as open")
    check(sha256 in [a["sha256"] for a in json.loads(run("certmuster", "alert", "list", "--all", "--format", "json"))], "--all lists it")

    note("it comes back: opened again, told a day after the last message")
    sql(f"UPDATE sighting SET absent_runs = 0 WHERE location_id = {last} AND chain_id = substr('{sha256}', 1, 32)::uuid;"
        f"UPDATE sighting SET absent_runs = 1 WHERE location_id = {last} AND chain_id = {chain}")
    wait_for(30, "reopened", lambda: alert(sha256, "resolved_at IS NULL") == "t")
    marker()
    equal("within the day", 3, len(listener.of("www.pay.example")))
    a_day_passes(sha256)
    wait_for(30, "told again", lambda: len(listener.of("www.pay.example")) == 4)
    sql(f"UPDATE sighting SET closed_at = now() WHERE chain_id = substr('{sha256}', 1, 32)::uuid; UPDATE sighting SET closed_at = now() WHERE location_id = {last}")
    wait_for(30, "resolved again", lambda: alert(sha256, "resolved_at IS NOT NULL") == "t")
    gone = make("gone.example", 5, owner="hook")
    wait_for(30, "told", lambda: listener.of("gone.example"))
    sql(f"UPDATE sighting SET closed_at = now() WHERE chain_id = substr('{gone}', 1, 32)::uuid")
    wait_for(30, "gone", lambda: alert(gone, "resolution") == "gone")


def hostile():
    note("names that hold line breaks, escapes and markup become no header and no line")
    name = "evil\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>\x1b[2J=?UTF-8?Q?=0A?= \u202egnp.exe ünï"
    make(name, 5)
    wait_for(30, "mail", lambda: len(postfix.mails("evil")) == 1)
    mail = postfix.mails("evil")[0]
    equal("recipient", "fallback@example.org", str(mail["To"]))
    check(mail["Bcc"] is None and mail.defects == [], f"headers: {mail.items()} {mail.defects}")
    subject, text = str(mail["Subject"]), mail.get_content()
    for bad in "\r\n\x1b\u202e":
        check(bad not in subject, f"{bad!r} in the subject {subject!r}")
    check("\x1b" not in text and "\nBcc:" not in text and "\u202e" not in text, f"the text: {text!r}")
    check("evil\\x0D\\x0ABcc: victim@example.org" in text, f"the name, escaped: {text!r}")
    check("ünï" in text and "nobody" in text, "the rest of the name, and that nobody owns it")
    equal("nobody else got it", 1, len(postfix.mails("evil")))
    out = run("certmuster", "alert", "list")
    check("\x1b" not in out and "\nBcc" not in out, "alert list")


def main():
    sha256 = told_once_with_everything()
    once_a_day(sha256)
    acknowledged(sha256)
    resolved(sha256)
    hostile()


end_after(main)

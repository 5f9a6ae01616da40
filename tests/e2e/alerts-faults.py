#!/usr/bin/python3
"""Expiry alerts when something is away: receivers that are down, the collector killed with SIGKILL between a receiver's answer and our commit,
a collector that looked at nothing for days, nobody to tell, and owners that change."""
import os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from alerts_tools import (DeliveryLock, HOME, alert, check, configure, end_after, equal, listener, load_owners, make, marker,
                          net_of_the_last, note, postfix, run, sql, up, wait_for)


def receivers_down():
    note("a webhook that fails: tried again with the same key and body, confirmed once")
    listener.status = 503
    make("down.example", 5, owner="hook")
    wait_for(30, "three attempts", lambda: len(listener.of("down.example")) >= 3)
    equal("state", "pending", sql("SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'down.example'"))
    check("HTTP 503" in sql("SELECT last_error FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'down.example'"), "the reason is kept")
    listener.status = 200
    wait_for(60, "sent", lambda: sql("SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'down.example'") == "sent")
    marker()
    requests = listener.of("down.example")
    equal("one key, one body", 1, len({(r["key"], r["raw"]) for r in requests}))
    equal("confirmed once", 1, len([r for r in requests if r["status"] == 200]))

    note("one address is refused: the other gets its mail, once")
    make("refused.example", 5, owner="refused")
    wait_for(30, "the good address", lambda: len(postfix.mails("refused.example")) == 1)
    wait_for(30, "attempts", lambda: int(sql("SELECT max(attempts) FROM delivery WHERE destination = 'refused@example.org'")) >= 3)
    equal("the good address", 1, len(postfix.mails("refused.example")))
    sql("UPDATE delivery SET state = 'failed' WHERE destination = 'refused@example.org'")

    note("the mail server is down, then up")
    postfix.stop()
    make("mailless.example", 5, owner="mail")
    wait_for(30, "attempts", lambda: int(sql("SELECT coalesce(max(attempts), 0) FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'mailless.example'")) >= 2)
    marker()  # webhooks do not wait for the mail server
    postfix.start()
    wait_for(60, "mail", lambda: len(postfix.mails("mailless.example")) == 1)
    marker()
    equal("once", 1, len(postfix.mails("mailless.example")))


def killed_between_answer_and_commit():
    note("SIGKILL between the webhook's answer and our commit: sent again with the same key, then never more")
    locks = []
    listener.before_answer = lambda body: locks.append(DeliveryLock())
    make("crash.example", 5, owner="hook")
    wait_for(30, "the answer", lambda: len(listener.of("crash.example")) == 1)
    wait_for(30, "the collector to wait for its commit", locks[0].collector_waits)
    locks[0].kill_collector()
    state = "SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = "
    equal("state", "sending", sql(state + "'crash.example'"))
    up()
    wait_for(60, "sent again", lambda: len(listener.of("crash.example")) == 2)
    wait_for(30, "confirmed", lambda: sql(state + "'crash.example'") == "sent")
    first, second = listener.of("crash.example")
    equal("key", first["key"], second["key"])
    equal("body", first["raw"], second["raw"])
    marker()
    run("certmuster", "down")
    up()
    marker()
    equal("never again", 2, len(listener.of("crash.example")))

    note("the same with mail: the same Message-ID")
    make("slow.example", 5, owner="slow")
    wait_for(30, "sending", lambda: sql(state + "'slow.example'") == "sending")
    lock = DeliveryLock()  # the mail server takes three seconds over this recipient
    equal("not yet there", 0, len(postfix.mails("slow.example")))
    wait_for(30, "the mail", lambda: len(postfix.mails("slow.example")) == 1)
    wait_for(30, "the collector to wait for its commit", lock.collector_waits)
    lock.kill_collector()
    equal("state", "sending", sql(state + "'slow.example'"))
    up()
    wait_for(60, "the second mail", lambda: len(postfix.mails("slow.example")) == 2)
    wait_for(30, "confirmed", lambda: sql(state + "'slow.example'") == "sent")
    equal("Message-ID", 1, len({str(m["Message-ID"]) for m in postfix.mails("slow.example")}))
    marker()
    equal("never again", 2, len(postfix.mails("slow.example")))


def look_fails():
    note("a look that fails: what is queued is sent all the same, and the next look rests as long as ever")
    state = "SELECT state FROM delivery d JOIN certificate c USING (sha256) WHERE display_name = 'queued.example'"
    failures = lambda: (HOME / "log/collectd.log").read_text().count("permission denied for view expiry_due")
    listener.status = 503
    make("queued.example", 5, owner="hook")
    wait_for(30, "an attempt", lambda: listener.of("queued.example"))
    sql("REVOKE SELECT ON expiry_due FROM certmuster_read")
    try:
        wait_for(30, "a look that fails", lambda: failures() > 0)
        listener.status = 200
        wait_for(60, "sent", lambda: sql(state) == "sent")
        before, began = failures(), time.monotonic()
        wait_for(30, "three more", lambda: failures() >= before + 3)
        check(time.monotonic() - began > 1.8, "the interval is a second")
    finally:
        sql("GRANT SELECT ON expiry_due TO certmuster_read")
    marker()


def missed_runs():
    note("a collector that was away for days tells what is true now, once")
    run("certmuster", "down")
    run("certmuster", "up", "--database-only")
    sha256 = make("missed.example", 0.5, owner="hook")  # 30, 14, 7 and 3 passed while nobody looked
    up()
    wait_for(30, "told", lambda: listener.of("missed.example"))
    equal("threshold", 1, listener.of("missed.example")[0]["body"]["threshold_days"])
    marker()
    equal("once", 1, len(listener.of("missed.example")))
    equal("thresholds noted", "1", alert(sha256, "told_threshold"))


def nobody_to_tell():
    note("nobody to tell: the alert stays open, one line says so; told as soon as there is somebody")
    configure(fallback=False)
    run("certmuster", "down")
    up()
    sha256 = make("lonely.example", 5)
    silent = make("silent.example", 5, owner="silent")
    wait_for(30, "open", lambda: alert(sha256, "threshold") == "7" and alert(silent, "threshold") == "7")
    marker()
    marker()
    check("untold" in run("certmuster", "alert", "list", "--owner", "silent"), "listed as untold")
    lines = [l for l in (HOME / "log/collectd.log").read_text().splitlines() if "alerts_without_recipient" in l]
    check(1 <= len(lines) <= 2, f"one line per change, not per look: {lines}")
    configure(fallback=True)
    run("certmuster", "down")
    up()
    wait_for(30, "told", lambda: len(postfix.mails("lonely.example")) == 1 and len(postfix.mails("silent.example")) == 1)


def reassigned():
    note("another owner: the one is done with it, the other is told")
    sha256 = make("moved.example", 5, owner="mail")
    wait_for(30, "told", lambda: len(postfix.mails("moved.example")) == 1)
    load_owners("rules:\n  - {cidr: %s, owner: hook}\n" % net_of_the_last())
    # The rules decide over all places; those of the other steps get their owners back.
    wait_for(30, "reassigned", lambda: alert(sha256, "resolution", "mail") == "reassigned")
    wait_for(30, "the new owner", lambda: listener.of("moved.example"))
    equal("the old one's mails", 1, len(postfix.mails("moved.example")))


def main():
    receivers_down()
    killed_between_answer_and_commit()
    look_fails()
    missed_runs()
    nobody_to_tell()
    reassigned()


end_after(main)

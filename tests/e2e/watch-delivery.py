#!/usr/bin/python3
"""What a watch that root started sees ends in the inventory, with nothing configured: `certmuster up`, watch off a capture and off a wire, whatever becomes of the
collector and of the watch itself, and `certmuster submit` for the rest. The release build, whose confinement is the strict one. Needs root."""
# profile: release
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from capture_tools import *
from netns_tools import *

HOME = work + "/home"
os.environ["CERTMUSTER_HOME"] = HOME
DER = make_certificate(work, "delivered.example")
SIDES = {}


def certmuster(*words, status=0):
    done = subprocess.run([BIN + "/certmuster", *words], capture_output=True, text=True, timeout=300)
    equal(f"certmuster {words}: {done.stdout} {done.stderr}", status, done.returncode)
    return done.stdout + done.stderr


def known(number):
    return f"10.1.0.{number}:443" in certmuster("report", "inventory")


def waiting():
    """Segments in either spool."""
    return [name for spool in ("spool", "spool-watch") if os.path.isdir(f"{HOME}/{spool}") for name in os.listdir(f"{HOME}/{spool}") if ".seg" in name]


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o600)


def say_on_wire(number):
    send_frames(SIDES["far"], "veth0", [frame(packet) for packet in packets(number, DER)])


def prepare():
    """a namespace with a veth pair, and `certmuster up`"""
    SIDES.update(near=Namespace(), far=Namespace())
    connect(SIDES["near"], SIDES["far"])
    os.mkdir(HOME)
    certmuster("up")


def test_capture():
    """off a file that only root may read: delivered before the watch ends, nothing is left"""
    write(work + "/capture", HEADER + capture(1, DER) + capture(2, DER))
    text = certmuster("watch", "-r", work + "/capture")
    holds("the table", "10.1.0.1:443" in text and "delivered.example" in text, text)
    holds("the inventory", known(1) and known(2))
    equal("left", [], waiting())
    write(work + "/damaged", HEADER + capture(3, DER) + b"\xff" * 40)
    certmuster("watch", "-r", work + "/damaged", status=1)
    holds("what stood before the damage", known(3))


def test_wire():
    """off an interface: delivered while the watch goes on"""
    watch = Watch(SIDES["near"], "-i", "veth0", json_out=False)
    equal("the spool's owner and rights", (watch.user, 0o40700), (os.stat(HOME + "/spool-watch").st_uid, os.stat(HOME + "/spool-watch").st_mode))
    say_on_wire(10)
    wait_until("the inventory", lambda: known(10), 60)
    equal("status", 143, watch.stop())
    equal("left", [], waiting())


def test_outage():
    """the collector is away: one watch is killed, one ends and says where records wait; submit without operands delivers what both have seen"""
    certmuster("down")
    watch = Watch(SIDES["near"], "-i", "veth0", json_out=False)
    say_on_wire(20)
    wait_until("it to be spooled", lambda: any("10.1.0.20" in open(f"{HOME}/spool-watch/{name}", encoding="utf-8", errors="replace").read() for name in waiting()))
    watch.process.kill()
    watch.process.wait()
    watch = Watch(SIDES["near"], "-i", "veth0", json_out=False, config="submit: {wait: 1s}\n")
    say_on_wire(30)
    wait_until("the table", lambda: "10.1.0.30" in open(watch.name + ".out", encoding="utf-8").read())
    equal("status", 143, watch.stop())
    holds("where they wait", f"{HOME}/spool-watch" in watch.said(), watch.said())
    certmuster("up")
    status = certmuster("status")
    holds("the status knows", re.search(r"2 segments, \d+ KiB wait for delivery, " + HOME + "/spool-watch", status), status)
    holds("they were not told yet", not known(20) and not known(30))
    text = certmuster("submit")
    holds("submit", "2 batches taken" in text, text)
    holds("the inventory", known(20) and known(30))
    equal("left", [], waiting())


def test_unreachable():
    """a spool that the user cannot reach is told before a packet is read"""
    os.makedirs(work + "/closed", 0o700)
    with open(work + "/closed.yaml", "w", encoding="utf-8") as file:
        file.write(f"spool: {{dir: {work}/closed/spool}}\n")
    text = certmuster("watch", "--config", work + "/closed.yaml", "-r", work + "/capture", status=3)
    holds("one clear line", re.search(r"the user that goes on cannot reach the spool: .*/closed/spool-watch as nobody", text) and text.count("certmuster-watch:") == 1, text)


try:
    main(prepare, test_capture, test_wire, test_outage, test_unreachable)
finally:
    if os.path.isdir(HOME):
        certmuster("down")

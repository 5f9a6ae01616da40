"""What the tests in Python have in common, whatever they are about: to say what was expected, to wait for a thing, to run one part after another. Not a test itself.

What does not hold is an AssertionError: the test ends by it, and whoever began something ends it on the way out."""
import os
import pty
import signal
import sys
import time

SHOWN_MAX = 4000  # characters of what is shown besides
done = set()  # the names of the tests that were played


def fail(text):
    raise AssertionError(text)


def equal(what, expected, actual):
    if expected != actual:
        fail(f"{what}: expected {expected!r}, got {actual!r}")


def holds(what, condition, *shown):
    if not condition:
        fail(f"{what}: {shown!r}"[:SHOWN_MAX])


def note(text):
    print("---", text, flush=True)


def wait_until(what, condition, seconds=60):
    """What the condition says once that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            fail(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)
    return value


def end_in_order():
    """Whoever ends this test lets it end what it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def play(tests):
    """All of `tests`, or those that the command line names, in their order; one that it names and that is not there is a failure."""
    named = {word.removeprefix("test_") for word in sys.argv[1:]}
    unknown = named - {test.__name__.removeprefix("test_") for test in tests}
    if unknown:
        fail(f"there is no test {', '.join(sorted(unknown))}: {', '.join(test.__name__.removeprefix('test_') for test in tests)}")
    for test in tests:
        name = test.__name__.removeprefix("test_")
        if named and name not in named:
            continue
        began = time.monotonic()
        try:
            test()
        except BaseException:
            print(f"FAIL {name}", flush=True)
            raise
        done.add(test.__name__)
        print(f"ok   {name} {time.monotonic() - began:.1f}s", flush=True)


def play_parts(tests, started):
    """Each after what it says it is about; whatever of `started` still runs then is killed."""
    end_in_order()
    try:
        for test in tests:
            note(test.__doc__)
            test()
    finally:
        for process in started:
            process.kill()
            process.wait()
    print(f"{len(tests)} parts: ok", flush=True)


def tell_logs(directory, lines=25):
    """The end of every log below a directory."""
    for root, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(name for name in names if name.endswith(".log")):
            with open(f"{root}/{name}", errors="replace") as log:
                print(f"== {root}/{name}\n" + "".join(log.readlines()[-lines:]), flush=True)


class Screen:
    """A terminal that a program writes to, `ours` and `theirs` its two ends; look() tells all that was shown so far."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        self.shown = ""

    def look(self):
        try:
            self.shown += os.read(self.ours, 1 << 16).decode()
        except OSError:
            pass
        return self.shown

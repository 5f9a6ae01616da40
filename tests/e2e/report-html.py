#!/usr/bin/python3
# profile: release
"""The HTML page in Chromium: sort and search change the rows, no request leaves, hostile names stay text, 20,000 rows stay quick, the
picture adds up, keyboard and dark mode work. The page comes from a real inventory (tests/data/report/fixture.sql)."""
import json, os, re, socket, subprocess, sys, tempfile, threading, time

from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TOP = os.environ.get("CM_TOP", os.getcwd())
BIN = os.environ.get("CM_BIN", "build/release")
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(TMP, 0o755)
HOME = os.path.join(TMP, "home")
ROWS = 20000
os.environ.update(CERTMUSTER_HOME=HOME, PATH=BIN + ":/usr/lib/postgresql/15/bin:" + os.environ["PATH"])


def run(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, universal_newlines=True, **more).stdout


def sql(text, n=None):
    words = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", open(HOME + "/sockets").read().strip(), "-U", "certmuster_admin", "-d", "certmuster"]
    return run(*words, *(["-v", f"n={n}", "-f", text] if n else ["-c", "SET search_path = certmuster", "-c", text])).strip()


def page(name, *words):
    path = os.path.join(TMP, name + ".html")
    run("certmuster-report", *words, "--format", "html", "-o", path)
    return "file://" + path


def chromium():
    options = Options()
    for word in ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
                 "--disable-sync --disable-dev-shm-usage --no-proxy-server --window-size=1400,1000").split() + ["--user-data-dir=" + TMP + "/chromium"]:
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.page_load_strategy = "normal"
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver", log_path=TMP + "/chromedriver.log"), options=options)
    driver.set_script_timeout(60)
    driver.set_page_load_timeout(120)
    return driver


def count():
    return browser.find_element(By.ID, "count").text


def column(name):
    """What stands in the first line of each visible cell of a column, top down."""
    return browser.execute_script(
        "const i = [...document.querySelectorAll('thead th')].findIndex((th) => th.classList.contains('col-' + arguments[0]));"
        "return [...document.querySelectorAll('tr.row')].map((tr) => tr.children[i].firstElementChild.textContent);", name)


def search(text):
    box = browser.find_element(By.ID, "search")
    box.clear()
    box.send_keys(text or " " + Keys.BACKSPACE)


def click_title(name):
    browser.find_element(By.CSS_SELECTOR, f"th.col-{name} button").click()
    return browser.find_element(By.CSS_SELECTOR, f"th.col-{name}").get_attribute("aria-sort")


def requests():
    """The addresses of everything that the page asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def test_sort():
    browser.get(EXPIRING)
    rows = int(sql("SELECT count(*) FROM certificate_in_use WHERE not_after <= now() + interval '60 days'"))
    assert count() == f"{rows:,} rows", (count(), rows)
    assert browser.find_element(By.CSS_SELECTOR, "th.col-not_after").get_attribute("aria-sort") == "ascending"
    before = column("name")
    assert click_title("name") == "ascending"
    up = column("name")
    assert up != before and [n.lower() for n in up] == sorted(n.lower() for n in up), up
    assert click_title("name") == "descending"
    down = column("name")
    assert [n.lower() for n in down] == sorted((n.lower() for n in down), reverse=True) and down[0] != up[0], down
    click_title("places")
    click_title("places")
    assert column("places")[0] == "12", column("places")[:3]  # numbers sort as numbers: 12 before 2 and 1
    assert count() == f"{rows:,} rows"
    for title in browser.find_elements(By.CSS_SELECTOR, "thead th button"):
        title.click()
        assert len(browser.find_elements(By.CSS_SELECTOR, "th[aria-sort]")) == 1


def test_search():
    browser.get(EXPIRING)
    total = count().split()[0]
    search("host-7")
    assert count().endswith(f"of {total} rows") and all("host-7" in name for name in column("name")), count()
    search('host-7 -"host-77"')
    assert column("name") and not any("host-77" in name for name in column("name"))
    search("no such thing anywhere")
    assert count() == f"0 of {total} rows" and browser.find_element(By.ID, "empty").is_displayed()
    search("")
    assert count() == f"{total} rows"
    fingerprint = sql("SELECT encode(sha256, 'hex') FROM certificate WHERE display_name = '*.shop.example.org'")
    search(fingerprint)
    assert column("name") == ["*.shop.example.org"], column("name")
    search("")
    chip = browser.find_element(By.XPATH, "//div[@id='chips']/button[starts-with(., 'Expired')]")
    chip.click()
    expired = int(sql("SELECT count(*) FROM certificate_in_use WHERE not_after <= now()"))
    assert count() == f"{expired:,} of {total} rows" and chip.get_attribute("aria-pressed") == "true", count()
    assert all(text.endswith("ago") for text in column("not_after"))


def test_picture():
    browser.get(EXPIRING)
    bars = browser.execute_script("return [...document.querySelectorAll('.chart .day')].map((g) => [g.dataset.day, g.querySelector('title').textContent]);")
    counted = {day: int(re.search(r"(?:: |^)([\d,]+) ", text).group(1).replace(",", "")) for day, text in bars}
    wanted = dict(line.split("|") for line in sql(
        "SELECT CASE WHEN not_after <= now() THEN 'overdue' ELSE to_char(not_after, 'YYYY-MM-DD') END, count(*) FROM certificate_in_use"
        " WHERE (not_after AT TIME ZONE 'UTC')::date <= (now() AT TIME ZONE 'UTC')::date + 90 GROUP BY 1").split("\n"))
    assert counted == {day: int(number) for day, number in wanted.items()}, (counted, wanted)
    day = bars[5][0]
    browser.execute_script("document.querySelectorAll('.chart .day')[5].dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert browser.find_element(By.ID, "search").get_attribute("value") == "expires:" + day
    assert count().startswith(f"{counted[day]:,} of "), (count(), counted[day])
    svg = browser.find_element(By.CSS_SELECTOR, "svg.chart")
    assert svg.get_attribute("role") == "img" and "expire within 7 days" in svg.find_element(By.TAG_NAME, "desc").get_attribute("textContent")


def test_hostile():
    for address in (EXPIRING, INVENTORY):
        browser.get(address)
        assert browser.execute_script("return document.scripts.length") == 2
        search("=cmd")
        names = column("name")
        assert len(names) == 1 and names[0].startswith("=cmd|'/C calc'!A0 <script>alert(\"x\")</script>\\u{000A}\\u{001B}[31mred\\u{202E}evil"), names
        browser.find_element(By.CSS_SELECTOR, "tr.row").click()
        details = browser.find_element(By.ID, "details")
        assert details.is_displayed() and "onerror=alert(1)" in details.text and "<b>ops</b>" in details.text, details.text
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
        assert not details.is_displayed()
        for tag in ("img", "iframe", "b > ops", "i"):
            assert not browser.find_elements(By.CSS_SELECTOR, "#window " + tag), tag
        assert not browser.execute_script("return /[\\u202a-\\u202e\\u0000-\\u0008\\u000e-\\u001f]/.test(document.body.innerText)")
    search("<i>x")
    assert any("<i>x\\u{000A}.pem" in place for place in column("place")), column("place")
    try:
        browser.switch_to.alert.dismiss()
        raise AssertionError("a name ran as a script")
    except NoAlertPresentException:
        pass


def test_no_request_leaves():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    callers = []

    def take():
        while True:
            try:
                callers.append(listener.accept()[1])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    requests()
    for address in (EXPIRING, INVENTORY):
        browser.get(address)
        search("host-5")
        click_title("not_after")
        # Whatever came to run in the page could not tell anybody: the policy lets nothing out.
        blocked = browser.execute_async_script("""
            const [url, done] = arguments, seen = [];
            addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
            new Image().src = url;
            const script = document.createElement("script");
            script.src = url;
            document.head.append(script);
            const style = document.createElement("div");
            style.setAttribute("style", "background: url(" + url + ")");
            document.body.append(style);
            fetch(url).catch(() => {});
            const inline = document.createElement("script");
            inline.textContent = "window.ran = true";
            document.head.append(inline);
            const poll = () => (seen.length >= 5 ? done([...new Set(seen)].concat(window.ran ? ["ran"] : [])) : setTimeout(poll, 20));
            poll();""", f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert {"img-src", "script-src-elem", "style-src-attr", "connect-src"} <= set(blocked) and "ran" not in blocked, blocked
    left = [url for url in requests() if not url.startswith(("file://", "data:"))]
    # Chromium logs a request that the policy then stops; none may have reached anybody.
    assert all(url.startswith("http://127.0.0.1:") for url in left), left
    assert not callers, callers
    browser.get(EXPIRING)
    requests()
    search("shop")
    assert [url for url in requests() if not url.startswith("data:")] == [], "typing asks for something"
    listener.close()


def test_many_rows():
    """20,000 rows against 1,000: the work per row may not grow, and the document holds only what can be seen."""
    measured = {}
    for name, address in (("few", FEW), ("many", INVENTORY)):
        browser.get(address)
        measured[name] = browser.execute_script("""
            const box = document.getElementById("search"), title = document.querySelector("th.col-name button");
            const time = (work) => { const from = performance.now(); work(); return performance.now() - from; };
            const type = (text) => { box.value = text; box.dispatchEvent(new Event("input")); };
            type("warm"); type("");
            const median = (work) => [1, 2, 3, 4, 5].map(() => time(work)).sort((a, b) => a - b)[2];
            return {search: median(() => { type("host-1 -host-2"); type(""); }), sort: median(() => title.click()),
                    nodes: document.querySelectorAll("#table *").length};""")
    few, many = measured["few"], measured["many"]
    print("1,000 rows:", few, "20,000 rows:", many)
    for work in ("search", "sort"):
        assert many[work] < 60 * max(few[work], 2), (work, measured)
    assert many["nodes"] < 1500, many
    places = int(sql("SELECT count(*) FROM location_state")) - 1
    assert count() == f"{places:,} rows", count()
    last = browser.execute_async_script("""
        const done = arguments[0], scroller = document.getElementById("window");
        scroller.scrollTop = scroller.scrollHeight;
        const poll = () => { const rows = [...document.querySelectorAll("tr.row")], last = rows[rows.length - 1];
            last && Number(last.getAttribute("aria-rowindex")) === Number(document.getElementById("table").getAttribute("aria-rowcount")) &&
                last.getBoundingClientRect().bottom <= scroller.getBoundingClientRect().bottom + 1 ? done(rows.length) : setTimeout(poll, 20); };
        poll();""")
    assert last < 100, last
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert len(browser.find_elements(By.CSS_SELECTOR, "tr.row")) == 5000, "print holds many rows, not all"
    browser.execute_script("dispatchEvent(new Event('afterprint'))")


def test_keyboard():
    browser.get(EXPIRING)
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "search"
    position = lambda: browser.switch_to.active_element.get_attribute("data-position")
    for _ in range(30):  # through search, chips, table, titles, to the row
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if position() is not None:
            break
    assert position() == "0", "no row can be reached by Tab"
    ActionChains(browser).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN).perform()
    assert position() == "2"
    ActionChains(browser).send_keys(Keys.END).perform()
    assert int(position()) == int(count().split()[0].replace(",", "")) - 1
    ActionChains(browser).send_keys(Keys.HOME, Keys.ENTER).perform()
    assert browser.find_element(By.ID, "details").is_displayed()
    assert browser.find_element(By.ID, "details-title").text == column("name")[0]
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert position() == "0", "the row lost the focus"


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    return sum(weight * (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4) for weight, c in zip((0.2126, 0.7152, 0.0722), parts))


def test_dark():
    seen = {}
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        browser.get(EXPIRING)
        style = lambda selector, what: browser.find_element(By.CSS_SELECTOR, selector).value_of_css_property(what)
        ground = luminance(style("#window", "background-color"))
        seen[scheme] = ground
        for selector in ("tr.row td", ".under", "th button", ".pill.expired"):
            back = luminance(style(selector, "background-color")) if selector.startswith(".pill") else ground
            ink = luminance(style(selector, "color"))
            contrast = (max(ink, back) + 0.05) / (min(ink, back) + 0.05)
            assert contrast >= 4.5, (scheme, selector, contrast)  # WCAG 2.1, 1.4.3
    assert seen["light"] > 0.8 and seen["dark"] < 0.05, seen
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_width():
    browser.get(INVENTORY)
    for width in (420, 1400):
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), f"the page is wider than {width}"
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_errors():
    """What the browser complained about, the violations made on purpose apart."""
    complaints = [e for e in browser.get_log("browser") if e["level"] == "SEVERE" and "Content Security Policy" not in e["message"] and "127.0.0.1" not in e["message"]]
    assert not complaints, complaints


browser, failed = None, []
try:
    run("certmuster", "up", "--database-only")
    sql(os.path.join(TOP, "tests/data/report/fixture.sql"), n=1000)
    FEW = page("few", "inventory")
    sql("TRUNCATE certificate, certificate_name, chain, chain_verdict, location, sighting, location_state, observation, scanner, run, owner")
    sql(os.path.join(TOP, "tests/data/report/fixture.sql"), n=ROWS)
    EXPIRING, INVENTORY = page("expiring", "expiring", "--within", "60d"), page("inventory", "inventory")
    browser = chromium()
    for name, test in [(name, value) for name, value in list(globals().items()) if name.startswith("test_")]:
        began = time.time()
        try:
            test()
            print(f"ok    {name}  {time.time() - began:.1f}s", flush=True)
        except Exception as error:  # each test speaks for itself
            failed.append(name)
            print(f"FAIL  {name}: {type(error).__name__}: {str(error)[:2000]}", flush=True)
            browser.save_screenshot(os.path.join(TMP, name + ".png"))
finally:
    if browser:
        browser.quit()
    subprocess.run(["certmuster", "down"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if failed:
    sys.exit(f"failed: {' '.join(failed)}; screenshots in {TMP}")

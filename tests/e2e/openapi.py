#!/usr/bin/python3
"""contrib/openapi.yaml is true: each example runs as it stands, its status is the one it says, its answer fits the schema; the paths are those that the collector serves, and every
final status that is documented has an example."""
import glob, json, os, re, subprocess, tempfile
import jsonschema, yaml
from collectd_tools import Collector, client_context, make_pki
from common import fail, wait_until

TOP = os.environ["CM_TOP"]
os.environ["PATH"] = os.environ["CM_BIN"] + ":/usr/lib/postgresql/15/bin:" + os.environ["PATH"]
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(work, 0o755)
os.environ["CERTMUSTER_HOME"] = f"{work}/home"
document = yaml.safe_load(open(f"{TOP}/contrib/openapi.yaml"))
SET_UP_ELSEWHERE = {"403", "408", "429", "500", "503"}  # a stranger, a slow one, a flood, a database that fails or is away: delivery.py, collectd.py, enrol.py, siege.py


def resolve(node):
    """The document with every $ref replaced by what it names; an unknown one is an error."""
    if isinstance(node, list):
        return [resolve(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return resolve(target)
    return {key: resolve(value) for key, value in node.items()}


def check_sample(where, operation, sample):
    source = sample["source"].replace("curl -sS ", f"curl -sS -w '%{{stderr}}%{{http_code}} %{{content_type}}' ")
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", source], capture_output=True, text=True, env=os.environ, cwd=work)
    status, _, kind = done.stderr.partition(" ")
    if done.returncode or status != str(sample["x-status"]):
        fail(f"{where}, {sample['label']}: expected {sample['x-status']}, got {done.returncode} {done.stderr} {done.stdout}")
    answers = operation["responses"][status].get("content")
    if not answers:
        if done.stdout:
            fail(f"{where}, {sample['label']}: an answer without content has {done.stdout!r}")
        return
    kind = kind.split(";")[0]
    if kind not in answers:
        fail(f"{where}, {sample['label']}: answers {kind}, documented is {list(answers)}")
    schema = answers[kind]["schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(done.stdout) if kind == "application/json" else done.stdout, schema)


def check_operation(path, method, operation):
    where, samples = f"{method.upper()} {path}", operation["x-codeSamples"]
    for status, answer in operation["responses"].items():
        if not answer.get("description") or ("content" not in answer and status != "204" and method != "head"):
            fail(f"{where}: answer {status} is not described")
    for sample in samples:
        if path.split("{")[0] not in sample["source"]:
            fail(f"{where}, {sample['label']}: asks another path")
        check_sample(where, operation, sample)
    shown = {str(sample["x-status"]) for sample in samples}
    if not shown >= set(operation["responses"]) - SET_UP_ELSEWHERE:
        fail(f"{where}: no example of {sorted(set(operation['responses']) - SET_UP_ELSEWHERE - shown)}")
    for sample in samples:  # the same key again: the same answer
        if method == "post":
            check_sample(where, operation, sample)


ANSWERS = r'(?:answer(?:_error|_missing)?|refuse|connection_farewell)\(.*?\b([2-5]\d\d)\b|status = ([2-5]\d\d);|CM_ELIMIT \? (\d+) : (\d+)'


def answered(*files):
    """The statuses that these sources answer with."""
    found = set()
    for file in files:
        found |= {status for row in re.findall(ANSWERS, open(f"{TOP}/collector/{file}.c").read()) for status in row if status}
    if not found:
        fail(f"no status in {files}")
    return found


def check_statuses(path, method, operation):
    """What any request may be answered, and what this kind may be, is documented."""
    own = {"/v1/batches": ["ingest/store"], "/v1/missing": [], "/v1/leases": ["ingest/leases"], "/v1/leases/{lease}": ["ingest/leases"]}
    everywhere = answered("http/routes", "http/connections") - {"400", "404", "415"}
    possible = everywhere if method == "get" else everywhere - {"405"} if method == "head" else answered("http/routes", "http/connections", "ingest/queue", *own[path]) - ({"404"} if "{" not in path else set())
    if path == "/v1/leases":
        possible -= {"409", "425"}  # of a lease that is reported on
    if path == "/v1/leases/{lease}":
        possible -= {"204"}  # of one that is asked for
    if not possible <= set(operation["responses"]):
        fail(f"{method.upper()} {path}: {sorted(possible - set(operation['responses']))} may be answered and is not documented")


def check_methods():
    """Each path with the methods that its route allows."""
    for path, word, allow in re.findall(r'^    \{(?:"(/[^"]*)"|DELIVERY_(\w+)), EVHTTP_REQ_\w+, "([^"]*)"', open(f"{TOP}/collector/http/routes.c").read(), re.M):
        path = path or "/v1/" + word.lower()
        if set(allow.lower().split(", ")) != set(document["paths"][path]):
            fail(f"{path} takes {allow}, documented are {list(document['paths'][path])}")


def check_encodings():
    """Every word that a body's encoding may be called by, at every request that has a body."""
    words = set(re.findall(r'strcasecmp\(value, "([\w-]+)"\)', open(f"{TOP}/collector/http/body.c").read()))
    documented = set(document["components"]["parameters"]["ContentEncoding"]["schema"]["enum"])
    if words != documented or not words:
        fail(f"encodings {sorted(words)}, documented are {sorted(documented)}")
    for path, item in document["paths"].items():
        if "post" in item and {"$ref": "#/components/parameters/ContentEncoding"} not in item["post"]["parameters"]:
            fail(f"{path}: its encoding is not documented")


def check_not_ready():
    """Over TLS, before the list of who is enrolled could be read."""
    make_pki(work, ["server", "alpha"])
    with open(f"{work}/tls.yaml", "w") as out:
        out.write(f"collector: {{listen: '127.0.0.1:0', tls: {{cert: {work}/server.pem, key: {work}/server.key, client_ca: {work}/ca.pem}}}}\n")
    with open(f"{work}/tls.log", "w") as out:
        child = subprocess.Popen(["certmuster-collectd", "--config", f"{work}/tls.yaml", "--socket", f"{work}/tls.sock", "--dsn", f"host={work}/nowhere dbname=certmuster"], stderr=out)
    try:
        wait_until("it listens", lambda: "ready" in open(f"{work}/tls.log").read())
        port = int(re.search(r"tls=127\.0\.0\.1:(\d+)", open(f"{work}/tls.log").read())[1])
        status, content = Collector(("127.0.0.1", port, client_context(work, "alpha"))).get("/healthz")
        if status != 503 or "error" not in json.loads(content):
            fail(f"not ready: {status} {content}")
        jsonschema.validate(json.loads(content), resolve(document["paths"]["/healthz"]["get"])["responses"]["503"]["content"]["application/json"]["schema"])
    finally:
        child.terminate()
        child.wait(30)


def main():
    subprocess.run(["certmuster", "up"], check=True, capture_output=True)
    os.environ["SOCKET"] = open(f"{work}/home/sockets").read().strip() + "/collectd.sock"
    served = set(re.findall(r'^    \{(?:"(/[^"]*)"|DELIVERY_(\w+)), EVHTTP', open(f"{TOP}/collector/http/routes.c").read(), re.M))
    paths = {path or "/v1/" + word.lower() for path, word in served}
    if paths != set(document["paths"]):
        fail(f"the collector serves {sorted(paths)}, documented are {sorted(document['paths'])}")
    operations = [(path, method, resolve(operation)) for path, item in document["paths"].items() for method, operation in item.items()]
    documented = {status for _, _, operation in operations for status in operation["responses"]}
    known = answered(*(os.path.relpath(file, f"{TOP}/collector").removesuffix(".c") for room in ("http", "ingest") for file in glob.glob(f"{TOP}/collector/{room}/*.c")))
    if documented != known:
        fail(f"either documented or answered, not both: {sorted(documented ^ known)}")
    check_methods()
    check_encodings()
    check_not_ready()
    ids = [operation["operationId"] for _, _, operation in operations]
    if len(set(ids)) != len(ids) or not document["openapi"].startswith("3.1"):
        fail("operation ids")
    for path, method, operation in operations:
        check_statuses(path, method, operation)
        check_operation(path, method, operation)
        print(f"{method.upper()} {path}: {len(operation['x-codeSamples'])} examples")


try:
    main()
finally:
    subprocess.run(["certmuster", "down"], capture_output=True)

"""What the test of roles knows: who may do what, as a short table of rules, and how each of it is tried.

A table that the rules do not name may be read by certmuster_read and its members, and written by nobody but the schema's owner: whoever adds one and grants more has to say so here."""
import glob, os, shutil, subprocess, tempfile

PG = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
ROLES = ("certmuster_read", "certmuster_ingest", "certmuster_operate", "certmuster_admin", "certmuster_audit", "stranger")

# S select, I insert, U update (with columns in parentheses: these alone), D delete, T truncate, A alter, X drop.
RULES = {
    "certmuster_read": {"*": "S"},
    "certmuster_ingest": {
        "*": "S",
        "certificate": "SIU(first_seen,last_seen,retired_at,superseded_at)", "certificate_name": "SI", "chain": "SI", "chain_issuers": "SI", "location": "SIU(first_seen)",
        "sighting": "SIU", "location_state": "SIU", "observation": "SI",
        "key_file": "SIU", "store": "SIU", "csr": "SIU", "crl": "SIU", "ssh_certificate": "SIU",
        "told": "SIUD", "place_absence": "SIUD", "place_gone": "SIUD",
        "chain_verdict": "SIUD", "chain_shape": "SIU", "docket": "SIUD", "trust_store": "SIUD", "trust_store_named": "SIUD", "trust_anchor": "SIUD", "configuration": "SIUD",
        "scanner": "SIU(last_seen,skewed_ms)", "worker_asked": "SIU", "run": "SIU", "batch": "SID", "upkeep": "SIU",
        "alert": "SIU", "alert_event": "SI", "delivery": "SIU",
        "sweep_plan": "SU(next_at)", "realm_limit": "SU(turn)", "sweep": "SIUD", "shard": "SIUD", "lease": "SIUD"},
    "certmuster_operate": {
        "*": "S",
        "owner": "SIUD", "owner_rule": "SIUD", "location_state": "SU(owner)",
        "scanner": "SIU", "scanner_certificate": "SIU", "sweep_plan": "SIUD", "realm_limit": "SIUD", "sweep": "SIU", "shard": "SIU", "lease": "SIU"},
    "certmuster_admin": {"*": "SIUDTAX", "audit_log": "SX", "audit_head": "SX"},  # owns the schema, so may drop what is in it; the log has another owner
    "certmuster_audit": {"*": "", "audit_log": "SIUDTAX", "audit_head": "SIUDTAX"},  # nobody is this role
    "stranger": {"*": ""},
}
# Functions that run with their owner's rights, and who may call them. All others run with the caller's, and every reader may call them.
DEFINERS = {
    "alert_acknowledge": {"certmuster_operate", "certmuster_admin"},
    "audit_append": {"certmuster_ingest", "certmuster_operate", "certmuster_admin", "certmuster_audit"},
    "observation_day": {"certmuster_ingest", "certmuster_admin"},
    "observation_forget": {"certmuster_ingest", "certmuster_admin"},
    "places_hold": {"certmuster_operate", "certmuster_admin"},
}


class Cluster:
    """A PostgreSQL as an operator has it: the superuser is somebody else, certmuster_admin makes roles and owns the database, every program logs in as itself."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cm-roles.", dir="/tmp")  # a socket's path holds 107 bytes
        os.chmod(self.dir, 0o755)
        if os.getuid() == 0:
            shutil.chown(self.dir, "postgres")
        self.program("initdb", "-D", f"{self.dir}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.program("pg_ctl", "-D", f"{self.dir}/data", "-w", "-s", "-l", f"{self.dir}/log", "-o", f"-k {self.dir} -c listen_addresses= -c fsync=off", "start")
        self.sql("CREATE ROLE certmuster_admin LOGIN CREATEROLE; CREATE ROLE stranger LOGIN", database="postgres")
        self.sql("CREATE DATABASE certmuster OWNER certmuster_admin", database="postgres")

    def program(self, name, *arguments):
        command = [f"{PG}/{name}", *arguments]
        subprocess.run(["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def psql(self, text, user="postgres", database="certmuster"):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-U", user, "-d", database, "-f", "-"], input=text,
                              capture_output=True, text=True)

    def sql(self, text, user="postgres", database="certmuster"):
        done = self.psql("SET search_path = certmuster;" + text, user, database)
        if done.returncode:
            raise AssertionError(f"{text[:500]}: {done.stderr}")
        return done.stdout.strip()

    def rows(self, text, user="postgres"):
        return [tuple(line.split("|")) for line in self.sql(text, user).splitlines()]

    def login(self, name, role):
        """One that is a member of this role and of nothing else."""
        self.sql(f"CREATE ROLE {name} LOGIN IN ROLE {role}")

    def stop(self):
        try:
            self.program("pg_ctl", "-D", f"{self.dir}/data", "-w", "-s", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


def attempt(cluster, role, statements):
    """Tries each as this role, in a transaction that is undone, and answers 'yes', or why not. What fails for another reason than a right was let in."""
    quoted = ",".join("$q$" + statement + "$q$" for statement in statements)
    text = f"""CREATE TEMP TABLE tried (n integer, answer text); GRANT ALL ON tried TO PUBLIC;
SET SESSION AUTHORIZATION {role}; SET search_path = certmuster, pg_temp;
DO $do$
DECLARE n integer := 0; statement text; said text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[{quoted}]::text[] LOOP
        n := n + 1;
        BEGIN
            EXECUTE statement;
            RAISE EXCEPTION USING ERRCODE = 'CM000', MESSAGE = 'undo';
        EXCEPTION
            WHEN SQLSTATE 'CM000' THEN said := 'yes';
            WHEN insufficient_privilege OR undefined_table OR undefined_function OR invalid_schema_name THEN said := SQLERRM;
            WHEN OTHERS THEN said := 'yes: ' || SQLERRM;
        END;
        INSERT INTO pg_temp.tried VALUES (n, said);
    END LOOP;
END $do$;
SELECT replace(answer, E'\\n', ' ') FROM pg_temp.tried ORDER BY n;"""
    done = cluster.psql(text)
    answers = done.stdout.splitlines()
    if done.returncode or len(answers) != len(statements):
        raise AssertionError(f"{role}: {done.stderr[:2000]}")
    return answers


def table_statements(table, columns):
    """(what, statement) for one table; U is tried column by column."""
    yield "S", f"SELECT FROM {table} LIMIT 1"
    yield "I", f"INSERT INTO {table} SELECT (NULL::{table}).* WHERE false"
    for column in columns:
        yield f"U {column}", f"UPDATE {table} SET {column} = DEFAULT WHERE false"
    yield "D", f"DELETE FROM {table} WHERE false"
    yield "T", f"TRUNCATE {table}"
    yield "A", f"ALTER TABLE {table} ADD COLUMN intruder integer"
    yield "X", f"DROP TABLE {table} CASCADE"


def allowed(rule, what):
    if not what.startswith("U "):
        return what in rule.split("(")[0] or what in rule.partition(")")[2]
    if "U(" in rule:
        return what[2:] in rule.split("U(")[1].split(")")[0].split(",")
    return "U" in rule

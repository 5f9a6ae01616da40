"""Makes the inventory of a fleet after a year of nights, as the collector would have left it: 1,000,000 certificates and 3,000,000 places, times SCALE."""
import os
import subprocess
import sys
import time

from collector_tools import PG_BIN

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 2
# While it is loaded nothing need survive a crash. What is measured runs as initdb configures it.
LOADING = "-c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c shared_buffers=512MB -c max_wal_size=4GB -c checkpoint_timeout=30min"
SESSION = "SET client_min_messages = warning; SET search_path = certmuster; SET maintenance_work_mem = '700MB'; SET work_mem = '400MB'; SET synchronous_commit = off; SET jit = off; SET timezone = 'UTC';"


class Year:
    """scale: 1 is the whole. The last night was four hours ago."""

    def __init__(self, bench, cluster, scale):
        self.work, self.cluster, self.table = bench.work, cluster, bench.table
        self.certificates, self.places = max(int(1_000_000 * scale), 500), max(int(3_000_000 * scale), 1500)
        self.most = max(int(10_000 * scale), 60)
        self.tonight = int(time.time()) - 3600

    def restart(self, options):
        self.cluster.stop()
        if options:
            self.cluster.call("pg_ctl", "-D", self.cluster.dir + "/data", "-w", "-s", "-l", self.cluster.log, "-o", f"-k {self.cluster.dir} -c listen_addresses= {options}", "start")
        else:
            self.cluster.start()

    def run_file(self, name, *variables):
        settings = [word for variable in variables for word in ("-v", variable)]
        took = time.monotonic()
        self.cluster.psql("-c", SESSION, *settings, "-f", f"{HERE}/{name}")
        return time.monotonic() - took

    def copy(self, table, path):
        with open(path, "rb") as source:
            self.cluster.psql("-c", SESSION + f"SET client_encoding = 'UTF8'; COPY {table} FROM STDIN", source=source)
        os.unlink(path)

    def write_certificates(self):
        each = -(-self.certificates // WORKERS)
        some = [subprocess.Popen([sys.executable, f"{HERE}/year_certificates.py", f"{self.work}/{i}", str(self.tonight), str(self.most), str(i), str(WORKERS), str(each)])
                for i in range(WORKERS)]
        if any([one.wait() for one in some]):
            raise SystemExit("year_certificates.py failed")

    def load(self):
        self.write_certificates()
        self.restart(LOADING)
        self.run_file("year_prelude.sql")
        for table, kind in (("certificate", "certificate"), ("certificate_name", "name")):
            self.cluster.sql(f"SELECT year.unindex('{table}')")
            for i in range(WORKERS):
                self.copy(table, f"{self.work}/{i}.{kind}")
            self.cluster.psql("-c", SESSION, "-c", f"SELECT year.reindex('{table}')")
        for i in range(WORKERS):
            self.copy("year.leaf", f"{self.work}/{i}.leaf")
        self.cluster.psql("-c", SESSION, "-c", "CREATE INDEX ON year.leaf (number, index); ANALYZE year.leaf; ANALYZE certificate; ANALYZE certificate_name")
        self.run_file("year.sql", f"tonight={self.tonight}", f"places={self.places}")

    def settle(self):
        """What the collector and autovacuum would have done over the year."""
        # As certificates_retire() would have: a part at a time, each in the room that the one before left.
        self.cluster.psql("-c", SESSION, "-c", "CREATE TABLE year.nowhere AS SELECT c.sha256 FROM certificate c EXCEPT SELECT m.sha256 FROM chain ch CROSS JOIN LATERAL"
                          " unnest(ch.fingerprints) AS m(sha256) WHERE EXISTS (SELECT FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)")
        for part in range(8):
            self.cluster.psql("-c", SESSION, "-c", "UPDATE certificate c SET retired_at = now() - interval '1 hour' FROM year.nowhere n WHERE c.sha256 = n.sha256 AND"
                              f" get_byte(n.sha256, 0) % 8 = {part}", "-c", "VACUUM certificate")
        self.cluster.psql("-c", SESSION, "-c", "DROP SCHEMA year CASCADE")
        self.cluster.psql("-c", SESSION, "-c", "VACUUM ANALYZE certificate")
        self.cluster.psql("-c", SESSION + "SET random_page_cost = 1.1", "-c", "DO $$ DECLARE e timestamptz := '-infinity'; s bytea := ''; n bigint; BEGIN LOOP SELECT * INTO e, s, n FROM"
                          " certificates_retire(e, s, 20000); EXIT WHEN s IS NULL; END LOOP; END $$")
        self.cluster.psql("-c", SESSION, "-c", "VACUUM (ANALYZE)")
        self.restart("")

"""The questions of the peer bench, over its data sets `agent` and `devops`: DuckDB reads the Parquet files that they come with."""
import dataclasses
import json

import duckdb

from questions import instant

MINUTE, HOUR = 60 * 10**9, 3600 * 10**9
GAUGES = [
    "user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice",
]  # fmt: skip


@dataclasses.dataclass
class Plain:
    """A question whose text is known."""

    text: str
    keys: int
    order: None = None
    limit: None = None
    limit_by: None = None


def ask(path):
    """Pairs of a question and its answer."""
    meta = json.loads((path / "meta.json").read_text())
    con = duckdb.connect()
    con.execute(f"CREATE VIEW t AS SELECT * FROM '{path}/parquet/*.parquet'")
    for text, keys, sql in (agent if meta["set"] == "agent" else devops)(meta):
        rows = con.execute(sql).fetchall()
        yield Plain(text, keys), [(row[:keys], [(cell, 0.0) for cell in row[keys:]]) for row in rows]


def between(first, end):
    """A range as both write it."""
    return f"since {instant(first)} until {instant(end)}", f"ts >= {first} AND ts < {end}"


def agent(meta):
    """Q1, Q2, Q8 and Q9 of the agents: text, number of keys, SQL."""
    said, sql = between(meta["hour_from"], meta["hour_to"])
    p95 = "SELECT agent, quantile_cont(value, 0.95) FROM t WHERE metric = 'decision'"
    yield f"p95(decision) by agent {said}", 1, f"{p95} AND {sql} GROUP BY agent"
    yield "p95(decision) by agent", 1, f"{p95} GROUP BY agent"
    three = ", ".join(f"quantile_cont(value, {f})" for f in (0.5, 0.95, 0.99))
    keys = f"ts // {MINUTE} * {MINUTE}, agent, metric"
    yield f"p50(*), p95(*), p99(*) by agent, metric every 1m {said}", 3, f"SELECT {keys}, {three} FROM t WHERE {sql} GROUP BY {keys}"
    yield "count(*), min(*), max(*), avg(*)", 0, "SELECT count(*), min(value), max(value), favg(value) FROM t"


def devops(meta):
    """Q3 to Q7 and Q9 of the machines: text, number of keys, SQL."""
    said, sql = between(meta["w_from"], meta["w_to"])
    hour = f"ts // {HOUR} * {HOUR}"

    def each(function, word):
        ours = ", ".join(f"{function}(cpu.usage_{g})" for g in GAUGES)
        return ours, ", ".join(word.format(f"usage_{g}") for g in GAUGES)

    mean = "favg(usage_user::DOUBLE)"
    yield (
        f'avg(cpu.usage_user) where hostname = "host_0" every 1h {said}', 1,
        f"SELECT {hour}, {mean} FROM t WHERE hostname = 'host_0' AND {sql} GROUP BY 1",
    )  # fmt: skip
    yield (
        f"avg(cpu.usage_user) by hostname every 1h {said}", 2,
        f"SELECT {hour}, hostname, {mean} FROM t WHERE {sql} GROUP BY 1, 2",
    )  # fmt: skip
    ours, theirs = each("max", "max({})")
    hosts = ", ".join(f'"{h}"' for h in meta["eight"])
    yield (
        f"{ours} where hostname in ({hosts}) every 1h {said}", 1,
        f"SELECT {hour}, {theirs} FROM t WHERE hostname IN ({hosts.replace(chr(34), chr(39))}) AND {sql} GROUP BY 1",
    )  # fmt: skip
    gauges = ", ".join(f"cpu.usage_{g}" for g in GAUGES)
    yield (
        f"points({gauges}) where cpu.usage_user > 90 by hostname {said}", 2,
        f"SELECT ts, hostname, {each('', '{}')[1]} FROM t WHERE usage_user > 90 AND {sql}",
    )  # fmt: skip
    ours, theirs = each("last", "arg_max({}, ts)")
    yield f"last_time(cpu.usage_user), {ours} by hostname", 1, f"SELECT hostname, max(ts), {theirs} FROM t GROUP BY 1"
    parts = [each(f, w) for f, w in (("min", "min({})"), ("max", "max({})"), ("avg", "favg({}::DOUBLE)"))]
    yield (
        f"count(cpu.usage_user), {', '.join(p[0] for p in parts)}", 0,
        f"SELECT count(*), {', '.join(p[1] for p in parts)} FROM t",
    )  # fmt: skip

"""Random samples, as rows, as line protocol and as a DuckDB table.

They have what goes wrong easily: equal times and values, negative, huge and tiny numbers, missing labels, labels that are
numbers, counters that are reset, and one metric so sparse that it spans months.
"""
import csv
import os

START = 1_774_700_000_000_000_000  # 2026-03-28, a day before the clocks change in Europe
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LABELS = ["agent", "host", "shard"]
METRICS = ["decision", "drift", "wide", "cache.hits", "requests_total", "slow"]


def generate(rng):
    """Rows of metric, labels, time and value, in the order in which they are ingested."""
    rows = []
    for metric in METRICS:
        for labels in series(rng):
            rows += points(rng, metric, labels)
    # Time order within a series is the usual case, but not the only one.
    late = [rng.random() < 0.02 for _ in rows]
    order = sorted(range(len(rows)), key=lambda i: rows[i][2] + (900 * SECOND if late[i] else 0))
    return [rows[i] for i in order]


def series(rng):
    """The label sets of one metric."""
    agents = ["planner", "scout", "critic", "a b,c=d\\e", "Zoë", None]
    sets = [(agent, host) for agent in agents for host in ["web-1", "web-2", None]]
    picked = rng.sample(sets, 12)
    return [{"agent": a, "host": h, "shard": rng.choice([None, str(rng.randint(1, 12)), "x"])} for a, h in picked]


def points(rng, metric, labels):
    """Points of one series."""
    time, total, out = START + rng.randint(0, 600) * SECOND, 0.0, []
    for _ in range(rng.randint(400, 1_100)):
        if metric == "slow":
            time += rng.randint(0, DAY // 4)
        elif rng.random() < 0.9:
            time += rng.choice([0, SECOND, 10 * SECOND, rng.randint(1, 20 * SECOND)])
        # A restart brings a counter back to a small number.
        total = rng.randint(0, 3) if rng.random() < 0.01 else total + rng.choice([0, 1, 1, 7, 0.5])
        value = {
            "decision": round(rng.lognormvariate(4, 0.8), 3),
            "drift": float(rng.randint(-50, 50)),
            "wide": rng.choice([-1, 1]) * 10 ** rng.uniform(-30, 30),
            "cache.hits": float(rng.randint(0, 20)),
            "requests_total": float(total),
            "slow": rng.gauss(1e6, 3.0),
        }[metric]
        out.append((metric, labels, time, value))
    return out


def write_line_protocol(rows, path):
    """Writes `rows` for perfdb."""
    escaped = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
    with open(path, "w", encoding="utf-8") as out:
        for metric, labels, time, value in rows:
            tags = "".join(f",{k}={v.translate(escaped)}" for k, v in labels.items() if v is not None)
            out.write(f"{metric}{tags} value={value!r} {time}\n")


def load(con, rows, folder):
    """Makes the table `samples`; `seq` is the order of arrival."""
    path = os.path.join(folder, "samples.csv")
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        for seq, (metric, labels, time, value) in enumerate(rows):
            writer.writerow([seq, metric, time, repr(value), *(labels[k] for k in LABELS)])
    con.execute("CREATE TABLE samples (seq BIGINT, metric VARCHAR, ts BIGINT, value DOUBLE, agent VARCHAR, host VARCHAR, shard VARCHAR)")
    con.execute(f"COPY samples FROM '{path}' (HEADER false, NULLSTR '')")

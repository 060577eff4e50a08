"""Random questions: the text for perfdb, and the answer from DuckDB."""
import dataclasses
import datetime
import typing

from samples import DAY, LABELS, METRICS, SECOND, START

# By function: the SQL of its value, and of the size of what is added up in it. Where nothing cancels out that is 0.
MAX = "max(abs(value))"
AGGREGATES = {
    "count": ("count(*)", "0"),
    "sum": ("fsum(value)", "fsum(abs(value))"),
    "avg": ("favg(value)", MAX),
    "min": ("min(value)", "0"),
    "max": ("max(value)", "0"),
    "median": ("quantile_cont(value, 0.5)", "0"),
    "p5": ("quantile_cont(value, 0.05)", "0"),
    "p95": ("quantile_cont(value, 0.95)", "0"),
    "p99.9": ("quantile_cont(value, 0.999)", "0"),
    "quantile": ("quantile_disc(value, 0.9)", "0"),
    "stddev": ("stddev_samp(value)", MAX),
    "variance": ("var_samp(value)", f"{MAX} * {MAX}"),
    "mad": ("mad(value)", "0"),
    "iqr": ("quantile_cont(value, 0.75) - quantile_cont(value, 0.25)", "0"),
    "cv": ("stddev_samp(value) / nullif(abs(favg(value)), 0)", "0"),
    "first": ("first(value ORDER BY ts, seq)", "0"),
    "last": ("last(value ORDER BY ts, seq)", "0"),
    "first_time": ("min(ts)", "0"),
    "last_time": ("max(ts)", "0"),
    "range": ("max(value) - min(value)", "0"),
    "geomean": ("CASE WHEN min(value) > 0 THEN exp(favg(ln(value))) END", "0"),
    "trimmed_mean": ("list_avg(list_sort(list(value))[1 + count(*) // 10 : count(*) - count(*) // 10])", MAX),
}
COUNTERS = ["increase", "rate", "delta"]
# A ratio of two sums that cancel out has no digits to compare.
UNSTEADY = {("cv", "drift"), ("cv", "wide")}

PREDICATES = [
    ("agent = planner", "agent = 'planner'"),
    ('agent = "a b,c=d\\\\e"', "agent = 'a b,c=d\\e'"),
    ("agent != scout", "coalesce(agent, '') <> 'scout'"),
    ('host = ""', "host IS NULL"),
    ('agent in (planner, "Zoë", critic)', "agent IN ('planner', 'Zoë', 'critic')"),
    ("not agent in (planner, scout)", "coalesce(agent, '') NOT IN ('planner', 'scout')"),
    ('agent =~ "p.*|s.*t"', "regexp_full_match(coalesce(agent, ''), 'p.*|s.*t')"),
    ('host !~ "web-[13-9]"', "NOT regexp_full_match(coalesce(host, ''), 'web-[13-9]')"),
    ("shard > 5", "try_cast(shard AS DOUBLE) > 5"),
    ("shard <= 9", "try_cast(shard AS DOUBLE) <= 9"),
    ("value > 20", "value > 20"),
    ("value <= 0", "value <= 0"),
    ("value < 1000000 and value >= -3", "value < 1000000 AND value >= -3"),
    ("(value > 30 or agent = critic)", "(value > 30 OR coalesce(agent, '') = 'critic')"),
    ("not (value < 10 or host = web-1)", "NOT (value < 10 OR coalesce(host, '') = 'web-1')"),
]
MATCHERS = [
    ('agent="planner"', "agent = 'planner'"),
    ("agent!=scout", "coalesce(agent, '') <> 'scout'"),
    ('host=~"web-.*"', "regexp_full_match(coalesce(host, ''), 'web-.*')"),
    ('host!~"web-1"', "coalesce(host, '') <> 'web-1'"),
]
# By text: how long a bucket is, or the calendar's word for it.
BUCKETS = {"10s": 10 * SECOND, "1m": 60 * SECOND, "7m": 420 * SECOND, "1h": 3600 * SECOND, "5h": 5 * 3600 * SECOND}
DAYS = {"1d": DAY, "3d": 3 * DAY, "1w": "week", "1mo": "month"}


@dataclasses.dataclass
class Column:
    """One aggregate of one selector."""

    name: str
    metric: str
    matcher: typing.Optional[tuple]

    @property
    def text(self):
        """As in a question."""
        rest = ', 0.9, method="nearest"' if self.name == "quantile" else ""
        return f"{self.name}({self.metric}{'{' + self.matcher[0] + '}' if self.matcher else ''}{rest})"


@dataclasses.dataclass
class Question:
    """A question, with what its answer is made of."""

    columns: list
    by: list = dataclasses.field(default_factory=list)
    every: typing.Optional[str] = None
    since: typing.Optional[int] = None
    until: typing.Optional[int] = None
    where: typing.Optional[tuple] = None
    divided: bool = False
    fill: typing.Optional[str] = None
    having: typing.Optional[float] = None
    order: typing.Optional[tuple] = None
    limit: typing.Optional[int] = None
    limit_by: typing.Optional[int] = None

    @property
    def keys(self):
        """How many columns stand before the first value."""
        return len(self.by) + (self.every is not None) + self.points

    @property
    def points(self):
        """Whether the samples themselves are asked for."""
        return self.columns[0].name == "points"

    @property
    def text(self):
        """In the query language."""
        texts = [c.text for c in self.columns]
        parts = [", ".join(f"{t} as c{i}" for i, t in enumerate(texts))]
        parts = [f"{texts[0]} / {texts[1]} as c0"] if self.divided else parts
        parts = texts if self.points else parts
        parts += [f"where {self.where[0]}"] if self.where else []
        parts += [f"by {', '.join(self.by)}"] if self.by else []
        parts += [f"every {self.every}"] if self.every else []
        parts += [f"since {instant(self.since)}"] if self.since is not None else []
        parts += [f"until {instant(self.until)}"] if self.until is not None else []
        parts += [f"fill {self.fill}"] if self.fill else []
        parts += [f"having c0 > {self.having!r}"] if self.having is not None else []
        name = "value" if self.points else f"c{self.order[0]}" if self.order else ""
        parts += [f"order by {name} {'desc' if self.order[1] else 'asc'}"] if self.order else []
        parts += [f"limit {self.limit}"] if self.limit is not None else []
        parts += [f"per {self.by[self.limit_by - (self.every is not None)]}"] if self.limit_by is not None else []
        return " ".join(parts)

    def answer(self, con):
        """Rows as pairs of a key and its cells, each with its scale."""
        if self.points:
            rows = con.execute(self.sql(self.columns[0])).fetchall()
            return [(row[:-1], [(row[-1], 0.0)]) for row in rows]
        parts = [{row[:-2]: row[-2:] for row in con.execute(self.sql(c)).fetchall()} for c in self.columns]
        keys = list(dict.fromkeys(key for part in parts for key in part))
        if self.fill:
            keys, parts = self.filled(keys, parts)
        rows = {key: [part.get(key, (None, 0.0)) for part in parts] for key in keys}
        if self.divided:
            rows = {key: [quotient(*cells)] for key, cells in rows.items()}
        if self.having is not None:
            rows = {k: c for k, c in rows.items() if c[0][0] is not None and c[0][0] > self.having}
        return list(rows.items())

    def filled(self, keys, parts):
        """Every bucket of each group, and in each column what stands there where it has no samples."""
        step, groups = BUCKETS[self.every], dict.fromkeys(key[1:] for key in keys)
        times = range(self.since // step * step, self.until, step)
        full = []
        for part in parts:
            column = {}
            for group in groups:
                before = (None, 0.0)
                for time in times:
                    empty = {"zero": (0.0, 0.0), "null": (None, 0.0), "previous": before}[self.fill]
                    column[(time, *group)] = before = part.get((time, *group), empty)
            full.append(column)
        return [(time, *group) for group in groups for time in times], full

    def bucket(self):
        """SQL of the bucket that a sample is in."""
        width = {**BUCKETS, **DAYS}[self.every]
        if isinstance(width, int):
            return f"ts - ts % {width}"
        return f"epoch_ns(date_trunc('{width}', make_timestamp(ts // 1000)))"

    def sql(self, column):
        """SQL of one column: keys, value and scale."""
        keys = ([f"{self.bucket()} AS bucket"] if self.every else []) + self.by
        names = ["bucket"] * (self.every is not None) + self.by
        conditions = ["true" if column.metric == "*" else f"metric = '{column.metric}'"]
        conditions += [column.matcher[1]] if column.matcher else []
        conditions += [f"coalesce({self.where[1]}, false)"] if self.where else []
        conditions += [f"ts >= {self.since}"] if self.since is not None else []
        conditions += [f"ts < {self.until}"] if self.until is not None else []
        chosen = f"SELECT *{''.join(', ' + k for k in keys if k not in self.by)} FROM samples WHERE {' AND '.join(conditions)}"
        grouped = f" GROUP BY {', '.join(names)}" if names else ""
        prefix = "".join(f"{n}, " for n in names)
        if self.points:
            return f"SELECT ts, {prefix}value FROM ({chosen})"
        if column.name in COUNTERS:
            return self.counter_sql(column.name, chosen, names, prefix, grouped)
        value, scale = AGGREGATES[column.name]
        return f"SELECT {prefix}{value}, {scale} FROM ({chosen}){grouped} HAVING count(*) > 0"

    def counter_sql(self, name, chosen, names, prefix, grouped):
        """SQL of a function over the steps of each series."""
        series = ", ".join(["metric", *LABELS])
        if name == "delta":
            each = ", ".join(dict.fromkeys([*names, "metric", *LABELS]))
            last_first = "last(value ORDER BY ts, seq) - first(value ORDER BY ts, seq) AS d, max(abs(value)) AS m"
            return f"SELECT {prefix}fsum(d), sum(m) FROM (SELECT {each}, {last_first} FROM ({chosen}) GROUP BY {each}){grouped} HAVING count(*) > 0"
        steps = f"SELECT *, lag(value) OVER (PARTITION BY {series} ORDER BY ts, seq) AS before FROM ({chosen})"
        step = "fsum(CASE WHEN value >= before THEN value - before WHEN value < before THEN value END)"
        if name == "rate":
            step = f"{step} / ({self.seconds()})"
        return f"SELECT {prefix}{step}, 0 FROM ({steps}){grouped} HAVING count(*) > 0"

    def seconds(self):
        """SQL of how much of a bucket lies in the range."""
        if not self.every:
            return repr((self.until - self.since) / SECOND)
        first, last = "bucket", f"bucket + {BUCKETS[self.every]}"
        # An open range begins with the oldest sample of all metrics that are asked for.
        metrics = ", ".join(f"'{c.metric}'" for c in self.columns)
        since = f"(SELECT min(ts) FROM samples WHERE metric IN ({metrics}))" if self.since is None else self.since
        first = f"greatest({first}, {since})"
        last = last if self.until is None else f"least({last}, {self.until})"
        return f"({last} - {first}) / 1e9"


def instant(time):
    """A time as the query language writes it."""
    moment = datetime.datetime.fromtimestamp(time // SECOND, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{time % SECOND:09d}Z"


def quotient(a, b):
    """a / b, null where a side is missing or b is 0."""
    (x, _), (y, _) = a, b
    return (None if x is None or not y else x / y, 0.0)


def ask(rng):
    """A random question."""
    if rng.random() < 0.1:
        return ask_for_points(rng)
    question = Question(columns=columns(rng))
    names = {c.name for c in question.columns}
    metrics = {c.metric for c in question.columns}
    question.by = rng.sample(LABELS + ["metric"] * (len(metrics) == 1), rng.choice([0, 1, 1, 2, 3]))
    span = 120 * DAY if metrics == {"slow"} else 3 * 3600 * SECOND
    if rng.random() < 0.5:
        question.since = START + rng.randint(0, span // 2) // 1000 * 1000
    if rng.random() < 0.5:
        question.until = (question.since or START) + rng.randint(1, span // 2)
    if rng.random() < 0.5:
        sparse = "slow" in metrics or "*" in metrics
        question.every = rng.choice(list(DAYS) if sparse and "rate" not in names else list(BUCKETS)[2 * sparse :])
    if rng.random() < 0.5:
        question.where = rng.choice(PREDICATES)
    if "rate" in names and not question.every:
        question.since, question.until = START, START + span
    elif "rate" in names:
        question.until = None if question.since is None else question.until
    steady = not metrics & {"drift", "wide", "*"} and not any(name.endswith("_time") for name in names)
    question.divided = len(question.columns) == 2 and steady and rng.random() < 0.6
    choose(rng, question)
    return question


def ask_for_points(rng):
    """A random question for samples as they are."""
    metric = rng.choice([m for m in METRICS if m != "slow"])
    question = Question([Column("points", metric, rng.choice(MATCHERS) if rng.random() < 0.3 else None)])
    question.by = rng.sample(LABELS, rng.randint(1, 3))
    question.since = START + rng.randint(0, 5400 * SECOND)
    question.until = question.since + rng.randint(1, 3600 * SECOND)
    question.where = rng.choice(PREDICATES) if rng.random() < 0.6 else None
    question.order = (0, rng.random() < 0.5) if rng.random() < 0.5 else None
    question.limit = rng.choice([None, 1, 20, 10**12])
    return question


def choose(rng, question):
    """Adds what is done with the rows."""
    plain = not question.divided and not any(c.name.endswith("_time") for c in question.columns)
    if question.every in ("1m", "7m", "1h") and plain and "slow" not in question.text and rng.random() < 0.3:
        question.fill = rng.choice(["zero", "null", "previous"])
        question.since = question.since or START
        question.until = question.until or question.since + rng.randint(1, 5400 * SECOND)
        return
    if rng.random() < 0.25 and plain:
        question.having = rng.choice([0.0, 5.5, 60.25, 1e6])
    if rng.random() < 0.4:
        question.order = (rng.randrange(1 if question.divided else len(question.columns)), rng.random() < 0.5)
    if rng.random() < 0.4:
        question.limit = rng.choice([1, 3, 10, 10**12])
        if question.by and question.order is None and rng.random() < 0.4:
            question.limit_by = question.keys - len(question.by) + rng.randrange(len(question.by))


def columns(rng):
    """One to three columns, now and then of different metrics."""
    def column(metric):
        allowed = [name for name in AGGREGATES if (name, metric) not in UNSTEADY]
        if metric == "requests_total":
            allowed = COUNTERS[:2] * 4 + allowed
        elif metric != "*":
            allowed = allowed + COUNTERS[2:]
        return Column(rng.choice(allowed), metric, rng.choice(MATCHERS) if rng.random() < 0.2 else None)

    metric = rng.choice(METRICS + ["*"])
    if metric == "*":
        return [Column(name, "*", None) for name in rng.sample(["count", "min", "max", "sum", "p95"], rng.randint(1, 3))]
    found = {}
    for _ in range(rng.randint(1, 3)):
        new = column(metric if rng.random() < 0.75 else rng.choice(METRICS))
        found[new.text] = new
    return list(found.values())

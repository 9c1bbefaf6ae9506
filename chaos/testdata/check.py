"""Checks what collect.py copied, without a word of the program's own figures.

    check.py check DIRECTORY   prints {"figures": {...}, "violations": [...]}
    check.py prove DIRECTORY   breaks each promise in a copy of the data, one after the other, and fails if one is not
                               noticed by the check that is for it
"""

import base64
import bisect
import collections
import copy
import datetime
import json
import math
import pathlib
import re
import sys

Row = collections.namedtuple("Row", "file offset row time id endpoint variant status raw x amount colour score")
FEATURES = ["x", "amount", "colour", "score"]
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


class Data:
    """What went in and what came out."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.sent = self.json("sent.json")
        self.settings = self.json("tidemark.yaml")
        self.baseline = self.json("baseline/baseline.json")
        self.reports = [json.loads(value) for _, value in self.topic("tidemark.reports")]
        self.alerts = [json.loads(value) for _, value in self.topic("alerts")]
        self.late = self.topic("tidemark.late")
        self.dead = [record["headers"].get("name") for record, _ in self.topic("tidemark.deadletters")]
        self.objects = self.json("objects.json")
        self.footers = {key: footer(self.directory / "objects" / key) for key in self.objects if key.endswith(".parquet")}
        self.rows = rows(self.directory / "objects")

    def json(self, name):
        return json.loads((self.directory / name).read_text())

    def topic(self, name):
        with open(self.directory / f"{name}.jsonl") as f:
            records = [json.loads(line) for line in f]
        return [(record, base64.b64decode(record["value"])) for record in records]


def footer(path):
    """What a file says of itself, as pyarrow reads it."""
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    metadata = {k.decode(): v.decode() for k, v in (file.schema_arrow.metadata or file.metadata.metadata or {}).items()}
    metadata |= {k.decode(): v.decode() for k, v in (file.metadata.metadata or {}).items()}
    return metadata | {"rows": file.metadata.num_rows}


def rows(directory):
    """All rows of the archive, as DuckDB reads them."""
    import duckdb

    files = f"read_parquet('{directory}/**/*.parquet', union_by_name = true, filename = true)"
    return [Row(*row) for row in duckdb.sql(f"""
        SELECT filename, "offset", row, epoch_ms(event_time), event_id, endpoint, variant, status, raw, x, amount, colour, score
        FROM {files} ORDER BY filename, "offset", row""").fetchall()]


def name_of(row):
    """The id that the producer gave a row."""
    if row.status == "dead":
        return row.raw.decode().split(" ")[0]
    return row.id


def expected(data, kind):
    return [name for names in data.sent["sent"].get(kind, {}).values() for name in names]


def ids(data):
    """Every id is in the archive exactly once, with the status that it should have."""
    found = {}
    for row in data.rows:
        found.setdefault(name_of(row), []).append(row.status)
    for kind in data.sent["sent"]:
        for name in expected(data, kind):
            if name not in found:
                yield f"{name} is not in the archive"
            elif found[name] != [kind]:
                yield f"{name} is in the archive as {found[name]}, want once as {kind}"
    known = {name for kind in data.sent["sent"] for name in expected(data, kind)}
    yield from (f"{name} is in the archive and was never sent" for name in found if name not in known)


def chains(data):
    """The objects of each partition line up, from the head's first offset over the last record's."""
    partitions = collections.defaultdict(list)
    heads = {}
    of_file = collections.defaultdict(list)
    for row in data.rows:
        of_file[row.file.split("/objects/")[1]].append(row)
    for key, metadata in data.objects.items():
        partition = re.search(r"/p(\d{5})/", key)
        if partition is None:
            yield f"{key} is of no partition"
        elif key.endswith("/head.json"):
            heads[int(partition[1])] = json.loads((data.directory / "objects" / key).read_text())
        else:
            start = int(re.search(r"/(\d{20})\.parquet$", key)[1])
            end = int(metadata["tidemark-end"])
            partitions[int(partition[1])].append((start, end, key))
            said = data.footers[key]
            if int(metadata["tidemark-start"]) != start:
                yield f"{key}: its metadata begin at {metadata['tidemark-start']}"
            for field in ("tidemark-start", "tidemark-end", "tidemark-rows", "tidemark-partition", "tidemark-nonce"):
                if said.get(field) != metadata[field]:
                    yield f"{key}: {field} is {metadata[field]} in the metadata and {said.get(field)} in the file"
            if metadata["tidemark-gap"] != "false":
                yield f"{key} is a gap"
            if not len(of_file[key]) == int(metadata["tidemark-rows"]) == said["rows"]:
                yield f"{key} has {len(of_file[key])} rows, and says {metadata['tidemark-rows']}"
            if any(not start <= row.offset < end for row in of_file[key]):
                yield f"{key} has rows outside of [{start}, {end})"
    for partition, last in enumerate(data.sent["ends"]):
        at = heads.get(partition, {"first": 0})["first"]
        for start, end, key in sorted(partitions[partition]):
            if start != at or end <= start:
                yield f"{key} is [{start}, {end}), and the object before it ends at {at}"
            at = end
        if at < last:
            yield f"the chain of partition {partition} ends at {at}, and the last record's offset is {last - 1}"


def milliseconds(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def duration(text):
    return sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)(ms|s|m|h)", text))


def window_of(report):
    return (report["monitor"], report["endpoint"], report["variant"], report["window"]["size"], milliseconds(report["window"]["end"]))


def once(data):
    """Each window of a monitor, endpoint and variant is reported once."""
    for window, n in collections.Counter(map(window_of, data.reports)).items():
        if n != 1:
            yield f"{window} is reported {n} times"


def totals(data):
    """The rows of a monitor's tumbling windows add up to what was sent."""
    for monitor in data.settings["monitors"]:
        for spec in monitor["windows"]:
            if spec.get("slide", spec["size"]) != spec["size"]:
                continue
            counted = collections.Counter()
            for r in data.reports:
                if r["monitor"] == monitor["name"] and r["window"]["size"] == spec["size"]:
                    counted[f"{r['endpoint']}/{r['variant']}"] += r["rows"]
            for of, names in data.sent["sent"]["ok"].items():
                if of.split("/")[0] == monitor["name"] and counted[of] != len(names):
                    yield f"the {spec['size']} windows of {of} have {counted[of]} rows, and {len(names)} were sent"


def windowed(data):
    """Rows in the first tumbling window of each monitor."""
    size = {m["name"]: m["windows"][0]["size"] for m in data.settings["monitors"]}
    return sum(r["rows"] for r in data.reports if r["window"]["size"] == size[r["monitor"]])


def balance(data):
    """What came in is windowed, late, dead or unmonitored."""
    came = sum(len(expected(data, kind)) for kind in data.sent["sent"])
    status = collections.Counter(row.status for row in data.rows)
    parts = {"windowed": windowed(data), "late": len(data.late), "dead": len(data.dead), "unmonitored": status["unmonitored"]}
    if came != sum(parts.values()):
        yield f"{came} came in, and they are {parts}"


def nothing_late(data):
    """No clock is wrong, so nothing is late."""
    for record, value in data.late:
        yield f"a late delta at {record['partition']}/{record['offset']}: {value[:300]!r}"


def dead_letters(data):
    """Each record that cannot be read is a dead letter once, and no other is."""
    want, got = collections.Counter(expected(data, "dead")), collections.Counter(data.dead)
    for name in want | got:
        if want[name] != got[name]:
            yield f"{name} is a dead letter {got[name]} times, want {want[name]}"


def alternation(data):
    """Alerts of a rule on a feature fire and resolve in turn, each with an id of its own, resolved ones with that of the firing."""
    seen, firing = set(), {}
    for alert in data.alerts:
        if alert["id"] in seen:
            yield f"the alert {alert['id']} is there twice"
        seen.add(alert["id"])
        key = key_of(alert)
        before = firing.get(key)
        if (alert["state"] == "firing") == (before is not None):
            yield f"{key} {alert['state']} at {alert['window']['end']} after it was {'firing' if before else 'quiet'}"
        if alert["incident"] != (before or alert["id"]):
            yield f"{key} {alert['state']} at {alert['window']['end']} is of the incident {alert['incident']}, want {before or alert['id']}"
        firing[key] = alert["id"] if alert["state"] == "firing" else None


def nothing_lost(data):
    """No record was deleted before it was read, and none that was acknowledged is gone."""
    for alert in data.alerts:
        if alert["rule"] == "lost":
            yield alert["message"]


def key_of(alert):
    return (alert["monitor"], alert["endpoint"], alert["variant"], alert["window"]["size"], alert["feature"], alert["rule"])


def transitions(data):
    """The alerts are those that the reports' scores call for: one where a score begins and ends to be drift."""
    want, state = set(), {}
    for report in sorted(data.reports, key=window_of):
        *of, end = window_of(report)
        for feature in report["features"]:
            for rule, score in feature["scores"].items():
                key = (*of, feature["name"], rule)
                if not score.get("insufficient") and score["drift"] != state.get(key, False):
                    state[key] = score["drift"]
                    want.add((*key, end, "firing" if score["drift"] else "resolved"))
    rules = {rule for report in data.reports for feature in report["features"] for rule in feature["scores"]}
    got = {(*key_of(a), milliseconds(a["window"]["end"]), a["state"]) for a in data.alerts if a["rule"] in rules}
    yield from (f"there is no alert {transition}" for transition in want - got)
    yield from (f"no report calls for the alert {transition}" for transition in got - want)


class Layout:
    """How the baseline counts a feature."""

    def __init__(self, layout, counts):
        self.name, self.edges, self.ranks = layout["name"], layout.get("edges"), layout.get("ranks")
        self.categories, self.rare = layout.get("categories"), set(layout.get("rare") or [])
        self.cuts = [self.edges[i] for i in self.tenths()] if self.edges else None
        self.reference = self.pooled(counts)

    def tenths(self):
        """The edges between the decile cells: each is the first that reaches a further tenth of the 240 ranks."""
        below, found = -1, []
        for i, rank in enumerate(self.ranks):
            first = 0 if below < 0 else (below // 24 + 1) * 24
            if any(0 < k < 240 for k in range(first, rank + 1, 24)):
                found.append(i)
            below = max(below, rank)
        return found

    def pooled(self, counts):
        if self.edges is None:
            return counts["bins"] + [sum(counts.get("new", {}).values()) + counts.get("new_other", 0)]
        cells = [0] * (len(self.cuts) + 1)
        for i, n in enumerate(counts["bins"]):
            cells[bisect.bisect_right(self.cuts, self.edges[i - 1]) if i else 0] += n
        return cells

    def cells(self, values):
        if self.edges is None:
            known = {name: i for i, name in enumerate(self.categories)}
            cells = [0] * (len(self.categories) + 2)
            for v in values:
                cells[known.get(v, len(known) + (v not in self.rare))] += 1
            return cells
        cells = [0] * (len(self.cuts) + 1)
        for v in values:
            cells[bisect.bisect_right(self.cuts, v)] += 1
        return cells

    def psi(self, values):
        current = self.cells(values)
        r, c = sum(self.reference), sum(current)
        pairs = [(max(p / r, 1e-4), max(q / c, 1e-4)) for p, q in zip(self.reference, current)]
        return sum((q - p) * math.log(q / p) for p, q in pairs)

    def summary(self, values):
        """What a report has to say of the feature in a window."""
        present = [v for v in values if v is not None]
        is_ = {"captured": len(values), "missing": len(values) - len(present), "invalid": 0}
        if present and self.edges is not None:
            mean = math.fsum(present) / len(present)
            is_["mean"], is_["stddev"] = mean, math.sqrt(math.fsum((v - mean) ** 2 for v in present) / len(present))
        if present:
            is_["psi"] = self.psi(present)
        return is_


def recomputed(data):
    """Every window of the archive's rows is reported, and with what these rows give."""
    layouts = {f["name"]: Layout(f, c) for f, c in zip(data.baseline["layout"]["features"], data.baseline["features"])}
    windows = collections.defaultdict(list)
    monitors = {m["name"]: m for m in data.settings["monitors"]}
    for row in data.rows:
        for spec in monitors[row.endpoint]["windows"] if row.status == "ok" else []:
            size, slide = duration(spec["size"]), duration(spec.get("slide", spec["size"]))
            last = row.time // slide * slide
            for start in range(last, last - size, -slide):
                windows[row.endpoint, row.endpoint, row.variant, spec["size"], start + size].append(row)
    reports = {window_of(r): r for r in data.reports}
    yield from (f"{window} has {len(windows[window])} rows in the archive and is not reported" for window in windows if window not in reports)
    for window, report in reports.items():
        yield from compare(window, report, windows.get(window, []), layouts)


def compare(window, report, rows, layouts):
    if report["rows"] != len(rows):
        yield f"{window} is reported with {report['rows']} rows, and the archive has {len(rows)}"
        return
    for feature in report["features"]:
        want = layouts[feature["name"]].summary([getattr(row, feature["name"]) for row in rows])
        got = {name: feature.get(name) for name in want if name != "psi"}
        if "psi" in want:
            got["psi"] = feature["scores"]["psi"]["score"]
        for name, value in want.items():
            exact = isinstance(value, int)
            if value != got[name] if exact else got[name] is None or not math.isclose(value, got[name], rel_tol=1e-12, abs_tol=1e-13):
                yield f"{window}: {name} of {feature['name']} is reported as {got[name]}, and the archive gives {value}"


CHECKS = [ids, chains, once, totals, balance, nothing_late, dead_letters, alternation, transitions, nothing_lost, recomputed]


def figures(data):
    sizes = collections.Counter(r["window"]["size"] for r in data.reports)
    return {
        "records sent": sum(len(expected(data, kind)) for kind in data.sent["sent"]),
        "rows in the archive": len(data.rows), "objects in the archive": len(data.footers),
        "rows in tumbling windows": windowed(data), "late": len(data.late), "dead letters": len(data.dead),
        "windows reported": dict(sorted(sizes.items())),
        "windows recomputed": len(set(map(window_of, data.reports))),
        "alerts": dict(sorted(collections.Counter(a["state"] for a in data.alerts).items())),
    }


def check(directory):
    data = Data(directory)
    violations = [f"{f.__name__}: {text}" for f in CHECKS for text in f(data)]
    print(json.dumps({"figures": figures(data), "violations": violations}))


# What a fault of the program would do to the data, and the check that has to see it.


def a_row(data):
    """The place of one that is in a window."""
    return next(i for i, row in enumerate(data.rows) if row.status == "ok")


def lose_row(data):
    del data.rows[a_row(data)]


def double_row(data):
    data.rows.append(data.rows[a_row(data)])


def wrong_status(data):
    i = a_row(data)
    data.rows[i] = data.rows[i]._replace(status="unmonitored")


def an_object(data):
    """One that is not the last of its partition."""
    return next(key for key in sorted(data.footers) if "/p00000/" in key)


def lose_object(data):
    del data.objects[an_object(data)]


def overlap_objects(data):
    key = an_object(data)
    for said in (data.objects[key], data.footers[key]):
        said["tidemark-end"] = str(int(said["tidemark-end"]) + 1)


def disagree_with_footer(data):
    data.objects[an_object(data)]["tidemark-end"] += "0"


def lose_tail(data):
    keys = [key for key in sorted(data.footers) if "/p00000/" in key]
    del data.objects[keys[-1]]


def a_report(data):
    """The tumbling window with the most rows."""
    return max((r for r in data.reports if r["endpoint"] == "east" and r["window"]["size"] == "5s"), key=lambda r: r["rows"])


def lose_report(data):
    data.reports.remove(a_report(data))


def double_report(data):
    data.reports.append(a_report(data))


def miscount(data):
    a_report(data)["rows"] += 1


def bend(field):
    def change(data):
        feature = a_report(data)["features"][0]
        feature[field] = feature[field] * (1 + 1e-11)

    change.__name__ = f"bend_{field}"
    return change


def bend_psi(data):
    a_report(data)["features"][0]["scores"]["psi"]["score"] *= 1 + 1e-9


def double_alert(data):
    data.alerts.append(data.alerts[-1])


def lose_firing(data):
    """Of an alert that is resolved later."""
    incidents = {a["incident"] for a in data.alerts if a["state"] == "resolved"}
    data.alerts.remove(next(a for a in data.alerts if a["id"] in incidents))


def lose_last_alert(data):
    """Which those before it do not tell of."""
    del data.alerts[max(i for i, a in enumerate(data.alerts) if a["rule"] == "psi")]


def lose_offsets(data):
    data.alerts.append(data.alerts[-1] | {"rule": "lost"})


def come_late(data):
    data.late.append(({"partition": 0, "offset": 0}, b"{}"))


def lose_dead_letter(data):
    del data.dead[0]


def double_dead_letter(data):
    data.dead.append(data.dead[0])


PLANTED = [
    (lose_row, ids), (double_row, ids), (wrong_status, ids), (lose_object, chains), (overlap_objects, chains),
    (disagree_with_footer, chains), (lose_tail, chains), (lose_row, chains), (lose_report, totals), (lose_report, balance),
    (lose_report, recomputed), (double_report, once), (double_report, totals), (miscount, totals), (miscount, balance),
    (miscount, recomputed), (lose_row, recomputed), (bend("mean"), recomputed), (bend("stddev"), recomputed), (bend_psi, recomputed),
    (double_alert, alternation), (lose_firing, alternation), (lose_last_alert, transitions), (lose_offsets, nothing_lost), (come_late, nothing_late),
    (come_late, balance), (lose_dead_letter, dead_letters), (double_dead_letter, dead_letters), (lose_dead_letter, balance),
]


def prove(directory):
    whole = Data(directory)
    for plant, check in PLANTED:
        data = copy.copy(whole)
        for name in ("reports", "alerts", "objects", "footers"):
            setattr(data, name, copy.deepcopy(getattr(whole, name)))
        for name in ("rows", "late", "dead"):
            setattr(data, name, list(getattr(whole, name)))
        plant(data)
        found = next(check(data), None)
        if found is None:
            sys.exit(f"{plant.__name__} is not noticed by {check.__name__}")
        print(f"{plant.__name__}: {check.__name__}: {found}")


if __name__ == "__main__":
    {"check": check, "prove": prove}[sys.argv[1]](sys.argv[2])

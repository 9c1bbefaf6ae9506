"""Makes up captures.

    produce.py train FILE                    writes training data as CSV
    produce.py BROKERS SEED DIRECTORY RATE   produces until its standard input ends, then says to all endpoints that
                                             no more comes, and writes DIRECTORY/sent.json: what was sent, by kind

Each record has an id of its own and is produced until it was acknowledged. The next half second of event time begins
only when the one before was acknowledged whole, so that no partition of the topic is behind another.
"""

import json
import random
import sys
import threading
import time

PARTITIONS = 6
STEP = 500  # milliseconds of event time
BEGIN = 1_583_020_800_000  # 2020-03-01: the event times of a replay
COLOURS = ["red", "green", "blue", "grey", "white"]
# What a step has: endpoint, kind, share of the rate. A live endpoint has the event times of now.
TRAFFIC = [
    ("east", "ok", 0.40), ("west", "ok", 0.36), ("live", "ok", 0.16), ("nobody", "unmonitored", 0.04), ("east", "dead", 0.04),
]
WATCHED = ["east", "west", "live"]


def values(draw, shifted):
    """A row. Shifted rows are far enough from the training data for every rule to fire."""
    features = {
        "x": round(draw.gauss(50 + 8 * shifted, 10), 3),
        "amount": round(draw.lognormvariate(3, 1), 2),
        "colour": draw.choices(COLOURS, [10, 10, 10, 10, 10 + 60 * shifted])[0],
    }
    if draw.random() < 0.02 + 0.3 * shifted:
        features["amount"] = None
    if shifted and draw.random() < 0.05:
        features["colour"] = draw.choice(["mauve", "ochre"])
    return features, {"score": round(draw.betavariate(2 + shifted, 5), 6)}


def train(path):
    draw = random.Random(1)
    with open(path, "w") as f:
        print("x,amount,colour,score", file=f)
        for _ in range(5000):
            features, predictions = values(draw, 0)
            row = [*features.values(), *predictions.values()]
            print(*("" if cell is None else cell for cell in row), sep=",", file=f)


class Traffic:
    def __init__(self, brokers, seed, rate):
        from confluent_kafka import Producer

        self.draw, self.rate = random.Random(seed), rate
        self.sent = {}  # kind -> endpoint/variant -> ids
        self.ends = [0] * PARTITIONS  # of the records sent
        self.producer = Producer({
            "bootstrap.servers": brokers, "enable.idempotence": True, "acks": "all", "linger.ms": 5, "message.timeout.ms": 0,
            "reconnect.backoff.max.ms": 500, "retry.backoff.max.ms": 500, "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000, "log_level": 2,
        })

    def done(self, error, message):
        if error is not None:
            sys.exit(f"a record was given up: {error}")
        self.ends[message.partition()] = max(self.ends[message.partition()], message.offset() + 1)

    def produce(self, partition, value, headers):
        self.producer.produce("capture", value, partition=partition, headers=headers, on_delivery=self.done)

    def step(self, number):
        """Produces what has the event times of a step. From time to time a partition gets nothing, and falls idle."""
        begin, shifted = BEGIN + number * STEP, number // 40 % 2
        partitions = list(range(PARTITIONS))
        if number // 60 % 2:
            partitions.remove(number // 120 % PARTITIONS)
        for endpoint, kind, share in TRAFFIC:
            for i in range(max(1, round(share * self.rate * STEP / 1000))):
                at = begin + self.draw.randrange(STEP) - self.draw.choice([0, 0, 0, STEP])
                if endpoint == "live":
                    at = int(time.time() * 1000)
                self.record(endpoint, kind, number, i, at, shifted, partitions[i % len(partitions)])
        while self.producer.flush(1) > 0:
            pass

    def record(self, endpoint, kind, number, i, at, shifted, partition):
        name = f"{endpoint}-{kind}-{number}-{i}"
        variant = "canary" if i % 2 else "default"
        features, predictions = values(self.draw, shifted)
        value = {"endpoint": endpoint, "variant": variant, "id": name, "time": at, "features": features, "predictions": predictions}
        headers = []
        if kind == "dead":
            value, headers = f"{name} is no JSON", [("name", name), ("endpoint", endpoint)]
        else:
            value = json.dumps(value)
        self.sent.setdefault(kind, {}).setdefault(f"{endpoint}/{variant}", []).append(name)
        self.produce(partition, value, headers)

    def end(self, number):
        """Says that no more comes, in every partition."""
        for endpoint in WATCHED:
            at = int(time.time() * 1000) if endpoint == "live" else BEGIN + number * STEP
            for partition in range(PARTITIONS):
                self.produce(partition, b"", [("endpoint", endpoint), ("tidemark-watermark", str(at))])
        while self.producer.flush(1) > 0:
            pass


def run(brokers, seed, directory, rate):
    traffic, number, stop = Traffic(brokers, int(seed), float(rate)), 0, threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    due = time.monotonic()
    while not stop.is_set():
        traffic.step(number)
        number += 1
        # Event time is never faster than the clock: what was held up stays behind.
        due = max(due + STEP / 1000, time.monotonic())
        stop.wait(due - time.monotonic())
    sent = {"sent": traffic.sent, "ends": list(traffic.ends)}  # the archive need not have more
    traffic.end(number)
    with open(f"{directory}/sent.json", "w") as f:
        json.dump(sent, f)


if sys.argv[1] == "train":
    train(*sys.argv[2:])
else:
    run(*sys.argv[1:])

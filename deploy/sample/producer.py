#!/usr/bin/env python3
"""A made-up model server: it answers loan applications and publishes each as a capture.

    producer.py training 5000 > training.csv        rows that the model was trained on
    producer.py publish kafka:9092 capture          100 captures a second until stopped

Of every ten minutes, the applicants of the last four have incomes that are half a standard deviation lower.
"""

import csv
import json
import math
import random
import sys
import time
import uuid

COLUMNS = ["age", "income", "debt_ratio", "housing", "default_probability"]
CYCLE, STEADY, RATE = 600, 360, 100  # seconds, seconds, captures a second


def application(source, drift):
    age = int(source.triangular(18, 80, 35))
    income = round(math.exp(source.gauss(10.5 - (0.25 if drift else 0), 0.5)))
    debt_ratio = round(source.betavariate(3, 7), 3)
    housing = source.choices(["rent", "mortgage", "own", "family"], [46, 38, 13, 3])[0]
    risk = -2 + 3 * debt_ratio - 0.6 * (math.log(income) - 10.5) + (0.2 if housing == "rent" else 0)
    return [age, income, debt_ratio, housing, round(1 / (1 + math.exp(-risk)), 4)]


def training(rows):
    source, out = random.Random(1), csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows(application(source, False) for _ in range(rows))


def publish(brokers, topic):
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": brokers, "compression.type": "lz4", "linger.ms": 50})
    source, start = random.Random(2), time.time()
    for sent in range(1 << 62):
        time.sleep(max(0, start + sent / RATE - time.time()))
        row = application(source, (time.time() - start) % CYCLE >= STEADY)
        capture = {
            "endpoint": "loans",
            "id": str(uuid.UUID(int=source.getrandbits(128))),
            "time": int(time.time() * 1000),
            "features": dict(zip(COLUMNS[:-1], row)),
            "predictions": {COLUMNS[-1]: row[-1]},
        }
        producer.produce(topic, json.dumps(capture), key=capture["id"])
        producer.poll(0)


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["training", rows]:
                training(int(rows))
            case ["publish", brokers, topic]:
                publish(brokers, topic)
            case _:
                sys.exit(__doc__)
    except KeyboardInterrupt:
        pass

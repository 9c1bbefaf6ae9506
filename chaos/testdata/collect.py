"""Reads what the program wrote, with clients of Kafka and S3 that are not its own.

    collect.py bucket S3                     makes the bucket
    collect.py reported BROKERS              waits for the first reports of every endpoint
    collect.py settle BROKERS S3 DIRECTORY   waits, for a while, until all that DIRECTORY/sent.json has is reported and archived
    collect.py collect BROKERS S3 DIRECTORY  copies topics to DIRECTORY/TOPIC.jsonl, objects to DIRECTORY/objects, and their
                                             metadata to DIRECTORY/objects.json
"""

import base64
import json
import pathlib
import sys
import time

import boto3
from botocore.config import Config
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

TOPICS = ["tidemark.reports", "alerts", "tidemark.late", "tidemark.deadletters"]
PATIENCE = 300  # seconds


def bucket_of(url):
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10})
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=config)


def consumer(brokers):
    return Consumer({
        "bootstrap.servers": brokers, "group.id": "checker", "enable.auto.commit": False, "isolation.level": "read_committed",
        "enable.partition.eof": True, "reconnect.backoff.max.ms": 500,
    })


class Topic:
    """A topic that is read on and on, from its start."""

    def __init__(self, brokers, name):
        self.client, self.name = consumer(brokers), name
        partitions = self.client.list_topics(name, 30).topics[name].partitions
        self.partitions = set(partitions)
        self.client.assign([TopicPartition(name, p, OFFSET_BEGINNING) for p in partitions])

    def more(self, seconds):
        """Yields the records up to the end of every partition, or what there is after some seconds."""
        ended, until = set(), time.monotonic() + seconds
        while ended != self.partitions and time.monotonic() < until:
            message = self.client.poll(0.2)
            if message is None:
                continue
            if message.error() is None:
                ended.discard(message.partition())
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())

    def all(self):
        """Every record up to the end of every partition."""
        records, until = [], time.monotonic() + PATIENCE
        ended = set()
        while ended != self.partitions:
            if time.monotonic() > until:
                sys.exit(f"the end of {self.name} is not reached")
            message = self.client.poll(0.2)
            if message is None:
                continue
            if message.error() is None:
                records.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition())
        return records


def reported(brokers):
    topic, seen, until = Topic(brokers, "tidemark.reports"), set(), time.monotonic() + PATIENCE
    while not {"east", "west"} <= seen:
        if time.monotonic() > until:
            sys.exit(f"there are reports of {seen} only")
        seen |= {json.loads(m.value())["endpoint"] for m in topic.more(1)}


def tumbling(report):
    return report["window"]["size"] == {"east": "5s", "west": "10s", "live": "5s"}.get(report["endpoint"])


def settle(brokers, s3, directory):
    sent = json.loads(pathlib.Path(directory, "sent.json").read_text())["sent"]
    records = {kind: sum(map(len, ids.values())) for kind, ids in sent.items()}
    topic, rows, client = Topic(brokers, "tidemark.reports"), 0, bucket_of(s3)
    known, archived = {}, 0
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and (rows < records["ok"] or archived < sum(records.values())):
        rows += sum(r["rows"] for r in (json.loads(m.value()) for m in topic.more(1)) if tumbling(r))
        for key in keys(client):
            if key.endswith(".parquet") and key not in known:
                known[key] = int(client.head_object(Bucket="captures", Key=key)["Metadata"]["tidemark-rows"])
        archived = sum(known.values())
    print(f"{rows} of {records['ok']} rows reported, {archived} of {sum(records.values())} archived")


def keys(client):
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="captures", Prefix="prod/v1/"):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def collect(brokers, s3, directory):
    directory = pathlib.Path(directory)
    for name in TOPICS:
        with open(directory / f"{name}.jsonl", "w") as f:
            for m in Topic(brokers, name).all():
                headers = {key: value.decode() for key, value in m.headers() or [] if value is not None}
                value = base64.b64encode(m.value()).decode()
                print(json.dumps({"partition": m.partition(), "offset": m.offset(), "headers": headers, "value": value}), file=f)
    client, objects = bucket_of(s3), {}
    for key in keys(client):
        answer = client.get_object(Bucket="captures", Key=key)
        path = directory / "objects" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer["Body"].read())
        objects[key] = answer["Metadata"]
    (directory / "objects.json").write_text(json.dumps(objects))


def bucket(s3):
    bucket_of(s3).create_bucket(Bucket="captures")


{"bucket": bucket, "reported": reported, "settle": settle, "collect": collect}[sys.argv[1]](*sys.argv[2:])

"""A producer and a reader with librdkafka's Python client.

    clients.py SETTINGS produce TOPIC    produces each line of the standard input, and waits for all of them
    clients.py SETTINGS read TOPIC       prints the committed records from the first to the last, a line each

SETTINGS is a file of librdkafka's settings, name=value a line, as kcat -F reads it."""

import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

settings, command, topic = sys.argv[1:]
with open(settings) as lines:
    config = dict(line.strip().split("=", 1) for line in lines if line.strip())


def produce():
    producer = Producer(config)

    def delivered(error, _):
        if error is not None:
            raise KafkaException(error)

    for line in sys.stdin:
        producer.produce(topic, line.rstrip("\n"), on_delivery=delivered)
        producer.poll(0)
    if producer.flush(60):
        sys.exit("not all was delivered")


def read():
    consumer = Consumer(config | {"group.id": "tidemark-reader", "isolation.level": "read_committed", "enable.partition.eof": True, "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    left = len(partitions)
    while left:
        message = consumer.poll(60)
        if message is None:
            sys.exit("no answer")
        if message.error() is None:
            print(message.value().decode())
        elif message.error().code() == KafkaError._PARTITION_EOF:
            left -= 1
        else:
            raise KafkaException(message.error())
    consumer.close()


{"produce": produce, "read": read}[command]()

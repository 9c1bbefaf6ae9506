"""Works on a bucket as its owner would, with boto3.

    bucket.py ENDPOINT make BUCKET
    bucket.py ENDPOINT get BUCKET DIRECTORY     copies the objects, and prints the metadata of each as JSON, by key
    bucket.py ENDPOINT upload BUCKET KEY FILE
    bucket.py ENDPOINT remove BUCKET KEY
    bucket.py ENDPOINT double BUCKET KEY COPY   puts the object a second time
    bucket.py ENDPOINT truncate BUCKET KEY      puts the first half of the object in its place
"""

import json
import pathlib
import sys

import boto3

endpoint, command, bucket, *rest = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


def get(directory):
    metadata = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            answer = s3.get_object(Bucket=bucket, Key=key)
            path = pathlib.Path(directory, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answer["Body"].read())
            metadata[key] = answer["Metadata"]
    print(json.dumps(metadata))


def truncate(key):
    whole = s3.get_object(Bucket=bucket, Key=key)
    content = whole["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=content[: len(content) // 2], Metadata=whole["Metadata"])


match command, rest:
    case "make", []:
        s3.create_bucket(Bucket=bucket)
    case "get", [directory]:
        get(directory)
    case "upload", [key, name]:
        s3.upload_file(name, bucket, key)
    case "remove", [key]:
        s3.delete_object(Bucket=bucket, Key=key)
    case "double", [key, copy]:
        s3.copy_object(Bucket=bucket, Key=copy, CopySource={"Bucket": bucket, "Key": key})
    case "truncate", [key]:
        truncate(key)
    case _:
        sys.exit(__doc__)

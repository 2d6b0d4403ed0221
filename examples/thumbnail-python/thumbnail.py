"""Makes a small copy of every picture that is put into a bucket, 200 pixels wide.

boto3 comes with the runtime, Pillow with a layer. The small pictures go to another bucket, or this function would be
called for them too.
"""

import io
import os
import urllib.parse

import boto3
from PIL import Image

WIDTH = 200
TARGET = os.environ["TARGET_BUCKET"]

# Made once for all calls of an environment, not once a call.
s3 = boto3.client("s3")


def handler(event, context):
    made = []
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        picture = Image.open(s3.get_object(Bucket=bucket, Key=key)["Body"])
        print(f"{bucket}/{key}: a {picture.format} of {picture.width} x {picture.height} pixels")
        picture.thumbnail((WIDTH, picture.height))
        small = io.BytesIO()
        picture.save(small, "JPEG", quality=85)
        s3.put_object(Bucket=TARGET, Key=key, Body=small.getvalue(), ContentType="image/jpeg")
        made.append({"bucket": TARGET, "key": key, "width": picture.width, "height": picture.height})
    return made

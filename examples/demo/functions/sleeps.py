"""A function that does not end in time."""

import time


def handler(event, context):
    time.sleep(60)

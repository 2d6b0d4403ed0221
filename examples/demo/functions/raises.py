"""A function that fails by an exception."""


def handler(event, context):
    raise ValueError("no picture in the event")

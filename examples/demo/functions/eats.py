"""A function that wants more memory than it has."""


def handler(event, context):
    hoard = []
    while True:
        hoard.append(bytearray(1024 * 1024))

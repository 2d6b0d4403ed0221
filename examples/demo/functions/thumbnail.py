"""Makes a picture 200 pixels wide. The picture comes and goes as base64, as in an event of API Gateway."""

import base64
import io

from PIL import Image

WIDTH = 200


def handler(event, context):
    picture = Image.open(io.BytesIO(base64.b64decode(event["picture"])))
    print(f"a {picture.format} of {picture.width} x {picture.height} pixels")
    picture.thumbnail((WIDTH, picture.height))
    small = io.BytesIO()
    picture.save(small, "JPEG", quality=85)
    return {"picture": base64.b64encode(small.getvalue()).decode(), "size": picture.size}

"""A program that uses what openapi-python-client makes: it gets a picture, numbers, and an upload."""

from __future__ import annotations

import base64
import json
import os
from io import BytesIO

from cvae_service_client import Client
from cvae_service_client.api.latent_vectors import encode
from cvae_service_client.api.pictures import decode, sample
from cvae_service_client.models import (
    DecodeFormat,
    DecodeRequest,
    EncodeAnswer,
    PicturesAnswer,
    SampleRequest,
    UploadForm,
)
from cvae_service_client.types import File


def main() -> None:
    """Ask the service that `CVAE_URL` names, and print what came."""
    client = Client(base_url=os.environ["CVAE_URL"])
    request = DecodeRequest(z=[0.5, -1.0])
    with client:
        picture = decode.sync(client=client, body=request)
        numbers = decode.sync(client=client, body=request, format_=DecodeFormat.JSON)
        assert isinstance(picture, File)
        assert isinstance(numbers, File)
        answer = PicturesAnswer.from_dict(json.load(numbers.payload))
        content = picture.payload.read()
        form = UploadForm(file=[File(BytesIO(content), "digit.png", "image/png")])
        upload = encode.sync(client=client, body=form)
        assert isinstance(upload, EncodeAnswer)
        assert isinstance(sample.sync(client=client, body=SampleRequest()), File)
    png = base64.b64encode(content).decode()
    print(json.dumps({"png": png, "images": answer.images, "z_mean": upload.z_mean}))


if __name__ == "__main__":
    main()

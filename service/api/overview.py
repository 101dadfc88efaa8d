"""What the schema says of the API as a whole: the text that a newcomer reads first, and the tags."""

from __future__ import annotations

DESCRIPTION = """\
Vectors of a **latent space** become pictures, and pictures become vectors. Nothing is stored: every answer is
a function of the request and the model.

**First steps.** One vector, one PNG; then a digit that any page can show:

```sh
curl -X POST localhost:8000/decode -H 'content-type: application/json' -d '{"z":[0.5,-1.0]}' -o digit.png
curl 'localhost:8000/digits/7.png?seed=3&scale=8' -o seven.png
```

Every *Try it out* below is filled in: *Execute* answers at once. `GET /models` says which models are loaded
and how many numbers a vector of each has (`latent_dim`).

**Formats.** Pictures are PNG unless you ask for another: by `Accept`, by `format=`, which wins, or by the
end of an image URL. JSON and npy are numbers (`float32` in [0, 1], or with `dtype=uint8` in [0, 255]); zip
holds a PNG a picture; GIF, WebP, APNG and NDJSON (a picture a line) are for sequences. Vectors come as JSON
or as a NumPy file (`application/x-npy`), pictures as files (PNG, JPEG, WebP, GIF,
BMP, TIFF, AVIF, HEIC), a form of such files, or JSON.

**Image URLs** are for `<img src>`: a GET that names all it needs. With an end (`/decode.png`) it is that
format, without one (`/decode`) what `Accept` or `format` asks for. Wherever there is a GET, HEAD answers
with its headers alone.

**Caching.** An image URL's answer has a strong `ETag`, known before a model runs: `If-None-Match` gets an
empty 304. With `model=name@version` (`reference` in `GET /models`) it can never change and is cached for a
year.

**Seeds.** The same seed draws the same bytes, and fewer pictures are the first of more. Without one a seed
is chosen and named in `CVAE-Seed`; `Content-Location` says where the same can be had again.

**Deadlines.** `X-Request-Timeout-Ms` says how long you will wait. A late answer is 504, a full queue 429
with `Retry-After`: come again then. If you hang up, what waits for you does not run.

**Headers.** `CVAE-Model` says which model and version answered, `Server-Timing` where the time went. Send
`X-Request-ID` to find your request in the log; without one, an answer names a new one.

**Errors** are `application/problem+json` (RFC 9457): `detail` is a sentence, `errors` says for each part of
the request that is wrong what was expected and what was received. Names that a query, a form or a body does
not know are errors too, so that no misspelt one is lost.

Each operation lists its own. Beside those, any path answers 404 where there is nothing, 405 with `Allow` to a
method that it does not have, and 413 to a body beyond the limit.
"""

# Swagger UI folds the schemas up, says how long an answer took, and asks no other host whether all is valid.
PAGE = {"defaultModelsExpandDepth": 0, "displayRequestDuration": True, "validatorUrl": None}
TAGS = [
    {
        "name": "pictures",
        "description": "From vectors, from the prior, between two points, or from pictures. PNG by default; "
        "others by `Accept`, or `format`, which wins.",
    },
    {
        "name": "image urls",
        "description": "For `<img src>`: pure functions of the URL and the model's version, strongly tagged; "
        "with `model=name@version` they are cached for a year.",
    },
    {"name": "latent vectors", "description": "From pictures to `z_mean`, `z_log_var` and `z`."},
    {"name": "models", "description": "What is loaded, how good it is, and where its test pictures lie."},
    {
        "name": "open inference protocol",
        "description": "Version 2 over REST, as Triton, KServe and MLServer speak it: each bundle's decoder "
        'and encoder as a model. Errors are `{"error": …}`.',
    },
    {"name": "health", "description": "For load balancers, container engines and Prometheus."},
]

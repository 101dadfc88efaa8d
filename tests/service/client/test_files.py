"""URLs of pictures, built without a service."""

from __future__ import annotations

from service.client import AsyncClient, Client, ModelInfo

BASE = "http://service/below"


def test_a_url_says_all_of_its_picture() -> None:
    with Client(BASE) as client:
        url = client.urls("webp", scale=4, download=True).decode([0.5, -1.0], model="mnist-2d@0123456789ab")
    assert url == (
        "http://service/below/decode.webp?z=0.5%2C-1.0&model=mnist-2d%400123456789ab&scale=4&download=true"
    )


def test_each_vector_is_a_parameter_of_its_own() -> None:
    url = Client(BASE).urls().decode([[1, 2], [3, 4]], label=[7, 9])
    assert url == "http://service/below/decode.png?z=1%2C2&z=3%2C4&label=7&label=9"


def test_both_clients_build_the_same() -> None:
    first = Client(BASE + "/").urls("gif", loops=1).interpolate(3, "0.1,-0.4", steps=4, start_label=None)
    second = AsyncClient(BASE).urls("gif", loops=1).interpolate(3, "0.1,-0.4", steps=4)
    assert first == second
    assert first == "http://service/below/interpolate.gif?from=digit%3A3&to=0.1%2C-0.4&steps=4&loops=1"


def test_what_models_says_pins_a_url() -> None:
    info = ModelInfo(
        name="a",
        version="0123456789ab",
        reference="a@0123456789ab",
        default=True,
        latent_dim=2,
        image={},
        classes=(),
        conditional=False,
        metrics={},
        dataset={},
        runtime={},
        warm=True,
        created="",
    )
    url = Client("https://service").urls().draw(7, seed=3, model=info)
    assert url == "https://service/digits/7.png?seed=3&model=a%400123456789ab"


def test_maps_and_manifolds_have_urls() -> None:
    urls = Client("http://service").urls()
    assert urls.latent_map(size=64, invert=True) == "http://service/latent-map.png?size=64&invert=true"
    assert urls.manifold(8, dims=(2, 5)) == "http://service/manifold.png?n=8&dims=2%2C5"
    assert urls.sample(4, digit=7) == "http://service/sample.png?n=4&digit=7"
    assert urls.sample(4, prior="normal") == "http://service/sample.png?n=4&prior=normal"

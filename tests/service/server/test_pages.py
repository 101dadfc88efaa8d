from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from service.server.pages import FOLDER, PATH

STYLES = f"{FOLDER}/swagger-ui.css"


@pytest.mark.parametrize("path", [STYLES, PATH, "/docs"])
@pytest.mark.parametrize(
    "wanted", ["bytes=0-9", "bytes=9-0", "bytes", "lines=1-2", "bytes=a-b", "bytes=99999999-"]
)
def test_a_range_is_ignored(client: TestClient, path: str, wanted: str) -> None:
    whole, answer = client.get(path), client.get(path, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, whole.content)
    assert answer.headers.get("accept-ranges", "none") == "none"


def test_a_file_that_a_browser_has_is_not_sent_again(client: TestClient) -> None:
    tag = client.get(STYLES).headers["etag"]
    answer = client.get(STYLES, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")

from __future__ import annotations

import socket

from service.connections.closing import count_waiting


def test_connections_that_nobody_has_accepted_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert count_waiting(listener) == 0
        clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        assert count_waiting(listener) == 3
        accepted, _ = listener.accept()
        assert count_waiting(listener) == 2
        for one in (*clients, accepted):
            one.close()


def test_what_is_no_listener_of_tcp_has_none() -> None:
    with socket.socket(socket.AF_UNIX) as other:
        assert count_waiting(other) == 0
    assert count_waiting(other) == 0

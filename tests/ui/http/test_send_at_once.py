import socket

from llm_explorer.ui.http.send_at_once import send_at_once


def without_delay(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_small_pieces_do_not_wait_on_connections_there_are_and_will_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        with socket.create_connection(address), listening.accept()[0] as there:
            assert not without_delay(there)
            send_at_once()
            assert without_delay(there)
        with socket.create_connection(address), listening.accept()[0] as later:
            assert without_delay(later)

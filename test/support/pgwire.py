"""The wire by hand: whole control over the bytes sent, for tests of bad protocol and slow readers."""

import base64
import hashlib
import hmac
import os
import socket
import struct

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
CANCEL_REQUEST = 80877102


def startup(**parameters: str) -> bytes:
    body = struct.pack("!I", PROTOCOL_3)
    for name, value in parameters.items():
        body += name.encode() + b"\0" + value.encode() + b"\0"
    body += b"\0"
    return struct.pack("!I", len(body) + 4) + body


def message(kind: str, body: bytes = b"") -> bytes:
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def query(sql: str) -> bytes:
    return message("Q", sql.encode() + b"\0")


class Wire:
    """A socket that has or has not yet logged in."""

    def __init__(self, port: int, receive_buffer: int = 0, timeout: float = 30):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.key = (0, 0)
        self.parameters: dict[str, str] = {}

    def send(self, data: bytes) -> "Wire":
        self.socket.sendall(data)
        return self

    def read_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(min(count - len(data), 1 << 16))
            if not part:
                raise EOFError("the server closed the connection")
            data += part
        return data

    def read(self) -> tuple[str, bytes]:
        """One message: type and body."""
        header = self.read_exactly(5)
        return chr(header[0]), self.read_exactly(struct.unpack("!I", header[1:])[0] - 4)

    def read_until(self, kind: str) -> list[tuple[str, bytes]]:
        seen = []
        while not seen or seen[-1][0] != kind:
            seen.append(self.read())
        return seen

    def closed(self) -> bool:
        """Reads what is left; true when the server closed the connection in order or by reset."""
        try:
            while self.socket.recv(1 << 16):
                pass
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def login(self, user: str, password: str, database: str = "dev", **parameters: str) -> "Wire":
        self.send(startup(user=user, database=database, **parameters))
        while True:
            kind, body = self.read()
            if kind == "E":
                raise PermissionError(fields(body))
            if kind == "K":
                self.key = struct.unpack("!II", body)
            elif kind == "S":
                name, value, _ = body.split(b"\0")
                self.parameters[name.decode()] = value.decode()
            elif kind == "Z":
                return self
            elif kind == "R":
                self._answer(struct.unpack("!I", body[:4])[0], body[4:], user, password)

    def _answer(self, method: int, rest: bytes, user: str, password: str) -> None:
        if method == 5:
            inner = hashlib.md5((password + user).encode()).hexdigest()
            self.send(message("p", b"md5" + hashlib.md5(inner.encode() + rest[:4]).hexdigest().encode() + b"\0"))
        elif method == 10:
            self._nonce = base64.b64encode(os.urandom(18)).decode()
            self._password = password
            first = f"n,,n=,r={self._nonce}".encode()
            self.send(message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
        elif method == 11:
            server_first = rest.decode()
            values = dict(part.split("=", 1) for part in server_first.split(","))
            salted = hashlib.pbkdf2_hmac("sha256", self._password.encode(), base64.b64decode(values["s"]), int(values["i"]))
            without_proof = f"c=biws,r={values['r']}"
            text = f"n=,r={self._nonce},{server_first},{without_proof}".encode()
            client_key = hmac.digest(salted, b"Client Key", "sha256")
            signature = hmac.digest(hashlib.sha256(client_key).digest(), text, "sha256")
            proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
            self.send(message("p", f"{without_proof},p={proof}".encode()))

    def close(self) -> None:
        self.socket.close()


def fields(body: bytes) -> dict[str, str]:
    """An ErrorResponse's fields by their letter."""
    return {chr(part[0]): part[1:].decode() for part in body.split(b"\0") if part}


def cancel(port: int, key: tuple[int, int]) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(struct.pack("!IIII", 16, CANCEL_REQUEST, *key))
        s.recv(1)

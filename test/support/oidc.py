"""An OpenID Connect issuer of tests: keys, tokens, and an https server that tells of the keys."""

import base64
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def b64(data: bytes | dict) -> str:
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A signing key: RS256, or ES256 with elliptic=True."""

    def __init__(self, kid: str, elliptic: bool = False):
        self.kid, self.algorithm = kid, "ES256" if elliptic else "RS256"
        self.private = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)

    def jwk(self) -> dict:
        public = self.private.public_key().public_numbers()
        common = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "ES256":
            return {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32), **common}
        return {"kty": "RSA", "n": number(public.n), "e": number(public.e), **common}

    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text: bytes) -> bytes:
        if self.algorithm == "RS256":
            return self.private.sign(text, padding.PKCS1v15(), hashes.SHA256())
        r, s = utils.decode_dss_signature(self.private.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, claims: dict, **header) -> str:
        text = b64({"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}) + "." + b64(claims)
        return text + "." + b64(self.sign(text.encode()))


def hmac_token(secret: bytes, claims: dict, **header) -> str:
    text = b64({"alg": "HS256", "typ": "JWT", **header}) + "." + b64(claims)
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(text.encode())
    return text + "." + b64(mac.finalize())


class Issuer:
    """Serves https://127.0.0.1:port/realm; `requests` are the paths asked for, `broken` makes it answer 500."""

    def __init__(self, folder):
        self.keys = [Key("one"), Key("two", elliptic=True)]
        self.requests, self.broken, self.says_issuer = [], False, None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.path)
                known = {"/realm/.well-known/openid-configuration": {"issuer": outer.says_issuer or outer.url, "jwks_uri": outer.url + "/keys"},
                         "/realm/keys": {"keys": [key.jwk() for key in outer.keys]}}
                body = json.dumps(known.get(self.path, {})).encode()
                self.send_response(500 if outer.broken else 200 if self.path in known else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.ca_file = folder / "issuer.pem"
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._certificate(folder))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _certificate(self, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer of tests")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=1))
                       .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                       .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
                       .sign(key, hashes.SHA256()))
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file = folder / "issuer.key"
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return self.ca_file, key_file

    @property
    def name(self) -> str:
        return self.url.removeprefix("https://")

    def claims(self, **more) -> dict:
        now = int(time.time())
        given = {"iss": self.url, "sub": "repo:bees/hives:ref:main", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 600, **more}
        return {k: v for k, v in given.items() if v is not None}

    def token(self, key: Key | None = None, **more) -> str:
        return (key or self.keys[0]).token(self.claims(**more))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

"""Encryption on the client's side as version 1 of Amazon's S3 encryption client does it, written with the `cryptography` package alone."""

import base64
import os

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 128  # bits


def _padded(data: bytes) -> bytes:
    padder = padding.PKCS7(BLOCK).padder()
    return padder.update(data) + padder.finalize()


def _unpadded(data: bytes) -> bytes:
    unpadder = padding.PKCS7(BLOCK).unpadder()
    return unpadder.update(data) + unpadder.finalize()


def encrypt(content: bytes, master_key: bytes, length: bool = True) -> tuple[bytes, dict[str, str]]:
    """(the object's bytes, its metadata)"""
    key, iv = os.urandom(32), os.urandom(16)
    wrap = Cipher(algorithms.AES(master_key), modes.ECB()).encryptor()
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    metadata = {"x-amz-key": base64.b64encode(wrap.update(_padded(key)) + wrap.finalize()).decode(),
                "x-amz-iv": base64.b64encode(iv).decode(), "x-amz-matdesc": "{}"}
    if length:
        metadata["x-amz-unencrypted-content-length"] = str(len(content))
    return cipher.update(_padded(content)) + cipher.finalize(), metadata


def decrypt(body: bytes, metadata: dict[str, str], master_key: bytes) -> bytes:
    unwrap = Cipher(algorithms.AES(master_key), modes.ECB()).decryptor()
    key = _unpadded(unwrap.update(base64.b64decode(metadata["x-amz-key"])) + unwrap.finalize())
    cipher = Cipher(algorithms.AES(key), modes.CBC(base64.b64decode(metadata["x-amz-iv"]))).decryptor()
    return _unpadded(cipher.update(body) + cipher.finalize())

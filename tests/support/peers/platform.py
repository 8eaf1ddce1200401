"""A SEV platform for tests: certificates, session unwrapping, secret packets.

In: the arguments of one command. Out: files, or one JSON object on stdout. Never: a key of a real platform.
Formats: AMD SEV API (55766): chapter 2, appendices B and C, sections 6.2 and 6.6.
"""

import hmac
import json
import sys
from base64 import b64decode
from pathlib import Path
from struct import pack

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ARK, ASK, OCA, PEK, PDH, CEK, NONE = 0x0, 0x13, 0x1001, 0x1002, 0x1003, 0x1004, 0x1000
BODY = 0x414


def le(number, size):
    return number.to_bytes(size, "little")


# Certificates


def body(usage, key, algorithm):
    point = key.public_key().public_numbers()
    head = pack("<IBBHIII", 1, 0, 24, 0, usage, algorithm, 2)
    return (head + le(point.x, 72) + le(point.y, 72)).ljust(BODY, b"\0")


def ecdsa_slot(usage, key, message):
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return pack("<II", usage, 2) + (le(r, 72) + le(s, 72)).ljust(512, b"\0")


def rsa_hash(key):
    return (hashes.SHA256(), 0x1, 32) if key.key_size == 2048 else (hashes.SHA384(), 0x101, 48)


def rsa_sign(key, message):
    hash_, _, salt = rsa_hash(key)
    signature = key.sign(message, padding.PSS(padding.MGF1(hash_), salt), hash_)
    return signature[::-1]


def rsa_slot(key, message):
    return pack("<II", ASK, rsa_hash(key)[1]) + rsa_sign(key, message).ljust(512, b"\0")


EMPTY_SLOT = pack("<II", NONE, 0) + bytes(512)


def ca_cert(usage, key, key_id, signer, signer_id):
    bits = key.key_size
    numbers = key.public_key().public_numbers()
    head = pack("<I16s16sI16sII", 1, key_id, signer_id, usage, b"", bits, bits)
    message = head + le(numbers.e, bits // 8) + le(numbers.n, bits // 8)
    return message + rsa_sign(signer, message)


def make(folder, bits):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ark, ask = (rsa.generate_private_key(65537, int(bits)) for _ in range(2))
    oca, pek, pdh, cek = (ec.generate_private_key(ec.SECP384R1()) for _ in range(4))
    ark_id, ask_id = b"test root key id", b"test sign key id"

    cek_body = body(CEK, cek, 2)
    oca_body = body(OCA, oca, 2)
    pek_body = body(PEK, pek, 2)
    pdh_body = body(PDH, pdh, 3)
    certs = {
        "pdh": pdh_body + ecdsa_slot(PEK, pek, pdh_body) + EMPTY_SLOT,
        "pek": pek_body + ecdsa_slot(OCA, oca, pek_body) + ecdsa_slot(CEK, cek, pek_body),
        "oca": oca_body + ecdsa_slot(OCA, oca, oca_body) + EMPTY_SLOT,
        "cek": cek_body + rsa_slot(ask, cek_body) + EMPTY_SLOT,
        "cek-unsigned": cek_body + EMPTY_SLOT + EMPTY_SLOT,
        "ask": ca_cert(ASK, ask, ask_id, ark, ark_id),
        "ark": ca_cert(ARK, ark, ark_id, ark, ark_id),
    }
    for name, cert in certs.items():
        (folder / f"{name}.cert").write_bytes(cert)
    platform = certs["pdh"] + certs["pek"] + certs["oca"]
    (folder / "chain.bin").write_bytes(platform + certs["cek"])
    (folder / "chain-unsigned.bin").write_bytes(platform + certs["cek-unsigned"])
    (folder / "ca.bin").write_bytes(certs["ask"] + certs["ark"])
    (folder / "pdh.pem").write_bytes(
        pdh.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return {}


# What the chip does


def derive(key, label, context):
    message = le(1, 4) + label + b"\0" + context + le(128, 4)
    return hmac.new(key, message, "sha256").digest()[:16]


def aes_ctr(key, iv, data):
    worker = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return worker.update(data) + worker.finalize()


def unwrap(pem, godh, session, policy):
    """LAUNCH_START: the keys of a session, and whether each MAC holds."""
    key = serialization.load_pem_private_key(Path(pem).read_bytes(), None)
    godh = b64decode(Path(godh).read_bytes())
    blob = b64decode(Path(session).read_bytes())
    x, y = (int.from_bytes(godh[at : at + 72], "little") for at in (20, 92))
    owner = ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()
    nonce, wrapped, iv, wrap_mac, policy_mac = (
        blob[0:16],
        blob[16:48],
        blob[48:64],
        blob[64:96],
        blob[96:128],
    )
    master = derive(key.exchange(ec.ECDH(), owner), b"sev-master-secret", nonce)
    kek, kik = derive(master, b"sev-kek", b""), derive(master, b"sev-kik", b"")
    keys = aes_ctr(kek, iv, wrapped)
    tek, tik = keys[:16], keys[16:]
    return {
        "sizes": [len(godh), len(blob)],
        "header": godh[:20].hex(),
        "rest_is_empty": godh[BODY:] == EMPTY_SLOT * 2 and not any(godh[164:BODY]),
        "wrap_mac": hmac.new(kik, wrapped, "sha256").digest() == wrap_mac,
        "policy_mac": hmac.new(tik, le(int(policy), 4), "sha256").digest() == policy_mac,
        "tek": tek.hex(),
        "tik": tik.hex(),
    }


def open_packet(tek, tik, measurement, header, payload):
    """LAUNCH_SECRET: the table, and whether the MAC holds. Header and payload are binary or base64."""
    header, payload = (Path(p).read_bytes() for p in (header, payload))
    if len(header) != 52:
        header, payload = b64decode(header), b64decode(payload)
    tek, tik = (Path(p).read_bytes() for p in (tek, tik))
    flags, iv, mac = header[:4], header[4:20], header[20:]
    size = le(len(payload), 4)
    message = b"\x01" + flags + iv + size + size + payload + b64decode(measurement)[:32]
    return {
        "mac": hmac.new(tik, message, "sha256").digest() == mac,
        "flags": flags.hex(),
        "table": aes_ctr(tek, iv, payload).hex(),
    }


if __name__ == "__main__":
    commands = {"make": make, "unwrap": unwrap, "open-packet": open_packet}
    json.dump(commands[sys.argv[1]](*sys.argv[2:]), sys.stdout)

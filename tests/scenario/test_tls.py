"""TLS on both sides: towards terminals, mutual where asked for, and towards the host."""

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.scenario.stage import Stage, on_stage
from yuanlu.iso8583.framing import LENGTH_BYTES, with_length

HERE = "127.0.0.1"


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(name, self.key.public_key(), is_authority=True)
        self.pem = self._write(f"{name}.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[str, str]:
        """A certificate for 127.0.0.1 and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(name, key.public_key(), is_authority=False)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (
            self._write(f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{name}.key", secret),
        )

    def _signed(self, name: str, public_key: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HERE))])
            builder = builder.add_extension(here, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def code_over_tls(stage: Stage, context: ssl.SSLContext) -> str:
    """One sale over TLS: field 39 of its answer; raises what the handshake or the gateway's hang-up raises."""
    host, port = stage.address
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    writer.write(with_length(stage.sale(stage.payment())))
    size = int.from_bytes(await reader.readexactly(LENGTH_BYTES))
    message = stage.host.codec.decode(await reader.readexactly(size))
    writer.close()
    return message[39]


def test_a_terminal_with_a_certificate_pays_and_one_without_is_turned_away(run, tmp_path):
    shop, other = Authority(tmp_path, "shop"), Authority(tmp_path, "other")
    certificate, key = shop.issue("gateway")
    settings = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": shop.pem}

    async def story() -> None:
        async with on_stage(tmp_path, gateway=settings) as stage:
            known = ssl.create_default_context(cafile=shop.pem)
            known.load_cert_chain(*shop.issue("till"))
            assert await code_over_tls(stage, known) == "00"
            for stranger in (None, other.issue("stranger")):
                unknown = ssl.create_default_context(cafile=shop.pem)
                if stranger:
                    unknown.load_cert_chain(*stranger)
                with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                    await code_over_tls(stage, unknown)
            assert len(stage.host.asked("0200")) == 1

    run(story())


def test_a_host_whose_certificate_is_not_trusted_is_never_sent_a_payment(run, tmp_path):
    bank, other = Authority(tmp_path, "bank"), Authority(tmp_path, "other")

    async def story(trusted: str, expected: str) -> None:
        folder = tmp_path / expected
        folder.mkdir()
        context = server_context(*bank.issue("host"))
        linked = expected == "00"
        async with on_stage(folder, host_tls=context, linked=linked, tls=True, tls_ca=trusted) as stage:
            assert await stage.code(stage.sale(stage.payment())) == expected
            assert len(stage.host.asked("0200")) == (expected == "00")

    run(story(bank.pem, "00"))
    run(story(other.pem, "91"))

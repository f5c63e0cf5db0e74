"""TLS as the configuration names it: certificates towards terminals and towards hosts."""

import ssl

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.settings import Acquirer, Settings


def terminal_tls(settings: Settings) -> ssl.SSLContext | None:
    """TLS towards terminals, mutual when a client authority is given."""
    gateway = settings.gateway
    if not gateway.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings, gateway.tls_certificate, gateway.tls_key)
    if gateway.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, settings, gateway.tls_client_ca)
    return context


def host_tls(settings: Settings, acquirer: Acquirer) -> ssl.SSLContext | None:
    """TLS towards a host, with our own certificate when one is given."""
    if not acquirer.tls:
        return None
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if acquirer.tls_ca:
        _trust(context, settings, acquirer.tls_ca)
    if acquirer.tls_certificate:
        _load(context, settings, acquirer.tls_certificate, acquirer.tls_key)
    return context


def _load(context: ssl.SSLContext, settings: Settings, certificate: str, key: str) -> None:
    try:
        context.load_cert_chain(settings.path(certificate), settings.path(key) if key else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"TLS certificate {certificate} with key {key or '(same file)'}: {error}") from None


def _trust(context: ssl.SSLContext, settings: Settings, authority: str) -> None:
    try:
        context.load_verify_locations(settings.path(authority))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"TLS authority {authority}: {error}") from None

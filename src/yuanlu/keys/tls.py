"""TLS as the configuration names it: towards terminals, towards hosts, and of the console's own till."""

import ssl

from yuanlu.kernel.errors import ConfigurationError
from yuanlu.settings import Acquirer, Settings

STRANGER = (
    "[gateway] tls_client_ca wants a certificate of every terminal, and the console's own till has none: the virtual "
    "POS and payments as JSON are off. Set [console] till_certificate and till_key"
)


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


def till_tls(settings: Settings) -> ssl.SSLContext | None:
    """TLS of the console's own till towards the gateway, with a certificate of its own when one is given.

    The gateway's own certificate is the only one that is trusted; its name does not matter then.
    """
    if not settings.gateway.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _trust(context, settings, settings.gateway.tls_certificate)
    if settings.console.till_certificate:
        _load(context, settings, settings.console.till_certificate, settings.console.till_key)
    return context


def till_is_closed(settings: Settings) -> str:
    """Why the console's own till cannot pay at this gateway, which wants a certificate of everybody; "" if it can."""
    return STRANGER if settings.gateway.tls_client_ca and not settings.console.till_certificate else ""


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

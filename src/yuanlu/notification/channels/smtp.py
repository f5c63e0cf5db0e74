"""E-mail by a mail server (RFC 5321, 5322). Plain text; the server's own queue does the rest of the way."""

import smtplib
import ssl
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate

from yuanlu.notices import Smtp
from yuanlu.notification.channels.channel import Accepted, Outgoing, Refused, Result, Unreachable

SEVEN_BITS = policy.SMTP.clone(cte_type="7bit")
"""So that every server on the way takes it, also one without 8BITMIME (RFC 6152)."""
PERMANENT = range(500, 600)


class Mail:
    """One mail server."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings

    def send(self, message: Outgoing) -> Result:
        """Hand it to the server."""
        try:
            letter = self._letter(message)
        except ValueError:
            return Refused(why="this is no e-mail address")
        try:
            with self._server() as server:
                if self._settings.tls == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if self._settings.user:
                    server.login(self._settings.user, self._settings.password)
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return _refused(codes[0] if codes else 0, "the recipient")
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, type(error).__name__)
        except (OSError, smtplib.SMTPException) as error:
            return Unreachable(why=f"{self._settings.host}: {type(error).__name__}")
        return Accepted(provider_id=letter["Message-ID"])

    def _letter(self, message: Outgoing) -> EmailMessage:
        name, _, domain = message.to.rpartition("@")
        if not name or not domain or not message.to.isprintable() or " " in message.to:
            raise ValueError(message.to)
        letter = EmailMessage(policy=SEVEN_BITS)
        letter["From"] = self._settings.sender
        letter["To"] = Address(username=name, domain=domain)
        letter["Subject"] = message.title
        letter["Date"] = formatdate(message.at_us / 1_000_000)
        letter["Message-ID"] = f"<{message.message_id}@{self._settings.sender.rpartition('@')[2].rstrip('>')}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
        letter.set_content(message.text)
        return letter

    def _server(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.tls == "tls":
            return smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=ssl.create_default_context()
            )
        return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)


def _refused(code: int, what: str) -> Result:
    """Codes of the 500s are for good (RFC 5321 §4.2.1), except those of signing in: a password can be put right."""
    why = f"{what} was refused with {code}"
    for_good = code in PERMANENT and code not in (530, 534, 535, 538)
    return Refused(why=why) if for_good else Unreachable(why=why)

"""The host's side of keys: working keys at sign-in, the MAC of requests and answers.

A new sign-in replaces the keys of its scope at once; a request under the old ones is answered A0, as real
hosts do. An answer is made under the keys that its request was checked with.
"""

from yuanlu.iso8583.codec import MakeMac, Message
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.host_terms import HostTerms, scope_of

SINGLE_LENGTH_SIGN_IN = "001"
TRACK_KEY_SIGN_IN = "004"


def mac_bytes(message: Message) -> bytes:
    """The 8 bytes of the message's MAC, also where they stand as 16 hex characters; b"" without one."""
    for number in message.codec.dialect.mac_fields:
        if message.has(number):
            content = message.value_bytes(number)
            return bytes.fromhex(content.decode("ascii")) if len(content) == 16 else content
    return b""


class HostKeys:
    """Working keys by scope. With `mac` "none" everything passes and nothing is made."""

    def __init__(self, terms: HostTerms, store: SoftwareKeyStore) -> None:
        self._terms = terms
        self._store = store
        self._by_scope: dict[str, WorkingKeys] = {}

    def sign_in(self, terminal_id: str, management_code: str) -> bytes:
        """Issue new keys for the request's scope; returns field 62, keys under the scope's master key."""
        keys = self._store.issue_working_keys(
            scope_of(self._terms, terminal_id),
            self._terms.mac,
            double_length=management_code != SINGLE_LENGTH_SIGN_IN,
            with_track_key=management_code == TRACK_KEY_SIGN_IN,
        )
        self._by_scope[keys.scope] = keys
        return keys.for_terminal.to_field_62()

    def check(self, message: Message, terminal_id: str) -> tuple[bool, MakeMac | None]:
        """Whether the request is authentic, and what makes the MAC of its answer (None: no MAC)."""
        if self._terms.mac == "none":
            return True, None
        keys = self._by_scope.get(scope_of(self._terms, terminal_id))
        mac = mac_bytes(message)
        if keys is None or not mac:
            return False, None
        key = keys.mac_key(self._terms.mac)
        return (True, key.make) if key.verify(message.mac_input(), mac) else (False, None)

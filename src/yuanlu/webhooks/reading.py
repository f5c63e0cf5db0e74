"""The facts that are events for other systems, since the last look."""

from yuanlu.journal.following import Follower
from yuanlu.webhooks.events import EVENT_OF
from yuanlu.webhooks.tables import webhook_cursors

_FOLLOWER = Follower(webhook_cursors, EVENT_OF)
start, news, advance = _FOLLOWER.start, _FOLLOWER.news, _FOLLOWER.advance

"""Receipts of SMS providers, as they push them: `POST /receipts/CHANNEL/SECRET`.

Neither provider signs what it pushes (Alibaba Cloud, "SmsReport"; Tencent Cloud, "SMS Sending Status Notification"), so
the address holds a secret of the settings. A wrong address is answered like one that there is not. What is answered
otherwise than with success they push again.
"""

import asyncio
import hmac

import structlog
from sqlalchemy.exc import DatabaseError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from yuanlu.console.asked import Console
from yuanlu.console.limits import Limiter
from yuanlu.db.errors import StoreError
from yuanlu.notices import AliyunSms, TencentSms
from yuanlu.people.receipts import ReceiptsBusy, ReceiptsWrong, read_receipts, received

PATH = "/receipts/{channel}/{secret}"
BODY_BYTES_MAX = 1024 * 1024
GUESSES = Limiter(burst=20, per_minute=10)
"""Wrong addresses from one network address; a right one is not counted."""
TAKEN = {AliyunSms: {"code": 0, "msg": "OK"}, TencentSms: {"result": 0, "errmsg": "OK"}}
"""What each provider takes as success."""
_log = structlog.get_logger("yuanlu.console")


async def receive(request: Request) -> Response:
    """Record what a provider says of messages that it took."""
    console: Console = request.app.state.console
    name = request.path_params["channel"]
    channel = console.settings.notification.channels.get(name)
    if not isinstance(channel, AliyunSms | TencentSms) or not _knows(request, channel):
        return _nothing(request)
    body = await _body(request)
    if body is None:
        return Response(status_code=413)
    try:
        receipts = read_receipts(channel, body)
        await console.store.act(received, name, receipts)
    except ReceiptsWrong as error:
        _log.warning("receipts could not be read", channel=name, reason=str(error))
        return Response(status_code=400)
    except (ReceiptsBusy, StoreError, DatabaseError) as error:
        _log.warning("receipts could not be recorded", channel=name, reason=type(error).__name__)
        return Response(status_code=503)
    return JSONResponse(TAKEN[type(channel)])


def _knows(request: Request, channel: AliyunSms | TencentSms) -> bool:
    given: str = request.path_params["secret"]
    return bool(channel.receipts_secret) and hmac.compare_digest(given.encode(), channel.receipts_secret.encode())


def _nothing(request: Request) -> Response:
    guesser = request.client.host if request.client else ""
    return Response(status_code=429 if GUESSES.wait_s(guesser, asyncio.get_running_loop().time()) else 404)


async def _body(request: Request) -> bytes | None:
    """The body; None when it is too long."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > BODY_BYTES_MAX:
            return None
    return bytes(found)

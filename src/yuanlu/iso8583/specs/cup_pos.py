"""`cup-pos`: UnionPay POS terminal to acquirer, as in the Q/CUP 006 family (银联POS终端规范).

A frame is TPDU (5 bytes, first 60), header (6 bytes), message type (2 bytes BCD), one bitmap of 64 bits and
the fields. Numbers are BCD, text is GBK, lengths are BCD and count digits for numbers and tracks, bytes
otherwise. The optional "LRI" prefix that some networks put before the TPDU is out of scope: the network
access controller strips it.

Fields 40, 57 and 58 are private and their use is not documented, so they are overwritten before a frame is
kept. Field 60 is 17 digits in the specification; terminals in the field send up to 30. Field 63 is 63 bytes
in the specification; hosts send up to 163. A repeated message carries the message type of the first one.
"""

from types import MappingProxyType

from yuanlu.iso8583.dialect import Dialect, Encoding, LengthCoding, Mask, fixed, lllvar, llvar, table

_BCD, _TRACK, _TEXT, _GBK = Encoding.BCD, Encoding.BCD_TRACK, Encoding.TEXT, Encoding.GBK

CUP_POS = Dialect(
    name="cup-pos",
    title="UnionPay POS (Q/CUP 006)",
    length_coding=LengthCoding.BCD,
    mti_bcd=True,
    bitmap_hex=False,
    extended=False,
    mac_fields=(64,),
    repeat_mtis=MappingProxyType({}),
    has_inquiry=False,
    tpdu_bytes=5,
    header_bytes=6,
    default_tpdu=bytes.fromhex("6000060000"),
    default_header=bytes.fromhex("603100311108"),
    fields=table(
        {
            2: llvar(_BCD, 19, "pan", "主账号", Mask.PAN),
            3: fixed(_BCD, 6, "processing_code", "交易处理码"),
            4: fixed(_BCD, 12, "amount", "交易金额"),
            11: fixed(_BCD, 6, "stan", "受卡方系统跟踪号"),
            12: fixed(_BCD, 6, "local_time", "受卡方所在地时间"),
            13: fixed(_BCD, 4, "local_date", "受卡方所在地日期"),
            14: fixed(_BCD, 4, "expiry", "卡有效期", Mask.ALL),
            15: fixed(_BCD, 4, "settlement_date", "清算日期"),
            22: fixed(_BCD, 3, "entry_mode", "服务点输入方式码"),
            23: fixed(Encoding.BCD_RIGHT, 3, "pan_sequence", "卡序列号"),
            25: fixed(_BCD, 2, "condition_code", "服务点条件码"),
            26: fixed(_BCD, 2, "pin_capture_code", "服务点PIN获取码"),
            32: llvar(_BCD, 11, "acquiring_institution", "受理方标识码"),
            35: llvar(_TRACK, 37, "track2", "2磁道数据", Mask.ALL),
            36: lllvar(_TRACK, 104, "track3", "3磁道数据", Mask.ALL),
            37: fixed(_TEXT, 12, "rrn", "检索参考号"),
            38: fixed(_TEXT, 6, "auth_code", "授权标识应答码"),
            39: fixed(_TEXT, 2, "response_code", "应答码"),
            40: llvar(_GBK, 99, "private_40", "自定义域40", Mask.ALL),
            41: fixed(_TEXT, 8, "terminal_id", "受卡机终端标识码"),
            42: fixed(_TEXT, 15, "merchant_id", "受卡方标识码"),
            44: llvar(_GBK, 25, "additional_response", "附加响应数据"),
            48: lllvar(_BCD, 322, "additional_private", "附加数据-私有", Mask.KEEP_SETTLEMENT),
            49: fixed(_TEXT, 3, "currency", "交易货币代码"),
            52: fixed(Encoding.BINARY, 8, "pin_block", "个人标识码数据", Mask.ALL),
            53: fixed(_BCD, 16, "security_control", "安全控制信息"),
            54: lllvar(_TEXT, 20, "additional_amounts", "附加金额"),
            55: lllvar(Encoding.BINARY, 255, "icc_data", "IC卡数据域", Mask.TLV),
            57: lllvar(Encoding.GBK_OR_HEX, 999, "private_57", "自定义域57", Mask.ALL),
            58: lllvar(Encoding.GBK_OR_HEX, 100, "private_58", "自定义域58", Mask.ALL),
            59: lllvar(Encoding.GBK_OR_HEX, 999, "private_59", "自定义域59", Mask.QR),
            60: lllvar(_BCD, 30, "private_60", "自定义域60"),
            61: lllvar(_BCD, 29, "original_data", "原始信息域"),
            62: lllvar(Encoding.TEXT_OR_HEX, 512, "private_62", "自定义域62", Mask.KEEP_PLAIN_SIGN_IN),
            63: lllvar(_GBK, 163, "private_63", "自定义域63"),
            64: fixed(Encoding.MAC, 8, "mac", "报文鉴别码"),
        }
    ),
)

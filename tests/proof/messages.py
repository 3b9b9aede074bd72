"""The messages of Restate's service protocol (versions 5 to 7) that a server sends and reads, and how they are framed.

Numbers and types are those of `protocol.proto` in restatedev/sdk-shared-core.  Only the fields that the driver reads or writes are
described; protobuf keeps the others as they are.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = {
    "Void": {},
    "Value": {"content": (1, "bytes")},
    "Failure": {"code": (1, "uint32"), "message": (2, "string")},
    "StateKeys": {"keys": (1, "bytes*")},
    "StateEntry": {"key": (1, "bytes"), "value": (2, "bytes")},
    "Start": {
        "id": (1, "bytes"),
        "debug_id": (2, "string"),
        "known_entries": (3, "uint32"),
        "state_map": (4, "StateEntry*"),
        "key": (6, "string"),
        "random_seed": (9, "uint64"),
    },
    # Up to version 6 a suspension lists what is awaited itself, under the numbers that `Future` has since.
    "Future": {"completions": (1, "uint32*"), "signals": (2, "uint32*"), "names": (3, "string*"), "nested": (4, "Future*")},
    "AwaitingOn": {"awaiting_on": (1, "Future")},
    "Error": {"code": (1, "uint32"), "message": (2, "string"), "stacktrace": (3, "string"), "command_name": (5, "string")},
    "Proposal": {"completion_id": (1, "uint32"), "value": (14, "bytes"), "failure": (15, "Failure")},
    "Ack": {"completion_id": (1, "uint32")},
    "Input": {"value": (14, "Value")},
    "Output": {"value": (14, "Value"), "failure": (15, "Failure")},
    # What most commands have in common; a step and a sleep have nothing else.
    "Command": {"invocation_id": (10, "uint32"), "completion_id": (11, "uint32"), "name": (12, "string")},
    "StateCommand": {"key": (1, "bytes"), "value": (3, "Value")},
    "PromiseCommand": {"key": (1, "string")},
    "CallCommand": {"service": (1, "string"), "handler": (2, "string")},
    # Every completion and every signal.
    "Notification": {
        "completion_id": (1, "uint32"),
        "signal_id": (2, "uint32"),
        "signal_name": (3, "string"),
        "void": (4, "Void"),
        "value": (5, "Value"),
        "failure": (6, "Failure"),
        "invocation_id": (16, "string"),
        "state_keys": (17, "StateKeys"),
    },
}


class Kind(enum.IntEnum):
    """Types of frames.  A command's completion has the command's number with the top bit for the command bit."""

    START = 0x0000
    SUSPENSION = 0x0001
    ERROR = 0x0002
    END = 0x0003
    PROPOSE_RUN = 0x0005
    AWAITING_ON = 0x0006
    RUN_ACK = 0x0007
    INPUT = 0x0400
    OUTPUT = 0x0401
    GET_STATE = 0x0402
    SET_STATE = 0x0403
    CLEAR_STATE = 0x0404
    CLEAR_ALL_STATE = 0x0405
    STATE_KEYS = 0x0406
    GET_EAGER_STATE = 0x0407
    EAGER_STATE_KEYS = 0x0408
    GET_PROMISE = 0x0409
    PEEK_PROMISE = 0x040A
    COMPLETE_PROMISE = 0x040B
    SLEEP = 0x040C
    CALL = 0x040D
    SEND = 0x040E
    SEND_SIGNAL = 0x0410
    RUN = 0x0411
    ATTACH = 0x0412
    GET_OUTPUT = 0x0413
    COMPLETE_AWAKEABLE = 0x0414
    GET_STATE_DONE = 0x8002
    STATE_KEYS_DONE = 0x8006
    INVOCATION_ID = 0x800E
    RUN_DONE = 0x8011
    SIGNAL = 0xFBFF

    @property
    def is_command(self) -> bool:
        """Whether it is journaled as something that the handler asked for."""
        return Kind.INPUT <= self <= Kind.COMPLETE_AWAKEABLE

    @property
    def label(self) -> str:
        """In words."""
        return self.name.lower().replace("_", " ")


ACK_REQUESTED = 0x8000
CANCEL = 1
"""The signal that cancels an invocation."""


@dataclass(frozen=True)
class Frame:
    """A message with its type, as it stands on the wire.  `kind` is a number: completions of every command are frames."""

    kind: int
    body: bytes
    flags: int = 0

    @property
    def is_command(self) -> bool:
        """Whether it is a command."""
        return Kind.INPUT <= self.kind <= Kind.COMPLETE_AWAKEABLE

    def __bytes__(self) -> bytes:
        """Header and body."""
        return struct.pack(">HHI", self.kind, self.flags, len(self.body)) + self.body


def frames(data: bytes) -> Iterator[Frame]:
    """The frames that stand one after the other in `data`."""
    while data:
        kind, flags, length = struct.unpack_from(">HHI", data)
        yield Frame(kind, data[8 : 8 + length], flags)
        data = data[8 + length :]


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="restate.proto", package="restate", syntax="proto3")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            described = message.field.add(name=field, number=number, label=3 if kind.endswith("*") else 1)
            match kind.rstrip("*"):
                case "bytes" | "string" | "uint32" | "uint64" as scalar:
                    described.type = descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{scalar.upper()}")
                case other:
                    described.type, described.type_name = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE, f".restate.{other}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call,unused-ignore]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"restate.{name}")) for name in FIELDS}


_CLASSES = _classes()


def make(name: str, **fields: Any) -> Any:
    """A message, by its name in `FIELDS`."""
    return _CLASSES[name](**fields)


def read(name: str, body: bytes) -> Any:
    """The message that `body` says."""
    return _CLASSES[name].FromString(body)


def frame(kind: int, name: str, **fields: Any) -> Frame:
    """A message in its frame."""
    return Frame(kind, make(name, **fields).SerializeToString())

from types import TracebackType
from typing import Optional, Type, TypedDict, Union

class Device(TypedDict):
    id: int
    uuid: str
    name: str
    total_bytes: int
    free_bytes: Optional[int]
    reserved_bytes: int
    available_bytes: int

class VramError(RuntimeError):
    code: str
    model: str
    device: str
    required_bytes: int
    available_bytes: int
    reserved_bytes: int
    headroom_bytes: int
    retry_after: Optional[int]
    def __init__(self, message: str, **facts: object) -> None: ...

class InsufficientMemory(VramError): ...
class ImpossibleMemory(VramError): ...

class Lease:
    @property
    def device(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def active(self) -> bool: ...
    @property
    def enforced(self) -> bool: ...
    def release(self) -> None: ...
    def note_allocated(self, size: Union[int, str]) -> None: ...
    def note_freed(self, size: Union[int, str]) -> None: ...
    def __enter__(self) -> Lease: ...
    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException], traceback: Optional[TracebackType]) -> None: ...

def reserve(
    need: Union[int, str],
    model: Optional[str] = ...,
    device: Union[int, str, None] = ...,
    wait: Union[float, str, None] = ...,
    app: Optional[str] = ...,
) -> Lease: ...
def devices() -> list[Device]: ...

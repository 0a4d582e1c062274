from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PcmEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PCM_ENCODING_UNSPECIFIED: _ClassVar[PcmEncoding]
    PCM_ENCODING_S16LE: _ClassVar[PcmEncoding]
    PCM_ENCODING_F32LE: _ClassVar[PcmEncoding]
PCM_ENCODING_UNSPECIFIED: PcmEncoding
PCM_ENCODING_S16LE: PcmEncoding
PCM_ENCODING_F32LE: PcmEncoding

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("name", "version", "weights_sha256", "sample_rate_hz", "window_samples", "hop_samples", "labels", "laughter", "plugin", "logits", "logit_step")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    HOP_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    LAUGHTER_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    LOGITS_FIELD_NUMBER: _ClassVar[int]
    LOGIT_STEP_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    weights_sha256: str
    sample_rate_hz: int
    window_samples: int
    hop_samples: int
    labels: _containers.RepeatedScalarFieldContainer[str]
    laughter: _containers.RepeatedScalarFieldContainer[int]
    plugin: str
    logits: bool
    logit_step: float
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., weights_sha256: _Optional[str] = ..., sample_rate_hz: _Optional[int] = ..., window_samples: _Optional[int] = ..., hop_samples: _Optional[int] = ..., labels: _Optional[_Iterable[str]] = ..., laughter: _Optional[_Iterable[int]] = ..., plugin: _Optional[str] = ..., logits: bool = ..., logit_step: _Optional[float] = ...) -> None: ...

class ClassifyRequest(_message.Message):
    __slots__ = ("config", "chunk")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    config: StreamConfig
    chunk: Chunk
    def __init__(self, config: _Optional[_Union[StreamConfig, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ...) -> None: ...

class StreamConfig(_message.Message):
    __slots__ = ("labels", "score_floor", "hop_samples", "encoding", "logits")
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FLOOR_FIELD_NUMBER: _ClassVar[int]
    HOP_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    LOGITS_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedScalarFieldContainer[int]
    score_floor: float
    hop_samples: int
    encoding: PcmEncoding
    logits: bool
    def __init__(self, labels: _Optional[_Iterable[int]] = ..., score_floor: _Optional[float] = ..., hop_samples: _Optional[int] = ..., encoding: _Optional[_Union[PcmEncoding, str]] = ..., logits: bool = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("index", "first_sample", "pcm")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FIRST_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    PCM_FIELD_NUMBER: _ClassVar[int]
    index: int
    first_sample: int
    pcm: bytes
    def __init__(self, index: _Optional[int] = ..., first_sample: _Optional[int] = ..., pcm: _Optional[bytes] = ...) -> None: ...

class ClassifyResponse(_message.Message):
    __slots__ = ("chunk_index", "frames", "final")
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    chunk_index: int
    frames: _containers.RepeatedCompositeFieldContainer[Frame]
    final: bool
    def __init__(self, chunk_index: _Optional[int] = ..., frames: _Optional[_Iterable[_Union[Frame, _Mapping]]] = ..., final: bool = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("first_sample", "scores", "logits")
    FIRST_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    LOGITS_FIELD_NUMBER: _ClassVar[int]
    first_sample: int
    scores: _containers.RepeatedScalarFieldContainer[float]
    logits: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, first_sample: _Optional[int] = ..., scores: _Optional[_Iterable[float]] = ..., logits: _Optional[_Iterable[float]] = ...) -> None: ...

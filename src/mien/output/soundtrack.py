"""The sound of a video file, handed on to another one: copied where the container takes it, else as AAC."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError

from mien.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

    Sound = Packet[AudioStream]

_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"})
_MOV = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"})
_COPIED = {".mp4": _MP4, ".mov": _MOV}
"""Codecs that players understand in these containers; Matroska takes whatever its muxer can store."""

_AAC_BITS = 160_000  # bits per second
_AAC_RATES = (
    8000,
    11025,
    12000,
    16000,
    22050,
    24000,
    32000,
    44100,
    48000,
    64000,
    88200,
    96000,
)  # samples per second
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # others are mixed down to stereo


class Soundtrack:
    """The best audio track of ``source``, muxed into ``output`` as far as asked.

    Args:
        source: the file to read; it is opened a second time beside the one that decodes the pictures.
        output: a container to which a stream is added; nothing may have been muxed yet.
        suffix: the output's, such as ``.mp4``.
        shift: seconds to add to every timestamp.

    Raises:
        InputError: ``source`` cannot be opened.
    """

    def __init__(self, source: Path, output: OutputContainer, suffix: str, shift: Fraction) -> None:
        self._output = output
        self._shift = shift
        self._input: InputContainer | None = None
        self._ready: Iterator[Sound] = iter(())
        self._next: Sound | None = None
        try:
            # The prefix keeps FFmpeg from reading a colon in a name as a protocol.
            self._input = av.open(f"file:{source}", metadata_errors="ignore")
        except (OSError, FFmpegError) as error:
            raise InputError(f"{source}: cannot be read again for its sound: {error.strerror}") from error
        track = self._input.streams.best("audio")
        if not isinstance(track, AudioStream):
            self.close()
            return
        codec = track.codec_context.name
        allowed = _COPIED.get(suffix, output.supported_codecs)
        self._ready = self._copied(track) if codec in allowed else self._encoded(track)
        self._next = next(self._ready, None)

    def advance(self, until: Fraction | None) -> None:
        """Mux the sound up to ``until`` seconds; all that is left where that is ``None``."""
        while self._next is not None:
            if until is not None and _seconds(self._next) > until:
                return
            self._output.mux(self._next)
            self._next = next(self._ready, None)

    def close(self) -> None:
        """Close the input; safe to call twice."""
        self._next = None
        if self._input is not None:
            self._input.close()
            self._input = None

    def _copied(self, track: AudioStream) -> Iterator[Sound]:
        out = self._output.add_stream_from_template(track)
        return self._restamped(track, out)

    def _restamped(self, track: AudioStream, out: AudioStream) -> Iterator[Sound]:
        for packet in self._packets(track):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue  # the empty packet that ends the stream
            ticks = round(self._shift / packet.time_base)
            packet.pts += ticks
            packet.dts += ticks
            packet.stream = out
            yield packet

    def _encoded(self, track: AudioStream) -> Iterator[Sound]:
        context = track.codec_context
        rate = min(_AAC_RATES, key=lambda known: abs(known - context.sample_rate))
        # raw sound often says how many channels it has but not where they stand
        layout = _LAYOUTS.get(context.layout.nb_channels, "stereo")
        out = self._output.add_stream("aac", rate=rate, layout=layout)
        out.bit_rate = _AAC_BITS
        return self._recoded(track, out)

    def _recoded(self, track: AudioStream, out: AudioStream) -> Iterator[Sound]:
        resampler = AudioResampler(format="fltp", layout=out.layout, rate=out.rate)
        for packet in self._packets(track):
            try:
                decoded = track.codec_context.decode(packet)
            except FFmpegError:
                continue  # a damaged packet: its few milliseconds stay silent
            for frame in decoded:
                if frame.pts is not None and frame.time_base is not None:
                    frame.pts += round(self._shift / frame.time_base)
                for piece in resampler.resample(frame):
                    yield from out.encode(piece)
        for piece in resampler.resample(None):
            yield from out.encode(piece)
        yield from out.encode(None)

    def _packets(self, track: AudioStream) -> Iterator[Sound]:
        """Packets up to the file's end, or to where a cut-off file breaks: there is no more sound then."""
        if self._input is None:
            return
        try:
            yield from self._input.demux(track)
        except FFmpegError:
            return


def _seconds(packet: Sound) -> Fraction:
    """When a packet plays; packets without a time go at once."""
    when = packet.dts if packet.dts is not None else packet.pts
    return Fraction(0) if when is None or packet.time_base is None else when * packet.time_base

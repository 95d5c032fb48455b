"""The picture behind ``--explain``: a card per telling moment, the cards of a face under its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from mien.labels import ACTION_UNITS
from mien.output import heat
from mien.output.colours import Colour, colours, ink_on
from mien.output.lettering import Lettering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mien.labels import LabelSet
    from mien.output.moments import Moment
    from mien.types import Rgb

FACE = 224
"""Pixels along each side of a face."""
GROWN = 1.3
"""How much wider than the model's patch a face is shown."""

CLAIMS = (
    "Scores say what a face shows, not what a person feels.",
    "Maps say what the model looked at, not what causes what: each place was covered with grey in turn.",
    "Orange spoke for the answer (covering it lowers the odds), blue against it; each map has its own scale.",
)

_THUMB = 144  # pixels along each side of an action unit's map
_UNITS = 3  # maps beside each other
_BARS = 260  # width of the column of bars
_GAP, _PAD, _EDGE = 14, 20, 36
_HEAD, _ROW, _FOOT = 62, 24, 26  # heights: of a card's words, a bar, a line under it
_NAME = 46  # height of a face's name
_MOST_BARS = 9
_WORDS = 4  # regions that are named
_FAINTEST = 0.1  # log-odds that the strongest place must cost, else its regions are noise
_LEAST_SHARE = 0.05  # of the drops, from which a region is worth a word

_PAGE: Colour = (255, 255, 255)
_CARD: Colour = (246, 246, 244)
_RIM: Colour = (222, 222, 218)
_INK: Colour = (28, 28, 28)
_FAINT: Colour = (104, 104, 104)
_TRACK: Colour = (224, 224, 221)


class Evidence(Protocol):
    """What spoke for one answer; see ``mien.explanation.Evidence``."""

    @property
    def name(self) -> str:
        """Of the expression or action unit."""

    @property
    def probability(self) -> float:
        """For the whole patch."""

    @property
    def covered(self) -> float:
        """The lowest that covering one place leaves."""

    @property
    def map(self) -> NDArray[np.float64]:
        """(size, size), drop of the log-odds."""

    @property
    def regions(self) -> Mapping[str, float]:
        """Shares of the positive drops, largest first."""


class Explanation(Protocol):
    """Why a model answers as it does; see ``mien.explanation.Explanation``."""

    @property
    def expression(self) -> Evidence:
        """Of the expression that is explained."""

    @property
    def units(self) -> Sequence[Evidence]:
        """Of the strongest action units, strongest first."""

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(labels,), of this picture alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A moment and why the model answered as it did."""

    moment: Moment
    why: Explanation


def draw(labels: LabelSet, faces: Mapping[int, Sequence[Card]], *, title: str, note: str) -> Rgb:
    """Draw the whole picture.

    Args:
        labels: the model's labels.
        faces: cards by track id, in order of time.
        title: what the picture is about.
        note: small print beside the title, such as the model's name.

    Returns:
        uint8 (height, width, 3), R G B.
    """
    page = _Page(labels, faces)
    return page.draw(title, note)


class _Page:
    """Sizes, and what is drawn where."""

    def __init__(self, labels: LabelSet, faces: Mapping[int, Sequence[Card]]) -> None:
        self._labels, self._names = labels.expressions, labels.action_units
        self._colours = colours(self._labels)
        self._faces = faces
        self._large, self._text, self._small = Lettering(15), Lettering(10), Lettering(9)
        self._units = bool(self._names)
        shown = [card.moment.face for cards in faces.values() for card in cards]
        self._said = any(face.evidence or face.withheld for face in shown)
        wide = 2 * _PAD + 2 * FACE + _GAP + 2 * _GAP + _BARS
        if self._units:
            wide += 2 * _GAP + _UNITS * _THUMB + (_UNITS - 1) * _GAP
        self._card = (wide, 2 * _PAD + _HEAD + FACE + (_FOOT if self._said else 0))
        most = max((len(cards) for cards in faces.values()), default=1)
        self._columns = 1 if self._units else min(2, most)
        claims = max(self._small.width(claim) for claim in CLAIMS)
        self._inner = max(self._columns * wide + (self._columns - 1) * _GAP, claims)

    def draw(self, title: str, note: str) -> Rgb:
        """See ``draw``."""
        head = 2 * _EDGE + 40 + 20 * len(CLAIMS)
        rows = [-(-len(cards) // self._columns) for cards in self._faces.values()]
        face = _NAME
        body = sum(face + count * (self._card[1] + _GAP) for count in rows) if rows else 80
        image = np.full((head + body + _EDGE, self._inner + 2 * _EDGE, 3), _PAGE, np.uint8)
        self._header(image, title, note)
        y = head
        if not self._faces:
            self._large.draw(image, "no face was seen", _EDGE, y + 20, _FAINT)
        for (face_id, cards), count in zip(self._faces.items(), rows, strict=True):
            self._large.draw(image, f"face {face_id}", _EDGE, y + 12, _INK, bold=True)
            for place, card in enumerate(cards):
                row, column = divmod(place, self._columns)
                x = _EDGE + column * (self._card[0] + _GAP)
                self._draw_card(image, x, y + face + row * (self._card[1] + _GAP), card)
            y += face + count * (self._card[1] + _GAP)
        return image

    def _header(self, image: Rgb, title: str, note: str) -> None:
        right = _EDGE + self._inner
        start = right - self._small.width(note)
        self._large.draw(image, self._fitted(title, start - _EDGE - _PAD), _EDGE, _EDGE + 8, _INK, bold=True)
        self._small.draw(image, note, start, _EDGE + 8, _FAINT)
        for place, claim in enumerate(CLAIMS):
            self._small.draw(image, claim, _EDGE, _EDGE + 44 + 20 * place, _FAINT)
        names = ("against", "for")
        wide = 200 + sum(map(self._small.width, names)) + 2 * _GAP
        if _EDGE + self._small.width(CLAIMS[0]) + _PAD < right - wide:
            x, middle = right - wide, _EDGE + 44
            self._small.draw(image, names[0], x, middle, _FAINT)
            x += self._small.width(names[0]) + _GAP
            scale = np.broadcast_to(np.linspace(-1, 1, 200, dtype=np.float32), (12, 200))
            ground = np.full((12, 200, 3), 225, np.float32)
            image[middle - 6 : middle + 6, x : x + 200] = np.rint(heat.mixed(ground, scale))
            self._small.draw(image, names[1], x + 200 + _GAP, middle, _FAINT)

    def _draw_card(self, image: Rgb, x: int, y: int, card: Card) -> None:
        wide, high = self._card
        cv2.rectangle(image, (x, y), (x + wide - 1, y + high - 1), _CARD, -1)
        cv2.rectangle(image, (x, y), (x + wide - 1, y + high - 1), _RIM, 1)
        left, top = x + _PAD, y + _PAD
        self._words(image, left, top, card)
        top += _HEAD
        whole = card.moment.picture
        self._place(image, left, top, _framed(whole))
        over = heat.laid_over(whole, card.why.expression.map, _inner(len(whole)))
        self._place(image, left + FACE + _GAP, top, over)
        left += 2 * FACE + 3 * _GAP
        self._bars(image, left, top, card)
        if self._units:
            self._draw_units(image, left + _BARS + 2 * _GAP, top, card)
        if said := card.moment.face.withheld or card.moment.face.evidence:
            words = self._fitted(said, wide - 2 * _PAD, self._small)
            self._small.draw(image, words, x + _PAD, y + high - _PAD - 2, _INK)

    def _words(self, image: Rgb, x: int, y: int, card: Card) -> None:
        """When, what, and where that was seen."""
        moment, why = card.moment, card.why.expression
        when = f"{moment.clock:.2f} s" if moment.timed else f"picture {moment.clock:.0f}"
        label = moment.face.expression
        self._text.draw(image, when, x, y + 10, _INK, bold=True)
        x0 = x + self._text.width(when, bold=True) + _GAP
        chip = f"{label} {_percent(float(moment.face.probabilities.max()))}" if label else "withheld"
        colour = self._colours.get(label, _FAINT)
        reach = self._text.width(chip, bold=True) + 2 * 9
        cv2.rectangle(image, (x0, y - 2), (x0 + reach, y + 22), colour, -1)
        self._text.draw(image, chip, x0 + 9, y + 10, ink_on(colour), bold=True)
        words = f"seen in: {named(why.regions)}" if _spoke(why) else "no single place of the face spoke for it"
        self._text.draw(image, words, x, y + 40, _INK)
        whole, left = _percent(why.probability), _percent(why.covered)
        fall = f"{why.name} in this picture alone: {whole}, with its strongest place covered {left}"
        self._small.draw(image, fall, x0 + reach + _GAP, y + 10, _FAINT)

    def _bars(self, image: Rgb, x: int, y: int, card: Card) -> None:
        """The expressions' probabilities as the table has them."""
        shares = card.moment.face.probabilities
        order = sorted(np.argsort(-shares, kind="stable")[:_MOST_BARS].tolist())
        names = [self._fitted(self._labels[place], 110) for place in order]
        start = x + max(self._text.width(name, bold=True) for name in names) + _GAP
        end = x + _BARS - self._text.width("100 %", bold=True) - _GAP
        step = min(_ROW + 4, FACE // len(order))
        for row, (place, name) in enumerate(zip(order, names, strict=True)):
            middle, share = y + row * step + step // 2, float(shares[place])
            top = self._labels[place] == card.moment.face.expression
            ink = _INK if top else _FAINT
            self._text.draw(image, name, x, middle, ink, bold=top)
            cv2.rectangle(image, (start, middle - 6), (end, middle + 6), _TRACK, -1)
            reach = round((end - start) * min(1.0, max(0.0, share)))
            if reach:
                colour = self._colours[self._labels[place]]
                cv2.rectangle(image, (start, middle - 6), (start + reach, middle + 6), colour, -1)
            self._text.draw(image, _percent(share), end + _GAP, middle, ink, bold=top)

    def _draw_units(self, image: Rgb, x: int, y: int, card: Card) -> None:
        """The strongest action units, each with its own map."""
        units = card.moment.face.action_units
        if not card.why.units and units is not None:
            self._text.draw(image, "no action unit is there", x, y + 12, _INK, bold=True)
            for row, place in enumerate(np.argsort(-units, kind="stable")[:_UNITS].tolist()):
                name = self._names[place]
                words = f"{name}  {ACTION_UNITS[name]}  {_percent(float(units[place]))}"
                self._small.draw(image, words, x, y + 40 + _ROW * row, _FAINT)
        for unit in card.why.units[:_UNITS]:
            small = cv2.resize(card.moment.picture, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.uint8)
            self._place(image, x, y, heat.laid_over(small, unit.map, _inner(_THUMB)))
            title = f"{unit.name}  {_percent(self._shown(card, unit))}"
            self._text.draw(image, title, x, y + _THUMB + 18, _INK, bold=True)
            known = ACTION_UNITS[unit.name]
            self._small.draw(image, self._fitted(known, _THUMB + 8, self._small), x, y + _THUMB + 40, _INK)
            places = named(unit.regions, 2).split(", ") if _spoke(unit) else ["no single place"]
            for row, where in enumerate(places):
                self._small.draw(image, where, x, y + _THUMB + 59 + 17 * row, _FAINT)
            x += _THUMB + _GAP

    def _shown(self, card: Card, unit: Evidence) -> float:
        """The unit's probability as the table has it; the map is of this picture alone."""
        units = card.moment.face.action_units
        return unit.probability if units is None else float(units[self._names.index(unit.name)])

    @staticmethod
    def _place(image: Rgb, x: int, y: int, picture: Rgb) -> None:
        image[y : y + picture.shape[0], x : x + picture.shape[1]] = picture

    def _fitted(self, text: str, room: int, letters: Lettering | None = None) -> str:
        """The text, its end left out where there is no room for it."""
        pen = letters or self._large
        if pen.width(text, bold=True) <= room:
            return text
        while text and pen.width(f"{text}...", bold=True) > room:
            text = text[:-1]
        return f"{text}..."


def named(regions: Mapping[str, float], most: int = _WORDS) -> str:
    """The regions in words, such as ``mouth 61 %, cheeks 22 %``; those of a small share are left out."""
    return ", ".join(
        f"{name} {_percent(share)}" for name, share in list(regions.items())[:most] if share >= _LEAST_SHARE
    )


def _spoke(evidence: Evidence) -> bool:
    """Whether covering any place made a difference worth words."""
    return float(evidence.map.max()) >= _FAINTEST


def _inner(side: int) -> tuple[int, int]:
    """First and last pixel (exclusive) of the model's patch in a picture of ``GROWN`` times its width."""
    edge = round(side * (1 - 1 / GROWN) / 2)
    return edge, side - edge


def _framed(picture: Rgb) -> Rgb:
    """The picture with the corners of the model's patch marked."""
    out = picture.copy()
    first, last = _inner(len(out))
    reach = len(out) // 14
    for ink, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        for x, along in ((first, 1), (last - 1, -1)):
            for y, down in ((first, 1), (last - 1, -1)):
                cv2.line(out, (x, y), (x + along * reach, y), ink, width)
                cv2.line(out, (x, y), (x, y + down * reach), ink, width)
    return out


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

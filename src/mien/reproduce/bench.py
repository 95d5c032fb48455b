"""What every experiment needs: frames, protocols, sizes, and the views of each training set, made once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mien.reproduce import classify, views

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mien.learn.heads import logistic, softmax
    from mien.learn.interfaces import Progress
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.divisions import Division
    from mien.reproduce.scored import Scored
    from mien.reproduce.settings import Settings
    from mien.reproduce.stages import Stages
    from mien.reproduce.views import View


@dataclass(frozen=True)
class Bench:
    """The bench that the experiments stand on.

    Attributes:
        corpus: the frames.
        divisions: the protocols by name.
        settings: sizes and seed.
        stages: where results are kept.
        progress: see ``learn.interfaces``.
        online: features (n, units) of the online autoencoder, learned on all frames without labels, or None while
            they are not there.
    """

    corpus: Corpus
    divisions: dict[str, Division]
    settings: Settings
    stages: Stages
    progress: Progress
    online: NDArray[np.float32] | None = None
    _views: dict[tuple[int, ...], View] = field(default_factory=dict, init=False, repr=False)

    def view(self, learned: tuple[int, ...]) -> View:
        """The view of what learns on these rows; made at the first call."""
        if learned not in self._views:
            further = {} if self.online is None else {views.ONLINE: self.online}
            self._views[learned] = views.view(self.corpus, learned, self.settings, self.stages, further)
        return self._views[learned]

    def score(
        self,
        experiment: str,
        protocol: str,
        inputs: str,
        options: softmax.Options | logistic.Options,
        *,
        shuffled: bool = False,
    ) -> Scored:
        """``classify.score`` of these inputs under the protocol of that name."""
        division = self.divisions[protocol]

        def of(number: int) -> View:
            return self.view(division.learned[number])

        return classify.score(
            experiment, self.corpus, division, of, inputs, options, self.settings, self.stages, shuffled=shuffled
        )

"""Whether the model can answer yet."""

from service.recommending.errors import ModelRefusedError, NotReadyError
from service.recommending.model import LoadedModel


class Readiness:
    """Holds the model once there is one, and says why where there is none.

    Loading happens beside the event loop: until it is done, probes and problems are answered already.
    """

    def __init__(self) -> None:
        self._model: LoadedModel | None = None
        self._fault: str | None = None

    def model(self) -> LoadedModel:
        """Give the model.

        Raises
        ------
        NotReadyError
            If it is still being read.
        ModelRefusedError
            If the bundle could not be used.
        """
        if self._model is not None:
            return self._model
        if self._fault is not None:
            raise ModelRefusedError(self._fault)
        raise NotReadyError

    def model_if_ready(self) -> LoadedModel | None:
        """Give the model, or None where there is none (yet)."""
        return self._model

    def accept(self, model: LoadedModel) -> None:
        """Serve a model from now on."""
        self._model = model

    def refuse(self, fault: str) -> None:
        """Remember why there is no model."""
        self._fault = fault

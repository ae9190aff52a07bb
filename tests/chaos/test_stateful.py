"""What stands in answers is asked about, by the links of the OpenAPI document: no answer is undocumented."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from service.app import create_app
from service.settings import Settings
from tests.chaos.scale import scaled
from tests.service.running import running

N_CASES: Final = scaled(100, 50_000)
N_STEPS: Final = 10
# Of a request line of 64 KB the server itself says 400, before any route hears of it.
MAX_URL: Final = 60_000


@pytest.mark.timeout(7200)
def test_no_step_along_the_links_gets_an_undocumented_answer(own_store: Path) -> None:
    schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
    schema.config.generation.update(modes=list(GenerationMode))
    statuses, followed = Counter[int](), Counter[str]()
    machine: Any = schema.as_state_machine()

    class Walk(machine):  # type: ignore[misc]
        def step(self, input: Any) -> Any:  # noqa: A002 - its name there
            if input.transition is not None and input.is_applied:
                followed[input.transition.id] += 1
            return super().step(input)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"base_url": url}

        def validate_response(self, response: Any, case: Any, *_: Any, **__: Any) -> None:
            statuses[response.status_code] += 1
            if len(response.request.url) < MAX_URL:
                # As in the test without links: no schema can say which genres there are.
                case.validate_response(response, excluded_checks=[positive_data_acceptance])

    with running(own_store, OSUSUME_ACCESS_LOG="false") as url:
        while statuses.total() < N_CASES:
            Walk.run(
                settings=settings(
                    max_examples=N_CASES // N_STEPS,
                    stateful_step_count=N_STEPS,
                    deadline=None,
                    database=None,
                    suppress_health_check=list(HealthCheck),
                )
            )
    # Of what links there are, those are followed whose beginning was reached.
    assert statuses[200] > N_CASES / 20
    assert len(followed) > 3

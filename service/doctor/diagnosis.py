"""
A finding: what is wrong, and what to do about it.

`fault`: the service does not start, does not answer, or what it keeps is not safe. `warning`: it works, and something will go wrong or
could be better. `note`: what could not be examined, and why. INVARIANT (no secret): no finding quotes the content of a file of secrets, a
password of an address, or a value of an exchange.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["fault", "warning", "note"]


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One finding of an area; `code` names its kind, `says` what is so and `do` what to do."""

    area: str
    code: str
    severity: Severity
    says: str
    do: str


@dataclass(slots=True)
class Examination:
    """What was found, and what there is: `versions` and `facts` are for whoever reads a report from elsewhere."""

    findings: list[DoctorFinding] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str | int] = field(default_factory=dict)
    examined: list[str] = field(default_factory=list)

    def fault(self, area: str, code: str, says: str, do: str) -> None:
        """Add what must be mended."""
        self.findings.append(DoctorFinding(area, code, "fault", says, do))

    def warn(self, area: str, code: str, says: str, do: str) -> None:
        """Add what should be mended."""
        self.findings.append(DoctorFinding(area, code, "warning", says, do))

    def note(self, area: str, code: str, says: str, do: str) -> None:
        """Add what could not be examined."""
        self.findings.append(DoctorFinding(area, code, "note", says, do))

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings there are of each severity."""
        return {kind: sum(each.severity == kind for each in self.findings) for kind in ("fault", "warning", "note")}

"""What a run has done so far, read from its files without a lock, while jobs run or after."""

from __future__ import annotations

import contextlib
import fcntl
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset, read_json
from separatrix.core.journal import read_piece

if TYPE_CHECKING:
    from separatrix.statistics.no_basin import Lost


@dataclass
class ChainStatus:
    """A chain so far.

    Attributes
    ----------
    chain
        Number of the chain.
    state
        ``running``, ``waiting`` (a round is begun, no job works on it), ``judged`` (its round is done, the next not
        begun) or ``done``.
    round, rounds_done
        The round it is in, from 1; rounds that are complete.
    shots_in_round, shots_wanted
        Of that round.
    moves, shots, accepted, failed
        Since the chain began.
    halves, no_basin
        Half-trajectories that did not fail, and those of them that reached no basin in time.
    evaluations, core_seconds
        Spent on them.
    seconds_per_shot, seconds_left
        Mean over the round; what is left of the round at that pace; None before its first shot.
    """

    chain: int
    state: str
    round: int
    rounds_done: int
    shots_in_round: int
    shots_wanted: int
    moves: int
    shots: int
    accepted: int
    failed: int
    halves: int
    no_basin: int
    evaluations: int
    core_seconds: float
    seconds_per_shot: float | None
    seconds_left: float | None

    @property
    def acceptance(self) -> float | None:
        """Accepted shots over shots; None before the first."""
        return self.accepted / self.shots if self.shots else None


@dataclass
class MethodStatus:
    """A method so far.

    Attributes
    ----------
    method
        Its name.
    stage
        The last stage that is complete.
    chains
        Its chains.
    converged
        Whether sampling has converged; None before it was judged.
    verdict
        Of the last assessment.
    committor_shots, committor_wanted
        Committor shots done, and asked for.
    failures
        Reason of failed shots -> how many.
    warnings
        What puts results in doubt, a sentence each.
    failed
        Jobs that ended with an error when they were last run -> the error, the earliest first.
    """

    method: str
    stage: str
    chains: list[ChainStatus] = field(default_factory=list)
    converged: bool | None = None
    verdict: str = ""
    committor_shots: int = 0
    committor_wanted: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        data = asdict(self)
        for chain, plain in zip(self.chains, data["chains"], strict=True):
            plain["acceptance"] = chain.acceptance
        return data


_BOTH = ("forward", "backward")

#: Files that mark the end of a stage, last first.
_STAGES = {
    "committor.json": "committor",
    "separatrix.nc": "separatrix",
    "coordinate.json": "coordinate",
    "chain_1/shots.nc": "sampling",
    "chain_1/first_path.nc": "first path",
    "saddle.nc": "saddle",
    "check.json": "check",
}


def of_results(results: Path | str) -> list[MethodStatus]:
    """Status of every method in a results folder.

    Raises
    ------
    StoreError
        When the folder holds no run.
    """
    folders = sorted(
        f for f in Path(results).glob("*/") if any((f / name).exists() for name in _STAGES) or failed_jobs(f)
    )
    if not folders:
        raise StoreError(f"{results}: no results of a run; give the results_directory of its config")
    return [of_method(f) for f in folders]


def of_method(folder: Path) -> MethodStatus:
    """Status of one method, from its folder."""
    stage = next((stage for name, stage in _STAGES.items() if (folder / name).exists()), "none")
    status = MethodStatus(folder.name, stage, failed=failed_jobs(folder))
    reasons: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for run in sorted(folder.glob("chain_*/"), key=lambda f: int(f.name.removeprefix("chain_"))):
        chain = _chain(run, reasons, ends)
        if chain is not None:
            status.chains.append(chain)
    verdicts = sorted(folder.glob("rounds/*.json"), key=lambda f: int(f.stem))
    failing: set[str] = set()
    try:
        last = read_json(verdicts[-1])
        status.converged, status.verdict = last["converged"], last["verdict"]
        failing = {criterion["name"] for criterion in last.get("criteria", []) if not criterion["holds"]}
    except IndexError:
        pass  # none yet
    except StoreError as error:
        status.verdict = str(error)
    shots: Counter[str] = Counter()
    for journal in sorted(folder.glob("committor/*/journal_*/")):
        record = _newest(journal)
        if record is None:
            continue
        about, pieces = record
        status.committor_wanted += about["shots"]
        for piece in pieces:
            status.committor_shots += 1
            shots[piece["end"]] += 1
            if piece["end"] == "failed":
                reasons[piece["reason"]] += 1
    if not shots:
        shots = _committed(folder)
    from separatrix.statistics.no_basin import CRITERION

    # What the verdict says already is not said again.
    halves, committed = _lost(ends), _lost(shots)
    if halves.matters and CRITERION not in failing:
        status.warnings.append(halves.sentence("half-trajectories"))
    if committed.matters:
        status.warnings.append(committed.sentence("committor shots"))
    status.failures = dict(reasons)
    return status


_LOGGED = re.compile(r"\d\d:\d\d:\d\d (error: |unexpected error)?")


def failed_jobs(folder: Path) -> dict[str, str]:
    """Jobs whose logs end with an error -> the error, the earliest first.

    A job begins its log anew, so that one which is running or has been mended is not among them.
    """
    errors = {}
    with contextlib.suppress(OSError):
        for log in sorted(folder.glob("logs/*.log"), key=lambda f: f.stat().st_mtime):
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            # A traceback is below the last line that begins with a time.
            last = next((m for line in reversed(lines) if (m := _LOGGED.match(line))), None)
            if last is not None and last.group(1):
                errors[log.stem] = last.string[last.end() :] if last.group(1) == "error: " else lines[-1]
    return errors


def _lost(ends: Counter[str]) -> Lost:
    """What halves that reached no basin can change; which of the two basins is the product makes no difference."""
    from separatrix.statistics.no_basin import lost_halves

    basins = sorted(ends.keys() - {"none", "failed", ""})
    first = ends[basins[0]] if basins else 0
    return lost_halves(first, sum(ends[name] for name in basins) - first, ends["none"])


def _committed(folder: Path) -> Counter[str]:
    """Ends of the committor shots that an analysis counted, where their journals have been cleaned away."""
    ends: Counter[str] = Counter()
    with contextlib.suppress(StoreError, KeyError, TypeError):
        for draw in read_json(folder / "committor.json")["draws"].values():
            for entry in draw["configurations"]:
                for name, end in (("to_product", "1"), ("to_reactant", "0"), ("no_basin", "none")):
                    ends[end] += entry[name]
    return ends


def _halves(moves: Iterable[tuple[str, str]], ends: Counter[str]) -> tuple[int, int]:
    """Halves that did not fail and those of them that reached no basin; what all reached is added to `ends`."""
    own = Counter(end for pair in moves for end in pair)
    ends.update(own)
    return sum(n for end, n in own.items() if end not in ("failed", "")), own["none"]


def _chain(run: Path, reasons: Counter[str], ends: Counter[str]) -> ChainStatus | None:
    done = sorted(run.glob("round_*/shots.nc"))
    record = _newest(run / "journal")
    if record is None:
        return _chain_without_journal(run, done, reasons, ends)
    about, pieces = record
    in_round = [p for p in pieces if p["index"] >= about["first_move"]]
    shots = [p for p in in_round if p["outcome"] != "off path"][: about["shots"]]
    # Of the moves on record, those that an earlier run with more shots per round left behind do not count yet.
    last = shots[-1]["index"] if len(shots) == about["shots"] else np.inf
    pieces = [p for p in pieces if p["index"] <= last]
    reasons.update(p["reason"] for p in pieces if p["outcome"] == "failed")
    n_halves, lost = _halves(((p["forward"], p["backward"]) for p in pieces), ends)
    seconds = sum(p.get("seconds", 0.0) for p in in_round)
    pace = seconds / len(shots) if shots else None
    if _locked(run / "journal"):
        state = "running"
    elif (run / "shots.nc").exists():
        state = "done"
    else:
        state = "judged" if len(shots) == about["shots"] else "waiting"
    return ChainStatus(
        chain=about["chain"],
        state=state,
        round=about["round"],
        rounds_done=len(done),
        shots_in_round=len(shots),
        shots_wanted=about["shots"],
        moves=len(pieces),
        shots=sum(p["outcome"] != "off path" for p in pieces),
        accepted=sum(p["outcome"] == "accepted" for p in pieces),
        failed=sum(p["outcome"] == "failed" for p in pieces),
        halves=n_halves,
        no_basin=lost,
        evaluations=sum(p["evaluations"] for p in pieces),
        core_seconds=round(sum(p.get("seconds", 0.0) for p in pieces), 3),
        seconds_per_shot=pace,
        seconds_left=pace * (about["shots"] - len(shots)) if pace is not None else None,
    )


def _chain_without_journal(
    run: Path, done: list[Path], reasons: Counter[str], ends: Counter[str]
) -> ChainStatus | None:
    """A chain whose journal has been cleaned away: its finished rounds."""
    try:
        tables = [read_dataset(f) for f in done]
        costs = [read_json(f.with_name("cost.json")) for f in done]
    except StoreError:
        return None
    if not tables:
        return None
    for table in tables:
        failed = table.outcome.values == "failed"
        reasons.update(str(r) for r in table.reason.values[failed])
    n_halves, lost = _halves(
        (
            pair
            for t in tables
            for pair in zip(t.forward.values.astype(str), t.backward.values.astype(str), strict=True)
        ),
        ends,
    )
    shots = [c["shots"] for c in costs]
    return ChainStatus(
        chain=int(tables[0].chain[0]),
        state="done" if (run / "shots.nc").exists() else "judged",
        round=len(done),
        rounds_done=len(done),
        shots_in_round=shots[-1],
        shots_wanted=shots[-1],
        moves=sum(c["moves"] for c in costs),
        shots=sum(shots),
        accepted=sum(c["accepted"] for c in costs),
        failed=sum(c["failed"] for c in costs),
        halves=n_halves,
        no_basin=lost,
        evaluations=sum(c["evaluations"] for c in costs),
        core_seconds=sum(c["core_seconds"] for c in costs),
        seconds_per_shot=costs[-1]["core_seconds"] / shots[-1] if shots[-1] else None,
        seconds_left=0.0,
    )


def _newest(journal: Path) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """What the newest record in a journal is of, and its pieces without their arrays."""
    for file in sorted(journal.glob("*/about.json"), key=lambda f: f.stat().st_mtime, reverse=True):
        with contextlib.suppress(StoreError):
            return read_json(file), list(_pieces(file.parent))
    return None


def _pieces(directory: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(directory.glob("*.npz")):
        # A file that goes or is damaged while we look: the job itself will see to it.
        with contextlib.suppress(StoreError):
            yield read_piece(file, arrays=False)


def _locked(journal: Path) -> bool:
    """Whether a job on this machine (or, where the file system tells, on any) holds the journal."""
    for file in journal.glob("*/lock"):
        with contextlib.suppress(FileNotFoundError), file.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            except OSError:
                return False  # a file system without locks: nobody can tell
    return False

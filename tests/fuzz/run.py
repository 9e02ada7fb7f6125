"""Feed a target with broken files for a while: ``python tests/fuzz/run.py --target read --seconds 60``.

With atheris installed the search is guided by coverage. Without it, seeds are mutated at random, and what turns out to
be of a new kind is mutated further. Ends with code 1 where an input was found that the target does not survive; that
input is kept, and tried again by naming it: ``python tests/fuzz/run.py --target read FILE``.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

try:
    import atheris
except ImportError:
    atheris = None

GUIDED = atheris is not None and "--plain" not in sys.argv
with atheris.instrument_imports(include=["stlkit.mesh", "stlkit.files", "stlkit.model"]) if GUIDED else nullcontext():
    from mutations import WORDS, mutated, state_seeds, stl_seeds
    from targets import LARGEST_BYTES, TARGETS, timed


def main() -> int:
    arguments = _parser().parse_args()
    check = timed(TARGETS[arguments.target])
    warnings.simplefilter("error")  # a library's warning about a broken file would puzzle whoever sees it
    if arguments.files:
        for path in arguments.files:
            _say(f"{path}: {check(path.read_bytes())}")
        return 0
    seeds = state_seeds() if arguments.target == "state" else stl_seeds()
    folder = Path(tempfile.mkdtemp(prefix="stlkit-fuzz-"))
    _say(f"target {arguments.target}, {len(seeds)} seeds, {'atheris' if GUIDED else 'plain mutations'}, in {folder}")
    if GUIDED:
        return _guided(check, seeds, folder, arguments)
    return _plain(check, list(seeds), folder, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", choices=TARGETS, default="read")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executions", type=int, default=sys.maxsize, help="with --plain: end after so many")
    parser.add_argument("--seed", type=int, default=None, help="of the random numbers, to repeat a search")
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    parser.add_argument("files", nargs="*", type=Path, help="inputs to try again")
    return parser


def _guided(check, seeds, folder, arguments) -> int:
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number:02}").write_bytes(seed)
    words = "\n".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in WORDS if word)
    (folder / "words").write_text(words)
    options = [
        sys.argv[0],
        f"-max_total_time={arguments.seconds:.0f}",
        f"-max_len={LARGEST_BYTES}",
        f"-dict={folder / 'words'}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-timeout=60",
        *([f"-seed={arguments.seed}"] if arguments.seed is not None else []),
        str(corpus),
    ]

    def check_once(data: bytes) -> None:
        check(data)

    atheris.Setup(options, check_once)
    atheris.Fuzz()  # ends the process, with an error where there is a finding
    return 0


def _plain(check, inputs: list[bytes], folder: Path, arguments) -> int:
    chance = random.Random(arguments.seed)
    kinds, findings, executions = set(), {}, 0
    began = time.monotonic()
    waiting = list(inputs)
    while executions < arguments.executions and time.monotonic() - began < arguments.seconds:
        data = waiting.pop() if waiting else mutated(chance.choice(inputs), inputs, chance)
        executions += 1
        try:
            kind = check(data)
        except Exception as error:  # whatever it is, it is a finding
            place = traceback.extract_tb(error.__traceback__)[-1]
            findings.setdefault(f"{type(error).__name__} at {place.filename}:{place.lineno}: {error}"[:300], data)
            continue
        if kind not in kinds:
            kinds.add(kind)
            inputs.append(data)
    for name, data in findings.items():
        path = folder / f"finding-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        _say(f"FINDING {name}\n  {path}")
    took_s = time.monotonic() - began
    _say(f"{executions} executions in {took_s:.0f} s, {len(kinds)} kinds of input, {len(findings)} findings")
    if not findings:
        folder.rmdir()
    return 1 if findings else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

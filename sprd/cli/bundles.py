"""The verbs about a bundle that one was given: is it whole, can it be made again."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sprd.cli.heard import check_outputs, write_clips
from sprd.cli.scores import show_scores
from sprd.cli.text import console, output, show_json
from sprd.cli.view import SweepView
from sprd.config.numbers import number_of
from sprd.errors import BudgetError

IDENTICAL, DIFFERENT, EQUIVALENT = 0, 1, 4
"""Exit codes of `sprd reproduce`."""


def evaluate(args: Namespace) -> int:
    """Scores a model on a folder of clips."""
    from sprd.model.start import load_tensorflow

    check_outputs(args.clips, args.page)
    load_tensorflow()
    from sprd.bundle.evaluate import evaluate_model

    with SweepView([], 0) as view:
        found = evaluate_model(
            *(args.model, args.data, args.sweep, args.split, args.silence, args.seed),
            speech=args.speech,
            progress=view.progress,
            allowed=args.allow,
            tell=view.note,
        )
    files = write_clips(found, args.clips, args.page)
    if args.json:
        show_json({**found.scores, **files})
    else:
        show_scores(found.scores)
        for file in files.values():
            output().print(file)
    return 0


def verify(args: Namespace) -> int:
    """Checks the files, the schema and the budget of a bundle."""
    from sprd.bundle.verify import verify as verify_bundle

    verdict = verify_bundle(args.bundle)
    if args.json:
        show_json({"bundle": str(args.bundle), **verdict.as_dict()})
    out = output()
    lines = [f"{name}: is missing, or not the file that was exported"
             for name in verdict.changed_files]  # fmt: skip
    lines += [f"{line}" for line in verdict.changed_numbers]
    lines += [f"over budget: {one}" for one in verdict.violations]
    if not args.json:
        for line in lines or ["nothing wrong: schema, hashes, footprint and budget"]:
            out.print(line)
    if verdict.changed_files or verdict.changed_numbers:
        return 1
    return BudgetError.exit_code if verdict.violations else 0


def reproduce(args: Namespace) -> int:
    """Trains the configuration of a bundle again and compares the models."""
    from sprd.model.start import load_tensorflow

    load_tensorflow()
    from sprd.bundle.reproduce import differences, open_record, open_same_data
    from sprd.bundle.reproduce import reproduce as train_again

    manifest, config = open_record(args.bundle)
    with SweepView([], 0) as view:
        for difference in differences(manifest):
            view.note(f"not as it was: {difference}")
        corpus = open_same_data(
            *(manifest, config, args.data, args.speech, view.progress, view.note)
        )
        view.note(f"training {config.train.n_steps:,} steps, seed {config.seed}")
        err = console()

        def report(metrics: Mapping[str, float], save: Any) -> None:
            score = number_of("val_balanced_accuracy").phrase(metrics["val_balanced_accuracy"])
            err.print(f"step {metrics['step']:,.0f}: {score}")

        found = train_again(args.bundle, manifest, config, corpus, report)
    if args.json:
        show_json({"bundle": str(args.bundle), **found.as_dict()})
    else:
        _show(args.bundle, found)
    codes = {"identical": IDENTICAL, "equivalent": EQUIVALENT, "different": DIFFERENT}
    return codes[found.result]


def _show(bundle: Path, found: Any) -> None:
    out = output()
    if found.result == "identical":
        out.print(f"identical: model.tflite of {bundle} was made again, SHA-256 {found.sha256[0]}")
        return
    (before, now), accuracy = found.balanced_accuracy, number_of("balanced_accuracy")
    where = "within" if found.result == "equivalent" else "outside"
    out.print(
        f"{found.result}: {accuracy.phrase(now)} on validation speakers, {where} the interval"
        f" of {accuracy.text(before, found.interval)}"
    )
    moved = "" if found.weights_moved is None else f" weights by {found.weights_moved:.1%};"
    out.print(
        f"{found.n_bytes_different:,} bytes of model.tflite differ;{moved} outputs by"
        f" {found.largest_output_difference:.3f} at most; {found.n_decided_otherwise} of"
        f" {found.n_clips:,} clips are heard as another label"
    )

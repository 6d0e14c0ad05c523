"""What each term of deformation fusion is worth: `python benchmarks/ablation.py CORPUS OUT`.

CORPUS is what `render data generate` writes. Every variant is trained (resumable, in folders of OUT) and measured on
the people whom training never saw. Prints the table of docs/model.md and draws the blendshapes of the full model to
OUT/blendshapes.jpg.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes import EMOTIONS
from emosplat.blendshapes.data import domains, open_datasets
from emosplat.blendshapes.training.ablation import Result, Truth, ablate, draw_columns
from emosplat.blendshapes.training.fusion import Corpus, FusionConfig

FRAMES = 4000  # of each domain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    head, config = builtin_head(), FusionConfig()
    spoken, shown = domains(open_datasets([str(options.corpus)], head=head))
    corpus = Corpus.of(config, head, spoken, shown)
    truth = Truth.of(corpus.space, head, options.corpus, "test", count=FRAMES)
    results, models = ablate(config, corpus, truth, head, options.out)
    print("| | rebuilt, mm | leak | shown | " + " | ".join(EMOTIONS[1:]) + " | own, mm |")
    for result in results:
        print(row(result))
    draw_columns(models["full"], corpus.space, head, options.out / "blendshapes.jpg")


def row(result: Result) -> str:
    closure = " | ".join(f"{result.closure[label]:.2f}" for label in EMOTIONS[1:])
    return (
        f"| {result.variant} | {result.rebuilt_speech:.3f} {result.rebuilt_expressions:.3f} "
        f"| {result.leak_speech:.3f} {result.leak_expressions:.3f} | {result.shown:.2f} | {closure} "
        f"| {result.own_speech:.3f} {result.own_expressions:.3f} |"
    )


if __name__ == "__main__":
    main()

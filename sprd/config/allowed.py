"""What stops a training unless a person allows it by name. Knows no audio."""

ALLOWABLE = {
    "longer": "words that lie where nothing is heard, in clips longer than the window",
    "silent": "a word without a sound",
    "keywords": "clips to score a model on, and none of a keyword among them",
}
"""The names that `--allow` takes, and what each lets through."""

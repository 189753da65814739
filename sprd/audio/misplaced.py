"""An index in; what is wrong with its files, folders, words and speakers out. Hears nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

from sprd.audio import media
from sprd.audio.corpus import Corpus, Index
from sprd.audio.finding import Finding
from sprd.audio.folders import SPLITS, is_noise, letters
from sprd.audio.listing import LeftOut, Why
from sprd.audio.split import Split, names_speaker
from sprd.config.labels import BACKGROUND_NOISE_FOLDER, RESERVED_WORDS

IMPORT = "sprd data import DIR --out NEW"
MIN_SPEAKERS = 10
"""With fewer, a tenth of the speakers is nobody."""

N_REASONS = 4
"""Rules that unreadable files break, of which so many are told."""

_TOKENS = re.compile(r"[^\w]+|_+|(?<=\D)(?=\d)")
_PLACE = "<word>/<speaker>_nohash_<n>.wav"


def count(n: int, what: str) -> str:
    """Returns a number of things: 1 clip, 2 clips."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def of_files(index: Index) -> list[Finding]:
    """Files that are no clips, and why: kind, place, or what is in them."""
    by_why: dict[Why, list[LeftOut]] = {why: [] for why in Why}
    for one in index.left_out:
        by_why[one.why].append(one)
    return [
        *_of_media(by_why[Why.MEDIA]),
        *_of_suffixes(by_why[Why.SUFFIX]),
        *_beside(by_why[Why.TOP]),
        *_of_depth(by_why[Why.DEEPER], bool(index.corpus.clips)),
        *_of_nothing(by_why[Why.NO_FILE], by_why[Why.EMPTY]),
        *_of_unreadable(index.unreadable),
    ]


def _of_media(files: Sequence[LeftOut]) -> list[Finding]:
    if not files:
        return []
    what = f"{_kinds(one.suffix for one in files)} left out, for want of PyAV"
    return [Finding("suffix", what, media.INSTALL, _names(files))]


def _of_suffixes(files: Sequence[LeftOut]) -> list[Finding]:
    if not files:
        return []
    what = f"{_kinds(one.suffix for one in files)} left out: no kind of file that is read"
    return [Finding("suffix", what, f"If they are recordings, {media.CONVERT}", _names(files))]


def _beside(files: Sequence[LeftOut]) -> list[Finding]:
    if not files:
        return []
    what = f"{count(len(files), 'recording')} left out, beside the folders of words"
    advice = f"Put them into {_PLACE}, or let their names tell: {IMPORT}"
    return [Finding("place", what, advice, _names(files))]


def _of_depth(files: Sequence[LeftOut], has_clips: bool) -> list[Finding]:
    """Recordings in folders inside those of words: deeper, or a data set cut into splits."""
    tops = Counter(one.name.split("/")[0] for one in files)
    found = []
    split = [one for one in files if one.name.split("/")[0].lower() in SPLITS]
    deeper = [one for one in files if one.name.split("/")[0].lower() not in SPLITS]
    if split:
        names = ", ".join(f"{top}/" for top in tops if top.lower() in SPLITS)
        what = f"{count(len(split), 'recording')} left out: {names} hold words, as splits do"
        advice = f"sprd splits by speaker itself. Bring them together: {IMPORT}"
        found.append(Finding("splits", what, advice, _names(split)))
    if deeper:
        what = f"{count(len(deeper), 'recording')} left out, in a subfolder: a folder too deep"
        advice = f"Move them up to {_PLACE}, or: {IMPORT}"
        if not has_clips and len(tops) == 1:
            advice = f"If {next(iter(tops))}/ is the data set, give that folder. If not: {IMPORT}"
        found.append(Finding("depth", what, advice, _names(deeper)))
    return found


def _of_nothing(links: Sequence[LeftOut], folders: Sequence[LeftOut]) -> list[Finding]:
    """Names behind which nothing is."""
    found = []
    if links:
        what = f"{count(len(links), 'link')} to nowhere left out"
        advice = "Bring what they point to (git annex get, dvc pull, the disk), or remove them"
        found.append(Finding("links", what, advice, _names(links)))
    if folders:
        what = f"nothing in {count(len(folders), 'folder')}"
        advice = "Record the word, or remove the folder"
        found.append(Finding("empty_folder", what, advice, _names(folders)))
    return found


def _of_unreadable(files: Mapping[str, str]) -> list[Finding]:
    """Files that break a rule; the first of each rule that is broken is told."""
    if not files:
        return []
    suffixes = [f".{key.rpartition('.')[2].lower()}" for key in files]
    firsts: dict[str, str] = {}
    for problem in files.values():
        firsts.setdefault(problem.partition(", got")[0], problem)
    what = f"{_kinds(suffixes)} skipped: cannot be read"
    reasons = list(firsts.values())[:N_REASONS]
    advice = f"The first {reasons[0]}"
    advice += "".join(f". Another {reason}" for reason in reasons[1:])
    advice += ". Remove them or record them again"
    if set(suffixes) & set(media.SUFFIXES):
        advice += f"; if they play elsewhere, {media.CONVERT}"
    return [Finding("unreadable", what, advice, tuple(files))]


def of_folders(corpus: Corpus, keywords: Sequence[str]) -> list[Finding]:
    """Folders whose names say that they are no words, or nearly a keyword."""
    n_clips = Counter(clip.word for clip in corpus.clips)
    others = [word for word in n_clips if word not in (*keywords, *RESERVED_WORDS)]
    found = []
    if noises := [word for word in others if is_noise(word)]:
        told = ", ".join(f"{word!r} ({n_clips[word]:,} clips)" for word in noises)
        what = f"taken for words that are spoken, though they look like noise: {told}"
        advice = f"If they are noise, rename the folder to {BACKGROUND_NOISE_FOLDER}"
        found.append(Finding("noise_folder", what, advice))
    if splits := [word for word in others if word.lower() in SPLITS]:
        what = f"taken for words, though they look like splits: {', '.join(map(repr, splits))}"
        advice = f"Clips lie in {_PLACE}; other layouts: {IMPORT}"
        found.append(Finding("splits", what, advice))
    pairs = [(word, near) for word in others if (near := _near(word, keywords, n_clips))]
    for word, keyword in pairs:
        what = f"the folder {word!r} ({count(n_clips[word], 'clip')}) looks like {keyword!r}"
        advice = f"It counts as another word: if it is the keyword, rename it to {keyword!r}"
        found.append(Finding("spelling", what, advice))
    return found + _of_names(corpus, [word for word in keywords if word not in n_clips])


def _of_names(corpus: Corpus, missing: Sequence[str]) -> list[Finding]:
    """Files that are called like a keyword, in folders that are not: one a speaker, say."""
    meant = [
        clip.key
        for clip in corpus.clips
        if missing and not {*_TOKENS.split(clip.path.stem.lower())}.isdisjoint(missing)
    ]
    if not meant:
        return []
    what = f"{count(len(meant), 'file')} called like a keyword, in folders of other names"
    advice = f"Folders are taken for words. Let the names tell: {IMPORT}"
    return [Finding("place", what, advice, tuple(meant))]


def of_speakers(corpus: Corpus, keywords: Sequence[str]) -> list[Finding]:
    """Too few people, or files that name nobody; synthetic voices are none and have names."""
    people = [clip for clip in corpus.clips if not clip.is_synthetic]
    spoken = [clip for clip in people if clip.word in keywords] or people
    found = []
    if nameless := [clip.key for clip in spoken if not names_speaker(clip.path.name)]:
        what = f"no speaker named by {count(len(nameless), 'file')}: each counts as somebody else"
        advice = f"Call them {_PLACE}"
        found.append(Finding("speakers", what, advice, tuple(nameless)))
    n_speakers = len({clip.speaker for clip in spoken})
    if spoken and n_speakers < MIN_SPEAKERS and not corpus.is_synthetic:
        what = f"{count(n_speakers, 'speaker')} said {_words_of(keywords)}"
        advice = f"A score of so few tells little of others: from {MIN_SPEAKERS} on it does"
        found.append(Finding("speakers", what, advice))
    return found


def of_babble(corpus: Corpus, keywords: Sequence[str]) -> list[Finding]:
    """Nobody who could be heard behind another speaker, where that is asked for."""
    training = corpus.of(Split.TRAINING)
    talkers = {clip.speaker for clip in training if clip.word not in keywords}
    if not training or (talkers and len({clip.speaker for clip in training}) > 1):
        return []
    what = "augment.babble_frequency finds nobody to be heard behind another speaker"
    advice = "Record words that are no keyword by others, or set it to 0"
    return [Finding("babble", what, advice)]


def _words_of(keywords: Sequence[str]) -> str:
    return "the keywords" if keywords else "the words"


def _kinds(suffixes: Iterable[str]) -> str:
    """Counts files a suffix: 12 .m4a files and 1 .raw file."""
    counts = Counter(suffixes).most_common()
    told = [f"{n:,} {suffix or 'suffixless'} file{'' if n == 1 else 's'}" for suffix, n in counts]
    shown = told[:3] + ([f"{sum(n for _, n in counts[3:]):,} others"] if told[3:] else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def _names(files: Iterable[LeftOut]) -> tuple[str, ...]:
    return tuple(one.name for one in files)


def _single(letters: str) -> str:
    pairs = zip(letters, f" {letters}", strict=False)
    return "".join(one for one, before in pairs if one != before)


def _are_numbered(word: str, keyword: str) -> bool:
    """Whether the two are told apart by their numbers: channel_1 and channel_2."""
    told = [re.findall(r"\d+", one) for one in (word, keyword)]
    return all(told) and told[0] != told[1]


def _near(word: str, keywords: Sequence[str], n_clips: Mapping[str, int]) -> str | None:
    """Returns the keyword that a folder may mean: the same letters, or a rare slip of one."""
    said = letters(word)
    for keyword in keywords:
        meant = letters(keyword)
        if not meant or not said or _are_numbered(word, keyword):
            continue
        if said == meant or _single(said) == _single(meant):
            return keyword
        is_rare = n_clips[word] <= n_clips.get(keyword, 0) / 5 or keyword not in n_clips
        if is_rare and len(meant) > 2 and SequenceMatcher(None, said, meant).ratio() >= 0.75:
            return keyword
    return None

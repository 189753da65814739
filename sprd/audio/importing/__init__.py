"""Recordings in, a folder of clips that trains out.

Which files, and who says what in each (`names`, `plan`, `tables`); a file's sound (`recordings`);
what stands out of the room (`loudness`), what of it has a voice (`voicing`, `speech`) and so the
words in it (`cutting`), or a text of labels that says so (`label_files`); the folder that it
becomes (`run`, `journal`).
"""

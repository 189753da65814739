"""Words in, synthetic speech out: espeak-ng voices, each one a speaker."""

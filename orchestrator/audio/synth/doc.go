// Package synth makes sound of its own for demonstrations and tests: laughter of several voices at
// known places, among speech-like babble, tones, noise and near silence. All of it is computed from a
// seed, so the same recording can be made anywhere at any time, and it is free of anybody's rights.
package synth

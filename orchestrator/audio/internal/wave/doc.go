// Package wave finds the samples in files of linear PCM: WAV, RF64, BW64, RIFX, Wave64 and AIFF. It believes the bytes more than
// their header: recorders write it before the sound and correct it at the end, if they come to that, and its
// sizes end at 4 GiB. Where what lies behind the sound is no chunk, it is sound; files that were joined follow each other.
package wave

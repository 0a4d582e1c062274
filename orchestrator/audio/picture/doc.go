// Package picture draws sound: the outline of a waveform and a spectrogram, as pure functions of its samples. They know
// no page: axes, titles and alternative texts are the caller's, who asks Y where a frequency lies.
package picture

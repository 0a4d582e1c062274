package picture

// Waveform returns how loud each of so many equal parts of the sound is: the peak of its samples, in [0, 1]. Sound that
// has fewer samples than that has zeros at its end.
func Waveform(samples []float32, buckets int) []float32 {
	peaks := make([]float32, max(buckets, 0))
	for i := range peaks {
		from := int(int64(i) * int64(len(samples)) / int64(buckets))
		to := int(int64(i+1) * int64(len(samples)) / int64(buckets))
		if to == from && i < len(samples) {
			from, to = i, i+1
		}
		for _, sample := range samples[from:to] {
			peaks[i] = max(peaks[i], min(sample, 1), min(-sample, 1))
		}
	}
	return peaks
}

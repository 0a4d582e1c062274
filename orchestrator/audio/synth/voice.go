package synth

import (
	"math"

	"github.com/chortle-audio/chortle/orchestrator"
)

const rate = orchestrator.SampleRateHz

// Voice is somebody who laughs: the glottis sounds in short calls, each led by a breath, and the vocal
// tract colours both. What tells laughter from music is that every call's pitch falls.
type Voice struct {
	Name string
	// Calls of a laugh, each CallSeconds long, CallsPerSecond of them a second. Each is 1.2 % lower and
	// 7 % softer than the one before.
	Calls                       int
	CallSeconds, CallsPerSecond float64
	// PitchHz in the middle of the first call. Within a call the pitch falls by Glide of it.
	PitchHz, Glide float64
	// A call swells for the part Attack of its length and dies away by e to the power of Decay.
	Attack, Decay float64
	// Tilt is how much softer the glottis' harmonics are, the higher: 1/h^Tilt.
	Tilt float64
	// Aspiration is the noise within a call, Breath that of the BreathSeconds before it; the glottis is 1.
	Aspiration, Breath, BreathSeconds float64
	// Formants of the vocal tract, side by side.
	Formants [4]Formant
}

// Formant is one resonance of the vocal tract.
type Formant struct{ Hz, BandwidthHz, Gain float64 }

// Voices are those of a Day. YAMNet hears each as Laughter with 0.74 to 1, also after 24 kbit/s Opus.
var Voices = []Voice{
	{Name: "alto", Calls: 8, CallSeconds: 0.109, CallsPerSecond: 5.47, PitchHz: 399, Glide: 0.207, Attack: 0.214, Decay: 1.86,
		Tilt: 1.90, Aspiration: 0.206, Breath: 0.409, BreathSeconds: 0.08,
		Formants: [4]Formant{{778, 72.5, 0.631}, {1347, 71.8, 0.178}, {2071, 412, 0.138}, {5059, 416, 0.25}}},
	{Name: "baritone", Calls: 6, CallSeconds: 0.178, CallsPerSecond: 5.65, PitchHz: 219, Glide: 0.219, Attack: 0.083, Decay: 2.56,
		Tilt: 1.21, Aspiration: 0.128, Breath: 0.677, BreathSeconds: 0.068,
		Formants: [4]Formant{{703, 43.8, 1.408}, {1212, 30.1, 0.778}, {2300, 312, 0.258}, {4873, 426, 0.33}}},
	{Name: "child", Calls: 7, CallSeconds: 0.101, CallsPerSecond: 5.57, PitchHz: 678, Glide: 0.137, Attack: 0.058, Decay: 2.38,
		Tilt: 1.74, Aspiration: 0.183, Breath: 0.295, BreathSeconds: 0.077,
		Formants: [4]Formant{{839, 116, 0.668}, {1712, 57.5, 0.238}, {2180, 284, 0.289}, {5083, 395, 0.298}}},
}

const (
	callFall   = 0.988
	callSoften = 0.93
	tail       = 0.1 // seconds in which the tract rings out
	peak       = 0.5
)

// Laugh is one laugh of the voice: 16 kHz mono, peak 0.5. The same seed gives the same laugh; another
// one other noise, and a pitch and speed up to 3 % off.
func (v Voice) Laugh(seed uint64) []float32 {
	random := noise(seed)
	pitch, speed := v.PitchHz*random.within(0.97, 1.03), v.CallsPerSecond*random.within(0.97, 1.03)
	breath, call := int(rate*v.BreathSeconds), int(rate*v.CallSeconds)
	source := make([]float64, int(rate*(float64(v.Calls-1)/speed+tail))+breath+call)
	loudness := 1.0
	for i := range v.Calls {
		at := int(rate * float64(i) / speed)
		for k := range breath {
			source[at+k] += loudness * v.Breath * hann(float64(k)/float64(breath)) * random.gauss()
		}
		v.call(source[at+breath:at+breath+call], pitch, loudness, &random)
		pitch *= callFall
		loudness *= callSoften
	}
	return v.colour(source)
}

// call adds one call around the given pitch.
func (v Voice) call(out []float64, pitch, loudness float64, random *noise) {
	harmonics := v.harmonics(pitch)
	glottis, top, phase := make([]float64, len(out)), 0.0, 0.0
	for i := range glottis {
		place := float64(i) / float64(len(out))
		phase += 2 * math.Pi / rate * pitch * (1 - v.Glide*(place-0.5))
		glottis[i] = sumOfCosines(harmonics, phase)
		top = max(top, math.Abs(glottis[i]))
	}
	for i, x := range glottis {
		place := float64(i) / float64(len(out))
		envelope := min(1, place/v.Attack) * math.Exp(-v.Decay*place) * min(1, (1-place)/0.1)
		out[i] += loudness * envelope * (x/top + v.Aspiration*random.gauss())
	}
}

// harmonics are the glottis' amplitudes, as many as stay below half the sample rate where the pitch is
// highest.
func (v Voice) harmonics(pitch float64) (amplitudes []float64) {
	for h := 1.0; h*pitch*(1+v.Glide/2) < rate/2; h++ {
		amplitudes = append(amplitudes, math.Pow(h, -v.Tilt))
	}
	return amplitudes
}

// sumOfCosines adds the cosines of the phase's multiples. Each follows from the two before it.
func sumOfCosines(amplitudes []float64, phase float64) (sum float64) {
	before, cosine := 1.0, math.Cos(phase)
	twice := 2 * cosine
	for _, amplitude := range amplitudes {
		sum += amplitude * cosine
		before, cosine = cosine, twice*cosine-before
	}
	return sum
}

// colour sends the source through the vocal tract and brings it to its peak.
func (v Voice) colour(source []float64) []float32 {
	var tract [len(v.Formants)]resonator
	for i, f := range v.Formants {
		tract[i] = newResonator(f.Hz, f.BandwidthHz)
	}
	top := 0.0
	for i, x := range source {
		y := 0.0
		for k := range tract {
			y += v.Formants[k].Gain * tract[k].filter(x)
		}
		source[i] = y
		top = max(top, math.Abs(y))
	}
	laugh := make([]float32, len(source))
	for i, y := range source {
		laugh[i] = float32(y * peak / top)
	}
	return laugh
}

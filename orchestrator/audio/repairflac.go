package audio

import "github.com/chortle-audio/chortle/orchestrator/audio/internal/flac"

// RepairFLAC returns a FLAC clip that browsers play to its end, and whether it is another one than before. Clips that
// were cut before frames named their sample rate need it: Chromium stops after a second of them, and Apple refuses
// them. The sound stays the same, sample by sample. A clip that is damaged is an error that wraps
// orchestrator.ErrBadRecording: it is never mended in part.
func RepairFLAC(clip []byte) (repaired []byte, changed bool, err error) {
	if repaired, changed, err = flac.Repaired(clip); err != nil {
		return nil, false, damaged(err)
	}
	return repaired, changed, nil
}

// FLACStart is how much of a clip FLACNeedsRepair wants to see, in bytes.
const FLACStart = 1024

// FLACNeedsRepair tells from the first FLACStart bytes of a clip, or all of it, whether RepairFLAC would change it. False also
// for what is no FLAC.
func FLACNeedsRepair(start []byte) bool { return flac.NeedsRepair(start) }

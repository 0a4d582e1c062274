// Package audio turns files of sound into 16 kHz mono, cuts clips out of them and tells how long they
// are. Ogg Opus is read here; everything else goes through ffmpeg, as a process.
//
//	file ─▶ Ogg pages ─▶ Opus packets ─▶ libopus or Go ─┐
//	     └▶ ffmpeg ─────────────────────────────────────┴▶ blocks of 10 s ─▶ level ─▶ Chunk
//
// A file is opened once and read from that descriptor, so that what is decoded is what was checked:
// ffmpeg gets the descriptor, never the name. A file whose size or time changes meanwhile is refused.
//
// Positions are those of the file's own timeline, for decoding and cutting alike: a pause in it is silence,
// and nothing is moved by what was lost before. Where the timeline goes back, as between the links of a chained
// file, positions count on.
//
// # Levels
//
// A model hears little in quiet recordings, so sound is brought up, and what exceeds full scale is brought down. The level
// is that of what a model hears: above about 100 Hz, so that hum, rumble and a constant offset, which are taken away,
// count for nothing; and without single peaks, so that a click or a knock hides nothing. It is measured around each moment: in two
// seconds, and in ten seconds, whose gain is the least that a moment gets. Background in pauses is brought up
// only as far as its surroundings are. The gain has a maximum, and changes smoothly. ADR 6 tells what was measured.
//
// What is so faint that no gain brings it back is silence: where the sound of a whole second and more
// stays below Options.Silence, it becomes digital silence, which a model need not look into.
package audio

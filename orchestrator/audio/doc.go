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
// A model hears little in quiet recordings, so each block of 10 s, counted from the recording's start,
// is brought up until its peak reaches a target, by a gain that has a maximum. Blocks that are loud
// enough stay as they are, bit for bit, and so does silence. Where neighbours differ, the gain moves
// smoothly inside the block that has more of it.
//
// What is so faint that no gain brings it back is silence: where the sound of a whole second and more
// stays below Options.Silence, it becomes digital silence, which a model need not look into.
package audio

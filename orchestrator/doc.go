// Package orchestrator is the domain of Chortle's larger half: who is recorded, what a day is, what a
// model says about a recording, what a laugh is, and how one run goes through all of it.
//
// It imports the standard library only. Everything outside (files, codecs, processes, databases) is
// reached through the interfaces of this package, each declared where the Runner uses it and
// implemented in a folder named after the outside thing.
//
//	source ─▶ Recording ─▶ Audio.Decode ─▶ Chunk ─▶ Process.Classify ─▶ Frame ─▶ Scores
//	                                                                              │
//	Store.SaveRecording ◀─ Clips.Put ◀─ Audio.Cut ◀─ Laugh ◀─ Detect ◀────────────┘
package orchestrator

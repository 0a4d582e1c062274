// Package uploads receives recordings from devices: files, piece by piece if need be, and streams of sound. What is
// acknowledged is on the disk: written, synced, renamed, its folder synced. A run reads it like any folder.
//
//	received/uploads/NAME               whole recordings: a folder that a source reads
//	received/.incoming/HASH-TOTAL.part  what came so far of a file of TOTAL bytes; HASH stands for its name
//	received/.incoming/KEY-START-RATE.pcm  a stream: raw samples since START, gaps filled with silence
//
// Nothing is kept beside these files: what there is of an upload is the length of its part, and what there is of a stream
// its name and its length. So a crash costs what was not acknowledged, and another process goes on where one ended.
package uploads

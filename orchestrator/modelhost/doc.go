// Package modelhost runs model processes for the orchestrator: it starts one under the go-plugin
// protocol, streams sound to it and takes frames back, watches its memory, and kills it. Nothing else
// imports go-plugin's client.
//
//	          Spawn                    Classify, again and again             Stop
//	started ─▶ handshake ─▶ health ─▶ GetModel ─▶ ready ─▶ streaming ─▶ ready ─▶ group killed ─▶ gone
//	   │           │           │          │                    │
//	   └───────────┴───────────┴──────────┴────────────────────┴─ died, hung, grew over its limit,
//	                                                              context canceled: group killed
//
// A killed process is the normal end, not a failure: nothing that a model allocates outlives its
// user's day. Every process leads a group of its own, which dies with it; the kernel kills the process
// when the orchestrator dies. Its socket lies in a folder that only this user can enter, and is
// removed as soon as the one connection stands (unless it was asked to stay).
//
// The folder is locked as long as the orchestrator lives, and its path stands in the environment of the
// process and, on Linux to be read from outside, of everything that the process started. By it a stopped
// process's whole family is found, also those who left its group or session; and by folders whose lock is
// free, the next start finds what an orchestrator that was killed left behind, and clears it away.
package modelhost

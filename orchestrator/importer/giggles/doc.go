// Package giggles brings over what giggles-cli, the system that Chortle replaces, has in its Postgres
// database and its folder of clips: users with their keys, segments of audio that were read, laughs with
// their sound and notes, and the processing log. It only reads there.
//
//	users + limitless_keys   ─▶ users, and their API keys, decrypted and sealed anew
//	audio_segments           ─▶ recordings, and spans of the ledger that were read
//	laughter_detections      ─▶ laughs, one for one, heard by the model "giggles"
//	clips folder             ─▶ clips
//	processing_logs          ─▶ runs
//
// Everything keeps an identity that follows from the old ids, and each user, recording and run comes over in one
// transaction, so that importing again, also after a crash, adds what is missing and changes nothing else: what was
// brought over before stays as it is, also where the old system has changed it since.
package giggles

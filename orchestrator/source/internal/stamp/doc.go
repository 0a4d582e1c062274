// Package stamp reads the moments that recorders, phones and people write: in the names of files and folders,
// and in the tags inside them. It is pure: it looks at text only.
//
// A name tells when its recording started if it holds, side by side,
//
//   - a date, as the table in dates.go has them: 2026-11-22, 20261122, 22-Nov-2026, 2026年11月22日, 22.11.2026, and
//     261122 where a compact time follows;
//   - T, a word such as "at", "um" or "в", a few of " _-.,", or nothing;
//   - a time of day, as the table in clocks.go has them: 14-30-00, 14.30, 143000, 14时30分05秒, 2.30 PM, 下午2:30;
//   - perhaps a zone: Z, UTC+1, GMT+01-00, +0100, CET,
//
// or an instant in Unix time (seconds to nanoseconds, or the eight hexadecimal digits of old AudioMoths). A time of
// day alone will do in a folder of the day (2026-11-22, 2026/11/22, 2026-11/22), minutes and seconds in a folder of the
// hour, and a name without digits in a folder whose own name holds a whole moment. The first moment of a name counts.
//
// What can be mistaken is not read: 05-06-2026 is two days unless Options say which, 261122_0001 is a counter, and
// what a synchroniser adds to the name of a conflict is no time of the recording. A date that no calendar has
// (31 February), and the first day of 1904 and 1970, which is what clocks show that were never set, are none.
package stamp

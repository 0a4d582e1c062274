package folder

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A name tells when its recording started if it holds, side by side,
//
//   - a date: 2026-11-22 (or with . _ or a space between), 20261122, or 261122 when a compact time
//     follows; then T, "at", a few of " _-.," or nothing
//   - a time of day: 14-30-00 or 14-30 (or with . : _ or h between), 143000 or 1430, perhaps with a
//     fraction, perhaps with AM or PM
//   - perhaps a zone: Z, UTC, GMT, +0100, +01:00, +01, -0500, and behind a T also -05-00
//
// or, by itself at one end, an instant in Unix seconds or milliseconds. In a folder named after the day
// (2026-11-22, 20261122, 2026/11/22) a time of day at the beginning will do. The first time in a name
// counts; one without a zone is the user's.
//
// So the names of iOS Voice Memos (20261122 143000-8F3A91C2.m4a), Samsung (Voice 261122_143000.m4a),
// Sony (261122_1430.mp3), Zoom's newer recorders (261122_143000.WAV), DJI (TX01_MIC001_20261122_143000),
// AudioMoth (20261122_143000.WAV), Pixel phones (PXL_20261122_143000123.mp4, in UTC), WhatsApp on a
// desktop (WhatsApp Audio 2026-11-22 at 2.30.00 PM.opus), Signal, Telegram, OBS, call recorders
// (Call_20261122143000_+44…), Just Press Record (2026-11-22/14-30-00.m4a) and many like them are read.
//
// Counters (ZOOM0001, 261122_0001) and dates alone (PTT-20261122-WA0001) are no times, and neither are
// dates with the year last: 05-06-2026 is two days.
const (
	longDate  = `(?P<year>(?:19|20)\d\d)(?P<d1>[-_. ]?)(?P<month>0[1-9]|1[0-2])(?P<d2>[-_. ]?)(?P<day>0[1-9]|[12]\d|3[01])`
	shortDate = `(?P<year>\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])`
	joint     = `(?:(?P<T>[Tt])|[ _-]*at[ _-]+|[ _.,-]{0,3})`
	timeOfDay = `(?P<hour>[01]\d|2[0-3]|\d)(?P<t1>[-_.:h]?)(?P<minute>[0-5]\d)(?:(?P<t2>[-_.:m]?)(?P<second>[0-5]\d)s?` +
		`(?:[.,](?P<fraction>\d{1,9})|[-_]?(?P<fraction_>\d{3}))?)?(?:[\pZ_.]?(?P<half>[AaPp])\.?[Mm]\.?(?:_|\b))?`
	zone = `(?:[ _]?(?P<utc>[Zz]|UTC|GMT)(?:$|[^A-Za-z0-9])|` +
		`(?P<sign>[+-])(?P<zoneHour>0\d|1[0-4])(?P<z>[:_-]?)(?P<zoneMinute>00|15|30|45)(?:$|\D)|` +
		`(?P<sign_>\+)(?P<zoneHour_>0\d|1[0-4])(?:$|\D)|$|\D)`
)

var (
	longTime  = regexp.MustCompile(`(?:^|\D)` + longDate + joint + timeOfDay + zone)
	shortTime = regexp.MustCompile(`(?:^|\D)` + shortDate + `[_-](?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?(?:$|\D)`)
	dayTime   = regexp.MustCompile(`^` + timeOfDay + zone)
	dayFolder = regexp.MustCompile(`(?:^|/)(?:` + longDate + `(?:\D[^/]*)?|(?P<year_>(?:19|20)\d\d)/(?P<month_>0[1-9]|1[0-2])/(?P<day_>0[1-9]|[12]\d|3[01]))/$`)
	unixTime  = regexp.MustCompile(`^(1\d{9}(?:\d{3})?)(?:[-_ .]|$)|[-_ ](1\d{9}(?:\d{3})?)$`)
)

// timeInName finds the start of a recording in its name, the path below the root with slashes.
func timeInName(name string, loc *time.Location) (time.Time, bool) {
	dir, base := path.Split(name)
	stem := strings.TrimSuffix(base, path.Ext(base))
	for from := 0; from < len(stem); {
		at := longTime.FindStringSubmatchIndex(stem[from:])
		if at == nil {
			break
		}
		if t, ok := instant(fields(longTime, stem[from:], at), strings.HasPrefix(stem, "PXL_"), loc); ok {
			return t, true
		}
		from += at[0] + 1
	}
	if at := shortTime.FindStringSubmatchIndex(stem); at != nil {
		f := fields(shortTime, stem, at)
		f["year"] = "20" + f["year"]
		if t, ok := instant(f, false, loc); ok {
			return t, true
		}
	}
	if m := unixTime.FindStringSubmatch(stem); m != nil {
		return fromUnix(m[1] + m[2]), true
	}
	date, clock := dayFolder.FindStringSubmatchIndex(dir), dayTime.FindStringSubmatchIndex(stem)
	if date == nil || clock == nil {
		return time.Time{}, false
	}
	f := fields(dayTime, stem, clock)
	if f["t1"] == "" && f["second"] == "" { // 1430 may be anything
		return time.Time{}, false
	}
	for name, value := range fields(dayFolder, dir, date) {
		f[name] = value
	}
	return instant(f, false, loc)
}

// fields returns the named parts of a match. A name must be unique in Go: of year and year_ the one
// that matched is the year.
func fields(re *regexp.Regexp, text string, at []int) map[string]string {
	f := make(map[string]string)
	for i, name := range re.SubexpNames() {
		if name != "" && at[2*i] >= 0 {
			f[strings.TrimSuffix(name, "_")] = text[at[2*i]:at[2*i+1]]
		}
	}
	return f
}

// instant makes a time of the parts of a name, unless they contradict each other.
func instant(f map[string]string, utc bool, loc *time.Location) (time.Time, bool) {
	compact := f["t1"] == ""
	if f["d1"] != f["d2"] || compact && len(f["hour"]) < 2 || f["second"] != "" && compact != (f["t2"] == "") {
		return time.Time{}, false
	}
	if compact && f["hour"] == "00" && f["second"] == "" {
		return time.Time{}, false // 261122_0001 is a counter more often than a minute past midnight
	}
	hour := number(f["hour"])
	if half := strings.ToLower(f["half"]); half != "" {
		if hour < 1 || hour > 12 {
			return time.Time{}, false
		}
		hour %= 12
		if half == "p" {
			hour += 12
		}
	}
	nanos := number((f["fraction"] + "000000000")[:9])
	wall := time.Date(number(f["year"]), time.Month(number(f["month"])), number(f["day"]),
		hour, number(f["minute"]), number(f["second"]), nanos, time.UTC)
	if wall.Day() != number(f["day"]) {
		return time.Time{}, false // the 31st of a shorter month
	}
	dashed := f["sign"] == "-" && (f["z"] == "-" || f["z"] == "_") // 14-30-00-05-00
	switch {
	case utc || f["utc"] != "":
		return wall, true
	case f["sign"] != "" && (!dashed || f["T"] != ""):
		offset := time.Duration(number(f["zoneHour"]))*time.Hour + time.Duration(number(f["zoneMinute"]))*time.Minute
		if f["sign"] == "-" {
			offset = -offset
		}
		return wall.Add(-offset), true
	}
	return inZone(wall, loc), true
}

// inZone returns the instant at which the clocks of loc show what wall shows in UTC. Where they show
// it twice, the first time counts; where they skip it, the clock that was not put forward does:
// 02:30 is then half an hour after the change.
func inZone(wall time.Time, loc *time.Location) time.Time {
	// No zone is more than 15 hours from UTC, and none changes twice in 30 hours.
	before, after := atOffsetOf(wall, wall.Add(-15*time.Hour).In(loc)), atOffsetOf(wall, wall.Add(15*time.Hour).In(loc))
	shows := func(t time.Time) bool { return atOffsetOf(wall, t.In(loc)).Equal(t) }
	if shows(after) && (!shows(before) || after.Before(before)) {
		return after
	}
	return before
}

// atOffsetOf reads wall as local time at the offset that holds at the given instant.
func atOffsetOf(wall, at time.Time) time.Time {
	_, offset := at.Zone()
	return wall.Add(-time.Duration(offset) * time.Second)
}

func fromUnix(digits string) time.Time {
	n, _ := strconv.ParseInt(digits, 10, 64) // ten or thirteen digits
	if len(digits) == 10 {
		n *= 1000
	}
	return time.UnixMilli(n).UTC()
}

// number reads a field of digits; one that is absent is 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// printable makes a path fit to be shown and stored: valid UTF-8 without control characters. What is
// neither is written as Go does in a string (\xff, \n, \u202e), and a backslash is doubled, so that two
// paths never become the same.
func printable(name string) string {
	safe := func(r rune) bool { return r != '\\' && r != utf8.RuneError && unicode.IsGraphic(r) }
	if strings.IndexFunc(name, func(r rune) bool { return !safe(r) }) < 0 {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if safe(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteToASCII(name[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		name = name[size:]
	}
	return b.String()
}

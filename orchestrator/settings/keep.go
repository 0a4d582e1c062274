package settings

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Keep says for how long sound is kept.
type Keep struct {
	// Retention of users who say nothing of their own.
	orchestrator.Retention
	// DiskShare of the disk of the clips that may be used, in (0, 1]; 0: any.
	DiskShare float64
	// ClipRoom is what must be free on the disk of the clips for a run to keep any, in bytes.
	ClipRoom int64
}

// keepTable holds the settings of what is kept.
var keepTable = []Definition{
	{Name: "CHORTLE_KEEP_DAYS", Help: "days after which the sound of a laugh is deleted, unless it is starred, marked right or noted; 0: never",
		fallback: fixed("0"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Keep.Days, 0, mostDays) }},
	{Name: "CHORTLE_KEEP_MAYBE_DAYS", Help: "the same for maybes and for laughs that were marked wrong; 0: as CHORTLE_KEEP_DAYS says",
		fallback: fixed("0"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Keep.MaybeDays, 0, mostDays) }},
	{Name: "CHORTLE_KEEP_A_DAY", Help: "clips of a class that are kept of each day, those with the best scores; 0: all",
		fallback: fixed("0"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Keep.ADay, 0, mostDays) }},
	{Name: "CHORTLE_KEEP_SIZE", Help: "the most that the clips of a user may take, such as 5GB: wrong ones go first, then maybes, then the oldest; 0: no limit",
		fallback: fixed("0"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Keep.Bytes, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_KEEP_DISK", Help: "share of the clips' disk that may be used, such as 80%: clips are deleted above it, in the same order; 0: any",
		fallback: fixed("0"),
		set:      func(s *Settings, v string) error { return share(v, &s.Config.Keep.DiskShare) }},
	{Name: "CHORTLE_CLIP_ROOM", Help: "what must be free on the disk of the clips for a run to keep any; below it laughs are stored without clips, such as 200MB; 0: whatever is free",
		fallback: fixed("200MB"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Keep.ClipRoom, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_ALERT_DISK_FREE", Help: "alert when less is free on a disk that is written to; 0: never",
		fallback: fixed("1GB"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Alerts.DiskFree, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_KEEP_RECENT_DAYS", Help: "days in which nothing is deleted for its number, size or the disk",
		fallback: fixed("7"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Keep.Recent, 0, mostDays) }},
	{Name: "CHORTLE_KEEP_LAUGHS", Help: "what becomes of a laugh whose clip is deleted: yes (it stays in lists and counts, without sound) or no (it goes too)",
		fallback: fixed("yes"),
		set: func(s *Settings, v string) (err error) {
			kept, err := yesNo(v)
			s.Config.Keep.Rows = !kept
			return err
		}},
	{Name: "CHORTLE_KEEP_ORIGINAL_DAYS", Help: "days after which kept downloads and archives are deleted, once the sound of their laughs is safe; 0: never",
		fallback: fixed("0"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Keep.OriginalDays, 0, mostDays) }},
	{Name: "CHORTLE_KEEP_UNTIL_BACKED_UP", Help: "yes: delete no sound that is not in a backup which was read back; no",
		fallback: fixed("no"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Keep.BackedUp, err = yesNo(v)
			return err
		}},
}

const mostDays = 100_000

func yesNo(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "on", "1":
		return true, nil
	case "no", "false", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is not known; want yes or no", text)
}

// keepWords are what a person may say of one user, in the order in which it is shown.
var keepWords = []struct {
	word, field string
	parse       func(string) (any, error)
	show        func(orchestrator.Retention) string
}{
	{"days", "days", number, func(r orchestrator.Retention) string { return strconv.Itoa(r.Days) }},
	{"maybe-days", "maybe_days", number, func(r orchestrator.Retention) string { return strconv.Itoa(r.MaybeDays) }},
	{"a-day", "a_day", number, func(r orchestrator.Retention) string { return strconv.Itoa(r.ADay) }},
	{"size", "bytes", func(v string) (any, error) { return ParseBytes(v) }, func(r orchestrator.Retention) string { return strconv.FormatInt(r.Bytes, 10) }},
	{"recent-days", "recent", number, func(r orchestrator.Retention) string { return strconv.Itoa(r.Recent) }},
	{"laughs", "rows", func(v string) (any, error) { kept, err := yesNo(v); return !kept, err }, func(r orchestrator.Retention) string { return yes(!r.Rows) }},
	{"original-days", "original_days", number, func(r orchestrator.Retention) string { return strconv.Itoa(r.OriginalDays) }},
	{"until-backed-up", "backed_up", func(v string) (any, error) { return yesNo(v) }, func(r orchestrator.Retention) string { return yes(r.BackedUp) }},
}

func number(text string) (any, error) {
	var n int
	err := whole(text, &n, 0, mostDays)
	return n, err
}

func yes(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// ParseKeep reads what a person says of one user's sound, such as "days=365 size=5GB", and returns it as a user has it.
// An empty text means nothing: the settings'.
func ParseKeep(text string) (string, error) {
	object := map[string]any{}
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		word, value, _ := strings.Cut(pair, "=")
		known := false
		for _, k := range keepWords {
			if k.word != word {
				continue
			}
			parsed, err := k.parse(value)
			if err != nil {
				return "", fmt.Errorf("%s: %w", word, err)
			}
			object[k.field], known = parsed, true
		}
		if !known {
			return "", fmt.Errorf("%q is not known; want %s", pair, KeepForms())
		}
	}
	if len(object) == 0 {
		return "", nil
	}
	encoded, err := json.Marshal(object)
	return string(encoded), err
}

// KeepForms are the words that ParseKeep knows.
func KeepForms() string {
	var forms []string
	for _, k := range keepWords {
		forms = append(forms, k.word+"=…")
	}
	return strings.Join(forms, ", ")
}

// KeepText is what a user has of their own, as ParseKeep reads it.
func KeepText(object string) (string, error) {
	fields := map[string]any{}
	if object == "" {
		return "", nil
	}
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		return "", fmt.Errorf("read retention: %w", err)
	}
	r, err := orchestrator.Retention{}.Override(object)
	if err != nil {
		return "", err
	}
	var words []string
	for _, k := range keepWords {
		if _, given := fields[k.field]; given {
			words = append(words, k.word+"="+k.show(r))
		}
	}
	return strings.Join(words, " "), nil
}

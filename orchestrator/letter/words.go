package letter

import (
	_ "embed" // the catalogue
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

//go:embed words.json
var english []byte

// entry is a text, or one for each plural form. Forms are chosen by the argument named n.
type entry struct{ One, Other string }

// UnmarshalJSON reads a string, or an object with the forms one and other.
func (e *entry) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &e.Other); err == nil {
		return nil
	}
	type forms entry
	return json.Unmarshal(data, (*forms)(e))
}

// words holds every text of a letter. A second language is a second file.
var words = sync.OnceValue(func() (words map[string]entry) {
	if err := json.Unmarshal(english, &words); err != nil {
		panic(err) // an embedded file, which a test reads
	}
	return words
})

// say returns the text under key with {name} replaced by the arguments, which are pairs of a name and a value. An int
// named n chooses the plural form.
func say(key string, pairs ...any) string {
	e := words()[key]
	text := e.Other
	replace := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		n, isInt := pairs[i+1].(int)
		if isInt && n == 1 && pairs[i] == "n" && e.One != "" {
			text = e.One
		}
		replace = append(replace, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(replace...).Replace(text)
}

func weekday(d orchestrator.Date) string {
	return say(fmt.Sprintf("weekday.%d", time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Weekday()))
}

func month(m time.Month) string { return say(fmt.Sprintf("month.%d", int(m))) }

// date is "Friday 27 November".
func date(d orchestrator.Date) string {
	return say("date", "weekday", weekday(d), "day", strconv.Itoa(d.Day), "month", month(d.Month))
}

// days are "Friday 27 November", or "15 to 21 November", or "29 November to 5 December".
func days(from, to orchestrator.Date) string {
	if from == to {
		return date(from)
	}
	first := say("date.short", "day", strconv.Itoa(from.Day), "month", month(from.Month))
	if from.Month == to.Month && from.Year == to.Year {
		first = strconv.Itoa(from.Day)
	}
	return say("range", "from", first, "to", say("date.short", "day", strconv.Itoa(to.Day), "month", month(to.Month)))
}

// at is "Friday 27 November, 14:03".
func at(t time.Time) string {
	return say("at", "weekday", weekday(orchestrator.DateOf(t)), "day", strconv.Itoa(t.Day()), "month", month(t.Month()), "clock", t.Format("15:04"))
}

func seconds(d time.Duration) string { return say("seconds", "s", fmt.Sprintf("%.1f", d.Seconds())) }

// length is "40 min", "9 h" or "9 h 40 min".
func length(d time.Duration) string {
	minutes := max(1, int(math.Round(d.Minutes())))
	switch {
	case minutes < 60:
		return say("minutes", "m", minutes)
	case minutes%60 == 0:
		return say("hours", "h", minutes/60)
	default:
		return say("hours-minutes", "h", minutes/60, "m", minutes%60)
	}
}

// list is "A", "A and B", or "A, B and C".
func list(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return say("and", "list", strings.Join(items[:last], ", "), "last", items[last])
}

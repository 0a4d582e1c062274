package words

import (
	"fmt"
	"math"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Seconds formats the length of a laugh: 2.3 s, and 1:04 min from a minute on.
func (c *Catalogue) Seconds(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	if tenths := math.Round(d.Seconds() * 10); tenths < 600 {
		return c.Text("time.seconds", "s", fmt.Sprintf("%.1f", tenths/10))
	}
	s := int(math.Round(d.Seconds()))
	return c.Text("time.minutes-seconds", "m", s/60, "s", fmt.Sprintf("%02d", s%60))
}

// Length formats a stretch of a day: 9 h 40, 40 min, less than a minute.
func (c *Catalogue) Length(d time.Duration) string {
	minutes := int(math.Round(d.Minutes()))
	switch {
	case d > 0 && minutes == 0:
		return c.Text("time.moment")
	case minutes < 60:
		return c.Text("time.minutes", "m", minutes)
	case minutes%60 == 0:
		return c.Text("time.hours", "h", minutes/60)
	default:
		return c.Text("time.hours-minutes", "h", minutes/60, "m", fmt.Sprintf("%02d", minutes%60))
	}
}

// Clock formats an instant in the person's zone: 14:03.
func Clock(t time.Time, loc *time.Location) string { return t.In(loc).Format("15:04") }

// ClockSeconds formats an instant in the person's zone: 14:03:07.
func ClockSeconds(t time.Time, loc *time.Location) string { return t.In(loc).Format("15:04:05") }

// Weekday names a day of the week.
func (c *Catalogue) Weekday(d time.Weekday) string { return c.Text(fmt.Sprintf("weekday.%d", int(d))) }

// Month names a month.
func (c *Catalogue) Month(m time.Month) string { return c.Text(fmt.Sprintf("month.%d", int(m))) }

// Day names a day in full, without its year where that is today's: Friday 27 November.
func (c *Catalogue) Day(d, today orchestrator.Date) string {
	key := "day.full"
	if d.Year == today.Year {
		key = "day.full-this-year"
	}
	return c.Text(key, "weekday", c.Weekday(Weekday(d)), "day", fmt.Sprint(d.Day), "month", c.Month(d.Month), "year", fmt.Sprint(d.Year))
}

// ShortDay names a day briefly: 27 Nov.
func (c *Catalogue) ShortDay(d orchestrator.Date) string {
	return c.Text("day.short", "day", fmt.Sprint(d.Day), "month", c.Text(fmt.Sprintf("month.short.%d", int(d.Month))))
}

// Near names a day as one speaks of it from today: today, yesterday, Thursday, and in full from a week ago on.
func (c *Catalogue) Near(d, today orchestrator.Date) string {
	switch {
	case d == today:
		return c.Text("day.today")
	case d == today.Add(-1):
		return c.Text("day.yesterday")
	case d.Before(today) && today.Add(-7).Before(d):
		return c.Weekday(Weekday(d))
	default:
		return c.Day(d, today)
	}
}

// Weekday is the day of the week of a date.
func Weekday(d orchestrator.Date) time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Weekday()
}

// Zone names a zone by its city: "Europe/London" is London.
func Zone(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	city := []byte(name)
	for i, b := range city {
		if b == '_' {
			city[i] = ' '
		}
	}
	return string(city)
}

// Size is a size as a person says it: 1.2 GB, 34 MB, 5 kB.
func Size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%d MB", (bytes+5e5)/1e6)
	}
	return fmt.Sprintf("%d kB", (bytes+999)/1e3)
}

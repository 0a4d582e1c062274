// Package letter puts a digest into words: a subject, plain text, HTML, and a few lines for a phone. It is pure. All texts
// are in one catalogue, with plurals.
package letter

import (
	_ "embed" // the template
	"html/template"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Options are what a letter says besides the digest.
type Options struct {
	// Page is the address under which people reach the page, without a slash at its end; empty: unknown.
	Page string
	// Unsubscribe is an address that ends the subscription, and StopCommand the command that does; either may be empty.
	Unsubscribe, StopCommand string
	// Attached is how many of the best laughs are attached, the first ones.
	Attached int
	// Test says that somebody tries how letters look.
	Test bool
}

// mostDays is the longest period whose days are drawn one by one.
const mostDays = 31

//go:embed letter.html
var source string

// page is read when the first letter is written: most runs write none.
var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("letter").Parse(source)) })

// view is what text and HTML say. All its texts are whole sentences.
type view struct {
	Title, Subject, Lead, Usual, Top string
	Days                             []bar
	Best                             []line
	Longest                          string
	LongestLink                      string
	Heard                            string
	Missing                          []string
	Attached, Zone, Why, Stop        string
	Link, Unsubscribe                string
	Words                            map[string]string
}

type bar struct {
	Day, Count string
	Percent    int
}

type line struct{ Text, Link string }

// Write puts a digest into words. The letter has no attachments yet.
func Write(d orchestrator.Digest, o Options) (orchestrator.Letter, error) {
	v := see(d, o)
	var html strings.Builder
	if err := page().Execute(&html, v); err != nil {
		return orchestrator.Letter{}, err
	}
	return orchestrator.Letter{Subject: v.Subject, Text: v.text(), HTML: html.String(), Short: v.short(), Link: v.Link, Unsubscribe: o.Unsubscribe}, nil
}

func see(d orchestrator.Digest, o Options) (v view) {
	form := ".week"
	if d.From == d.To {
		form = ".day"
	}
	span, laughs := days(d.From, d.To), say("laughs", "n", d.Laughs)
	v.Subject, v.Lead = say("subject", "name", d.User, "laughs", laughs, "days", span), say("lead"+form, "laughs", laughs, "days", span)+"."
	if d.Laughs == 0 {
		v.Subject, v.Lead = say("subject.unheard", "name", d.User, "days", span), say("lead.none"+form, "days", span)+"."
	}
	if o.Test {
		v.Subject = say("test") + ": " + v.Subject
		v.Lead = say("test.lead") + " " + v.Lead
	}
	v.Title = d.User
	v.Usual = usual(d, form)
	v.draw(d)
	for _, laugh := range d.Best {
		v.Best = append(v.Best, line{say("laugh", "when", at(local(laugh, d.Timezone)), "class", plain(laugh.Class), "length", seconds(laugh.End.Sub(laugh.Start))), o.of(laugh)})
	}
	if l := d.Longest; l != nil && d.Laughs > 1 {
		v.Longest, v.LongestLink = say("longest", "length", seconds(l.End.Sub(l.Start)), "when", at(local(*l, d.Timezone))), o.of(*l)
	}
	if d.Heard > 0 {
		v.Heard = say("heard", "sound", length(d.Heard))
	}
	v.Missing = missing(d)
	switch n := o.Attached; {
	case n > 0 && n < len(d.Best):
		v.Attached = say("attached.first", "n", n)
	case n > 0:
		v.Attached = say("attached", "n", n)
	}
	v.Zone, v.Why = say("zone", "zone", d.Timezone), say("why."+string(d.Period))
	if o.Page != "" {
		v.Link = o.Page + "/u/" + d.User
		if d.From == d.To {
			v.Link += "/" + d.To.String()
		}
	}
	v.Unsubscribe = o.Unsubscribe
	if o.StopCommand != "" && o.Unsubscribe == "" {
		v.Stop = say("stop.command", "command", o.StopCommand)
	}
	v.Words = map[string]string{}
	for _, key := range []string{"days", "listen", "all", "stop.link"} {
		v.Words[key] = say(key)
	}
	v.Words["best"] = say("best", "n", len(d.Best))
	return v
}

// draw fills in the days, as bars, and the one with the most laughs.
func (v *view) draw(d orchestrator.Digest) {
	var top orchestrator.DayLaughs
	for _, day := range d.Days {
		if day.Laughs > top.Laughs {
			top = day
		}
	}
	if len(d.Days) < 2 || d.Laughs == 0 {
		return
	}
	v.Top = say("top", "day", date(top.Date), "n", top.Laughs)
	if len(d.Days) > mostDays {
		return
	}
	for _, day := range d.Days {
		b := bar{Day: date(day.Date), Count: say("laughs", "n", day.Laughs), Percent: 100 * day.Laughs / max(1, top.Laughs)}
		if day.Silent {
			b.Count = say("silent")
		}
		v.Days = append(v.Days, b)
	}
}

// usual compares a period with those before it: a quarter more or less is no difference.
func usual(d orchestrator.Digest, form string) string {
	if !d.HasUsual || d.Laughs == 0 {
		return ""
	}
	key := "usual.same"
	switch {
	case 4*d.Laughs >= 5*d.Usual && d.Laughs > d.Usual:
		key = "usual.more"
	case 4*d.Laughs <= 3*d.Usual && d.Laughs < d.Usual:
		key = "usual.fewer"
	}
	return say(key+form, "n", d.Usual)
}

// missing says what was not heard.
func missing(d orchestrator.Digest) (lines []string) {
	if d.Unheard > 0 {
		lines = append(lines, say("unheard", "sound", length(d.Unheard)))
	}
	if d.Lost > 0 {
		lines = append(lines, say("lost", "n", d.Lost))
	}
	var silent []string
	for _, day := range d.Days {
		if day.Silent {
			silent = append(silent, weekday(day.Date))
		}
	}
	if len(silent) > 0 && len(d.Days) > 1 && len(d.Days) <= 7 && d.Laughs == 0 { // else the days are drawn
		lines = append(lines, say("silent-days", "days", list(silent)))
	}
	return lines
}

// text is the letter as plain text.
func (v *view) text() string {
	var b strings.Builder
	para := func(lines ...string) {
		wrote := false
		for _, text := range lines {
			if text != "" {
				b.WriteString(text + "\n")
				wrote = true
			}
		}
		if wrote {
			b.WriteString("\n")
		}
	}
	para(v.Lead, v.Usual, v.Top)
	if len(v.Best) > 0 {
		b.WriteString(v.Words["best"] + "\n")
		for _, l := range v.Best {
			b.WriteString("* " + l.Text + "\n")
			if l.Link != "" {
				b.WriteString("  " + l.Link + "\n")
			}
		}
		para(v.Attached)
		if v.Attached == "" {
			b.WriteString("\n")
		}
	}
	para(v.Longest, v.LongestLink)
	if len(v.Days) > 0 {
		b.WriteString(v.Words["days"] + "\n")
		for _, day := range v.Days {
			b.WriteString("* " + day.Day + ": " + day.Count + "\n")
		}
		b.WriteString("\n")
	}
	para(append([]string{v.Heard}, v.Missing...)...)
	if v.Link != "" {
		para(v.Words["all"] + ": " + v.Link)
	}
	foot := []string{v.Zone, v.Why, v.Stop}
	if v.Unsubscribe != "" {
		foot = append(foot, v.Words["stop.link"]+": "+v.Unsubscribe)
	}
	para(foot...)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// short is the letter for a phone, below 1,000 characters.
func (v *view) short() string {
	lines := []string{strings.TrimSpace(v.Lead + " " + v.Usual)}
	for _, l := range v.Best {
		if l.Link != "" {
			lines = append(lines, l.Text+"\n"+l.Link)
		} else {
			lines = append(lines, l.Text)
		}
	}
	lines = append(lines, v.Missing...)
	if v.Unsubscribe != "" {
		lines = append(lines, v.Words["stop.link"]+": "+v.Unsubscribe)
	}
	return strings.Join(lines, "\n")
}

// of is the address of a laugh; empty where the page's is not known.
func (o Options) of(laugh orchestrator.StoredLaugh) string {
	if o.Page == "" {
		return ""
	}
	return o.Page + "/l/" + laugh.ID
}

func local(laugh orchestrator.StoredLaugh, zone string) time.Time {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	return laugh.Start.In(location)
}

// plain takes out of a text from outside what is no character of a line.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
}

package folder

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// AddressOptions are what may stand behind the path in a folder's address, for people.
const AddressOptions = "?zone=ZONE&time=start|end|name|metadata&offset=+00:03:10&dates=dmy|mdy"

// ParseAddress splits the address of a folder: its path, and behind a question mark what is believed of its recordings'
// times. A question mark that belongs to the path of a folder that is there is a part of it.
//
//   - zone: the zone of times that tell none, in place of the user's
//   - time: a TimeChoice
//   - offset: added to what the recorder's clock says, such as +00:03:10 for one that was three minutes late
//   - dates: dmy or mdy, the order of dates with the year last
func ParseAddress(address string) (Options, error) {
	o := Options{Root: address}
	i := strings.LastIndexByte(address, '?')
	if i < 0 {
		return o, nil
	}
	if _, err := os.Stat(address); err == nil {
		return o, nil
	}
	o.Root = address[:i]
	for option := range strings.SplitSeq(address[i+1:], "&") {
		name, value, _ := strings.Cut(option, "=")
		var err error
		switch name {
		case "zone":
			if o.Location, err = time.LoadLocation(value); err != nil || value == "" || value == "Local" {
				err = fmt.Errorf("unknown time zone %q; want an IANA name such as UTC or Europe/London", value)
			}
		case "time":
			switch o.Time = TimeChoice(value); o.Time {
			case TimeName, TimeMetadata, TimeStart, TimeEnd:
			default:
				err = fmt.Errorf("time=%s is not known; want start, end, name or metadata", value)
			}
		case "offset":
			o.Offset, err = parseOffset(value)
		case "dates":
			o.DayFirst, o.MonthFirst = value == "dmy", value == "mdy"
			if !o.DayFirst && !o.MonthFirst {
				err = fmt.Errorf("dates=%s is not known; want dmy or mdy", value)
			}
		default:
			err = fmt.Errorf("option %q is not known; want %s", name, AddressOptions)
		}
		if err != nil {
			return Options{}, err
		}
	}
	if o.Root == "" {
		return Options{}, errors.New("no path was given")
	}
	return o, nil
}

// parseOffset reads +HH:MM:SS or -HH:MM:SS.
func parseOffset(text string) (time.Duration, error) {
	t, err := time.Parse("15:04:05", strings.TrimLeft(text, "+-"))
	if err != nil || len(text) != 9 || text[0] != '+' && text[0] != '-' {
		return 0, fmt.Errorf("offset=%s is no time; want +HH:MM:SS or -HH:MM:SS, such as +00:03:10", text)
	}
	offset := t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	if text[0] == '-' {
		offset = -offset
	}
	return offset, nil
}

// Explanation is what a source takes for a file, and why.
type Explanation struct {
	Name string
	// Start is when its recording began, in UTC; zero where it is none, or of no day.
	Start      time.Time
	TimeSource orchestrator.TimeSource
	// Why is where the start stands, for people.
	Why string
	// Uncertainty is by how much Start may be off.
	Uncertainty time.Duration
	// Err is why the file is not read; nil where it is.
	Err error
}

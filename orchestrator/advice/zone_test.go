package advice_test

import (
	"regexp"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/chortle-audio/chortle/orchestrator/advice"
)

// TestZonesByTheirOffset: what is advised is really so far from UTC.
func TestZonesByTheirOffset(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{ // hours ahead of UTC; 0 where no zone of Etc is
		"GMT+1": 1, "UTC-5": -5, "utc+01:00": 1, "+0200": 2, "GMT +14": 14, "UTC-12": -12, "GMT+15": 0, "UTC-13": 0, "UTC+5:30": 0, "UTC+0": 0,
	} {
		advised := advice.OffsetZone(name)
		zone := regexp.MustCompile(`Etc/GMT[+-]\d+`).FindString(advised)
		if advised == "" || (zone == "") != (want == 0) {
			t.Errorf("%s: advised %q", name, advised)
			continue
		}
		if zone == "" {
			continue
		}
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if _, offset := time.Unix(0, 0).In(location).Zone(); offset != want*3600 {
			t.Errorf("%s: advised %s, which is %d s ahead of UTC", name, zone, offset)
		}
	}
	for _, name := range []string{"Europe/Lodnon", "Berlin", "", "GMT+x", "CET"} {
		if advised := advice.OffsetZone(name); advised != "" {
			t.Errorf("%q: advised %q", name, advised)
		}
	}
}

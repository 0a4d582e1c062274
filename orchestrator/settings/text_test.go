package settings

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://u:secret@h:5432/d?sslmode=require": "postgres://u:****@h:5432/d?sslmode=require",
		"postgres://u@h/d":                     "postgres://u@h/d",
		"postgres://h/d?user=u&password=p&x=1": "postgres://h/d?user=u&password=****&x=1",
		"postgres://u:se%cret@h/d":             "postgres://****@h/d",
		"postgres://u:a@b@h/d":                 "postgres://u:****@h/d",
		"sqlite:/data/chortle.db":              "sqlite:/data/chortle.db",
		"/a/path":                              "/a/path",
		"":                                     "",
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestMaskNeverShowsAPassword(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		password := "pw" + rapid.StringMatching(`[A-Za-z0-9!@#$%^&*()_=/?:-]{6,20}`).Draw(t, "password") + "wp"
		address := "postgres://user:" + url.QueryEscape(password) + "@host/name"
		if rapid.Bool().Draw(t, "unescaped") {
			address = "postgres://user:" + password + "@host/name"
			if strings.ContainsAny(password, "/?#") {
				t.Skip("what is before such a character is a host for everybody")
			}
		}
		if shown := Mask(address); strings.Contains(shown, password) || strings.Contains(shown, url.QueryEscape(password)) {
			t.Fatalf("%s became %s", address, shown)
		}
	})
}

func TestParseBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "1": 1, "512MB": 512e6, "512 MiB": 512 << 20, "1.5g": 1.5e9, "64k": 64e3, "2T": 2e12, "2Ti": 2 << 40, "100B": 100} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "1e3", "1,5G", "9999999999G", "1 M B"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                             nil,
		"  ":                           nil,
		"inferd":                       {"inferd"},
		" python3  -m chortle_yamnet ": {"python3", "-m", "chortle_yamnet"},
		`'/with space/inferd' --x`:     {"/with space/inferd", "--x"},
		`a\ b "c \"d\"" ''`:            {"a b", `c "d"`, ""},
		`'it'\''s'`:                    {"it's"},
	} {
		if got, err := SplitCommand(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`'a`, `"a`, `a\`} {
		if got, err := SplitCommand(text); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}

func TestQuoteAndSplitCommand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a '"\\/.\t]{1,12}`).Draw(t, "word")
		if got, err := SplitCommand(quote(word) + " x"); err != nil || !slices.Equal(got, []string{word, "x"}) {
			t.Fatalf("%q: got %q, %v", word, got, err)
		}
	})
}

func TestNearest(t *testing.T) {
	t.Parallel()
	zones := []string{"Africa/Accra", "America/Los_Angeles", "America/New_York", "Europe/Berlin", "Europe/London"}
	for word, want := range map[string]string{
		"Europe/Londn":  "Europe/London",
		"europe/london": "Europe/London",
		"London":        "Europe/London",
		"los_angeles":   "America/Los_Angeles",
		"Erope/Berlin":  "Europe/Berlin",
		"Mars/Base":     "",
	} {
		got := append(Nearest(word, zones), "")
		if got[0] != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]int{{"", ""}: 0, {"a", ""}: 1, {"alice", "alcie"}: 1, {"bob", "rob"}: 1, {"kitten", "sitting"}: 3} {
		if got := Distance(pair[0], pair[1]); got != want {
			t.Errorf("%q: got %d, want %d", pair, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-c]{0,6}`)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		d := Distance(a, b)
		if d != Distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Fatalf("%q, %q: %d", a, b, d)
		}
	})
}

func FuzzMask(f *testing.F) {
	f.Add("postgres://u:secret@h/d")
	f.Fuzz(func(t *testing.T, text string) {
		if Mask(Mask(text)) != Mask(text) {
			t.Errorf("%q: %q masked again is %q", text, Mask(text), Mask(Mask(text)))
		}
	})
}

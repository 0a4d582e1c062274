package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
)

// at is a laugh in the middle of a recording, whose samples are its milliseconds.
func at(id, from, to int64) laugh {
	return laugh{id: id, length: 1 << 20, start: from, end: to, first: from, last: to, class: "Laughter", clip: fmt.Sprint(from)}
}

// blindly says that nobody knows how laughs sound.
func blindly(found, others []laugh) []twin {
	twins := make([]twin, len(found))
	for i := range twins {
		twins[i] = twin{other: -1, blind: map[int]bool{}}
		for k := range others {
			twins[i].blind[k] = true
		}
	}
	return twins
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	marked := func(l laugh) laugh { l.mark = orchestrator.MarkRight; return l }
	heard := func(l laugh) laugh {
		l.publicID = "eight"
		if l.score == 0 {
			l.recording = 2
		}
		return l
	}
	scored := func(l laugh) laugh { l.score = 0.9; return l }
	tests := map[string]struct {
		old, found []laugh
		others     []laugh
		twins      []twin // nil: nobody knows how they sound
		want       change
	}{
		"nothing":                        {},
		"a new one":                      {found: []laugh{at(0, 1, 5)}, want: change{insert: []laugh{at(0, 1, 5)}, created: 1}},
		"the same":                       {old: []laugh{at(7, 1, 5)}, found: []laugh{at(0, 1, 5)}},
		"the same, judged":               {old: []laugh{marked(at(7, 1, 5))}, found: []laugh{at(0, 1, 5)}},
		"gone":                           {old: []laugh{at(7, 1, 5)}, want: change{remove: []int64{7}, loose: []string{"1"}}},
		"gone, but judged":               {old: []laugh{marked(at(7, 1, 5))}},
		"they only touch":                {old: []laugh{at(7, 1, 5)}, found: []laugh{at(0, 5, 9)}, want: change{insert: []laugh{at(0, 5, 9)}, remove: []int64{7}, created: 1, loose: []string{"1"}}},
		"moved":                          {old: []laugh{marked(at(7, 1, 5))}, found: []laugh{at(0, 2, 5)}, want: change{insert: []laugh{marked(at(7, 2, 5))}, remove: []int64{7}, loose: []string{"1"}}},
		"a duplicate":                    {found: []laugh{at(0, 1, 5)}, others: []laugh{at(8, 4, 6)}, want: change{duplicates: 1, loose: []string{"1"}}},
		"beside another's":               {found: []laugh{at(0, 1, 5)}, others: []laugh{at(8, 5, 6), at(9, 0, 1)}, want: change{insert: []laugh{at(0, 1, 5)}, created: 1}},
		"within another's":               {found: []laugh{at(0, 3, 4)}, others: []laugh{at(8, 1, 9)}, want: change{duplicates: 1, loose: []string{"3"}}},
		"overlaps, but sounds different": {found: []laugh{at(0, 1, 5)}, others: []laugh{at(8, 4, 6)}, twins: []twin{{other: -1}}, want: change{insert: []laugh{at(0, 1, 5)}, created: 1}},
		"the same sound":                 {found: []laugh{at(0, 100, 500)}, others: []laugh{heard(at(8, 4000, 6000))}, twins: []twin{{other: 0}}, want: change{duplicates: 1, loose: []string{"100"}, copies: []laughCopy{{of: "eight", first: 100, last: 500, later: -3900}}}},
		"the same sound, and better": {
			found: []laugh{scored(at(0, 100, 500))}, others: []laugh{heard(marked(at(8, 90, 510)))}, twins: []twin{{other: 0}},
			want: change{insert: []laugh{heard(marked(scored(at(8, 100, 500))))}, remove: []int64{8}, duplicates: 1, loose: []string{"90"},
				copies: []laughCopy{{of: "eight", recording: 2, first: 90, last: 510, later: -10}}},
		},
		"twice the same row": {found: []laugh{at(0, 1, 2), at(0, 1, 3)}, want: change{insert: []laugh{at(0, 1, 2)}, created: 1, duplicates: 1, loose: []string{"1"}}},
		"two became one, the second is judged": {
			old: []laugh{at(7, 1, 50), marked(at(8, 60, 70))}, found: []laugh{at(0, 1, 70)},
			want: change{insert: []laugh{marked(at(8, 1, 70))}, remove: []int64{7, 8}, loose: []string{"1", "60"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.twins == nil {
				test.twins = blindly(test.found, test.others)
			}
			got := reconcile(0, test.old, test.found, test.others, test.twins)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(change{}, laugh{}, laughCopy{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestNoteKeepsSpansApart notes random spans and holds the ledger to a table of minutes.
func TestNoteKeepsSpansApart(t *testing.T) {
	t.Parallel()
	zero := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		var rows []entry
		var minutes [60]orchestrator.SpanState
		for range rapid.IntRange(1, 20).Draw(rt, "spans") {
			from := rapid.IntRange(0, 58).Draw(rt, "from")
			to := rapid.IntRange(from+1, 59).Draw(rt, "to")
			state := rapid.SampledFrom([]orchestrator.SpanState{orchestrator.SpanRead, orchestrator.SpanEmpty, orchestrator.SpanFailed}).Draw(rt, "state")
			e := entry{LedgerSpan: orchestrator.LedgerSpan{State: state, Attempts: 1,
				Span: orchestrator.Span{Start: zero.Add(time.Duration(from) * time.Minute), End: zero.Add(time.Duration(to) * time.Minute)}}}
			rows = note(rows, e)
			for i := from; i < to; i++ {
				minutes[i] = state
			}
			for i, want := range minutes {
				at := zero.Add(time.Duration(i) * time.Minute)
				var got []orchestrator.SpanState
				for _, row := range rows {
					if row.Contains(at) {
						got = append(got, row.State)
					}
				}
				if len(got) > 1 || want == "" && len(got) != 0 || want != "" && (len(got) != 1 || got[0] != want) {
					rt.Fatalf("minute %d: %v, want %q", i, got, want)
				}
			}
		}
	})
}

func TestPackIsReversible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(rt, "data")
		back, err := unpack(pack(data))
		if err != nil || string(back) != string(data) {
			rt.Fatalf("%v became %v, %v", data, back, err)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add(pack([]byte("scores")))
	f.Add([]byte("\x78\x9c\xff\xff"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		if data, err := unpack(packed); err == nil && len(packed) == 0 {
			t.Fatalf("nothing became %v", data)
		}
	})
}

// FuzzFeatures: what is stored of what else was heard is read whole, or refused.
func FuzzFeatures(f *testing.F) {
	f.Add([]byte(`{"step":0.25,"classes":["a"],"heard_step":0.25,"runs":[{"first":3,"frames":2}]}` + "\nxy"))
	f.Add([]byte(`{"classes":["a"],"runs":[{"first":3,"frames":-2}]}` + "\nxy"))
	f.Add([]byte(`{"classes":["a","b"],"runs":[{"first":3,"frames":1},{"first":3,"frames":1}]}` + "\nxyzz"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s orchestrator.Scores
		if (packedScores{data: pack(nil), features: pack(raw)}).unpack(&s) != nil {
			return
		}
		reader := s.Heard.Reader()
		for _, run := range s.Heard.Runs {
			if got := reader.Frame(run.First); len(got) != len(s.Heard.Classes) {
				t.Fatalf("frame %d has %d bytes", run.First, len(got))
			}
		}
	})
}

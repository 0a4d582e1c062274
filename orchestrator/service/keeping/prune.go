// Package keeping carries out the rules of retention, and sweeps what crashes left. It deletes sound and never more of a
// row than it is asked for; whatever it decides is counted, with the reason.
//
// A sweep goes over each user's laughs page by page, a day at a time, and holds no more than a number for each day and
// worth: its memory does not grow with the clips. Rows are changed before files are deleted, a few hundred at a time. After
// a kill there may be clips that no row refers to, which the next sweep finds, and never a row that refers to nothing.
package keeping

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// Store is what is known of laughs and their clips.
type Store interface {
	Laughs(ctx context.Context, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error]
	DropClips(ctx context.Context, userID int64, ids []string, rows bool, at time.Time) (store.Dropped, error)
	HeardRecording(ctx context.Context, userID int64, sha256 string) (store.HeardRecording, error)
	Scrub(ctx context.Context) error
}

// Subject is a user with the rules for them.
type Subject struct {
	orchestrator.User
	orchestrator.Retention
	// Originals are the user's downloads that are kept; nil where there are none.
	Originals []Original
}

// Disk is the disk on which the clips lie.
type Disk struct {
	// Size and Used in bytes; Limit is what may be used.
	Size, Used, Limit int64
}

// Pruner carries out the rules. All fields but Disk and Backup must be set.
type Pruner struct {
	Store Store
	Clips orchestrator.Clips
	Now   time.Time
	// Disk is nil where no share of it is set.
	Disk *Disk
	// Backup is the moment of the last good backup; zero where there is none.
	Backup time.Time
	// DryRun deletes nothing.
	DryRun bool
}

// batch is how many clips go at a time.
const batch = 1000

// mostErrors is how many errors of a part are told.
const mostErrors = 10

// tally is what is known of a user's clips before any goes.
type tally struct {
	// left are the bytes of all that neither age nor number takes; bins are those of them that may go.
	left int64
	bins map[bin]int64
	// freed is what age and number free.
	freed int64
}

// Prune goes over the users. What it returns is true also where the error is not nil: so far it came.
func (p *Pruner) Prune(ctx context.Context, subjects []Subject) (document.Prune, error) {
	pruned := document.Prune{DryRun: p.DryRun, At: document.Stamp(p.Now.UTC()), Users: make([]document.PruneUser, len(subjects))}
	for i, s := range subjects {
		pruned.Users[i] = document.PruneUser{User: s.Name, Clips: newPart(), Originals: newPart()}
	}
	var freed int64
	for i, s := range subjects { // what costs no laugh its sound goes first
		if err := p.originals(ctx, s, &pruned.Users[i].Originals); err != nil {
			return pruned, err
		}
		freed += pruned.Users[i].Originals.Freed
	}
	limits, disk, err := p.limits(ctx, subjects, freed, &pruned)
	if err != nil {
		return pruned, err
	}
	rows := false
	for i, s := range subjects {
		if !s.Limits() && p.Disk == nil {
			continue
		}
		if err := p.user(ctx, s, []*limit{limits[i], disk}, &pruned.Users[i]); err != nil {
			return pruned, fmt.Errorf("prune clips of %s: %w", s.Name, err)
		}
		rows = rows || s.Rows && pruned.Users[i].Laughs > 0
	}
	if rows && !p.DryRun {
		return pruned, p.Store.Scrub(ctx)
	}
	return pruned, nil
}

// limits finds how far clips go for the sake of bytes: those of each user, and those of all for the disk.
func (p *Pruner) limits(ctx context.Context, subjects []Subject, freed int64, pruned *document.Prune) (limits []*limit, disk *limit, err error) {
	limits = make([]*limit, len(subjects))
	all := map[bin]int64{}
	for i, s := range subjects {
		if s.Bytes == 0 && p.Disk == nil {
			continue
		}
		t, err := p.count(ctx, s)
		if err != nil {
			return nil, nil, fmt.Errorf("look at clips of %s: %w", s.Name, err)
		}
		bins := t.bins
		freed += t.freed
		if s.Bytes > 0 {
			over := t.left - s.Bytes
			limits[i], pruned.Users[i].Over = free(bins, over, orchestrator.RuleSize)
			freed += max(0, over) - pruned.Users[i].Over
			bins = limits[i].leaves(bins)
		}
		for b, bytes := range bins {
			all[b] += bytes
		}
	}
	if p.Disk != nil {
		disk, over := free(all, p.Disk.Used-freed-p.Disk.Limit, orchestrator.RuleDisk)
		pruned.Disk = &document.PruneDisk{Bytes: p.Disk.Size, Used: p.Disk.Used, Limit: p.Disk.Limit, Over: over}
		return limits, disk, nil
	}
	return limits, nil, nil
}

// count adds up what the clips of a user take.
func (p *Pruner) count(ctx context.Context, s Subject) (t tally, err error) {
	t.bins = map[bin]int64{}
	for day, err := range p.days(ctx, s) {
		if err != nil {
			return t, err
		}
		for i, v := range judge(day, s.Retention, p.Now, p.Backup, true) {
			switch {
			case v.rule != "":
				t.freed += day[i].Size
				continue
			case v.hold == "":
				t.bins[bin{day[i].Worth(), day[i].Day}] += day[i].Size
			}
			t.left += day[i].Size
		}
	}
	return t, nil
}

// days yields the clips of a user, a local day at a time, the oldest first; with rows also the laughs without one.
func (p *Pruner) days(ctx context.Context, s Subject) iter.Seq2[[]clip, error] {
	return func(yield func([]clip, error) bool) {
		var day []clip
		filter := orchestrator.LaughFilter{UserIDs: []int64{s.ID}, WithClip: !s.Rows}
		for laugh, err := range p.Store.Laughs(ctx, filter) {
			if err != nil {
				yield(nil, err)
				return
			}
			if len(day) > 0 && day[0].Day != laugh.Day {
				if !yield(day, nil) {
					return
				}
				day = day[:0]
			}
			c := clip{StoredLaugh: laugh}
			if laugh.Clip != "" {
				c.ClipInfo, c.unknown = Stat(ctx, p.Clips, laugh.Clip)
				if errors.Is(c.unknown, orchestrator.ErrNotFound) {
					c.unknown = nil // there is nothing to keep
				}
			}
			day = append(day, c)
		}
		if len(day) > 0 {
			yield(day, nil)
		}
	}
}

// Stat looks at a clip.
func Stat(ctx context.Context, clips orchestrator.Clips, key string) (orchestrator.ClipInfo, error) {
	if quick, ok := clips.(interface {
		Stat(ctx context.Context, key string) (orchestrator.ClipInfo, error)
	}); ok {
		return quick.Stat(ctx, key)
	}
	opened, info, err := clips.Open(ctx, key)
	if err != nil {
		return info, err
	}
	return info, opened.Close()
}

// user deletes the clips of a user that a rule takes.
func (p *Pruner) user(ctx context.Context, s Subject, limits []*limit, pruned *document.PruneUser) error {
	var going []clip
	rules := map[string]orchestrator.RetentionRule{}
	flush := func() error {
		err := p.drop(ctx, s, going, rules, pruned)
		going = going[:0]
		clear(rules)
		return err
	}
	for day, err := range p.days(ctx, s) {
		if err != nil {
			return err
		}
		verdicts := judge(day, s.Retention, p.Now, p.Backup, s.Bytes > 0 || p.Disk != nil)
		for _, i := range byScore(day) {
			c, v := day[i], verdicts[i]
			for _, limit := range limits {
				if v == (verdict{}) && limit.takes(bin{c.Worth(), c.Day}, c.Size) {
					v.rule = limit.rule
				}
			}
			pruned.Clips.Scanned++
			pruned.Clips.Bytes += c.Size
			if v.rule == "" {
				keep(&pruned.Clips, v.hold)
				complain(&pruned.Clips, c.unknown)
				continue
			}
			going = append(going, c)
			if rules[c.ID] = v.rule; len(going) == batch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// byScore are the places of a day's clips, the lowest score first.
func byScore(day []clip) []int {
	order := make([]int, len(day))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case day[a].Score < day[b].Score:
			return -1
		case day[a].Score > day[b].Score:
			return 1
		}
		return 0
	})
	return order
}

// drop deletes clips, their rows first, and counts what became of each.
func (p *Pruner) drop(ctx context.Context, s Subject, going []clip, rules map[string]orchestrator.RetentionRule, pruned *document.PruneUser) error {
	if len(going) == 0 {
		return nil
	}
	ids := make([]string, len(going))
	sizes := map[string]int64{}
	for i, c := range going {
		ids[i], sizes[c.Clip] = c.ID, c.Size
	}
	gone := map[string]bool{}
	orphans := make([]string, 0, len(sizes))
	if p.DryRun {
		for key := range sizes {
			orphans = append(orphans, key)
		}
		for _, id := range ids {
			gone[id] = true
		}
	} else {
		dropped, err := p.Store.DropClips(ctx, s.ID, ids, s.Rows, p.Now)
		if err != nil {
			return err
		}
		orphans = dropped.Orphans
		for _, id := range dropped.IDs {
			gone[id] = true
		}
	}
	for _, c := range going {
		if !gone[c.ID] { // somebody starred it a moment ago
			keep(&pruned.Clips, orchestrator.HoldWithin)
			continue
		}
		pruned.Clips.Deleted++
		pruned.Clips.ByRule[string(rules[c.ID])]++
		if s.Rows {
			pruned.Laughs++
		}
	}
	for _, key := range orphans {
		if key != "" && !p.DryRun {
			if err := p.Clips.Delete(context.WithoutCancel(ctx), key); err != nil { // a later sweep finds it
				complain(&pruned.Clips, err)
				continue
			}
		}
		pruned.Clips.Freed += sizes[key]
	}
	return context.Cause(ctx)
}

func newPart() document.PrunePart {
	return document.PrunePart{ByRule: map[string]int{}, Kept: map[string]int{}, Errors: []string{}}
}

func keep(part *document.PrunePart, hold orchestrator.RetentionHold) {
	if hold == "" {
		hold = orchestrator.HoldWithin
	}
	part.Kept[string(hold)]++
}

func complain(part *document.PrunePart, err error) {
	if err != nil && len(part.Errors) < mostErrors {
		part.Errors = append(part.Errors, err.Error())
	}
}

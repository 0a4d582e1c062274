package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// RepairClips mends FLAC clips that browsers stop playing after a second, in place and without loss: see audio.RepairFLAC. Each is
// replaced as a whole or not at all, so that it may be interrupted and started again: what is mended is only looked at. With dryRun
// it only counts. A clip that is damaged is named and left alone. progress, unless nil, is told after every clip. A *LockedError
// while a run is under way.
func (s *Service) RepairClips(ctx context.Context, dryRun bool, progress func(document.ClipRepair)) (done document.ClipRepair, err error) {
	done = document.ClipRepair{DryRun: dryRun, Damaged: []string{}}
	if !dryRun {
		release, err := s.lockShared(ctx)
		if err != nil {
			return done, err
		}
		defer release()
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return done, err
	}
	for key, err := range kept.Keys(ctx, "") {
		if err != nil {
			return done, fmt.Errorf("repair clips: %w", err)
		}
		done.Clips++
		if path.Ext(key) != ".flac" {
			continue
		}
		done.FLAC++
		switch changed, err := s.repairClip(ctx, kept, key, dryRun); {
		case errors.Is(err, orchestrator.ErrBadRecording):
			if done.DamagedClips++; len(done.Damaged) < mostMissing {
				done.Damaged = append(done.Damaged, key)
			}
		case errors.Is(err, orchestrator.ErrNotFound): // forgotten meanwhile
		case err != nil:
			return done, fmt.Errorf("repair clip %s: %w; start again: it goes on where it was", key, err)
		case changed:
			done.Repaired++
		}
		if progress != nil {
			progress(done)
		}
	}
	return done, nil
}

// repairClip reports whether a clip was mended, or would be.
func (s *Service) repairClip(ctx context.Context, kept orchestrator.Clips, key string, dryRun bool) (changed bool, err error) {
	clip, info, err := kept.Open(ctx, key)
	if err != nil {
		return false, err
	}
	defer clip.Close()
	start := make([]byte, min(info.Size, audio.FLACStart))
	if _, err := io.ReadFull(clip, start); err != nil {
		return false, err
	}
	if !audio.FLACNeedsRepair(start) || dryRun {
		return audio.FLACNeedsRepair(start), nil
	}
	if _, err := clip.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	data, err := io.ReadAll(io.LimitReader(clip, maxClip))
	if err != nil {
		return false, err
	}
	repaired, changed, err := audio.RepairFLAC(data)
	if err != nil || !changed {
		return false, err
	}
	return true, kept.Put(ctx, key, repaired)
}

// mostClips and clipsTime bound how many clips doctor looks at, and for how long.
const mostClips, clipsTime = 20_000, 5 * time.Second

// checkClips looks for clips that browsers do not play to their end.
func (d *doctor) checkClips(ctx context.Context) {
	const check = "clips in browsers"
	kept, err := d.Clips(ctx)
	if kind, _, kindErr := d.clipKind(); err != nil || kindErr != nil || !kind.local {
		return // told before, or each look costs a call
	}
	ctx, cancel := context.WithTimeout(ctx, clipsTime)
	defer cancel()
	looked, found := 0, 0
	for key, err := range kept.Keys(ctx, "") {
		if err != nil || looked == mostClips {
			break
		}
		if path.Ext(key) != ".flac" {
			continue
		}
		looked++
		if old, err := d.repairClip(ctx, kept, key, true); err == nil && old {
			found++
		}
	}
	if found > 0 {
		d.warn(check, fmt.Sprintf("%d of %d FLAC clips stop after a second in Chromium, and do not play on iPhones: an older version wrote them", found, looked),
			"orchestrator clips repair mends them in place, without loss")
		return
	}
	d.ok(check, "%d FLAC clips looked at, all play to their end", looked)
}

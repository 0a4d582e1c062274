package orchestrator

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// Code names a kind of problem. The domain and its adapters report problems by a code and facts; what a person can do
// about one is said by each face in its own words (package advice). Codes are stored: they are added, never changed.
type Code string

// The codes. What stands in brackets are the facts that come with one.
const (
	CodeOther                 Code = "other"
	CodeNoUsers               Code = "no_users"               // there are none yet
	CodeNoRuns                Code = "no_runs"                // there was none yet
	CodeUnknownRun            Code = "unknown_run"            //
	CodeDayNotOver            Code = "day_not_over"           // or has not come
	CodeNoSecretKeyFile       Code = "no_secret_key_file"     // the file of a new key is empty
	CodeUnknownModel          Code = "unknown_model"          // neither a name nor a program
	CodeNothingHeard          Code = "nothing_heard"          // no model has read anything yet
	CodeNoForeignDatabase     Code = "no_foreign_database"    // to import from
	CodeNoForeignClips        Code = "no_foreign_clips"       // nor the folder of its clips
	CodeFolderUnwritable      Code = "folder_unwritable"      // [setting]
	CodeForeignFolder         Code = "foreign_folder"         // of another user, and this is root [user]
	CodeOtherService          Code = "other_service"          // is installed, which this user cannot read [user]
	CodeOtherDemo             Code = "other_demo"             // lies in the folder
	CodeStoreUnavailable      Code = "store_unavailable"      // the database cannot be reached
	CodeStoreBroken           Code = "store_broken"           // nor used until a person acts [do]
	CodeStoreNetworked        Code = "store_networked"        // it lies on a network filesystem
	CodeStoreNotEmpty         Code = "store_not_empty"        // to restore into
	CodeLocked                Code = "locked"                 // by another orchestrator
	CodeGap                   Code = "gap"                    // a span could not be had
	CodeModelOverLimit        Code = "model_over_limit"       // killed for taking more memory than its limit
	CodeModelOutOfMemory      Code = "model_out_of_memory"    // killed by the kernel
	CodeModelKilled           Code = "model_killed"           // by somebody
	CodeModelStart            Code = "model_start"            // it did not start
	CodeModelMissing          Code = "model_missing"          // there is no such program
	CodeModelBroken           Code = "model_broken"           // it crashed, or broke its contract
	CodeSource                Code = "source_unreadable"      //
	CodeFolderForbidden       Code = "folder_forbidden"       // this user may not read the folder of a source [path]
	CodeFolderMissing         Code = "folder_missing"         // [path]
	CodeFolderUnreadable      Code = "folder_unreadable"      // [path]
	CodeRecording             Code = "recording_bad"          // it cannot be decoded
	CodeRecordingDamaged      Code = "recording_damaged"      // it lacks some of its sound
	CodeRecordingForbidden    Code = "recording_forbidden"    // this user may not read it
	CodeRecordingVanished     Code = "recording_vanished"     // after it was listed
	CodeRecordingChanged      Code = "recording_changed"      // while it was read
	CodeRecordingCutOut       Code = "recording_cut_out"      // its pauses were cut out, so that its times are wrong
	CodeRecordingInFuture     Code = "recording_in_future"    // its start is
	CodeRecordingTimeUnset    Code = "recording_time_unset"   // it was modified before there were recorders
	CodeRecordingNoFile       Code = "recording_no_file"      // but something else
	CodeLinkBroken            Code = "link_broken"            // a symbolic link leads nowhere
	CodeLinkOutside           Code = "link_outside"           // or out of the folder
	CodeGivenUp               Code = "given_up"               // after MaxAttempts
	CodeUser                  Code = "user_invalid"           // the user's own settings
	CodeClips                 Code = "clips_unwritable"       //
	CodeNoRoom                Code = "clips_no_room"          // for them: laughs have none [user, date]
	CodeAPIKeyMissing         Code = "api_key_missing"        // [user]
	CodeAPIKeyRefused         Code = "api_key_refused"        //
	CodeAPIEnded              Code = "api_ended"              //
	CodeAPIHeld               Code = "api_held"               // the API refuses all calls [until]
	CodeDownloads             Code = "downloads_unwritable"   //
	CodeSecretKeyMissing      Code = "secret_key_missing"     //
	CodeSecretKeyWrong        Code = "secret_key_wrong"       //
	CodeNotCleared            Code = "not_cleared"            // files still hold what deleted rows were [user]
	CodeBackupUnauthenticated Code = "backup_unauthenticated" // this secret key did not write it
	CodeFFmpegMissing         Code = "ffmpeg_missing"         //
	CodeFFmpegBroken          Code = "ffmpeg_broken"          // it does not start
	CodeRcloneMissing         Code = "rclone_missing"         //
)

// Facts of a problem, by name.
type Facts map[string]string

// Problem is an error with its code.
type Problem struct { //nolint:errname // a problem is stored and shown; that it can be returned as an error is the lesser part
	Code  Code
	Facts Facts
	Err   error
}

// Error says what is wrong, and not what to do about it.
func (p *Problem) Error() string { return p.Err.Error() }

// Unwrap returns what is wrong.
func (p *Problem) Unwrap() error { return p.Err }

// Problem returns the code and the facts. Other errors that know their code have such a method, too.
func (p *Problem) Problem() (Code, Facts) { return p.Code, p.Facts }

// WithCode gives an error a code, and facts as pairs of name and value. It goes before what is true of errors of its kind.
func WithCode(err error, code Code, facts ...string) error {
	p := &Problem{Code: code, Err: err}
	for i := 0; i+1 < len(facts); i += 2 {
		if p.Facts == nil {
			p.Facts = Facts{}
		}
		p.Facts[facts[i]] = facts[i+1]
	}
	return p
}

// Unreadable makes an ErrBadRecording of an error of the file system about one, with its code where there is one.
func Unreadable(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return WithCode(fmt.Errorf("%w: %w", ErrBadRecording, err), CodeRecordingForbidden)
	case errors.Is(err, fs.ErrNotExist):
		return WithCode(fmt.Errorf("%w: %w; it vanished after it was listed", ErrBadRecording, err), CodeRecordingVanished)
	}
	return fmt.Errorf("%w: %w", ErrBadRecording, err)
}

// CodeOf returns the code and the facts of an error that came up at a stage of a day; "" where it came up elsewhere.
func CodeOf(stage string, err error) (Code, Facts) {
	knows := interface{ Problem() (Code, Facts) }(nil)
	exit, span := (*ExitError)(nil), (*SpanError)(nil)
	switch {
	case errors.As(err, &knows):
		return knows.Problem()
	case errors.Is(err, ErrStoreUnavailable):
		return CodeStoreUnavailable, nil
	case errors.Is(err, ErrLocked):
		return CodeLocked, nil
	case errors.As(err, &span):
		return CodeGap, nil
	case errors.As(err, &exit) && exit.Exit.OverLimit > 0:
		return CodeModelOverLimit, Facts{"limit_bytes": strconv.FormatInt(exit.Exit.OverLimit, 10)}
	case errors.As(err, &exit) && exit.Exit.OutOfMemory:
		return CodeModelOutOfMemory, nil
	case errors.As(err, &exit) && exit.Exit.Killed:
		return CodeModelKilled, nil
	case errors.Is(err, ErrModelStart):
		return CodeModelStart, nil
	case errors.As(err, &exit), errors.Is(err, ErrBadPlugin):
		return CodeModelBroken, nil
	case stage == StageSource, stage == StageHash:
		return CodeSource, nil
	case errors.Is(err, ErrBadRecording):
		return CodeRecording, nil
	case stage == StageUser:
		return CodeUser, nil
	case stage == StageClip:
		return CodeClips, nil
	}
	return CodeOther, nil
}

// Until is the fact of a problem that ends by itself.
func Until(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// runError describes an error that came up at a stage of a day.
func runError(stage, recording string, err error) RunError {
	code, facts := CodeOf(stage, err)
	return RunError{Stage: stage, Recording: recording, Message: err.Error(), Code: code, Facts: facts}
}

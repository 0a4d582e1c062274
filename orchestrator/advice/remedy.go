package advice

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Face is who speaks: a terminal names commands and settings, a page what can be done on it.
type Face int

// The faces.
const (
	Terminal Face = iota
	Page
)

// remedy is what to do about a problem, in the words of each face. Words in braces are facts.
type remedy struct {
	terminal string
	// page is empty where it is the terminal's.
	page string
}

// Whoever runs the program, as a page calls them.
const operator = "ask whoever runs this service to "

var remedies = map[orchestrator.Code]remedy{
	orchestrator.CodeOther:             {"see the message; orchestrator doctor checks what a run needs", operator + "look at the message"},
	orchestrator.CodeNoUsers:           {"add one with orchestrator user add NAME --timezone ZONE --source folder:PATH", "add one"},
	orchestrator.CodeNoRuns:            {"start one with orchestrator run", "the first one is tonight's"},
	orchestrator.CodeUnknownRun:        {"see orchestrator runs list", "see the list of runs"},
	orchestrator.CodeDayNotOver:        {terminal: "to read it all the same, name it with --to, too"},
	orchestrator.CodeNoSecretKeyFile:   {terminal: "make a key with: orchestrator key new FILE"},
	orchestrator.CodeUnknownModel:      {"see orchestrator models list", operator + "name a model that is there"},
	orchestrator.CodeNothingHeard:      {terminal: "see orchestrator run --help"},
	orchestrator.CodeNoForeignDatabase: {terminal: "name it with --database-url or CHORTLE_GIGGLES_DATABASE_URL"},
	orchestrator.CodeNoForeignClips:    {terminal: "name the folder with --clips"},
	orchestrator.CodeFolderUnwritable:  {"let this user write there, or set {setting}", operator + "let the service write there"},
	orchestrator.CodeForeignFolder:     {"run it as that user: sudo -u {user} orchestrator …", operator + "look at the message"},
	orchestrator.CodeOtherService: {terminal: "to reach it: sudo -u {user} orchestrator …, or its page; for a database of your own, " +
		"name a folder with --data-dir or CHORTLE_DATA_DIR", page: operator + "look at the message"},
	orchestrator.CodeOtherDemo:        {terminal: "remove it, or name another --dir"},
	orchestrator.CodeStoreUnavailable: {"bring the database back: the next run resumes", operator + "bring the database back: the next run resumes"},
	orchestrator.CodeStoreBroken:      {terminal: "{do}"},
	orchestrator.CodeStoreNetworked: {"put the database on a disk of this machine (CHORTLE_DATABASE_URL=sqlite:PATH), or use Postgres; recordings, clips and backups may stay there",
		operator + "put the database on a disk of its own machine"},
	orchestrator.CodeStoreNotEmpty: {"restore into an empty database, or say --replace", operator + "restore into an empty database"},
	orchestrator.CodeLocked:        {terminal: "wait until the other run has ended"},
	orchestrator.CodeGap: {"no action needed: the next run asks again; orchestrator status shows the gaps that are open",
		"no action needed: the next run asks again"},
	orchestrator.CodeModelOverLimit: {"raise CHORTLE_MODEL_MEMORY_LIMIT, or set CHORTLE_MODEL_THREADS=1", operator + "raise the memory limit of the model"},
	orchestrator.CodeModelOutOfMemory: {"give the machine swap or more memory, or set CHORTLE_MODEL_THREADS=1",
		operator + "give the machine swap or more memory"},
	orchestrator.CodeModelKilled: {terminal: "find out who ended the model; the next run tries again"},
	orchestrator.CodeModelStart:  {"orchestrator doctor starts a model and says what it lacks", operator + "check the model"},
	orchestrator.CodeModelMissing: {"put inferd beside this program or into PATH, or name a model with --model or CHORTLE_MODEL",
		operator + "install the model"},
	orchestrator.CodeModelBroken: {terminal: "no action needed at first: it is tried in three runs; then look at what the model wrote to the log"},
	orchestrator.CodeSource: {"see whether the source is there and may be read: orchestrator doctor",
		"see whether the source is there, and whether this service may read it"},
	orchestrator.CodeFolderForbidden: {"let this user read it, or name another folder: orchestrator user set NAME --source folder:PATH",
		"let the service read it, or name another folder in the settings"},
	orchestrator.CodeFolderMissing: {"is its disk mounted? If the folder moved: orchestrator user set NAME --source folder:PATH",
		"is its disk mounted? If the folder moved, change it in the settings"},
	orchestrator.CodeFolderUnreadable: {"name another folder: orchestrator user set NAME --source folder:PATH", "name another folder in the settings"},
	orchestrator.CodeRecording: {"play it: if it is whole, repair it and run again with --reprocess; it is given up after three runs",
		"play it: if it is whole, repair it; it is given up after three nights"},
	orchestrator.CodeRecordingDamaged: {"no action needed: the readable part was processed; if you have an undamaged copy, replace the file and run with --reprocess",
		"no action needed: the readable part was processed"},
	orchestrator.CodeRecordingForbidden: {"let this user read it", "let the service read it"},
	orchestrator.CodeRecordingVanished:  {terminal: "put it back, unless it was taken away on purpose"},
	orchestrator.CodeRecordingChanged:   {terminal: "no action needed: it is tried again in the next run"},
	orchestrator.CodeRecordingCutOut: {"expand it with AudioMoth's Configuration App (File > Expand AudioMoth T.WAV Files), and put the result in its place",
		"expand it with AudioMoth's Configuration App (File > Expand AudioMoth T.WAV Files), and put the result in its place"},
	orchestrator.CodeRecordingInFuture:  {terminal: "set the recorder's clock, and rename the file after the time at which it was recorded"},
	orchestrator.CodeRecordingTimeUnset: {terminal: "set the recorder's clock, and rename the file after the time at which it was recorded"},
	orchestrator.CodeRecordingNoFile:    {terminal: "move it away"},
	orchestrator.CodeLinkBroken:         {terminal: "remove it"},
	orchestrator.CodeLinkOutside:        {terminal: "move what it leads to into the folder"},
	orchestrator.CodeGivenUp:            {"orchestrator run --user {user} --date {date} --reprocess", "process the day again"},
	orchestrator.CodeUser:               {"correct it with orchestrator user set", "correct it in the settings"},
	orchestrator.CodeClips: {"see whether the clip folder may be written and has room: orchestrator doctor",
		operator + "make room for clips"},
	orchestrator.CodeNoRoom: {"free some space, then cut them: orchestrator run --user {user} --date {date} --reprocess; rules can do it for you: orchestrator prune --help",
		operator + "make room for clips, then process the day again"},
	orchestrator.CodeAPIKeyMissing: {"give one with: orchestrator user set {user} --api-key-file FILE", "enter the API key in the settings"},
	orchestrator.CodeAPIKeyRefused: {"give a valid key: orchestrator user set NAME --api-key-file FILE; what is missing is read then",
		"enter a valid API key in the settings; what is missing is read then"},
	orchestrator.CodeAPIEnded: {"if it stays so, read what was archived in its place: orchestrator user set NAME --source folder:ARCHIVE; " +
		"or leave the user out of runs: orchestrator user set NAME --enabled=false", operator + "read what was archived in its place"},
	orchestrator.CodeAPIHeld:   {terminal: "no action needed: a run after {until} asks again"},
	orchestrator.CodeDownloads: {"free some space there, or set CHORTLE_DATA_DIR", operator + "free some space"},
	orchestrator.CodeSecretKeyMissing: {"set CHORTLE_SECRET_KEY or CHORTLE_SECRET_KEY_FILE to 64 hexadecimal digits (openssl rand -hex 32)",
		operator + "set a secret key"},
	orchestrator.CodeSecretKeyWrong: {"set CHORTLE_SECRET_KEY to the key that it was stored with", operator + "set the secret key that it was stored with"},
	orchestrator.CodeNotCleared:     {"end what reads the database; the next run clears it, or: orchestrator user purge {user} --yes", "the next run clears it"},
	orchestrator.CodeBackupUnauthenticated: {"set CHORTLE_SECRET_KEY to the key that it was written with; only if you know where it has been: --unauthenticated",
		operator + "restore one that was written with the secret key"},
	orchestrator.CodeFFmpegMissing: {"install ffmpeg, run orchestrator setup, or set CHORTLE_FFMPEG", operator + "install ffmpeg"},
	orchestrator.CodeFFmpegBroken:  {"check CHORTLE_FFMPEG", operator + "check ffmpeg"},
	orchestrator.CodeRcloneMissing: {"install rclone, or set CHORTLE_RCLONE", operator + "install rclone"},
}

// Remedy says what a person can do about a problem of a code; empty where that is not known.
func Remedy(face Face, code orchestrator.Code, facts orchestrator.Facts) string {
	words := remedies[code].terminal
	if face == Page {
		words = cmp.Or(remedies[code].page, words)
	}
	for name, value := range facts {
		words = strings.ReplaceAll(words, "{"+name+"}", value)
	}
	return words
}

// OfError says what a person can do about an error that knows its code, and was not said in it already; else it is
// empty.
func OfError(face Face, err error) string {
	knows := interface {
		Problem() (orchestrator.Code, orchestrator.Facts)
	}(nil)
	if !errors.As(err, &knows) {
		return ""
	}
	code, facts := knows.Problem()
	words := Remedy(face, code, facts)
	if strings.Contains(err.Error(), words) {
		return ""
	}
	return words
}

// OfRunError says what a person can do about something that went wrong in a run: by its code, or what was written with
// rows that are older than codes.
func OfRunError(face Face, e orchestrator.RunError) string {
	if e.Code == "" {
		return e.Remedy
	}
	return Remedy(face, e.Code, e.Facts)
}

// alertRemedies say what to do about alerts that have no code of their own.
var alertRemedies = map[string]remedy{
	orchestrator.AlertRunFailed:   {"look at `orchestrator doctor`", operator + "look at the log"},
	orchestrator.AlertMemoryAfter: {"restart what keeps the orchestrator alive, and report it to the developers", operator + "restart it, and to report it to the developers"},
	orchestrator.AlertMemoryPeak:  {"set CHORTLE_MODEL_THREADS=1, or raise the limit", operator + "raise the limit"},
	orchestrator.AlertFailedCalls: {"nothing is lost: what failed is asked for again; look at `orchestrator runs show --last`", "nothing is lost: what failed is asked for again"},
	orchestrator.AlertNoAudio:     {terminal: "is the recorder on, and does it sync?"},
	orchestrator.AlertNoLaughs:    {terminal: "is the recorder covered, or the threshold too high?"},
	orchestrator.AlertOldGap:      {"look at `orchestrator status`", "look at the day"},
	orchestrator.AlertUserFailed:  {"look at `orchestrator doctor`", operator + "look at the log"},
	orchestrator.AlertDiskLow:     {"free some space, or have clips deleted by rules: orchestrator prune --help", operator + "free some space"},
	orchestrator.AlertNoBackup:    {"make one, and see what is wrong: orchestrator backup", operator + "look at the backups"},
	orchestrator.AlertRunStuck: {"look at that process; if it does nothing any more, end it: kill PID, then orchestrator run",
		operator + "look at the process that holds the lock"},
	orchestrator.AlertClock: {"set the clock (timedatectl); the alert goes when that time has passed, or with: orchestrator runs list",
		operator + "set the clock"},
	orchestrator.AlertUnfinished: {"look for out-of-memory in the kernel's log (journalctl -k) and at the database; the next run resumes",
		operator + "look for out-of-memory in the kernel's log and at the database; the next run resumes"},
	orchestrator.AlertDigest: {"a letter that was refused is tried again in the next run; try it now with `orchestrator notify test --user NAME`", operator + "look at the address"},
	orchestrator.AlertBroker: {"nothing else is affected, and the next run tries again; look at CHORTLE_MQTT_URL and at the broker's log", operator + "look at the broker"},
}

// OfAlert says what a person can do about an alert.
func OfAlert(face Face, a orchestrator.Alert) string {
	if a.Kind == orchestrator.AlertNoGoodRun {
		switch {
		case face == Page:
			return operator + "look at the log of the runs"
		case a.User != "":
			return "look at `orchestrator runs list`, then at those in which the user failed"
		}
		return "look at `orchestrator runs list`, then at the crontab or timer"
	}
	own := alertRemedies[a.Kind].terminal
	if face == Page {
		own = cmp.Or(alertRemedies[a.Kind].page, own)
	}
	return cmp.Or(Remedy(face, a.Code, a.Facts), a.Remedy, own)
}

// OfGivenUp says how a recording of a user that was given up is tried again.
func OfGivenUp(face Face, user orchestrator.User, lost orchestrator.GivenUp) string {
	location, err := user.Location()
	if err != nil {
		location = time.UTC
	}
	return Remedy(face, orchestrator.CodeGivenUp, orchestrator.Facts{"user": user.Name, "date": orchestrator.DateOf(lost.Start.In(location)).String()})
}

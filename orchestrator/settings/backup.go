package settings

import (
	"fmt"
	"strings"
	"time"
)

// Backup says where runs back up by themselves, and for how long backups are kept.
type Backup struct {
	// To is "folder:PATH" or "rclone:REMOTE:PATH"; empty means nowhere.
	To string
	// Every is how old the last good backup must be before a run makes another.
	Every time.Duration
	// Days and Weeks are how many of them keep their last backup; with 0 of both all are kept.
	Days, Weeks int
	// BeforeMigrations is how many copies are kept of databases before their schema changed; 0: none is made.
	BeforeMigrations int
	// Rclone is a path; empty where there is none. RcloneEnv are the variables that it gets.
	Rclone    string
	RcloneEnv []string
}

// backupTable holds the settings of backups.
var backupTable = []Definition{
	{Name: "CHORTLE_BACKUP_TO", Help: "where a run backs up to by itself: folder:PATH or rclone:REMOTE:PATH; empty: nowhere",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if s.Config.Backup.To = ""; v == "" {
				return nil
			}
			if remote, ok := strings.CutPrefix(v, "rclone:"); ok {
				if name, _, ok := strings.Cut(remote, ":"); !ok || name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(remote, ",=") {
					return fmt.Errorf("%q is no remote; want rclone:REMOTE:PATH, with a remote that rclone config has made", Mask(v))
				}
				s.Config.Backup.To = v
				return nil
			}
			return s.address(v, &s.Config.Backup.To, "folder", "rclone")
		}},
	{Name: "CHORTLE_BACKUP_EVERY", Help: "how old the last good backup must be before a run makes another, such as 20h or 6d",
		fallback: fixed("20h"),
		set:      func(s *Settings, v string) error { return longDuration(v, &s.Config.Backup.Every) }},
	{Name: "CHORTLE_BACKUP_KEEP_DAYS", Help: "days of which the last automatic backup is kept; with 0 here and for the weeks, all are",
		fallback: fixed("7"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Backup.Days, 0, mostDays) }},
	{Name: "CHORTLE_BACKUP_KEEP_WEEKS", Help: "weeks of which the last automatic backup is kept",
		fallback: fixed("4"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Backup.Weeks, 0, mostDays) }},
	{Name: "CHORTLE_MIGRATION_BACKUPS", Help: "copies of the database that are kept in the data folder from before an upgrade changed its schema; 0: none is made",
		fallback: fixed("2"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.Backup.BeforeMigrations, 0, 100) }},
	{Name: "CHORTLE_RCLONE", Help: "rclone, for backups to a remote",
		fallback: func(s *Settings) string { return s.program("rclone", "") },
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.Backup.Rclone) }},
	{Name: "CHORTLE_ALERT_LAST_BACKUP", Help: "alert when the last good backup is longer ago, where CHORTLE_BACKUP_TO is set, such as 3d; 0: never",
		fallback: fixed("3d"),
		set:      func(s *Settings, v string) error { return longDuration(v, &s.Config.Alerts.LastBackup) }},
}

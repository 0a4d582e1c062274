// Package rclone keeps backups at a remote that rclone knows, by its command.
package rclone

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// patience bounds one call: rclone itself gives up a connection that says nothing after five minutes.
const patience = 6 * time.Hour

// Remote is a folder of a remote. Its fields must be set. Safe for concurrent use.
type Remote struct {
	// Program is a path.
	Program string
	// Address is REMOTE:PATH, as rclone takes it.
	Address string
	// Env are the variables that rclone gets.
	Env []string
}

// Put copies a file there under a name, reads it back, and compares the two.
func (r *Remote) Put(ctx context.Context, file, name string) error {
	want, err := sumOf(file)
	if err != nil {
		return fmt.Errorf("copy backup: %w", err)
	}
	if err := r.run(ctx, nil, "copyto", "--", file, r.path(name)); err != nil {
		return fmt.Errorf("copy backup to %s: %w", r.Address, err)
	}
	hash := sha256.New()
	if err := r.run(ctx, hash, "cat", "--", r.path(name)); err != nil {
		return fmt.Errorf("read back backup from %s: %w", r.Address, err)
	}
	if got := [sha256.Size]byte(hash.Sum(nil)); got != want {
		return fmt.Errorf("read back backup from %s: %s is not what was copied", r.Address, name)
	}
	return nil
}

// Names lists the files of the folder; a folder that is not there yet has none.
func (r *Remote) Names(ctx context.Context) ([]string, error) {
	var out bytes.Buffer
	err := r.run(ctx, &out, "lsf", "--", r.Address)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == noFolder {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups at %s: %w", r.Address, err)
	}
	names := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "/") }), nil // folders
}

// noFolder is rclone's exit code for a folder that is not there.
const noFolder = 3

// Delete removes a file.
func (r *Remote) Delete(ctx context.Context, name string) error {
	if err := r.run(ctx, nil, "deletefile", "--", r.path(name)); err != nil {
		return fmt.Errorf("delete backup at %s: %w", r.Address, err)
	}
	return nil
}

func (r *Remote) path(name string) string {
	if strings.HasSuffix(r.Address, ":") || strings.HasSuffix(r.Address, "/") {
		return r.Address + name
	}
	return r.Address + "/" + name
}

// run calls rclone. It dies with its group when ctx ends, and asks nobody for a password.
func (r *Remote) run(ctx context.Context, out io.Writer, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	command := exec.CommandContext(ctx, r.Program, args...)
	command.Env, command.Stdout = append(slices.Clone(r.Env), "RCLONE_ASK_PASSWORD=false", "RCLONE_LOG_LEVEL=ERROR"), out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = time.Second
	var complaint tail
	command.Stderr = &complaint
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("rclone %s: %w: %s", args[0], err, complaint.text())
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

const longestComplaint = 400

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-longestComplaint):]
	return len(p), nil
}

// text is it in one line, without what would move a terminal.
func (t *tail) text() string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, string(t.kept))), " ")
}

func sumOf(path string) (sum [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

// Package flock locks files against other processes with flock(2). The kernel releases a lock when its process
// ends, however it ends, so no lock outlives its holder. A lock belongs to the open file: opening the same path
// twice in one process gives two files that exclude each other.
package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrLocked reports that another open file holds the lock.
var ErrLocked = errors.New("locked by another process")

// TryLock locks a file or folder exclusively, without waiting. Errors: ErrLocked; else the system's, as where a
// file system has no locks.
func TryLock(file *os.File) error { return try(file, syscall.LOCK_EX) }

// TryShare locks a file or folder, without waiting, together with others that share it. Errors: ErrLocked where one
// has it exclusively; else the system's.
func TryShare(file *os.File) error { return try(file, syscall.LOCK_SH) }

func try(file *os.File, how int) error {
	err := ignoringEINTR(func() error { return syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB) })
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return ErrLocked
	case err != nil:
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}

// Wait is TryLock that waits until the file is free or ctx is done.
func Wait(ctx context.Context, file *os.File) error {
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for {
		if err := TryLock(file); !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// between is the time between two looks at a lock that is waited for: flock itself cannot be canceled.
const between = 50 * time.Millisecond

// Close unlocks the file, then closes it. Closing alone is not enough: a child process that is between fork and
// exec has a copy of the descriptor and would hold the lock a moment longer.
func Close(file *os.File) error {
	_ = ignoringEINTR(func() error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) })
	return file.Close()
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

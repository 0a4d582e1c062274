package sqlite

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestNetworkFilesystemsAreRefused: by the number of the filesystem, and for those that a program mounts by the table of
// mounts; a folder that is not there yet is judged by the one above it.
func TestNetworkFilesystemsAreRefused(t *testing.T) {
	t.Parallel()
	const table = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:30 / /mnt/my\040nas rw - fuse.sshfs nas:/ rw
31 22 0:31 / /mnt/card rw - fuseblk /dev/sdb1 rw
32 22 0:32 / /mnt/cloud rw,nosuid shared:5 - fuse.rclone remote: rw
33 32 8:3 / /mnt/cloud/local rw - ext4 /dev/sdc1 rw
`
	for _, c := range []struct {
		dir     string
		magic   uint32
		refused string
	}{
		{"/data", 0xef53, ""}, {"/data", 0x01021994, ""}, {"/data", 0x9123683e, ""},
		{"/data", 0x6969, "NFS"}, {"/data", 0xff534d42, "CIFS"}, {"/data", 0xfe534d42, "SMB"}, {"/data/not/there/yet", 0x6969, "NFS"},
		{"/mnt/my nas/chortle", fuse, "fuse.sshfs"}, {"/mnt/card/chortle", fuse, ""}, {"/mnt/cloud", fuse, "fuse.rclone"}, {"/mnt/cloud/local/x", fuse, ""}, {"/mnt/cloudy", fuse, ""},
	} {
		statfs := func(path string, disk *unix.Statfs_t) error {
			if strings.Contains(path, "not") {
				return &fs.PathError{Op: "statfs", Path: path, Err: unix.ENOENT}
			}
			disk.Type = int64(c.magic)
			return nil
		}
		err := checkPlace(c.dir, statfs, func() ([]byte, error) { return []byte(table), nil })
		if c.refused == "" && err != nil {
			t.Errorf("%s, %#x: %v", c.dir, c.magic, err)
		}
		if code, _ := orchestrator.CodeOf("", err); c.refused != "" && (code != orchestrator.CodeStoreNetworked || !errors.Is(err, orchestrator.ErrStoreUnavailable) || !strings.Contains(err.Error(), "("+c.refused+")")) {
			t.Errorf("%s, %#x: %v", c.dir, c.magic, err)
		}
	}
	if err := checkPlace("/data", func(string, *unix.Statfs_t) error { return unix.ENOSYS }, mountTable); err != nil {
		t.Errorf("what cannot be looked at is not refused: %v", err)
	}
	if err := checkPlace(t.TempDir(), unix.Statfs, mountTable); err != nil {
		t.Errorf("the disk of this test: %v", err)
	}
}

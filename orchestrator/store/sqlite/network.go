package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/chortle-audio/chortle/orchestrator"
)

// networks are the kinds of filesystems of other machines, by the number that statfs has for them: SQLite's locks and its
// shared memory do not hold there, and a database is damaged sooner or later.
var networks = map[uint32]string{
	0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB", 0x5346414f: "AFS", 0x6b414653: "AFS", 0x00c36400: "Ceph",
	0x73757245: "Coda", 0x564c: "NCP", 0x0bd00bd0: "Lustre",
}

// fuse is the number of everything that a program mounts; what it is, the table of mounts says.
const fuse uint32 = 0x65735546

// remoteFuse are the types of mounts by programs that are another machine's.
var remoteFuse = []string{"sshfs", "rclone", "s3fs", "s3ql", "goofys", "gcsfuse", "glusterfs", "davfs", "curlftpfs", "smbnetfs", "cephfs", "ceph-fuse", "juicefs",
	"seaweedfs", "google-drive-ocamlfuse", "onedrive", "nfs"}

// checkPlace refuses a folder that is another machine's. It need not be there yet. statfs and mounts are the system's.
func checkPlace(dir string, statfs func(string, *unix.Statfs_t) error, mounts func() ([]byte, error)) error {
	var disk unix.Statfs_t
	there := dir
	for {
		err := statfs(there, &disk)
		if err == nil {
			break
		}
		above := filepath.Dir(there)
		if !os.IsNotExist(err) || above == there {
			return nil // whoever makes the folder tells what is wrong
		}
		there = above
	}
	kind := networks[uint32(disk.Type)]
	if uint32(disk.Type) == fuse {
		kind = fuseKind(there, mounts)
	}
	if kind == "" {
		return nil
	}
	return orchestrator.WithCode(fmt.Errorf("open database in %s: %w: it lies on a network filesystem (%s), where SQLite's locks do not hold", dir, orchestrator.ErrStoreUnavailable, kind),
		orchestrator.CodeStoreNetworked)
}

// fuseKind is the type of the mount of a folder where that is one of another machine's; else empty, also where it is not
// known.
func fuseKind(dir string, mounts func() ([]byte, error)) (kind string) {
	table, err := mounts()
	if err != nil {
		return ""
	}
	longest := -1
	for line := range strings.Lines(string(table)) {
		// ID PARENT MAJOR:MINOR ROOT POINT OPTIONS … - TYPE SOURCE OPTIONS
		fields, rest, _ := strings.Cut(line, " - ")
		words, behind := strings.Fields(fields), strings.Fields(rest)
		if len(words) < 5 || len(behind) == 0 {
			continue
		}
		point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(words[4])
		if below := dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/"); !below || len(point) < longest {
			continue
		}
		longest, kind = len(point), ""
		for _, remote := range remoteFuse {
			if behind[0] == "fuse."+remote {
				kind = behind[0]
			}
		}
	}
	return kind
}

func mountTable() ([]byte, error) { return os.ReadFile("/proc/self/mountinfo") }

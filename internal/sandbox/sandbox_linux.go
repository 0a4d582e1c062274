package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"
	"slices"
	"sync"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	landlock "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Supported tells what this kernel offers.
var Supported = sync.OnceValue(func() Support {
	version, err := landlock.LandlockGetABIVersion()
	if err != nil {
		version = 0
	}
	return Support{Landlock: version, Seccomp: seccomp.Supported()}
})

// Start starts cmd in the box. release must be called when the process has been waited for: the thread that started
// it lives until then, for the kernel sends the parent-death signal when that *thread* ends. Errors: ErrUnsupported
// in mode Require, and those of cmd.Start.
func Start(cmd *exec.Cmd, box Box) (release func(), err error) {
	if box.Mode == Require && !Supported().Full() {
		return nil, ErrUnsupported
	}
	started := make(chan error)
	ended := make(chan struct{})
	gone := make(chan struct{})
	go onOwnThread(func() {
		defer close(gone)
		if box.Mode != Off {
			if err := confine(box); err != nil {
				started <- fmt.Errorf("confine %s: %w", cmd.Path, err)
				return
			}
		}
		err := cmd.Start()
		started <- err
		if err == nil {
			<-ended
		}
	})
	if err := <-started; err != nil {
		<-gone
		return nil, err
	}
	return sync.OnceFunc(func() { close(ended); <-gone }), nil
}

// onOwnThread calls f on a thread that ends with it, and never on the main one: that cannot end, and the rules on it
// would count for the whole process where the kernel asks for a process's rules.
func onOwnThread(f func()) {
	runtime.LockOSThread() // never unlocked: Go ends the thread with the goroutine, and the rules with it
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	defer runtime.UnlockOSThread() // nothing was done to it
	done := make(chan struct{})
	go func() { // on another thread, as this one is taken
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// confine puts the rules on this thread, for good.
func confine(box Box) error {
	// Without privileges the kernel takes neither rules nor filters from a thread that could still gain some.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	support := Supported()
	if support.Landlock > 0 {
		if err := confineFiles(box, support.Landlock); err != nil {
			return err
		}
	}
	if support.Seccomp {
		return filter(box.Serve)
	}
	return nil
}

// dropCapabilities takes from root what the box is about: such as to look into other processes. What reads other
// users' files stays, for a recording may be one; Landlock says which files. With no_new_privs, exec gives none back.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	const kept = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	data[0] = unix.CapUserData{Effective: data[0].Effective & kept, Permitted: data[0].Permitted & kept}
	data[1] = unix.CapUserData{}
	return unix.Capset(&header, &data[0])
}

const (
	readFile = landlock.AccessFSExecute | landlock.AccessFSReadFile
	read     = readFile | landlock.AccessFSReadDir
	device   = landlock.AccessFSReadFile | landlock.AccessFSWriteFile
	write    = read | landlock.AccessFSWriteFile | landlock.AccessFSRemoveDir | landlock.AccessFSRemoveFile | landlock.AccessFSMakeDir |
		landlock.AccessFSMakeReg | landlock.AccessFSMakeSock | landlock.AccessFSMakeFifo | landlock.AccessFSMakeSym | landlock.AccessFSTruncate
	// onFiles are the rights that a rule on a file, not a folder, may give.
	onFiles = readFile | landlock.AccessFSWriteFile | landlock.AccessFSTruncate | landlock.AccessFSIoctlDev
)

// handled are the rights that a version of Landlock knows; all of them are taken away but where a rule gives them.
func handled(version int) (files, net, scoped uint64) {
	files = landlock.AccessFSMakeSym<<1 - 1
	if version >= 2 {
		files |= landlock.AccessFSRefer
	}
	if version >= 3 {
		files |= landlock.AccessFSTruncate
	}
	if version >= 4 {
		net = landlock.AccessNetBindTCP | landlock.AccessNetConnectTCP
	}
	if version >= 5 {
		files |= landlock.AccessFSIoctlDev
	}
	if version >= 6 {
		scoped = landlock.ScopeAbstractUnixSocket | landlock.ScopeSignal
	}
	return files, net, scoped
}

func confineFiles(box Box, version int) error {
	files, net, scoped := handled(version)
	ruleset, err := landlock.LandlockCreateRuleset(&landlock.RulesetAttr{HandledAccessFS: files, HandledAccessNet: net, Scoped: scoped}, 0)
	if err != nil {
		return fmt.Errorf("create Landlock rules: %w", err)
	}
	defer unix.Close(ruleset)
	for _, group := range []struct {
		paths  []string
		rights uint64
	}{{libraries, read}, {box.Read, read}, {devices, device}, {box.Write, write}} {
		for _, path := range group.paths {
			if err := allowPath(ruleset, path, group.rights&files); err != nil {
				return err
			}
		}
	}
	for _, file := range box.Files {
		if err := allow(ruleset, int(file.Fd()), landlock.AccessFSReadFile); err != nil {
			return fmt.Errorf("allow %s: %w", file.Name(), err)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return fmt.Errorf("enforce Landlock rules: %w", errno)
	}
	return nil
}

func allowPath(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOTDIR) {
			return nil // what is not there, or closed to us, cannot be used either way
		}
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	if err := allow(ruleset, fd, rights); err != nil {
		return fmt.Errorf("allow %s: %w", path, err)
	}
	return nil
}

func allow(ruleset, fd int, rights uint64) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
	case unix.S_IFREG, unix.S_IFCHR, unix.S_IFBLK:
		rights &= onFiles
	default: // a pipe or a socket is no file of a file system: no rule applies to it
		return nil
	}
	return landlock.LandlockAddPathBeneathRule(ruleset, &landlock.PathBeneathAttr{AllowedAccess: rights, ParentFd: fd}, 0)
}

// denied are calls that no decoder and no model needs. All others that this architecture has are allowed; those of
// other architectures, and those that are newer than the filter, are not.
var denied = map[string]bool{
	// the network and other programs' sockets
	"connect": true, "socket": true,
	// other processes
	"ptrace": true, "process_vm_readv": true, "process_vm_writev": true, "process_madvise": true, "kcmp": true, "pidfd_getfd": true, "pidfd_open": true,
	// namespaces and mounts
	"unshare": true, "setns": true, "mount": true, "umount2": true, "umount": true, "pivot_root": true, "chroot": true, "move_mount": true, "open_tree": true,
	"open_tree_attr": true, "fsopen": true, "fsconfig": true, "fsmount": true, "fspick": true, "mount_setattr": true, "name_to_handle_at": true, "open_by_handle_at": true,
	// large surfaces of the kernel
	"bpf": true, "perf_event_open": true, "userfaultfd": true, "io_uring_setup": true, "io_uring_enter": true, "io_uring_register": true,
	"keyctl": true, "add_key": true, "request_key": true, "fanotify_init": true, "fanotify_mark": true, "modify_ldt": true, "uselib": true, "personality": true,
	// the machine
	"init_module": true, "finit_module": true, "delete_module": true, "create_module": true, "kexec_load": true, "kexec_file_load": true, "reboot": true,
	"swapon": true, "swapoff": true, "acct": true, "quotactl": true, "quotactl_fd": true, "syslog": true, "sethostname": true, "setdomainname": true,
	"settimeofday": true, "clock_settime": true, "clock_adjtime": true, "adjtimex": true, "iopl": true, "ioperm": true, "vhangup": true, "lookup_dcookie": true,
	"nfsservctl": true, "ustat": true, "sysfs": true, "_sysctl": true, "mknod": true, "mknodat": true,
	// other users' files and rights
	"setuid": true, "setgid": true, "setreuid": true, "setregid": true, "setresuid": true, "setresgid": true, "setfsuid": true, "setfsgid": true, "setgroups": true,
	"capset": true,
}

// assembled are the filters, made once each.
var assembled = map[bool]func() ([]unix.SockFilter, error){
	false: sync.OnceValues(func() ([]unix.SockFilter, error) { return assemble(false) }),
	true:  sync.OnceValues(func() ([]unix.SockFilter, error) { return assemble(true) }),
}

func assemble(serve bool) ([]unix.SockFilter, error) {
	here, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for name := range here.SyscallNames {
		if !denied[name] {
			group.Names = append(group.Names, name)
		}
	}
	slices.Sort(group.Names)
	if serve {
		group.NamesWithCondtions = []seccomp.NameWithConditions{{Name: "socket",
			Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.Equal, Value: unix.AF_UNIX}}}}
	}
	policy := seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{group}}
	instructions, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(instructions)
	if err != nil {
		return nil, err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return filter, nil
}

// filter puts the filter of system calls on this thread alone: no flag that would reach the others is set.
func filter(serve bool) error {
	program, err := assembled[serve]()
	if err != nil {
		return fmt.Errorf("make system call filter: %w", err)
	}
	if err := setFilter(program); err != nil {
		return fmt.Errorf("enforce system call filter: %w", err)
	}
	return nil
}

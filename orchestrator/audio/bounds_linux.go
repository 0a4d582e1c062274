package audio

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// limit bounds what a decoder may take of the machine: it works on the bytes of strangers. What exceeds it ends the decoder,
// and nobody else; and where memory runs out, the kernel takes it first. A system that refuses is left as it is.
func limit(pid int) {
	for resource, most := range map[int]uint64{unix.RLIMIT_AS: decoderMemory, unix.RLIMIT_CPU: decoderCPU, unix.RLIMIT_CORE: 0} {
		var now unix.Rlimit
		if unix.Prlimit(pid, resource, nil, &now) == nil && now.Max > most {
			_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil)
		}
	}
	const first = "900"
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(first), 0)
}

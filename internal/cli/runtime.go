package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/pflag"
)

// The container runtimes that a person can choose.
const (
	containerdRuntime = "containerd"
	simulatedRuntime  = "simulated"
)

// runtimeOptions are what runs the pods of this machine.
type runtimeOptions struct {
	runtime  string
	endpoint string
	bin      string
}

func (o *runtimeOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.runtime, "runtime", defaultRuntime(), "what runs pods: containerd or simulated")
	flags.StringVar(&o.endpoint, "runtime-endpoint", "", "`address` of a CRI runtime to use instead of an own containerd, as in unix:///run/containerd/containerd.sock")
	flags.StringVar(&o.bin, "runtime-bin", "", "`directory` with containerd, runc and the CNI plugins; by default runtime, beside this program")
}

func defaultRuntime() string {
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		return containerdRuntime
	}
	return simulatedRuntime
}

// check says what is wrong with the choice, on this machine.
func (o *runtimeOptions) check() error {
	switch {
	case !slices.Contains([]string{containerdRuntime, simulatedRuntime}, o.runtime):
		return fmt.Errorf("--runtime %q: want %s or %s", o.runtime, containerdRuntime, simulatedRuntime)
	case o.runtime == simulatedRuntime && o.endpoint != "":
		return errors.New("--runtime-endpoint needs a runtime that runs containers: leave out --runtime simulated")
	case o.runtime == containerdRuntime && runtime.GOOS != "linux":
		return fmt.Errorf("--runtime containerd needs Linux, and this is %s: use --runtime simulated", runtime.GOOS)
	case o.runtime == containerdRuntime && os.Geteuid() != 0:
		return errors.New("--runtime containerd makes namespaces and mounts, which needs root: run as root, or use --runtime simulated")
	default:
		return nil
	}
}

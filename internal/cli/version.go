package cli

import (
	"fmt"
	"runtime"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/internal/cli/upgrade"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/spf13/cobra"
	etcdversion "go.etcd.io/etcd/api/v3/version"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version of this program and of the Kubernetes API that it serves",
		Example: `  orrery version`,
		Args:    cobra.NoArgs,
		Run:     func(c *cobra.Command, _ []string) { c.Print(versionText()) },
	}
}

func versionText() string {
	info := version.Get()
	return fmt.Sprintf("orrery %s %s\nkubernetes %s\n%s %s/%s\n",
		info.Version, info.Commit, apiserver.KubernetesVersion(), info.Go, runtime.GOOS, runtime.GOARCH)
}

// ownProgram is what this program is, with what is in it.
func ownProgram() upgrade.Program {
	return upgrade.Program{
		Version: version.Get().Version, Kubernetes: apiserver.KubernetesVersion(), Etcd: etcdversion.Version, Kubelet: nodeagent.Version,
	}
}

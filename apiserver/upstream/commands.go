package upstream

import (
	"os"
	"os/signal"
	_ "time/tzdata" // CronJobs name time zones, and the machine may know none

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubeconfigs of cloud providers
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/plugin"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	kubeapiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// Commands returns `kube-apiserver`, `etcd` and `kubectl`.
func Commands() []*cobra.Command {
	return []*cobra.Command{
		passThrough("kube-apiserver", "Run Kubernetes' own API server, as it is", "kube-apiserver --help", runAPIServer),
		passThrough("etcd", "Run etcd, as it is", "etcd --data-dir /tmp/etcd", runEtcd),
		passThrough("kubectl", "Run kubectl", "kubectl get pods --all-namespaces", runKubectl),
	}
}

// passThrough makes a command that leaves all of its arguments, --help too, to the program, and the signals as well: whoever
// took them before must not keep a SIGTERM from a program that does nothing about it.
func passThrough(name, short, example string, run func(args []string)) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              short,
		Example:            "  orrery " + example,
		DisableFlagParsing: true,
		Run: func(_ *cobra.Command, args []string) {
			signal.Reset()
			run(args)
		},
	}
}

func runAPIServer(args []string) {
	command := kubeapiserver.NewAPIServerCommand()
	command.SetArgs(args)
	os.Exit(cli.Run(command))
}

func runEtcd(args []string) {
	etcdmain.Main(append([]string{"etcd"}, args...))
}

func runKubectl(args []string) {
	// kubectl looks for its verbosity, and for plugins, in the arguments of the process.
	os.Args = append([]string{"kubectl"}, args...)
	if _, err := logs.GlogSetter(kubectl.GetLogVerbosity(os.Args)); err != nil {
		cmdutil.CheckErr(err)
	}
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	command := kubectl.NewDefaultKubectlCommandWithArgs(kubectl.KubectlOptions{
		PluginHandler: kubectl.NewDefaultPluginHandler(plugin.ValidPluginFilenamePrefixes),
		Arguments:     os.Args,
		ConfigFlags:   genericclioptions.NewConfigFlags(true).WithDeprecatedPasswordFlag().WithDiscoveryBurst(300).WithDiscoveryQPS(50).WithWarningPrinter(streams),
		IOStreams:     streams,
	})
	if err := cli.RunNoErrOutput(command); err != nil {
		cmdutil.CheckErr(err)
	}
}

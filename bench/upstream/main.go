// Command upstream is Kubernetes' own programs in one, as k3s packs them: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler, kubelet and kube-proxy, of the versions that Orrery is built from. The first argument says which one it is;
// the others are that program's.
//
// It is what bench/up compares Orrery with, and a module of its own, so that who imports Orrery does not import all of that.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var commands = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if name == "etcd" {
		etcdmain.Main(os.Args[1:])
		return
	}
	program, ok := commands[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "usage: upstream etcd|%s [FLAGS]\n", strings.Join(slices.Sorted(maps.Keys(commands)), "|"))
		os.Exit(2)
	}
	os.Args = os.Args[1:] // they read them themselves
	os.Exit(cli.Run(program()))
}

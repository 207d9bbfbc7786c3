// The scheduler-plugin command is Orrery's scheduler with a plugin from outside. See its README.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/examples/scheduler-plugin/price"
	"github.com/orrery-dev/orrery/scheduler"
	"github.com/orrery-dev/orrery/scheduler/config"
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "file with the access to the cluster")
	file := flag.String("config", "scheduler.yaml", "file with the KubeSchedulerConfiguration")
	naming := flag.String("naming", string(apis.Kubernetes), "names of the kinds: kubernetes or orrery")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *file, *naming); err != nil {
		fmt.Fprintln(os.Stderr, "scheduler-plugin:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig, file, name string) error {
	naming, err := apis.ParseNaming(name)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, naming); err != nil {
		return err
	}
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the access to the cluster: %w", err)
	}
	configuration, err := config.ReadFile(file)
	if err != nil {
		return err
	}
	s, err := scheduler.New(
		scheduler.Options{Config: access, Scheme: scheme, Configuration: configuration},
		scheduler.WithPlugin(price.Name, price.New),
	)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// Command jobhistory runs the loop over JobHistories in a manager of controller-runtime.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/orrery-dev/orrery/apis"
	housekeepingv1 "github.com/orrery-dev/orrery/examples/jobhistory/api/v1"
	"github.com/orrery-dev/orrery/examples/jobhistory/controller"
	"github.com/orrery-dev/orrery/framework/loop"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	if err := run(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "jobhistory:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	scheme := runtime.NewScheme()
	if err := errors.Join(apis.AddToScheme(scheme, apis.Kubernetes), housekeepingv1.AddToScheme(scheme)); err != nil {
		return fmt.Errorf("building the scheme: %w", err)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster: %w", err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("making a manager: %w", err)
	}
	if err := controller.Loop().AddTo(mgr, loop.Options{}); err != nil {
		return fmt.Errorf("adding the loop: %w", err)
	}
	return mgr.Start(ctx)
}

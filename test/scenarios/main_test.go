package scenarios

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/orrery-dev/orrery/apiserver/upstream"
)

// programVariable makes the test binary behave as upstream's programs, so that the plain API server is a process of its own.
const programVariable = "ORRERY_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		root := &cobra.Command{Use: "orrery"}
		root.AddCommand(upstream.Commands()...)
		if err := root.Execute(); err != nil {
			os.Exit(1)
		}
		return
	}
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
	flag.Parse()
	// Scenarios wait far more than they work.
	if err := flag.Set("test.parallel", "12"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

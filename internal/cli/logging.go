package cli

import (
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// setUpLogging sends what all libraries log to one place: lines of text on the standard error output. Verbosity is klog's:
// 0 is what an operator should see, 10 is everything.
func setUpLogging(verbosity int) {
	handler := slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.Level(-verbosity)})
	log := logr.FromSlogHandler(handler)
	slog.SetDefault(slog.New(handler))
	klog.SetLogger(log)
	ctrl.SetLogger(log)
}

// silence lets libraries say nothing in a command that has an answer to give: what they say while they try is not for a person, and
// one of them prints a stack when it has been told for a while of nowhere to say it. Hosted programs and parts log as they do.
func silence(c *cobra.Command, _ []string) {
	if c.DisableFlagParsing || c.Flags().Lookup("v") != nil {
		return
	}
	klog.SetLogger(logr.Discard())
	ctrl.SetLogger(logr.Discard())
}

// logger is the sink of this package.
func logger() logr.Logger { return ctrl.Log.WithName("orrery") }

package cli

import (
	"log/slog"
	"os"

	"github.com/go-logr/logr"
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

// logger is the sink of this package.
func logger() logr.Logger { return ctrl.Log.WithName("orrery") }

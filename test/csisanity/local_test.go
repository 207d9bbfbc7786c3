package csisanity

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubernetes-csi/csi-test/v5/pkg/sanity"

	"github.com/orrery-dev/orrery/storage/local"
)

// TestLocal runs all that csi-sanity has for what the driver says it can.
func TestLocal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("volumes are mounted, which needs root")
	}
	dir, err := os.MkdirTemp("", "csi") // short: there are sockets in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	driver, err := local.New(local.Options{NodeID: "one", Dir: dir, Version: "v0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() { ended <- driver.Run(ctx, func() { close(ready) }) }()
	<-ready
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	config := sanity.NewTestConfig()
	config.Address = "unix://" + driver.Socket()
	config.TargetPath, config.StagingPath = filepath.Join(dir, "target"), filepath.Join(dir, "staging")
	config.TestVolumeSize, config.TestVolumeExpandSize = 64<<20, 128<<20
	sanity.Test(t, config)
}

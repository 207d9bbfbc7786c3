package volumes

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// TestTheAgentDiesAnywhere ends the agent before and after each call to the driver, and in each change of the disk.
func TestTheAgentDiesAnywhere(t *testing.T) {
	for name, capabilities := range map[string][]csipb.NodeServiceCapability_RPC_Type{"a driver that stages": {staging}, "one that does not": nil} {
		for _, block := range []bool{false, true} {
			mode := map[bool]string{false: ", a file system", true: ", a device"}[block]
			t.Run(name+mode, func(t *testing.T) {
				n := newCSINode(t, capabilities...)
				if block {
					n.claims.volume.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
				}
				t.Run("before a pod has its volume, which it gets then", func(t *testing.T) { n.dies(t, n.mount, n.mount, "1 published") })
				t.Run("before a pod has its volume, and the pod is gone", func(t *testing.T) { n.dies(t, n.mount, n.unmount, "0 staged, 0 published") })
				t.Run("while a pod goes", func(t *testing.T) {
					n.dies(t, func(ctx context.Context, m *Manager, uid string) error {
						return errors.Join(n.mountUnharmed(ctx, uid), n.unmount(ctx, m, uid))
					}, n.unmount, "0 staged, 0 published")
				})
				t.Run("while a pod goes, and another one stays", func(t *testing.T) {
					if err := n.mountUnharmed(t.Context(), "other"); err != nil {
						t.Fatal(err)
					}
					n.dies(t, func(ctx context.Context, m *Manager, uid string) error {
						return errors.Join(n.mountUnharmed(ctx, uid), n.unmount(ctx, m, uid))
					}, n.unmount, "1 published")
				})
			})
		}
	}
}

// dies has an agent die in each of its steps, and the next one do what is left. The driver is to have what is wanted then.
func (n *csiNode) dies(t *testing.T, first, next func(context.Context, *Manager, string) error, want string) {
	t.Helper()
	faults(t, func(t *testing.T, disk *faulty) {
		m := n.start()
		m.disk, n.driver.fault = disk, func() error { return disk.step(nothing) }
		if err := first(t.Context(), m, "one"); (err != nil) != disk.reached() {
			t.Fatalf("it ended with %v", err)
		}
		n.driver.fault = nil
		if err := next(t.Context(), n.start(), "one"); err != nil {
			t.Fatal(err)
		}
		if got := n.driver.has(); !strings.Contains(got, want) || !strings.HasSuffix(got, "wrong: []") {
			t.Errorf("the driver has %s, want %s", got, want)
		}
		if err := n.unmount(t.Context(), n.start(), "one"); err != nil {
			t.Fatal(err)
		}
		_, dir := n.pod("one")
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for _, path := range n.left(t) {
			if !strings.Contains(path, "other") && n.driver.has() == `0 staged, 0 published, wrong: []` {
				t.Errorf("%s is left", path)
			}
		}
	})
}

package volumes

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

// Stats are the figures of a volume of a CSI driver that a pod has, as the driver tells them; nil where it has no such volume, or the
// driver tells nothing.
func (m *Manager) Stats(ctx context.Context, dir string, volume *corev1.Volume) (*statsv1alpha1.FsStats, error) {
	target, err := os.Readlink(below(dir, volume))
	if err != nil {
		return nil, nil //nolint:nilerr // it has none, or none yet
	}
	name, ofDriver := m.options.CSI.nameAt(dir, target)
	if !ofDriver || !m.known.isPublished(dir, name) {
		return nil, nil
	}
	r, err := readRecord(dir, name)
	if err != nil || r == nil {
		return nil, err
	}
	driver, err := m.options.CSI.driver(r.Driver)
	if err != nil {
		return nil, err
	}
	if measures, err := driver.Measures(ctx); err != nil || !measures {
		return nil, err
	}
	usage, err := driver.Usage(ctx, r.Handle, target)
	if err != nil {
		return nil, fmt.Errorf("asking driver %s how full volume %s is: %w", r.Driver, r.Handle, err)
	}
	return fsStats(usage, metav1.NewTime(m.options.Clock.Now())), nil
}

func fsStats(usage csi.Usage, now metav1.Time) *statsv1alpha1.FsStats {
	stats := &statsv1alpha1.FsStats{Time: now}
	if b := usage.Bytes; b != nil {
		stats.CapacityBytes, stats.UsedBytes, stats.AvailableBytes = &b.Total, &b.Used, &b.Available
	}
	if i := usage.Inodes; i != nil {
		stats.Inodes, stats.InodesUsed, stats.InodesFree = &i.Total, &i.Used, &i.Available
	}
	return stats
}

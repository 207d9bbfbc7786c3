package volumes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// grown has the volume be one of 2Gi whose claim waits for the node's part of that.
func (n *csiNode) grown() {
	n.claims.volume.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("2Gi")}
	s := &n.claims.claim.Status
	s.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	setResize(s, corev1.PersistentVolumeClaimNodeResizePending)
	s.Conditions = []corev1.PersistentVolumeClaimCondition{
		{Type: corev1.PersistentVolumeClaimFileSystemResizePending, Status: corev1.ConditionTrue}, {Type: "Other", Status: corev1.ConditionTrue},
	}
}

func (n *csiNode) claimSays() string {
	s := &n.claims.claim.Status
	var conditions []string
	for _, c := range s.Conditions {
		conditions = append(conditions, string(c.Type))
	}
	capacity := s.Capacity[corev1.ResourceStorage]
	return fmt.Sprintf("%s %s %s", capacity.String(), s.AllocatedResourceStatuses[corev1.ResourceStorage], strings.Join(conditions, "+"))
}

func TestAClaimSaysHowFarItsExpansionHasCome(t *testing.T) {
	for name, c := range map[string]struct {
		fails error
		want  string
		err   string
	}{
		"it is done":                {nil, "2Gi  Other", ""},
		"it cannot be":              {status.Error(codes.OutOfRange, "too much"), "1Gi NodeResizeInfeasible FileSystemResizePending+Other+NodeResizeError", "too much"},
		"it has failed":             {status.Error(codes.Internal, "broken"), "1Gi NodeResizeInProgress FileSystemResizePending+Other+NodeResizeError", "broken"},
		"it may be under way still": {status.Error(codes.DeadlineExceeded, "slow"), "1Gi NodeResizeInProgress FileSystemResizePending+Other", "slow"},
		"it is not done while pods have the volume": {
			status.Error(codes.FailedPrecondition, "in use"), "1Gi NodeResizeInProgress FileSystemResizePending+Other+NodeResizeError", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newCSINode(t, staging, csipb.NodeServiceCapability_RPC_EXPAND_VOLUME)
			m := n.start()
			if err := n.mount(t.Context(), m, "one"); err != nil {
				t.Fatal(err)
			}
			n.grown()
			n.driver.fails = c.fails
			err := n.mount(t.Context(), m, "one")
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), `MountVolume.NodeExpandVolume failed for volume "disk" : rpc error`) {
				t.Errorf("it ends with %v", err)
			}
			if got := n.claimSays(); got != c.want {
				t.Errorf("the claim says %q, want %q", got, c.want)
			}
			if got := n.driver.took(); !slices.Equal(got, []string{"stage", "publish", "expand"}) {
				t.Errorf("the driver hears %q", got)
			}
		})
	}
}

func TestAVolumeThatHasGrownBeforeItIsMountedIsExpandedThen(t *testing.T) {
	n := newCSINode(t, staging, csipb.NodeServiceCapability_RPC_EXPAND_VOLUME)
	n.grown()
	m := n.start()
	for range 2 {
		if err := n.mount(t.Context(), m, "one"); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.driver.took(); !slices.Equal(got, []string{"stage", "publish", "expand"}) {
		t.Errorf("the driver hears %q", got)
	}
	request := strings.ReplaceAll(last[*csipb.NodeExpandVolumeRequest](t, n.driver), " ", "")
	for _, want := range []string{`"requiredBytes":"2147483648"`, `/globalmount"`, `/pods/one/volumes/kubernetes.io~csi/disk/mount"`} {
		if !strings.Contains(request, want) {
			t.Errorf("the request lacks %s: %s", want, request)
		}
	}
}

func TestADriverTellsHowFullItsVolumeIs(t *testing.T) {
	n := newCSINode(t, csipb.NodeServiceCapability_RPC_GET_VOLUME_STATS)
	n.driver.stats = &csipb.NodeGetVolumeStatsResponse{Usage: []*csipb.VolumeUsage{{Unit: csipb.VolumeUsage_BYTES, Total: 10, Used: 3, Available: 7}}}
	m := n.start()
	pod, dir := n.pod("one")
	if stats, err := m.Stats(t.Context(), dir, &pod.Spec.Volumes[0]); stats != nil || err != nil {
		t.Errorf("before it is mounted: %v, %v", stats, err)
	}
	if err := m.Mount(t.Context(), pod, dir); err != nil {
		t.Fatal(err)
	}
	stats, err := m.Stats(t.Context(), dir, &pod.Spec.Volumes[0])
	if err != nil || stats == nil || *stats.CapacityBytes != 10 || *stats.UsedBytes != 3 || *stats.AvailableBytes != 7 || stats.Inodes != nil {
		t.Errorf("got %+v, %v", stats, err)
	}
}

package stats

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	"k8s.io/utils/ptr"
)

// claimant is a pod with volumes of claims.
func claimant(name string, claims ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	for _, claim := range claims {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "of-" + claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
		}})
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "own", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	return pod
}

func TestVolumesOfClaimsAreMeasured(t *testing.T) {
	c := &Claims{
		Pods: func() []*corev1.Pod {
			return []*corev1.Pod{claimant("a", "shared", "silent", "broken"), claimant("b", "shared")}
		},
		Measure: func(_ context.Context, _ *corev1.Pod, volume *corev1.Volume) (*statsv1alpha1.FsStats, error) {
			switch volume.Name {
			case "of-silent":
				return nil, nil
			case "of-broken":
				return nil, errors.New("hung")
			}
			return &statsv1alpha1.FsStats{CapacityBytes: ptr.To[uint64](10), UsedBytes: ptr.To[uint64](3), Inodes: ptr.To[uint64](5)}, nil
		},
	}
	if err := c.Round(t.Context()); err == nil || err.Error() != "measuring the volume of claim default/broken: hung" {
		t.Errorf("the round ends with %v", err)
	}
	want := `# HELP kubelet_volume_stats_capacity_bytes Capacity in bytes of the volume
# TYPE kubelet_volume_stats_capacity_bytes gauge
kubelet_volume_stats_capacity_bytes{namespace="default",persistentvolumeclaim="shared"} 10
# HELP kubelet_volume_stats_inodes Maximum number of inodes in the volume
# TYPE kubelet_volume_stats_inodes gauge
kubelet_volume_stats_inodes{namespace="default",persistentvolumeclaim="shared"} 5
# HELP kubelet_volume_stats_used_bytes Number of used bytes in the volume
# TYPE kubelet_volume_stats_used_bytes gauge
kubelet_volume_stats_used_bytes{namespace="default",persistentvolumeclaim="shared"} 3
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	got := c.of("b")
	if len(got) != 1 || got[0].Name != "of-shared" || got[0].PVCRef.Name != "shared" || *got[0].UsedBytes != 3 {
		t.Errorf("the summary of pod b has %+v", got)
	}
	var none *Claims
	if got := none.of("b"); got != nil {
		t.Errorf("where nothing is measured there is %v", got)
	}
}

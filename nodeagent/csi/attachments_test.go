package csi

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
)

var disk = Volume{Driver: "one", Handle: "disk"}

// attach is what the control plane does when the node says that the volume is in use.
func attach(ctx context.Context, c client.Client, status storagev1.VolumeAttachmentStatus) error {
	node := &ocorev1.Node{}
	if err := c.Get(ctx, client.ObjectKey{Name: "n"}, node); err != nil {
		return err
	}
	node.Status.VolumesAttached = []corev1.AttachedVolume{{Name: disk.UniqueName()}}
	if err := c.Status().Update(ctx, node); err != nil {
		return err
	}
	return c.Create(ctx, &ostoragev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: disk.Attachment("n")}, Status: status})
}

func TestWaitingForAVolume(t *testing.T) {
	for name, c := range map[string]struct {
		status   *storagev1.VolumeAttachmentStatus
		metadata string
		want     string
	}{
		"that is attached": {&storagev1.VolumeAttachmentStatus{Attached: true, AttachmentMetadata: map[string]string{"device": "x"}}, "x", ""},
		"that failed":      {&storagev1.VolumeAttachmentStatus{AttachError: &storagev1.VolumeError{Message: "no such disk"}}, "", "no such disk"},
		"that nobody attaches": {nil, "", "timed out waiting for external-attacher of one CSI driver to attach volume disk: " +
			"volume not attached according to node status"},
		"of which there is no answer": {&storagev1.VolumeAttachmentStatus{}, "", "timed out waiting for external-attacher"},
	} {
		t.Run(name, func(t *testing.T) {
			api := cluster(t, apis.Kubernetes)
			if c.status != nil {
				if err := attach(t.Context(), api, *c.status); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Attachments{Client: api, Node: "n", Patience: 10 * time.Millisecond}.Await(t.Context(), disk)
			switch {
			case c.want == "" && (err != nil || got["device"] != c.metadata):
				t.Errorf("got %v, %v", got, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
			node := &ocorev1.Node{}
			if err := api.Get(t.Context(), client.ObjectKey{Name: "n"}, node); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(node.Status.VolumesInUse, []corev1.UniqueVolumeName{"kubernetes.io/csi/one^disk"}) {
				t.Errorf("in use are %q", node.Status.VolumesInUse)
			}
		})
	}
}

func TestAnAttachmentThatIsOnItsWayOutIsNone(t *testing.T) {
	gone := metav1.Now()
	attachment := &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &gone}, Status: storagev1.VolumeAttachmentStatus{Attached: true}}
	if _, err := verdict(disk, attachment); err == nil || err.Error() != "volume attachment is being deleted" {
		t.Errorf("got %v", err)
	}
}

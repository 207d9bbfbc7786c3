package simulated

import (
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/storage/driver"
)

func TestVolumesAreThoseOfSimulatedNodes(t *testing.T) {
	nodes := Nodes{Prefix: "simulated-"}
	for node, want := range map[string]bool{"simulated-7": true, "vm": false, "": false} {
		segments, ok := nodes.Segments(node)
		volume := &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{NodeAffinity: driver.Affinity(segments)}}
		if held := nodes.Holds(volume); ok != want || held != want {
			t.Errorf("node %q is simulated: %t, and its volumes are: %t", node, ok, held)
		}
	}
	if nodes.Holds(&corev1.PersistentVolume{}) {
		t.Error("a volume without a node is one of a simulated node")
	}
}

func TestSpaceIsGivenAwayOnce(t *testing.T) {
	c := &Controller{Space: 10}
	create := func(name string, bytes int64) error {
		_, err := c.CreateVolume(t.Context(), &csi.CreateVolumeRequest{Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: bytes}})
		return err
	}
	expand := func(name string, bytes int64) error {
		_, err := c.ControllerExpandVolume(t.Context(), &csi.ControllerExpandVolumeRequest{VolumeId: name, CapacityRange: &csi.CapacityRange{RequiredBytes: bytes}})
		return err
	}
	for what, got := range map[string]struct {
		err  error
		want codes.Code
	}{
		"a volume":                      {create("a", 6), codes.OK},
		"the same again":                {create("a", 6), codes.OK},
		"a larger one of the name":      {create("a", 7), codes.AlreadyExists},
		"more than is left":             {create("b", 5), codes.ResourceExhausted},
		"growing beyond what is left":   {expand("a", 11), codes.ResourceExhausted},
		"growing to all there is":       {expand("a", 10), codes.OK},
		"a volume when nothing is left": {create("c", 1), codes.ResourceExhausted},
	} {
		if code := status.Code(got.err); code != got.want {
			t.Errorf("%s: %v, want %s", what, got.err, got.want)
		}
	}
}

package local

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"github.com/orrery-dev/orrery/storage/local/store"
	"github.com/orrery-dev/orrery/storage/socket"
)

// writer is what is asked of a volume that a node writes to.
var writer = &csi.VolumeCapability{
	AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{}},
	AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER},
}

func newDriver(t *testing.T, dir string) *Driver {
	t.Helper()
	d, err := New(Options{NodeID: "one", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func made(t *testing.T, d *Driver, name string) *csi.Volume {
	t.Helper()
	told, err := d.CreateVolume(t.Context(), &csi.CreateVolumeRequest{
		Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20}, VolumeCapabilities: []*csi.VolumeCapability{writer},
	})
	if err != nil {
		t.Fatal(err)
	}
	return told.GetVolume()
}

func code(err error) codes.Code { return status.Code(err) }

func TestANodeAgentFindsTheDriver(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second finds the sockets of the first
		d := newDriver(t, dir)
		ctx, stop := context.WithCancel(t.Context())
		ended, ready := make(chan error, 1), make(chan struct{})
		go func() { ended <- d.Run(ctx, func() { close(ready) }) }()
		<-ready
		info, err := registrationv1.NewRegistrationClient(dial(t, d.registration())).GetInfo(t.Context(), &registrationv1.InfoRequest{})
		if err != nil || info.Type != registrationv1.CSIPlugin || info.Name != Name || info.Endpoint != d.Socket() {
			t.Fatalf("the registration tells %v (%v)", info, err)
		}
		node, err := csi.NewNodeClient(dial(t, info.Endpoint)).NodeGetInfo(t.Context(), &csi.NodeGetInfoRequest{})
		if err != nil || node.GetAccessibleTopology().GetSegments()[TopologyKey] != "one" {
			t.Errorf("the node is %v (%v)", node, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}

func dial(t *testing.T, path string) *grpc.ClientConn {
	t.Helper()
	connection, err := grpc.NewClient("unix:"+socket.Path(path), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func TestRequestsThatNoDirectoryCanServe(t *testing.T) {
	d := newDriver(t, t.TempDir())
	elsewhere := &csi.TopologyRequirement{Requisite: []*csi.Topology{{Segments: map[string]string{TopologyKey: "two"}}}}
	for name, c := range map[string]struct {
		request *csi.CreateVolumeRequest
		want    codes.Code
		says    string
	}{
		"a block device":          {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{{AccessType: &csi.VolumeCapability_Block{}, AccessMode: writer.GetAccessMode()}}}, codes.InvalidArgument, "block"},
		"one for several nodes":   {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{{AccessType: writer.GetAccessType(), AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER}}}}, codes.InvalidArgument, "MULTI_NODE"},
		"one with a parameter":    {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{writer}, Parameters: map[string]string{"type": "ssd"}}, codes.InvalidArgument, `"type"`},
		"one on another node":     {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{writer}, AccessibilityRequirements: elsewhere}, codes.ResourceExhausted, "node one alone"},
		"one larger than a disk":  {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{writer}, CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 60}}, codes.ResourceExhausted, "are free"},
		"a copy of what is not":   {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{writer}, VolumeContentSource: &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: "none"}}}}, codes.NotFound, "none"},
		"one with a mount option": {&csi.CreateVolumeRequest{VolumeCapabilities: []*csi.VolumeCapability{{AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{MountFlags: []string{"size=1"}}}, AccessMode: writer.GetAccessMode()}}}, codes.InvalidArgument, "size=1"},
	} {
		c.request.Name = "pvc-1"
		if _, err := d.CreateVolume(t.Context(), c.request); code(err) != c.want || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s that says %q", name, err, c.want, c.says)
		}
	}
}

func TestCapacityIsThatOfThisNode(t *testing.T) {
	d := newDriver(t, t.TempDir())
	for node, has := range map[string]bool{"one": true, "two": false} {
		told, err := d.GetCapacity(t.Context(), &csi.GetCapacityRequest{AccessibleTopology: &csi.Topology{Segments: map[string]string{TopologyKey: node}}})
		if err != nil || told.GetAvailableCapacity() > 0 != has {
			t.Errorf("node %s has %d (%v)", node, told.GetAvailableCapacity(), err)
		}
	}
}

func TestALongOperationOutlivesItsCaller(t *testing.T) {
	var o operations
	ctx, giveUp := context.WithCancel(t.Context())
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- o.do(ctx, operation{id: "v"}, func(ctx context.Context) error {
			close(begun)
			<-goOn
			return ctx.Err()
		})
	}()
	<-begun
	if err := o.do(t.Context(), operation{id: "v"}, func(context.Context) error { return nil }); code(err) != codes.Aborted {
		t.Errorf("a second one: %v", err)
	}
	giveUp()
	if err := <-done; code(err) != codes.Canceled {
		t.Errorf("who gave up is answered %v", err)
	}
	close(goOn)
	deadline := time.Now().Add(10 * time.Second)
	for code(o.do(t.Context(), operation{id: "v"}, func(context.Context) error { return nil })) == codes.Aborted {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
		runtime.Gosched()
	}
}

func TestAVolumeThatTakesMoreThanItMayIsDegraded(t *testing.T) {
	v := store.Volume{ID: "v", Capacity: 100}
	for used, want := range map[int64]int{0: 0, 100: 0, 101: 1} {
		if got := health(v, store.Usage{Bytes: used}); len(got) != want {
			t.Errorf("with %d bytes it has %v", used, got)
		}
	}
}

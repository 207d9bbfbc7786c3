package volumes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/orrery-dev/orrery/nodeagent/csi"
	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// strictDriver is a CSI driver that refuses what comes in a wrong order, and remembers that. What it publishes is a directory, which it
// removes itself.
type strictDriver struct {
	csipb.UnimplementedNodeServer
	capabilities []csipb.NodeServiceCapability_RPC_Type

	mu sync.Mutex
	// staged are paths by handles, and published handles by paths.
	staged, published map[string]string
	calls             []string
	requests          []proto.Message
	wrong             []string
	// fault is asked before and after each change, and may end the agent there; nil never does.
	fault func() error
	// fails is what the next publication or expansion ends with.
	fails error
	// stats is what NodeGetVolumeStats tells.
	stats *csipb.NodeGetVolumeStatsResponse
}

const driverName = "strict.example.com"

// serve registers the driver with a node, until the test ends.
func (d *strictDriver) serve(t *testing.T) *csi.Drivers {
	t.Helper()
	d.staged, d.published = map[string]string{}, map[string]string{}
	dir, err := os.MkdirTemp("", "csi") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "csi.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	csipb.RegisterNodeServer(server, d)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); _ = os.RemoveAll(dir) })
	drivers := csi.NewDrivers(nobodyTold{})
	drivers.Patience = 0
	if err := drivers.Register(t.Context(), plugins.Plugin{Name: driverName, Endpoint: socket, Versions: []string{"1.0.0"}}); err != nil {
		t.Fatal(err)
	}
	return drivers
}

type nobodyTold struct{}

func (nobodyTold) Install(context.Context, string, csi.Info) error { return nil }
func (nobodyTold) Uninstall(context.Context, string) error         { return nil }

func (d *strictDriver) NodeGetInfo(context.Context, *csipb.NodeGetInfoRequest) (*csipb.NodeGetInfoResponse, error) {
	return &csipb.NodeGetInfoResponse{NodeId: "n"}, nil
}

func (d *strictDriver) NodeGetCapabilities(context.Context, *csipb.NodeGetCapabilitiesRequest) (*csipb.NodeGetCapabilitiesResponse, error) {
	answer := &csipb.NodeGetCapabilitiesResponse{}
	for _, c := range d.capabilities {
		answer.Capabilities = append(answer.Capabilities, &csipb.NodeServiceCapability{Type: &csipb.NodeServiceCapability_Rpc{Rpc: &csipb.NodeServiceCapability_RPC{Type: c}}})
	}
	return answer, nil
}

// change notes a call, and makes its change unless the agent ends before it.
func (d *strictDriver) change(name string, request proto.Message, do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls, d.requests = append(d.calls, name), append(d.requests, request)
	if d.fault != nil {
		if err := d.fault(); err != nil {
			return status.Error(codes.Unavailable, err.Error())
		}
	}
	if err := do(); err != nil {
		return err
	}
	if d.fault != nil {
		if err := d.fault(); err != nil {
			return status.Error(codes.Unavailable, err.Error())
		}
	}
	return nil
}

// refuse says that a call came in the wrong order.
func (d *strictDriver) refuse(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	d.wrong = append(d.wrong, what)
	return status.Error(codes.FailedPrecondition, what)
}

func (d *strictDriver) stages() bool {
	return slices.Contains(d.capabilities, csipb.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME)
}

func (d *strictDriver) NodeStageVolume(_ context.Context, r *csipb.NodeStageVolumeRequest) (*csipb.NodeStageVolumeResponse, error) {
	return &csipb.NodeStageVolumeResponse{}, d.change("stage", r, func() error {
		if had, staged := d.staged[r.GetVolumeId()]; staged && had != r.GetStagingTargetPath() {
			return d.refuse("%s is staged at %s already", r.GetVolumeId(), had)
		}
		if info, err := os.Stat(r.GetStagingTargetPath()); err != nil || !info.IsDir() {
			return d.refuse("there is no staging directory: %v", err)
		}
		d.staged[r.GetVolumeId()] = r.GetStagingTargetPath()
		return nil
	})
}

func (d *strictDriver) NodePublishVolume(_ context.Context, r *csipb.NodePublishVolumeRequest) (*csipb.NodePublishVolumeResponse, error) {
	return &csipb.NodePublishVolumeResponse{}, d.change("publish", r, func() error {
		if d.fails != nil {
			err := d.fails
			d.fails = nil
			return err
		}
		if d.stages() && r.GetStagingTargetPath() != d.staged[r.GetVolumeId()] {
			return d.refuse("%s is published from %q, and staged at %q", r.GetVolumeId(), r.GetStagingTargetPath(), d.staged[r.GetVolumeId()])
		}
		if err := os.Mkdir(r.GetTargetPath(), 0o750); err != nil && !errors.Is(err, os.ErrExist) {
			return d.refuse("publishing: %v", err)
		}
		d.published[r.GetTargetPath()] = r.GetVolumeId()
		return nil
	})
}

func (d *strictDriver) NodeUnpublishVolume(_ context.Context, r *csipb.NodeUnpublishVolumeRequest) (*csipb.NodeUnpublishVolumeResponse, error) {
	return &csipb.NodeUnpublishVolumeResponse{}, d.change("unpublish", r, func() error {
		delete(d.published, r.GetTargetPath())
		return os.RemoveAll(r.GetTargetPath())
	})
}

func (d *strictDriver) NodeUnstageVolume(_ context.Context, r *csipb.NodeUnstageVolumeRequest) (*csipb.NodeUnstageVolumeResponse, error) {
	return &csipb.NodeUnstageVolumeResponse{}, d.change("unstage", r, func() error {
		if slices.Contains(slices.Collect(maps.Values(d.published)), r.GetVolumeId()) {
			return d.refuse("%s is unstaged while it is published", r.GetVolumeId())
		}
		delete(d.staged, r.GetVolumeId())
		return nil
	})
}

func (d *strictDriver) NodeExpandVolume(_ context.Context, r *csipb.NodeExpandVolumeRequest) (*csipb.NodeExpandVolumeResponse, error) {
	return &csipb.NodeExpandVolumeResponse{}, d.change("expand", r, func() error {
		if d.published[r.GetVolumePath()] != r.GetVolumeId() {
			return d.refuse("%s is expanded, and not at %s", r.GetVolumeId(), r.GetVolumePath())
		}
		err := d.fails
		d.fails = nil
		return err
	})
}

func (d *strictDriver) NodeGetVolumeStats(_ context.Context, r *csipb.NodeGetVolumeStatsRequest) (*csipb.NodeGetVolumeStatsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.published[r.GetVolumePath()] != r.GetVolumeId() {
		return nil, status.Error(codes.NotFound, "it is not there")
	}
	return d.stats, nil
}

// took are the calls since it was last asked.
func (d *strictDriver) took() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

// last is the last request of a type, in JSON with paths below root cut short.
func last[R proto.Message](t *testing.T, d *strictDriver) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, request := range slices.Backward(d.requests) {
		if _, ok := request.(R); ok {
			text, err := protojson.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	t.Fatal("there was no such request")
	return ""
}

// has are how many volumes are staged and published, and what came in a wrong order.
func (d *strictDriver) has() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("%d staged, %d published, wrong: %q", len(d.staged), len(d.published), d.wrong)
}

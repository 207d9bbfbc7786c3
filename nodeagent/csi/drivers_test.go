package csi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// fakeNode is a node service that says which node it is on, and counts how often it is asked what it can do.
type fakeNode struct {
	csipb.UnimplementedNodeServer
	id    string
	asked int
}

func (f *fakeNode) NodeGetInfo(context.Context, *csipb.NodeGetInfoRequest) (*csipb.NodeGetInfoResponse, error) {
	return &csipb.NodeGetInfoResponse{NodeId: f.id}, nil
}

func (f *fakeNode) NodeGetCapabilities(context.Context, *csipb.NodeGetCapabilitiesRequest) (*csipb.NodeGetCapabilitiesResponse, error) {
	f.asked++
	return &csipb.NodeGetCapabilitiesResponse{Capabilities: []*csipb.NodeServiceCapability{{Type: &csipb.NodeServiceCapability_Rpc{
		Rpc: &csipb.NodeServiceCapability_RPC{Type: csipb.NodeServiceCapability_RPC_EXPAND_VOLUME},
	}}}}, nil
}

func (f *fakeNode) serve(t *testing.T) (endpoint string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "csi") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	csipb.RegisterNodeServer(server, f)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// notes is a control plane that writes down what it is told, and refuses it if it is to.
type notes struct {
	told    []string
	refuses bool
}

func (n *notes) Install(_ context.Context, driver string, info Info) error {
	if n.refuses {
		return errors.New("the server is away")
	}
	n.told = append(n.told, fmt.Sprintf("+%s %s", driver, info.NodeID))
	return nil
}

func (n *notes) Uninstall(_ context.Context, driver string) error {
	n.told = append(n.told, "-"+driver)
	return nil
}

func TestADriverIsThereWhileItIsRegistered(t *testing.T) {
	node, control := &fakeNode{id: "1"}, &notes{}
	drivers := NewDrivers(control)
	one := plugins.Plugin{Type: "CSIPlugin", Name: "one", Endpoint: node.serve(t), Versions: []string{"1.0.0", "1.7.0"}}
	if err := drivers.Register(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	driver, err := drivers.Driver("one")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		expands, err := driver.Expands(t.Context())
		stages, err2 := driver.Stages(t.Context())
		if !expands || stages || err != nil || err2 != nil {
			t.Errorf("got %v %v %v %v", expands, stages, err, err2)
		}
	}
	if node.asked != 1 {
		t.Errorf("it is asked %d times what it can do, want once", node.asked)
	}
	elsewhere := one
	elsewhere.Endpoint = "/another"
	if err := errors.Join(drivers.Deregister(t.Context(), elsewhere), drivers.Deregister(t.Context(), one)); err != nil {
		t.Fatal(err)
	}
	if _, err := drivers.Driver("one"); err == nil || err.Error() != "driver name one not found in the list of registered CSI drivers" {
		t.Errorf("after its end: %v", err)
	}
	if want := []string{"+one 1", "-one"}; !slices.Equal(control.told, want) {
		t.Errorf("the control plane is told %q, want %q", control.told, want)
	}
}

func TestADriverThatIsAboutToRegisterIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drivers := NewDrivers(&notes{})
		time.AfterFunc(patience-1, func() {
			drivers.replace("other", &Driver{name: "other"})
			drivers.replace("one", &Driver{name: "one"})
		})
		if driver, err := drivers.Await(t.Context(), "one"); err != nil || driver.Name() != "one" {
			t.Errorf("got %v, %v", driver, err)
		}
		if _, err := drivers.Await(t.Context(), "none"); err == nil || err.Error() != "driver name none not found in the list of registered CSI drivers" {
			t.Errorf("one that does not come: %v", err)
		}
	})
}

func TestADriverThatIsNotTakenIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		id       string
		versions []string
		refuses  bool
		want     string
	}{
		"it does not know the node":     {"", []string{"1.0.0"}, false, "driverNodeID must not be empty"},
		"it speaks another CSI":         {"1", []string{"2.0.0"}, false, "none of the versions specified [2.0.0] are supported"},
		"it speaks none":                {"1", nil, false, "none of the versions specified [] are supported"},
		"the control plane is not told": {"1", []string{"1.0.0"}, true, "the server is away"},
	} {
		t.Run(name, func(t *testing.T) {
			drivers := NewDrivers(&notes{refuses: c.refuses})
			err := drivers.Register(t.Context(), plugins.Plugin{Name: "one", Endpoint: (&fakeNode{id: c.id}).serve(t), Versions: c.versions})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if _, err := drivers.Driver("one"); err == nil {
				t.Error("the driver is there")
			}
		})
	}
}

func TestOfTwoDriversOfOneNameTheNewerStays(t *testing.T) {
	drivers := NewDrivers(&notes{})
	register := func(version string) error {
		return drivers.Register(t.Context(), plugins.Plugin{Name: "one", Endpoint: (&fakeNode{id: "1"}).serve(t), Versions: []string{version}})
	}
	if err := register("1.5.0"); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.4.0", "1.5.0"} {
		if err := register(version); err == nil {
			t.Errorf("%s takes the place of 1.5.0", version)
		}
	}
	if err := register("1.6.0"); err != nil {
		t.Errorf("1.6.0 beside 1.5.0: %v", err)
	}
}

func TestAccessModesInTheTermsOfCSI(t *testing.T) {
	for mode, want := range map[corev1.PersistentVolumeAccessMode][2]string{
		corev1.ReadWriteOnce:    {"SINGLE_NODE_WRITER", "SINGLE_NODE_MULTI_WRITER"},
		corev1.ReadWriteOncePod: {"SINGLE_NODE_WRITER", "SINGLE_NODE_SINGLE_WRITER"},
		corev1.ReadOnlyMany:     {"MULTI_NODE_READER_ONLY", "MULTI_NODE_READER_ONLY"},
		corev1.ReadWriteMany:    {"MULTI_NODE_MULTI_WRITER", "MULTI_NODE_MULTI_WRITER"},
		"Strange":               {"UNKNOWN", "UNKNOWN"},
	} {
		if got := [2]string{accessMode(mode, false).String(), accessMode(mode, true).String()}; got != want {
			t.Errorf("%s is %v, want %v", mode, got, want)
		}
	}
}

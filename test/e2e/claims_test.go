package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"github.com/orrery-dev/orrery/internal/await"
)

const claimDriverName = "claims.e2e.orrery.dev"

// claimDriver prepares claims as a variable of their containers, by files of the runtime's directory of CDI devices.
type claimDriver struct {
	drav1.UnimplementedDRAPluginServer
}

// driveClaims registers the driver with a node, whose directory this is, until the test ends.
func driveClaims(t *testing.T, node string) {
	t.Helper()
	d := &claimDriver{}
	plugIn(t, node, "claims.sock", &registrationv1.PluginInfo{
		Type: registrationv1.DRAPlugin, Name: claimDriverName, Endpoint: filepath.Join(node, "plugins", claimDriverName, "dra.sock"),
		SupportedVersions: []string{drav1.DRAPluginService},
	}, func(server *grpc.Server) { drav1.RegisterDRAPluginServer(server, d) })
	t.Cleanup(func() {
		for _, file := range d.files() {
			_ = os.Remove(file)
		}
	})
}

// cdiDir is where runtimes look for devices that come and go.
const cdiDir = "/var/run/cdi"

func (*claimDriver) file(uid string) string {
	return filepath.Join(cdiDir, claimDriverName+"-"+uid+".json")
}

// files are those of claims that are prepared.
func (d *claimDriver) files() []string {
	found, _ := filepath.Glob(d.file("*")) // the pattern is right
	return found
}

func (d *claimDriver) NodePrepareResources(_ context.Context, r *drav1.NodePrepareResourcesRequest) (*drav1.NodePrepareResourcesResponse, error) {
	response := &drav1.NodePrepareResourcesResponse{Claims: map[string]*drav1.NodePrepareResourceResponse{}}
	if err := os.MkdirAll(cdiDir, 0o755); err != nil {
		return nil, err
	}
	for _, c := range r.GetClaims() {
		spec := fmt.Sprintf(`{"cdiVersion": "0.6.0", "kind": "e2e.orrery.dev/claim", "devices": [{"name": %q, "containerEdits": {"env": ["CLAIMED=%s"]}}]}`,
			c.GetUid(), c.GetUid())
		if err := os.WriteFile(d.file(c.GetUid()), []byte(spec), 0o600); err != nil {
			return nil, err
		}
		response.Claims[c.GetUid()] = &drav1.NodePrepareResourceResponse{Devices: []*drav1.Device{{
			PoolName: "pool", DeviceName: "device", CdiDeviceIds: []string{"e2e.orrery.dev/claim=" + c.GetUid()},
		}}}
	}
	return response, nil
}

func (d *claimDriver) NodeUnprepareResources(_ context.Context, r *drav1.NodeUnprepareResourcesRequest) (*drav1.NodeUnprepareResourcesResponse, error) {
	response := &drav1.NodeUnprepareResourcesResponse{Claims: map[string]*drav1.NodeUnprepareResourceResponse{}}
	for _, c := range r.GetClaims() {
		if err := os.Remove(d.file(c.GetUid())); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		response.Claims[c.GetUid()] = &drav1.NodeUnprepareResourceResponse{}
	}
	return response, nil
}

const claimSlice = `
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: claims}
spec:
  driver: claims.e2e.orrery.dev
  nodeName: NODE
  pool: {name: pool, generation: 1, resourceSliceCount: 1}
  devices: [{name: device}]
`

const claimingPod = `
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: claims.e2e.orrery.dev}
spec:
  selectors: [{cel: {expression: device.driver == "claims.e2e.orrery.dev"}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: claim}
spec: {spec: {devices: {requests: [{name: one, exactly: {deviceClassName: claims.e2e.orrery.dev}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: claims}
spec:
  terminationGracePeriodSeconds: 1
  resourceClaims: [{name: device, resourceClaimTemplateName: claim}]
  containers:
  - name: web
    image: registry.orrery.dev/web:1
    resources: {claims: [{name: device}]}
`

// claims has a pod run with what it claims of a driver, on a node whose directory this is.
func (p *plane) claims(node, root string) {
	p.t.Helper()
	driveClaims(p.t, root)
	p.apply(claimingPod)
	await.Until(p.t, "the pod to run with what it claims", func() (string, bool) {
		p.apply(strings.ReplaceAll(claimSlice, "NODE", node)) // as a driver does, when the node has removed it
		phase := p.get("pod/claims", "{.status.phase}")
		return phase, phase == "Running"
	})
	uid := p.get("resourceclaims", "{.items[0].metadata.uid}")
	if said := p.kubectl("exec", "claims", "--", "/web", "env"); uid == "" || !strings.Contains(said, "CLAIMED="+uid) {
		p.t.Errorf("it has nothing of claim %s:\n%s", uid, said)
	}
	p.kubectl("delete", "pod/claims", "--wait")
	await.Until(p.t, "the driver to be told that it is over", func() (string, bool) {
		left := (&claimDriver{}).files()
		return fmt.Sprint(left), len(left) == 0
	})
}

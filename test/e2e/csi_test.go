package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"github.com/orrery-dev/orrery/internal/await"
)

// bindDriver is a CSI driver whose volumes are directories of the test: staging mounts one, and publishing mounts that again.
type bindDriver struct {
	csipb.UnimplementedNodeServer
	volumes string

	mu     sync.Mutex
	mounts map[string]bool
}

const bindDriverName = "bind.example.com"

// driveVolumes registers the driver with a node, whose directory this is, until the test ends.
func driveVolumes(t *testing.T, node string) *bindDriver {
	t.Helper()
	d := &bindDriver{volumes: t.TempDir(), mounts: map[string]bool{}}
	plugIn(t, node, "bind.sock", &registrationv1.PluginInfo{
		Type: registrationv1.CSIPlugin, Name: bindDriverName, Endpoint: filepath.Join(node, "plugins", bindDriverName, "csi.sock"),
		SupportedVersions: []string{"1.0.0"},
	}, func(server *grpc.Server) { csipb.RegisterNodeServer(server, d) })
	return d
}

func (d *bindDriver) NodeGetInfo(context.Context, *csipb.NodeGetInfoRequest) (*csipb.NodeGetInfoResponse, error) {
	return &csipb.NodeGetInfoResponse{
		NodeId: "here", MaxVolumesPerNode: 8, AccessibleTopology: &csipb.Topology{Segments: map[string]string{bindDriverName + "/machine": "here"}},
	}, nil
}

func (d *bindDriver) NodeGetCapabilities(context.Context, *csipb.NodeGetCapabilitiesRequest) (*csipb.NodeGetCapabilitiesResponse, error) {
	answer := &csipb.NodeGetCapabilitiesResponse{}
	for _, each := range []csipb.NodeServiceCapability_RPC_Type{csipb.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME, csipb.NodeServiceCapability_RPC_EXPAND_VOLUME} {
		answer.Capabilities = append(answer.Capabilities, &csipb.NodeServiceCapability{Type: &csipb.NodeServiceCapability_Rpc{Rpc: &csipb.NodeServiceCapability_RPC{Type: each}}})
	}
	return answer, nil
}

func (d *bindDriver) NodeStageVolume(_ context.Context, r *csipb.NodeStageVolumeRequest) (*csipb.NodeStageVolumeResponse, error) {
	if r.GetVolumeCapability().GetBlock() != nil {
		return &csipb.NodeStageVolumeResponse{}, nil
	}
	return &csipb.NodeStageVolumeResponse{}, d.mount(filepath.Join(d.volumes, r.GetVolumeId()), r.GetStagingTargetPath())
}

func (d *bindDriver) NodePublishVolume(_ context.Context, r *csipb.NodePublishVolumeRequest) (*csipb.NodePublishVolumeResponse, error) {
	from := r.GetStagingTargetPath()
	if r.GetVolumeCapability().GetBlock() != nil {
		if err := os.WriteFile(r.GetTargetPath(), nil, 0o600); err != nil {
			return nil, err
		}
		from = "/dev/null" // a device that every machine has
	}
	if from == "" { // a volume that a pod has in itself
		from = d.volumes
	}
	return &csipb.NodePublishVolumeResponse{}, d.mount(from, r.GetTargetPath())
}

func (d *bindDriver) NodeUnpublishVolume(_ context.Context, r *csipb.NodeUnpublishVolumeRequest) (*csipb.NodeUnpublishVolumeResponse, error) {
	return &csipb.NodeUnpublishVolumeResponse{}, d.unmount(r.GetTargetPath())
}

func (d *bindDriver) NodeUnstageVolume(_ context.Context, r *csipb.NodeUnstageVolumeRequest) (*csipb.NodeUnstageVolumeResponse, error) {
	return &csipb.NodeUnstageVolumeResponse{}, d.unmount(r.GetStagingTargetPath())
}

func (d *bindDriver) NodeExpandVolume(context.Context, *csipb.NodeExpandVolumeRequest) (*csipb.NodeExpandVolumeResponse, error) {
	return &csipb.NodeExpandVolumeResponse{}, nil
}

func (d *bindDriver) mount(from, at string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mounts[at] {
		return nil
	}
	if _, err := os.Stat(at); err != nil {
		if err := os.Mkdir(at, 0o750); err != nil {
			return err
		}
	}
	d.mounts[at] = true
	return unix.Mount(from, at, "", unix.MS_BIND, "")
}

func (d *bindDriver) unmount(at string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.mounts[at] {
		return nil
	}
	if err := unix.Unmount(at, 0); err != nil {
		return err
	}
	delete(d.mounts, at)
	return os.Remove(at)
}

// has is at how many places something is mounted.
func (d *bindDriver) has() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.mounts)
}

// csiVolume is a volume of the driver, and the claim that is bound to it.
const csiVolume = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: NAME}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Mi}
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ""
  volumeMode: MODE
  claimRef: {namespace: default, name: NAME}
  csi: {driver: bind.example.com, volumeHandle: NAME}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: NAME}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  volumeMode: MODE
  volumeName: NAME
  resources: {requests: {storage: 1Mi}}
---
`

const csiDriver = `
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: bind.example.com}
spec: {volumeLifecycleModes: [Persistent, Ephemeral]}
---
`

// csiPod has volumes behind claims, a file system and a device, and one in itself.
const csiPod = `
apiVersion: v1
kind: Pod
metadata: {name: POD, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: registry.orrery.dev/web:1
    volumeMounts: [{name: kept, mountPath: /kept}, {name: own, mountPath: /own}]
    volumeDevices: [{name: raw, devicePath: /dev/raw}]
  volumes:
  - name: kept
    persistentVolumeClaim: {claimName: kept}
  - name: raw
    persistentVolumeClaim: {claimName: raw}
  - name: own
    csi: {driver: bind.example.com}
`

// TestCSI has pods with volumes of a driver, beside a control plane that is killed meanwhile. The test is the external attacher as well.
func TestCSI(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	d := driveVolumes(t, filepath.Join(p.dir, p.name, "node"))
	data := filepath.Join(d.volumes, "kept", "greeting")
	if err := os.Mkdir(filepath.Dir(data), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, []byte("good morning"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := p.get("nodes", "{.items[0].metadata.name}")
	p.becomes("here 8 bind.example.com/machine", "csinode/"+node,
		`{range .spec.drivers[?(@.name=="bind.example.com")]}{.nodeID} {.allocatable.count} {.topologyKeys[0]}{end}`)
	p.becomes("here", "node/"+node, `{.metadata.labels.bind\.example\.com/machine}`)

	p.apply(csiDriver + strings.NewReplacer("NAME", "kept", "MODE", "Filesystem").Replace(csiVolume) +
		strings.NewReplacer("NAME", "raw", "MODE", "Block").Replace(csiVolume) + strings.ReplaceAll(csiPod, "POD", "first"))
	for _, volume := range []string{"kept", "raw"} {
		of := fmt.Sprintf(`{.items[?(@.spec.source.persistentVolumeName==%q)]`, volume)
		p.becomes(volume, "volumeattachments", of+`.spec.source.persistentVolumeName}`)
		p.becomes("kubernetes.io/csi/bind.example.com^"+volume, "node/"+node, fmt.Sprintf(`{.status.volumesInUse[?(@=="kubernetes.io/csi/bind.example.com^%s")]}`, volume))
		if d.has() > map[string]int{"kept": 0, "raw": 2}[volume]+1 { // the one in the pod itself may be there
			t.Errorf("%s is used before it is attached", volume)
		}
		p.kubectl("patch", "volumeattachment/"+p.get("volumeattachments", of+`.metadata.name}`), "--subresource=status", "--type=merge",
			"-p", `{"status":{"attached":true}}`)
	}
	p.becomes("Running", "pod/first", "{.status.phase}")
	reads := func(pod string) {
		t.Helper()
		if said := p.kubectl("exec", pod, "--", "/web", "cat", "/kept/greeting"); strings.TrimSpace(said) != "good morning" {
			t.Errorf("%s reads %q", pod, said)
		}
		if said := p.kubectl("exec", pod, "--", "/web", "ls", "/dev"); !strings.Contains(said, "raw") {
			t.Errorf("%s has no device: %s", pod, said)
		}
	}
	reads("first")

	started := p.containers()
	p.kill()
	p.up("--runtime", "containerd")
	p.becomes("Running", "pod/first", "{.status.phase}")
	p.kubectl("patch", "pv/kept", "--type=merge", "-p", `{"spec":{"capacity":{"storage":"2Mi"}}}`)
	p.kubectl("patch", "pvc/kept", "--subresource=status", "--type=merge", "-p", `{"status":{"allocatedResourceStatuses":{"storage":"NodeResizePending"}}}`)
	p.apply(strings.ReplaceAll(csiPod, "POD", "second"))
	p.becomes("Running", "pod/second", "{.status.phase}")
	reads("second")
	p.becomes("2Mi ", "pvc/kept", "{.status.capacity.storage} {.status.allocatedResourceStatuses.storage}")
	if now := p.containers(); !strings.Contains(now, strings.TrimSpace(started)) {
		t.Errorf("containers before the end of the agent:\n%s\nand after it:\n%s", started, now)
	}
	p.kubectl("delete", "pod/first", "--wait")
	reads("second")
	p.kubectl("delete", "pod/second", "--wait")
	await.Until(t, "the driver to have all back", func() (string, bool) { has := d.has(); return fmt.Sprint(has), has == 0 })
	p.becomes("", "volumeattachments", "{.items[*].metadata.name}")
	if kept, err := os.ReadFile(data); err != nil || string(kept) != "good morning" {
		t.Errorf("what was in the volume is %q (%v)", kept, err)
	}
}

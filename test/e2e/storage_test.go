package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

const database = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: db, image: "registry.orrery.dev/web:1", volumeMounts: [{name: data, mountPath: /data}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}
`

// TestAStatefulSetKeepsItsData at the first up, of the default class: whatever happens to the control plane, until its claim is deleted.
func TestAStatefulSetKeepsItsData(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	p := start(t, "--runtime", "containerd")
	p.apply(database)
	p.becomes("1", "statefulset/db", "{.status.readyReplicas}")
	volume := p.get("pvc/data-db-0", "{.spec.volumeName}")
	data := p.get("pv/"+volume, `{.spec.csi.volumeAttributes.local\.storage\.orrery\.dev/path}`)
	if err := os.WriteFile(filepath.Join(data, "greeting"), []byte("good morning"), 0o600); err != nil {
		t.Fatal(err)
	}
	keeps := func() {
		t.Helper()
		await.Until(t, "the pod to read what is in its volume", func() (string, bool) { // a node that has just begun may not know it yet
			said, err := p.try("kubectl", "exec", "db-0", "--", "/web", "cat", "/data/greeting")
			return fmt.Sprint(said, err), strings.TrimSpace(said) == "good morning"
		})
	}
	keeps()
	p.kill()
	p.up("--runtime", "containerd")
	p.becomes("1", "statefulset/db", "{.status.readyReplicas}")
	keeps()
	p.kubectl("delete", "pod/db-0", "--wait")
	p.becomes("1", "statefulset/db", "{.status.readyReplicas}")
	keeps()
	p.kubectl("patch", "pvc/data-db-0", "--type=merge", "-p", `{"spec":{"resources":{"requests":{"storage":"128Mi"}}}}`)
	p.becomes("128Mi", "pvc/data-db-0", "{.status.capacity.storage}")
	if said := p.orrery("explain", "pvc/data-db-0"); !strings.Contains(said, "pod db-0 uses it on node") || !strings.Contains(said, data) {
		t.Errorf("explain says\n%s", said)
	}

	keepsASnapshot(t, p, data)

	p.kubectl("delete", "storageclass/orrery-local") // it is ours to delete, and volumes that there are need it no more
	p.kubectl("delete", "statefulset/db")
	p.kubectl("delete", "pvc/data-db-0", "--wait")
	p.becomes("", "pv", "{.items[*].metadata.name}")
	await.Until(t, "the directory to be gone", func() (string, bool) {
		_, err := os.Stat(filepath.Dir(data))
		return "it is there", errors.Is(err, os.ErrNotExist)
	})
	p.orrery("down")
	p.up("--runtime", "containerd")
	p.becomes("", "storageclasses", "{.items[*].metadata.name}")
}

// copies are a snapshot of the database's volume, and pods with what was made of the snapshot and of the claim.
const copies = `
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: saved}
spec: {source: {persistentVolumeClaimName: data-db-0}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: restored}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 128Mi}}
  dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: saved}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: cloned}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 128Mi}}
  dataSource: {kind: PersistentVolumeClaim, name: data-db-0}
---
`

// reader is a pod that reads a claim.
const reader = `
apiVersion: v1
kind: Pod
metadata: {name: CLAIM}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: web, image: "registry.orrery.dev/web:1", volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: CLAIM}}]
---
`

// keepsASnapshot takes a snapshot of the database's volume, whose content is in a directory, and makes volumes of both once the content
// is another: that of the snapshot has what was there.
func keepsASnapshot(t *testing.T, p *plane, data string) {
	t.Helper()
	p.apply(copies)
	p.becomes("true", "volumesnapshot/saved", "{.status.readyToUse}")
	if err := os.WriteFile(filepath.Join(data, "greeting"), []byte("good evening"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.apply(strings.ReplaceAll(reader, "CLAIM", "restored") + strings.ReplaceAll(reader, "CLAIM", "cloned"))
	for pod, want := range map[string]string{"restored": "good morning", "cloned": "good evening"} {
		p.becomes("Running", "pod/"+pod, "{.status.phase}")
		if said := p.kubectl("exec", pod, "--", "/web", "cat", "/data/greeting"); strings.TrimSpace(said) != want {
			t.Errorf("%s reads %q, want %q", pod, said, want)
		}
	}
	if said := p.orrery("explain", "pvc/restored"); !strings.Contains(said, "VolumeSnapshot saved") {
		t.Errorf("explain says\n%s", said)
	}
	p.kubectl("delete", "volumesnapshot/saved", "pod/restored", "pod/cloned", "pvc/restored", "pvc/cloned", "--wait")
	p.becomes("", "volumesnapshotcontents", "{.items[*].metadata.name}")
	left, err := os.ReadDir(filepath.Join(filepath.Dir(data), "..", "..", "snapshots"))
	if err != nil || len(left) > 0 {
		t.Errorf("of the snapshot %v is left (%v)", left, err)
	}
}

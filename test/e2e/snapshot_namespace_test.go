package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

const prices = `
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {tea: "%s"}
`

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ""
  hostPath: {path: /nowhere}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Secret
metadata: {name: word, namespace: shop}
stringData: {it: sesame}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, namespace: shop}
spec: {size: 3}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: registry.orrery.dev/web:1}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: c, image: registry.orrery.dev/db:1, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`

// hasShop waits until Deployments of a namespace have rolled out, and looks at what else was in it.
func (p *plane) hasShop(namespace string, deployments ...string) {
	p.t.Helper()
	for _, deployment := range deployments {
		p.kubectl("rollout", "status", "-n", namespace, "deployment/"+deployment, "--timeout="+await.Deadline.String())
	}
	for resource, want := range map[string]string{
		"secret/word {.data.it}":       "c2VzYW1l",
		"configmap/prices {.data.tea}": "3",
		"widgets/w {.spec.size}":       "3",
		"service/web {.spec.selector}": `{"app":"web"}`,
		"namespace/" + namespace + " {.metadata.labels.pod-security\\.kubernetes\\.io/enforce}": "baseline",
	} {
		resource, path, _ := strings.Cut(resource, " ")
		if got := p.get(resource, path, "-n", namespace); got != want {
			p.t.Errorf("%s %s in %s is %q, want %q", resource, path, namespace, got, want)
		}
	}
	uid := p.get("widgets/w", "{.metadata.uid}", "-n", namespace)
	if got := p.get("configmap/prices", "{.metadata.ownerReferences[*].uid}", "-n", namespace); uid == "" || got != uid {
		p.t.Errorf("the owner of configmap/prices in %s is %q, want widget %q", namespace, got, uid)
	}
}

// applyPrices applies them on the server's side, which is refused where somebody else manages the fields.
func (p *plane) applyPrices(tea string) {
	p.t.Helper()
	file := filepath.Join(p.t.TempDir(), "prices.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, prices, tea), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.kubectl("apply", "--server-side", "-f", file)
}

// TestANamespaceIsPutBackAlone loses a namespace and the definition of a kind in it, and restores it: under its name, under another, and in part.
func TestANamespaceIsPutBackAlone(t *testing.T) {
	p := start(t, "--runtime", "simulated")
	p.apply(widgets)
	p.kubectl("wait", "crd/widgets.example.com", "--for=condition=Established", "--timeout=1m")
	p.apply(shop)
	p.applyPrices("3")
	p.kubectl("patch", "configmap/prices", "-n", "shop", "--type=merge", "-p",
		`{"metadata":{"ownerReferences":[{"apiVersion":"example.com/v1","kind":"Widget","name":"w","uid":"`+p.get("widgets/w", "{.metadata.uid}", "-n", "shop")+`"}]}}`)
	p.hasShop("shop", "web", "db")
	address := p.get("service/web", "{.spec.clusterIP}", "-n", "shop")
	file := p.savedPath()
	restore := func(args ...string) []string {
		return append([]string{"snapshot", "restore", file, "--namespace", "shop"}, args...)
	}

	t.Log("all of it is lost")
	p.kubectl("delete", "namespace/shop", "crd/widgets.example.com")
	p.becomes("Released", "pv/disk", "{.status.phase}")
	said := p.orrery(restore("--dry-run")...)
	for _, want := range []string{
		"create Namespace shop: it is not there\n",
		"create Deployment shop/web: it is not there\n",
		"create Service shop/web: it is not there; it gets another cluster IP than " + address + "\n",
		"Widget shop/w: the cluster does not know its kind: --include-crds makes CustomResourceDefinition widgets.example.com too\n",
		"PersistentVolume disk: it is Released: --rebind-volumes",
		": Deployment web makes it again\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the plan does not say %q:\n%s", want, said)
		}
	}
	if got := p.get("namespace/shop", "{.metadata.name}"); got != "" {
		t.Error("a plan has made the namespace")
	}
	if said := p.fails(restore()...); !strings.Contains(said, "1 of the objects cannot be restored") {
		t.Errorf("restoring without the definition says:\n%s", said)
	}
	p.orrery(restore("--include-crds", "--rebind-volumes")...)
	p.hasShop("shop", "web", "db")
	if got := p.get("pvc/data", "{.spec.volumeName} {.status.phase}", "-n", "shop"); got != "disk Bound" {
		t.Errorf("the claim is %q", got)
	}

	t.Log("what is there stays as it is")
	p.applyPrices("5")
	before := p.get("all,cm,secrets,pvc,sa", "{.items[*].metadata.uid}", "-n", "shop")
	said = p.orrery(restore("--include-crds", "--rebind-volumes")...)
	if !strings.HasPrefix(said, "nothing to do\n") || !strings.Contains(said, "ConfigMap shop/prices: it was restored, and differs: --overwrite replaces it\n") {
		t.Errorf("restoring again says:\n%s", said)
	}
	if after := p.get("all,cm,secrets,pvc,sa", "{.items[*].metadata.uid}", "-n", "shop"); after != before {
		t.Errorf("restoring again has changed something: %s, and before %s", after, before)
	}
	if got := p.get("configmap/prices", "{.data.tea}", "-n", "shop"); got != "5" {
		t.Errorf("what was changed since is %q after that", got)
	}
	p.orrery(restore("--overwrite", "--kinds", "cm")...)
	if got := p.get("configmap/prices", "{.data}", "-n", "shop"); got != `{"tea":"3"}` {
		t.Errorf("overwritten it is %q", got)
	}

	t.Log("under another name")
	if said := p.orrery(restore("--into", "copy")...); !strings.Contains(said, "volume disk is claimed by shop/data: another one is provisioned, and is empty") {
		t.Errorf("restoring under another name says:\n%s", said)
	}
	p.hasShop("copy", "web")

	t.Log("as somebody else")
	jane := filepath.Join(t.TempDir(), "jane")
	p.orrery("kubeconfig", "--as-user", "jane", "-o", jane)
	p.kubectl("create", "rolebinding", "jane", "-n", "copy", "--clusterrole=edit", "--user=jane")
	if said := p.fails(restore("--into", "other", "--kubeconfig", jane)...); !strings.Contains(said, "forbidden") {
		t.Errorf("somebody without rights there is told:\n%s", said)
	}
	p.kubectl("delete", "configmap/prices", "-n", "copy")
	p.orrery(restore("--into", "copy", "--kubeconfig", jane, "--kinds", "configmaps")...)
	if got := p.get("configmap/prices", "{.data.tea}", "-n", "copy"); got != "3" {
		t.Errorf("restored by somebody with rights it is %q", got)
	}
}

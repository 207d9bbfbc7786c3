package e2e

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-dev/orrery/apiserver/testserver"
)

// upstreams are objects that an API server of upstream's has when ours takes over: of built-in kinds, of a kind that somebody
// defined, and one that is encrypted.
const upstreams = `
apiVersion: v1
kind: Secret
metadata: {name: theirs, namespace: default}
stringData: {word: sesame}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: theirs, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: theirs}}
  template:
    metadata: {labels: {app: theirs}}
    spec: {containers: [{name: web, image: "registry.orrery.dev/web:1"}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: planets.example.org}
spec:
  group: example.org
  names: {kind: Planet, listKind: PlanetList, plural: planets, singular: planet}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

const (
	planet = `{"apiVersion": "example.org/v1", "kind": "Planet", "metadata": {"name": "saturn", "namespace": "default"}, "spec": {"rings": 7}}`
	// ours are objects that our API server has when upstream's takes over, one of them by its second name.
	ours = `
apiVersion: v1
kind: Secret
metadata: {name: ours, namespace: default}
stringData: {word: open}
---
apiVersion: apps.orrery.dev/v1
kind: Deployment
metadata: {name: ours, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: ours}}
  template:
    metadata: {labels: {app: ours}}
    spec: {containers: [{name: web, image: "registry.orrery.dev/web:1"}]}
`
)

// store is an etcd with a way to encrypt what is in it, and what both servers have to be told of it.
type store struct {
	dir, encryption string
}

func newStore(t *testing.T) store {
	t.Helper()
	s := store{dir: filepath.Join(t.TempDir(), "data"), encryption: filepath.Join(t.TempDir(), "encryption.yaml")}
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	config := "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - secretbox: {keys: [{name: one, secret: " + key + "}]}\n"
	if err := os.WriteFile(s.encryption, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func upstreamProgram(args ...string) *exec.Cmd { return exec.Command(binary, args...) }

// upstream starts upstream's API server on the store.
func (s store) upstream(t *testing.T, etcd *testserver.PlainEtcd) (*cluster, *testserver.Plain) {
	t.Helper()
	plain := testserver.StartPlainServer(t, upstreamProgram, etcd.Endpoint,
		"--encryption-provider-config="+s.encryption, "--service-cluster-ip-range=10.96.0.0/16")
	return &cluster{plane: &plane{t: t, dir: t.TempDir(), name: "unused"}, kubeconfig: plain.Kubeconfig}, plain
}

// up are the flags by which ours uses the store.
func (s store) up() []string {
	return []string{"--runtime", "simulated", "--encryption-config", s.encryption}
}

// identities are what does not change of objects when nobody writes them.
func identities(get func(args ...string) string) string {
	return get("get", "secrets/theirs", "planets.example.org/saturn", "crd/planets.example.org", "deployments.apps/theirs", "-o",
		`jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid} {.metadata.creationTimestamp} {.data} {.spec.rings} {.spec.selector}{"\n"}{end}`)
}

// TestAnEtcdGoesFromUpstreamsServerToOursAndBack hands an etcd that upstream's API server has written to ours, by its address
// and by its directory, and back. The upstream programs are those that bin/orrery hosts: their commands, with nothing of ours
// in them, which the test holds as well.
func TestAnEtcdGoesFromUpstreamsServerToOursAndBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	etcd := testserver.StartPlainEtcd(t, upstreamProgram, s.dir)
	c, plain := s.upstream(t, etcd)
	c.on("kubectl", "apply", "-f", c.file("theirs.yaml", upstreams))
	c.on("kubectl", "wait", "--for=condition=Established", "crd/planets.example.org")
	c.on("kubectl", "apply", "-f", c.file("planet.json", planet))
	if said, err := c.tryOn("kubectl", "get", "--raw", "/apis/apps.orrery.dev/v1/deployments"); err == nil {
		t.Fatalf("upstream's server knows a second name: %s", said)
	}
	onCluster := func(args ...string) string { return c.on(append([]string{"kubectl"}, args...)...) }
	before := identities(onCluster)
	plain.Stop()

	byAddress := start(t, append(s.up(), "--etcd-servers", etcd.Endpoint)...)
	if diff := cmp.Diff(before, identities(byAddress.kubectl)); diff != "" {
		t.Errorf("taken over by its address, it has (-before +after):\n%s", diff)
	}
	if second := byAddress.get("deployments.apps.orrery.dev/theirs", "{.metadata.uid}"); second == "" || !strings.Contains(before, second) {
		t.Errorf("by its second name, what was there is %q", second)
	}
	byAddress.rolledOut("theirs")
	byAddress.apply(ours)
	byAddress.rolledOut("ours")
	byAddress.orrery("down")

	back := func(etcd *testserver.PlainEtcd) {
		t.Helper()
		var again *testserver.Plain
		c, again = s.upstream(t, etcd)
		if diff := cmp.Diff(before, identities(onCluster)); diff != "" {
			t.Errorf("given back, it has (-before +after):\n%s", diff)
		}
		if word := c.on("kubectl", "get", "secret/ours", "-o", "jsonpath={.data.word}"); word != base64.StdEncoding.EncodeToString([]byte("open")) {
			t.Errorf("given back, our secret is %q", word)
		}
		c.shows("1", "deployments.apps", "ours", "{.status.readyReplicas}")
		again.Stop()
		etcd.Stop()
	}
	back(etcd)

	byDirectory := newPlane(t)
	inside := filepath.Join(byDirectory.dir, byDirectory.name, "apiserver", "etcd")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(inside, "member-data"), os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	byDirectory.up(s.up()...)
	if diff := cmp.Diff(before, identities(byDirectory.kubectl)); diff != "" {
		t.Errorf("taken over by its directory, it has (-before +after):\n%s", diff)
	}
	byDirectory.rolledOut("ours")
	byDirectory.orrery("down")
	back(testserver.StartPlainEtcd(t, upstreamProgram, filepath.Join(inside, "member-data")))
}

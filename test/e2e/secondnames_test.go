package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

const webBySecondName = `apiVersion: apps.orrery.dev/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.orrery.dev/web:1"}]}
`

// compiledIn is what kubectl says of a kind that it has to be compiled with.
const compiledIn = "is registered for version"

// TestKubectlOnSecondNames runs kubectl's commands on objects by their second names, as kubectl allows it: those that work by
// any kind do, and those that work by kinds that kubectl is compiled with are refused by itself, before the server is asked.
// docs/architecture.md has the same table.
func TestKubectlOnSecondNames(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	const web = "deployments.apps.orrery.dev/web"
	file := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(file, []byte(webBySecondName), 0o600); err != nil {
		t.Fatal(err)
	}
	p.kubectl("apply", "-f", file)
	p.publishes(t, "apps.orrery.dev/v1", "deployments/{name}")
	p.kubectl("wait", web, "--for=condition=Available", "--timeout="+await.Deadline.String())
	node := p.get("nodes", "{.items[0].metadata.name}")

	for _, command := range []struct {
		args []string
		want string
	}{
		{[]string{"apply", "-f", file}, "deployment.apps.orrery.dev/web unchanged"},
		{[]string{"apply", "--server-side", "--force-conflicts", "-f", file}, "serverside-applied"},
		{[]string{"diff", "-f", file}, ""},
		{[]string{"get", web, "-o", "wide"}, "registry.orrery.dev/web:1"},
		{[]string{"get", "odeploy", "-A", "-o", "jsonpath={.items[*].apiVersion}"}, "apps.orrery.dev/v1"},
		{[]string{"describe", web}, "API Version:  apps.orrery.dev/v1"},
		{[]string{"explain", "odeploy.spec.replicas"}, "Number of desired pods"},
		{[]string{"explain", "pods.spec.containers.image", "--api-version=core.orrery.dev/v1"}, "Container image name"},
		{[]string{"label", web, "ring=yes"}, "labeled"},
		{[]string{"annotate", web, "moon=titan"}, "annotated"},
		{[]string{"patch", web, "-p", `{"metadata":{"labels":{"ring":"no"}}}`}, "patched"},
		{[]string{"patch", web, "--type=merge", "-p", `{"metadata":{"labels":{"ring":"yes"}}}`}, "patched"},
		{[]string{"patch", web, "--type=json", "-p", `[{"op":"test","path":"/apiVersion","value":"apps.orrery.dev/v1"}]`}, "patched"},
		{[]string{"edit", web}, "edited"}, // by the editor below, which asks for 3
		{[]string{"wait", web, "--for=jsonpath={.status.readyReplicas}=3", "--timeout=" + await.Deadline.String()}, "condition met"},
		{[]string{"scale", web, "--replicas=2", "--current-replicas=3"}, "scaled"},
		{[]string{"autoscale", web, "--max=2"}, "autoscaled"},
		{[]string{"replace", "-f", file}, "replaced"},
		{[]string{"auth", "can-i", "create", "deployments.apps.orrery.dev"}, "yes"},
		{[]string{"taint", "nodes.core.orrery.dev", node, "dust=deep:PreferNoSchedule"}, "tainted"},
	} {
		said, err := p.edit("sed -i 's/replicas: 2/replicas: 3/'", command.args...)
		if err != nil || !strings.Contains(said, command.want) {
			t.Errorf("kubectl %s: %v\n%s\nwant %q", strings.Join(command.args, " "), err, said, command.want)
		}
	}
	pod := p.oneOf(t, 2, "app=web") // of the two that are left: which one was scaled away is not ours to say
	for _, args := range [][]string{
		{"rollout", "status", web},
		{"rollout", "restart", web},
		{"rollout", "undo", web},
		{"set", "image", web, "web=registry.orrery.dev/web:2"},
		{"expose", web, "--port=80"},
		{"logs", "pods.core.orrery.dev/" + pod},
		{"exec", "pods.core.orrery.dev/" + pod, "--", "true"},
		{"attach", "pods.core.orrery.dev/" + pod},
		{"port-forward", "pods.core.orrery.dev/" + pod, "0:8080"},
		{"debug", "pods.core.orrery.dev/" + pod, "--image=debug"},
		{"cordon", "nodes.core.orrery.dev/" + node},
		{"drain", "nodes.core.orrery.dev/" + node},
	} {
		if said := p.fails(append([]string{"kubectl"}, args...)...); !strings.Contains(said, compiledIn) {
			t.Errorf("kubectl %s is refused otherwise, or by somebody else: %s", strings.Join(args, " "), said)
		}
	}
	p.kubectl("delete", "pods.core.orrery.dev/"+pod)
	p.kubectl("delete", web, "--cascade=foreground")
	p.becomes("", "replicasets,pods", "{.items[*].metadata.name}", "-l", "app=web")
}

// edit runs kubectl with an editor.
func (p *plane) edit(editor string, args ...string) (string, error) {
	command := p.command(append([]string{"kubectl"}, args...)...)
	command.Env = append(command.Env, "KUBE_EDITOR="+editor)
	said, err := command.CombinedOutput()
	return string(said), err
}

// oneOf waits until there are so many pods with a label, and returns the name of one.
func (p *plane) oneOf(t *testing.T, count int, label string) (name string) {
	t.Helper()
	await.Until(t, fmt.Sprintf("pods with the label %s to be %d", label, count), func() (string, bool) {
		names := strings.Fields(p.get("pods", "{.items[*].metadata.name}", "-l", label))
		if len(names) != count {
			return fmt.Sprint(names), false
		}
		name = names[0]
		return "", true
	})
	return name
}

// publishes waits for the OpenAPI document of an API version to have a path. An API server publishes those of definitions some
// time after it is ready; until then, kubectl apply does not know how lists are merged and replaces them, defaults and all.
func (p *plane) publishes(t *testing.T, version, path string) {
	t.Helper()
	await.Until(t, "the document of "+version+" to be published and to have "+path, func() (string, bool) {
		index, err := p.try("kubectl", "get", "--raw", "/openapi/v3")
		if err != nil || !strings.Contains(index, "apis/"+version) {
			return "the index does not name it", false
		}
		document, err := p.try("kubectl", "get", "--raw", "/openapi/v3/apis/"+version)
		return "", err == nil && strings.Contains(document, path)
	})
}

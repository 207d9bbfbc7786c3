package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A release for two namespaces, on an API server that knows nothing of us. Its manager runs here, with the arguments of its Deployment and as
// its ServiceAccount: the rights of the release's roles are enough for all that it tries.
func TestAReleaseForTwoNamespaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, policy := filepath.Join(dir, "audit.log"), filepath.Join(dir, "policy.yaml")
	writeFile(t, policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n")
	plain := newPlain(t, "--audit-log-path", log, "--audit-policy-file", policy)
	for _, name := range []string{namespace, "shop", "blog", "elsewhere"} {
		plain.kubectl(t, "", "create", "namespace", name)
	}
	newHelm(t, "v4").on(plain.kubeconfig).run(t, "install", chartName, chart, "--values", filepath.Join("testdata", "namespaced-values.yaml"))
	plain.establishes(t)
	plain.runManager(t, dir)

	for _, name := range []string{"elsewhere", "shop", "blog"} {
		plain.kubectl(t, web, "-n", name, "apply", "-f", "-")
	}
	for _, name := range []string{"shop", "blog"} {
		becomes(t, "a Deployment in "+name+" that knows of its two pods", func() (string, bool) {
			replicas, err := plain.try("", "-n", name, "get", "deployments.apps.orrery.dev/web", "-o", "jsonpath={.status.replicas}")
			return replicas, err == nil && replicas == "2"
		})
	}
	if made := plain.kubectl(t, "", "-n", "elsewhere", "get", "replicasets.apps.orrery.dev,pods.core.orrery.dev", "-o", "name"); made != "" {
		t.Errorf("in a namespace that is none of the manager's there are:\n%s", made)
	}
	asked, refused := decisions(t, log, account)
	t.Logf("the manager has asked %d times", asked)
	if asked == 0 || len(refused) > 0 {
		t.Errorf("of %d requests of the manager were refused:\n%s", asked, strings.Join(refused, "\n"))
	}
}

// account is who the manager of a release is.
const account = "system:serviceaccount:" + namespace + ":orrery-controller-manager"

// web is a Deployment of two pods, which nobody runs here.
const web = `apiVersion: apps.orrery.dev/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

// runManager runs the manager that a release would have in a pod, but for the ports that it listens at.
func (c cluster) runManager(t *testing.T, dir string) {
	t.Helper()
	var args []string
	of := []string{"-n", namespace, "get", "deployments.apps/orrery-controller-manager", "-o", "jsonpath={.spec.template.spec.containers[0].args}"}
	if err := json.Unmarshal([]byte(c.kubectl(t, "", of...)), &args); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := os.ReadFile(c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(c.kubectl(t, "", "-n", namespace, "create", "token", "orrery-controller-manager"))
	as := filepath.Join(dir, "kubeconfig")
	writeFile(t, as, strings.Replace(string(kubeconfig), "token: secret", "token: "+token, 1))
	args = append(args, "--kubeconfig", as, "--metrics-bind-address=0", "--health-probe-bind-address=0", "--leader-elect-resource-namespace", namespace)
	start(t, append([]string{"manager"}, args...)...)
}

// decisions are how many requests of a user an audit log has, and those of them that were refused.
func decisions(t *testing.T, log, user string) (asked int, refused []string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			Annotations      map[string]string
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			continue // the last line is being written
		}
		if event.User.Username != user {
			continue
		}
		asked++
		if event.Annotations["authorization.k8s.io/decision"] == "forbid" {
			refused = append(refused, event.Verb+" "+event.RequestURI)
		}
	}
	return asked, refused
}

package e2e

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/internal/await"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// orreryDeployment is a Deployment of the demo image as a custom resource.
func orreryDeployment(version string) string {
	return strings.Replace(webDeployment(version), "apiVersion: apps/v1", "apiVersion: apps.orrery.dev/v1", 1)
}

// install installs the definitions.
func (c *cluster) install() {
	c.t.Helper()
	c.on("kubectl", "apply", "--server-side", "-k", "../../config/crd")
	c.on("kubectl", "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
}

// This machine as a node of a cluster that knows nothing of us: its API server has no pods, only objects of that name.
func TestADeploymentAsACustomResourceRunsInContainers(t *testing.T) {
	t.Parallel()
	needsContainers(t)
	node := newPlane(t) // which holds the node's instance, and removes it
	c := newCluster(t)
	c.install()
	c.run("manager", "--kubeconfig", c.kubeconfig, "--scheduler", "--cluster-loops")
	c.run("node", "--shared-disk", "--kubeconfig", c.kubeconfig, "--data-dir", node.dir, "--name", node.name)

	c.on("kubectl", "apply", "--server-side", "-f", c.file("web.yaml", orreryDeployment("1")))
	c.shows("4", "deployments.apps.orrery.dev", "web", "{.status.availableReplicas}")
	for _, ip := range strings.Fields(c.on("kubectl", "get", "pods.core.orrery.dev", "-lapp=web", "-o", "jsonpath={.items[*].status.podIP}")) {
		c.serves("http://"+ip+":8080/env", "VERSION=1")
	}
	c.on("kubectl", "apply", "--server-side", "-f", c.file("web.yaml", orreryDeployment("2")))
	c.shows("2 2 2 2", "pods.core.orrery.dev", "-lapp=web", "{.items[*].spec.containers[0].env[0].value}")
	c.shows("4", "deployments.apps.orrery.dev", "web", "{.status.availableReplicas}")
	c.on("kubectl", "delete", "deployments.apps.orrery.dev/web")
	c.shows("", "pods.core.orrery.dev", "-lapp=web", "{.items[*].metadata.name}")
}

// serves waits until a URL answers with a text.
func (c *cluster) serves(url, want string) {
	c.t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	await.Until(c.t, url+" to answer "+want, func() (string, bool) {
		response, err := client.Get(url)
		if err != nil {
			return err.Error(), false
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		return string(body), err == nil && strings.Contains(string(body), want)
	})
}

// The rules that Kubernetes has for its own kinds, asked by an API server that knows ours as custom resources.
func TestWebhooksRefuseAnInvalidCustomResource(t *testing.T) {
	c := newCluster(t)
	c.install()
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	log.SetLogger(logr.Discard()) // the installer's
	hooks := envtest.WebhookInstallOptions{Paths: []string{"../../config/webhook/manifests.yaml"}}
	if err := hooks.Install(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hooks.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	c.run("manager", "--kubeconfig", c.kubeconfig, "--scheduler", "--simulated-nodes", "1", "--leader-elect",
		"--webhook-cert-path", hooks.LocalServingCertDir, "--webhook-host", hooks.LocalServingHost, "--webhook-port", strconv.Itoa(hooks.LocalServingPort))

	invalid := c.file("invalid.yaml", strings.Replace(orreryDeployment("1"), "matchLabels: {app: web}", "matchLabels: {app: other}", 1))
	await.Until(c.t, "the invalid Deployment to be refused", func() (string, bool) {
		out, err := c.tryOn("kubectl", "create", "-f", invalid)
		return out, err != nil && strings.Contains(out, "`selector` does not match template `labels`")
	})
	c.shows("", "deployments.apps.orrery.dev", "--ignore-not-found", "{.items[*].metadata.name}")

	c.on("kubectl", "create", "-f", c.file("web.yaml", orreryDeployment("1")))
	c.shows("4", "deployments.apps.orrery.dev", "web", "{.status.availableReplicas}")
	c.shows("25% 10", "deployments.apps.orrery.dev", "web", "{.spec.strategy.rollingUpdate.maxSurge} {.spec.revisionHistoryLimit}")
}

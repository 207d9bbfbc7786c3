package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// image is what the tests call the image that they run; its name resolves nowhere.
const image = "registry.orrery.dev/orrery"

// The release on a cluster that runs containers, with the manager in a pod of our own image: `orrery up`, in which nobody makes Jobs
// run until the manager does. There the kinds have both of their names already, and rights are judged by the first, so that the
// manager is given those of the one loop, before it starts: its webhooks, and so it, are ready once it may read what it watches.
func TestAReleaseInContainers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("containers need root")
	}
	t.Parallel()
	needsProgram(t)
	up := newUp(t, "--controllers=*,-job-controller")
	up.orrery(t, "image", "load", newImage(t))
	h := newHelm(t, "v4").on(up.kubeconfig)

	for _, role := range []string{"orrery:controller:job-controller", "orrery:controller-cache"} {
		up.kubectl(t, "", "create", "clusterrolebinding", strings.ReplaceAll(role, ":", "-"), "--clusterrole", role,
			"--serviceaccount", namespace+":orrery-controller-manager")
	}
	h.run(t, "install", chartName, chart, "--create-namespace", "--wait", "--timeout", patience.String(),
		"--set", "crd.enabled=false,scheduler.enabled=false,controllers={job-controller}",
		"--set", "manager.image.repository="+image+",manager.image.tag=test")
	up.kubectl(t, "", "create", "job", "look", "--image", "registry.orrery.dev/web:1", "--", "/web", "ls", "/")
	up.kubectl(t, "", "wait", "--for=condition=Complete", "--timeout="+patience.String(), "job/look")

	t.Run("its metrics are for whoever may read them", func(t *testing.T) { readsMetrics(t, up) })
	t.Run("it is upgraded, and rolled back", func(t *testing.T) {
		h.run(t, "upgrade", chartName, chart, "--reuse-values", "--set", "manager.replicas=2", "--wait", "--timeout", patience.String())
		up.shows(t, "2", "deployment/orrery-controller-manager", "{.status.availableReplicas}")
		h.run(t, "rollback", chartName, "1", "--wait", "--timeout", patience.String())
		up.shows(t, "1", "deployment/orrery-controller-manager", "{.status.availableReplicas}")
	})
	t.Run("it is uninstalled", func(t *testing.T) {
		h.run(t, "uninstall", chartName, "--wait", "--timeout", patience.String())
		up.shows(t, "", "deployments", "{.items[*].metadata.name}")
	})
}

// readsMetrics asks for the manager's metrics as nobody, as somebody without and as somebody with the right to read them.
func readsMetrics(t *testing.T, up up) {
	url := "https://" + up.get("pods", "{.items[0].status.podIP}", "-l", "control-plane=controller-manager") + ":8443/metrics"
	answers(t, url, "", http.StatusUnauthorized, "")
	answers(t, url, up.token(t, "stranger"), http.StatusForbidden, "")
	up.kubectl(t, "", "create", "clusterrolebinding", "reader", "--clusterrole=orrery-metrics-reader", "--serviceaccount="+namespace+":reader")
	answers(t, url, up.token(t, "reader"), http.StatusOK, "orrery_loop_passes_total")
}

// token is that of a new ServiceAccount.
func (u up) token(t *testing.T, name string) string {
	t.Helper()
	u.kubectl(t, "", "-n", namespace, "create", "serviceaccount", name)
	return strings.TrimSpace(u.kubectl(t, "", "-n", namespace, "create", "token", name))
}

// answers waits until a URL answers with a status, and a text.
func answers(t *testing.T, url, token string, status int, text string) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	becomes(t, fmt.Sprintf("%s to answer %d", url, status), func() (string, bool) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := client.Do(request)
		if err != nil {
			return err.Error(), false
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		return fmt.Sprintf("%s %v %.300s", response.Status, err, body), response.StatusCode == status && strings.Contains(string(body), text)
	})
}

// newImage makes the image of the program that is tested.
func newImage(t *testing.T) string {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	command := exec.Command("go", "run", "./hack/image", "-name", image+":test", "-program", program, "-out", archive)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("making the image: %v\n%s", err, out)
	}
	return archive
}

// up is a control plane with containers.
type up struct {
	cluster
	dir string
}

func newUp(t *testing.T, flags ...string) up {
	t.Helper()
	u := up{dir: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			for _, args := range [][]string{{"kubectl", "get", "pods,events", "-A"}, {"kubectl", "-n", namespace, "logs", "-l", "control-plane=controller-manager"}, {"logs", "--tail", "40"}} {
				out, err := u.command(args...).CombinedOutput()
				t.Logf("orrery %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
		u.orrery(t, "down")
		u.orrery(t, "reset", "--yes")
	})
	u.orrery(t, append([]string{"up"}, flags...)...)
	u.kubeconfig = filepath.Join(u.dir, "chart", "kubeconfig")
	return u
}

func (u up) command(args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), "ORRERY_DATA_DIR="+u.dir, "ORRERY_NAME=chart", "KUBECONFIG=")
	return command
}

func (u up) orrery(t *testing.T, args ...string) {
	t.Helper()
	if out, err := u.command(args...).CombinedOutput(); err != nil {
		t.Fatalf("orrery %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// get is what kubectl's jsonpath prints of a resource in the release's namespace.
func (u up) get(resource, path string, args ...string) string {
	out, err := u.try("", append([]string{"-n", namespace, "get", resource, "-o", "jsonpath=" + path}, args...)...)
	if err != nil {
		return ""
	}
	return out
}

// shows waits until kubectl's jsonpath of a resource prints a value.
func (u up) shows(t *testing.T, want, resource, path string) {
	t.Helper()
	becomes(t, resource+" "+path+" to be "+strconv.Quote(want), func() (string, bool) {
		got := u.get(resource, path)
		return got, got == want
	})
}

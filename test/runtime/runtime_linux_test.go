package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
	"github.com/orrery-dev/orrery/nodeagent/images"
)

// get fetches a URL, trying until the server answers.
func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var body []byte
	await.Success(t, url+" answers", func() error {
		answer, err := client.Get(url)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }() // it was only read
		body, err = io.ReadAll(answer.Body)
		return err
	})
	return string(body)
}

func TestRuntime(t *testing.T) {
	n := newNode(t)
	first := n.runPod("first")

	t.Run("a pod has an address of the node's range and answers the host", func(t *testing.T) {
		ip, err := netip.ParseAddr(first.ip)
		if err != nil || !n.pods[0].Contains(ip) {
			t.Fatalf("the pod's address is %q, want one of %s", first.ip, n.pods)
		}
		if said := get(t, "http://"+first.ip+":8080/"); !strings.Contains(said, "Hello from first") {
			t.Errorf("the pod said %q", said)
		}
	})

	t.Run("a request is in the container's log", func(t *testing.T) {
		get(t, "http://"+first.ip+":8080/in-the-log")
		await.Success(t, "the request is in the log", func() error {
			log, err := os.ReadFile(first.log)
			if err != nil || !strings.Contains(string(log), "GET /in-the-log 200") {
				return fmt.Errorf("the log is %q (%w)", log, err)
			}
			return nil
		})
	})

	t.Run("a person can look around in the container", func(t *testing.T) {
		if said, err := n.exec(first, "/web", "ls", "/"); err != nil || !strings.Contains(said, " web\n") {
			t.Errorf("web ls / printed %q (%v)", said, err)
		}
	})

	t.Run("a pod reaches another pod under its own address", func(t *testing.T) {
		second := n.runPod("second")
		said, err := n.exec(second, "/web", "wget", "http://"+first.ip+":8080/")
		if err != nil || !strings.Contains(said, "From: "+second.ip+":") {
			t.Errorf("the first pod said %q (%v), want it to see %s", said, err, second.ip)
		}
	})

	t.Run("a pod that asks for the default seccomp profile is confined by it", func(t *testing.T) {
		confined := n.runPod("confined", func(c *runtimeapi.PodSandboxConfig) {
			profile := &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}
			c.Linux.SecurityContext = &runtimeapi.LinuxSandboxSecurityContext{Seccomp: profile}
		})
		said, err := n.exec(confined, "/web", "cat", "/proc/1/status")
		if err != nil || !strings.Contains(said, "\nSeccomp:\t2\n") {
			t.Errorf("the status of its first process is %q (%v), want Seccomp: 2", said, err)
		}
	})

	t.Run("the runtime's images are known by name", func(t *testing.T) {
		list, err := n.runtime.Images().List(t.Context())
		var tags []string
		for _, image := range list {
			tags = append(tags, image.Tags...)
			if !image.Pinned {
				t.Errorf("%v is not pinned: whoever collects what nobody uses would take it, and no registry may have it", image.Tags)
			}
		}
		slices.Sort(tags)
		if err != nil || !slices.Equal(tags, []string{images.Pause, images.Web}) {
			t.Errorf("images are %v (%v), want pause and web", tags, err)
		}
	})

	t.Run("an archive of another tool can be loaded twice", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "saved.tar")
		tag, err := name.NewTag("saved:2")
		if err != nil {
			t.Fatal(err)
		}
		image, err := images.Program{Reference: tag.Name(), Binary: "runtime_linux_test.go", Path: "/saved", Architecture: goruntime.GOARCH}.Image()
		if err != nil {
			t.Fatal(err)
		}
		if err := tarball.WriteToFile(file, tag, image); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			names, err := n.runtime.Images().Load(t.Context(), file)
			if err != nil || !slices.Equal(names, []string{"docker.io/library/saved:2"}) {
				t.Errorf("loaded %v (%v)", names, err)
			}
		}
	})

	t.Run("what is no archive is refused with its reason", func(t *testing.T) {
		if _, err := n.runtime.Images().Load(t.Context(), "runtime_linux_test.go"); err == nil || !strings.Contains(err.Error(), "not a tar archive") {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("a containerd that is killed is restarted and keeps its containers", func(t *testing.T) {
		before := n.runtime.Status().PID
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		n.awaitContainer(first)
		if after := n.runtime.Status(); after.PID == before || after.Restarts != 1 {
			t.Errorf("the status is %+v after process %d was killed", after, before)
		}
		get(t, "http://"+first.ip+":8080/")
	})

	t.Run("a control plane that is killed leaves a containerd, which the next one replaces", func(t *testing.T) {
		n.stop()
		options, err := json.Marshal(n.options)
		if err != nil {
			t.Fatal(err)
		}
		plane := exec.Command(os.Args[0])
		plane.Env = append(os.Environ(), runRuntime+"="+string(options))
		if err := plane.Start(); err != nil {
			t.Fatal(err)
		}
		n.awaitContainer(first)
		left := containerds(t, n.options.Dir)
		if err := errors.Join(plane.Process.Kill(), ignoreExit(plane.Wait())); err != nil {
			t.Fatal(err)
		}
		if still := containerds(t, n.options.Dir); len(left) != 1 || !slices.Equal(left, still) {
			t.Fatalf("containerds are %v, and %v after the control plane was killed: want the same one", left, still)
		}
		n.start()
		n.awaitContainer(first)
		if now := containerds(t, n.options.Dir); len(now) != 1 || slices.Equal(left, now) {
			t.Errorf("containerds are %v after the next control plane started, want one other than %v", now, left)
		}
	})

	t.Run("a second control plane is refused the same directory", func(t *testing.T) {
		second, err := containerd.New(n.options)
		if err != nil {
			t.Fatal(err)
		}
		if err := second.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("a control plane that is started again adopts the containers", func(t *testing.T) {
		n.stop()
		get(t, "http://"+first.ip+":8080/") // while no containerd runs
		n.start()
		n.awaitContainer(first)
		if _, err := n.exec(first, "/web", "env"); err != nil {
			t.Errorf("executing in an adopted container: %v", err)
		}
	})
}

// containerds are the processes that run with a configuration in dir.
func containerds(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(file string) bool {
		line, _ := os.ReadFile(file) // one that has ended has none
		return !strings.Contains(string(line), "--config\x00"+dir)
	})
}

// ignoreExit lets pass that a process was killed.
func ignoreExit(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}

// awaitContainer returns when the runtime says that a pod's container runs.
func (n *node) awaitContainer(p pod) {
	n.t.Helper()
	await.Success(n.t, "container "+p.container+" runs", func() error {
		answer, err := n.cri.ContainerStatus(n.t.Context(), &runtimeapi.ContainerStatusRequest{ContainerId: p.container})
		if err != nil {
			return err
		}
		if state := answer.GetStatus().GetState(); state != runtimeapi.ContainerState_CONTAINER_RUNNING {
			return fmt.Errorf("the container is in state %s", state)
		}
		return nil
	})
}

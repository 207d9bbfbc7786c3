package podresources

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	podresourcesv1 "k8s.io/kubelet/pkg/apis/podresources/v1"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/claims"
	"github.com/orrery-dev/orrery/nodeagent/devices"
	"github.com/orrery-dev/orrery/nodeagent/memory"
	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

// shelf has devices that some containers have.
type shelf map[string]map[string]map[string][]int64

func (s shelf) Given(pod types.UID, container string) map[string]map[string][]int64 {
	return s[string(pod)+"/"+container]
}

func (shelf) Offered() map[string]map[string]devices.Device {
	return map[string]map[string]devices.Device{"example.com/gpu": {"b": {Healthy: true}, "a": {Healthy: true, NUMA: []int64{0, 1}}}}
}

// socketful are CPUs, of which one container has some.
type socketful struct{}

func (socketful) GivenCPUs(pod types.UID, container string) []int {
	if pod == "u" && container == "main" {
		return []int{1, 5}
	}
	return nil
}

func (socketful) AllocatableCPUs() []int { return []int{1, 2, 3} }

func (socketful) GivenMemory(pod types.UID, container string) []memory.Block {
	if pod == "u" && container == "main" {
		return []memory.Block{{Nodes: []int{0, 1}, Type: "memory", Size: 5}}
	}
	return nil
}

func (socketful) Of(_ *corev1.Pod, spec *corev1.Container) []claims.Claim {
	if spec.Name != "main" {
		return nil
	}
	return []claims.Claim{{Namespace: "shop", Name: "claim", Devices: map[string][]claims.Device{"driver": {{Pool: "p", Name: "d", CDI: []string{"x/y=z"}}}}}}
}

func (socketful) AllocatableMemory() []memory.Block {
	return []memory.Block{{Nodes: []int{0}, Type: "hugepages-2Mi", Size: 7}}
}

func pods() []*corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u"}}
	pod.Spec.InitContainers = []corev1.Container{{Name: "init"}, {Name: "side", RestartPolicy: &always}}
	pod.Spec.Containers = []corev1.Container{{Name: "main"}}
	return []*corev1.Pod{pod}
}

// serve has a server run until the test ends, and is a client of it.
func serve(t *testing.T) podresourcesv1.PodResourcesListerClient {
	t.Helper()
	root, err := os.MkdirTemp("", "podresources") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Root: root, Pods: pods, CPUs: socketful{}, Memory: socketful{}, Claims: socketful{}, Devices: shelf{
		"u/init": {"example.com/gpu": {"x": nil}}, "u/side": {"example.com/gpu": {"c": {1}}},
		"u/main": {"example.com/gpu": {"a": {0, 1}}, "example.com/fpga": {"f": nil}},
	}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	socket := filepath.Join(root, Dir, Socket)
	connection, err := plugins.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	await.Success(t, "the server listens", func() error {
		_, err := os.Stat(socket)
		return err
	})
	return podresourcesv1.NewPodResourcesListerClient(connection)
}

// told is what is told of devices, in words.
func told(list []*podresourcesv1.ContainerDevices) string {
	var words []string
	for _, d := range list {
		at := ""
		for _, node := range d.GetTopology().GetNodes() {
			at += fmt.Sprintf("@%d", node.GetID())
		}
		words = append(words, fmt.Sprintf("%s %v%s", d.GetResourceName(), d.GetDeviceIds(), at))
	}
	return strings.Join(words, ", ")
}

func ofClaims(list []*podresourcesv1.DynamicResource) (words string) {
	for _, c := range list {
		words += fmt.Sprintf(", %s/%s", c.GetClaimNamespace(), c.GetClaimName())
		for _, d := range c.GetClaimResources() {
			words += fmt.Sprintf(" %s %s %s", d.GetDriverName(), d.GetPoolName(), d.GetDeviceName())
			for _, id := range d.GetCdiDevices() {
				words += fmt.Sprintf(" [%s]", id.GetName())
			}
		}
	}
	return words
}

func ofMemory(list []*podresourcesv1.ContainerMemory) (words string) {
	for _, m := range list {
		words += fmt.Sprintf(", %d of %s", m.GetSize(), m.GetMemoryType())
		for _, node := range m.GetTopology().GetNodes() {
			words += fmt.Sprintf("@%d", node.GetID())
		}
	}
	return words
}

func ofPod(pod *podresourcesv1.PodResources) string {
	words := []string{pod.GetNamespace() + "/" + pod.GetName()}
	for _, c := range pod.GetContainers() {
		words = append(words, fmt.Sprintf("%s: %s, CPUs %v%s%s", c.GetName(), told(c.GetDevices()), c.GetCpuIds(), ofMemory(c.GetMemory()), ofClaims(c.GetDynamicResources())))
	}
	return strings.Join(words, "; ")
}

func TestWhatPodsHaveIsTold(t *testing.T) {
	client := serve(t)
	const web = "shop/web; side: example.com/gpu [c]@1, CPUs []; main: example.com/fpga [f], example.com/gpu [a]@0, example.com/gpu [a]@1, CPUs [1 5], 5 of memory@0@1, shop/claim driver p d [x/y=z]"
	list, err := client.List(t.Context(), &podresourcesv1.ListPodResourcesRequest{})
	if err != nil || len(list.GetPodResources()) != 1 || ofPod(list.GetPodResources()[0]) != web {
		t.Errorf("of all pods it tells %v (%v), want %s", list, err, web)
	}
	one, err := client.Get(t.Context(), &podresourcesv1.GetPodResourcesRequest{PodNamespace: "shop", PodName: "web"})
	if err != nil || ofPod(one.GetPodResources()) != web {
		t.Errorf("of the pod it tells %v (%v), want %s", one, err, web)
	}
	_, err = client.Get(t.Context(), &podresourcesv1.GetPodResourcesRequest{PodNamespace: "default", PodName: "web"})
	if status.Convert(err).Message() != "pod web in namespace default not found" {
		t.Errorf("of a pod that there is not it tells %v", err)
	}
	all, err := client.GetAllocatableResources(t.Context(), &podresourcesv1.AllocatableResourcesRequest{})
	if got, want := told(all.GetDevices())+fmt.Sprint(all.GetCpuIds())+ofMemory(all.GetMemory()),
		"example.com/gpu [a]@0, example.com/gpu [a]@1, example.com/gpu [b][1 2 3], 7 of hugepages-2Mi@0"; err != nil || got != want {
		t.Errorf("of what there is it tells %s (%v), want %s", got, err, want)
	}
}

// budget lets so many requests through.
type budget int

func (b *budget) TryAccept() bool { *b--; return *b >= 0 }
func (b *budget) Stop()           {}
func (b *budget) QPS() float32    { return 0 }

func TestTooManyRequestsAreRefused(t *testing.T) {
	left := budget(1)
	limit := limited(&left)
	answer := func(context.Context, any) (any, error) { return "answer", nil }
	if got, err := limit(t.Context(), nil, nil, answer); got != "answer" || err != nil {
		t.Errorf("the first request gets %v, %v", got, err)
	}
	if got, err := limit(t.Context(), nil, nil, answer); got != nil || status.Code(err) != codes.ResourceExhausted || status.Convert(err).Message() != "rejected by rate limit" {
		t.Errorf("the second request gets %v, %v", got, err)
	}
}

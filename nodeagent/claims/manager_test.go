package claims

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	drav1beta1 "k8s.io/kubelet/pkg/apis/dra/v1beta1"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/nodeagent/plugins"
)

const vendor = "gpu.example.com"

// prepared is a driver that writes down what it is asked, and fails when it is told to.
type prepares struct {
	drav1.UnimplementedDRAPluginServer

	mu    sync.Mutex
	asked []string
	fails string
}

func (p *prepares) answer(what string, claims []*drav1.Claim) (failure string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range claims {
		p.asked = append(p.asked, what+" "+c.GetNamespace()+"/"+c.GetName())
	}
	return p.fails
}

func (p *prepares) was() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := strings.Join(p.asked, ", ")
	p.asked = nil
	return asked
}

func (p *prepares) NodePrepareResources(_ context.Context, r *drav1.NodePrepareResourcesRequest) (*drav1.NodePrepareResourcesResponse, error) {
	failure, response := p.answer("prepare", r.GetClaims()), &drav1.NodePrepareResourcesResponse{Claims: map[string]*drav1.NodePrepareResourceResponse{}}
	for _, c := range r.GetClaims() {
		response.Claims[c.GetUid()] = &drav1.NodePrepareResourceResponse{Error: failure, Devices: []*drav1.Device{
			{PoolName: "node", DeviceName: "a", RequestNames: []string{"one"}, CdiDeviceIds: []string{vendor + "/gpu=" + c.GetName() + "-a"}},
			{PoolName: "node", DeviceName: "b", RequestNames: []string{"two"}, CdiDeviceIds: []string{vendor + "/gpu=" + c.GetName() + "-b"}},
		}}
	}
	return response, nil
}

func (p *prepares) NodeUnprepareResources(_ context.Context, r *drav1.NodeUnprepareResourcesRequest) (*drav1.NodeUnprepareResourcesResponse, error) {
	failure, response := p.answer("unprepare", r.GetClaims()), &drav1.NodeUnprepareResourcesResponse{Claims: map[string]*drav1.NodeUnprepareResourceResponse{}}
	for _, c := range r.GetClaims() {
		response.Claims[c.GetUid()] = &drav1.NodeUnprepareResourceResponse{Error: failure}
	}
	return response, nil
}

// register has the driver serve, and a manager know it.
func (p *prepares) register(t *testing.T, m *Manager) plugins.Plugin {
	t.Helper()
	dir, err := os.MkdirTemp("", "dra") //nolint:usetesting // paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := net.Listen("unix", filepath.Join(dir, "dra.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	drav1.RegisterDRAPluginServer(server, p)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	plugin := plugins.Plugin{Type: "DRAPlugin", Name: vendor, Endpoint: listener.Addr().String(), Versions: []string{drav1.DRAPluginService}}
	if err := m.Handler().Register(t.Context(), plugin); err != nil {
		t.Fatal(err)
	}
	return plugin
}

// server has claims, and notes of which drivers slices are removed.
type server struct {
	mu     sync.Mutex
	claims map[string]*resourcev1.ResourceClaim
	wiped  []string
}

func (s *server) ResourceClaim(_ context.Context, namespace, name string) (*resourcev1.ResourceClaim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.claims[namespace+"/"+name]; c != nil {
		return c, nil
	}
	return nil, errors.New("there is none")
}

func (s *server) DeleteResourceSlices(_ context.Context, driver string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wiped = append(s.wiped, driver)
	return nil
}

// give makes a claim that is reserved for some pods.
func (s *server) give(name string, pods ...*corev1.Pod) {
	c := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name)}}
	c.Status.Allocation = &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{Results: []resourcev1.DeviceRequestAllocationResult{
		{Driver: vendor, Request: "one"}, {Driver: vendor, Request: "two"},
	}}}
	for _, pod := range pods {
		c.Status.ReservedFor = append(c.Status.ReservedFor, resourcev1.ResourceClaimConsumerReference{Resource: "pods", Name: pod.Name, UID: pod.UID})
	}
	s.claims["shop/"+name] = c
}

// claiming is a pod with claims, which its one container names as they are called.
func claiming(name string, requests ...string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}}
	spec := corev1.Container{Name: "main"}
	for _, each := range requests {
		claim, request, _ := strings.Cut(each, "/")
		if !slices.ContainsFunc(pod.Spec.ResourceClaims, func(c corev1.PodResourceClaim) bool { return c.Name == claim }) {
			pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, corev1.PodResourceClaim{Name: claim, ResourceClaimName: &claim})
		}
		spec.Resources.Claims = append(spec.Resources.Claims, corev1.ResourceClaim{Name: claim, Request: request})
	}
	pod.Spec.Containers = []corev1.Container{spec}
	return pod
}

func newManager(t *testing.T, root string, s *server, clock *testingclock.FakeClock) *Manager {
	t.Helper()
	m, err := New(Options{Root: root, API: s, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// gets are the CDI devices of a pod's container.
func gets(m *Manager, pod *corev1.Pod) string {
	config := &runtimeapi.ContainerConfig{}
	if err := m.Container(pod, &pod.Spec.Containers[0], config); err != nil {
		return err.Error()
	}
	var ids []string
	for _, d := range config.CDIDevices {
		ids = append(ids, strings.TrimPrefix(d.GetName(), vendor+"/gpu="))
	}
	return strings.Join(ids, " ")
}

func TestClaimsArePreparedUntilTheirLastPodIsOver(t *testing.T) {
	root, s, clock := t.TempDir(), &server{claims: map[string]*resourcev1.ResourceClaim{}}, testingclock.NewFakeClock(time.Now())
	m, d := newManager(t, root, s, clock), &prepares{}
	first, second := claiming("first", "own", "shared/two"), claiming("second", "shared")
	s.give("own", first)
	s.give("shared", first, second)
	prepare := func(pod *corev1.Pod, want string) {
		t.Helper()
		if got := fmt.Sprint(m.Prepare(t.Context(), pod)); got != want {
			t.Errorf("preparing pod %s: %s, want %s", pod.Name, got, want)
		}
	}
	prepare(first, "prepare dynamic resources: DRA driver gpu.example.com is not registered")
	if len(m.Pods()) > 0 {
		t.Errorf("though no driver was asked, there is something of %q to be undone", m.Pods())
	}
	d.register(t, m)
	d.fails = "it is hot"
	prepare(first, "prepare dynamic resources: NodePrepareResources failed for ResourceClaim own: it is hot")
	d.fails = ""
	d.was()
	prepare(first, "<nil>")
	if got := gets(m, first); got != "own-a own-b shared-b" || d.was() != "prepare shop/own, prepare shop/shared" {
		t.Errorf("the first pod has %s", got)
	}
	if held := m.Of(first, &first.Spec.Containers[0]); len(held) != 2 || held[0].Name != "own" || len(held[1].Devices[vendor]) != 2 {
		t.Errorf("it is said to have %+v", held)
	}
	prepare(second, "<nil>")
	prepare(first, "<nil>")
	if got := gets(m, second); got != "shared-a shared-b" || d.was() != "" {
		t.Errorf("the second pod has %s", got)
	}

	m = newManager(t, root, s, clock)
	if got := gets(m, first); got != "own-a own-b shared-b" || fmt.Sprint(m.Pods()) != "[first second]" {
		t.Errorf("after a restart the first pod has %s, and pods with claims are %q", got, m.Pods())
	}
	if err := m.Unprepare(t.Context(), "first"); err == nil || err.Error() != "unprepare dynamic resources: DRA driver gpu.example.com is not registered" {
		t.Errorf("without its driver a claim is undone: %v", err)
	}
	d.register(t, m)
	for _, step := range []struct{ pod, asked, left string }{{"first", "unprepare shop/own", "[second]"}, {"second", "unprepare shop/shared", "[]"}, {"second", "", "[]"}} {
		if err := m.Unprepare(t.Context(), types.UID(step.pod)); err != nil {
			t.Error(err)
		}
		if got := d.was(); got != step.asked || fmt.Sprint(m.Pods()) != step.left {
			t.Errorf("when pod %s is over, the driver is asked to %q, and %q have claims; want %q and %s", step.pod, got, m.Pods(), step.asked, step.left)
		}
	}
	if got := fmt.Sprint(newManager(t, root, s, clock).Pods()); got != "[]" {
		t.Errorf("to an agent after that %s have claims", got)
	}
}

func TestNoClaimOfAnotherIsPrepared(t *testing.T) {
	s := &server{claims: map[string]*resourcev1.ResourceClaim{}}
	m, d := newManager(t, t.TempDir(), s, testingclock.NewFakeClock(time.Now())), &prepares{}
	d.register(t, m)
	pod := claiming("pod", "claim")
	prepare := func() string {
		return strings.TrimPrefix(fmt.Sprint(m.Prepare(t.Context(), pod)), "prepare dynamic resources: ")
	}
	if got := prepare(); got != "fetch ResourceClaim claim: there is none" {
		t.Errorf("one that is not there: %s", got)
	}
	s.give("claim")
	if got := prepare(); got != "pod pod (pod) is not allowed to use ResourceClaim claim (uid-claim)" {
		t.Errorf("one that is not reserved for it: %s", got)
	}
	s.give("claim", pod)
	s.claims["shop/claim"].Status.Allocation = nil
	if got := prepare(); got != "ResourceClaim claim: not allocated" {
		t.Errorf("one without devices: %s", got)
	}
	s.give("claim", pod)
	pod.Spec.ResourceClaims[0].ResourceClaimName, pod.Spec.ResourceClaims[0].ResourceClaimTemplateName = nil, new("template")
	pod.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "claim", ResourceClaimName: new("claim")}}
	if got := prepare(); !strings.Contains(got, "was not created for") {
		t.Errorf("one that was made for another: %s", got)
	}
	if asked := d.was(); asked != "" || len(m.Pods()) > 0 {
		t.Errorf("the driver was asked to %s, and %q have something", asked, m.Pods())
	}
}

func TestADriverSpeaksAVersionThatIsKnown(t *testing.T) {
	for _, test := range []struct {
		offered []string
		want    string
	}{
		{[]string{drav1beta1.DRAPluginService, drav1.DRAPluginService}, drav1beta1.DRAPluginService},
		{[]string{"v9.DRAPlugin", drav1.DRAPluginService}, drav1.DRAPluginService},
		{nil, "empty list of supported gRPC services (aka supported versions)"},
		{[]string{"v9.DRAPlugin"}, `none of services supported by the plugin (["v9.DRAPlugin"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"])`},
	} {
		got, err := choose(test.offered)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("of %q it is %s, want %s", test.offered, got, test.want)
		}
	}
}

func TestWhatADriverHasPublishedGoesWhenItDoes(t *testing.T) {
	s, clock := &server{claims: map[string]*resourcev1.ResourceClaim{}}, testingclock.NewFakeClock(time.Now())
	m := newManager(t, t.TempDir(), s, clock)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { m.Run(ctx) })
	wiped := func(want string) {
		t.Helper()
		await.Until(t, "slices to be removed", func() (string, bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			got := fmt.Sprintf("%q", s.wiped)
			return got, got == want
		})
	}
	wiped(`[""]`)
	d := &prepares{}
	plugin := d.register(t, m)
	gone := func() {
		t.Helper()
		if err := m.Handler().Deregister(t.Context(), plugin); err != nil {
			t.Error(err)
		}
	}
	gone()
	clock.Step(wipingDelay / 2)
	plugin = d.register(t, m)
	clock.Step(wipingDelay)
	gone()
	clock.Step(wipingDelay + time.Second)
	wiped(`["" "gpu.example.com"]`)
}

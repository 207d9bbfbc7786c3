package dynamicresources

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/dra"
	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

// groupState is the state of a pod that is scheduled as part of a group.
type groupState struct {
	*framework.CycleState
	shared *framework.CycleState
}

func (s groupState) GetPodGroupSchedulingCycle() fwk.PodGroupCycleState {
	return sharedState{state: s.shared}
}

// sharedState is what the pods of the group share.
type sharedState struct {
	fwk.PodGroupCycleState
	state *framework.CycleState
}

func (s sharedState) Read(key fwk.StateKey) (fwk.StateData, error) { return s.state.Read(key) }
func (s sharedState) Write(key fwk.StateKey, value fwk.StateData)  { s.state.Write(key, value) }

// cluster is one node with one device, and a claim that can have it.
type cluster struct {
	fwk.Handle
	client  clientset.Interface
	manager *dra.Manager
}

func (c *cluster) ClientSet() clientset.Interface         { return c.client }
func (c *cluster) SharedDRAManager() fwk.SharedDRAManager { return c.manager }

func newCluster(t *testing.T, changes ...func(*resourcev1.ResourceClaim)) (*Plugin, *cluster) {
	t.Helper()
	claim := aClaim(changes...)
	claim.Spec.Devices.Requests = []resourcev1.DeviceRequest{{
		Name: "one", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "any", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1},
	}}
	c := &cluster{client: fake.NewClientset(claim,
		&resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "any"}},
		&resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "slice"}, Spec: resourcev1.ResourceSliceSpec{
			Driver: "d", Pool: resourcev1.ResourcePool{Name: "p", ResourceSliceCount: 1}, NodeName: ptr.To("node"),
			Devices: []resourcev1.Device{{Name: "a"}},
		}},
	)}
	factory := informers.NewSharedInformerFactory(c.client, 0)
	var err error
	if c.manager, err = dra.New(t.Context(), factory); err != nil {
		t.Fatal(err)
	}
	factory.StartWithContext(t.Context())
	factory.WaitForCacheSync(t.Context().Done())
	await(t, "the manager knows everything", c.manager.HasSynced)
	plugin, err := Factory(pods)(t.Context(), &configv1.DynamicResourcesArgs{}, c)
	if err != nil {
		t.Fatal(err)
	}
	return plugin.(*Plugin), c
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		return done(), nil
	})
	if err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func using(name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "device", ResourceClaimName: ptr.To("c")}}
	return pod
}

// reserve takes a pod from PreFilter to Reserve; the message is that of the first refusal.
func reserve(t *testing.T, p *Plugin, state fwk.CycleState, pod *corev1.Pod) string {
	ctx := t.Context()
	if _, status := p.PreFilter(ctx, state, pod, nil); !status.IsSuccess() {
		return status.Message()
	}
	node := nodeinfo.ForNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}})
	if status := p.Filter(ctx, state, pod, node); !status.IsSuccess() {
		return status.Message()
	}
	return p.Reserve(ctx, state, pod, "node").Message()
}

func TestPodsThatShareAClaim(t *testing.T) {
	t.Run("wait for each other when they are scheduled one by one", func(t *testing.T) {
		plugin, _ := newCluster(t)
		if message := reserve(t, plugin, framework.NewCycleState(false), using("first")); message != "" {
			t.Fatal(message)
		}
		message := reserve(t, plugin, framework.NewCycleState(false), using("second"))
		if !strings.Contains(message, "resource claim default/c is in the process of being allocated") {
			t.Errorf("the second pod got %q", message)
		}
	})
	t.Run("are reserved and bound together when they are scheduled as a group", func(t *testing.T) {
		plugin, c := newCluster(t)
		shared := framework.NewCycleState(false)
		states := map[string]fwk.CycleState{}
		for _, name := range []string{"first", "second"} {
			states[name] = groupState{framework.NewCycleState(false), shared}
			if message := reserve(t, plugin, states[name], using(name)); message != "" {
				t.Fatalf("reserving pod %s: %s", name, message)
			}
		}
		for _, name := range []string{"first", "second"} {
			if status := plugin.PreBind(t.Context(), states[name], using(name), "node"); !status.IsSuccess() {
				t.Fatalf("binding pod %s: %s", name, status.Message())
			}
		}
		claim, err := c.client.ResourceV1().ResourceClaims("default").Get(t.Context(), "c", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(claim.Status.ReservedFor) != 2 {
			t.Errorf("the claim is reserved for %v, want both pods", claim.Status.ReservedFor)
		}
		if c.manager.ResourceClaims().GetPendingAllocation(claim.UID) != nil {
			t.Error("the allocation is still pending although it is written")
		}
	})
	t.Run("leave the device to others when the whole group is given up", func(t *testing.T) {
		plugin, c := newCluster(t)
		shared := framework.NewCycleState(false)
		states := map[string]fwk.CycleState{}
		for _, name := range []string{"first", "second"} {
			states[name] = groupState{framework.NewCycleState(false), shared}
			if message := reserve(t, plugin, states[name], using(name)); message != "" {
				t.Fatalf("reserving pod %s: %s", name, message)
			}
		}
		for range 2 { // The second time there is nothing left to give up.
			plugin.Unreserve(t.Context(), states["first"], using("first"), "node")
		}
		if c.manager.ResourceClaims().GetPendingAllocation("c-uid") == nil {
			t.Error("the allocation is not pending any more although the second pod needs it")
		}
		plugin.Unreserve(t.Context(), states["second"], using("second"), "node")
		if c.manager.ResourceClaims().GetPendingAllocation("c-uid") != nil {
			t.Error("the allocation is still pending although both pods have given it up")
		}
	})
}

// groupInfo is a group of which no pod could be scheduled.
type groupInfo struct {
	fwk.PodGroupInfo
	pods []*corev1.Pod
}

func (groupInfo) GetType() fwk.EntityKeyType               { return fwk.PodGroupKeyType }
func (groupInfo) GetPodGroup() *schedulingv1beta1.PodGroup { return nil }
func (g groupInfo) GetUnscheduledPods() []*corev1.Pod      { return g.pods }

func TestAGroupThatFitsNowhereGivesBackIdleDevices(t *testing.T) {
	for name, test := range map[string]struct {
		users []types.UID
		kept  bool
	}{
		"that nobody uses":              {},
		"that only its own pod uses":    {users: []types.UID{"first"}},
		"but not those that others use": {users: []types.UID{"somebody"}, kept: true},
		"but not those that it shares":  {users: []types.UID{"first", "somebody"}, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, c := newCluster(t, allocated("a"), func(claim *resourcev1.ResourceClaim) {
				claim.Status.Allocation.NodeSelector = &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
					MatchFields: []corev1.NodeSelectorRequirement{{
						Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"gone"},
					}},
				}}}
				for _, user := range test.users {
					reserved(user)(claim)
				}
			})
			shared := framework.NewCycleState(false)
			state := groupState{framework.NewCycleState(false), shared}
			if message := reserve(t, plugin, state, using("first")); message != "resourceclaim not available on the node" {
				t.Fatalf("the pod got %q", message)
			}
			info := groupInfo{pods: []*corev1.Pod{using("first")}}
			if _, status := plugin.PodGroupPostFilter(t.Context(), state.GetPodGroupSchedulingCycle(), info, nil); status.Code() != fwk.Unschedulable {
				t.Errorf("the group got %s %q", status.Code(), status.Message())
			}
			claim, err := c.client.ResourceV1().ResourceClaims("default").Get(t.Context(), "c", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if kept := claim.Status.Allocation != nil; kept != test.kept {
				t.Errorf("the claim has kept its devices: %v, want %v", kept, test.kept)
			}
		})
	}
}

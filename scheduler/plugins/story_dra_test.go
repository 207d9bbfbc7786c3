package plugins_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/dra"
)

// story is everything that a side does with the pod of a cluster.
type story struct {
	PreEnqueue, PreFilter, PostFilter, Reserve, Flight, PreBind verdict
	Filter                                                      map[string]verdict
	Scores, Normalized                                          map[string]int64
	// Signalled are the claims that Reserve allocates. Written, Kept and GivenBack are all claims in the API after PreBind,
	// after a late failure, and after PostFilter.
	Signalled, Written, Kept, GivenBack []string
	Taken                               []string
	Mappings                            string
	Hints                               map[string]string
	Fit                                 observed
	FitSigned                           verdict
	// unbindable says that upstream cannot bind such a pod: it makes a claim without requests where a node has the extended
	// resources itself and the pod has other claims.
	unbindable bool
	// freed are the claims that PostFilter took the devices from. Of several idle ones, upstream takes any.
	freed []string
}

func (s *side) tell(t *testing.T, w *cluster, d *devices, seed uint64) story {
	t.Helper()
	s.enter(t, w, d)
	ctx, state := t.Context(), s.newState()
	nodes := nodesOf(t, w, s.snapshot)
	o := story{Filter: map[string]verdict{}, Scores: map[string]int64{}, Normalized: map[string]int64{}, Hints: map[string]string{}}
	o.PreEnqueue = verdictOf(s.plugin.(fwk.PreEnqueuePlugin).PreEnqueue(ctx, w.pod))
	o.hints(t, w, d, s)
	o.fit(ctx, w, d, s, nodes)
	_, status := s.plugin.(fwk.PreFilterPlugin).PreFilter(ctx, state, w.pod, nodes)
	o.PreFilter = verdictOf(status)
	var feasible []fwk.NodeInfo
	if status.IsSuccess() {
		for _, node := range nodes {
			status := s.plugin.(fwk.FilterPlugin).Filter(ctx, state, w.pod, node)
			if o.Filter[node.Node().Name] = verdictOf(status); status.IsSuccess() {
				feasible = append(feasible, node)
			}
		}
	}
	if len(feasible) == 0 {
		_, status := s.plugin.(fwk.PostFilterPlugin).PostFilter(ctx, state, w.pod, nil)
		o.PostFilter = verdictOf(status)
		o.GivenBack = s.claims(t, d)
		o.freed = s.freed(t, d)
		return o
	}
	o.score(ctx, w, s, state, feasible)
	o.place(t, w, d, s, state, feasible[int(seed)%len(feasible)].Node().Name, seed)
	return o
}

func nodesOf(t *testing.T, w *cluster, snapshot fwk.SharedLister) []fwk.NodeInfo {
	t.Helper()
	var nodes []fwk.NodeInfo
	for _, node := range w.nodes {
		info, err := snapshot.NodeInfos().Get(node.Name)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, info)
	}
	return nodes
}

func (o *story) score(ctx context.Context, w *cluster, s *side, state fwk.CycleState, nodes []fwk.NodeInfo) {
	var list fwk.NodeScoreList
	for _, node := range nodes {
		score, status := s.plugin.(fwk.ScorePlugin).Score(ctx, state, w.pod, node)
		if !status.IsSuccess() {
			score = -1
		}
		o.Scores[node.Node().Name] = score
		list = append(list, fwk.NodeScore{Name: node.Node().Name, Score: score})
	}
	s.plugin.(fwk.ScorePlugin).ScoreExtensions().NormalizeScore(ctx, state, w.pod, list)
	for _, score := range list {
		o.Normalized[score.Name] = score.Score
	}
}

// place reserves and binds, and every third time fails late.
func (o *story) place(t *testing.T, w *cluster, d *devices, s *side, state fwk.CycleState, node string, seed uint64) {
	t.Helper()
	ctx := t.Context()
	o.Reserve = verdictOf(s.plugin.(fwk.ReservePlugin).Reserve(ctx, state, w.pod, node))
	for _, claim := range s.known.signalled {
		if claim.Name == dra.Unnamed && len(claim.Status.Allocation.Devices.Results) == 0 {
			o.unbindable = true
			continue
		}
		o.Signalled = append(o.Signalled, d.text(claim))
	}
	o.Taken = s.taken(t)
	if o.Reserve.Code == "Success" && !s.waits(d) {
		_, status := s.plugin.(fwk.PreBindPlugin).PreBindPreFlight(ctx, state, w.pod, node)
		o.Flight = verdictOf(status)
		o.PreBind = verdictOf(s.plugin.(fwk.PreBindPlugin).PreBind(ctx, state, w.pod, node))
		o.Written = s.claims(t, d)
		o.Mappings = s.mappings(t, w)
	}
	if o.PreBind.Code != "Success" || seed%3 == 0 {
		s.plugin.(fwk.ReservePlugin).Unreserve(ctx, state, w.pod, node)
		o.Kept = s.claims(t, d)
	}
	for _, claim := range s.known.signalled {
		if s.known.GetPendingAllocation(claim.UID) != nil {
			o.Kept = append(o.Kept, "pending: "+claim.Name)
		}
	}
}

// waits reports whether PreBind would wait for devices, which nobody in this cluster attaches.
func (s *side) waits(d *devices) bool {
	for _, claim := range append(slices.Clone(d.claims), s.known.signalled...) {
		if claim.Status.Allocation == nil {
			continue
		}
		for _, result := range claim.Status.Allocation.Devices.Results {
			status := slices.IndexFunc(claim.Status.Devices, func(status resourcev1.AllocatedDeviceStatus) bool {
				return status.Driver == result.Driver && status.Pool == result.Pool && status.Device == result.Device
			})
			if len(result.BindingConditions) > 0 &&
				(status < 0 || !meta.IsStatusConditionTrue(claim.Status.Devices[status].Conditions, attached)) {
				return true
			}
		}
	}
	return false
}

func (s *side) taken(t *testing.T) []string {
	t.Helper()
	state, err := s.known.GatherAllocatedState()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for id := range state.AllocatedDevices {
		all = append(all, id.String())
	}
	for id := range state.AllocatedSharedDeviceIDs {
		all = append(all, "shared "+id.GetDeviceID().String())
	}
	for id, capacity := range state.AggregatedCapacity {
		for name, amount := range capacity {
			all = append(all, fmt.Sprintf("%s of %s of %s", amount, name, id))
		}
	}
	slices.Sort(all)
	return all
}

// claims are those in the API.
func (s *side) claims(t *testing.T, d *devices) []string {
	t.Helper()
	if s.client.made == nil {
		return nil
	}
	list, err := s.client.ResourceV1().ResourceClaims("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range list.Items {
		all = append(all, d.text(&list.Items[i]))
	}
	slices.Sort(all)
	return all
}

// freed are the claims of the cluster that have lost their devices.
func (s *side) freed(t *testing.T, d *devices) []string {
	t.Helper()
	if s.client.made == nil {
		return nil
	}
	list, err := s.client.ResourceV1().ResourceClaims("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, claim := range list.Items {
		was := slices.IndexFunc(d.claims, func(c *resourcev1.ResourceClaim) bool { return c.UID == claim.UID })
		if d.claims[was].Status.Allocation != nil && claim.Status.Allocation == nil {
			names = append(names, claim.Name)
		}
	}
	return names
}

// idle reports whether nobody but the pod may use a claim.
func (d *devices) idle(name string, pod *corev1.Pod) bool {
	return slices.ContainsFunc(d.claims, func(claim *resourcev1.ResourceClaim) bool {
		users := claim.Status.ReservedFor
		return claim.Name == name && (len(users) == 0 || len(users) == 1 && users[0].UID == pod.UID)
	})
}

func (s *side) mappings(t *testing.T, w *cluster) string {
	t.Helper()
	pod := s.reported
	if pod == nil {
		if s.client.made == nil {
			return ""
		}
		var err error
		if pod, err = s.client.CoreV1().Pods(w.pod.Namespace).Get(t.Context(), w.pod.Name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if pod.Status.ExtendedResourceClaimStatus == nil {
		return ""
	}
	return asText(pod.Status.ExtendedResourceClaimStatus)
}

var generated = regexp.MustCompile(`"shareID":"[0-9a-f-]{36}"`)

// text is a claim without what is made up or measured anew each time.
func (d *devices) text(claim *resourcev1.ResourceClaim) string {
	claim = claim.DeepCopy()
	if claim.Name == dra.Unnamed {
		claim.UID = ""
	}
	if allocation := claim.Status.Allocation; allocation != nil && allocation.AllocationTimestamp != nil &&
		allocation.AllocationTimestamp.After(d.now.Add(-10*time.Second)) {
		allocation.AllocationTimestamp = nil
	}
	return generated.ReplaceAllString(asText(claim), `"shareID":"generated"`)
}

func asText(object any) string {
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// hints asks what changes of claims, and of the pod, mean to the pod.
func (o *story) hints(t *testing.T, w *cluster, d *devices, s *side) {
	t.Helper()
	registered, err := s.plugin.(fwk.EnqueueExtensions).EventsToRegister(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	without := w.pod.DeepCopy()
	without.Status.ResourceClaimStatuses = nil
	for _, event := range registered {
		label := fmt.Sprintf("%s %d", event.Event.Resource, event.Event.ActionType)
		o.Hints[label] = "registered"
		var changes []change
		switch event.Event.Resource {
		case fwk.ResourceClaim:
			for _, claim := range d.claims {
				free, used := claim.DeepCopy(), claim.DeepCopy()
				free.Status = resourcev1.ResourceClaimStatus{}
				used.Status.ReservedFor = append(used.Status.ReservedFor, user("new"))
				changes = append(changes, change{nil, claim}, change{claim, nil}, change{claim, free}, change{free, claim}, change{claim, used},
					change{claim, claim.DeepCopy()}, change{toolscache.DeletedFinalStateUnknown{Obj: claim}, nil})
			}
		case fwk.TargetPod:
			changes = []change{{without, w.pod}, {w.pod, without}}
		}
		for i, change := range changes {
			o.Hints[fmt.Sprintf("%s #%d", label, i)] = hint(event, w.pod, change)
		}
	}
}

// fit asks NodeResourcesFit, which leaves resources that devices stand for to DynamicResources.
func (o *story) fit(ctx context.Context, w *cluster, d *devices, s *side, nodes []fwk.NodeInfo) {
	o.Fit = observed{Filter: map[string]verdict{}}
	o.Fit.filter(ctx, w, s.fit, s.newState(), nodes)
	_, status := s.fit.(fwk.SignPlugin).SignPod(ctx, w.pod)
	o.FitSigned = verdictOf(status)
	registered, err := s.fit.(fwk.EnqueueExtensions).EventsToRegister(ctx)
	if err != nil {
		panic(err)
	}
	for _, event := range registered {
		var changes []change
		switch event.Event.Resource {
		case fwk.DeviceClass:
			for i, class := range d.classes {
				changes = append(changes, change{nil, class}, change{d.classes[(i+1)%len(d.classes)], class})
			}
		case fwk.Node:
			changes = w.changes(event.Event)
		}
		for i, change := range changes {
			o.Hints[fmt.Sprintf("Fit %s #%d", event.Event.Resource, i)] = hint(event, w.pod, change)
		}
	}
}

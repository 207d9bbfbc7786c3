package endpointslice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestWhatASliceSays(t *testing.T) {
	dual := gen.Families(corev1.IPv4Protocol, corev1.IPv6Protocol)
	for _, test := range []struct {
		name    string
		service *ocorev1.Service
		pods    []*ocorev1.Pod
		want    []string
	}{
		{"lists a ready pod with its node and zone",
			gen.Service("web"), some(gen.Pod("p", gen.IP("10.1.0.1"), gen.Ready(gen.Ago(0)))),
			[]string{"create IPv4 [http=8080]: p 10.1.0.1 ready serving on a in zone-a"}},
		{"lists a pod that is not ready",
			gen.Service("web"), some(gen.Pod("p", gen.IP("10.1.0.1"), gen.On("a"))),
			[]string{"create IPv4 [http=8080]: p 10.1.0.1 on a in zone-a"}},
		{"lists a pod that is not ready as ready where the Service wants that",
			gen.Service("web", gen.PublishNotReady), some(gen.Pod("p", gen.IP("10.1.0.1"), gen.On("a"))),
			[]string{"create IPv4 [http=8080]: p 10.1.0.1 ready on a in zone-a"}},
		{"lists a terminating pod as serving but not ready",
			gen.Service("web"), some(gen.Pod("p", gen.IP("10.1.0.1"), gen.Ready(gen.Ago(0)), gen.Going)),
			[]string{"create IPv4 [http=8080]: p 10.1.0.1 serving terminating on a in zone-a"}},
		{"leaves out pods without an address, pods that have ended, and pods of nodes that do not exist",
			gen.Service("web"), some(
				gen.Pod("p", gen.On("a")),
				gen.Pod("q", gen.IP("10.1.0.1"), gen.On("a"), gen.Phase(corev1.PodSucceeded)),
				gen.Pod("r", gen.IP("10.1.0.2"), gen.On("nowhere"))),
			[]string{"create IPv4 []: nothing"}},
		{"has a slice for each family",
			gen.Service("web", dual), some(gen.Pod("p", gen.IP("10.1.0.1", "fd00::1"), gen.On("a")), gen.Pod("q", gen.IP("10.1.0.2"), gen.On("a"))),
			[]string{
				"create IPv4 [http=8080]: p 10.1.0.1 on a in zone-a, q 10.1.0.2 on a in zone-a",
				"create IPv6 [http=8080]: p fd00::1 on a in zone-a",
			}},
		{"has a slice for each number of a named port",
			gen.Service("web", gen.TargetPort("web")), some(
				gen.Pod("p", gen.IP("10.1.0.1"), gen.On("a"), gen.Port("web", 80)),
				gen.Pod("q", gen.IP("10.1.0.2"), gen.On("a"), gen.Port("web", 81)),
				gen.Pod("r", gen.IP("10.1.0.3"), gen.On("a"))),
			[]string{
				"create IPv4 []: r 10.1.0.3 on a in zone-a",
				"create IPv4 [http=80]: p 10.1.0.1 on a in zone-a",
				"create IPv4 [http=81]: q 10.1.0.2 on a in zone-a",
			}},
		{"hints at an endpoint's own zone and node where traffic is to stay close",
			gen.Service("web", preferring(corev1.ServiceTrafficDistributionPreferSameNode)), some(
				gen.Pod("p", gen.IP("10.1.0.1"), gen.Ready(gen.Ago(0))), gen.Pod("q", gen.IP("10.1.0.2"), gen.On("a"))),
			[]string{"create IPv4 [http=8080]: p 10.1.0.1 ready serving on a in zone-a for zone-a for a, q 10.1.0.2 on a in zone-a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, planned(test.service, test.pods, nil)); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServicesOfOthersAreLeftAlone(t *testing.T) {
	without := gen.Service("web")
	without.Spec.Selector = nil
	external := gen.Service("web")
	external.Spec.Type = corev1.ServiceTypeExternalName
	for _, service := range []*ocorev1.Service{without, external} {
		if got := planned(service, nil, nil); got != nil {
			t.Errorf("the plan for %+v is %q", service.Spec, got)
		}
	}
}

func TestHeadlessServicesAreLabelled(t *testing.T) {
	service := gen.Service("web", gen.Headless)
	service.Labels = map[string]string{"team": "blue", discoveryv1.LabelServiceName: "liar"}
	p := Controller{}.Plan(service, world{}, gen.Now)
	want := map[string]string{
		"team": "blue", discoveryv1.LabelServiceName: "web", discoveryv1.LabelManagedBy: managedBy, corev1.IsHeadlessService: "",
	}
	if diff := cmp.Diff(want, p.Steps()[0].(*plan.Create).Objects()[0].GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestChurn(t *testing.T) {
	service := gen.Service("web")
	for _, test := range []struct {
		name  string
		pods  []*ocorev1.Pod
		there []*odiscoveryv1.EndpointSlice
		want  []string
	}{
		{"nothing is written when nothing has changed",
			numbered(0, 3), some(slice("s", service, numbered(0, 3))), nil},
		{"a new endpoint goes where it fits best",
			numbered(0, 151), some(slice("s", service, numbered(0, 50)), slice("t", service, numbered(50, 149)), slice("u", service, numbered(149, 150))),
			[]string{"patch t to 100"}},
		{"a new endpoint goes into a slice that changes anyway",
			numbered(1, 151), some(slice("s", service, numbered(0, 50)), slice("t", service, numbered(50, 149))),
			[]string{"patch s to 51"}},
		{"the rest of a full new slice goes where it fits best",
			numbered(0, 195), some(slice("s", service, numbered(0, 90))),
			[]string{"create 100", "patch s to 95"}},
		{"what fits into no slice gets slices of its own",
			numbered(0, 230), some(slice("s", service, numbered(0, 90))),
			[]string{"create 100", "create 40"}},
		{"a slice that has become empty is used again",
			numbered(50, 60), some(slice("s", service, numbered(0, 50))),
			[]string{"patch s to 10"}},
		{"a slice that has become empty goes",
			numbered(50, 60), some(slice("s", service, numbered(0, 50)), slice("t", service, numbered(50, 60))),
			[]string{"delete s"}},
		{"one empty slice stays when all endpoints go",
			nil, some(slice("s", service, numbered(0, 50)), slice("t", service, numbered(50, 60))),
			[]string{"patch s to 0", "delete t"}},
		{"slices of an earlier Service of the name go",
			numbered(0, 1), some(slice("s", gen.Service("earlier"), numbered(0, 1)), slice("t", service, numbered(0, 1))),
			[]string{"delete s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, sizes(service, test.pods, test.there)); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTriggerTimeIsTheEarliestOfWhatChanged(t *testing.T) {
	service := gen.Service("web")
	pods := numbered(0, 3)
	gen.Ready(gen.Ago(time.Hour))(pods[0])
	there := slice("s", service, pods[:1]) // and that has not changed since
	gen.Ready(gen.Ago(time.Minute))(pods[1])
	gen.Ready(gen.Ago(2 * time.Minute))(pods[2])
	p := Controller{}.Plan(service, behind(pods, some(there)), gen.Now)
	got := p.Steps()[0].(*plan.Patch).Wanted().GetAnnotations()[corev1.EndpointsLastChangeTriggerTime]
	if want := gen.Now.Add(-2 * time.Minute).Format(time.RFC3339Nano); got != want {
		t.Errorf("the trigger time is %s, want %s", got, want)
	}
}

// some is a list of whatever.
func some[T any](all ...T) []T { return all }

func preferring(distribution string) func(*ocorev1.Service) {
	return func(service *ocorev1.Service) { service.Spec.TrafficDistribution = &distribution }
}

// numbered are pods p000, p001 and so on.
func numbered(from, to int) []*ocorev1.Pod {
	var pods []*ocorev1.Pod
	for i := from; i < to; i++ {
		pods = append(pods, gen.Pod(fmt.Sprintf("p%03d", i), gen.IP(fmt.Sprintf("10.1.%d.%d", i/200, i%200+1)), gen.On("a")))
	}
	return pods
}

// slice is one of a Service that lists pods.
func slice(name string, service *ocorev1.Service, pods []*ocorev1.Pod) *odiscoveryv1.EndpointSlice {
	planned := Controller{}.Plan(gen.Service("web"), behind(pods, nil), gen.Now).Steps()[0].(*plan.Create).Objects()[0]
	s := planned.DeepCopyObject().(*odiscoveryv1.EndpointSlice)
	s.Name, s.GenerateName = name, ""
	s.OwnerReferences = []metav1.OwnerReference{{UID: service.UID, Controller: ptr.To(true)}}
	return s
}

// behind is a world of pods and slices, and of the node a.
func behind(pods []*ocorev1.Pod, there []*odiscoveryv1.EndpointSlice) world {
	w := world{nodes: map[string]*ocorev1.Node{"a": gen.Node("a", gen.InZone("zone-a"))}}
	for _, pod := range pods {
		w.pods = append(w.pods, *pod)
	}
	for _, s := range there {
		w.slices = append(w.slices, *s)
	}
	return w
}

// planned is a plan with what the slices say.
func planned(service *ocorev1.Service, pods []*ocorev1.Pod, there []*odiscoveryv1.EndpointSlice) []string {
	return gen.Steps(Controller{}.Plan(service, behind(pods, there), gen.Now), func(s *odiscoveryv1.EndpointSlice) string {
		endpoints := []string{"nothing"}
		for i, e := range s.Endpoints {
			if i == 0 {
				endpoints = nil
			}
			endpoints = append(endpoints, said(e))
		}
		var ports []string
		for _, p := range s.Ports {
			ports = append(ports, fmt.Sprintf("%s=%d", *p.Name, *p.Port))
		}
		return fmt.Sprintf("%s %v: %s", s.AddressType, ports, strings.Join(endpoints, ", "))
	})
}

// sizes is a plan with the sizes of the slices.
func sizes(service *ocorev1.Service, pods []*ocorev1.Pod, there []*odiscoveryv1.EndpointSlice) []string {
	return gen.Steps(Controller{}.Plan(service, behind(pods, there), gen.Now), func(s *odiscoveryv1.EndpointSlice) string {
		return fmt.Sprint(len(s.Endpoints))
	})
}

// said is an endpoint in words.
func said(e discoveryv1.Endpoint) string {
	words := slices.Concat([]string{e.TargetRef.Name}, e.Addresses)
	for _, c := range []struct {
		name string
		is   *bool
	}{{"ready", e.Conditions.Ready}, {"serving", e.Conditions.Serving}, {"terminating", e.Conditions.Terminating}} {
		if *c.is {
			words = append(words, c.name)
		}
	}
	if e.NodeName != nil {
		words = append(words, "on "+*e.NodeName)
	}
	if e.Zone != nil {
		words = append(words, "in "+*e.Zone)
	}
	if e.Hints != nil {
		for _, zone := range e.Hints.ForZones {
			words = append(words, "for "+zone.Name)
		}
		for _, node := range e.Hints.ForNodes {
			words = append(words, "for "+node.Name)
		}
	}
	return strings.Join(words, " ")
}

func TestTriggerTimeIsThatOfAPodThatFailed(t *testing.T) {
	service := gen.Service("web")
	pods := numbered(0, 2)
	gen.Ready(gen.Ago(time.Hour))(pods[0])
	there := slice("s", service, pods)
	gen.NotReady(gen.Ago(time.Minute))(pods[0])
	gen.Phase(corev1.PodFailed)(pods[0])
	p := Controller{}.Plan(service, behind(pods, some(there)), gen.Now)
	got := p.Steps()[0].(*plan.Patch).Wanted().GetAnnotations()[corev1.EndpointsLastChangeTriggerTime]
	if want := gen.Now.Add(-time.Minute).Format(time.RFC3339Nano); got != want {
		t.Errorf("the trigger time is %s, want %s", got, want)
	}
}

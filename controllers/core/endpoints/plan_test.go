package endpoints

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhatEndpointsSay(t *testing.T) {
	ready := gen.Ready(gen.Ago(0))
	dual := gen.Families(corev1.IPv6Protocol, corev1.IPv4Protocol)
	for _, test := range []struct {
		name    string
		service *ocorev1.Service
		pods    []ocorev1.Pod
		want    string
	}{
		{"lists nothing where there are no pods", gen.Service("web"), nil, ""},
		{"lists ready pods and those that are not", gen.Service("web"), pods(gen.Pod("p", gen.IP("10.1.0.1"), ready), gen.Pod("q", gen.IP("10.1.0.2"))),
			"[8080] 10.1.0.1 but not 10.1.0.2"},
		{"lists a pod that is not ready as ready where the Service wants that", gen.Service("web", gen.PublishNotReady), pods(gen.Pod("p", gen.IP("10.1.0.1"))),
			"[8080] 10.1.0.1"},
		{"leaves out pods without an address, pods that have ended, and those that terminate", gen.Service("web"), pods(
			gen.Pod("p"),
			gen.Pod("q", gen.IP("10.1.0.1"), gen.Phase(corev1.PodSucceeded)),
			gen.Pod("r", gen.IP("10.1.0.2"), ready, gen.Going)), ""},
		{"lists a terminating pod where the Service publishes what is not ready", gen.Service("web", gen.PublishNotReady), pods(gen.Pod("p", gen.IP("10.1.0.1"), gen.Going)),
			"[8080] 10.1.0.1"},
		{"lists addresses of the first family", gen.Service("web", dual), pods(gen.Pod("p", gen.IP("10.1.0.1", "fd00::1"), ready)),
			"[8080] fd00::1"},
		{"has a subset for each number of a named port, and none without it", gen.Service("web", gen.TargetPort("web")), pods(
			gen.Pod("p", gen.IP("10.1.0.1"), ready, gen.Port("web", 80)),
			gen.Pod("q", gen.IP("10.1.0.2"), ready, gen.Port("web", 81)),
			gen.Pod("r", gen.IP("10.1.0.3"), ready)),
			"[80] 10.1.0.1; [81] 10.1.0.2"},
		{"lists the pods of a headless Service without ports", gen.Service("web", gen.Headless, withoutPorts), pods(gen.Pod("p", gen.IP("10.1.0.1"), ready)),
			"[] 10.1.0.1"},
		{"lists no pods of another Service without ports", gen.Service("web", withoutPorts), pods(gen.Pod("p", gen.IP("10.1.0.1"), ready)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := said(created(t, test.service, test.pods)); got != test.want {
				t.Errorf("the Endpoints say %q, want %q", got, test.want)
			}
		})
	}
}

func TestTooManyAddressesAreTruncated(t *testing.T) {
	for _, test := range []struct {
		name                        string
		ready, notReady             int
		annotation                  string
		wantedReady, wantedNotReady int
	}{
		{"nothing at the limit", 600, 400, "", 600, 400},
		{"what is not ready first", 600, 401, "truncated", 600, 400},
		{"all that is not ready before what is", 1200, 5, "truncated", 1000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all []ocorev1.Pod
			for i := range test.ready + test.notReady {
				pod := gen.Pod(fmt.Sprintf("p%04d", i), gen.IP(fmt.Sprintf("10.1.%d.%d", i/200, i%200)))
				if i < test.ready {
					gen.Ready(gen.Ago(0))(pod)
				}
				all = append(all, *pod)
			}
			e := created(t, gen.Service("web"), all)
			ready, notReady := count(e.Subsets)
			if ready != test.wantedReady || notReady != test.wantedNotReady {
				t.Errorf("%d are ready and %d are not, want %d and %d", ready, notReady, test.wantedReady, test.wantedNotReady)
			}
			if got := e.Annotations[corev1.EndpointsOverCapacity]; got != test.annotation {
				t.Errorf("the annotation is %q, want %q", got, test.annotation)
			}
			if p := (Controller{}).Plan(key(), world{service: gen.Service("web"), pods: all, endpoints: e}, gen.Now); len(p.Steps()) > 0 {
				t.Errorf("they are written again: %.200s", p)
			}
		})
	}
}

func TestEachSubsetGetsItsShareOfTheRoom(t *testing.T) {
	all := []corev1.EndpointSubset{numbered(80, 0, 900), numbered(81, 900, 1200), numbered(82, 1200, 1203)}
	var got []int
	for _, s := range truncate(all) {
		got = append(got, len(s.Addresses))
	}
	if diff := cmp.Diff([]int{749, 250, 1}, got); diff != "" {
		t.Errorf("the shares are not as wanted (-want +got):\n%s", diff)
	}
}

func TestTheSameInAnotherOrderIsNotWritten(t *testing.T) {
	service := gen.Service("web", gen.TargetPort("web"))
	all := pods(gen.Pod("p", gen.IP("10.1.0.1"), gen.Port("web", 80)), gen.Pod("q", gen.IP("10.1.0.2"), gen.Port("web", 81)))
	there := created(t, service, all)
	there.Subsets[0], there.Subsets[1] = there.Subsets[1], there.Subsets[0]
	if p := (Controller{}).Plan(key(), world{service: service, pods: all, endpoints: there}, gen.Now); len(p.Steps()) > 0 {
		t.Errorf("the plan is %s", p)
	}
}

func TestLabelsAreTheServices(t *testing.T) {
	service := gen.Service("web", gen.Headless)
	service.Labels = map[string]string{"team": "blue"}
	there := created(t, gen.Service("web"), nil)
	there.Labels["old"] = "x"
	patched := Controller{}.Plan(key(), world{service: service, endpoints: there}, gen.Now).Steps()[0].(*plan.Patch).Wanted()
	want := map[string]string{"team": "blue", labelManagedBy: managedBy, corev1.IsHeadlessService: ""}
	if diff := cmp.Diff(want, patched.GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestTriggerTimeIsTheEarliestOfWhatChanged(t *testing.T) {
	p := gen.Pod("p", gen.IP("10.1.0.1"), gen.Ready(gen.Ago(time.Hour)))
	q := gen.Pod("q", gen.IP("10.1.0.2"), gen.Ready(gen.Ago(time.Minute)))
	r := gen.Pod("r", gen.IP("10.1.0.3"), gen.Ready(gen.Ago(2*time.Minute)))
	failed := gen.Pod("p", gen.IP("10.1.0.1"), gen.NotReady(gen.Ago(3*time.Minute)), gen.Phase(corev1.PodFailed))
	leaving := gen.Pod("p", gen.IP("10.1.0.1"), gen.Ready(gen.Ago(time.Hour)), gen.Going)
	web, other := gen.Service("web"), gen.Service("web")
	other.Spec.Ports = append(other.Spec.Ports, corev1.ServicePort{Name: "other", Port: 81, TargetPort: intstr.FromInt32(8081), Protocol: corev1.ProtocolTCP})
	for _, test := range []struct {
		name          string
		service       *ocorev1.Service
		before, after []ocorev1.Pod
		want          string
	}{
		{"of pods that are new, it is when the first was ready", web, pods(p), pods(p, q, r), "2m0s"},
		{"of a pod that failed, it is when it was not ready any more", web, pods(p, q), pods(failed, q), "3m0s"},
		{"it is not known of a pod that goes while it is ready", web, pods(p, q), pods(leaving, q), ""},
		{"it is not known of a pod that is not selected any more", web, pods(p, q), pods(q), ""},
		{"no pod has changed when the Service has another port", other, pods(p, q), pods(p, q), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			there := created(t, web, test.before)
			patched := Controller{}.Plan(key(), world{service: test.service, pods: test.after, endpoints: there}, gen.Now).Steps()[0].(*plan.Patch).Wanted()
			got := patched.GetAnnotations()[corev1.EndpointsLastChangeTriggerTime]
			if at, err := time.Parse(time.RFC3339Nano, got); err == nil {
				got = gen.Now.Sub(at).String()
			}
			if got != test.want {
				t.Errorf("the trigger time was %q ago, want %q", got, test.want)
			}
		})
	}
}

func TestEndpointsGoWithTheirService(t *testing.T) {
	elects := &ocorev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{resourcelock.LeaderElectionRecordAnnotationKey: "{}"}}}
	without := gen.Service("web")
	without.Spec.Selector = nil
	for _, test := range []struct {
		name string
		w    world
		want int
	}{
		{"deletes what is left of a Service", world{endpoints: created(t, gen.Service("web"), nil)}, 1},
		{"deletes nothing by which a leader is elected", world{endpoints: elects}, 0},
		{"leaves the Endpoints of a Service without a selector alone", world{service: without, endpoints: elects}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if p := (Controller{}).Plan(key(), test.w, gen.Now); len(p.Steps()) != test.want {
				t.Errorf("the plan is %q, want %d steps", p, test.want)
			}
		})
	}
}

func key() client.ObjectKey { return client.ObjectKey{Namespace: gen.Namespace, Name: "web"} }

func withoutPorts(service *ocorev1.Service) { service.Spec.Ports = nil }

func pods(all ...*ocorev1.Pod) []ocorev1.Pod {
	var pods []ocorev1.Pod
	for _, pod := range all {
		pods = append(pods, *pod)
	}
	return pods
}

// numbered is a subset of a port with addresses of their own.
func numbered(port int32, from, to int) corev1.EndpointSubset {
	subset := corev1.EndpointSubset{Ports: []corev1.EndpointPort{{Port: port}}}
	for i := from; i < to; i++ {
		subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: fmt.Sprintf("10.1.%d.%d", i/200, i%200)})
	}
	return subset
}

// created are the Endpoints that a Service without any gets.
func created(t interface{ Fatalf(string, ...any) }, service *ocorev1.Service, pods []ocorev1.Pod) *ocorev1.Endpoints {
	steps := Controller{}.Plan(key(), world{service: service, pods: pods}, gen.Now).Steps()
	if len(steps) != 1 {
		t.Fatalf("there are %d steps, want 1", len(steps))
	}
	return steps[0].(*plan.Create).Objects()[0].DeepCopyObject().(*ocorev1.Endpoints)
}

// said are Endpoints in words.
func said(e *ocorev1.Endpoints) string {
	var subsets []string
	for _, s := range e.Subsets {
		var ports []int32
		for _, p := range s.Ports {
			ports = append(ports, p.Port)
		}
		words := []string{fmt.Sprint(ports)}
		for _, a := range s.Addresses {
			words = append(words, a.IP)
		}
		for i, a := range s.NotReadyAddresses {
			if i == 0 {
				words = append(words, "but not")
			}
			words = append(words, a.IP)
		}
		subsets = append(subsets, strings.Join(words, " "))
	}
	return strings.Join(subsets, "; ")
}

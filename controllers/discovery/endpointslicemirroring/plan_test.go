package endpointslicemirroring

import (
	"fmt"
	"strings"
	"testing"

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

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name    string
		subsets []corev1.EndpointSubset
		there   []*odiscoveryv1.EndpointSlice
		want    []string
	}{
		{"a slice for each family", []corev1.EndpointSubset{on(80, "10.0.0.1", "fd00::1")}, nil,
			[]string{"create IPv4 [80]: 10.0.0.1", "create IPv6 [80]: fd00::1"}},
		{"a slice for each set of ports", []corev1.EndpointSubset{on(80, "10.0.0.1"), on(81, "10.0.0.2")}, nil,
			[]string{"create IPv4 [80]: 10.0.0.1", "create IPv4 [81]: 10.0.0.2"}},
		{"one slice for ports with the same addresses", []corev1.EndpointSubset{on(80, "10.0.0.1"), on(81, "10.0.0.1")}, nil,
			[]string{"create IPv4 [80 81]: 10.0.0.1"}},
		{"nothing where nothing has changed", []corev1.EndpointSubset{on(80, "10.0.0.1")}, []*odiscoveryv1.EndpointSlice{showing("s", on(80, "10.0.0.1"))},
			nil},
		{"a slice is used for other ports", []corev1.EndpointSubset{on(81, "10.0.0.1")}, []*odiscoveryv1.EndpointSlice{showing("s", on(80, "10.0.0.1"))},
			[]string{"patch s to IPv4 [81]: 10.0.0.1"}},
		{"a slice of its ports before one of others", []corev1.EndpointSubset{on(81, "10.0.0.1")},
			[]*odiscoveryv1.EndpointSlice{showing("s", on(80, "10.0.0.1")), showing("t", on(81, "10.0.0.2"))},
			[]string{"patch t to IPv4 [81]: 10.0.0.1", "delete s"}},
		{"a slice of a family that is gone goes", nil, []*odiscoveryv1.EndpointSlice{showing("s", on(80, "10.0.0.1"))},
			[]string{"delete s"}},
		{"a slice of earlier Endpoints of the name goes", []corev1.EndpointSubset{on(80, "10.0.0.1")},
			[]*odiscoveryv1.EndpointSlice{ownedBy("earlier", showing("s", on(80, "10.0.0.1")))},
			[]string{"create IPv4 [80]: 10.0.0.1", "delete s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := gen.Steps(Controller{}.Plan(endpoints(test.subsets...), world{mirrored: true, slices: test.there}, gen.Now), said)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlicesGoWhenNothingIsMirrored(t *testing.T) {
	w := world{slices: []*odiscoveryv1.EndpointSlice{showing("s", on(80, "10.0.0.1"))}}
	if diff := cmp.Diff([]string{"delete s"}, gen.Steps(Controller{}.Plan(endpoints(on(80, "10.0.0.1")), w, gen.Now), said)); diff != "" {
		t.Errorf("the plan is not as wanted (-want +got):\n%s", diff)
	}
}

func TestNothingIsCreatedForEndpointsThatAreBeingDeleted(t *testing.T) {
	going := endpoints(on(80, "10.0.0.1"))
	going.DeletionTimestamp = ptr.To(gen.Ago(0))
	if got := gen.Steps(Controller{}.Plan(going, world{mirrored: true}, gen.Now), said); got != nil {
		t.Errorf("the plan is %q", got)
	}
}

func TestAnnotationsAreCopiedButForThoseOfTheEndpointsAlone(t *testing.T) {
	e := endpoints(on(80, "10.0.0.1"))
	e.Labels = map[string]string{"team": "blue", discoveryv1.LabelManagedBy: "liar"}
	e.Annotations = map[string]string{"note": "x", corev1.EndpointsLastChangeTriggerTime: "then", corev1.LastAppliedConfigAnnotation: "{}"}
	created := Controller{}.Plan(e, world{mirrored: true}, gen.Now).Steps()[0].(*plan.Create).Objects()[0]
	if diff := cmp.Diff(map[string]string{"note": "x"}, created.GetAnnotations()); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	want := map[string]string{"team": "blue", discoveryv1.LabelManagedBy: managedBy, discoveryv1.LabelServiceName: "web"}
	if diff := cmp.Diff(want, created.GetLabels()); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	many := on(80, "nonsense")
	for i := range most + 2 {
		many.NotReadyAddresses = append(many.NotReadyAddresses, corev1.EndpointAddress{IP: fmt.Sprintf("10.0.%d.%d", i/200, i%200)})
	}
	m := mirror(endpoints(many))
	if m.invalid != 1 || m.tooMany != 2 || len(m.images[0].endpoints) != most {
		t.Errorf("%d are invalid, %d too many, and %d mirrored", m.invalid, m.tooMany, len(m.images[0].endpoints))
	}
}

func endpoints(subsets ...corev1.EndpointSubset) *ocorev1.Endpoints {
	return &ocorev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Namespace: gen.Namespace, Name: "web", UID: "web"}, Subsets: subsets}
}

func on(port int32, ips ...string) corev1.EndpointSubset {
	subset := corev1.EndpointSubset{Ports: []corev1.EndpointPort{{Port: port, Protocol: corev1.ProtocolTCP}}}
	for _, ip := range ips {
		subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: ip})
	}
	return subset
}

// showing is a slice that mirrors a subset.
func showing(name string, subset corev1.EndpointSubset) *odiscoveryv1.EndpointSlice {
	e := endpoints(subset)
	slice := sliceOf(e, mirror(e).images[0], nil)
	slice.Name, slice.GenerateName = name, ""
	return ownedBy(string(e.UID), slice)
}

func ownedBy(uid string, slice *odiscoveryv1.EndpointSlice) *odiscoveryv1.EndpointSlice {
	slice.OwnerReferences = []metav1.OwnerReference{{UID: gen.Service(uid).UID, Controller: ptr.To(true)}}
	return slice
}

func said(s *odiscoveryv1.EndpointSlice) string {
	var ports []int32
	for _, p := range s.Ports {
		ports = append(ports, *p.Port)
	}
	var addresses []string
	for _, e := range s.Endpoints {
		addresses = append(addresses, e.Addresses...)
	}
	return fmt.Sprintf("%s %v: %s", s.AddressType, ports, strings.Join(addresses, ", "))
}

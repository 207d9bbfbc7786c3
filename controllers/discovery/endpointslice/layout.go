package endpointslice

import (
	"cmp"
	"maps"
	"slices"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/portset"
	"github.com/orrery-dev/orrery/controllers/internal/servicepods"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fullest is how many endpoints a slice may have.
const fullest = 100

// result is what is to be done about a Service's slices.
type result struct {
	toCreate []*odiscoveryv1.EndpointSlice
	toUpdate []update
	toDelete []*odiscoveryv1.EndpointSlice
}

// update is a slice as observed and as it shall be; they may be the same.
type update struct{ observed, wanted *odiscoveryv1.EndpointSlice }

// layOut decides which endpoint is in which slice.
func layOut(service *ocorev1.Service, w *world) result {
	l := newLayout(service, w)
	for _, f := range families(service) {
		l.layOut(f)
	}
	return l.result()
}

// layout is how far that decision has come.
type layout struct {
	service *ocorev1.Service
	world   *world
	drafts  []*draft
}

// draft is one slice: as observed, nil for a new one, and as it shall be, nil for one that goes.
type draft struct {
	observed, wanted *odiscoveryv1.EndpointSlice
}

// newLayout begins with all slices going: each family keeps those that it can use.
func newLayout(service *ocorev1.Service, w *world) *layout {
	l := &layout{service: service, world: w}
	sorted := slices.Clone(w.slices)
	slices.SortFunc(sorted, func(a, b odiscoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	for i := range sorted {
		l.drafts = append(l.drafts, &draft{observed: &sorted[i]})
	}
	return l
}

// group is the pods of a Service that have the same ports.
type group struct {
	ports     []discoveryv1.EndpointPort
	endpoints map[string]discoveryv1.Endpoint // by the pod's name
}

// layOut puts every endpoint of a family into a slice with its ports, or says with an empty slice that there are none.
func (l *layout) layOut(f family) {
	groups := l.groups(f)
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		l.keep(f, key, groups[key])
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		l.fill(f, key, groups[key])
	}
	if !slices.ContainsFunc(l.drafts, func(d *draft) bool { return d.wanted != nil && d.wanted.AddressType == f }) {
		l.open(f, nil)
	}
}

func (l *layout) groups(f family) map[string]*group {
	groups := map[string]*group{}
	for i := range l.world.pods {
		pod := &l.world.pods[i]
		e, ok := l.world.endpoint(l.service, pod, f)
		if !ok {
			continue
		}
		has := ports(l.service, pod)
		key := portset.Key(has)
		if groups[key] == nil {
			groups[key] = &group{ports: has, endpoints: map[string]discoveryv1.Endpoint{}}
		}
		groups[key].endpoints[pod.Name] = e
	}
	return groups
}

// keep keeps the slices of a group that list any of its endpoints, brings those up to date, and takes them off the group.
func (l *layout) keep(f family, key string, g *group) {
	for _, d := range l.drafts {
		if d.wanted != nil || !l.usable(d, f) || portset.Key(d.observed.Ports) != key {
			continue
		}
		var kept []discoveryv1.Endpoint
		for _, listed := range d.observed.Endpoints {
			if e, ok := g.take(listed); ok {
				kept = append(kept, e)
			}
		}
		if len(kept) > 0 {
			d.wanted = l.wanted(d.observed)
			d.wanted.Endpoints = kept
		}
	}
}

// take takes an endpoint off the group; false means that it is not there, or no longer.
func (g *group) take(listed discoveryv1.Endpoint) (discoveryv1.Endpoint, bool) {
	if listed.TargetRef == nil {
		return discoveryv1.Endpoint{}, false
	}
	e, ok := g.endpoints[listed.TargetRef.Name]
	delete(g.endpoints, listed.TargetRef.Name)
	return e, ok
}

// fill puts what is left of a group into slices that change anyway, the fullest first; then into new ones, until the rest
// fits into one that does not change, which is then the one that it fills best.
func (l *layout) fill(f family, key string, g *group) {
	left := make([]discoveryv1.Endpoint, 0, len(g.endpoints))
	for _, pod := range slices.Sorted(maps.Keys(g.endpoints)) {
		left = append(left, g.endpoints[pod])
	}
	var changing, resting []*draft
	for _, d := range l.drafts {
		switch {
		case d.wanted == nil || d.wanted.AddressType != f || portset.Key(d.wanted.Ports) != key:
		case d.changes():
			changing = append(changing, d)
		default:
			resting = append(resting, d)
		}
	}
	slices.SortStableFunc(changing, func(a, b *draft) int { return cmp.Compare(len(b.wanted.Endpoints), len(a.wanted.Endpoints)) })
	for _, d := range changing {
		left = d.fill(left)
	}
	for len(left) > 0 {
		d := bestFit(resting, len(left))
		if d == nil {
			d = l.open(f, g.ports)
		}
		left = d.fill(left)
	}
}

// fill moves as many endpoints into the slice as it has room for, and returns the rest.
func (d *draft) fill(endpoints []discoveryv1.Endpoint) []discoveryv1.Endpoint {
	n := min(len(endpoints), fullest-len(d.wanted.Endpoints))
	d.wanted.Endpoints = append(d.wanted.Endpoints, endpoints[:n]...)
	return endpoints[n:]
}

// bestFit is the fullest slice that has room for n more endpoints; nil means none.
func bestFit(drafts []*draft, n int) *draft {
	var best *draft
	for _, d := range drafts {
		if size := len(d.wanted.Endpoints); size+n <= fullest && (best == nil || size > len(best.wanted.Endpoints)) {
			best = d
		}
	}
	return best
}

// open starts an empty slice: one that was to go, or else a new one.
func (l *layout) open(f family, ports []discoveryv1.EndpointPort) *draft {
	for _, d := range l.drafts {
		if d.wanted == nil && l.usable(d, f) {
			d.wanted = l.wanted(d.observed)
			d.wanted.Ports = slices.Concat([]discoveryv1.EndpointPort{}, ports)
			d.wanted.Endpoints = []discoveryv1.Endpoint{}
			return d
		}
	}
	d := &draft{wanted: l.wanted(&odiscoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: l.service.Namespace, GenerateName: l.service.Name + "-"},
		AddressType: f,
		Ports:       slices.Concat([]discoveryv1.EndpointPort{}, ports),
		Endpoints:   []discoveryv1.Endpoint{},
	})}
	l.drafts = append(l.drafts, d)
	return d
}

// usable reports whether a slice may be kept for a family. The family of a slice never changes, and a slice of an
// earlier Service of the same name is about to be collected.
func (l *layout) usable(d *draft, f family) bool {
	return d.observed != nil && d.observed.AddressType == f && metav1.IsControlledBy(d.observed, l.service)
}

// wanted is a copy of a slice with the labels that it shall have.
func (l *layout) wanted(slice *odiscoveryv1.EndpointSlice) *odiscoveryv1.EndpointSlice {
	wanted := slice.DeepCopy()
	wanted.Labels = maps.Clone(l.service.Labels)
	if wanted.Labels == nil {
		wanted.Labels = map[string]string{}
	}
	delete(wanted.Labels, corev1.IsHeadlessService)
	if servicepods.Headless(l.service) {
		wanted.Labels[corev1.IsHeadlessService] = ""
	}
	wanted.Labels[discoveryv1.LabelServiceName] = l.service.Name
	wanted.Labels[discoveryv1.LabelManagedBy] = managedBy
	return wanted
}

// changes reports whether a slice that stays is to be written.
func (d *draft) changes() bool { return !equality.Semantic.DeepEqual(d.observed, d.wanted) }

// result is what the drafts come to. What is written says which change brought that about.
func (l *layout) result() result {
	var r result
	trigger := triggers(l.service, l.world.pods)
	for _, d := range l.drafts {
		switch {
		case d.wanted == nil:
			r.toDelete = append(r.toDelete, d.observed)
		case d.observed == nil:
			r.toCreate = append(r.toCreate, trigger.noted(d))
		case d.changes():
			r.toUpdate = append(r.toUpdate, update{d.observed, trigger.noted(d)})
		}
	}
	return r
}

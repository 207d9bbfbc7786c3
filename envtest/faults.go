package envtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/rest"
)

// Faults make requests to an API server go wrong, as they do now and then on any cluster: refused, late, lost on the way there or
// back, or cut off. Only clients that were told to by [Faults.Config] meet them; nothing goes wrong before [Faults.Inject]
// or [Faults.Cut]. It is safe for concurrent use.
//
// An Environment's components meet those of its field of that name:
//
//	te := &envtest.Environment{Controllers: true, Faults: envtest.NewFaults(1)}
//	...
//	end := te.Faults.Inject(envtest.Rule{
//		On:     envtest.Requests{Clients: []string{"replicaset-controller"}, Verbs: []string{"create"}, Resources: []string{"pods"}},
//		Chance: 0.5,
//		Fault:  envtest.AnswerLost(),
//	})
//	defer end()
type Faults struct {
	mu     sync.Mutex
	dice   *rand.Rand
	rules  []*rule
	away   [][]string // who has been cut off
	lives  map[*life]struct{}
	counts map[asked]int
}

// NewFaults are faults of which none is there yet. The same seed throws the same dice, for the same requests in the same order.
func NewFaults(seed uint64) *Faults {
	return &Faults{
		dice: rand.New(rand.NewPCG(seed, 0)), lives: map[*life]struct{}{}, counts: map[asked]int{},
	}
}

// Rule says which requests meet a fault.
type Rule struct {
	// On are the requests that it is about; the zero value means all.
	On Requests
	// After is how many of them go well first.
	After int
	// Times is how many of them meet the fault at most; 0 sets no bound.
	Times int
	// Chance is that of each of them, up to 1; 0 means 1.
	Chance float64
	// Fault is what they meet.
	Fault Fault
}

// Requests says which requests are meant, in RBAC's words. An empty list means all.
type Requests struct {
	// Clients are those who ask, by any of the names that Faults.Config was given. In an Environment they are "controllers", "scheduler",
	// "simulated nodes" and the names of the Components; each control loop is known by its own name, too.
	Clients []string
	// Verbs are get, list, watch, create, update, patch, delete and deletecollection.
	Verbs []string
	// Resources are in the plural, with the subresource if they have one: "pods", "pods/status". "pods/*" are all that pods have.
	Resources []string
	// Namespaces and Names are of the objects. A list or watch of a whole cluster has no namespace, and what is created has no name.
	Namespaces, Names []string
}

// Writes are the verbs that change something.
func Writes() []string { return []string{"create", "update", "patch", "delete", "deletecollection"} }

// rule is a Rule that is in force.
type rule struct {
	Rule
	seen, met int
}

// asked is one kind of request.
type asked struct {
	client                          *known
	verb, resource, namespace, name string
}

// known is a client, by its names.
type known struct{ names []string }

// by says whether any of some names is the client's; no names mean all clients.
func (k *known) by(names []string) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(k.names, name) })
}

var infos = &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

func askedBy(client *known, r *http.Request) asked {
	info, err := infos.NewRequestInfo(r)
	if err != nil {
		return asked{client: client}
	}
	resource := info.Resource
	if info.Subresource != "" {
		resource += "/" + info.Subresource
	}
	return asked{client, info.Verb, resource, info.Namespace, info.Name}
}

func (on Requests) match(a asked) bool {
	among := func(all []string, one string) bool { return len(all) == 0 || slices.Contains(all, one) }
	resource, _, _ := strings.Cut(a.resource, "/")
	return a.client.by(on.Clients) && among(on.Verbs, a.verb) && among(on.Namespaces, a.namespace) && among(on.Names, a.name) &&
		(among(on.Resources, a.resource) || slices.Contains(on.Resources, resource+"/*"))
}

// Config is how a client reaches the API server that is to meet the faults. Its names, of which it needs one, are what Requests and the
// methods here know it by.
func (f *Faults) Config(config *rest.Config, names ...string) *rest.Config {
	config = rest.CopyConfig(config)
	client := &known{names}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &faulty{f, client, next} })
	return config
}

// Inject puts a rule into force, until end is called. Of several that are about a request, the first one counts whose turn it is.
func (f *Faults) Inject(r Rule) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	injected := &rule{Rule: r}
	f.rules = append(f.rules, injected)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.rules = slices.DeleteFunc(f.rules, func(r *rule) bool { return r == injected })
	}
}

// Cut cuts clients off: what they have asked for and not been answered breaks off, as do their watches, and nothing gets through until
// Mend. Without names it is every client.
func (f *Faults) Cut(clients ...string) {
	f.mu.Lock()
	f.away = append(f.away, clients)
	f.mu.Unlock()
	f.CutWatches(clients...)
}

// Mend lets through again those whom Cut was given together, or, without names, all.
func (f *Faults) Mend(clients ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = slices.DeleteFunc(f.away, func(cut []string) bool { return len(clients) == 0 || slices.Equal(cut, clients) })
}

// CutWatches breaks off the watches of clients, and what else they have asked for and not been answered. They may begin anew at once.
// Without names it is every client.
func (f *Faults) CutWatches(clients ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.lives {
		if l.client.by(clients) {
			l.end(errBroken)
		}
	}
}

// Count is how many requests there have been of some sort, also of those that met a fault.
func (f *Faults) Count(of Requests) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for a, times := range f.counts {
		if of.match(a) {
			n += times
		}
	}
	return n
}

// String says how many requests there have been, by client, verb and resource, the most first.
func (f *Faults) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	sums := map[string]int{}
	for a, times := range f.counts {
		sums[fmt.Sprintf("%s: %s %s", a.client.names[0], a.verb, a.resource)] += times
	}
	lines := make([]string, 0, len(sums))
	for what, times := range sums {
		lines = append(lines, fmt.Sprintf("%6d %s", times, what))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) })
	return strings.Join(lines, "\n")
}

// next counts a request, and says what it meets: nothing, if both results are nil.
func (f *Faults) next(a asked) (Fault, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[a]++
	if slices.ContainsFunc(f.away, a.client.by) {
		return nil, errBroken
	}
	for _, r := range f.rules {
		if r.On.match(a) && f.turn(r) {
			r.met++
			return r.Fault, nil
		}
	}
	return nil, nil
}

// turn says whether it is a request's turn to meet the fault of a rule that is about it.
func (f *Faults) turn(r *rule) bool {
	r.seen++
	if r.seen <= r.After || r.Times > 0 && r.met >= r.Times {
		return false
	}
	return r.Chance == 0 || f.dice.Float64() < r.Chance
}

// begin is the life of a request, which ends with it, with its answer's body, or when somebody cuts it.
func (f *Faults) begin(ctx context.Context, client *known) (context.Context, *life) {
	ctx, end := context.WithCancelCause(ctx)
	l := &life{client: client, end: end}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lives[l] = struct{}{}
	l.forget = func() {
		end(context.Canceled)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.lives, l)
	}
	return ctx, l
}

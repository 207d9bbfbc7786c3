package dns

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// atRest is a world in which all is as it should be, changed by some.
func atRest(changes ...func(*world)) world {
	w := world{
		options: Options{
			NodeName: "one", Domain: "cluster.local",
			ServiceIP: netip.MustParseAddr("10.96.0.10"), Listen: netip.MustParseAddr("10.200.0.1"),
		},
		port:      53,
		upstreams: "192.0.2.53",
	}
	w.configMap = configMap(DefaultCorefile(w.options.Domain))
	w.service = service("10.96.0.10")
	w.slice = endpointSlice(w.options, w.port)
	w.running = setup{DefaultCorefile(w.options.Domain), w.upstreams}
	for _, change := range changes {
		change(&w)
	}
	return w
}

func TestPlan(t *testing.T) {
	loopback := func(w *world) { w.options.Listen = netip.MustParseAddr("127.0.0.1") }
	selecting := func(w *world) { w.service.Spec.Selector = map[string]string{"k8s-app": "kube-dns"} }
	edited := func(w *world) { w.configMap.Data[corefileKey] = ".:53 {\n}\n" }
	for _, c := range []struct {
		name  string
		world world
		want  string
	}{
		{"does nothing where all is as it should be", atRest(), `
nothing to do: the server runs what the ConfigMap says, and is an endpoint of the Service`},
		{"answers first, and then makes what users look for", atRest(func(w *world) {
			w.configMap, w.service, w.slice, w.running = nil, nil, nil, setup{}
		}), `
load the Corefile: nothing is answered yet
create ConfigMap kube-system/coredns: there is none, and users look for the Corefile there
create Service kube-system/kube-dns: there is none, and pods ask at its address
create EndpointSlice kube-system/kube-dns-one: the Service leads to this server`},
		{"takes up a Corefile that was edited", atRest(edited), `
load the Corefile: the Corefile has changed`},
		{"does not try again what was refused", atRest(edited, func(w *world) { w.refused = setup{".:53 {\n}\n", w.upstreams} }), `
nothing to do: the server runs what the ConfigMap says, and is an endpoint of the Service`},
		{"goes back to the default when the ConfigMap is deleted", atRest(func(w *world) {
			w.configMap, w.running.corefile = nil, ".:53 {\n}\n"
		}), `
load the Corefile: the Corefile has changed
create ConfigMap kube-system/coredns: there is none, and users look for the Corefile there`},
		{"refuses no more than a ConfigMap without a Corefile", atRest(func(w *world) { w.configMap.Data = nil }), `
load the Corefile: the Corefile has changed`},
		{"asks the resolvers of another network", atRest(func(w *world) { w.upstreams = "198.51.100.1" }), `
load the Corefile: the resolvers of this machine are now "198.51.100.1", and were "192.0.2.53"`},
		{"leaves a Service alone at which pods answer", atRest(selecting), `
delete EndpointSlice kube-system/kube-dns-one: Service kube-system/kube-dns has a selector: pods answer`},
		{"does not answer at another address than pods ask", atRest(func(w *world) { w.service.Spec.ClusterIP, w.slice = "10.96.0.11", nil }), `
nothing to do: Service kube-system/kube-dns has the address 10.96.0.11, and pods ask 10.96.0.10`},
		{"is no endpoint where only this machine reaches it", atRest(loopback), `
delete EndpointSlice kube-system/kube-dns-one: this server can be asked on this machine only`},
		{"makes its endpoint anew", atRest(func(w *world) { w.slice = nil }), `
create EndpointSlice kube-system/kube-dns-one: the Service leads to this server`},
		{"says in its endpoint where it listens", atRest(func(w *world) { w.port = 4053 }), `
update EndpointSlice kube-system/kube-dns-one: the Service leads to this server`},
		{"repairs an endpoint that somebody else has changed", atRest(func(w *world) { w.slice.Endpoints = nil }), `
update EndpointSlice kube-system/kube-dns-one: the Service leads to this server`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), plan(c.world).String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package ingress

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// worldOf has our class, somebody else's, and Services a to d with the port 80, called http.
func worldOf(objects ...any) World {
	w := World{
		Options: Options{Address: netip.MustParseAddr("192.0.2.1")},
		Present: &Table{},
		Classes: []*networkingv1.IngressClass{class("orrery", ControllerName), class("other", "example.com/other")},
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		w.Services = append(w.Services, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Spec: corev1.ServiceSpec{
				ClusterIP: netip.AddrFrom4([4]byte{10, 96, 0, byte(i + 1)}).String(), Ports: []corev1.ServicePort{{Name: "http", Port: 80}},
			},
		})
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *networkingv1.Ingress:
			w.Ingresses = append(w.Ingresses, o)
		case *networkingv1.IngressClass:
			w.Classes = append(w.Classes, o)
		}
	}
	return w
}

func class(name, controller string) *networkingv1.IngressClass {
	return &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.IngressClassSpec{Controller: controller}}
}

// ingress is one of our class with rules, each as in "web.example.com/path Prefix a", where anything but a host may be left out.
func ingress(name string, rules ...string) *networkingv1.Ingress {
	i := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, CreationTimestamp: metav1.NewTime(noon)},
		Spec:       networkingv1.IngressSpec{IngressClassName: ptr.To("orrery")},
	}
	for _, rule := range rules {
		fields := strings.Fields(rule)
		host, path, _ := strings.Cut(fields[0], "/")
		i.Spec.Rules = append(i.Spec.Rules, networkingv1.IngressRule{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/" + path, PathType: ptr.To(networkingv1.PathType(fields[1])), Backend: *to(fields[2]),
			}}},
		}})
	}
	return i
}

func to(service string) *networkingv1.IngressBackend {
	return &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: service, Port: networkingv1.ServiceBackendPort{Number: 80},
	}}
}

func changed(i *networkingv1.Ingress, change func(*networkingv1.Ingress)) *networkingv1.Ingress {
	change(i)
	return i
}

func TestWhereRequestsGo(t *testing.T) {
	older := func(i *networkingv1.Ingress) { i.CreationTimestamp = metav1.NewTime(noon.Add(-time.Hour)) }
	byDefault := func(i *networkingv1.Ingress) { i.Spec.DefaultBackend = to("d") }
	for _, c := range []struct {
		name    string
		world   World
		request string // host and path
		want    string // the Service, "nowhere", or why it is missing
	}{
		// As the documentation of Kubernetes has them: https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
		{"Prefix /, (all paths)", worldOf(ingress("i", "x/ Prefix a")), "x/foo", "a"},
		{"Exact /foo, /foo", worldOf(ingress("i", "x/foo Exact a")), "x/foo", "a"},
		{"Exact /foo, /bar", worldOf(ingress("i", "x/foo Exact a")), "x/bar", "nowhere"},
		{"Exact /foo, /foo/", worldOf(ingress("i", "x/foo Exact a")), "x/foo/", "nowhere"},
		{"Exact /foo/, /foo", worldOf(ingress("i", "x/foo/ Exact a")), "x/foo", "nowhere"},
		{"Prefix /foo, /foo/", worldOf(ingress("i", "x/foo Prefix a")), "x/foo/", "a"},
		{"Prefix /foo/, /foo", worldOf(ingress("i", "x/foo/ Prefix a")), "x/foo", "a"},
		{"Prefix /aaa/bb, /aaa/bbb", worldOf(ingress("i", "x/aaa/bb Prefix a")), "x/aaa/bbb", "nowhere"},
		{"Prefix /aaa/bbb, /aaa/bbb/ccc", worldOf(ingress("i", "x/aaa/bbb Prefix a")), "x/aaa/bbb/ccc", "a"},
		{"Prefix /aaa/bbb, /aaa/bbbxyz", worldOf(ingress("i", "x/aaa/bbb Prefix a")), "x/aaa/bbbxyz", "nowhere"},
		{"Prefix /, /aaa, /aaa/bbb, /ccc", worldOf(ingress("i", "x/ Prefix a", "x/aaa Prefix b", "x/aaa/bbb Prefix c")), "x/ccc", "a"},
		{"Prefix /, /aaa, /aaa/bbb, /aaa/ccc", worldOf(ingress("i", "x/ Prefix a", "x/aaa Prefix b", "x/aaa/bbb Prefix c")), "x/aaa/ccc", "b"},
		{"mixed /foo (Prefix), /foo (Exact), /foo", worldOf(ingress("i", "x/foo Prefix a", "x/foo Exact b")), "x/foo", "b"},
		{"takes ImplementationSpecific for Prefix", worldOf(ingress("i", "x/foo ImplementationSpecific a")), "x/foo/bar", "a"},

		{"the host that is named before a wildcard", worldOf(ingress("i", "*.example.com/ Prefix a", "web.example.com/ Prefix b")), "web.example.com/", "b"},
		{"a wildcard before any host", worldOf(ingress("i", "/ Prefix a", "*.example.com/ Prefix b")), "web.example.com/", "b"},
		{"a wildcard for one label", worldOf(ingress("i", "*.example.com/ Prefix a")), "deep.web.example.com/", "nowhere"},
		{"a wildcard for one label at least", worldOf(ingress("i", "*.example.com/ Prefix a")), "example.com/", "nowhere"},
		{"no wildcard for a host that has rules", worldOf(ingress("i", "*.example.com/ Prefix a", "web.example.com/foo Prefix b")), "web.example.com/bar", "nowhere"},
		{"hosts in any case", worldOf(ingress("i", "web.example.com/ Prefix a")), "WEB.Example.com/", "a"},

		{"the default backend where nothing matches", worldOf(changed(ingress("i", "x/foo Prefix a"), byDefault)), "y/", "d"},
		{"the default backend for a path that does not match", worldOf(changed(ingress("i", "x/foo Prefix a"), byDefault)), "x/bar", "d"},
		{"what the older of two says", worldOf(ingress("i", "x/ Prefix a"), changed(ingress("j", "x/ Prefix b"), older)), "x/", "b"},
		{"what each of two says of a host", worldOf(ingress("i", "x/a Prefix a"), ingress("j", "x/b Prefix b")), "x/b", "b"},

		{"a port by its name", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port = networkingv1.ServiceBackendPort{Name: "http"}
		})), "x/", "a"},
		{"a port that there is not", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port = networkingv1.ServiceBackendPort{Number: 81}
		})), "x/", "it has no such port"},
		{"a Service that there is not", worldOf(ingress("i", "x/ Prefix nobody")), "x/", "it does not exist"},
		{"a backend that is no Service", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].Backend = networkingv1.IngressBackend{Resource: &corev1.TypedLocalObjectReference{}}
		})), "x/", "the backend is no Service"},

		{"nothing of another class", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) { i.Spec.IngressClassName = ptr.To("other") })), "x/", "nowhere"},
		{"nothing without a class", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) { i.Spec.IngressClassName = nil })), "x/", "nowhere"},
		{"our class by its old annotation", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) {
			i.Spec.IngressClassName, i.Annotations = nil, map[string]string{"kubernetes.io/ingress.class": "orrery"}
		})), "x/", "a"},
		{"nothing of one that is deleted", worldOf(changed(ingress("i", "x/ Prefix a"), func(i *networkingv1.Ingress) { i.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) })), "x/", "nowhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			host, path, _ := strings.Cut(c.request, "/")
			found, ok := compile(c.world, ours(c.world)).Find(host, "/"+path)
			got := found.Service.Name
			if !ok {
				got = "nowhere"
			} else if found.Missing != "" {
				got = found.Missing
			}
			if got != c.want {
				t.Errorf("it goes to %s, want %s", got, c.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	web := ingress("web", "web.example.com/foo Prefix a")
	served := changed(ingress("web", "web.example.com/foo Prefix a"), func(i *networkingv1.Ingress) { i.Status.LoadBalancer = statusOf(netip.MustParseAddr("192.0.2.1"), i) })
	holding := func(w World) World {
		w.Present = compile(w, ours(w))
		return w
	}
	bare := worldOf(web)
	bare.Classes = nil
	for _, c := range []struct {
		name  string
		world World
		want  string
	}{
		{"serves an Ingress, and says where", worldOf(web), `serve
  web.example.com/foo (Prefix) to Service default/a at 10.96.0.1:80
status Ingress default/web: 192.0.2.1: it is served there`},
		{"has nothing to do when that is so", holding(worldOf(served)), "nothing to do: the routes are those of 1 Ingresses"},
		{"stops serving one that is gone", func() World {
			w := worldOf()
			w.Present = holding(worldOf(served)).Present
			return w
		}(), "serve nothing"},
		{"makes the class where there is none, and the default one", bare, "create IngressClass orrery: there is none of this name, nor one that is the default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Plan(c.world).String(); got != c.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

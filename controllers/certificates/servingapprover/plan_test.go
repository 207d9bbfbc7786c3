package servingapprover

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	odiscoveryv1 "github.com/orrery-dev/orrery/apis/discovery/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type change = func(*certificatesv1.CertificateSigningRequest)

// serving is a request of node one for the certificate of its server at 192.0.2.1.
func serving(name string, changes ...change) *certificatesv1.CertificateSigningRequest {
	return gen.CertificateSigningRequest(name, append([]change{func(r *certificatesv1.CertificateSigningRequest) {
		r.Spec.SignerName = certificatesv1.KubeletServingSignerName
		r.Spec.Usages = []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}
	}, asks([]string{"one"}, "192.0.2.1")}, changes...)...)
}

func asks(names []string, addresses ...string) change {
	return func(r *certificatesv1.CertificateSigningRequest) {
		template := gen.OfNode("one")
		template.DNSNames = names
		for _, address := range addresses {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
		}
		r.Spec.Request = gen.Asking(template)
	}
}

func by(user string) change {
	return func(r *certificatesv1.CertificateSigningRequest) { r.Spec.Username = user }
}

func node(name string, addresses ...string) *ocorev1.Node {
	n := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, address := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
	}
	return n
}

// server is the Service kubernetes at 10.96.0.1, with an endpoint at 192.0.2.9.
func server() []client.Object {
	service := &ocorev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes"}}
	service.Spec.ClusterIP = "10.96.0.1"
	slice := &odiscoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "kubernetes", Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"},
	}}
	slice.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.9"}}}
	return []client.Object{service, slice}
}

// nodesMay lets nodes have the certificates of their servers.
func nodesMay(question client.Object) error {
	review := question.(*authorizationv1.SubjectAccessReview)
	review.Status.Allowed = review.Spec.ResourceAttributes.Subresource == "selfnodeserver" && review.Spec.User != "system:node:poor"
	return nil
}

func TestPlan(t *testing.T) {
	const approved = "approve CertificateSigningRequest a: " + message
	not := func(why string) string {
		return "nothing to do: it is not approved: " + why + "\nlook again in 1s: it may be right later"
	}
	one := node("one", "192.0.2.1", "192.0.2.2")
	for _, tt := range []struct {
		name  string
		is    []change
		nodes []*ocorev1.Node
		want  string
	}{
		{"a node at its address is approved", nil, []*ocorev1.Node{one}, approved},
		{"at several", []change{asks([]string{"one"}, "192.0.2.1", "192.0.2.2")}, []*ocorev1.Node{one}, approved},
		{"by its address alone", []change{asks(nil, "192.0.2.1")}, []*ocorev1.Node{one}, approved},
		{"by its name alone", []change{asks([]string{"one"})}, []*ocorev1.Node{one}, approved},
		{"not before it is there", nil, nil, not("there is no Node one")},
		{"nor at an address that it does not have", nil, []*ocorev1.Node{node("one", "192.0.2.7")}, not("192.0.2.1 is not an address of Node one")},
		{"nor at one that another has too", nil, []*ocorev1.Node{one, node("two", "192.0.2.1")}, not("192.0.2.1 is an address of another Node as well")},
		{"nor at that of the Service kubernetes", []change{asks(nil, "10.96.0.1")}, []*ocorev1.Node{node("one", "10.96.0.1")}, not("10.96.0.1 is an address of the API server")},
		{"nor at that of the API server", []change{asks(nil, "192.0.2.9")}, []*ocorev1.Node{node("one", "192.0.2.9")}, not("192.0.2.9 is an address of the API server")},
		{"nor at a loopback address", []change{asks(nil, "127.0.0.1")}, []*ocorev1.Node{node("one", "127.0.0.1")}, not("127.0.0.1 is an address of every machine")},
		{"nor by another name", []change{asks([]string{"kubernetes"}, "192.0.2.1")}, []*ocorev1.Node{one}, not("kubernetes is not the name of Node one")},
		{"nor for another node", []change{by("system:node:two")}, []*ocorev1.Node{one}, not("system:node:two asks for the certificate of system:node:one")},
		{"nor is who is no node", []change{by("jane")}, []*ocorev1.Node{one}, not("jane asks for the certificate of system:node:one")},
		{"what asks for more than the signer signs is the signer's business", []change{func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.Usages = append(r.Spec.Usages, certificatesv1.UsageClientAuth)
		}}, []*ocorev1.Node{one}, "nothing to do"},
		{"so is another signer's", []change{func(r *certificatesv1.CertificateSigningRequest) {
			r.Spec.SignerName = certificatesv1.KubeAPIServerClientKubeletSignerName
		}}, []*ocorev1.Node{one}, "nothing to do"},
		{"what was denied stays so", []change{gen.Says(certificatesv1.CertificateDenied, gen.Ago(0))}, []*ocorev1.Node{one}, "nothing to do"},
		{"what is being deleted is left alone", []change{gen.Deleted[*certificatesv1.CertificateSigningRequest]}, []*ocorev1.Node{one}, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stored := looptest.NewWorld(gen.Schemes(t)[apis.Kubernetes])
			stored.Reviews = map[string]func(client.Object) error{"SubjectAccessReview": nodesMay}
			for _, object := range server() {
				stored.Put(object)
			}
			for _, n := range tt.nodes {
				stored.Put(n)
			}
			r := serving("a", tt.is...)
			w, err := Controller{}.Observe(t.Context(), loop.NewView(stored.Client("approver"), nil, gen.Now), r)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Controller{}).Plan(r, w, gen.Now).String(); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWhoHasNotTheRightWaits(t *testing.T) {
	r := serving("a", by("system:node:poor"))
	asked := gen.OfNode("poor")
	w := world{asked: asked, node: "poor", nodes: map[string][]string{"poor": {}}}
	if got, want := w.objection(r), "system:node:poor may not create certificatesigningrequests/selfnodeserver"; got != want {
		t.Errorf("the objection is %q, want %q", got, want)
	}
	r.CreationTimestamp = gen.Ago(time.Hour)
	if got, want := (Controller{}).Plan(r, w, gen.Now).String(), "look again in 16m40s"; !strings.Contains(got, want) {
		t.Errorf("the plan is %s, want %q in it", got, want)
	}
}

package servicecidr

import (
	"net/netip"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/controller/servicecidrs"
)

type change = func(*networkingv1.ServiceCIDR)

var protected = gen.Finalized[*networkingv1.ServiceCIDR](finalizer)

// serviceCIDR is one with some ranges.
func serviceCIDR(name string, cidrs []string, changes ...change) *networkingv1.ServiceCIDR {
	cidr := &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: cidrs}}
	for _, change := range changes {
		change(cidr)
	}
	return cidr
}

// going is being deleted for some time.
func going(since time.Duration) change {
	return func(cidr *networkingv1.ServiceCIDR) {
		at := gen.Ago(since)
		cidr.DeletionTimestamp = &at
	}
}

func says(condition metav1.Condition) change {
	return func(cidr *networkingv1.ServiceCIDR) {
		condition.LastTransitionTime = gen.Ago(time.Hour)
		cidr.Status.Conditions = []metav1.Condition{condition}
	}
}

// address is one that the API server has given to a Service.
func address(text string) *networkingv1.IPAddress {
	return &networkingv1.IPAddress{ObjectMeta: metav1.ObjectMeta{Name: text, Labels: map[string]string{
		networkingv1.LabelManagedBy: managedBy, networkingv1.LabelIPAddressFamily: string(family(netip.MustParseAddr(text))),
	}}}
}

func TestPlan(t *testing.T) {
	const (
		add       = "add finalizer networking.k8s.io/service-cidr-finalizer to ServiceCIDR new: it must not go away while addresses of it are in use\n"
		removal   = "remove finalizer networking.k8s.io/service-cidr-finalizer from ServiceCIDR new: it is being deleted, and no address needs it"
		isReady   = `status ServiceCIDR new {"status":{"conditions":[{"lastTransitionTime":"2030-01-02T03:04:05Z","message":"Kubernetes Service CIDR is ready","reason":"","status":"True","type":"Ready"}]}}`
		isLeaving = `status ServiceCIDR new {"status":{"conditions":[{"lastTransitionTime":"2030-01-02T03:04:05Z","message":"There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR","reason":"Terminating","status":"False","type":"Ready"}]}}`
	)
	inUse := world{orphan: netip.MustParseAddr("10.0.0.1")}
	for _, tt := range []struct {
		name  string
		cidr  []change
		world world
		want  string
	}{
		{"a new one gets the finalizer and is ready", nil, world{}, add + isReady},
		{"one that is ready is left alone", []change{protected, says(ready)}, world{}, "nothing to do"},
		{"one that has lost its finalizer gets it again", []change{says(ready)}, world{}, add[:len(add)-1]},
		{"a deleted one says why it is still there", []change{protected, says(ready), going(0)}, inUse, isLeaving},
		{"once", []change{protected, says(terminating), going(time.Hour)}, inUse, "nothing to do: it is being deleted, and no other ServiceCIDR holds address 10.0.0.1"},
		{"one that no address needs waits for the API servers", []change{protected, says(ready), going(4 * time.Second)}, world{},
			"nothing to do\nlook again in 6s: by then API servers give out no addresses of it"},
		{"and then goes", []change{protected, says(ready), going(10 * time.Second)}, world{}, removal},
		{"what others keep is theirs", []change{gen.Finalized[*networkingv1.ServiceCIDR]("example.com/mine"), going(time.Hour)}, world{}, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := (Controller{}).Plan(serviceCIDR("new", []string{"10.0.0.0/24"}, tt.cidr...), tt.world, gen.Now).String()
			if got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestTheFinalizerIsKubernetes(t *testing.T) {
	if finalizer != servicecidrs.ServiceCIDRProtectionFinalizer {
		t.Errorf("it is %s, want %s", finalizer, servicecidrs.ServiceCIDRProtectionFinalizer)
	}
}

func TestWhatHoldsUpTheEndOfARange(t *testing.T) {
	four, six := []string{"10.0.0.0/24"}, []string{"fd00::/64"}
	both := append(append([]string{}, four...), six...)
	other := address("10.0.0.7")
	other.Labels[networkingv1.LabelManagedBy] = "somebody"
	for _, tt := range []struct {
		name      string
		cidrs     []string
		others    []*networkingv1.ServiceCIDR
		addresses []*networkingv1.IPAddress
		want      string
	}{
		{"nothing where there are no addresses", four, nil, nil, ""},
		{"an address of it", four, nil, []*networkingv1.IPAddress{address("10.0.0.7")}, "10.0.0.7"},
		{"an address of its second family", both, nil, []*networkingv1.IPAddress{address("fd00::7")}, "fd00::7"},
		{"not one that lies elsewhere", four, nil, []*networkingv1.IPAddress{address("10.0.1.7")}, ""},
		{"not the first and the last of the range", four, nil, []*networkingv1.IPAddress{address("10.0.0.0"), address("10.0.0.255")}, ""},
		{"the last one of an IPv6 range", six, nil, []*networkingv1.IPAddress{address("fd00::ffff:ffff:ffff:ffff")}, "fd00::ffff:ffff:ffff:ffff"},
		{"not one that somebody else made", four, nil, []*networkingv1.IPAddress{other}, ""},
		{"not one that another range holds", four, []*networkingv1.ServiceCIDR{serviceCIDR("small", []string{"10.0.0.0/28"})}, []*networkingv1.IPAddress{address("10.0.0.7")}, ""},
		{"nothing where another contains the whole", four, []*networkingv1.ServiceCIDR{serviceCIDR("large", []string{"10.0.0.0/16"})},
			[]*networkingv1.IPAddress{address("10.0.0.7")}, ""},
		{"an address where another contains but one of two ranges", both, []*networkingv1.ServiceCIDR{serviceCIDR("large", []string{"10.0.0.0/16"})},
			[]*networkingv1.IPAddress{address("fd00::7")}, "fd00::7"},
		{"nothing where another is deleted too, but later", four, []*networkingv1.ServiceCIDR{serviceCIDR("same", four, going(time.Minute))},
			[]*networkingv1.IPAddress{address("10.0.0.7")}, ""},
		{"an address where the other goes first", four, []*networkingv1.ServiceCIDR{serviceCIDR("same", four, going(2*time.Hour))},
			[]*networkingv1.IPAddress{address("10.0.0.7")}, "10.0.0.7"},
		{"nothing where the other goes at the same time, and its name comes later", four, []*networkingv1.ServiceCIDR{serviceCIDR("same", four, going(time.Hour))},
			[]*networkingv1.IPAddress{address("10.0.0.7")}, ""},
		{"an address where its name comes first", four, []*networkingv1.ServiceCIDR{serviceCIDR("again", four, going(time.Hour))},
			[]*networkingv1.IPAddress{address("10.0.0.7")}, "10.0.0.7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cidr := serviceCIDR("new", tt.cidrs, protected, going(time.Hour))
			got := ""
			if w := decide(cidr, tt.others, tt.addresses); w.orphan.IsValid() {
				got = w.orphan.String()
			}
			if got != tt.want {
				t.Errorf("it is %q, want %q", got, tt.want)
			}
		})
	}
}

// decide is what look finds where there are some ServiceCIDRs and addresses.
func decide(cidr *networkingv1.ServiceCIDR, others []*networkingv1.ServiceCIDR, addresses []*networkingv1.IPAddress) world {
	all := []networkingv1.ServiceCIDR{*cidr}
	for _, other := range others {
		all = append(all, *other)
	}
	var list []networkingv1.IPAddress
	for _, address := range addresses {
		list = append(list, *address)
	}
	if counted := covers(cidr, all); !contained(cidr, counted) {
		return world{orphanOf(cidr, counted, list)}
	}
	return world{}
}

func TestFamilies(t *testing.T) {
	for text, want := range map[string]corev1.IPFamily{"10.0.0.1": corev1.IPv4Protocol, "fd00::1": corev1.IPv6Protocol} {
		if got := family(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is of %s, want %s", text, got, want)
		}
	}
}
